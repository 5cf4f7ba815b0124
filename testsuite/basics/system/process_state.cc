// process_state: what the kernel knows of a process and tells it: its list of robust futexes, its
// scheduling parameter, its personality; and barriers for all of its threads.
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/personality.h>

#include "testsuite/basics/check.h"

namespace {

constexpr int kNobody = 0x3ffffff;

void RobustLists() {
  void* head = nullptr;
  size_t bytes = 0;
  Show("get_robust_list", syscall(SYS_get_robust_list, 0, &head, &bytes));
  std::printf("the C library has set one: %d, %zu bytes\n", head != nullptr, bytes);
  static robust_list_head mine;
  mine.list.next = &mine.list;
  Show("set_robust_list", syscall(SYS_set_robust_list, &mine, sizeof mine));
  Show("set_robust_list of another size", syscall(SYS_set_robust_list, head, sizeof mine - 1));
  void* again = nullptr;
  Show("get_robust_list by number", syscall(SYS_get_robust_list, getpid(), &again, &bytes));
  std::printf("it is mine: %d\n", again == &mine);
  Show("get_robust_list of nobody", syscall(SYS_get_robust_list, kNobody, &again, &bytes));
  Show("get_robust_list, head to nowhere", syscall(SYS_get_robust_list, 0, nullptr, &bytes));
  Show("get_robust_list, size to nowhere", syscall(SYS_get_robust_list, 0, &again, nullptr));
  Must(syscall(SYS_set_robust_list, head, sizeof mine) == 0, "set_robust_list");
}

void SchedulingParameter() {
  sched_param parameter = {42};
  Show("sched_getparam", sched_getparam(0, &parameter));
  std::printf("priority %d\n", parameter.sched_priority);
  parameter.sched_priority = 42;
  Show("sched_getparam by number", sched_getparam(getpid(), &parameter));
  std::printf("priority %d\n", parameter.sched_priority);
  Show("sched_getparam of nobody", sched_getparam(kNobody, &parameter));
  Show("sched_getparam of -1", sched_getparam(-1, &parameter));
  Show("sched_getparam to null", syscall(SYS_sched_getparam, 0, nullptr));
  Show("sched_getparam to nowhere", syscall(SYS_sched_getparam, 0, 8L));
}

void Personality() {
  // There are no errors.
  Must(personality(PER_LINUX) >= 0, "personality");
  std::printf("personality %d", personality(0xffffffff));
  std::printf(", then %d", personality(PER_LINUX));
  std::printf(", then %d\n", personality(0xffffffff));
}

long Barrier(long command, long flags) { return syscall(SYS_membarrier, command, flags, 0); }

void Barriers() {
  const long known = Barrier(MEMBARRIER_CMD_QUERY, 0);
  constexpr long kExpected =
      MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
      MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
      MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
      MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
  std::printf("membarrier knows them: %d\n", known > 0 && (known & kExpected) == kExpected);
  Show("global expedited", Barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0));
  Show("register global expedited", Barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0));
  Show("private expedited, not registered", Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
  Show("register it", Barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
  Show("register it twice", Barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
  Show("private expedited", Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
  Show("of cores, not registered", Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
  Show("register it", Barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0));
  Show("of cores", Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
  Show("an unknown command", Barrier(1 << 20, 0));
  Show("two commands",
       Barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
  Show("a flag with a query", Barrier(MEMBARRIER_CMD_QUERY, 1));
  Show("a flag with a command", Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 1));
}

}  // namespace

int main() {
  DropRoot();
  RobustLists();
  SchedulingParameter();
  Personality();
  Barriers();
  return 0;
}
