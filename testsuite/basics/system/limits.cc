// limits: getrlimit and setrlimit: the soft limit may move below the hard one, the hard one only
// down, and they count.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "testsuite/basics/check.h"

int main() {
  DropRoot();
  rlimit limit;
  for (const int resource :
       {RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_STACK,
        RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING}) {
    Must(getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0 &&
             limit.rlim_cur <= limit.rlim_max,
         "the soft limit is not above the hard one");
  }
  Must(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur >= 1 << 20,
       "a megabyte of stack at least");
  Must(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= 256, "256 numbers at least");

  limit = {100, 200};
  Show("lower both", setrlimit(RLIMIT_NOFILE, &limit));
  Must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  std::printf("%d %d\n", static_cast<int>(limit.rlim_cur), static_cast<int>(limit.rlim_max));
  limit = {200, 200};
  Show("raise the soft one to the hard one", setrlimit(RLIMIT_NOFILE, &limit));
  limit = {200, 201};
  Show("raise the hard one", setrlimit(RLIMIT_NOFILE, &limit));
  limit = {151, 150};
  Show("soft above hard", setrlimit(RLIMIT_NOFILE, &limit));
  Show("unknown resource", getrlimit(static_cast<__rlimit_resource_t>(99), &limit));
  Show("prlimit of nobody", prlimit(0x3ffffff, RLIMIT_NOFILE, nullptr, &limit));
  rlimit old;
  limit = {50, 150};
  Show("prlimit, new and old", prlimit(0, RLIMIT_NOFILE, &limit, &old));
  std::printf("%d %d\n", static_cast<int>(old.rlim_cur), static_cast<int>(old.rlim_max));
  std::printf("getdtablesize %d, sysconf %ld\n", getdtablesize(), sysconf(_SC_OPEN_MAX));
  int last = -1, fd;
  while ((fd = dup(0)) >= 0) last = fd;
  std::printf("the last number is %d, then %s\n", last, ErrorName(errno));
  return 0;
}
