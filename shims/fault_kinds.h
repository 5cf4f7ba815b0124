// FaultKind: what Linux, and the networks it is connected to, may really do to a call and seldom
// do. A row of the syscalls' table says what may happen to its calls; faults.h has the rest.
#ifndef POLLUX_SHIMS_FAULT_KINDS_H_
#define POLLUX_SHIMS_FAULT_KINDS_H_

#include <cstdint>

namespace pollux::shims {

// Schedule files have their numbers.
enum class FaultKind : uint8_t {
  // Memory for an object that the call would make is short (kmalloc() with GFP_KERNEL): ENOMEM,
  // ENFILE, ENOBUFS, EAGAIN, as the call has it.
  kShortMemory,
  // The process is stopped and goes on while the call waits: EINTR from those few that do not
  // begin again by themselves (signal(7), "Interruption of system calls and library functions by
  // stop signals"). Nobody is told of the stop: a freezer's, or a debugger's.
  kInterruption,
  // A futex is woken by somebody who meant what was at its address before (futex(2), RETURN VALUE
  // of FUTEX_WAIT).
  kVainWakeUp,

  // ---- Of no system call: each has a name of its own in a selection.
  // A hart loses its reservation, and SC fails (RISC-V unprivileged specification, Zalrsc: it may
  // for any reason).
  kLostReservation,
  // What TCP sends in a call meets a network (os_emu/socket/inet: TcpFault). The thread is the one
  // that made the call.
  kLateArrival,
  kSplitArrival,
  kSmallWindow,
  // The connection is lost: an ending, which a program may well take for one. So its name has to be
  // written out.
  kReset,
};
inline constexpr int kFaultKinds = 8;

// A bit 1 << kind each.
using FaultSet = uint8_t;
static_assert(kFaultKinds <= 8 * sizeof(FaultSet));
constexpr FaultSet FaultBit(FaultKind kind) {
  return static_cast<FaultSet>(1u << static_cast<unsigned>(kind));
}

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_FAULT_KINDS_H_
