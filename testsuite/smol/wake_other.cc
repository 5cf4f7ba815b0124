// Waking a task whose thread polls the reactor (smol's async-io, src/driver.rs, the waker of
// block_on). Its thread may sleep in two places: on its parker, or in epoll_wait on behalf of all.
// The waker leaves a token, and notifies the poller if the thread's io_blocked flag is up; the
// thread raises the flag and then looks for a token. Either sees the other.
//
// The futures here wait for no descriptor at all: a channel between two tasks, of which at most one
// can be the one that polls.
#include <deque>
#include <optional>
#include <thread>

#include "testsuite/smol/reactor.h"

namespace {

// An unbounded channel with one receiver, such as async-channel's.
class Channel {
 public:
  void Send(int item) {
    Waker waker;
    {
      std::lock_guard lock(mutex_);
      items_.push_back(item);
      waker = std::exchange(receiver_, nullptr);
    }
    if (waker) waker();
  }
  // A future.
  bool PollReceive(const Waker& waker, int* item) {
    std::lock_guard lock(mutex_);
    if (items_.empty()) {
      receiver_ = waker;
      return false;
    }
    *item = items_.front();
    items_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<int> items_;
  Waker receiver_;
};

}  // namespace

int main() {
  constexpr int kItems = 60;
  Driver driver;
  Channel there, back;
  std::thread other([&] {
    for (int i = 0; i < kItems; ++i) {
      int item = 0;
      driver.BlockOn([&](const Waker& waker) { return there.PollReceive(waker, &item); });
      back.Send(item * item);
    }
  });
  int64_t sum = 0;
  for (int i = 1; i <= kItems; ++i) {
    there.Send(i);
    int item = 0;
    driver.BlockOn([&](const Waker& waker) { return back.PollReceive(waker, &item); });
    Must(item == i * i, "the answer to the question");
    sum += item;
  }
  other.join();
  std::printf("sum of squares: %lld\n", static_cast<long long>(sum));
  return 0;
}
