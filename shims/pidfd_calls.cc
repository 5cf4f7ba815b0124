// pidfds (kernel/pid.c, fs/pidfs.c, kernel/signal.c).
#include <bit>
#include <utility>

#include "os_emu/pidfd/pidfd.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/signal_frame.h"
#include "shims/signal_sending.h"

namespace pollux::shims {
namespace {

// Who signals go to: pidfd_send_signal's scopes.
enum SendFlags : uint32_t { kToThread = 1, kToProcess = 2, kToGroup = 4 };

// PIDFD_SELF_THREAD and PIDFD_SELF_THREAD_GROUP (uapi/linux/pidfd.h).
constexpr int32_t kSelfThread = -10000, kSelfProcess = -10001;

// pidfd_get_pid(): kBadF.
Result<DescriptionRef> PidFdAt(SyscallContext& context, int i) {
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef file, context.File(i));
  if (os_emu::PidFd::From(*file) == nullptr) return Errno::kBadF;
  return file;
}

}  // namespace

bool MayTrace(SyscallContext& context, const os_emu::Process& target) {
  if (&context.process() == &target) return true;
  const os_emu::Credentials& mine = context.thread().credentials();
  const os_emu::Credentials& theirs = target.credentials;
  if (mine.Has(os_emu::Capability::kSysPtrace)) return true;
  const bool same = mine.uid == theirs.uid && mine.uid == theirs.euid && mine.uid == theirs.suid &&
                    mine.gid == theirs.gid && mine.gid == theirs.egid && mine.gid == theirs.sgid;
  // What has ended stays what it was (task_struct::user_dumpable).
  return same && target.dumpable == 1;
}

CallResult SysPidfdOpen(SyscallContext& context) {
  Result<DescriptionRef> file =
      os_emu::PidFd::Open(context.kernel(), context.Int(0), context.UInt(1));
  if (!file.ok()) return file.error();
  return context.InstallNew(*std::move(file), /*close_on_exec=*/true);
}

CallResult SysPidfdSendSignal(SyscallContext& context) {
  const uint32_t flags = context.UInt(3);
  const int signal = context.Int(1);
  if ((flags & ~(kToThread | kToProcess | kToGroup)) != 0 || std::popcount(flags) > 1)
    return Errno::kInval;
  os_emu::Process* process = nullptr;
  os_emu::Thread* thread = nullptr;
  bool to_thread = false;
  DescriptionRef file;
  if (context.Int(0) == kSelfThread || context.Int(0) == kSelfProcess) {
    process = &context.process();
    thread = &context.thread();
    to_thread = context.Int(0) == kSelfThread;
  } else {
    Result<DescriptionRef> given = context.File(0);
    if (!given.ok()) return given.error();
    file = *std::move(given);
    os_emu::PidFd* pidfd = os_emu::PidFd::From(*file);
    if (pidfd == nullptr) {
      // A directory of procfs would do.
      if (file->LinkText().starts_with("/proc/"))
        return context.Refuse(Errno::kBadF, "a directory of procfs");
      return Errno::kBadF;
    }
    process = pidfd->process();
    to_thread = pidfd->is_thread();
    thread = pidfd->thread();
    if (!to_thread && process != nullptr) {
      const auto leader = process->threads.find(process->pid());
      if (leader != process->threads.end()) thread = leader->second.get();
    }
  }
  if (flags != 0) to_thread = flags == kToThread;

  os_emu::SignalInfo info;
  if (!context.Addr(2).IsNull()) {
    Result<GuestSiginfo> given = context.In<GuestSiginfo>(context.Addr(2));
    if (!given.ok()) return given.error();
    if (given->signal != signal) return Errno::kInval;
    info = FromGuestSiginfo(*given, signal);
    const bool self = process == &context.process() && thread == &context.thread();
    if ((!self || flags == kToGroup) && IsForged(info)) return Errno::kPerm;
  } else {
    info = SentByCaller(context, signal, to_thread ? os_emu::kSiTkill : os_emu::kSiUser);
  }
  if (process == nullptr || (to_thread && thread == nullptr && !process->exit.has_value()))
    return Errno::kSrch;
  // PIDTYPE_PGID: the group that the process leads.
  if (flags == kToGroup) return SendToGroup(context, process->pid(), info);
  Result<void> allowed = MaySend(context, *process, signal);
  if (!allowed.ok()) return allowed.error();
  if (signal == 0) return 0;
  const bool sent = to_thread && thread != nullptr ? context.kernel().RaiseSignal(*thread, info)
                                                   : context.kernel().RaiseSignal(*process, info);
  return sent ? CallResult(0) : CallResult(Errno::kAgain);
}

CallResult SysPidfdGetfd(SyscallContext& context) {
  if (context.UInt(2) != 0) return Errno::kInval;
  Result<DescriptionRef> file = PidFdAt(context, 0);
  if (!file.ok()) return file.error();
  os_emu::Process* target = os_emu::PidFd::From(**file)->process();
  if (target == nullptr) return Errno::kSrch;
  if (!MayTrace(context, *target)) return Errno::kPerm;
  if (target->exit.has_value()) return Errno::kSrch;
  Result<DescriptionRef> theirs = target->fds().Get(context.FdAt(1));
  if (!theirs.ok()) return theirs.error();
  return context.Install(*std::move(theirs), /*close_on_exec=*/true);
}

}  // namespace pollux::shims
