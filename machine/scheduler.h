// Scheduler: which thread runs next, and for how many instructions. The strategies of `pollux run`:
// a random walk and round robin. A strategy sees only threads that can run and its own random
// stream, so one seed gives one schedule.
#ifndef POLLUX_MACHINE_SCHEDULER_H_
#define POLLUX_MACHINE_SCHEDULER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "os_emu/task/kernel.h"
#include "os_emu/task/random.h"

namespace pollux::machine {

enum class StrategyKind { kRandom, kRoundRobin };

// How often a thread that others wait beside is preempted.
struct PreemptionRate {
  // Expected preemptions in a million retired instructions. 0: only where a thread waits or
  // yields, and after kLongestSlice, so that one that spins cannot starve the others.
  uint64_t per_million = 1000;
};

class Scheduler {
 public:
  // Instructions that nobody is preempted later than.
  static constexpr uint64_t kLongestSlice = 10'000'000;

  virtual ~Scheduler() = default;

  // The place in `runnable` (not empty, ascending tids) of the thread that runs next. `last`: the
  // one that ran before; where `leave` it was preempted or has yielded, and another one is chosen
  // if there is any.
  virtual size_t Choose(std::span<os_emu::Thread* const> runnable, const os_emu::Thread* last,
                        bool leave) = 0;
  // Instructions until the next preemption, at least 1. Asked when the last ones are spent.
  virtual uint64_t NextSlice() = 0;
};

std::unique_ptr<Scheduler> MakeScheduler(StrategyKind kind, PreemptionRate rate,
                                         os_emu::RandomStream random);

// A geometric random number of mean `mean` (at least 1), from integers only: the same on every
// host. At least 1.
uint64_t DrawGeometric(os_emu::RandomStream& random, uint64_t mean);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_SCHEDULER_H_
