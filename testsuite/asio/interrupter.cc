// interrupter: how Asio wakes a thread out of epoll_wait (epoll_reactor::interrupt). The
// interrupter is an eventfd that was written to once and is never read, watched edge-triggered. To
// interrupt is EPOLL_CTL_MOD with the same events: the kernel must look at the file again and
// report it, once. This pings through a scheduler of one thread, which has nobody else to wake,
// from another one.
#include "testsuite/asio/scheduler.h"

namespace {

// The bare calls: how often is the interrupter reported?
void Bare() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC), readable = eventfd(1, EFD_NONBLOCK);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLERR | EPOLLET;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, readable, &event) == 0, "epoll_ctl");
  epoll_event reported;
  const auto count = [&] { return epoll_wait(epoll, &reported, 1, 0); };
  std::printf("added: %d", count());
  std::printf(", then %d\n", count());
  for (int i = 0; i < 3; ++i) {
    Must(epoll_ctl(epoll, EPOLL_CTL_MOD, readable, &event) == 0, "epoll_ctl");
  }
  std::printf("modified three times: %d", count());
  std::printf(", then %d\n", count());

  // A thread that sleeps in the call, and one that does not yet: both return.
  std::atomic<int> returned = 0;
  std::thread sleeper([&] {
    for (int i = 0; i < 20; ++i) {
      Must(TEMP_FAILURE_RETRY(epoll_wait(epoll, &reported, 1, -1)) == 1, "epoll_wait");
      ++returned;
      returned.notify_one();
    }
  });
  for (int i = 0; i < 20; ++i) {
    Must(epoll_ctl(epoll, EPOLL_CTL_MOD, readable, &event) == 0, "epoll_ctl");
    returned.wait(i);
  }
  sleeper.join();
  std::printf("interrupted: %d times\n", returned.load());
  close(readable);
  close(epoll);
}

}  // namespace

int main() {
  Bare();

  // One thread runs the scheduler, and a timer that is far away keeps it from ending.
  Scheduler scheduler;
  constexpr int kPings = 20;
  std::atomic<int> pongs = 0;
  std::atomic<bool> started = false;
  scheduler.At(Now() + 3600 * 1000 * kMillisecond, [] { Must(false, "nobody waits that long"); });
  std::thread pinger([&] {
    started.wait(false);
    for (int i = 0; i < kPings; ++i) {
      scheduler.Post([&] {
        ++pongs;
        pongs.notify_one();
      });
      pongs.wait(i);
    }
    // The timer is work that is left, so somebody has to end it.
    scheduler.Post([&] { scheduler.Stop(); });
  });
  std::thread runner([&] {
    started = true;
    started.notify_one();
    scheduler.Run();
  });
  pinger.join();
  runner.join();
  std::printf("pongs: %d\n", pongs.load());
  Must(scheduler.interrupts() <= kPings + 1, "at most one interruption for each");
  return 0;
}
