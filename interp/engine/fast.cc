#include "interp/engine/fast.h"

#include <algorithm>

#include "interp/engine/dispatch.h"
#include "interp/fp/host_fp.h"

namespace pollux::interp {
namespace {

// More than any run needs; keeps `stop` far from wrapping.
constexpr uint64_t kMaxBudget = uint64_t{1} << 48;

}  // namespace

Dispatch FastEngine::BestDispatch() {
  static const bool tail_calls = TailCallsWork();
  return tail_calls ? Dispatch::kTailCalls : Dispatch::kGotos;
}

Op* FastEngine::RunBytecode(Cpu& cpu, Op* ip, uint64_t budget) {
  const bool one_by_one = budget < kMargin || dispatch_ == Dispatch::kCounted;
  const uint64_t before_stop = one_by_one ? budget : budget - kMargin;
  Frame frame{.cpu = &cpu,
              .ops = cache_.ops(),
              .pcs = cache_.pcs(),
              .jumps = cache_.jumps(),
              .ip = ip,
              .stop = reinterpret_cast<uintptr_t>(ip) + before_stop * sizeof(Op)};
  fp::HostFpEnter();
  if (dispatch_ == Dispatch::kCounted) {
    counters_.CountOperations(RunCounted(frame, memory_.base(), memory_.flags()));
  } else if (one_by_one) {
    RunOneByOne(frame, memory_.base(), memory_.flags());
  } else if (dispatch_ == Dispatch::kTailCalls) {
    RunTailCalls(frame, memory_.base(), memory_.flags());
  } else {
    RunGotos(frame, memory_.base(), memory_.flags());
  }
  cpu.fflags |= static_cast<uint8_t>(frame.fflags | fp::HostFpCollect());
  const auto left = static_cast<intptr_t>(frame.stop - reinterpret_cast<uintptr_t>(frame.ip)) /
                    static_cast<intptr_t>(sizeof(Op));
  cpu.retired += before_stop - static_cast<uint64_t>(left);
  cpu.pc = cache_.PcOf(frame.ip);
  return frame.ip;
}

Stop FastEngine::Run(Cpu& cpu, uint64_t budget) {
  const uint64_t end = cpu.retired + std::min(budget, kMaxBudget);
  cpu.pc &= ~uint64_t{1};
  Op* stub = nullptr;  // The kTranslate Op that led to cpu.pc.
  while (cpu.retired < end) {
    // With an invalid frm every dynamic rounding is illegal, which only the reference step looks
    // at.
    if (cpu.frm <= fp::kRmm) {
      const uint64_t generation = cache_.generation();
      Op* ip = cache_.FindOrTranslate(cpu.pc);
      if (ip != nullptr) {
        if (stub != nullptr && generation == cache_.generation()) cache_.Link(stub, ip);
        const bool had_margin = end - cpu.retired >= kMargin && dispatch_ != Dispatch::kCounted;
        ip = RunBytecode(cpu, ip, end - cpu.retired);
        if (cpu.retired == end) break;
        if (ip->code == Bytecode::kEcall) {
          cpu.pc += ip->length;
          ++cpu.retired;
          return Stop{.reason = StopReason::kEcall};
        }
        stub = ip->code == Bytecode::kTranslate ? ip : nullptr;
        // Reached code to be translated, or the margin: the instruction at ip is not tried yet.
        if (stub != nullptr || (had_margin && end - cpu.retired < kMargin)) continue;
      }
    }
    stub = nullptr;
    if (const std::optional<Stop> stop = reference_.Step(cpu)) return *stop;
  }
  return Stop{.reason = StopReason::kBudget};
}

}  // namespace pollux::interp
