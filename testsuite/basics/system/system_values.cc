// system_values: what the system says of itself, as far as every system must.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#include <thread>

#include "testsuite/basics/check.h"

int main() {
  std::printf("page %ld, ticks %ld, iov %ld, version %ld\n", sysconf(_SC_PAGESIZE),
              sysconf(_SC_CLK_TCK), sysconf(_SC_IOV_MAX), sysconf(_SC_VERSION));
  Must(sysconf(_SC_NPROCESSORS_ONLN) > 0 &&
           sysconf(_SC_NPROCESSORS_CONF) >= sysconf(_SC_NPROCESSORS_ONLN),
       "processors");
  Must(std::thread::hardware_concurrency() > 0 && get_nprocs() > 0, "hardware_concurrency");
  Must(sysconf(_SC_PHYS_PAGES) > 0, "memory");
  cpu_set_t set;
  Must(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0, "sched_getaffinity");
  Must(sched_getcpu() >= 0 && CPU_ISSET(sched_getcpu(), &set), "sched_getcpu is one of them");
  Show("sched_getaffinity with little room", syscall(SYS_sched_getaffinity, 0, 4, &set));
  Show("sched_getaffinity of nobody", sched_getaffinity(0x3ffffff, sizeof set, &set));
  Show("sched_setaffinity to what it is", sched_setaffinity(0, sizeof set, &set));
  CPU_ZERO(&set);
  Show("sched_setaffinity to nothing", sched_setaffinity(0, sizeof set, &set));

  struct sysinfo info;
  Must(sysinfo(&info) == 0 && info.totalram > 0 && info.freeram <= info.totalram &&
           info.mem_unit > 0,
       "sysinfo");
  rusage before, after;
  Must(getrusage(RUSAGE_SELF, &before) == 0, "getrusage");
  volatile double sum = 0;
  for (int i = 0; i < 3000000; ++i) sum = sum + i;
  Must(getrusage(RUSAGE_SELF, &after) == 0, "getrusage");
  const auto microseconds = [](const rusage& usage) {
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
  };
  Must(microseconds(after) >= microseconds(before) && after.ru_maxrss > 0, "usage does not shrink");
  Show("getrusage of the children", getrusage(RUSAGE_CHILDREN, &after));
  Show("getrusage of the thread", getrusage(RUSAGE_THREAD, &after));
  Show("getrusage of something else", getrusage(static_cast<__rusage_who_t>(17), &after));

  Must(getpid() > 0 && gettid() == getpid() && getppid() >= 0,
       "the main thread's number is the process's");
  Must(getuid() == geteuid() && getgid() == getegid(), "ids");
  char name[16] = "";
  Must(prctl(PR_SET_NAME, "a name that is too long") == 0 && prctl(PR_GET_NAME, name) == 0,
       "PR_SET_NAME");
  std::printf("name [%s]\n", name);
  Show("prctl of an unknown option", prctl(123456));
  Must(getpriority(PRIO_PROCESS, 0) >= -20, "getpriority");
  std::printf("policy %d, priorities %d to %d\n", sched_getscheduler(0),
              sched_get_priority_min(SCHED_OTHER), sched_get_priority_max(SCHED_FIFO));
  return 0;
}
