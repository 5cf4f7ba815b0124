// sleeping: a sleep takes at least as long as was asked for; one until a time that has passed takes
// none.
#include <sched.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <thread>

#include "testsuite/basics/check.h"

namespace {

constexpr int64_t kMillisecond = 1000000;

int64_t Now(clockid_t clock) {
  timespec now;
  Must(clock_gettime(clock, &now) == 0, "clock_gettime");
  return now.tv_sec * 1000000000 + now.tv_nsec;
}

timespec Time(int64_t ns) { return {ns / 1000000000, ns % 1000000000}; }

// Runs `sleep`, and says whether it took as long as it should.
template <typename Sleep>
void AtLeast(const char* what, int64_t ns, Sleep sleep) {
  const int64_t before = Now(CLOCK_MONOTONIC);
  const int result = sleep();
  const int64_t took = Now(CLOCK_MONOTONIC) - before;
  std::printf("%s: %s, %s\n", what, result == 0 ? "ok" : ErrorName(result),
              took < ns                          ? "too short"
              : took > ns + 20000 * kMillisecond ? "far too long"
                                                 : "long enough");
}

}  // namespace

int main() {
  timespec rest = {7, 7};
  AtLeast("nanosleep", 3 * kMillisecond, [&] {
    const timespec time = Time(3 * kMillisecond);
    return nanosleep(&time, &rest);
  });
  std::printf("the rest is left alone: %d\n", rest.tv_sec == 7 && rest.tv_nsec == 7);
  AtLeast("nanosleep of nothing", 0, [] {
    const timespec time = {};
    return nanosleep(&time, nullptr);
  });
  AtLeast("usleep", 2 * kMillisecond, [] { return usleep(2000); });
  AtLeast("sleep_for", 2 * kMillisecond, [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return 0;
  });
  for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    AtLeast("clock_nanosleep", 2 * kMillisecond, [=] {
      const timespec time = Time(2 * kMillisecond);
      return clock_nanosleep(clock, 0, &time, nullptr);
    });
    AtLeast("clock_nanosleep until", 4 * kMillisecond, [=] {
      const timespec time = Time(Now(clock) + 4 * kMillisecond);
      return clock_nanosleep(clock, TIMER_ABSTIME, &time, nullptr);
    });
    AtLeast("clock_nanosleep until a time that has passed", 0, [=] {
      const timespec time = {1, 0};
      return clock_nanosleep(clock, TIMER_ABSTIME, &time, nullptr);
    });
  }
  AtLeast("sched_yield", 0, [] { return sched_yield(); });

  const timespec too_many = {0, 1000000000}, negative = {-1, 0}, negative_part = {0, -1}, fine = {};
  Show("nanosleep, too many nanoseconds", nanosleep(&too_many, nullptr));
  Show("nanosleep, negative", nanosleep(&negative, nullptr));
  Show("nanosleep, negative nanoseconds", nanosleep(&negative_part, nullptr));
  std::printf("clock_nanosleep, unknown clock: %s\n",
              ErrorName(clock_nanosleep(99, 0, &fine, nullptr)));
  std::printf("clock_nanosleep, the thread's own time: %s\n",
              ErrorName(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &fine, nullptr)));
  std::printf("clock_nanosleep, a coarse clock: %s\n",
              ErrorName(clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &fine, nullptr)));
  std::printf("clock_nanosleep, until a negative time: %s\n",
              ErrorName(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &negative, nullptr)));
  return 0;
}
