// CpuLimit: RLIMIT_CPU of a process: SIGXCPU when it has computed for as many seconds as the soft
// limit says, which then becomes a second more, and SIGKILL at the hard one
// (check_process_timers()).
//
// Whoever sets the limit calls Update(). Without a soft limit there is no hard one either.
#ifndef POLLUX_OS_EMU_TASK_CPU_LIMIT_H_
#define POLLUX_OS_EMU_TASK_CPU_LIMIT_H_

#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class Process;

class CpuLimit final : public Timer {
 public:
  // `queue`: of the process's clock.
  CpuLimit(TimerQueue& queue, Process& process) : Timer(queue), process_(process) {}

  // The process's rlimits have changed. One that has been passed counts at the next instruction.
  void Update();

 private:
  void OnExpire() override;
  Process& process_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_CPU_LIMIT_H_
