#include "os_emu/task/release_wait.h"

#include <optional>
#include <utility>

#include "os_emu/task/blocked_call.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

class ReleaseCall final : public BlockedCall {
 public:
  ReleaseCall(Thread& thread, std::unique_ptr<ReleaseWait> wait, int64_t value)
      : wait_(std::move(wait)), value_(value) {
    if (wait_->span() == kNanosMax) return;
    set_deadline(DeadlineAfter(thread.process().kernel().clock(), wait_->span()));
  }

  Result<int64_t> Resume(Thread&, bool timed_out) override {
    if (!timed_out && !wait_->Over()) return Errno::kAgain;
    wait_->rest.Go();
    return value_;
  }
  void Park(Thread& thread) override {
    waiter_.emplace(thread, /*wanted=*/0);
    wait_->queue().Add(*waiter_);
  }
  void Unpark() override { waiter_.reset(); }
  // The call has done what it was for.
  Result<int64_t> Interrupt() override { return value_; }
  // So that a stop ends it, too: sk_stream_wait_close() looks for any signal.
  OnSignal on_signal() const override { return OnSignal::kEintr; }
  const char* TypeName() const override { return "linger"; }

 private:
  std::unique_ptr<ReleaseWait> wait_;
  int64_t value_;
  std::optional<ThreadWaiter> waiter_;
};

}  // namespace

void AwaitBeforeReturn(Kernel& kernel, std::unique_ptr<ReleaseWait> wait) {
  Thread* const thread = kernel.current();
  if (thread == nullptr || thread->ended() || thread->process().exit.has_value()) return;
  if (thread->HasSignalToTake() || !ReleaseBatch::PostponeRest(wait->rest)) return;
  thread->release_waits.push_back(std::move(wait));
}

std::unique_ptr<BlockedCall> NextReleaseWait(Thread& thread, int64_t value) {
  auto& waits = thread.release_waits;
  if (thread.HasSignalToTake()) waits.clear();
  while (!waits.empty()) {
    std::unique_ptr<ReleaseWait> wait = std::move(waits.front());
    waits.erase(waits.begin());
    if (wait->Over()) {
      wait->rest.Go();
      continue;
    }
    return std::make_unique<ReleaseCall>(thread, std::move(wait), value);
  }
  return nullptr;
}

}  // namespace pollux::os_emu
