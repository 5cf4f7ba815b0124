// expiries: what a timerfd counts, when it stands still, and what setting it again does. Times are
// asked as "at least" and "at most the whole", because the kernel's clock runs on meanwhile.
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

constexpr long kMilli = 1000000;

int Make(int clock, int flags = TFD_NONBLOCK) {
  const int timer = timerfd_create(clock, flags);
  Must(timer >= 0, "timerfd_create");
  return timer;
}

void Set(int timer, long value, long interval, int flags = 0) {
  const itimerspec setting = {{interval / 1000000000, interval % 1000000000},
                              {value / 1000000000, value % 1000000000}};
  Must(timerfd_settime(timer, flags, &setting, nullptr) == 0, "timerfd_settime");
}

long Left(const timespec& time) { return time.tv_sec * 1000000000 + time.tv_nsec; }

// Prints the count, or the error.
void Read(const char* what, int timer) {
  uint64_t count = 0;
  const ssize_t bytes = read(timer, &count, sizeof count);
  ShowCount(what, bytes < 0 ? -1 : static_cast<long>(count));
}

void WaitUntilReadable(int timer) {
  pollfd entry = {timer, POLLIN | POLLOUT | POLLPRI, 0};
  Must(poll(&entry, 1, 10000) == 1 && entry.revents == POLLIN, "readable, and nothing else");
}

void Sleep(long span) {
  timespec time = {span / 1000000000, span % 1000000000};
  while (nanosleep(&time, &time) != 0) continue;
}

void OneShot(const char* name, int clock) {
  std::printf("one shot on %s\n", name);
  const int timer = Make(clock);
  Read("  never set", timer);
  Set(timer, 300 * kMilli, 0);
  Read("  too early", timer);
  WaitUntilReadable(timer);
  Sleep(5 * kMilli);
  Read("  once", timer);
  Read("  then", timer);
  itimerspec now;
  Must(timerfd_gettime(timer, &now) == 0, "timerfd_gettime");
  std::printf("  left %ld, interval %ld\n", Left(now.it_value), Left(now.it_interval));
  close(timer);
}

void Intervals() {
  std::printf("intervals\n");
  const int timer = Make(CLOCK_MONOTONIC);
  Set(timer, kMilli, 2 * kMilli);
  WaitUntilReadable(timer);
  Sleep(20 * kMilli);
  uint64_t count = 0;
  Must(read(timer, &count, sizeof count) == sizeof count, "read");
  Must(count >= 10, "the first and at least nine more");
  // It runs on in step: the next one comes within an interval.
  itimerspec now;
  Must(timerfd_gettime(timer, &now) == 0, "timerfd_gettime");
  Must(Left(now.it_value) >= 0 && Left(now.it_value) <= 2 * kMilli,
       "less than an interval is left");
  std::printf("  interval %ld\n", Left(now.it_interval));
  WaitUntilReadable(timer);
  // Asking counts what has gone by, too.
  Sleep(10 * kMilli);
  Must(timerfd_gettime(timer, &now) == 0, "timerfd_gettime");
  Must(read(timer, &count, sizeof count) == sizeof count && count >= 5, "counted by asking");
  close(timer);
}

void Absolute() {
  std::printf("absolute\n");
  for (const int clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME}) {
    const int timer = Make(clock);
    timespec now;
    Must(clock_gettime(clock, &now) == 0, "clock_gettime");
    Set(timer, Left(now) + 3 * kMilli, 0, TFD_TIMER_ABSTIME);
    WaitUntilReadable(timer);
    timespec then;
    Must(clock_gettime(clock, &then) == 0, "clock_gettime");
    Must(Left(then) >= Left(now) + 3 * kMilli, "not too early");
    Read("  at its time", timer);
    // The past: at once.
    Set(timer, 1, 0, TFD_TIMER_ABSTIME);
    WaitUntilReadable(timer);
    Read("  in the past", timer);
    // Since long ago, once a second.
    Set(timer, 1, 1000000000, TFD_TIMER_ABSTIME);
    WaitUntilReadable(timer);
    uint64_t count = 0;
    Must(read(timer, &count, sizeof count) == sizeof count, "read");
    Must(clock_gettime(clock, &then) == 0, "clock_gettime");
    Must(count >= 1 && count <= static_cast<uint64_t>(then.tv_sec) + 1, "one for each second");
    close(timer);
  }
}

void SettingAgain() {
  std::printf("setting again\n");
  const int timer = Make(CLOCK_MONOTONIC);
  Set(timer, 1, 0);
  WaitUntilReadable(timer);
  Set(timer, 1000 * kMilli, 7 * kMilli);
  Read("  the count is gone", timer);
  itimerspec zero = {}, old = {};
  Must(timerfd_settime(timer, 0, &zero, &old) == 0, "timerfd_settime");
  Must(Left(old.it_value) > 0 && Left(old.it_value) <= 1000 * kMilli, "what was left");
  std::printf("  was: interval %ld\n", Left(old.it_interval));
  Must(timerfd_settime(timer, 0, &zero, &old) == 0, "timerfd_settime");
  std::printf("  then: %ld, interval %ld\n", Left(old.it_value), Left(old.it_interval));
  // A value of 0 disarms, whatever the interval is; the interval is kept all the same.
  const itimerspec interval_only = {{0, 5}, {0, 0}};
  Must(timerfd_settime(timer, 0, &interval_only, nullptr) == 0, "timerfd_settime");
  Must(timerfd_gettime(timer, &old) == 0, "timerfd_gettime");
  std::printf("  no value: %ld, interval %ld\n", Left(old.it_value), Left(old.it_interval));
  Sleep(kMilli);
  Read("  nothing comes", timer);
  // Disarming takes away what was counted.
  Set(timer, 1, 0);
  WaitUntilReadable(timer);
  Must(timerfd_settime(timer, 0, &zero, nullptr) == 0, "timerfd_settime");
  Read("  disarmed after it expired", timer);
  // Expired with an interval, and set: what is left of the interval is told.
  Set(timer, 1, 1000 * kMilli);
  WaitUntilReadable(timer);
  Must(timerfd_settime(timer, 0, &zero, &old) == 0, "timerfd_settime");
  Must(Left(old.it_value) > 0 && Left(old.it_value) <= 1000 * kMilli, "within the interval");
  close(timer);
}

void Blocking() {
  std::printf("blocking\n");
  const int timer = Make(CLOCK_MONOTONIC, 0);
  Set(timer, 2 * kMilli, 0);
  Read("  read waits", timer);
  uint64_t buffer[4] = {};
  Set(timer, 1, 0);
  ShowCount("  a long read", read(timer, buffer, sizeof buffer));
  close(timer);
}

}  // namespace

int main() {
  OneShot("CLOCK_REALTIME", CLOCK_REALTIME);
  OneShot("CLOCK_MONOTONIC", CLOCK_MONOTONIC);
  OneShot("CLOCK_BOOTTIME", CLOCK_BOOTTIME);
  Intervals();
  Absolute();
  SettingAgain();
  Blocking();
  return 0;
}
