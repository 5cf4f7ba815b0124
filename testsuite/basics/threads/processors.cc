// processors: which processors a thread may run on; what a new thread inherits of that; and
// membarrier.
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/sysinfo.h>

#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

long Barrier(int command, unsigned flags = 0) { return syscall(SYS_membarrier, command, flags, 0); }

}  // namespace

int main() {
  DropRoot();
  cpu_set_t all, one, got;
  Must(sched_getaffinity(0, sizeof all, &all) == 0, "sched_getaffinity");
  std::printf("some: %d, hardware_concurrency knows some: %d\n", CPU_COUNT(&all) >= 1,
              std::thread::hardware_concurrency() >= 1);
  Must(CPU_COUNT(&all) <= get_nprocs_conf(), "no more than there are");
  const int here = sched_getcpu();
  std::printf("this one is among them: %d\n",
              here >= 0 && CPU_ISSET(static_cast<size_t>(here), &all));

  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  }
  std::thread([&] {
    Show("on one alone", sched_setaffinity(0, sizeof one, &one));
    Must(sched_getaffinity(0, sizeof got, &got) == 0 && CPU_EQUAL(&got, &one), "just this one");
    Must(CPU_ISSET(static_cast<size_t>(sched_getcpu()), &one), "and runs there");
    std::thread([&] {
      Must(sched_getaffinity(0, sizeof got, &got) == 0, "sched_getaffinity");
      std::printf("a new thread inherits it: %d\n", CPU_EQUAL(&got, &one) != 0);
    }).join();
    Must(pthread_getaffinity_np(pthread_self(), sizeof got, &got) == 0, "pthread_getaffinity_np");
    std::printf("by the handle: %d\n", CPU_EQUAL(&got, &one) != 0);
  }).join();
  Must(sched_getaffinity(getpid(), sizeof got, &got) == 0, "sched_getaffinity");
  std::printf("not the first thread's: %d\n", CPU_EQUAL(&got, &all) != 0);

  CPU_ZERO(&got);
  Show("on none", sched_setaffinity(0, sizeof got, &got));
  Show("of nobody", sched_getaffinity(0x3ffffff, sizeof got, &got));
  Show("of -1", sched_getaffinity(-1, sizeof got, &got));
  Show("no room", syscall(SYS_sched_getaffinity, 0, 0, &got));
  Show("an odd number of bytes", syscall(SYS_sched_getaffinity, 0, 9, &got));
  Show("out of reach", syscall(SYS_sched_getaffinity, 0, sizeof got, 8));
  Show("set out of reach", syscall(SYS_sched_setaffinity, 0, sizeof got, 8));

  const long commands = Barrier(MEMBARRIER_CMD_QUERY);
  std::printf("membarrier knows: %d\n",
              (commands & MEMBARRIER_CMD_GLOBAL) != 0 &&
                  (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
                  (commands & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0);
  Show("query with flags", Barrier(MEMBARRIER_CMD_QUERY, 1));
  Show("unknown", Barrier(1 << 30));
  Show("private, not registered", Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  Show("global", Barrier(MEMBARRIER_CMD_GLOBAL));
  Show("global, expedited", Barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED));
  Show("register", Barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
  std::thread([] { Show("private, elsewhere", Barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)); }).join();
  return 0;
}
