// The clocks of processor time by their numbers: CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
// and those that name a task (clock_getcpuclockid(3), pthread_getcpuclockid(3)): the complement of
// its id, and in the low three bits what is told of whom.
#ifndef POLLUX_SHIMS_CPU_CLOCKS_H_
#define POLLUX_SHIMS_CPU_CLOCKS_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "os_emu/task/cpu_clock.h"
#include "shims/context.h"

namespace pollux::shims {

struct CpuClockName {
  std::shared_ptr<os_emu::CpuClock> clock;
  bool of_thread = false;
  bool of_caller = false;  // Its own thread, or a thread's process by 0 or CLOCK_*.
  // CPUCLOCK_PROF and CPUCLOCK_VIRT, which Linux counts in ticks.
  bool coarse = false;
};

// pid_for_clock(): nullopt where `id` names none. `gettime`: only the time is asked for, so the id
// of the calling thread names its process, too.
std::optional<CpuClockName> FindCpuClock(SyscallContext& context, int32_t id, bool gettime = false);
// CLOCKFD: the clock of a device's descriptor. There are none.
inline bool IsClockFd(int32_t id) { return id < 0 && (id & 7) == 3; }

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_CPU_CLOCKS_H_
