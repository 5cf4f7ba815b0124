// Clock: a machine's time in nanoseconds. It is told how time passes, and never asks the host.
//
// Virtual time: computing advances it (the machine tells how many instructions were retired); when
// every thread is blocked it jumps to the next deadline. With the host's clock the machine says
// what that shows. CLOCK_MONOTONIC never goes back, and neither clock overflows. CLOCK_MONOTONIC
// and CLOCK_BOOTTIME begin at kBootNanos, CLOCK_REALTIME at kEpoch unless it is set
// (SetRealtime()).
#ifndef POLLUX_OS_EMU_TIME_CLOCK_H_
#define POLLUX_OS_EMU_TIME_CLOCK_H_

#include "abi/types.h"

namespace pollux::os_emu {

// clockid_t of clock_gettime(2).
enum class ClockId : int32_t {
  kRealtime = 0,
  kMonotonic = 1,
  kProcessCpu = 2,
  kThreadCpu = 3,
  kMonotonicRaw = 4,
  kRealtimeCoarse = 5,
  kMonotonicCoarse = 6,
  kBoottime = 7,
  kRealtimeAlarm = 8,
  kBoottimeAlarm = 9,
  kTai = 11,
};

class Clock {
 public:
  // 2025-01-01T00:00:00Z: when every machine with virtual time boots.
  static constexpr Nanos kEpoch{1'735'689'600'000'000'000};
  static constexpr Nanos kBootNanos{1'000'000'000};
  // One retired instruction takes a nanosecond.
  static constexpr int64_t kNanosPerInstruction = 1;
  // Between two of the timer's interrupts (CONFIG_HZ=250): what coarse clocks go by.
  static constexpr Nanos kTick{4'000'000};

  explicit Clock(Nanos now = kBootNanos) : now_(now) {}

  Nanos Monotonic() const { return now_; }
  Nanos Realtime() const {
    return SaturatingAdd(SaturatingAdd(now_ - kBootNanos, kEpoch), realtime_offset_);
  }
  // How far CLOCK_REALTIME is ahead of CLOCK_MONOTONIC.
  Nanos RealtimeAhead() const { return SaturatingAdd(kEpoch - kBootNanos, realtime_offset_); }
  // A point of CLOCK_REALTIME in CLOCK_MONOTONIC. kNanosMax (never) stays.
  Nanos MonotonicFromRealtime(Nanos realtime) const {
    if (realtime == kNanosMax) return kNanosMax;
    return SaturatingAdd(realtime, Nanos{0} - RealtimeAhead());
  }
  // clock_settime(CLOCK_REALTIME). now >= 0. Kernel::SetRealtime() tells the timers, too.
  void SetRealtime(Nanos now) {
    realtime_offset_ = SaturatingAdd(now, Nanos{0} - (kEpoch - kBootNanos) - now_);
  }
  // span >= 0. The clock stops at the end of time, 292 years from boot: a guest may sleep until
  // then.
  void AdvanceBy(Nanos span) { now_ = SaturatingAdd(now_, span); }
  // Nothing if `now` has passed.
  void AdvanceTo(Nanos now) {
    if (now > now_) now_ = now;
  }

 private:
  static Nanos SaturatingAdd(Nanos a, Nanos b) {
    int64_t sum;
    if (__builtin_add_overflow(a.value, b.value, &sum)) [[unlikely]]
      return b.value > 0 ? kNanosMax : Nanos{INT64_MIN};
    return {sum};
  }

  Nanos now_;
  Nanos realtime_offset_{0};  // clock_settime(CLOCK_REALTIME).
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TIME_CLOCK_H_
