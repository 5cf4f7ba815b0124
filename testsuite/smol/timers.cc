// Timers of smol's async-io: the reactor keeps them in a map, and the first of them becomes the
// timeout of the next wait, which is a timerfd inside the epoll instance (polling's src/epoll.rs
// sets it and re-registers it before each wait; async-io's src/reactor.rs, process_timers,
// insert_timer).
//
// A timer that another thread inserts may be earlier than the one that is being waited for: it
// notifies, and the wait begins anew. A timer that is dropped must not fire.
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"
#include "testsuite/smol/reactor.h"

namespace {

// A wait below a millisecond, which epoll_wait's own timeout cannot say.
void ShortWaits() {
  Poller poller;
  for (const int64_t ns : {1, 1000, 300000, 1700000}) {
    const int64_t start = Now();
    Must(poller.Wait(ns).empty() && Now() - start >= ns, "the wait is long enough");
  }
  std::printf("four short waits\n");
}

}  // namespace

int main() {
  ShortWaits();
  Driver driver;

  // One thread waits for two: they fire in their order, whatever order they were made in.
  {
    const int64_t start = Now();
    Timer late(driver, start + 4 * kMillisecond), early(driver, start + kMillisecond);
    Timer never(driver, start + 3600 * 1000 * kMillisecond);
    bool early_done = false;
    driver.BlockOn([&](const Waker& waker) {
      never.Poll(waker);
      const bool late_done = late.Poll(waker);
      if (!early_done && early.Poll(waker)) {
        early_done = true;
        std::printf("early\n");
      }
      Must(early_done || !late_done, "the later one is not first");
      return late_done;
    });
    std::printf("late\n");
    Must(Now() - start >= 4 * kMillisecond, "not before its time");
  }

  // Each thread's timer ends its sleep, though another one's thread may be the one that waits for
  // it. Times differ and come in no order.
  std::atomic<int> fired = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 5; ++k) {
        const int64_t when = Now() + ((i * 7 + k * 3) % 5 + 1) * kMillisecond / 3;
        Timer timer(driver, when);
        driver.BlockOn([&](const Waker& waker) { return timer.Poll(waker); });
        Must(Now() >= when, "not before its time");
        fired.fetch_add(1);
      }
    });
  }
  // The longest is inserted by a thread that then polls for all of them.
  Timer last(driver, Now() + 20 * kMillisecond);
  driver.BlockOn([&](const Waker& waker) { return last.Poll(waker); });
  for (std::thread& thread : threads) thread.join();
  std::printf("timers fired: %d\n", fired.load());
  return 0;
}
