// clone(2), clone3(2), unshare(2) (kernel/fork.c).
#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "os_emu/pidfd/pidfd.h"
#include "os_emu/task/clone.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/task_host.h"

namespace pollux::shims {
namespace {

constexpr uint64_t kSignalBits = 0xff;  // CSIGNAL
constexpr uint64_t kNewTime = 0x80;     // CLONE_NEWTIME
constexpr uint64_t kNamespaces =
    os_emu::kCloneNewNs | os_emu::kCloneNewCgroup | os_emu::kCloneNewUts | os_emu::kCloneNewIpc |
    os_emu::kCloneNewUser | os_emu::kCloneNewPid | os_emu::kCloneNewNet;

// struct kernel_clone_args
struct CloneArgs {
  os_emu::CloneRequest request;
  GuestAddr pidfd;
  std::optional<uint64_t> stack;
  uint64_t tls = 0;
};

// What pollux has no separate worlds for. Said once, and refused as a kernel without it does.
Result<void> CheckSupported(SyscallContext& context, uint64_t flags) {
  if ((flags & (kNamespaces | kNewTime)) != 0)
    return context.Refuse(Errno::kInval, "a new namespace");
  if ((flags & os_emu::kCloneThread) == 0 && (flags & os_emu::kCloneSigHand) != 0)
    return context.Refuse(Errno::kInval, "CLONE_SIGHAND between processes");
  return {};
}

// A number for the pidfd, which the guest is told before there is a child.
class PidFdNumber {
 public:
  explicit PidFdNumber(SyscallContext& context) : context_(context) {}
  ~PidFdNumber() {
    if (reserved_) context_.fds().Cancel(fd_);
  }
  Result<void> Reserve(GuestAddr where) {
    where_ = where;
    POLLUX_ASSIGN_OR_RETURN(fd_, context_.fds().Reserve());
    reserved_ = true;
    // The number is written when the child has its copy of the memory; whether that will work is
    // seen now.
    POLLUX_ASSIGN_OR_RETURN(const int32_t now, context_.In<int32_t>(where));
    return context_.Out(where, now);
  }
  void Fill(os_emu::Thread& child, bool is_thread) {
    (void)context_.Out(where_, static_cast<int32_t>(fd_)).ok();
    os_emu::Kernel& kernel = context_.kernel();
    std::shared_ptr<os_emu::PidRecord> record =
        is_thread ? kernel.RecordOf(child) : child.process().pid_record;
    if (record->inode == 0) record->inode = kernel.NextInode();
    reserved_ = false;
    context_.fds().Fill(fd_,
                        os_emu::MakeDescription<os_emu::PidFd>(
                            std::move(record), is_thread ? os_emu::kPidfdThread : 0),
                        /*close_on_exec=*/true);
  }

 private:
  SyscallContext& context_;
  GuestAddr where_;
  Fd fd_{-1};
  bool reserved_ = false;
};

// kernel_clone()
CallResult Clone(SyscallContext& context, const CloneArgs& args) {
  const uint64_t flags = args.request.flags;
  Result<void> supported = CheckSupported(context, flags);
  if (!supported.ok()) return supported.error();
  PidFdNumber pidfd(context);
  if ((flags & os_emu::kClonePidFd) != 0) {
    Result<void> reserved = pidfd.Reserve(args.pidfd);
    if (!reserved.ok()) return reserved.error();
  }
  os_emu::Thread& parent = context.thread();
  Result<os_emu::Thread*> made = context.kernel().Clone(parent, args.request);
  if (!made.ok()) return made.error();
  os_emu::Thread& child = **made;
  if ((flags & os_emu::kClonePidFd) != 0) pidfd.Fill(child, (flags & os_emu::kCloneThread) != 0);
  interp::Cpu cpu = context.cpu();
  cpu.x[interp::kA0] = 0;
  if (args.stack.has_value()) cpu.x[interp::kSp] = *args.stack;
  if ((flags & os_emu::kCloneSetTls) != 0) cpu.x[interp::kTp] = args.tls;
  cpu.reservation = {};
  cpu.retired = 0;
  context.abi().tasks().OnClone(parent, child, cpu);
  if ((flags & os_emu::kCloneVfork) != 0) return os_emu::StartVforkWait(child.process());
  return static_cast<int64_t>(child.tid());
}

// copy_struct_from_user(): kInval, kFault, k2Big.
Result<GuestCloneArgs> ReadCloneArgs(SyscallContext& context) {
  const uint64_t size = context.Arg(1);
  if (size > memory::kPageBytes) return Errno::k2Big;
  if (size < kCloneArgsVersion0) return Errno::kInval;
  std::vector<uint8_t> bytes(std::max<uint64_t>(size, sizeof(GuestCloneArgs)));
  if (context.memory().Read(context.Addr(0), std::span(bytes).first(size)) != size)
    return Errno::kFault;
  for (size_t i = sizeof(GuestCloneArgs); i < bytes.size(); ++i) {
    if (bytes[i] != 0) return Errno::k2Big;
  }
  GuestCloneArgs args;
  std::memcpy(&args, bytes.data(), sizeof(args));
  return args;
}

}  // namespace

CallResult SysClone(SyscallContext& context) {
  const uint64_t flags = context.UInt(0) & ~kSignalBits;
  // The pidfd goes where the parent's tid would.
  if ((flags & os_emu::kClonePidFd) != 0 && (flags & os_emu::kCloneParentSetTid) != 0)
    return Errno::kInval;
  CloneArgs args;
  args.request.flags = flags;
  args.request.exit_signal = static_cast<int>(context.UInt(0) & kSignalBits);
  args.request.parent_tid = context.Addr(2);
  args.request.child_tid = context.Addr(4);
  args.pidfd = context.Addr(2);
  args.tls = context.Arg(3);
  if (context.Arg(1) != 0) args.stack = context.Arg(1);
  return Clone(context, args);
}

// clone3_args_valid() and copy_clone_args_from_user()
CallResult SysClone3(SyscallContext& context) {
  Result<GuestCloneArgs> given = ReadCloneArgs(context);
  if (!given.ok()) return given.error();
  constexpr uint64_t kMaxTids = 32;  // MAX_PID_NS_LEVEL
  if (given->set_tid_size > kMaxTids) return Errno::kInval;
  if ((given->set_tid == 0) != (given->set_tid_size == 0)) return Errno::kInval;
  if ((given->exit_signal & ~kSignalBits) != 0 ||
      given->exit_signal > static_cast<uint64_t>(os_emu::kSignals)) {
    return Errno::kInval;
  }
  constexpr uint64_t kKnown = 0xffffffff | os_emu::kCloneClearSigHand | os_emu::kCloneIntoCgroup;
  const uint64_t flags = given->flags;
  if ((flags & ~kKnown) != 0) return Errno::kInval;
  if ((flags & (os_emu::kCloneDetached | (kSignalBits & ~kNewTime))) != 0) return Errno::kInval;
  if ((flags & os_emu::kCloneSigHand) != 0 && (flags & os_emu::kCloneClearSigHand) != 0)
    return Errno::kInval;
  if ((flags & (os_emu::kCloneThread | os_emu::kCloneParent)) != 0 && given->exit_signal != 0)
    return Errno::kInval;
  if ((given->stack == 0) != (given->stack_size == 0)) return Errno::kInval;
  if (given->stack != 0 && !SyscallContext::AccessOk(given->stack, given->stack_size))
    return Errno::kInval;
  if (given->set_tid != 0) return context.Refuse(Errno::kPerm, "choosing the tid");
  if ((flags & os_emu::kCloneIntoCgroup) != 0) return context.Refuse(Errno::kBadF, "a cgroup");
  CloneArgs args;
  args.request.flags = flags;
  args.request.exit_signal = static_cast<int>(given->exit_signal);
  args.request.parent_tid = GuestAddr{given->parent_tid};
  args.request.child_tid = GuestAddr{given->child_tid};
  args.pidfd = GuestAddr{given->pidfd};
  args.tls = given->tls;
  if (given->stack != 0) args.stack = given->stack + given->stack_size;
  return Clone(context, args);
}

// check_unshare_flags(), ksys_unshare()
CallResult SysUnshare(SyscallContext& context) {
  uint64_t flags = context.Arg(0);
  constexpr uint64_t kTasks = os_emu::kCloneThread | os_emu::kCloneSigHand | os_emu::kCloneVm;
  constexpr uint64_t kKnown = kTasks | kNamespaces | kNewTime | os_emu::kCloneFs |
                              os_emu::kCloneFiles | os_emu::kCloneSysVSem;
  if ((flags & ~kKnown) != 0) return Errno::kInval;
  const bool alone = context.process().threads.size() == 1;
  if ((flags & kTasks) != 0 && (!alone || context.process().memory.use_count() > 1))
    return Errno::kInval;
  if ((flags & (kNamespaces | kNewTime)) != 0)
    return context.Refuse(Errno::kPerm, "a new namespace");
  if ((flags & os_emu::kCloneFs) != 0) context.thread().UnshareFs();
  if ((flags & os_emu::kCloneFiles) != 0) context.thread().UnshareFds();
  return 0;
}

}  // namespace pollux::shims
