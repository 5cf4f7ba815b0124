#include "os_emu/task/interval_timer.h"

#include <algorithm>

#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// SEND_SIG_PRIV
void RaiseFromKernel(Process& process, int signal) {
  SignalInfo info;
  info.signal = signal;
  info.code = kSiKernel;
  process.kernel().RaiseSignal(process, info);
}

}  // namespace

TimerSetting IntervalTimer::Get() const {
  // itimer_get_remtime(): one that is about to expire has a microsecond left, because 0 would mean
  // that it is off.
  constexpr Nanos kLeast{1000};
  if (!armed()) return {.value = Nanos{0}, .interval = interval_};
  return {.value = std::max(Remaining(), kLeast), .interval = interval_};
}

TimerSetting IntervalTimer::Set(TimerSetting setting) {
  const TimerSetting old = Get();
  Disarm();
  interval_ = setting.value.value > 0 ? setting.interval : Nanos{0};
  if (setting.value.value > 0) {
    Arm(TimeBase::kMonotonic, DeadlineAfter(process_.kernel().clock(), setting.value));
  }
  return old;
}

void IntervalTimer::OnSignalTaken() {
  if (armed() || interval_.value == 0) return;
  Forward(interval_);
  Rearm();
}

// it_real_fn()
void IntervalTimer::OnExpire() { RaiseFromKernel(process_, kSigAlrm); }

// ---- CpuIntervalTimer

TimerSetting CpuIntervalTimer::Get() const {
  return {.value = armed() ? Remaining() : Nanos{0}, .interval = interval_};
}

// set_cpu_itimer()
TimerSetting CpuIntervalTimer::Set(TimerSetting setting) {
  const TimerSetting old = Get();
  Disarm();
  interval_ = setting.interval;
  if (setting.value.value > 0) {
    const Nanos span = std::min(setting.value, kNanosMax - Clock::kTick) + Clock::kTick;
    Arm(TimeBase::kMonotonic, DeadlineAfter(process_.cpu_clock->clock(), span));
  }
  return old;
}

// check_cpu_itimer()
void CpuIntervalTimer::OnExpire() {
  if (interval_.value > 0) {
    Forward(interval_);
    Rearm();
  }
  RaiseFromKernel(process_, signal_);
}

}  // namespace pollux::os_emu
