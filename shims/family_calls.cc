// Families of processes: wait4(2), waitid(2) (kernel/exit.c); process groups and sessions
// (kernel/sys.c).
#include <cstring>
#include <utility>

#include "os_emu/pidfd/pidfd.h"
#include "os_emu/task/child_wait.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/signal_frame.h"

namespace pollux::shims {
namespace {

using os_emu::ChildChange;
using os_emu::ChildWait;

// ---- What is told of a child.

Result<void> TellUsage(os_emu::Thread& thread, GuestAddr to, const ChildChange& change) {
  if (to.IsNull()) return {};
  GuestRusage usage;
  std::memset(&usage, 0, sizeof(usage));
  const int64_t time = (change.cpu_time + change.children_cpu_time).value;
  usage.utime = {time / kNanosPerSecond, time % kNanosPerSecond / 1000};
  usage.minor_faults = static_cast<int64_t>(change.minor_faults);
  return thread.process().memory->WriteObject(to, usage);
}

// The status word of wait(2).
int32_t StatusWord(const ChildChange& change) {
  constexpr int32_t kDumpedBit = 0x80, kStoppedByte = 0x7f, kContinuedWord = 0xffff;
  switch (change.code) {
    case os_emu::kCldExited:
      return (change.status & 0xff) << 8;
    case os_emu::kCldStopped:
      return change.status << 8 | kStoppedByte;
    case os_emu::kCldContinued:
      return kContinuedWord;
    case os_emu::kCldDumped:
      return change.status | kDumpedBit;
    default:
      return change.status;
  }
}

Result<void> TellWait4(os_emu::Thread& thread, const ChildWait& wait, const ChildChange* change) {
  if (change == nullptr) return {};
  if (!wait.info.IsNull())
    POLLUX_RETURN_IF_ERROR(thread.process().memory->WriteObject(wait.info, StatusWord(*change)));
  return TellUsage(thread, wait.usage, *change);
}

// Writes the fields that matter and leaves the rest of the siginfo_t alone, as waitid(2) does.
Result<void> WriteChildInfo(os_emu::Thread& thread, GuestAddr to, const ChildChange& change) {
  if (to.IsNull()) return {};
  Result<GuestSiginfo> info = thread.process().memory->ReadObject<GuestSiginfo>(to);
  if (!info.ok()) return info.error();
  info->signal = change.code != 0 ? os_emu::kSigChld : 0;
  info->error = 0;
  info->code = change.code;
  info->child.pid = static_cast<int32_t>(change.pid);
  info->child.uid = change.uid;
  info->child.status = change.status;
  return thread.process().memory->WriteObject(to, *info);
}

Result<void> TellWaitid(os_emu::Thread& thread, const ChildWait& wait, const ChildChange* change) {
  if (change != nullptr) POLLUX_RETURN_IF_ERROR(TellUsage(thread, wait.usage, *change));
  return WriteChildInfo(thread, wait.info, change != nullptr ? *change : ChildChange());
}

// kernel_waitid_prepare(): what to wait for. kInval, kBadF.
Result<ChildWait> PrepareWaitid(SyscallContext& context) {
  enum IdType : int32_t { kAll = 0, kPid = 1, kPgid = 2, kPidFd = 3 };
  constexpr uint32_t kStates = os_emu::kWStopped | os_emu::kWExited | os_emu::kWContinued;
  constexpr uint32_t kKnown = kStates | os_emu::kWNoHang | os_emu::kWNoWait | os_emu::kWNoThread |
                              os_emu::kWAll | os_emu::kWClone;
  ChildWait wait{.options = context.UInt(3),
                 .tell = TellWaitid,
                 .info = context.Addr(2),
                 .usage = context.Addr(4),
                 .answers_pid = false};
  if ((wait.options & ~kKnown) != 0 || (wait.options & kStates) == 0) return Errno::kInval;
  const int32_t id = context.Int(1);
  switch (context.Int(0)) {
    case kAll:
      return wait;
    case kPid:
      if (id <= 0) return Errno::kInval;
      wait.which = ChildWait::Which::kPid;
      wait.id = Tid{id};
      return wait;
    case kPgid:
      if (id < 0) return Errno::kInval;
      wait.which = ChildWait::Which::kGroup;
      wait.id = id != 0 ? Tid{id} : context.process().group;
      return wait;
    case kPidFd: {
      if (id < 0) return Errno::kInval;
      POLLUX_ASSIGN_OR_RETURN(DescriptionRef file, context.File(1));
      const os_emu::PidFd* pidfd = os_emu::PidFd::From(*file);
      if (pidfd == nullptr) return Errno::kBadF;
      wait.which = ChildWait::Which::kPid;
      // Of one that is gone nobody has the number.
      wait.id = pidfd->process() != nullptr ? pidfd->number() : Tid{0};
      if (file->nonblocking()) {
        wait.again_if_none = (wait.options & os_emu::kWNoHang) == 0;
        wait.options |= os_emu::kWNoHang;
      }
      return wait;
    }
    default:
      return Errno::kInval;
  }
}

}  // namespace

// kernel_wait4()
CallResult SysWait4(SyscallContext& context) {
  constexpr uint32_t kKnown = os_emu::kWNoHang | os_emu::kWStopped | os_emu::kWContinued |
                              os_emu::kWNoThread | os_emu::kWClone | os_emu::kWAll;
  const int32_t pid = context.Int(0);
  ChildWait wait{.options = context.UInt(2),
                 .tell = TellWait4,
                 .info = context.Addr(1),
                 .usage = context.Addr(3)};
  if ((wait.options & ~kKnown) != 0) return Errno::kInval;
  if (pid == INT32_MIN) return Errno::kSrch;
  wait.options |= os_emu::kWExited;
  if (pid > 0) {
    wait.which = ChildWait::Which::kPid;
    wait.id = Tid{pid};
  } else if (pid != -1) {
    wait.which = ChildWait::Which::kGroup;
    wait.id = pid == 0 ? context.process().group : Tid{-pid};
  }
  return os_emu::StartChildWait(context.thread(), wait);
}

CallResult SysWaitid(SyscallContext& context) {
  Result<ChildWait> wait = PrepareWaitid(context);
  CallResult result =
      wait.ok() ? os_emu::StartChildWait(context.thread(), *wait) : CallResult(wait.error());
  // The siginfo_t says "nobody" where the call fails, too.
  if (!result.blocked() && result.value() < 0 &&
      result.value() != -static_cast<int64_t>(Errno::kFault)) {
    Result<void> told = WriteChildInfo(context.thread(), context.Addr(2), ChildChange());
    if (!told.ok()) return told.error();
  }
  return result;
}

// ---- Groups and sessions.

namespace {

// The process of a task's id; 0: the caller's. Null: there is none.
os_emu::Process* ProcessOf(SyscallContext& context, int32_t id) {
  if (id == 0) return &context.process();
  if (os_emu::Thread* thread = context.kernel().FindThread(Tid{id})) return &thread->process();
  return context.kernel().FindProcess(Tid{id});
}

}  // namespace

CallResult SysSetpgid(SyscallContext& context) {
  os_emu::Process& caller = context.process();
  os_emu::Kernel& kernel = context.kernel();
  const Tid pid = context.Int(0) != 0 ? Tid{context.Int(0)} : caller.pid();
  const Tid group = context.Int(1) != 0 ? Tid{context.Int(1)} : pid;
  if (static_cast<int32_t>(group) < 0) return Errno::kInval;
  os_emu::Process* process = kernel.FindProcess(pid);
  if (process == nullptr) return kernel.FindThread(pid) != nullptr ? Errno::kInval : Errno::kSrch;
  if (process->parent == &caller) {
    if (process->session != caller.session) return Errno::kPerm;
    if (process->has_executed) return Errno::kAcces;
  } else if (process != &caller) {
    return Errno::kSrch;
  }
  if (process->session == process->pid()) return Errno::kPerm;
  if (group == pid) {
    process->LeadGroup();
    return 0;
  }
  const os_emu::Process* member = nullptr;
  kernel.ForEachInGroup(group, [&](os_emu::Process& other) {
    if (other.session == caller.session) member = &other;
  });
  if (member == nullptr) return Errno::kPerm;
  process->JoinGroup(*member);
  return 0;
}

CallResult SysGetpgid(SyscallContext& context) {
  const os_emu::Process* process = ProcessOf(context, context.Int(0));
  if (process == nullptr) return Errno::kSrch;
  return static_cast<int64_t>(process->group);
}

CallResult SysGetsid(SyscallContext& context) {
  const os_emu::Process* process = ProcessOf(context, context.Int(0));
  if (process == nullptr) return Errno::kSrch;
  return static_cast<int64_t>(process->session);
}

CallResult SysSetsid(SyscallContext& context) {
  os_emu::Process& process = context.process();
  bool is_group = false;
  context.kernel().ForEachInGroup(process.pid(), [&](os_emu::Process&) { is_group = true; });
  if (is_group) return Errno::kPerm;
  process.session = process.pid();
  process.LeadGroup();
  process.terminal.reset();
  return static_cast<int64_t>(process.pid());
}

}  // namespace pollux::shims
