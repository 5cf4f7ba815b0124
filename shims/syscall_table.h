// SyscallRow: everything that is said of one system call, once (ARCHITECTURE.md). The rows are in
// syscall_table.cc; dispatch, the tracer and docs/syscalls.md come from them, and a row without a
// handler does not link.
//
// The numbers are riscv64's: scripts/syscall.tbl of Linux 6.18 with the ABIs common, 64, riscv,
// rlimit and memfd_secret.
#ifndef POLLUX_SHIMS_SYSCALL_TABLE_H_
#define POLLUX_SHIMS_SYSCALL_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "abi/errno.h"
#include "os_emu/task/blocked_call.h"
#include "shims/fault_kinds.h"

namespace pollux::shims {

class SyscallContext;
struct Footprint;  // shims/footprint.h, as the next.
struct PendingCall;
struct ArgType;  // shims/arg_types.h: how an argument is called in the docs and printed by the
                 // tracer.
struct FlagSet;  // shims/flag_names.h

inline constexpr int kMaxArgs = 6;

enum class Support : uint8_t {
  kComplete,     // As Linux, for the files and tasks that pollux has.
  kPartial,      // As the note says; what is missing is refused with Linux's errno and one line on
                 // stderr.
  kRefused,      // ENOSYS on purpose, quietly: libraries probe for it and do without.
  kUnsupported,  // ENOSYS, and named once on stderr.
};
std::string_view SupportName(Support support);

// How the tracer shows a result that is no error.
enum class ReturnType : uint8_t {
  kInt,      // Decimal: a count, a number, an id, 0.
  kAddress,  // Hexadecimal.
  kOctal,    // umask
  kNever,    // "?": exit, exit_group.
  kTimeout,  // As kInt, with " (Timeout)" for 0 and what became ready (ppoll, pselect6).
  kFcntl,    // Depends on the command: F_GETFL and F_GETFD in hexadecimal with flag names.
  kFlags,    // Hexadecimal with the names of return_flags (membarrier).
  kSignal,   // Decimal with the signal's name (rt_sigtimedwait).
  kEnum,     // Decimal with the name of return_flags (sched_getscheduler).
};

enum class Direction : uint8_t { kIn, kOut, kInOut };

struct ArgSpec {
  const char* name = nullptr;
  const ArgType* type = nullptr;  // Null: there is no such argument.
  Direction direction = Direction::kIn;
  // Of buffers and arrays: the index of the argument that holds their length, or kLengthIsResult.
  int8_t length = kNoLength;
  const FlagSet* flags = nullptr;  // Of flags and enumerations.

  static constexpr int8_t kNoLength = -1;
  static constexpr int8_t kLengthIsResult = -2;
};

// The errors that a call may give, for the documentation. EFAULT and EBADF are named
// as all others are.
struct ErrorList {
  std::array<Errno, 20> errors{};
  uint8_t count = 0;

  constexpr const Errno* begin() const { return errors.data(); }
  constexpr const Errno* end() const { return errors.data() + count; }
};
template <typename... E>
constexpr ErrorList Errors(E... errors) {
  return ErrorList{{errors...}, sizeof...(errors)};
}

// Decodes, calls os_emu, encodes. Never blocks.
using Handler = os_emu::CallResult (*)(SyscallContext& context);

struct SyscallRow {
  uint16_t number;
  const char* name;
  Support support;
  const char* note;  // Of kPartial: what is missing. Of kRefused: why. Otherwise "".
  ReturnType returns;
  std::array<ArgSpec, kMaxArgs> args;
  ErrorList errors;
  Handler handler;
  const FlagSet* return_flags = nullptr;
  FaultSet faults = 0;             // What may happen in it.
  bool makes_connections = false;  // Of sockets.
  // What it may touch that others see (shims/footprint.h). Null: everything.
  Footprint (*footprint)(const PendingCall& call) = nullptr;

  constexpr int arg_count() const {
    int count = 0;
    while (count < kMaxArgs && args[count].type != nullptr) ++count;
    return count;
  }
};

// Ascending by number.
std::span<const SyscallRow> SyscallTable();
// Null: no such number. O(1).
const SyscallRow* FindSyscall(uint64_t number);
const SyscallRow* FindSyscall(std::string_view name);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_SYSCALL_TABLE_H_
