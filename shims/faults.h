// Faults: what Linux may really do to a call, and seldom does. A correct program survives each of
// them: a fault changes the kernel's state behind a call's checks, and what follows is the
// kernel's own answer to that state.
//
// The rows of the syscalls' table say what may happen to which call (FaultsOf()); whether it does
// is the FaultSource's choice.
#ifndef POLLUX_SHIMS_FAULTS_H_
#define POLLUX_SHIMS_FAULTS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "os_emu/task/thread.h"
#include "re2/re2.h"
#include "shims/syscall_table.h"

namespace pollux::shims {

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
  // A hart loses its reservation, and SC fails (RISC-V unprivileged specification, Zalrsc: it may
  // for any reason). Of no system call: its name in a selection is "sc".
  kLostReservation,
};
inline constexpr int kFaultKinds = 4;

struct FaultRow {
  FaultKind kind;
  std::string_view name;  // In the docs.
  std::string_view text;
};
std::span<const FaultRow> FaultRows();

// What may happen to a row's calls: a bit 1 << kind each.
using FaultSet = uint8_t;
constexpr FaultSet FaultBit(FaultKind kind) {
  return static_cast<FaultSet>(1u << static_cast<unsigned>(kind));
}
FaultSet FaultsOf(const SyscallRow& row);

// Who decides.
class FaultSource {
 public:
  virtual ~FaultSource() = default;
  // `thread` makes a call that may meet such a fault: whether it does.
  virtual bool Happens(os_emu::Thread& thread, FaultKind kind) = 0;
};

// The calls that faults are wanted for.
class FaultSelection {
 public:
  // Nothing.
  FaultSelection() = default;
  // Those whose whole name `names` matches.
  explicit FaultSelection(const re2::RE2& names);

  // What may happen to this call, and is wanted.
  FaultSet Of(uint64_t number) const {
    return number < faults_.size() ? faults_[number] : FaultSet{0};
  }
  bool loses_reservations() const { return loses_reservations_; }
  bool empty() const { return faults_.empty() && !loses_reservations_; }

 private:
  std::vector<FaultSet> faults_;  // By number.
  bool loses_reservations_ = false;
};

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_FAULTS_H_
