// time_of_day: the system call gettimeofday, which the C library does without: it tells
// CLOCK_REALTIME in microseconds, and each of its results may be left out.
#include <sys/time.h>
#include <time.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

int64_t Clock() {
  timespec now;
  Must(clock_gettime(CLOCK_REALTIME, &now) == 0, "clock_gettime");
  return int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
}

}  // namespace

int main() {
  timeval now = {-1, -1};
  struct timezone zone = {12345, 12345};
  const int64_t before = Clock();
  Show("gettimeofday", syscall(SYS_gettimeofday, &now, nullptr));
  const int64_t after = Clock(), told = int64_t{now.tv_sec} * 1000000 + now.tv_usec;
  // The clock may be set meanwhile, but not by an hour.
  std::printf("is what the clock says: %d\n",
              told >= before - 3600000000 && told <= after + 3600000000);
  std::printf("microseconds: %d\n", now.tv_usec >= 0 && now.tv_usec < 1000000);
  now = {-1, -1};
  Show("with a zone", syscall(SYS_gettimeofday, &now, &zone));
  std::printf("both are told: %d %d\n", now.tv_usec != -1, zone.tz_minuteswest != 12345);
  zone = {12345, 12345};
  Show("a zone only", syscall(SYS_gettimeofday, nullptr, &zone));
  std::printf("it is told: %d\n", zone.tz_minuteswest != 12345);
  Show("neither", syscall(SYS_gettimeofday, nullptr, nullptr));
  Show("time to nowhere", syscall(SYS_gettimeofday, 8L, nullptr));
  Show("zone to nowhere", syscall(SYS_gettimeofday, nullptr, 8L));
  return 0;
}
