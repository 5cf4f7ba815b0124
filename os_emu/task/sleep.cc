// Calls that wait for time to pass, or for a signal alone.
#include <memory>
#include <optional>
#include <utility>

#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/time_left.h"

namespace pollux::os_emu {
namespace {

// Sleeps until a time of the machine's clock, which is the call's own deadline, or until so much
// has been computed on `processor_time`, whose timers wake it.
class SleepCall final : public BlockedCall {
 public:
  SleepCall(Thread& thread, std::shared_ptr<CpuClock> processor_time, Nanos until,
            GuestAddr remaining, bool absolute)
      : thread_(thread),
        processor_time_(std::move(processor_time)),
        until_(until),
        remaining_(remaining),
        absolute_(absolute) {
    if (processor_time_ != nullptr) {
      alarm_.emplace(processor_time_->timers(), thread);
    } else {
      set_deadline(until);
    }
  }

  static CallResult Sleep(Thread& thread, std::shared_ptr<CpuClock> processor_time, Nanos until,
                          GuestAddr remaining, bool absolute) {
    auto call =
        std::make_unique<SleepCall>(thread, std::move(processor_time), until, remaining, absolute);
    if (call->IsOver()) return int64_t{0};
    return std::unique_ptr<BlockedCall>(std::move(call));
  }

  Result<int64_t> Resume(Thread&, bool timed_out) override {
    if (timed_out || IsOver()) return int64_t{0};
    return Errno::kAgain;
  }
  void Park(Thread&) override {
    if (alarm_.has_value()) alarm_->Arm(TimeBase::kMonotonic, until_);
  }
  void Unpark() override {
    if (alarm_.has_value()) alarm_->Disarm();
  }
  Result<int64_t> Interrupt() override {
    if (IsOver()) return int64_t{0};
    if (!remaining_.IsNull()) {
      POLLUX_RETURN_IF_ERROR(WriteTimeTo(thread_, remaining_, clock(), until_));
    }
    return Errno::kIntr;
  }
  OnSignal on_signal() const override {
    return absolute_ ? OnSignal::kNoHandler : OnSignal::kRestartBlock;
  }
  // hrtimer_nanosleep_restart(), posix_cpu_nsleep_restart()
  CallResult Restart(Thread& thread) override {
    return Sleep(thread, processor_time_, until_, remaining_, absolute_);
  }
  const char* TypeName() const override {
    return alarm_.has_value() ? "sleep on processor time" : "sleep";
  }

 private:
  class Alarm final : public Timer {
   public:
    Alarm(TimerQueue& queue, Thread& thread) : Timer(queue), thread_(thread) {}

   private:
    void OnExpire() override { thread_.Wake(); }
    Thread& thread_;
  };

  bool IsOver() const { return clock().Monotonic() >= until_; }
  const Clock& clock() const {
    return processor_time_ != nullptr ? processor_time_->clock()
                                      : thread_.process().kernel().clock();
  }

  Thread& thread_;
  std::shared_ptr<CpuClock> processor_time_;  // Goes after the alarm.
  std::optional<Alarm> alarm_;
  Nanos until_;
  GuestAddr remaining_;
  bool absolute_;
};

class PauseCall final : public BlockedCall {
 public:
  Result<int64_t> Resume(Thread&, bool) override { return Errno::kAgain; }
  void Park(Thread&) override {}
  void Unpark() override {}
  OnSignal on_signal() const override { return OnSignal::kNoHandler; }
  const char* TypeName() const override { return "pause"; }
};

}  // namespace

CallResult StartSleep(Thread& thread, Nanos deadline, GuestAddr remaining, bool absolute) {
  return StartCpuSleep(thread, nullptr, deadline, remaining, absolute);
}

CallResult StartCpuSleep(Thread& thread, std::shared_ptr<CpuClock> clock, Nanos deadline,
                         GuestAddr remaining, bool absolute) {
  thread.restart_block.reset();
  return SleepCall::Sleep(thread, std::move(clock), deadline, remaining, absolute);
}

CallResult StartPause(Thread&) {
  return std::unique_ptr<BlockedCall>(std::make_unique<PauseCall>());
}

}  // namespace pollux::os_emu
