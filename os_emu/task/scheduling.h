// Scheduling: what sched_setscheduler(2) and setpriority(2) say of a thread. It is kept and told,
// and decides nothing: the schedule is the machine's.
#ifndef POLLUX_OS_EMU_TASK_SCHEDULING_H_
#define POLLUX_OS_EMU_TASK_SCHEDULING_H_

#include <cstdint>

namespace pollux::os_emu {

// SCHED_* of uapi/linux/sched.h.
enum class SchedulingPolicy : int32_t {
  kOther = 0,
  kFifo = 1,
  kRoundRobin = 2,
  kBatch = 3,
  kIdle = 5,
  kDeadline = 6,
  kExt = 7,
};

struct Scheduling {
  SchedulingPolicy policy = SchedulingPolicy::kOther;
  int32_t priority = 0;  // 1 to 99 of kFifo and kRoundRobin, else 0.
  int32_t nice = 0;      // -20 to 19.
  bool reset_on_fork = false;

  bool is_real_time() const {
    return policy == SchedulingPolicy::kFifo || policy == SchedulingPolicy::kRoundRobin;
  }
  // sched_fork(): what a thread that it makes begins with.
  Scheduling ForChild() const {
    Scheduling child = *this;
    if (!reset_on_fork) return child;
    child.reset_on_fork = false;
    if (is_real_time()) {
      child.policy = SchedulingPolicy::kOther;
      child.priority = 0;
      child.nice = 0;
    } else if (nice < 0) {
      child.nice = 0;
    }
    return child;
  }
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_SCHEDULING_H_
