// How tasks are to be scheduled: policies, priorities, nice values (kernel/sched/syscalls.c,
// kernel/sys.c). All of it is checked and kept as Linux does, and decides nothing.
#include <algorithm>
#include <optional>

#include "os_emu/task/scheduling.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {

using os_emu::Scheduling;
using os_emu::SchedulingPolicy;

namespace {

// CAP_SYS_NICE
// is_nice_reduction()
bool AllowsNice(os_emu::Thread& thread, int32_t nice) {
  constexpr int32_t kMaxNice = 19;
  return static_cast<uint64_t>(kMaxNice + 1 - nice) <=
         thread.process().rlimits[os_emu::kRlimitNice].soft;
}

// user_check_sched_setscheduler(): kPerm.
Result<void> CheckChange(SyscallContext& context, os_emu::Thread& thread,
                         const Scheduling& wanted) {
  if (context.Has(os_emu::Capability::kSysNice)) return {};
  const Scheduling& now = thread.scheduling;
  if (wanted.is_real_time()) {
    const uint64_t limit = thread.process().rlimits[os_emu::kRlimitRealTimePriority].soft;
    if (wanted.policy != now.policy && limit == 0) return Errno::kPerm;
    if (wanted.priority > now.priority && static_cast<uint64_t>(wanted.priority) > limit)
      return Errno::kPerm;
  }
  // SCHED_IDLE counts as a nice value of 20: leaving it is a rise.
  if (now.policy == SchedulingPolicy::kIdle && wanted.policy != SchedulingPolicy::kIdle &&
      !AllowsNice(thread, now.nice)) {
    return Errno::kPerm;
  }
  const os_emu::Credentials& mine = context.thread().credentials();
  const os_emu::Credentials& theirs = thread.credentials();
  if (mine.euid != theirs.euid && mine.euid != theirs.uid) return Errno::kPerm;
  if (now.reset_on_fork && !wanted.reset_on_fork) return Errno::kPerm;
  return {};
}

// do_sched_setscheduler(), __sched_setscheduler(). `policy` -1: it stays.
CallResult SetScheduler(SyscallContext& context, int32_t policy, GuestAddr parameter) {
  constexpr int32_t kResetOnFork = 0x40000000, kMaxPriority = 99;
  if (context.Int(0) < 0 || parameter.IsNull()) return Errno::kInval;
  const Result<int32_t> priority = context.In<int32_t>(parameter);
  if (!priority.ok()) return priority.error();
  const Result<os_emu::Thread*> target = context.Task(0);
  if (!target.ok()) return target.error();
  Scheduling wanted = (*target)->scheduling;
  wanted.priority = *priority;
  if (policy >= 0) {
    wanted.reset_on_fork = (policy & kResetOnFork) != 0;
    wanted.policy = static_cast<SchedulingPolicy>(policy & ~kResetOnFork);
  }
  switch (wanted.policy) {
    case SchedulingPolicy::kOther:
    case SchedulingPolicy::kBatch:
    case SchedulingPolicy::kIdle:
      if (*priority != 0) return Errno::kInval;
      break;
    case SchedulingPolicy::kFifo:
    case SchedulingPolicy::kRoundRobin:
      if (*priority < 1 || *priority > kMaxPriority) return Errno::kInval;
      break;
    default:
      // SCHED_DEADLINE has parameters that only sched_setattr(2) can give; SCHED_EXT is not built
      // in.
      return Errno::kInval;
  }
  const Result<void> allowed = CheckChange(context, **target, wanted);
  if (!allowed.ok()) return allowed;
  if (wanted.is_real_time())
    context.abi().WarnOnce("real-time policies have no effect, the schedule is the machine's");
  (*target)->scheduling = wanted;
  return 0;
}

}  // namespace

CallResult SysSchedSetscheduler(SyscallContext& context) {
  if (context.Int(1) < 0) return Errno::kInval;
  return SetScheduler(context, context.Int(1), context.Addr(2));
}

CallResult SysSchedSetparam(SyscallContext& context) {
  return SetScheduler(context, -1, context.Addr(1));
}

CallResult SysSchedGetscheduler(SyscallContext& context) {
  constexpr int64_t kResetOnFork = 0x40000000;
  if (context.Int(0) < 0) return Errno::kInval;
  const Result<os_emu::Thread*> target = context.Task(0);
  if (!target.ok()) return target.error();
  const Scheduling& scheduling = (*target)->scheduling;
  return static_cast<int64_t>(scheduling.policy) | (scheduling.reset_on_fork ? kResetOnFork : 0);
}

CallResult SysSchedGetparam(SyscallContext& context) {
  if (context.Int(0) < 0 || context.Addr(1).IsNull()) return Errno::kInval;
  const Result<os_emu::Thread*> target = context.Task(0);
  if (!target.ok()) return target.error();
  return context.Out(context.Addr(1), (*target)->scheduling.priority);
}

// A fair task's slice is less than a tick of 250 Hz, and so is told as 0.
CallResult SysSchedRrGetInterval(SyscallContext& context) {
  constexpr int64_t kRoundRobinNanos = 100'000'000;  // RR_TIMESLICE
  if (context.Int(0) < 0) return Errno::kInval;
  const Result<os_emu::Thread*> target = context.Task(0);
  if (!target.ok()) return target.error();
  const bool round_robin = (*target)->scheduling.policy == SchedulingPolicy::kRoundRobin;
  return context.Out(context.Addr(1), GuestTimespec{0, round_robin ? kRoundRobinNanos : 0});
}

namespace {

CallResult PriorityLimit(int32_t policy, int64_t of_real_time) {
  switch (static_cast<SchedulingPolicy>(policy)) {
    case SchedulingPolicy::kFifo:
    case SchedulingPolicy::kRoundRobin:
      return of_real_time;
    case SchedulingPolicy::kOther:
    case SchedulingPolicy::kBatch:
    case SchedulingPolicy::kIdle:
    case SchedulingPolicy::kDeadline:
    case SchedulingPolicy::kExt:
      return 0;
    default:
      return Errno::kInval;
  }
}

}  // namespace

CallResult SysSchedGetPriorityMax(SyscallContext& context) {
  return PriorityLimit(context.Int(0), 99);
}
CallResult SysSchedGetPriorityMin(SyscallContext& context) {
  return PriorityLimit(context.Int(0), 1);
}

// ---- Nice values

namespace {

enum Which : int32_t { kOfThread = 0, kOfGroup = 1, kOfUser = 2 };

// Calls visit(thread) for all threads that the first two arguments mean.
template <typename Visit>
void ForEachMeant(SyscallContext& context, Visit visit) {
  const int32_t which = context.Int(0), who = context.Int(1);
  if (which == kOfThread) {
    os_emu::Thread* thread = who == 0 ? &context.thread() : context.kernel().FindTask(Tid{who});
    if (thread != nullptr) visit(*thread);
    return;
  }
  const Tid group = who == 0 ? context.process().group : Tid{who};
  const uint32_t user = who == 0 ? context.thread().credentials().uid : context.UInt(1);
  for (auto& [pid, process] : context.kernel().processes()) {
    const bool meant =
        which == kOfGroup ? process->group == group : process->credentials.uid == user;
    if (!meant) continue;
    for (auto& [tid, thread] : process->threads) visit(*thread);
  }
}

}  // namespace

CallResult SysGetpriority(SyscallContext& context) {
  constexpr int64_t kBase = 20;  // The call answers 20 - nice, so that it is no error.
  if (context.Int(0) < kOfThread || context.Int(0) > kOfUser) return Errno::kInval;
  int64_t highest = 0;
  ForEachMeant(context, [&](os_emu::Thread& thread) {
    highest = std::max(highest, kBase - thread.scheduling.nice);
  });
  return highest != 0 ? CallResult(highest) : CallResult(Errno::kSrch);
}

CallResult SysSetpriority(SyscallContext& context) {
  if (context.Int(0) < kOfThread || context.Int(0) > kOfUser) return Errno::kInval;
  const int32_t nice = std::clamp(context.Int(2), -20, 19);
  const os_emu::Credentials& mine = context.thread().credentials();
  // The last failure is told, though others were changed.
  std::optional<Errno> failure;
  bool any = false;
  ForEachMeant(context, [&](os_emu::Thread& thread) {
    any = true;
    const os_emu::Credentials& theirs = thread.credentials();
    if (theirs.uid != mine.euid && theirs.euid != mine.euid &&
        !context.Has(os_emu::Capability::kSysNice)) {
      failure = Errno::kPerm;
    } else if (nice < thread.scheduling.nice && !AllowsNice(thread, nice) &&
               !context.Has(os_emu::Capability::kSysNice)) {
      failure = Errno::kAcces;
    } else {
      thread.scheduling.nice = nice;
    }
  });
  if (!any) return Errno::kSrch;
  return failure.has_value() ? CallResult(*failure) : CallResult(0);
}

}  // namespace pollux::shims
