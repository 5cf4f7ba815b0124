// What futex(2) is asked for (uapi/linux/futex.h): for the handler and for the trace.
#ifndef POLLUX_SHIMS_FUTEX_COMMANDS_H_
#define POLLUX_SHIMS_FUTEX_COMMANDS_H_

#include <cstdint>

namespace pollux::shims::futex {

// FUTEX_*
enum Command : uint32_t {
  kWait = 0,
  kWake = 1,
  kRequeue = 3,
  kCmpRequeue = 4,
  kWakeOp = 5,
  kLockPi = 6,
  kUnlockPi = 7,
  kTryLockPi = 8,
  kWaitBitset = 9,
  kWakeBitset = 10,
  kWaitRequeuePi = 11,
  kCmpRequeuePi = 12,
  kLockPi2 = 13,
};

// Beside a command: FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME.
inline constexpr uint32_t kPrivate = 128, kClockRealtime = 256;

}  // namespace pollux::shims::futex

#endif  // POLLUX_SHIMS_FUTEX_COMMANDS_H_
