// The reactor of smol's async-io (src/reactor.rs) and block_on (src/driver.rs), on top of
// polling.h.
//
// There is no thread that owns the reactor. Whichever thread has nothing to do takes the reactor's
// lock and waits for events on behalf of all; the others sleep as parkers do. Who wakes a task must
// therefore end one of two sleeps: the parker's, and, where the task's thread is the one that
// polls, epoll_wait (by Notify).
//
// A future is a function that is called with a waker, and returns true when it is done; before it
// returns false it has left the waker where the event will find it.
#ifndef POLLUX_TESTSUITE_SMOL_REACTOR_H_
#define POLLUX_TESTSUITE_SMOL_REACTOR_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/smol/polling.h"

using Waker = std::function<void()>;
using Future = std::function<bool(const Waker&)>;

enum Direction { kRead, kWrite };

// A registered descriptor.
struct Source {
  // One direction of it: who waits, and in which tick of the reactor an event came last.
  struct State {
    uint64_t tick = 0;
    // The reactor's tick and `tick` when somebody began to wait. An event of either is stale: it
    // was under way before the caller found nothing to read.
    std::optional<std::pair<uint64_t, uint64_t>> ticks;
    Waker waker;
  };

  int fd;
  uint64_t key;
  std::mutex mutex;
  State state[2];

  Event Interest() const {
    return {key, state[kRead].waker != nullptr, state[kWrite].waker != nullptr};
  }
};

class Reactor {
 public:
  using TimerKey = std::pair<int64_t, uint64_t>;

  std::shared_ptr<Source> InsertIo(int fd) {
    const auto source = std::make_shared<Source>();
    {
      std::lock_guard lock(sources_mutex_);
      source->fd = fd;
      source->key = next_key_++;
      sources_[source->key] = source;
    }
    poller.Add(fd, {source->key, false, false});  // no interest until somebody waits
    return source;
  }
  void RemoveIo(const Source& source) {
    std::lock_guard lock(sources_mutex_);
    sources_.erase(source.key);
    poller.Delete(source.fd);
  }

  // Source::poll_ready: true if an event has come since the caller last asked.
  bool PollReady(Source& source, Direction direction, const Waker& waker) {
    std::lock_guard lock(source.mutex);
    Source::State& state = source.state[direction];
    if (state.ticks.has_value() && state.tick != state.ticks->first &&
        state.tick != state.ticks->second) {
      state.ticks.reset();
      return true;
    }
    if (state.waker != nullptr) return false;  // one task for each direction: it is its waker
    state.waker = waker;
    state.ticks = {ticker_.load(), state.tick};
    // Oneshot: the interest has been gone since the last event. Another thread may be polling now.
    poller.Modify(source.fd, source.Interest());
    return false;
  }

  TimerKey InsertTimer(int64_t when, const Waker& waker) {
    TimerKey key;
    {
      std::lock_guard lock(timers_mutex_);
      key = {when, next_timer_++};
      timers_[key] = waker;
    }
    poller.Notify();  // whoever polls has computed a timeout without this one
    return key;
  }
  void RemoveTimer(const TimerKey& key) {
    std::lock_guard lock(timers_mutex_);
    timers_.erase(key);
  }

  // Who holds the lock may react.
  std::unique_lock<std::mutex> TryLock() {
    return std::unique_lock(events_mutex_, std::try_to_lock);
  }
  std::unique_lock<std::mutex> Lock() { return std::unique_lock(events_mutex_); }

  // ReactorLock::react: waits for events, at most `timeout`, and wakes whom they concern.
  void React(std::optional<int64_t> timeout) {
    std::vector<Waker> wakers;
    const std::optional<int64_t> next_timer = ProcessTimers(&wakers);
    if (next_timer.has_value()) timeout = std::min(timeout.value_or(INT64_MAX), *next_timer);

    const uint64_t tick = ticker_.fetch_add(1) + 1;
    const std::vector<Event> events = poller.Wait(timeout);
    if (events.empty() && timeout != 0) ProcessTimers(&wakers);
    {
      std::lock_guard lock(sources_mutex_);
      for (const Event& event : events) {
        const auto found = sources_.find(event.key);
        if (found == sources_.end()) continue;
        Source& source = *found->second;
        std::lock_guard source_lock(source.mutex);
        for (const Direction direction : {kWrite, kRead}) {
          if (!(direction == kRead ? event.readable : event.writable)) continue;
          Source::State& state = source.state[direction];
          state.tick = tick;
          if (state.waker) wakers.push_back(std::exchange(state.waker, nullptr));
        }
        // The event took the interest of both directions; one may still be waited for.
        const Event rest = source.Interest();
        if (rest.readable || rest.writable) poller.Modify(source.fd, rest);
      }
    }
    for (const Waker& waker : wakers) waker();
  }

  uint64_t Ticker() const { return ticker_.load(); }

  Poller poller;

 private:
  // Returns how long it is until the next timer.
  std::optional<int64_t> ProcessTimers(std::vector<Waker>* wakers) {
    std::lock_guard lock(timers_mutex_);
    const int64_t now = Now();
    const size_t before = wakers->size();
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
      wakers->push_back(timers_.begin()->second);
      timers_.erase(timers_.begin());
    }
    if (wakers->size() > before) return 0;
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first - now;
  }

  std::atomic<uint64_t> ticker_ = 0;
  std::mutex events_mutex_;  // the right to poll
  std::mutex sources_mutex_;
  std::map<uint64_t, std::shared_ptr<Source>> sources_;
  uint64_t next_key_ = 1;
  std::mutex timers_mutex_;
  std::map<TimerKey, Waker> timers_;
  uint64_t next_timer_ = 1;
};

// The parking crate: a token, and a thread that sleeps until there is one.
class Parker {
 public:
  void Park() {
    int notified = kNotified;
    if (state_.compare_exchange_strong(notified, kEmpty)) return;
    std::unique_lock lock(mutex_);
    int empty = kEmpty;
    if (!state_.compare_exchange_strong(empty, kParked)) {
      state_.store(kEmpty);  // notified since
      return;
    }
    wakeup_.wait(lock, [this] {
      int expected = kNotified;
      return state_.compare_exchange_strong(expected, kEmpty);
    });
  }
  // park_timeout(0): takes the token if there is one.
  bool TryPark() {
    int notified = kNotified;
    return state_.compare_exchange_strong(notified, kEmpty);
  }
  // At most so long; whether there was a token.
  bool ParkFor(int64_t ns) {
    std::unique_lock lock(mutex_);
    return wakeup_.wait_for(lock, std::chrono::nanoseconds(ns), [this] { return TryPark(); });
  }
  // True if there was no token yet.
  bool Unpark() {
    const int before = state_.exchange(kNotified);
    if (before == kNotified) return false;
    // Between its decision to sleep and its sleep the parker holds the mutex.
    { std::lock_guard lock(mutex_); }
    wakeup_.notify_one();
    return true;
  }

 private:
  enum State : int { kEmpty, kParked, kNotified };
  std::atomic<int> state_ = kEmpty;
  std::mutex mutex_;
  std::condition_variable wakeup_;
};

// What block_on needs: the reactor, and the thread that drives it when nobody else does (the
// "async-io" thread: main_loop in src/driver.rs).
class Driver {
 public:
  Driver() : thread_([this] { MainLoop(); }) {}
  ~Driver() {
    stopping_.store(true);
    unparker_.Unpark();
    reactor.poller.Notify();
    thread_.join();
  }

  // Runs `future` until it is done.
  void BlockOn(const Future& future) {
    block_on_count_.fetch_add(1);
    const auto own = std::make_shared<Own>();
    const Waker waker = [this, own] {
      // The second sleep is ended only if it is another thread's.
      if (own->parker.Unpark() && !io_polling_ && own->io_blocked.load()) reactor.poller.Notify();
    };
    while (!future(waker)) {
      if (own->parker.TryPark()) {
        if (const auto lock = reactor.TryLock()) {
          io_polling_ = true;
          reactor.React(0);
          io_polling_ = false;
        }
        continue;
      }
      if (auto lock = reactor.TryLock()) {
        PollUntilWoken(*own, std::move(lock));
      } else {
        own->parker.Park();
      }
    }
    // The lock may have been this thread's: the driver sees to it that somebody polls.
    block_on_count_.fetch_sub(1);
    unparker_.Unpark();
  }

  Reactor reactor;

 private:
  struct Own {
    Parker parker;
    std::atomic<bool> io_blocked = false;  // in epoll_wait, or about to be
  };

  void PollUntilWoken(Own& own, std::unique_lock<std::mutex> lock) {
    const int64_t start = Now();
    io_polling_ = true;
    own.io_blocked.store(true);
    for (;;) {
      // Who unparked before the flag was up has left the token, and has not notified.
      if (own.parker.TryPark()) break;
      reactor.React(std::nullopt);
      if (own.parker.TryPark()) break;
      if (Now() - start > kMillisecond / 2) {
        // All these events were others'. Let them have the reactor, or the driver if none is free.
        lock.unlock();
        unparker_.Unpark();
        own.parker.Park();
        break;
      }
    }
    own.io_blocked.store(false);
    io_polling_ = false;
  }

  void MainLoop() {
    uint64_t last_tick = 0;
    int sleeps = 0;
    while (!stopping_.load()) {
      const uint64_t tick = reactor.Ticker();
      if (last_tick == tick) {
        // After some sleeps without a tick it queues for the lock instead.
        const auto lock = sleeps >= 10 ? reactor.Lock() : reactor.TryLock();
        if (stopping_.load()) break;
        if (lock.owns_lock()) {
          reactor.React(std::nullopt);
          last_tick = reactor.Ticker();
          sleeps = 0;
        }
      } else {
        last_tick = tick;
      }
      if (block_on_count_.load() > 0) {
        static constexpr int64_t kBackoffUs[] = {50,  75,   100,  250,  500,
                                                 750, 1000, 2500, 5000, 10000};
        if (unparker_.ParkFor(kBackoffUs[std::min(sleeps, 9)] * 1000)) {
          last_tick = reactor.Ticker();
          sleeps = 0;
        } else {
          ++sleeps;
        }
      }
    }
  }

  // Set while the thread handles events, where its own wakes need no notification.
  static inline thread_local bool io_polling_ = false;

  std::atomic<int> block_on_count_ = 0;
  std::atomic<bool> stopping_ = false;
  Parker unparker_;
  std::thread thread_;
};

// async_io::Async: a descriptor of which one task reads and one writes. It is tried first, and
// waited for when it would block.
class Async {
 public:
  Async(Driver& driver, int fd) : reactor_(driver.reactor), source_(reactor_.InsertIo(fd)) {}
  ~Async() {
    reactor_.RemoveIo(*source_);
    close(source_->fd);
  }
  Async(const Async&) = delete;
  Async& operator=(const Async&) = delete;

  // Futures; `*result` is what read(2) or write(2) returned.
  bool PollRead(const Waker& waker, void* bytes, size_t count, ssize_t* result) {
    return Poll(kRead, waker, [&] { return *result = read(source_->fd, bytes, count); });
  }
  bool PollWrite(const Waker& waker, const void* bytes, size_t count, ssize_t* result) {
    return Poll(kWrite, waker, [&] { return *result = write(source_->fd, bytes, count); });
  }

 private:
  template <typename Call>
  bool Poll(Direction direction, const Waker& waker, Call call) {
    do {
      if (call() >= 0) return true;
      Must(errno == EAGAIN, "reading or writing");
    } while (reactor_.PollReady(*source_, direction, waker));
    return false;
  }

  Reactor& reactor_;
  const std::shared_ptr<Source> source_;
};

// async_io::Timer: a future that is done at `when`.
class Timer {
 public:
  Timer(Driver& driver, int64_t when) : reactor_(driver.reactor), when_(when) {}
  ~Timer() {
    if (key_.has_value()) reactor_.RemoveTimer(*key_);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool Poll(const Waker& waker) {
    if (Now() >= when_) return true;
    if (!key_.has_value()) key_ = reactor_.InsertTimer(when_, waker);
    return false;
  }

 private:
  Reactor& reactor_;
  const int64_t when_;
  std::optional<Reactor::TimerKey> key_;
};

#endif  // POLLUX_TESTSUITE_SMOL_REACTOR_H_
