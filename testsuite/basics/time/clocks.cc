// clocks: CLOCK_MONOTONIC never goes back, all clocks that should agree do, and wrong clocks are
// refused.
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include <chrono>
#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

int64_t Now(clockid_t clock) {
  timespec now;
  Must(clock_gettime(clock, &now) == 0, "clock_gettime");
  Must(now.tv_nsec >= 0 && now.tv_nsec < 1000000000, "tv_nsec is below a second");
  return now.tv_sec * 1000000000 + now.tv_nsec;
}

volatile uint64_t sink;
void Compute() {
  uint64_t state = 1;
  for (int i = 0; i < 3000000; ++i) state = state * 6364136223846793005u + 1;
  sink = state;
}

}  // namespace

int main() {
  const clockid_t clocks[] = {CLOCK_REALTIME,           CLOCK_MONOTONIC,
                              CLOCK_MONOTONIC_RAW,      CLOCK_BOOTTIME,
                              CLOCK_REALTIME_COARSE,    CLOCK_MONOTONIC_COARSE,
                              CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
  for (const clockid_t clock : clocks) {
    int64_t last = Now(clock);
    for (int i = 0; i < 2000; ++i) {
      const int64_t now = Now(clock);
      Must(now >= last, "no clock goes back");
      last = now;
    }
    timespec resolution;
    Must(clock_getres(clock, &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec > 0,
         "clock_getres");
  }
  std::printf("no clock goes back\n");

  for (const clockid_t clock :
       {CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_REALTIME}) {
    const int64_t before = Now(clock);
    Compute();
    Must(Now(clock) > before, "computing takes time");
  }
  std::printf("computing takes time\n");

  const int64_t first = Now(CLOCK_REALTIME);
  timeval day_time;
  Must(gettimeofday(&day_time, nullptr) == 0, "gettimeofday");
  const int64_t second = day_time.tv_sec * int64_t{1000000000} + day_time.tv_usec * 1000;
  const int64_t seconds = time(nullptr), third = Now(CLOCK_REALTIME);
  Must(first / 1000 <= second / 1000 && second <= third, "gettimeofday is CLOCK_REALTIME");
  // time(2) may be a tick late.
  Must(seconds >= first / 1000000000 - 1 && seconds <= third / 1000000000,
       "time is CLOCK_REALTIME");
  const auto earlier = std::chrono::steady_clock::now(), later = std::chrono::steady_clock::now();
  Must(earlier <= later, "steady_clock");
  Must(first > int64_t{1577836800} * 1000000000, "it is later than 2020");
  std::printf("the clocks agree\n");

  tms usage;
  Must(times(&usage) != -1 && clock() >= 0, "times and clock");
  timespec now;
  Show("clock_gettime of an unknown clock", clock_gettime(99, &now));
  Show("clock_gettime of a negative clock", clock_gettime(-1, &now));
  Show("clock_getres of an unknown clock", clock_getres(99, &now));
  Show("clock_getres of nothing wanted", clock_getres(CLOCK_MONOTONIC, nullptr));
  Show("clock_settime of CLOCK_MONOTONIC", clock_settime(CLOCK_MONOTONIC, &now));
  return 0;
}
