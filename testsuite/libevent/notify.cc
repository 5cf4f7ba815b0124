// notify: how another thread interrupts libevent's loop (event.c: evthread_notify_base,
// evthread_notify_drain_eventfd, event_active_nolock_). The base's lock is held but for epoll_wait
// and the callbacks. A thread that makes an event active takes the lock, and rings the loop's
// eventfd only if no ring is on its way: is_notify_pending. The loop reads the eventfd and only
// then clears the mark, under the lock; an event that became active in between needs no ring, as
// the loop looks at its queue before it waits again.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

class Base {
 public:
  Base() : epoll_(epoll_create1(EPOLL_CLOEXEC)), notify_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = notify_;
    Must(epoll_ctl(epoll_, EPOLL_CTL_ADD, notify_, &event) == 0, "epoll_ctl");
  }
  ~Base() {
    close(notify_);
    close(epoll_);
  }

  // event_active, from any thread.
  void Activate(int event) {
    std::lock_guard lock(mutex_);
    active_.push_back(event);
    if (!running_ || std::this_thread::get_id() == owner_ || notify_pending_) return;
    notify_pending_ = true;
    ++rings_;
    const uint64_t one = 1;
    Must(write(notify_, &one, sizeof one) == sizeof one, "ringing the loop");
  }

  // event_base_loop, until `callback` returns false.
  template <typename Callback>
  void Loop(Callback callback) {
    std::unique_lock lock(mutex_);
    running_ = true;
    owner_ = std::this_thread::get_id();
    for (bool goes_on = true; goes_on;) {
      const int timeout_ms = active_.empty() ? -1 : 0;
      lock.unlock();
      epoll_event event;
      const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll_, &event, 1, timeout_ms));
      if (count == 1) DrainNotify();
      lock.lock();
      while (!active_.empty() && goes_on) {
        const int event = active_.front();
        active_.pop_front();
        lock.unlock();
        goes_on = callback(event);
        lock.lock();
      }
    }
    running_ = false;
  }
  int rings() const { return rings_; }

 private:
  // The callback of the eventfd. Nobody rings between the two steps.
  void DrainNotify() {
    uint64_t count;
    Must(read(notify_, &count, sizeof count) == sizeof count, "the loop was rung");
    Must(count == 1, "rings are not heaped up");
    std::lock_guard lock(mutex_);
    notify_pending_ = false;
  }

  const int epoll_, notify_;
  std::mutex mutex_;
  std::deque<int> active_;
  bool running_ = false, notify_pending_ = false;
  std::thread::id owner_;
  int rings_ = 0;
};

constexpr int kThreads = 3;
constexpr int kEach = 16;

}  // namespace

int main() {
  Base base;
  int seen[kThreads] = {}, own = 0, total = 0;
  std::atomic<int> handled[kThreads] = {};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&base, &handled, t] {
      for (int i = 0; i < kEach; ++i) {
        base.Activate(t * kEach + i);
        // Now and then all wait for the loop, so that it has nothing to do and sleeps.
        if (i % 4 != 3) continue;
        for (int now; (now = handled[t]) <= i;) handled[t].wait(now);
      }
    });
  }
  base.Loop([&](int event) {
    if (event < 0) {
      ++own;
    } else {
      Must(event % kEach == seen[event / kEach]++, "each thread's events keep their order");
      // What the loop's own thread activates needs no ring.
      base.Activate(-1);
      ++total;
      ++handled[event / kEach];
      handled[event / kEach].notify_one();
    }
    return total < kThreads * kEach || own < total;
  });
  for (std::thread& thread : threads) thread.join();
  std::printf("%d events of %d threads, %d of the loop\n", total, kThreads, own);
  Must(base.rings() <= total, "no more rings than events");
  return 0;
}
