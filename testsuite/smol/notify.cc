// Poller::notify of smol's polling crate (src/lib.rs): an atomic flag lets one of many callers
// write the eventfd, and the wait that it ends takes the counter back, registers the eventfd again
// (it is oneshot like all others) and only then lowers the flag. A notification that comes before
// the wait ends the next one; and only one thread waits at a time, the others return at once.
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"
#include "testsuite/smol/polling.h"

int main() {
  Poller poller;

  // Before the wait; many count as one.
  for (int i = 0; i < 3; ++i) poller.Notify();
  std::printf("events of a wait that was notified before: %zu\n", poller.Wait(std::nullopt).size());
  const int64_t start = Now();
  poller.Wait(kMillisecond / 4);
  Must(Now() - start >= kMillisecond / 4, "the notification is used up, and time passes");

  // Each item is in the list before its notification, and the list is looked at after each wait.
  constexpr int kThreads = 4, kEach = 40;
  std::atomic<int> items = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) {
        items.fetch_add(1);
        poller.Notify();
      }
    });
  }
  int taken = 0;
  while ((taken += items.exchange(0)) < kThreads * kEach) poller.Wait(std::nullopt);
  for (std::thread& thread : threads) thread.join();
  std::printf("items taken: %d\n", taken);

  // Whoever comes while another waits is not kept.
  poller.Wait(0);
  std::atomic<pid_t> tid = 0;
  std::thread waiter([&] {
    tid.store(Tid());
    poller.Wait(std::nullopt);
  });
  while (tid.load() == 0) sched_yield();
  UntilThreadAsleep(tid.load());
  std::printf("events of a second waiter: %zu\n", poller.Wait(std::nullopt).size());
  poller.Notify();
  waiter.join();
  std::printf("the first was notified\n");
  return 0;
}
