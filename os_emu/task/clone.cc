// clone(2), fork(2) (kernel/fork.c).
#include "os_emu/task/clone.h"

#include <memory>
#include <utility>

#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// The first checks of copy_process().
Result<void> CheckFlags(uint64_t flags) {
  const auto has = [flags](uint64_t wanted) { return (flags & wanted) == wanted; };
  if (has(kCloneNewNs | kCloneFs) || has(kCloneNewUser | kCloneFs)) return Errno::kInval;
  if (has(kCloneThread) && !has(kCloneSigHand)) return Errno::kInval;
  if (has(kCloneSigHand) && !has(kCloneVm)) return Errno::kInval;
  if (has(kCloneThread) && (flags & (kCloneNewUser | kCloneNewPid)) != 0) return Errno::kInval;
  if (has(kClonePidFd | kCloneDetached)) return Errno::kInval;
  return {};
}

// copy_files()
std::shared_ptr<FdTable> FdsFor(const Thread& caller, uint64_t flags) {
  if ((flags & kCloneFiles) != 0) return caller.shared_fds();
  return std::make_shared<FdTable>(caller.fds());
}

// copy_fs()
std::shared_ptr<FsContext> FsFor(const Thread& caller, uint64_t flags) {
  if ((flags & kCloneFs) != 0) return caller.shared_fs();
  return std::make_shared<FsContext>(caller.fs());
}

class VforkWaitCall final : public BlockedCall {
 public:
  explicit VforkWaitCall(Process& child) : record_(child.pid_record) {}

  Result<int64_t> Resume(Thread&, bool) override {
    const Process* child = record_->process;
    if (child != nullptr && child->shares_memory_until_exec) return Errno::kAgain;
    return static_cast<int64_t>(record_->number);
  }
  void Park(Thread& thread) override {
    if (record_->process == nullptr) {  // Nobody waits for it, and it is gone.
      thread.Wake();
      return;
    }
    waiter_ = std::make_unique<ThreadWaiter>(thread, 0);
    record_->process->memory_released.Add(*waiter_);
  }
  void Unpark() override { waiter_.reset(); }
  bool only_killable() const override { return true; }
  const char* TypeName() const override { return "vfork"; }

 private:
  std::shared_ptr<PidRecord> record_;
  std::unique_ptr<ThreadWaiter> waiter_;
};

}  // namespace

CallResult StartVforkWait(Process& child) {
  return std::unique_ptr<BlockedCall>(std::make_unique<VforkWaitCall>(child));
}

namespace {

// copy_process(): RLIMIT_NPROC counts the tasks of the real user, zombies too, whoever made them;
// the privileged may have any number.
Result<void> CheckNumberOfTasks(const Thread& caller) {
  const Credentials& own = caller.credentials();
  const Process& its_process = caller.process();
  const uint64_t limit = its_process.rlimits[kRlimitNumberOfProcesses].soft;
  if (limit == UINT64_MAX || own.uid == 0) return {};
  if (own.Has(Capability::kSysResource) || own.Has(Capability::kSysAdmin)) return {};
  uint64_t tasks = 1;  // The new one.
  for (const auto& [pid, process] : its_process.kernel().processes()) {
    for (const auto& [tid, thread] : process->threads)
      tasks += thread->credentials().uid == own.uid ? 1 : 0;
    if (process->ended_leader != nullptr && process->credentials.uid == own.uid) ++tasks;
  }
  return tasks > limit ? Result<void>(Errno::kAgain) : Result<void>();
}

}  // namespace

Result<Thread*> Kernel::Clone(Thread& caller, const CloneRequest& request) {
  POLLUX_RETURN_IF_ERROR(CheckFlags(request.flags));
  Process& process = caller.process();
  POLLUX_RETURN_IF_ERROR(CheckNumberOfTasks(caller));
  POLLUX_ASSIGN_OR_RETURN(const Tid tid, NewTid());
  has_cloned_ = true;
  Thread* child = nullptr;
  if ((request.flags & kCloneThread) != 0) {
    child = &AddThread(process, tid, FdsFor(caller, request.flags), FsFor(caller, request.flags));
  } else {
    Result<Process*> made = CopyProcess(caller, request, tid);
    if (!made.ok()) {
      tasks_.Release();
      return made.error();
    }
    child = (*made)->first_thread();
  }
  child->credentials() = caller.credentials();
  child->name = caller.name;
  child->affinity = caller.affinity;
  child->scheduling = caller.scheduling.ForChild();
  child->signal_mask_ = caller.signal_mask();
  // sas_ss_reset(): a child in the same memory must not use the caller's stack.
  if ((request.flags & (kCloneVm | kCloneVfork)) != kCloneVm) child->alt_stack = caller.alt_stack;
  if ((request.flags & kCloneChildClearTid) != 0) child->clear_child_tid = request.child_tid;
  const uint32_t number = static_cast<uint32_t>(tid);
  if ((request.flags & kCloneParentSetTid) != 0)
    (void)process.memory->WriteObject(request.parent_tid, number).ok();
  if ((request.flags & kCloneChildSetTid) != 0)
    (void)child->process().memory->WriteObject(request.child_tid, number).ok();
  return child;
}

Result<Process*> Kernel::CopyProcess(Thread& caller, const CloneRequest& request, Tid pid) {
  Process& from = caller.process();
  std::shared_ptr<memory::AddressSpace> memory = from.memory;
  if ((request.flags & kCloneVm) == 0) {
    POLLUX_ASSIGN_OR_RETURN(memory, from.memory->Fork());
  }
  auto process = std::make_unique<Process>(*this, pid);
  process->memory = std::move(memory);
  process->brought_in_before_ = process->memory->pages_brought_in();
  static_cast<Inheritance&>(*process) = from;
  if ((request.flags & kCloneClearSigHand) != 0) {
    for (SignalAction& action : process->actions) {
      if (action.handler != kSigIgn) action = SignalAction();
    }
  }
  process->exit_signal = request.exit_signal;
  process->shares_memory_until_exec = (request.flags & kCloneVfork) != 0;
  Process& made = *process;
  processes_.emplace(pid, std::move(process));
  ++living_;
  const bool sibling = (request.flags & kCloneParent) != 0;
  if (sibling) made.exit_signal = from.exit_signal;
  made.forked_by = sibling ? from.forked_by : caller.tid();
  Adopt(sibling ? from.parent : &from, made);
  AddThread(made, pid, FdsFor(caller, request.flags), FsFor(caller, request.flags));
  made.cpu_limit.Update();
  return &made;
}

}  // namespace pollux::os_emu
