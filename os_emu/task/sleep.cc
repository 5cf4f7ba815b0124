// Calls that wait for time to pass, or for a signal alone.
#include <memory>
#include <utility>

#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/time_left.h"

namespace pollux::os_emu {
namespace {

class SleepCall final : public BlockedCall {
 public:
  SleepCall(Thread& thread, GuestAddr remaining, bool absolute)
      : thread_(thread), remaining_(remaining), absolute_(absolute) {}

  Result<int64_t> Resume(Thread&, bool timed_out) override {
    if (timed_out) return int64_t{0};
    return Errno::kAgain;
  }
  void Park(Thread&) override {}
  void Unpark() override {}
  Result<int64_t> Interrupt() override {
    const Clock& clock = thread_.process().kernel().clock();
    if (clock.Monotonic() >= deadline()) return int64_t{0};
    if (!remaining_.IsNull()) {
      POLLUX_RETURN_IF_ERROR(WriteTimeTo(thread_, remaining_, clock, deadline()));
    }
    return Errno::kIntr;
  }
  OnSignal on_signal() const override {
    return absolute_ ? OnSignal::kNoHandler : OnSignal::kRestartBlock;
  }
  // hrtimer_nanosleep_restart()
  CallResult Restart(Thread& thread) override {
    return Sleep(thread, deadline(), remaining_, absolute_);
  }
  const char* TypeName() const override { return "sleep"; }

  static CallResult Sleep(Thread& thread, Nanos deadline, GuestAddr remaining, bool absolute) {
    if (thread.process().kernel().clock().Monotonic() >= deadline) return int64_t{0};
    auto call = std::make_unique<SleepCall>(thread, remaining, absolute);
    call->set_deadline(deadline);
    return std::unique_ptr<BlockedCall>(std::move(call));
  }

 private:
  Thread& thread_;
  GuestAddr remaining_;
  bool absolute_;
};

class CpuSleepCall final : public BlockedCall {
 public:
  CpuSleepCall(Thread& thread, std::shared_ptr<CpuClock> clock, Nanos deadline, GuestAddr remaining,
               bool absolute)
      : thread_(thread),
        clock_(std::move(clock)),
        alarm_(clock_->timers(), thread),
        until_(deadline),
        remaining_(remaining),
        absolute_(absolute) {}

  Result<int64_t> Resume(Thread&, bool) override {
    if (clock_->now() >= until_) return int64_t{0};
    return Errno::kAgain;
  }
  void Park(Thread&) override { alarm_.Arm(TimeBase::kMonotonic, until_); }
  void Unpark() override { alarm_.Disarm(); }
  Result<int64_t> Interrupt() override {
    if (clock_->now() >= until_) return int64_t{0};
    if (!remaining_.IsNull()) {
      POLLUX_RETURN_IF_ERROR(WriteTimeTo(thread_, remaining_, clock_->clock(), until_));
    }
    return Errno::kIntr;
  }
  OnSignal on_signal() const override {
    return absolute_ ? OnSignal::kNoHandler : OnSignal::kRestartBlock;
  }
  // posix_cpu_nsleep_restart()
  CallResult Restart(Thread& thread) override {
    return Sleep(thread, clock_, until_, remaining_, absolute_);
  }
  const char* TypeName() const override { return "sleep on processor time"; }

  static CallResult Sleep(Thread& thread, std::shared_ptr<CpuClock> clock, Nanos deadline,
                          GuestAddr remaining, bool absolute) {
    if (clock->now() >= deadline) return int64_t{0};
    return std::unique_ptr<BlockedCall>(
        std::make_unique<CpuSleepCall>(thread, std::move(clock), deadline, remaining, absolute));
  }

 private:
  class Alarm final : public Timer {
   public:
    Alarm(TimerQueue& queue, Thread& thread) : Timer(queue), thread_(thread) {}

   private:
    void OnExpire() override { thread_.Wake(); }
    Thread& thread_;
  };

  Thread& thread_;
  std::shared_ptr<CpuClock> clock_;  // Goes after the alarm.
  Alarm alarm_;
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
  thread.restart_block.reset();
  return SleepCall::Sleep(thread, deadline, remaining, absolute);
}

CallResult StartCpuSleep(Thread& thread, std::shared_ptr<CpuClock> clock, Nanos deadline,
                         GuestAddr remaining, bool absolute) {
  thread.restart_block.reset();
  return CpuSleepCall::Sleep(thread, std::move(clock), deadline, remaining, absolute);
}

CallResult StartPause(Thread&) {
  return std::unique_ptr<BlockedCall>(std::make_unique<PauseCall>());
}

}  // namespace pollux::os_emu
