#include "machine/history/calls.h"

#include "shims/futex_commands.h"
#include "shims/syscall_table.h"

namespace pollux::machine {

std::string_view NameOf(const CallRecord& call) {
  const shims::SyscallRow* const row = shims::FindSyscall(call.number);
  return row == nullptr ? std::string_view() : row->name;
}

bool TakesBytes(const CallRecord& call) {
  const std::string_view name = NameOf(call);
  return name.starts_with("read") || name.starts_with("recv") || name.starts_with("accept");
}

bool GivesBytes(const CallRecord& call) {
  const std::string_view name = NameOf(call);
  return name.starts_with("write") || name.starts_with("send");
}

bool IsEpollWait(const CallRecord& call) { return NameOf(call).starts_with("epoll_pwait"); }

bool EndsByTime(const CallRecord& call) {
  if (call.state != CallRecord::State::kReturned || call.woken_by != 0) return false;
  const std::string_view name = NameOf(call);
  return call.result == -static_cast<int64_t>(Errno::kTimedOut) ||
         (call.result == 0 && (name == "nanosleep" || name == "clock_nanosleep" ||
                               name == "ppoll" || name == "pselect6" || IsEpollWait(call)));
}

FutexCommand CommandOf(const CallRecord& call) {
  if (NameOf(call) != "futex") return FutexCommand::kNone;
  switch (static_cast<uint32_t>(call.args[1]) &
          ~(shims::futex::kPrivate | shims::futex::kClockRealtime)) {
    case shims::futex::kWait:
    case shims::futex::kWaitBitset:
    case shims::futex::kWaitRequeuePi:
      return FutexCommand::kWait;
    case shims::futex::kLockPi:
    case shims::futex::kLockPi2:
      return FutexCommand::kLockPi;
    case shims::futex::kWake:
    case shims::futex::kRequeue:
    case shims::futex::kCmpRequeue:
    case shims::futex::kWakeOp:
    case shims::futex::kWakeBitset:
    case shims::futex::kCmpRequeuePi:
      return FutexCommand::kWake;
    default:
      return FutexCommand::kNone;
  }
}

}  // namespace pollux::machine
