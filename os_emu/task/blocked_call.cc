#include "os_emu/task/blocked_call.h"

#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

CallResult BlockedCall::Restart(Thread&) { return Errno::kIntr; }

bool ThreadWaiter::OnNotify(EventMask key) {
  if (key != 0 && wanted_ != 0 && (key & wanted_) == 0) return false;
  const bool slept = !thread_.woken();
  thread_.Wake();
  if (on_wake_ == OnWake::kAlwaysLeave || (on_wake_ == OnWake::kLeave && slept)) Leave();
  return slept;
}

}  // namespace pollux::os_emu
