#include "os_emu/task/signal_wait.h"

#include <memory>
#include <utility>

#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// do_sigtimedwait()
class SignalWaitCall final : public BlockedCall {
 public:
  SignalWaitCall(Thread& thread, SignalSet wanted, const SignalInfoTarget& target)
      : thread_(thread), wanted_(wanted & ~kUnblockable), target_(target) {}

  // Takes a signal of the wanted ones, if there is one.
  std::optional<Result<int64_t>> Take() {
    const std::optional<SignalInfo> info =
        thread_.process().kernel().DequeueSignal(thread_, ~wanted_);
    if (!info.has_value()) return std::nullopt;
    if (!target_.address.IsNull()) {
      const Result<void> written = target_.write(thread_, target_.address, *info);
      if (!written.ok()) return Result<int64_t>(written.error());
    }
    return Result<int64_t>(int64_t{info->signal});
  }

  Result<int64_t> Resume(Thread&, bool) override {
    const std::optional<Result<int64_t>> taken = Take();
    return taken.has_value() ? *taken : Result<int64_t>(Errno::kAgain);
  }
  // Nothing is waited for but a signal: the open mask is the wait.
  void Park(Thread&) override {
    thread_.real_blocked = thread_.signal_mask();
    thread_.SetSignalMask(thread_.signal_mask() & (~wanted_));
    parked_ = true;
  }
  void Unpark() override {
    if (!parked_) return;
    parked_ = false;
    thread_.SetSignalMask(thread_.real_blocked);
    thread_.real_blocked = 0;
  }
  OnSignal on_signal() const override { return OnSignal::kEintr; }
  const char* TypeName() const override { return "rt_sigtimedwait"; }

 private:
  Thread& thread_;
  SignalSet wanted_;
  SignalInfoTarget target_;
  bool parked_ = false;
};

}  // namespace

CallResult StartSignalWait(Thread& thread, SignalSet wanted, std::optional<Nanos> timeout,
                           const SignalInfoTarget& target) {
  auto call = std::make_unique<SignalWaitCall>(thread, wanted, target);
  const std::optional<Result<int64_t>> taken = call->Take();
  if (taken.has_value()) return *taken;
  if (timeout.has_value() && *timeout <= Nanos{0}) return Errno::kAgain;
  call->set_deadline(DeadlineAfter(thread.process().kernel().clock(), timeout));
  return std::unique_ptr<BlockedCall>(std::move(call));
}

}  // namespace pollux::os_emu
