// an_hour_asleep: time is virtual. A guest that sleeps for an hour, a day and a year is done at
// once, and the clocks say that it slept.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

int64_t Seconds(clockid_t clock) {
  timespec now;
  Must(clock_gettime(clock, &now) == 0, "clock_gettime");
  return now.tv_sec;
}

void Slept(const char* what, int64_t seconds, int64_t before) {
  const int64_t took = Seconds(CLOCK_MONOTONIC) - before;
  Must(took >= seconds && took <= seconds + 1, what);
  std::printf("%s: %lld seconds\n", what, static_cast<long long>(seconds));
}

}  // namespace

int main() {
  const int64_t start = Seconds(CLOCK_MONOTONIC), start_of_day = Seconds(CLOCK_REALTIME);
  Must(sleep(3600) == 0, "sleep");
  Slept("sleep", 3600, start);

  int64_t before = Seconds(CLOCK_MONOTONIC);
  const timespec day = {86400, 0};
  Must(nanosleep(&day, nullptr) == 0, "nanosleep");
  Slept("nanosleep", 86400, before);

  before = Seconds(CLOCK_MONOTONIC);
  const timespec next_year = {before + 365 * 86400, 0};
  Must(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next_year, nullptr) == 0,
       "clock_nanosleep");
  Slept("clock_nanosleep", 365 * 86400, before);

  before = Seconds(CLOCK_MONOTONIC);
  const int epoll = epoll_create1(0), counter = eventfd(0, 0);
  epoll_event event = {};
  event.events = EPOLLIN;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) == 0, "epoll_ctl");
  Must(epoll_wait(epoll, &event, 1, 2000000000) == 0, "epoll_wait");
  Slept("epoll_wait", 2000000, before);
  before = Seconds(CLOCK_MONOTONIC);
  pollfd watched = {counter, POLLIN, 0};
  Must(poll(&watched, 1, 2000000000) == 0, "poll");
  Slept("poll", 2000000, before);

  const int64_t in_all = Seconds(CLOCK_MONOTONIC) - start,
                on_the_wall = Seconds(CLOCK_REALTIME) - start_of_day;
  Must(in_all - on_the_wall <= 1 && on_the_wall - in_all <= 1,
       "the clock on the wall has gone on as well");
  const int64_t cpu = Seconds(CLOCK_PROCESS_CPUTIME_ID);
  Must(cpu < 10, "sleeping costs no processor time");
  return 0;
}
