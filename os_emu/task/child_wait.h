// wait4(2) and waitid(2): who waits for which child's change of state (kernel/exit.c do_wait()).
#ifndef POLLUX_OS_EMU_TASK_CHILD_WAIT_H_
#define POLLUX_OS_EMU_TASK_CHILD_WAIT_H_

#include <cstdint>

#include "abi/result.h"
#include "abi/types.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

// Options of wait4(2) and waitid(2).
inline constexpr uint32_t kWNoHang = 1, kWStopped = 2, kWExited = 4, kWContinued = 8,
                          kWNoWait = 0x01000000, kWNoThread = 0x20000000, kWAll = 0x40000000,
                          kWClone = 0x80000000;

// A change of a child's state, as siginfo_t tells it.
struct ChildChange {
  Tid pid{0};
  uint32_t uid = 0;
  int code = 0;                // CLD_*
  int status = 0;              // The exit status, or the signal.
  Nanos cpu_time{0};           // The child's.
  Nanos children_cpu_time{0};  // Of those that it has waited for.
  uint64_t minor_faults = 0;   // The child's, and those of its children.
};
inline constexpr int kCldExited = 1, kCldKilled = 2, kCldDumped = 3, kCldStopped = 5,
                     kCldContinued = 6;
// `code` kCldStopped or kCldContinued.
ChildChange ChangeTo(const Process& child, int code);
// How it has ended.
ChildChange EndOf(const Process& child);
// What SIGCHLD, or what the parent has chosen instead, says of it.
SignalInfo SignalOf(const ChildChange& change, int signal);

struct ChildWait {
  enum class Which { kAny, kPid, kGroup };
  Which which = Which::kAny;
  Tid id{0};
  uint32_t options = 0;
  // Writes what is told to the guest; `change` null: with kWNoHang nobody has changed. Its error is
  // the call's; the child has been waited for all the same, as on Linux.
  using Tell = Result<void> (*)(Thread& thread, const ChildWait& wait, const ChildChange* change);
  Tell tell = nullptr;
  GuestAddr info;   // wait4's status, waitid's siginfo_t. Null: nowhere.
  GuestAddr usage;  // struct rusage. Null: nowhere.
  // What kWNoHang answers where no child of the wanted ones has changed: wait4's 0; a pidfd with
  // O_NONBLOCK answers kAgain.
  bool again_if_none = false;
  bool answers_pid = true;  // wait4; waitid answers 0.
};

// Errors: kChild (no such child), those of `tell`.
CallResult StartChildWait(Thread& thread, const ChildWait& wait);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_CHILD_WAIT_H_
