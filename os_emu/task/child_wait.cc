#include "os_emu/task/child_wait.h"

#include <memory>
#include <optional>

namespace pollux::os_emu {

ChildChange ChangeTo(const Process& child, int code) {
  return {.pid = child.pid(),
          .uid = child.credentials.uid,
          .code = code,
          .status = code == kCldStopped ? child.stop_signal : kSigCont,
          .cpu_time = child.cpu_clock->now(),
          .children_cpu_time = child.children_cpu_time,
          .minor_faults = child.minor_faults() + child.children_minor_faults};
}

ChildChange EndOf(const Process& child) {
  const bool killed = child.exit->signal != 0;
  return {.pid = child.pid(),
          .uid = child.credentials.uid,
          .code = child.exit->core_dumped ? kCldDumped
                  : killed                ? kCldKilled
                                          : kCldExited,
          .status = killed ? child.exit->signal : child.exit->status,
          .cpu_time = child.cpu_clock->now(),
          .children_cpu_time = child.children_cpu_time,
          .minor_faults = child.minor_faults() + child.children_minor_faults};
}

SignalInfo SignalOf(const ChildChange& change, int signal) {
  SignalInfo info;
  info.signal = signal;
  info.code = change.code;
  info.sender_pid = static_cast<int32_t>(change.pid);
  info.sender_uid = change.uid;
  info.status = change.status;
  info.user_time = change.cpu_time.value / kNanosPerTick;
  return info;
}

namespace {

// eligible_pid(), eligible_child()
bool IsEligible(const Thread& thread, const Process& child, const ChildWait& wait) {
  switch (wait.which) {
    case ChildWait::Which::kAny:
      break;
    case ChildWait::Which::kPid:
      if (child.pid() != wait.id) return false;
      break;
    case ChildWait::Which::kGroup:
      if (child.group != wait.id) return false;
      break;
  }
  if ((wait.options & kWNoThread) != 0 && child.forked_by != thread.tid()) return false;
  if ((wait.options & kWAll) != 0) return true;
  // "clone children" are those that send another signal than SIGCHLD.
  return (child.exit_signal != kSigChld) == ((wait.options & kWClone) != 0);
}

// wait_consider_task(): what there is to tell of the child, which then counts as told.
std::optional<ChildChange> ChangeOf(Process& child, const ChildWait& wait) {
  const bool keep = (wait.options & kWNoWait) != 0;
  if (child.exit.has_value()) {
    if ((wait.options & kWExited) == 0) return std::nullopt;
    const ChildChange end = EndOf(child);
    if (!keep) {
      // wait_task_zombie(): only what was waited for counts.
      child.parent->children_cpu_time =
          child.parent->children_cpu_time + end.cpu_time + end.children_cpu_time;
      child.parent->children_minor_faults += end.minor_faults;
      child.kernel().Reap(child);
    }
    return end;
  }
  if ((wait.options & kWStopped) != 0 && child.stop_unreported) {
    if (!keep) child.stop_unreported = false;
    return ChangeTo(child, kCldStopped);
  }
  if ((wait.options & kWContinued) != 0 && child.continue_unreported) {
    if (!keep) child.continue_unreported = false;
    return ChangeTo(child, kCldContinued);
  }
  return std::nullopt;
}

class ChildWaitCall final : public BlockedCall {
 public:
  explicit ChildWaitCall(const ChildWait& wait) : wait_(wait) {}

  // kAgain: children of the wanted ones go on unchanged.
  Result<int64_t> Look(Thread& thread) {
    bool any = false;
    for (Process* child : thread.process().children) {
      if (!IsEligible(thread, *child, wait_)) continue;
      // wait_task_zombie(): of one that has ended only its end is left.
      if (child->exit.has_value() && (wait_.options & kWExited) == 0) continue;
      any = true;
      const std::optional<ChildChange> change = ChangeOf(*child, wait_);
      if (!change.has_value()) continue;
      POLLUX_RETURN_IF_ERROR(wait_.tell(thread, wait_, &*change));
      return wait_.answers_pid ? static_cast<int64_t>(change->pid) : int64_t{0};
    }
    return any ? Errno::kAgain : Errno::kChild;
  }

  Result<int64_t> Resume(Thread& thread, bool) override { return Look(thread); }
  void Park(Thread& thread) override {
    waiter_ = std::make_unique<ThreadWaiter>(thread, 0);
    thread.process().child_events.Add(*waiter_);
  }
  void Unpark() override { waiter_.reset(); }
  const char* TypeName() const override { return wait_.answers_pid ? "wait4" : "waitid"; }

 private:
  ChildWait wait_;
  std::unique_ptr<ThreadWaiter> waiter_;
};

}  // namespace

CallResult StartChildWait(Thread& thread, const ChildWait& wait) {
  auto call = std::make_unique<ChildWaitCall>(wait);
  const Result<int64_t> found = call->Look(thread);
  if (found.ok() || found.error() != Errno::kAgain) return found;
  if ((wait.options & kWNoHang) != 0) {
    if (wait.again_if_none) return Errno::kAgain;
    POLLUX_RETURN_IF_ERROR(wait.tell(thread, wait, nullptr));
    return int64_t{0};
  }
  return std::unique_ptr<BlockedCall>(std::move(call));
}

}  // namespace pollux::os_emu
