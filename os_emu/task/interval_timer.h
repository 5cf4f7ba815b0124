// IntervalTimer: ITIMER_REAL of a process: setitimer(2), alarm(2) (kernel/time/itimer.c).
//
// It raises SIGALRM at its process and does not run again by itself: Linux arms it anew when the
// signal is taken, so one that is blocked comes late, and one that is ignored never again.
#ifndef POLLUX_OS_EMU_TASK_INTERVAL_TIMER_H_
#define POLLUX_OS_EMU_TASK_INTERVAL_TIMER_H_

#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class Process;

// struct itimerval and struct itimerspec: what is left, and what follows it.
struct TimerSetting {
  Nanos value{0};  // 0: not running.
  Nanos interval{0};
};

class IntervalTimer final : public Timer {
 public:
  IntervalTimer(TimerQueue& queue, Process& process) : Timer(queue), process_(process) {}

  TimerSetting Get() const;
  // Returns what was set before. A value of 0 disarms.
  TimerSetting Set(TimerSetting setting);
  // SIGALRM was taken from what pends at the process: an interval begins again.
  void OnSignalTaken();

 private:
  void OnExpire() override;
  Process& process_;
  Nanos interval_{0};
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_INTERVAL_TIMER_H_
