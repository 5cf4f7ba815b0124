#include "interp/engine/engine.h"

#include "abi/check.h"
#include "interp/engine/fast.h"
#include "interp/engine/reference.h"

namespace pollux::interp {
namespace {

class ReferenceEngine final : public Engine {
 public:
  ReferenceEngine(memory::AddressSpace& memory, Counters& counters)
      : memory_(memory), reference_(memory, counters) {}

  Ahead LookAhead(const Cpu& cpu) override { return {.next = NextAccessOf(memory_, cpu)}; }
  void Forget() override {}
  void Detach() override {}
  void Attach() override {}
  Stop Run(Cpu& cpu, uint64_t budget) override {
    cpu.pc &= ~uint64_t{1};
    for (; budget > 0; --budget) {
      if (const std::optional<Stop> stop = reference_.Step(cpu)) return *stop;
    }
    return Stop{.reason = StopReason::kBudget};
  }

 private:
  memory::AddressSpace& memory_;
  ReferenceStep reference_;
};

}  // namespace

std::unique_ptr<Engine> MakeEngine(EngineKind kind, memory::AddressSpace& memory,
                                   Counters& counters) {
  switch (kind) {
    case EngineKind::kReference:
      return std::make_unique<ReferenceEngine>(memory, counters);
    case EngineKind::kFast:
      return std::make_unique<FastEngine>(memory, counters);
    case EngineKind::kGotos:
      return std::make_unique<FastEngine>(memory, counters, Dispatch::kGotos);
    case EngineKind::kCounting:
      return std::make_unique<FastEngine>(memory, counters, Dispatch::kCounted);
  }
  POLLUX_CHECK(false) << "no such engine";
}

}  // namespace pollux::interp
