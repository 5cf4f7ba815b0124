// A oneshot channel between threads, and its four bits.
//
// The value lies in the channel; one word says whether it is there (VALUE_SENT), whether nobody
// will receive it (CLOSED), and for either side whether it has left a waker (RX_TASK_SET,
// TX_TASK_SET). Whoever sets VALUE_SENT or CLOSED calls the other's waker if it was set before;
// whoever leaves a waker looks afterwards whether it was too late. A sender whose receiver closes
// gets its value back, unless it was sent before: then the receiver has it, or drops it. A sender
// that goes without a value wakes the receiver all the same.
//
// Each round has a sender's and a receiver's thread that meet in whatever order, in one of four
// ways.
//
// Tokio: sync/oneshot.rs (Sender::send, poll_closed, Receiver::close, Inner::poll_recv, State).
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include "testsuite/basics/check.h"
#include "testsuite/tokio/sync.h"

namespace {

enum : uint32_t { kReceiverWaits = 1, kValueSent = 2, kClosed = 4, kSenderWaits = 8 };

// Of one sender and one receiver.
class Oneshot {
 public:
  enum class Outcome { kValue, kClosed };
  struct Received {
    Outcome outcome;
    int value;
  };

  // False: nobody will receive it.
  bool Send(int value) {
    value_ = value;
    return Complete();
  }

  // What dropping the sender does.
  void DropSender() { Complete(); }

  // For the sender: true once the receiver has closed.
  std::optional<bool> PollClosed(const tokio::Waker& waker) {
    uint32_t state = state_.load(std::memory_order_acquire);
    if (state & kClosed) return true;
    if ((state & kSenderWaits) == 0) {
      sender_waker_ = waker;
      state = state_.fetch_or(kSenderWaits, std::memory_order_acq_rel);
      if (state & kClosed) return true;
    }
    return std::nullopt;
  }

  std::optional<Received> PollReceive(const tokio::Waker& waker) {
    uint32_t state = state_.load(std::memory_order_acquire);
    if (state & kValueSent) return Take();
    if (state & kClosed) return Received{Outcome::kClosed, 0};
    if ((state & kReceiverWaits) == 0) {
      receiver_waker_ = waker;
      state = state_.fetch_or(kReceiverWaits, std::memory_order_acq_rel);
      if (state & kValueSent) return Take();
    }
    return std::nullopt;
  }

  // By the receiver, which may still find a value.
  void Close() {
    const uint32_t before = state_.fetch_or(kClosed, std::memory_order_acq_rel);
    if ((before & kSenderWaits) && (before & kValueSent) == 0) sender_waker_();
  }
  std::optional<int> TakeAfterClose() {
    if ((state_.load(std::memory_order_acquire) & kValueSent) == 0) return std::nullopt;
    return std::exchange(value_, std::nullopt);
  }

 private:
  bool Complete() {
    uint32_t before = state_.load(std::memory_order_relaxed);
    do {
      if (before & kClosed) return false;
    } while (!state_.compare_exchange_weak(before, before | kValueSent, std::memory_order_acq_rel,
                                           std::memory_order_acquire));
    if (before & kReceiverWaits) receiver_waker_();
    return true;
  }

  Received Take() {
    const std::optional<int> value = std::exchange(value_, std::nullopt);
    return value.has_value() ? Received{Outcome::kValue, *value} : Received{Outcome::kClosed, 0};
  }

  std::atomic<uint32_t> state_ = 0;
  std::optional<int> value_;
  tokio::Waker sender_waker_, receiver_waker_;
};

constexpr int kRounds = 40;

// Runs both at once, kRounds times, each time with a fresh channel.
template <typename Sender, typename Receiver>
void Rounds(Sender sender, Receiver receiver) {
  for (int i = 0; i < kRounds; ++i) {
    Oneshot channel;
    std::thread thread([&] { sender(&channel, i); });
    receiver(&channel, i);
    thread.join();
  }
}

Oneshot::Received Receive(Oneshot* channel) {
  return tokio::BlockOn([&](const tokio::Waker& waker) { return channel->PollReceive(waker); });
}

}  // namespace

int main() {
  int sum = 0;
  Rounds([](Oneshot* channel, int i) { Must(channel->Send(i), "it is received"); },
         [&](Oneshot* channel, int i) {
           const Oneshot::Received received = Receive(channel);
           Must(received.outcome == Oneshot::Outcome::kValue && received.value == i, "the value");
           sum += received.value;
         });
  std::printf("sent and received: the values add up to %d\n", sum);

  Rounds([](Oneshot* channel, int) { channel->DropSender(); },
         [](Oneshot* channel, int) {
           Must(Receive(channel).outcome == Oneshot::Outcome::kClosed, "no value comes");
         });
  std::printf("the sender went: the receiver is told\n");

  Rounds(
      [](Oneshot* channel, int) {
        tokio::BlockOn([&](const tokio::Waker& waker) { return channel->PollClosed(waker); });
        Must(!channel->Send(1), "nobody receives it");
      },
      [](Oneshot* channel, int) {
        channel->Close();
        Must(!channel->TakeAfterClose().has_value(), "nothing was sent");
      });
  std::printf("the receiver closed: the sender is told\n");

  std::atomic<int> returned = 0, taken = 0;
  Rounds([&](Oneshot* channel, int i) { returned += channel->Send(i) ? 0 : 1; },
         [&](Oneshot* channel, int) {
           channel->Close();
           taken += channel->TakeAfterClose().has_value() ? 1 : 0;
         });
  Must(returned + taken == kRounds, "each value is with one of them");
  std::printf("sent and closed at once: %d values, none lost\n", returned + taken);
  return 0;
}
