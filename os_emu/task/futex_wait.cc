// The futex calls that wait for a wake (kernel/futex/waitwake.c).
#include <deque>
#include <memory>
#include <utility>

#include "os_emu/task/futex.h"
#include "os_emu/task/futex_call.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

void FutexCall::Park(Thread& thread) {
  Join(thread);
  if (!timeout_.has_value()) return;
  timer_.emplace(thread.process().kernel().timers(), thread);
  timer_->Arm(timeout_->base, timeout_->deadline);
}

void FutexCall::Unpark() {
  if (timer_.has_value()) timer_->Disarm();
  Leave();
}

bool FutexCall::BeginsAgain(Thread& thread) { return !thread.HasSignalToTake(); }

void FutexCall::TimeoutTimer::OnExpire() {
  expired = true;
  thread_.Wake();
}

namespace {

// futex_wait_setup() behind the key: kFault, kAgain.
Result<void> Compare(Thread& thread, GuestAddr word, uint32_t expected) {
  POLLUX_ASSIGN_OR_RETURN(const uint32_t value,
                          thread.process().memory->ReadObject<uint32_t>(word));
  if (value != expected) return Errno::kAgain;
  return {};
}

class WaitCall final : public FutexCall {
 public:
  WaitCall(FutexTable& table, FutexWord word, FutexKey key, uint32_t expected, uint32_t bits,
           std::optional<FutexTimeout> timeout, OnSignal on_signal)
      : FutexCall(timeout),
        entry_(table, word, std::move(key), bits),
        expected_(expected),
        bits_(bits),
        on_signal_(on_signal) {}

  Result<int64_t> Resume(Thread& thread, bool timed_out) override {
    // Only a wake takes the entry out: a signal that woke the thread does not.
    if (!entry_.waiting()) return int64_t{0};
    if (timed_out || expired()) return Errno::kTimedOut;
    if (!BeginsAgain(thread)) return Errno::kAgain;
    entry_.Leave();
    const Result<void> same = Compare(thread, entry_.word().address, expected_);
    if (!same.ok()) return EndsWith(same.error());
    entry_.Join(thread);
    return Errno::kAgain;
  }
  OnSignal on_signal() const override { return on_signal_; }
  bool WakeInVain(Thread& thread) override {
    entry_.Leave();
    thread.Wake();
    return true;
  }
  // futex_wait_restart(): looks at the word again, and leaves nothing to restart.
  CallResult Restart(Thread& thread) override {
    const std::unique_ptr<BlockedCall> self = std::move(thread.restart_block);
    return StartFutexWait(thread, entry_.word(), expected_, bits_, timeout(), on_signal_);
  }

 protected:
  void Join(Thread& thread) override { entry_.Join(thread); }
  void Leave() override { entry_.Leave(); }

 private:
  FutexTable::Entry entry_;
  uint32_t expected_;
  uint32_t bits_;
  OnSignal on_signal_;
};

class WaitvCall final : public FutexCall {
 public:
  explicit WaitvCall(std::optional<FutexTimeout> timeout) : FutexCall(timeout) {}

  void Add(FutexTable& table, const FutexWait& wait, FutexKey key) {
    FutexTable::Entry& entry =
        entries_.emplace_back(table, wait.word, std::move(key), kFutexAnyBit);
    entry.index = entries_.size() - 1;
    expected_.push_back(wait.expected);
  }
  Result<void> CompareAll(Thread& thread) const {
    for (size_t i = 0; i < entries_.size(); ++i) {
      POLLUX_RETURN_IF_ERROR(Compare(thread, entries_[i].word().address, expected_[i]));
    }
    return {};
  }

  Result<int64_t> Resume(Thread& thread, bool timed_out) override {
    if (const std::optional<int64_t> woken = LastWoken()) return *woken;
    if (timed_out || expired()) return Errno::kTimedOut;
    if (!BeginsAgain(thread)) return Errno::kAgain;
    Leave();
    const Result<void> same = CompareAll(thread);
    if (!same.ok()) return EndsWith(same.error());
    Join(thread);
    return Errno::kAgain;
  }

 protected:
  void Join(Thread& thread) override {
    for (FutexTable::Entry& entry : entries_) entry.Join(thread);
  }
  void Leave() override {
    for (FutexTable::Entry& entry : entries_) entry.Leave();
  }

 private:
  // futex_unqueue_multiple()
  std::optional<int64_t> LastWoken() const {
    for (size_t i = entries_.size(); i-- > 0;) {
      if (!entries_[i].waiting()) return static_cast<int64_t>(i);
    }
    return std::nullopt;
  }

  std::deque<FutexTable::Entry> entries_;
  std::vector<uint32_t> expected_;
};

}  // namespace

CallResult StartFutexWait(Thread& thread, FutexWord word, uint32_t expected, uint32_t bits,
                          std::optional<FutexTimeout> timeout, OnSignal on_signal) {
  if (bits == 0) return Errno::kInval;
  Result<FutexKey> key = KeyOf(thread, word, FutexAccess::kRead);
  if (!key.ok()) return key.error();
  const Result<void> same = Compare(thread, word.address, expected);
  if (!same.ok()) return same;
  return std::unique_ptr<BlockedCall>(
      std::make_unique<WaitCall>(thread.process().kernel().futexes(), word, *std::move(key),
                                 expected, bits, timeout, on_signal));
}

CallResult StartFutexWaitv(Thread& thread, const std::vector<FutexWait>& waits,
                           std::optional<FutexTimeout> timeout) {
  auto call = std::make_unique<WaitvCall>(timeout);
  for (const FutexWait& wait : waits) {
    Result<FutexKey> key = KeyOf(thread, wait.word, FutexAccess::kRead);
    if (!key.ok()) return key.error();
    call->Add(thread.process().kernel().futexes(), wait, *std::move(key));
  }
  const Result<void> same = call->CompareAll(thread);
  if (!same.ok()) return same;
  return std::unique_ptr<BlockedCall>(std::move(call));
}

}  // namespace pollux::os_emu
