#include "os_emu/epoll/epoll_wait.h"

#include <cstring>
#include <memory>
#include <utility>

#include "os_emu/epoll/epoll.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

constexpr int32_t kMaxEvents = INT32_MAX / static_cast<int32_t>(kEpollEventBytes);

// The guest's array of struct epoll_event.
class GuestArray final : public EpollInstance::Sink {
 public:
  GuestArray(memory::AddressSpace& memory, GuestAddr start) : memory_(memory), next_(start) {}

  bool Put(const EpollInstance::Event& event) override {
    constexpr uint64_t kDataOffset = 8;
    if (uint8_t* const host = memory_.ToStoreAt(next_, kEpollEventBytes); host != nullptr) {
      std::memcpy(host, &event.events, sizeof(event.events));
      std::memcpy(host + kDataOffset, &event.data, sizeof(event.data));
    } else if (!memory_.WriteObject(next_, event.events).ok() ||
               !memory_.WriteObject(next_ + kDataOffset, event.data).ok()) {
      return false;
    }
    next_ = next_ + kEpollEventBytes;
    return true;
  }

 private:
  memory::AddressSpace& memory_;
  GuestAddr next_;
};

// ep_send_events() until there is something, or nothing to ask any more. kAgain: nothing, and the
// call is to wait.
Result<int64_t> Take(Thread& thread, EpollInstance& instance, GuestAddr events, int32_t max_events,
                     bool waits) {
  do {
    GuestArray array(*thread.process().memory, events);
    const Result<size_t> count = instance.Collect(static_cast<size_t>(max_events), array);
    if (!count.ok()) return count.error();
    if (*count > 0 || !waits) return static_cast<int64_t>(*count);
  } while (instance.HasCandidates());
  return Errno::kAgain;
}

class EpollWaitCall final : public BlockedCall {
 public:
  EpollWaitCall(DescriptionRef epoll, EpollInstance& instance, GuestAddr events, int32_t max_events)
      : epoll_(std::move(epoll)), instance_(instance), events_(events), max_events_(max_events) {}

  Result<int64_t> Resume(Thread& thread, bool timed_out) override {
    // Timed out and never woken: Linux does not look again, even if events wait for another thread.
    if (timed_out && waiter_.has_value() && waiter_->waiting()) return int64_t{0};
    const Result<int64_t> taken = Take(thread, instance_, events_, max_events_, !timed_out);
    const bool goes_on = !taken.ok() && taken.error() == Errno::kAgain;
    if (goes_on && waiter_.has_value() && !waiter_->waiting()) Join();
    return taken;
  }
  void Park(Thread& thread) override {
    waiter_.emplace(thread, EventMask{0}, ThreadWaiter::OnWake::kAlwaysLeave);
    Join();
  }
  void Unpark() override { waiter_.reset(); }
  OnSignal on_signal() const override { return OnSignal::kEintr; }
  const char* TypeName() const override { return "epoll_wait"; }

 private:
  // Last in, first out.
  void Join() { instance_.wait_queue().Add(*waiter_, WaitMode::kExclusiveFront); }

  DescriptionRef epoll_;
  EpollInstance& instance_;  // What epoll_ refers to.
  GuestAddr events_;
  int32_t max_events_;
  std::optional<ThreadWaiter> waiter_;
};

}  // namespace

CallResult StartEpollWait(Thread& thread, DescriptionRef epoll, GuestAddr events,
                          int32_t max_events, const std::optional<Nanos>& timeout) {
  if (max_events <= 0 || max_events > kMaxEvents) return Errno::kInval;
  // access_ok(): on riscv64 any address whose top bit is clear (TASK_SIZE_MAX).
  const uint64_t bytes = static_cast<uint64_t>(max_events) * kEpollEventBytes;
  if (events.value > static_cast<uint64_t>(INT64_MAX) - bytes) return Errno::kFault;
  EpollInstance* instance = EpollInstance::From(*epoll);
  if (instance == nullptr) return Errno::kInval;

  // Nothing is kept of a call that need not wait.
  const bool waits = !timeout.has_value() || *timeout > Nanos{0};
  const Result<int64_t> now = Take(thread, *instance, events, max_events, waits);
  if (now.ok() || now.error() != Errno::kAgain) return now;
  auto call = std::make_unique<EpollWaitCall>(std::move(epoll), *instance, events, max_events);
  call->set_deadline(DeadlineAfter(thread.process().kernel().clock(), timeout));
  return std::unique_ptr<BlockedCall>(std::move(call));
}

}  // namespace pollux::os_emu
