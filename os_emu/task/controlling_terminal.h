// ControllingTerminal: the terminal of a session, as its processes know it (signal_struct::tty).
// os_emu/tty/ has the terminals.
#ifndef POLLUX_OS_EMU_TASK_CONTROLLING_TERMINAL_H_
#define POLLUX_OS_EMU_TASK_CONTROLLING_TERMINAL_H_

#include <cstdint>

#include "abi/result.h"
#include "abi/types.h"

namespace pollux::os_emu {

class ControllingTerminal {
 public:
  virtual ~ControllingTerminal() = default;
  // disassociate_ctty(): the leader of its session lets it go (TIOCNOTTY), or `ends`: the group in
  // front hears it, and no process of the session has the terminal any more.
  virtual void LeaveSession(bool ends) = 0;
  virtual uint64_t device() const = 0;  // new_encode_dev()
  virtual Tid foreground() const = 0;   // The group in front; 0: none.
};

// ERESTARTSYS, which no program sees: the call has raised a signal at its own thread. It begins
// again after that, unless a handler without SA_RESTART runs: then it answers kIntr.
inline constexpr Errno kRestartSys{512};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_CONTROLLING_TERMINAL_H_
