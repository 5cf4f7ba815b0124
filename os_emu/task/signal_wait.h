// rt_sigtimedwait(2): takes a signal without a handler.
#ifndef POLLUX_OS_EMU_TASK_SIGNAL_WAIT_H_
#define POLLUX_OS_EMU_TASK_SIGNAL_WAIT_H_

#include <optional>

#include "abi/result.h"
#include "abi/types.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/signal.h"

namespace pollux::os_emu {

// Where the siginfo_t of the signal goes, and how: its form is the system-call ABI's. A null
// address: nowhere.
struct SignalInfoTarget {
  GuestAddr address;
  Result<void> (*write)(Thread& thread, GuestAddr to, const SignalInfo& info) = nullptr;
};

// Takes the next pending signal of `wanted`, or waits for one; returns its number. SIGKILL and
// SIGSTOP cannot be waited for. While it waits `wanted` is not blocked, and what was blocked is
// kept even where its action ignores it. kAgain: none within `timeout` (nullopt: no limit). kIntr:
// another signal that is not blocked came. kFault: the signal is taken all the same.
CallResult StartSignalWait(Thread& thread, SignalSet wanted, std::optional<Nanos> timeout,
                           const SignalInfoTarget& target);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_SIGNAL_WAIT_H_
