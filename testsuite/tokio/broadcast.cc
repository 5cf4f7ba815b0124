// A broadcast channel: each value goes to each receiver, and who is too slow is told how much it
// missed.
//
// Values lie in a ring, each slot with its position and the number of receivers that have not had
// it yet. A sender writes over the oldest slot, whoever still wants it; a receiver that comes to a
// slot with another position than it expected has lagged, and goes on with the oldest there is.
// Receivers that find nothing leave their waker in a list under the lock, having looked once more;
// a sender takes all wakers out of the list under the lock and calls them after it.
//
// Tokio: sync/broadcast.rs (Sender::send, Receiver::recv_ref, Shared::notify_rx).
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/sync.h"

namespace {

struct Received {
  enum { kValue, kLagged, kClosed } what;
  uint64_t number;  // The value, or how many were missed.
};

class Broadcast {
 public:
  explicit Broadcast(size_t capacity) : slots_(capacity) {
    // No slot has the position that its first value will have.
    for (size_t i = 0; i < capacity; ++i) slots_[i].position = i - capacity;
  }

  // The position of the next value: where a new receiver begins.
  uint64_t Subscribe() {
    const std::lock_guard lock(tail_mutex_);
    ++receivers_;
    return tail_;
  }

  void Send(uint64_t value) {
    std::vector<tokio::Waker> wakers;
    {
      const std::lock_guard lock(tail_mutex_);
      Slot& slot = slots_[tail_ % slots_.size()];
      {
        const std::lock_guard slot_lock(slot.mutex);
        slot.position = tail_;
        slot.value = value;
        slot.remaining.store(receivers_);
      }
      ++tail_;
      wakers.swap(wakers_);
    }
    for (const tokio::Waker& waker : wakers) waker();
  }

  void Close() {
    std::vector<tokio::Waker> wakers;
    {
      const std::lock_guard lock(tail_mutex_);
      is_closed_ = true;
      wakers.swap(wakers_);
    }
    for (const tokio::Waker& waker : wakers) waker();
  }

  std::optional<Received> PollReceive(uint64_t* next, const tokio::Waker& waker) {
    Slot& slot = slots_[*next % slots_.size()];
    if (const auto value = TakeFrom(&slot, next)) return value;
    // Nothing yet, or too late. Again with the tail locked, so that nobody sends meanwhile.
    const std::lock_guard lock(tail_mutex_);
    if (const auto value = TakeFrom(&slot, next)) return value;
    if (*next == tail_) {
      if (is_closed_) return Received{Received::kClosed, 0};
      wakers_.push_back(waker);
      return std::nullopt;
    }
    const uint64_t oldest = tail_ - slots_.size();
    const uint64_t missed = oldest - std::exchange(*next, oldest);
    return Received{Received::kLagged, missed};
  }

  // How many values in the ring some receiver has not had.
  int Unread() {
    int count = 0;
    for (Slot& slot : slots_) count += slot.remaining.load() > 0 ? 1 : 0;
    return count;
  }

 private:
  struct Slot {
    tokio::Mutex mutex;
    uint64_t position, value = 0;
    std::atomic<int> remaining = 0;
  };

  std::optional<Received> TakeFrom(Slot* slot, uint64_t* next) {
    const std::lock_guard lock(slot->mutex);
    if (slot->position != *next) return std::nullopt;
    ++*next;
    slot->remaining.fetch_sub(1);
    return Received{Received::kValue, slot->value};
  }

  std::vector<Slot> slots_;
  tokio::Mutex tail_mutex_;
  uint64_t tail_ = 0;
  int receivers_ = 0;
  bool is_closed_ = false;
  std::vector<tokio::Waker> wakers_;
};

Received Receive(Broadcast* channel, uint64_t* next) {
  return tokio::BlockOn(
      [&](const tokio::Waker& waker) { return channel->PollReceive(next, waker); });
}

constexpr int kReceivers = 3;
constexpr uint64_t kValues = 60;

// The sender waits for all receivers after each value.
void InStep() {
  Broadcast channel(4);
  Gate received;
  std::vector<std::thread> threads;
  for (int r = 0; r < kReceivers; ++r) {
    threads.emplace_back([&, next = channel.Subscribe()]() mutable {
      for (uint64_t i = 0; i < kValues; ++i) {
        const Received got = Receive(&channel, &next);
        Must(got.what == Received::kValue && got.number == i, "each value, in order");
        received.Open();
      }
      Must(Receive(&channel, &next).what == Received::kClosed, "then the end");
    });
  }
  for (uint64_t i = 0; i < kValues; ++i) {
    channel.Send(i);
    for (int r = 0; r < kReceivers; ++r) received.Pass();
  }
  channel.Close();
  for (std::thread& thread : threads) thread.join();
  Must(channel.Unread() == 0, "all receivers had all values");
  std::printf("in step: %d receivers had %d values each\n", kReceivers, static_cast<int>(kValues));
}

// Nobody waits for anybody: what a receiver did not get, it was told of.
void AtFullSpeed() {
  Broadcast channel(4);
  std::atomic<uint64_t> accounted = 0;
  std::vector<std::thread> threads;
  for (int r = 0; r < kReceivers; ++r) {
    threads.emplace_back([&, next = channel.Subscribe()]() mutable {
      uint64_t expected = 0;
      for (;;) {
        const Received got = Receive(&channel, &next);
        if (got.what == Received::kClosed) break;
        if (got.what == Received::kLagged) {
          Must(got.number > 0, "something was missed");
          expected += got.number;
        } else {
          Must(got.number == expected++, "the next, or the next after what was missed");
        }
      }
      accounted += expected;
    });
  }
  for (uint64_t i = 0; i < kValues; ++i) channel.Send(i);
  channel.Close();
  for (std::thread& thread : threads) thread.join();
  Must(accounted == kReceivers * kValues, "every value was received or missed");
  std::printf("at full speed: %d values are accounted for\n", static_cast<int>(accounted.load()));
}

void Lagging() {
  Broadcast channel(4);
  uint64_t next = channel.Subscribe();
  for (uint64_t i = 0; i < 10; ++i) channel.Send(i);
  Received got = Receive(&channel, &next);
  Must(got.what == Received::kLagged, "it lagged");
  std::printf("lagging: missed %d", static_cast<int>(got.number));
  channel.Close();
  while ((got = Receive(&channel, &next)).what == Received::kValue) {
    std::printf(", then %d", static_cast<int>(got.number));
  }
  std::printf("\n");
}

}  // namespace

int main() {
  InStep();
  AtFullSpeed();
  Lagging();
  return 0;
}
