// A bounded channel of many senders and one receiver: permits, and a waker that is stored by one
// thread while another takes it.
//
// A semaphore counts the free slots. Senders that find none queue up and are served in order, each
// given its permit by whoever frees a slot, so that nobody overtakes them. The receiver leaves its
// waker in an AtomicWaker, whose word says whether somebody is storing one (REGISTERING) or calling
// it (WAKING); a wake-up that comes during the storing is left to the storer, and one that comes
// before it is seen by looking once more. When the last sender goes, the receiver gets the rest and
// then the end. When the receiver closes, waiting senders are told.
//
// Tokio: sync/mpsc/{chan,bounded}.rs, sync/batch_semaphore.rs, sync/task/atomic_waker.rs.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/tokio/sync.h"

namespace {

class AtomicWaker {
 public:
  // By one thread at a time.
  void Register(const tokio::Waker& waker) {
    uint32_t state = kWaiting;
    if (!state_.compare_exchange_strong(state, kRegistering)) {
      Must(state == kWaking, "one thread at a time registers");
      waker();  // Somebody wakes just now, the waker of before or none.
      return;
    }
    waker_ = waker;
    state = kRegistering;
    if (state_.compare_exchange_strong(state, kWaiting)) return;
    // A wake-up came meanwhile, and was left to this thread.
    Must(state == (kRegistering | kWaking), "nothing else can have come");
    const tokio::Waker mine = std::exchange(waker_, nullptr);
    state_.exchange(kWaiting);
    mine();
  }

  void Wake() {
    if (state_.fetch_or(kWaking) != kWaiting) return;
    const tokio::Waker waker = std::exchange(waker_, nullptr);
    state_.fetch_and(~kWaking);
    if (waker) waker();
  }

 private:
  static constexpr uint32_t kWaiting = 0, kRegistering = 1, kWaking = 2;
  std::atomic<uint32_t> state_ = kWaiting;
  tokio::Waker waker_;
};

class Semaphore {
 public:
  explicit Semaphore(int permits) : permits_(permits) {}

  // Of one acquisition, from its first poll on.
  struct Waiter {
    tokio::Waker waker;
    bool is_queued = false, has_permit = false;
  };

  // True: acquired. False: closed.
  std::optional<bool> PollAcquire(Waiter* waiter, const tokio::Waker& waker) {
    const std::lock_guard lock(mutex_);
    if (waiter->has_permit) return true;
    if (is_closed_) return false;
    if (!waiter->is_queued) {
      if (permits_ > 0) {
        --permits_;
        return true;
      }
      waiter->is_queued = true;
      queue_.push_back(waiter);
    }
    waiter->waker = waker;
    return std::nullopt;
  }

  // To the first that waits, if anybody does.
  void Release() {
    tokio::Waker waker;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) {
        ++permits_;
        return;
      }
      Waiter* const first = queue_.front();
      queue_.pop_front();
      first->has_permit = true;
      waker = first->waker;
    }
    waker();
  }

  void Close() {
    std::vector<tokio::Waker> wakers;
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
      for (Waiter* waiter : queue_) wakers.push_back(waiter->waker);
      queue_.clear();
    }
    for (const tokio::Waker& waker : wakers) waker();
  }

 private:
  tokio::Mutex mutex_;
  int permits_;
  bool is_closed_ = false;
  std::deque<Waiter*> queue_;
};

class Channel {
 public:
  Channel(int capacity, int senders) : semaphore_(capacity), senders_(senders) {}

  // False: the receiver has closed.
  bool Send(int value) {
    Semaphore::Waiter waiter;
    const bool acquired = tokio::BlockOn(
        [&](const tokio::Waker& waker) { return semaphore_.PollAcquire(&waiter, waker); });
    if (!acquired) return false;
    Push(value);
    receiver_.Wake();
    return true;
  }

  void DropSender() {
    if (senders_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      is_closed_.store(true, std::memory_order_release);
      receiver_.Wake();
    }
  }

  // -1: the last sender has gone.
  int Receive() {
    return tokio::BlockOn([&](const tokio::Waker& waker) {
      std::optional<int> value = TryReceive();
      if (value.has_value()) return value;
      receiver_.Register(waker);
      // Again: a value may have come between the look and the waker.
      return TryReceive();
    });
  }

  void Close() { semaphore_.Close(); }

 private:
  void Push(int value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(value);
  }

  std::optional<int> TryReceive() {
    // Before the values: what was sent before the end is received before it.
    const bool is_closed = is_closed_.load(std::memory_order_acquire);
    std::optional<int> value;
    {
      const std::lock_guard lock(mutex_);
      if (!values_.empty()) {
        value = values_.front();
        values_.pop_front();
      }
    }
    if (value.has_value()) {
      semaphore_.Release();
      return value;
    }
    return is_closed ? std::optional(-1) : std::nullopt;
  }

  Semaphore semaphore_;
  AtomicWaker receiver_;
  std::atomic<int> senders_;
  std::atomic<bool> is_closed_ = false;
  tokio::Mutex mutex_;
  std::deque<int> values_;
};

constexpr int kSenders = 3;
constexpr int kValues = 60;

void ManySenders(int capacity) {
  Channel channel(capacity, kSenders);
  std::vector<std::thread> threads;
  for (int s = 0; s < kSenders; ++s) {
    threads.emplace_back([&, s] {
      for (int i = 0; i < kValues; ++i) Must(channel.Send(s * kValues + i), "it is open");
      channel.DropSender();
    });
  }
  std::vector<int> next(kSenders, 0);
  int count = 0;
  for (int value; (value = channel.Receive()) >= 0; ++count) {
    Must(value % kValues == next[value / kValues]++, "each sender's values come in order");
  }
  for (std::thread& thread : threads) thread.join();
  Must(count == kSenders * kValues, "all values came");
  std::printf("capacity %d: %d values, then the end\n", capacity, count);
}

void ReceiverCloses() {
  Channel channel(1, kSenders);
  std::atomic<int> sent = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int s = 0; s < kSenders; ++s) {
    threads.emplace_back([&] {
      while (channel.Send(0)) ++sent;
      ++refused;
      channel.DropSender();
    });
  }
  int received = 0;
  for (; received < 10; ++received) channel.Receive();
  channel.Close();
  for (std::thread& thread : threads) thread.join();
  while (channel.Receive() >= 0) ++received;
  Must(received == sent && refused == kSenders, "what was sent is received");
  std::printf("closed: %d senders are told, and what they had sent is received\n", refused.load());
}

}  // namespace

int main() {
  ManySenders(1);
  ManySenders(4);
  ReceiverCloses();
  return 0;
}
