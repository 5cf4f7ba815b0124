// Signals (kernel/signal.c, fs/signalfd.c).
#include <optional>
#include <utility>
#include <vector>

#include "os_emu/signalfd/signalfd.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/signal_wait.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/signal_frame.h"
#include "shims/signal_sending.h"

namespace pollux::shims {
namespace {

using os_emu::SignalBit;
using os_emu::SignalSet;

constexpr uint64_t kSetBytes = sizeof(SignalSet);

bool IsSignal(int64_t number) { return number >= 1 && number <= os_emu::kSignals; }

Result<void> SendToProcess(SyscallContext& context, os_emu::Process& target, int signal) {
  POLLUX_RETURN_IF_ERROR(MaySend(context, target, signal));
  if (signal != 0)
    context.kernel().RaiseSignal(target, SentByCaller(context, signal, os_emu::kSiUser));
  return {};
}

// do_tkill(); `tgid` 0: any.
CallResult SendToThread(SyscallContext& context, int32_t tgid, int32_t tid, int signal) {
  os_emu::Thread* target = context.kernel().FindTask(Tid{tid});
  if (target == nullptr || (tgid != 0 && static_cast<int32_t>(target->process().pid()) != tgid))
    return Errno::kSrch;
  Result<void> allowed = MaySend(context, target->process(), signal);
  if (!allowed.ok()) return allowed.error();
  if (signal != 0 &&
      !context.kernel().RaiseSignal(*target, SentByCaller(context, signal, os_emu::kSiTkill))) {
    return Errno::kAgain;
  }
  return 0;
}

}  // namespace

os_emu::SignalInfo SentByCaller(SyscallContext& context, int signal, int code) {
  os_emu::SignalInfo info;
  info.signal = signal;
  info.code = code;
  info.sender_pid = static_cast<int32_t>(context.process().pid());
  info.sender_uid = context.thread().credentials().uid;
  return info;
}

// check_kill_permission()
Result<void> MaySend(SyscallContext& context, const os_emu::Process& target, int signal) {
  if (signal < 0 || signal > os_emu::kSignals) return Errno::kInval;
  const os_emu::Credentials& mine = context.thread().credentials();
  const os_emu::Credentials& theirs = target.credentials;
  const bool same = mine.euid == theirs.suid || mine.euid == theirs.uid ||
                    mine.uid == theirs.suid || mine.uid == theirs.uid;
  if (!same && !mine.Has(os_emu::Capability::kKill)) return Errno::kPerm;
  return {};
}

CallResult SysKill(SyscallContext& context) {
  const int32_t pid = context.Int(0);
  const int signal = context.Int(1);
  os_emu::Kernel& kernel = context.kernel();
  if (pid > 0) {
    // The id of any thread means its process.
    os_emu::Process* target = kernel.FindProcess(Tid{pid});
    if (os_emu::Thread* thread = kernel.FindThread(Tid{pid})) target = &thread->process();
    if (target == nullptr) return Errno::kSrch;
    return SendToProcess(context, *target, signal);
  }
  if (pid == -1) {
    // All processes but init and the caller's own.
    bool any = false;
    Result<void> answer = Errno::kSrch;
    for (const auto& [id, process] : kernel.processes()) {
      if (process.get() == &context.process()) continue;
      Result<void> sent = SendToProcess(context, *process, signal);
      if (!any || sent.ok()) answer = sent;
      any = true;
    }
    return answer;
  }
  if (pid == INT32_MIN) return Errno::kSrch;
  return SendToGroup(context, pid == 0 ? context.process().group : Tid{-pid},
                     SentByCaller(context, signal, os_emu::kSiUser));
}

Result<int64_t> SendToGroup(SyscallContext& context, Tid group, const os_emu::SignalInfo& info) {
  std::optional<Errno> failure;
  bool any = false;
  std::vector<os_emu::Process*> members;
  context.kernel().ForEachInGroup(group, [&](os_emu::Process& p) { members.push_back(&p); });
  for (os_emu::Process* member : members) {
    const Result<void> allowed = MaySend(context, *member, info.signal);
    if (!allowed.ok()) {
      failure = allowed.error();
      continue;
    }
    any = true;
    if (info.signal != 0) context.kernel().RaiseSignal(*member, info);
  }
  if (any) return int64_t{0};
  return failure.value_or(Errno::kSrch);
}

CallResult SysTkill(SyscallContext& context) {
  if (context.Int(0) <= 0) return Errno::kInval;
  return SendToThread(context, 0, context.Int(0), context.Int(1));
}

CallResult SysTgkill(SyscallContext& context) {
  if (context.Int(0) <= 0 || context.Int(1) <= 0) return Errno::kInval;
  return SendToThread(context, context.Int(0), context.Int(1), context.Int(2));
}

namespace {

// siginfo_t of rt_sigqueueinfo(2) and rt_tgsigqueueinfo(2).
Result<os_emu::SignalInfo> QueuedInfo(SyscallContext& context, int signal, GuestAddr address) {
  POLLUX_ASSIGN_OR_RETURN(const GuestSiginfo given, context.In<GuestSiginfo>(address));
  return FromGuestSiginfo(given, signal);
}

}  // namespace

bool IsForged(const os_emu::SignalInfo& info) {
  return info.code >= 0 || info.code == os_emu::kSiTkill;
}

CallResult SysRtSigqueueinfo(SyscallContext& context) {
  Result<os_emu::SignalInfo> info = QueuedInfo(context, context.Int(1), context.Addr(2));
  if (!info.ok()) return info.error();
  const int32_t pid = context.Int(0);
  if (IsForged(*info) && pid != static_cast<int32_t>(context.process().pid())) return Errno::kPerm;
  os_emu::Process* target = context.kernel().FindProcess(Tid{pid});
  if (target == nullptr) return Errno::kSrch;
  Result<void> allowed = MaySend(context, *target, info->signal);
  if (!allowed.ok()) return allowed.error();
  if (info->signal == 0) return 0;
  return context.kernel().RaiseSignal(*target, *info) ? CallResult(0) : CallResult(Errno::kAgain);
}

CallResult SysRtTgsigqueueinfo(SyscallContext& context) {
  Result<os_emu::SignalInfo> info = QueuedInfo(context, context.Int(2), context.Addr(3));
  if (!info.ok()) return info.error();
  const int32_t tgid = context.Int(0), tid = context.Int(1);
  if (tgid <= 0 || tid <= 0) return Errno::kInval;
  if (IsForged(*info) && tid != static_cast<int32_t>(context.process().pid())) return Errno::kPerm;
  os_emu::Thread* target = context.kernel().FindTask(Tid{tid});
  if (target == nullptr || static_cast<int32_t>(target->process().pid()) != tgid)
    return Errno::kSrch;
  Result<void> allowed = MaySend(context, target->process(), info->signal);
  if (!allowed.ok()) return allowed.error();
  if (info->signal == 0) return 0;
  return context.kernel().RaiseSignal(*target, *info) ? CallResult(0) : CallResult(Errno::kAgain);
}

// ---- Actions and masks

CallResult SysRtSigaction(SyscallContext& context) {
  // UAPI_SA_FLAGS of riscv64: what the kernel knows; the rest is cleared, so that a program can
  // tell.
  constexpr uint64_t kSaExposeTagBits = 0x800;
  constexpr uint64_t kKnown = os_emu::kSaNoCldStop | os_emu::kSaNoCldWait | os_emu::kSaSigInfo |
                              os_emu::kSaOnStack | os_emu::kSaRestart | os_emu::kSaNoDefer |
                              os_emu::kSaResetHand | kSaExposeTagBits;
  if (context.Arg(3) != kSetBytes) return Errno::kInval;
  const bool sets = !context.Addr(1).IsNull();
  GuestSigaction wanted{};
  if (sets) {
    Result<GuestSigaction> given = context.In<GuestSigaction>(context.Addr(1));
    if (!given.ok()) return given.error();
    wanted = *given;
  }
  const int signal = context.Int(0);
  if (!IsSignal(signal) || (sets && (SignalBit(signal) & os_emu::kUnblockable) != 0))
    return Errno::kInval;
  os_emu::Process& process = context.process();
  const os_emu::SignalAction old = process.actions[signal];
  if (sets) {
    process.actions[signal] = {wanted.handler, wanted.flags & kKnown,
                               wanted.mask & ~os_emu::kUnblockable};
    context.kernel().OnActionChanged(process, signal);
  }
  if (context.Addr(2).IsNull()) return 0;
  return context.Out(context.Addr(2), GuestSigaction{old.handler, old.flags, old.mask});
}

CallResult SysRtSigprocmask(SyscallContext& context) {
  enum How : uint32_t { kBlock = 0, kUnblock = 1, kSetMask = 2 };
  if (context.Arg(3) != kSetBytes) return Errno::kInval;
  os_emu::Thread& thread = context.thread();
  const SignalSet old = thread.signal_mask();
  if (!context.Addr(1).IsNull()) {
    Result<SignalSet> given = context.In<SignalSet>(context.Addr(1));
    if (!given.ok()) return given.error();
    const SignalSet set = *given & ~os_emu::kUnblockable;
    switch (context.UInt(0)) {
      case kBlock:
        thread.SetSignalMask(old | set);
        break;
      case kUnblock:
        thread.SetSignalMask(old & ~set);
        break;
      case kSetMask:
        thread.SetSignalMask(set);
        break;
      default:
        return Errno::kInval;
    }
  }
  if (context.Addr(2).IsNull()) return 0;
  return context.Out(context.Addr(2), old);
}

CallResult SysRtSigpending(SyscallContext& context) {
  if (context.Arg(1) > kSetBytes) return Errno::kInval;
  const os_emu::Thread& thread = context.thread();
  const SignalSet set =
      (thread.pending.set() | context.process().pending.set()) & thread.signal_mask();
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&set), context.Arg(1));
  return context.memory().Write(context.Addr(0), bytes) == bytes.size() ? CallResult(0)
                                                                        : CallResult(Errno::kFault);
}

CallResult SysRtSigsuspend(SyscallContext& context) {
  if (context.Arg(1) != kSetBytes) return Errno::kInval;
  Result<SignalSet> given = context.In<SignalSet>(context.Addr(0));
  if (!given.ok()) return given.error();
  os_emu::Thread& thread = context.thread();
  thread.saved_mask = thread.signal_mask();
  thread.SetSignalMask(*given & ~os_emu::kUnblockable);
  return os_emu::StartPause(thread);
}

// do_sigtimedwait()
CallResult SysRtSigtimedwait(SyscallContext& context) {
  if (context.Arg(3) != kSetBytes) return Errno::kInval;
  Result<SignalSet> wanted = context.In<SignalSet>(context.Addr(0));
  if (!wanted.ok()) return wanted.error();
  Result<std::optional<Nanos>> timeout = context.OptionalTimespec(context.Addr(2));
  if (!timeout.ok()) return timeout.error();
  const auto tell = [](os_emu::Thread& thread, GuestAddr to,
                       const os_emu::SignalInfo& info) -> Result<void> {
    return thread.process().memory->WriteObject(to, ToGuestSiginfo(info));
  };
  return os_emu::StartSignalWait(context.thread(), *wanted, *timeout,
                                 {.address = context.Addr(1), .write = tell});
}

// ---- signalfd

CallResult SysSignalfd4(SyscallContext& context) {
  constexpr uint32_t kFlags = os_emu::kSfdNonBlock | os_emu::kSfdCloExec;
  constexpr int32_t kNewOne = -1;
  if (context.Arg(2) != kSetBytes) return Errno::kInval;
  Result<SignalSet> wanted = context.In<SignalSet>(context.Addr(1));
  if (!wanted.ok()) return wanted.error();
  const uint32_t flags = context.UInt(3);
  if ((flags & ~kFlags) != 0) return Errno::kInval;
  if (context.Int(0) != kNewOne) {
    Result<DescriptionRef> file = context.File(0);
    if (!file.ok()) return file.error();
    os_emu::SignalFd* old = os_emu::SignalFd::From(**file);
    if (old == nullptr) return Errno::kInval;
    old->SetWanted(*wanted);
    return int64_t{context.Int(0)};
  }
  DescriptionRef file = os_emu::MakeDescription<os_emu::SignalFd>(context.kernel(), *wanted, flags);
  return context.InstallNew(std::move(file), (flags & os_emu::kSfdCloExec) != 0);
}

// ---- Stacks and frames

CallResult SysSigaltstack(SyscallContext& context) {
  GuestSigstack wanted{};
  const bool sets = !context.Addr(0).IsNull();
  if (sets) {
    Result<GuestSigstack> given = context.In<GuestSigstack>(context.Addr(0));
    if (!given.ok()) return given.error();
    wanted = *given;
  }
  Result<GuestSigstack> old =
      ChangeAltStack(context.thread(), context.cpu().x[interp::kSp], sets ? &wanted : nullptr);
  if (!old.ok()) return old.error();
  if (context.Addr(1).IsNull()) return 0;
  return context.Out(context.Addr(1), *old);
}

CallResult SysRtSigreturn(SyscallContext& context) {
  context.abi().ReplaceRegisters();
  context.thread().restart_block.reset();
  Result<void> returned = ReturnFromSignal(context.thread(), context.cpu());
  if (returned.ok()) return static_cast<int64_t>(context.cpu().x[interp::kA0]);
  // badframe: the program cannot go on from here.
  os_emu::SignalInfo fault;
  fault.signal = os_emu::kSigSegv;
  fault.code = os_emu::kSiKernel;
  context.kernel().ForceSignal(context.thread(), fault);
  return 0;
}

CallResult SysRestartSyscall(SyscallContext& context) {
  os_emu::Thread& thread = context.thread();
  if (thread.restart_block == nullptr) return Errno::kIntr;  // do_no_restart_syscall()
  return thread.restart_block->Restart(thread);
}

}  // namespace pollux::shims
