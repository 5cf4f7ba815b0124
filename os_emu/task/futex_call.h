// FutexCall: what all calls that wait at a futex have in common (struct futex_q and hrtimer_sleeper
// on the waiting task's stack).
#ifndef POLLUX_OS_EMU_TASK_FUTEX_CALL_H_
#define POLLUX_OS_EMU_TASK_FUTEX_CALL_H_

#include <optional>
#include <utility>

#include "os_emu/task/blocked_call.h"
#include "os_emu/task/futex.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class FutexCall : public BlockedCall {
 public:
  explicit FutexCall(std::optional<FutexTimeout> timeout) : timeout_(timeout) {}

  void Park(Thread& thread) final;
  void Unpark() final;
  const char* TypeName() const final { return "futex"; }

 protected:
  virtual void Join(Thread& thread) = 0;
  virtual void Leave() = 0;

  bool has_timeout() const { return timeout_.has_value(); }
  const std::optional<FutexTimeout>& timeout() const { return timeout_; }
  // The time is over. It has a timer of its own, because BlockedCall::deadline() knows
  // CLOCK_MONOTONIC only.
  bool expired() const { return timer_.has_value() && timer_->expired; }

  // Whether the call begins again after a wake-up that was no wake of the futex. What is about to
  // be a signal's is left to Interrupt().
  static bool BeginsAgain(Thread& thread);
  // A call that ends with an error that Resume() cannot give: kAgain would mean that it waits.
  static Result<int64_t> EndsWith(Errno error) { return -static_cast<int64_t>(error); }

 private:
  class TimeoutTimer final : public Timer {
   public:
    TimeoutTimer(TimerQueue& queue, Thread& thread) : Timer(queue), thread_(thread) {}
    bool expired = false;

   private:
    void OnExpire() override;
    Thread& thread_;
  };

  std::optional<FutexTimeout> timeout_;
  std::optional<TimeoutTimer> timer_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_FUTEX_CALL_H_
