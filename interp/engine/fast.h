// FastEngine: runs the bytecode of bytecode/code_cache.h. What the bytecode does not do itself
// (faults, CSRs, ebreak) is left to the reference step, one instruction at a time, so every stop is
// exact.
#ifndef POLLUX_INTERP_ENGINE_FAST_H_
#define POLLUX_INTERP_ENGINE_FAST_H_

#include "interp/bytecode/code_cache.h"
#include "interp/engine/dispatch.h"
#include "interp/engine/engine.h"
#include "interp/engine/reference.h"

namespace pollux::interp {

// How it goes from one operation to the next (engine/dispatch.h).
enum class Dispatch { kGotos, kTailCalls, kCounted };

class FastEngine final : public Engine {
 public:
  // The faster one of what this build and this processor have.
  static Dispatch BestDispatch();

  // Both must outlive it.
  FastEngine(memory::AddressSpace& memory, Counters& counters, Dispatch dispatch = BestDispatch(),
             size_t capacity_ops = CodeCache::kDefaultCapacityOps)
      : memory_(memory),
        counters_(counters),
        reference_(memory, counters),
        dispatch_(dispatch),
        cache_(memory, dispatch != Dispatch::kGotos ? TailCallHandlerOf : nullptr, capacity_ops) {}

  Stop Run(Cpu& cpu, uint64_t budget) override;
  Ahead LookAhead(const Cpu& cpu) override;
  void Forget() override { cache_.Flush(); }
  void Detach() override { cache_.Detach(); }
  void Attach() override { cache_.Attach(); }

  const CodeCache& cache() const { return cache_; }

 private:
  // Runs bytecode from `ip` on and retires at most `budget` instructions: with less than kMargin
  // all of them, else as many as leave less than that. Returns the Op where it ended, which it
  // could not run if there was room for it.
  Op* RunBytecode(Cpu& cpu, Op* ip, uint64_t budget);

  // Whether a store there can change no code.
  bool KeepsCode(uint64_t addr, uint8_t bytes) const;

  memory::AddressSpace& memory_;
  Counters& counters_;
  ReferenceStep reference_;
  const Dispatch dispatch_;
  CodeCache cache_;
};

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_FAST_H_
