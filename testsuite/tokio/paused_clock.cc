// A clock that stands still, and is put forward by whoever has nothing to do: but not while
// blocking work is under way.
//
// Tests of Tokio programs pause the clock (time/clock.rs). When the runtime has no task to run, the
// time driver polls the events without waiting and, if nobody woke it, puts the clock forward to
// the next timer: sleeping takes no time (park_thread_timeout in runtime/time/mod.rs). A blocking
// task inhibits that from when it is spawned until it is released (runtime/blocking/schedule.rs),
// as what it will wake might set an earlier timer. Meanwhile the driver waits in epoll_wait(2) for
// as long as the timer would take, and the release wakes it by the eventfd. That wake-up vetoes the
// next advance, for the task that it woke has not run yet.
//
// Printed are the times of the paused clock, which are the same under every schedule: the order of
// timers and blocking work is decided by the clock alone.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace {

class Clock {
 public:
  void InhibitAutoAdvance() {
    const std::lock_guard lock(mutex_);
    ++inhibited_;
  }
  void AllowAutoAdvance() {
    const std::lock_guard lock(mutex_);
    --inhibited_;
  }
  bool CanAutoAdvance() {
    const std::lock_guard lock(mutex_);
    return inhibited_ == 0;
  }
  void Advance(int64_t ms) {
    const std::lock_guard lock(mutex_);
    now_ms_ += ms;
  }
  int64_t now_ms() {
    const std::lock_guard lock(mutex_);
    return now_ms_;
  }

 private:
  tokio::Mutex mutex_;
  int64_t now_ms_ = 0;
  int inhibited_ = 0;
};

// A current-thread runtime with the time driver on top of the I/O driver.
class Runtime {
 public:
  Runtime() : handle_(&driver_) {}

  int64_t now_ms() { return clock_.now_ms(); }

  // Calls `body` in `ms` of the clock. By the runtime's thread.
  void Sleep(int64_t ms, std::function<void()> body) {
    timers_.emplace(clock_.now_ms() + ms, std::move(body));
  }

  // Runs `body` in a thread, then `then` in the runtime's. By the runtime's thread.
  void SpawnBlocking(std::function<void()> body, std::function<void()> then) {
    clock_.InhibitAutoAdvance();
    blocking_.emplace_back([this, body = std::move(body), then = std::move(then)] {
      body();
      // The task is complete, and wakes who has joined it; then it is released.
      {
        const std::lock_guard lock(mutex_);
        inject_.push_back(then);
      }
      Unpark();
      clock_.AllowAutoAdvance();
      Unpark();
    });
  }

  // Until there is neither a timer nor blocking work.
  void Run() {
    for (;;) {
      std::vector<std::function<void()>> tasks;
      {
        const std::lock_guard lock(mutex_);
        tasks.swap(inject_);
      }
      for (const auto& task : tasks) task();
      if (!tasks.empty()) continue;
      if (timers_.empty() && clock_.CanAutoAdvance()) {
        const std::lock_guard lock(mutex_);
        if (inject_.empty()) break;
        continue;
      }
      Park();
    }
    for (std::thread& thread : blocking_) thread.join();
  }

 private:
  void Unpark() {
    did_wake_.store(true);
    handle_.Unpark();
  }

  void Park() {
    if (timers_.empty()) {
      driver_.Turn(&handle_, -1);
    } else {
      const int64_t wait = timers_.begin()->first - clock_.now_ms();
      if (wait <= 0) {
        driver_.Turn(&handle_, 0);
      } else if (clock_.CanAutoAdvance()) {
        driver_.Turn(&handle_, 0);
        if (!did_wake_.exchange(false)) clock_.Advance(wait);
      } else {
        driver_.Turn(&handle_, static_cast<int>(wait));
      }
    }
    while (!timers_.empty() && timers_.begin()->first <= clock_.now_ms()) {
      const auto body = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      body();
    }
  }

  tokio::Driver driver_;
  tokio::Handle handle_;
  Clock clock_;
  std::multimap<int64_t, std::function<void()>> timers_;
  std::atomic<bool> did_wake_ = false;
  tokio::Mutex mutex_;
  std::vector<std::function<void()>> inject_;
  std::vector<std::thread> blocking_;
};

constexpr int kChain = 40;

}  // namespace

int main() {
  Runtime runtime;
  const auto show = [&](const char* what) {
    std::printf("%5lld ms: %s\n", static_cast<long long>(runtime.now_ms()), what);
  };

  const int64_t start = Now();
  runtime.Sleep(60'000, [&] { show("a minute"); });
  runtime.Sleep(1'000, [&] {
    show("a second; blocking work begins");
    // Longer than the timer below: it must not fire before, as the clock stands still.
    runtime.Sleep(3, [&] { show("3 ms after the second"); });
    runtime.SpawnBlocking([] { usleep(10'000); },
                          [&] {
                            show("blocking work is done; the clock stood still");
                            // Earlier than what was next.
                            runtime.Sleep(1, [&] { show("1 ms after the blocking work"); });
                          });
  });
  runtime.Sleep(2'000, [&] {
    show("two seconds; two pieces of blocking work");
    const auto both = [&, left = std::make_shared<int>(2)] {
      if (--*left > 0) return;
      show("both are done");
      runtime.Sleep(5, [&] { show("5 ms after both"); });
    };
    runtime.SpawnBlocking([] { usleep(1'000); }, both);
    runtime.SpawnBlocking([] {}, both);
  });
  // One after another, with nothing sooner than the minute: an advance at the wrong time goes
  // there, and a release that wakes nobody is waited for until then.
  int links = 0;
  std::function<void()> next_link = [&] {
    Must(runtime.now_ms() == 3'000, "the clock stands still between blocking tasks");
    if (++links <= kChain) {
      runtime.SpawnBlocking([] {}, next_link);
    } else {
      show("a chain of blocking work is done");
    }
  };
  runtime.Sleep(3'000, next_link);
  runtime.Run();
  Must(runtime.now_ms() == 60'000, "no advance was lost or made twice");
  Must(Now() - start < int64_t{30'000} * kMillisecond, "nobody waited for the timers");
  show("the end");
  return 0;
}
