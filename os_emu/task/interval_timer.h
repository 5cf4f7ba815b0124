// The three timers of a process that setitimer(2) sets (kernel/time/itimer.c).
//
// IntervalTimer: ITIMER_REAL, alarm(2). It raises SIGALRM at its process and does not run again by
// itself: Linux arms it anew when the signal is taken, so one that is blocked comes late, and one
// that is ignored never again.
// CpuIntervalTimer: ITIMER_VIRTUAL, ITIMER_PROF. It goes by what the process has computed, and runs
// again whatever becomes of its signal. Linux adds a tick to what it is set to (measured on 6.18).
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

class CpuIntervalTimer final : public Timer {
 public:
  // `queue`: of the process's clock. Raises `signal`.
  CpuIntervalTimer(TimerQueue& queue, Process& process, int signal)
      : Timer(queue), process_(process), signal_(signal) {}

  TimerSetting Get() const;
  // Returns what was set before. A value of 0 disarms, and keeps the interval.
  TimerSetting Set(TimerSetting setting);

 private:
  void OnExpire() override;
  Process& process_;
  int signal_;
  Nanos interval_{0};
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_INTERVAL_TIMER_H_
