#include "os_emu/task/interval_timer.h"

#include <algorithm>

#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

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

void IntervalTimer::OnExpire() {
  // it_real_fn(): SEND_SIG_PRIV.
  SignalInfo info;
  info.signal = kSigAlrm;
  info.code = kSiKernel;
  process_.kernel().RaiseSignal(process_, info);
}

}  // namespace pollux::os_emu
