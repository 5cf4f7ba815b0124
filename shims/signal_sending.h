// What calls may do to other processes: kill(2) and its kin, pidfd_send_signal(2), looking into them.
#ifndef POLLUX_SHIMS_SIGNAL_SENDING_H_
#define POLLUX_SHIMS_SIGNAL_SENDING_H_

#include "abi/result.h"
#include "os_emu/task/kernel.h"
#include "shims/context.h"

namespace pollux::shims {

// prepare_kill_siginfo(): a signal from the calling process.
os_emu::SignalInfo SentByCaller(SyscallContext& context, int signal, int code);
// check_kill_permission(): kInval (no such signal), kPerm.
Result<void> MaySend(SyscallContext& context, const os_emu::Process& target, int signal);
// __kill_pgrp_info(): to all of the group, as far as the caller may; 0 only looks. kSrch: nobody is
// in it; what the last failure was, if nobody could be told.
Result<int64_t> SendToGroup(SyscallContext& context, Tid group, const os_emu::SignalInfo& info);
// Nobody may pretend to be the kernel or kill(2) towards others.
bool IsForged(const os_emu::SignalInfo& info);
// __ptrace_may_access() with real credentials, without namespaces and security modules.
bool MayTrace(SyscallContext& context, const os_emu::Process& target);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_SIGNAL_SENDING_H_
