// CpuClock: the processor time of one thread or one process, and the timers that go by it
// (kernel/time/posix-cpu-timers.c).
//
// It goes on by Compute() alone, which lets the timers that are due happen. All computing is user
// time, so what Linux calls CPUCLOCK_PROF, CPUCLOCK_VIRT and CPUCLOCK_SCHED is one clock here.
// Shared with who made a timer on it: a timer of somebody else's process may outlive that.
#ifndef POLLUX_OS_EMU_TASK_CPU_CLOCK_H_
#define POLLUX_OS_EMU_TASK_CPU_CLOCK_H_

#include "abi/types.h"
#include "os_emu/time/clock.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class CpuClock {
 public:
  CpuClock() = default;
  CpuClock(const CpuClock&) = delete;
  CpuClock& operator=(const CpuClock&) = delete;

  // What has been computed so far.
  Nanos now() const { return clock_.Monotonic(); }
  // Timers on it take their deadlines from now(), with TimeBase::kMonotonic.
  TimerQueue& timers() { return timers_; }
  const Clock& clock() const { return clock_; }
  // How long may be computed until the next timer expires; kNanosMax: none will.
  Nanos TimeToNextDeadline() const { return timers_.TimeToNextDeadline(); }
  void Compute(Nanos span) {
    clock_.AdvanceBy(span);
    timers_.Expire();
  }
  // The task is gone for good: a thread that ended, a process that was waited for.
  bool gone = false;

 private:
  Clock clock_{Nanos{0}};
  TimerQueue timers_{&clock_};
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_CPU_CLOCK_H_
