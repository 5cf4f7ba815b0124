// netpollBreak: how Go wakes the M that sleeps in epoll_wait (src/runtime/netpoll_epoll.go). The
// eventfd is level-triggered; a flag (netpollWakeSig) lets one of many callers write and spares the
// others the system call. A poll that does not block sees the event and leaves it alone, so that it
// still wakes one that does.
//
// The order on the other side matters: read the eventfd, then lower the flag. Who finds the flag up
// relies on an M that is awake and looks at the queue once more before it sleeps.
#include <algorithm>
#include <deque>
#include <thread>
#include <vector>

#include "testsuite/go/netpoll.h"

namespace {

// The global run queue.
class Queue {
 public:
  void Put(int item) {
    std::lock_guard lock(mutex_);
    items_.push_back(item);
  }
  std::deque<int> TakeAll() {
    std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  std::mutex mutex_;
  std::deque<int> items_;
};

void OneAtATime() {
  Netpoll poll;
  const int first = poll.Break(), second = poll.Break();
  std::printf("two breaks write: %d %d\n", first, second);
  epoll_event events[4];
  int count = poll.Wait(events, 4, 0);
  poll.Ready(events, count, 0);
  ShowCount("a poll that does not block sees", count);
  std::printf("another break writes: %d\n", poll.Break());
  count = poll.Wait(events, 4, -1);
  poll.Ready(events, count, -1);
  ShowCount("a poll that blocks is woken by", count);
  ShowCount("then there is", poll.Wait(events, 4, 0));
  std::printf("a new break writes: %d\n", poll.Break());
}

void ManyProducers() {
  constexpr int kProducers = 4, kEach = 50;
  Netpoll poll;
  Queue queue;
  std::vector<std::thread> producers;
  std::atomic<int> writes = 0;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) {
        queue.Put(p * kEach + i);
        if (poll.Break()) writes.fetch_add(1);
      }
    });
  }
  std::vector<int> last(kProducers, -1);
  int taken = 0, blocked = 0;
  while (taken < kProducers * kEach) {
    for (const int item : queue.TakeAll()) {
      Must(last[item / kEach] < item % kEach, "each producer's items keep their order");
      last[item / kEach] = item % kEach;
      ++taken;
    }
    if (taken == kProducers * kEach) break;
    // findRunnable: first a look, then the queue again, then sleep.
    poll.Poll(0);
    poll.Poll(-1);
    ++blocked;
  }
  for (std::thread& producer : producers) producer.join();
  Must(blocked <= writes.load(), "each sleep was ended by a write");
  std::printf("items taken: %d\n", taken);
}

}  // namespace

int main() {
  OneAtATime();
  ManyProducers();
  return 0;
}
