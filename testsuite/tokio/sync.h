// What Tokio's threads wait for each other with: the locks of Rust's standard library on Linux
// (library/std/src/sys/sync/{mutex,condvar}/futex.rs), and the thread parker that
// Handle::block_on waits in (tokio/src/runtime/park.rs).
//
// Written down here, rather than taken from the C++ library, so that the futex calls and the atomic
// operations around them are Tokio's own.
#ifndef POLLUX_TESTSUITE_TOKIO_SYNC_H_
#define POLLUX_TESTSUITE_TOKIO_SYNC_H_

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"

namespace tokio {

// Waits while `word` holds `expected`; false if `deadline`, of CLOCK_MONOTONIC, came first.
inline bool FutexWait(std::atomic<uint32_t>* word, uint32_t expected,
                      std::optional<int64_t> deadline = std::nullopt) {
  for (;;) {
    if (word->load(std::memory_order_relaxed) != expected) return true;
    timespec until;
    if (deadline.has_value()) until = Time(*deadline);
    const long result =
        syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                deadline.has_value() ? &until : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
    if (result == 0 || errno == EAGAIN) return true;
    if (errno == ETIMEDOUT) return false;
    Must(errno == EINTR, "FUTEX_WAIT_BITSET");
  }
}

inline void FutexWake(std::atomic<uint32_t>* word, int count) {
  Must(syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count) >= 0, "FUTEX_WAKE");
}

class Mutex {
 public:
  void lock() {
    if (!try_lock()) LockContended();
  }
  bool try_lock() {
    uint32_t expected = kUnlocked;
    return state_.compare_exchange_strong(expected, kLocked, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void unlock() {
    if (state_.exchange(kUnlocked, std::memory_order_release) == kContended) FutexWake(&state_, 1);
  }

 private:
  enum : uint32_t { kUnlocked, kLocked, kContended };

  uint32_t Spin() {
    for (int turns = 100;; --turns) {
      const uint32_t state = state_.load(std::memory_order_relaxed);
      if (state != kLocked || turns == 0) return state;
    }
  }

  void LockContended() {
    uint32_t state = Spin();
    if (state == kUnlocked && try_lock()) return;
    // From here on nobody knows whether others wait: who gets it says that they do.
    for (;;) {
      if (state != kContended &&
          state_.exchange(kContended, std::memory_order_acquire) == kUnlocked) {
        return;
      }
      FutexWait(&state_, kContended);
      state = Spin();
    }
  }

  std::atomic<uint32_t> state_ = kUnlocked;
};

class Condvar {
 public:
  void NotifyOne() {
    turn_.fetch_add(1, std::memory_order_relaxed);
    FutexWake(&turn_, 1);
  }
  void NotifyAll() {
    turn_.fetch_add(1, std::memory_order_relaxed);
    FutexWake(&turn_, INT_MAX);
  }
  // May return for no reason; false: `deadline` has come.
  bool Wait(Mutex* mutex, std::optional<int64_t> deadline = std::nullopt) {
    const uint32_t turn = turn_.load(std::memory_order_relaxed);
    mutex->unlock();
    const bool in_time = FutexWait(&turn_, turn, deadline);
    mutex->lock();
    return in_time;
  }

 private:
  std::atomic<uint32_t> turn_ = 0;
};

// Lets one Park pass for any number of Unparks before it.
class ThreadParker {
 public:
  void Park() {
    uint32_t expected = kNotified;
    if (state_.compare_exchange_strong(expected, kEmpty)) return;
    mutex_.lock();
    expected = kEmpty;
    if (!state_.compare_exchange_strong(expected, kParked)) {
      // Notified since. The exchange reads what the latest Unpark wrote, and so sees what came
      // before it.
      Must(state_.exchange(kEmpty) == kNotified, "a parker that does not wait is notified");
      mutex_.unlock();
      return;
    }
    do {
      condvar_.Wait(&mutex_);
      expected = kNotified;
    } while (!state_.compare_exchange_strong(expected, kEmpty));
    mutex_.unlock();
  }

  void Unpark() {
    if (state_.exchange(kNotified) != kParked) return;
    // The thread holds the lock from when it says that it is parked until it waits.
    mutex_.lock();
    mutex_.unlock();
    condvar_.NotifyOne();
  }

 private:
  enum : uint32_t { kEmpty, kParked, kNotified };

  std::atomic<uint32_t> state_ = kEmpty;
  Mutex mutex_;
  Condvar condvar_;
};

// Makes a task be polled again. May be called by any thread, more than once, and too late.
using Waker = std::function<void()>;

// Polls in the calling thread until there is a value, as Handle::block_on does (CachedParkThread
// in tokio/src/runtime/park.rs). `poll` takes a Waker and returns an optional.
template <typename Poll>
auto BlockOn(Poll poll) {
  // Shared, as a waker may be called when its task is done.
  const auto parker = std::make_shared<ThreadParker>();
  const Waker waker = [parker] { parker->Unpark(); };
  for (;;) {
    auto value = poll(waker);
    if (value.has_value()) return *std::move(value);
    parker->Park();
  }
}

}  // namespace tokio

#endif  // POLLUX_TESTSUITE_TOKIO_SYNC_H_
