// WriteTimeTo: where a call that waits until a deadline says what was left of it.
#ifndef POLLUX_OS_EMU_TASK_TIME_LEFT_H_
#define POLLUX_OS_EMU_TASK_TIME_LEFT_H_

#include <cstdint>

#include "os_emu/task/kernel.h"
#include "os_emu/time/clock.h"

namespace pollux::os_emu {

// Writes a struct timespec of riscv64: 0 where `clock` has passed the deadline. kFault.
inline Result<void> WriteTimeTo(Thread& thread, GuestAddr to, const Clock& clock, Nanos deadline) {
  struct GuestTimespec {
    int64_t seconds;
    int64_t nanoseconds;
  };
  const Nanos now = clock.Monotonic();
  const int64_t left = deadline > now ? (deadline - now).value : 0;
  return thread.process().memory->WriteObject(
      to, GuestTimespec{left / kNanosPerSecond, left % kNanosPerSecond});
}

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_TIME_LEFT_H_
