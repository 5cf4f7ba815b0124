#include "os_emu/task/posix_timer.h"

#include <algorithm>
#include <utility>

#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

PosixTimer::PosixTimer(Process& process, int32_t id, const Options& options,
                       SignalCounts::Share share)
    : Timer(options.cpu_clock != nullptr ? options.cpu_clock->timers() : process.kernel().timers()),
      process_(process),
      id_(id),
      options_(options),
      share_(std::move(share)) {}

PosixTimer::~PosixTimer() {
  Disarm();  // Its clock may go with it.
}

TimerQueue& PosixTimer::queue() const {
  return options_.cpu_clock != nullptr ? options_.cpu_clock->timers() : process_.kernel().timers();
}

// common_timer_get(), posix_cpu_timer_get()
TimerSetting PosixTimer::Get() {
  if (clock_is_gone()) return {};
  TimerSetting setting{.value = Nanos{0}, .interval = interval_};
  if (interval_.value == 0 && state_ == State::kDisarmed && !is_none()) return setting;
  if (interval_.value > 0 && state_ != State::kArmed) {
    overrun_ += static_cast<int64_t>(Forward(interval_));
  }
  const Nanos left = Remaining();
  if (left.value > 0) {
    setting.value = left;
  } else if (!is_none()) {
    setting.value = Nanos{1};  // It is about to expire; 0 would mean that it is off.
  }
  return setting;
}

// do_timer_settime(), common_timer_set(), posix_cpu_timer_set()
TimerSetting PosixTimer::Set(TimerSetting setting, bool absolute) {
  const TimerSetting old = Get();
  ++setting_sequence_;
  Disarm();
  state_ = State::kDisarmed;
  ignored_ = false;
  overrun_last_ = 0;
  overrun_ = -1;
  interval_ = setting.value.value > 0 ? setting.interval : Nanos{0};
  if (setting.value.value <= 0) {
    SetDeadline(TimeBase::kMonotonic, Nanos{0});
    return old;
  }
  const bool realtime = options_.clock == ClockId::kRealtime && absolute;
  SetDeadline(realtime ? TimeBase::kRealtime : TimeBase::kMonotonic,
              absolute ? setting.value : DeadlineAfter(queue().clock(), setting.value));
  if (!is_none()) {
    Rearm();
    state_ = State::kArmed;
    // Nobody may ever compute again on that clock; if its time has come, it has come.
    if (options_.cpu_clock != nullptr) queue().Expire();
  }
  return old;
}

int32_t PosixTimer::overrun() const {
  return static_cast<int32_t>(std::min<int64_t>(overrun_last_, INT32_MAX));
}

void PosixTimer::Delete() {
  deleted_ = true;
  ignored_ = false;
  Disarm();
}

void PosixTimer::OnExpire() {
  state_ = interval_.value > 0 ? State::kSignalPends : State::kDisarmed;
  Send();
}

// posixtimer_send_sigqueue()
void PosixTimer::Send() {
  signal_sequence_ = setting_sequence_;
  if (queued_) return;  // A stale one pends: it is good again.
  SignalInfo info;
  info.signal = options_.signal;
  info.code = kSiTimer;
  info.timer_id = id_;
  info.value = options_.value;
  info.timer = shared_from_this();
  Kernel& kernel = process_.kernel();
  bool pends = false;
  if (options_.thread == Tid{0}) {
    pends = kernel.RaiseTimerSignal(process_, info);
  } else {
    const auto found = process_.threads.find(options_.thread);
    if (found == process_.threads.end()) return;  // Nobody is there to take it.
    pends = kernel.RaiseTimerSignal(*found->second, info);
  }
  queued_ = pends;
  // One that is over is forgotten; one with an interval waits for the action to change.
  ignored_ = !pends && interval_.value > 0;
}

bool PosixTimer::OnSignalTaken(SignalInfo* info) {
  queued_ = false;
  if (deleted_ || signal_sequence_ != setting_sequence_) return false;
  if (interval_.value == 0) return true;
  overrun_ += static_cast<int64_t>(Forward(interval_));
  Rearm();
  state_ = State::kArmed;
  overrun_last_ = overrun_;
  overrun_ = -1;
  ++setting_sequence_;
  info->overrun = overrun();
  return true;
}

// posixtimer_sig_ignore()
void PosixTimer::OnSignalForgotten() {
  queued_ = false;
  ignored_ = !deleted_ && interval_.value > 0 && signal_sequence_ == setting_sequence_;
}

void PosixTimer::OnSignalNotIgnored() {
  if (!ignored_) return;
  ignored_ = false;
  Send();
}

}  // namespace pollux::os_emu
