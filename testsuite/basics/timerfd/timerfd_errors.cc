// timerfd_errors: each call with one wrong thing in it, and, at the end, two, where the order is
// the point.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

int main() {
  DropRoot();
  for (int clock = -2; clock <= 12; ++clock) {
    const int timer = timerfd_create(clock, 0);
    Show(("create with clock " + std::to_string(clock)).c_str(), timer);
    if (timer >= 0) close(timer);
  }
  Show("create with a flag of settime", timerfd_create(CLOCK_MONOTONIC, TFD_TIMER_ABSTIME));
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  Must(timer >= 0, "timerfd_create");
  ShowCount("descriptor flags", fcntl(timer, F_GETFD));
  std::printf("status flags: %d\n", fcntl(timer, F_GETFL) == (O_RDWR | O_NONBLOCK));
  const int pipe_end = [] {
    int ends[2];
    Must(pipe(ends) == 0, "pipe");
    return ends[0];
  }();

  const itimerspec good = {{0, 0}, {1, 0}}, negative = {{0, 0}, {-1, 0}},
                   long_nanos = {{0, 0}, {0, 1000000000}}, bad_interval = {{0, -1}, {1, 0}},
                   negative_interval = {{-1, 0}, {1, 0}}, huge = {{0, 0}, {INT64_MAX, 999999999}};
  itimerspec old;
  itimerspec* const nowhere = reinterpret_cast<itimerspec*>(8);
  Show("settime", timerfd_settime(timer, 0, &good, &old));
  Show("settime, negative seconds", timerfd_settime(timer, 0, &negative, nullptr));
  Show("settime, a second of nanoseconds", timerfd_settime(timer, 0, &long_nanos, nullptr));
  Show("settime, bad interval", timerfd_settime(timer, 0, &bad_interval, nullptr));
  Show("settime, negative interval", timerfd_settime(timer, 0, &negative_interval, nullptr));
  Show("settime, the end of time", timerfd_settime(timer, 0, &huge, nullptr));
  Show("settime, the end of time, absolute",
       timerfd_settime(timer, TFD_TIMER_ABSTIME, &huge, nullptr));
  Show("settime, unknown flag", timerfd_settime(timer, 4, &good, nullptr));
  Show("settime, flag of create", timerfd_settime(timer, TFD_NONBLOCK, &good, nullptr));
  Show("settime, cancel on a clock that is never set",
       timerfd_settime(timer, TFD_TIMER_CANCEL_ON_SET, &good, nullptr));
  Show("settime, closed number", timerfd_settime(700, 0, &good, nullptr));
  Show("settime, a pipe", timerfd_settime(pipe_end, 0, &good, nullptr));
  Show("settime, no value", timerfd_settime(timer, 0, nullptr, nullptr));
  Show("settime, value out of reach", timerfd_settime(timer, 0, nowhere, nullptr));
  // The timer is set all the same.
  const itimerspec five = {{5, 0}, {5, 0}};
  Show("settime, old value out of reach", timerfd_settime(timer, 0, &five, nowhere));
  Must(timerfd_gettime(timer, &old) == 0, "timerfd_gettime");
  std::printf("interval now: %ld\n", static_cast<long>(old.it_interval.tv_sec));
  Show("gettime, closed number", timerfd_gettime(700, &old));
  Show("gettime, a pipe", timerfd_gettime(pipe_end, &old));
  Show("gettime, out of reach", timerfd_gettime(timer, nowhere));

  uint64_t count = 0;
  Show("read, nothing", read(timer, &count, sizeof count));
  Show("read, too small", read(timer, &count, 7));
  Show("write", write(timer, &count, sizeof count));
  Show("pread", pread(timer, &count, sizeof count, 0));
  ShowCount("lseek", lseek(timer, 10, SEEK_SET));
  Show("FIONREAD", ioctl(timer, FIONREAD, &count));
  Show("ftruncate", ftruncate(timer, 0));

  // The number of expiries can be set, for those who bring back a checkpoint.
  count = 3;
  Show("TFD_IOC_SET_TICKS", ioctl(timer, _IOW('T', 0, uint64_t), &count));
  count = 0;
  Show("TFD_IOC_SET_TICKS of 0", ioctl(timer, _IOW('T', 0, uint64_t), &count));
  Show("TFD_IOC_SET_TICKS out of reach", ioctl(timer, _IOW('T', 0, uint64_t), nowhere));
  Show("read out of reach", syscall(SYS_read, timer, nowhere, sizeof count));
  Show("what was read is gone", read(timer, &count, sizeof count));

  // Two wrong things.
  Show("settime, closed number and unknown flag", timerfd_settime(700, 4, &good, nullptr));
  Show("settime, closed number and value out of reach", timerfd_settime(700, 4, nowhere, nullptr));
  Show("gettime, closed number and out of reach", timerfd_gettime(700, nowhere));
  Show("read, nothing there and too small", read(timer, &count, 0));
  return 0;
}
