// timers: Asio's timers are one timerfd of the reactor (epoll_reactor::update_timeout,
// get_timeout), set to the earliest. A thread that adds an earlier one sets it while another sleeps
// in epoll_wait on it; what is due already is set as an absolute time long past, which must expire
// at once. When it is reported, the count is read, the timers that are due are taken, and it is set
// again.
#include "testsuite/asio/scheduler.h"

int main() {
  Scheduler scheduler;
  Strand strand(scheduler);  // Keeps the log in the order in which the timers expired.
  std::string log;
  const int64_t begin = Now();
  const auto at = [&](int64_t ms, const char* name) {
    scheduler.At(begin + ms * kMillisecond, [&, ms, name] {
      Must(Now() >= begin + ms * kMillisecond, "no timer is early");
      strand.Post([&, name] { log += name; });
    });
  };
  // Each is sooner than what the timerfd was set to before, but for the last, which ends all.
  scheduler.Post([&] {
    scheduler.At(begin + 3600 * 1000 * kMillisecond,
                 [] { Must(false, "the sooner ones set the timerfd again"); });
    scheduler.Post([&] {
      at(20, " twenty");
      at(-5, " past");
      scheduler.At(begin + 25 * kMillisecond, [&] {
        strand.Post([&] {
          log += " end";
          scheduler.Stop();
        });
      });
    });
  });
  RunIn(scheduler, 1);
  std::printf("one thread:%s\n", log.c_str());

  // A chain over several threads: each link sets the timerfd while others wait on it.
  Scheduler threads;
  constexpr int kLinks = 12;
  int links = 0;
  std::function<void()> link = [&] {
    if (++links < kLinks) threads.At(Now() + kMillisecond / 10, link);
  };
  threads.At(Now(), link);
  RunIn(threads, 3);
  std::printf("links: %d\n", links);
  return 0;
}
