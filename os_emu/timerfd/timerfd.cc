#include "os_emu/timerfd/timerfd.h"

#include <algorithm>
#include <span>

#include "absl/strings/str_format.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

TimerFd::TimerFd(Kernel& kernel, ClockId clock, uint32_t flags)
    : FileDescription(kORdWr | (flags & kTfdNonBlock)),
      kernel_(kernel),
      clock_(clock),
      timer_(kernel.timers(), *this),
      clock_change_(*this),
      realtime_ahead_(kernel.clock().RealtimeAhead()) {}

Result<DescriptionRef> TimerFd::Create(Kernel& kernel, int32_t clock, uint32_t flags) {
  if ((flags & ~(kTfdNonBlock | kTfdCloExec)) != 0) return Errno::kInval;
  switch (static_cast<ClockId>(clock)) {
    case ClockId::kRealtime:
    case ClockId::kMonotonic:
    case ClockId::kBoottime:
      return MakeDescription<TimerFd>(kernel, static_cast<ClockId>(clock), flags);
    case ClockId::kRealtimeAlarm:
    case ClockId::kBoottimeAlarm:
      return Errno::kPerm;
    default:
      return Errno::kInval;
  }
}

void TimerFd::OnRelease() {
  timer_.Disarm();
  clock_change_.Leave();
}

// timerfd_tmrproc()
void TimerFd::OnExpire() {
  expired_ = true;
  ++ticks_;
  queue_.Notify(kIn);
}

// timerfd_clock_was_set()
void TimerFd::OnClockSet() {
  if (!cancelled_ && realtime_ahead_ == kernel_.clock().RealtimeAhead()) return;
  cancelled_ = true;
  ++ticks_;
  queue_.Notify(kIn);
}

bool TimerFd::TakeCancelled() {
  if (!clock_change_.waiting() || !cancelled_) return false;
  cancelled_ = false;
  realtime_ahead_ = kernel_.clock().RealtimeAhead();
  return true;
}

void TimerFd::CatchUp(bool restarts) {
  if (!expired_ || interval_.value == 0) return;
  const uint64_t intervals = timer_.Forward(interval_);
  if (!restarts) return;
  expired_ = false;
  ticks_ += intervals - 1;
  timer_.Rearm();
}

TimerSetting TimerFd::Left() const {
  const Nanos left = set_ ? timer_.Remaining() : Nanos{0};
  return {.value = std::max(left, Nanos{0}), .interval = interval_};
}

TimerSetting TimerFd::Get() {
  CatchUp(/*restarts=*/true);
  return Left();
}

// do_timerfd_settime(), timerfd_setup()
Result<TimerSetting> TimerFd::Set(uint32_t flags, TimerSetting setting) {
  const bool absolute = (flags & kTfdAbsolute) != 0;
  if (clock_ == ClockId::kRealtime && absolute && (flags & kTfdCancelOnSet) != 0) {
    if (!clock_change_.waiting()) kernel_.clock_changes().AddBack(clock_change_);
  } else {
    clock_change_.Leave();
  }
  timer_.Disarm();
  CatchUp(/*restarts=*/false);
  const TimerSetting old = Left();

  expired_ = false;
  ticks_ = 0;
  interval_ = setting.interval;
  set_ = setting.value.value > 0;
  if (set_) {
    if (absolute) {
      timer_.Arm(clock_ == ClockId::kRealtime ? TimeBase::kRealtime : TimeBase::kMonotonic,
                 setting.value);
    } else {
      timer_.Arm(TimeBase::kMonotonic, DeadlineAfter(kernel_.clock(), setting.value));
    }
    if (TakeCancelled()) return Errno::kCanceled;
  }
  settime_flags_ = flags & (kTfdAbsolute | kTfdCancelOnSet);
  return old;
}

// timerfd_read_iter()
Result<size_t> TimerFd::Read(memory::UserBuffer& to) {
  uint64_t ticks = 0;
  if (to.remaining() < sizeof(ticks)) return Errno::kInval;
  if (ticks_ == 0) return Errno::kAgain;
  if (TakeCancelled()) {
    ticks_ = 0;
    return Errno::kCanceled;
  }
  CatchUp(/*restarts=*/true);
  expired_ = false;
  ticks = ticks_;
  ticks_ = 0;
  // What an inaccessible buffer should have got is lost.
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&ticks), sizeof(ticks));
  if (to.CopyTo(bytes) != sizeof(ticks)) return Errno::kFault;
  return sizeof(ticks);
}

// timerfd_ioctl(), of kernels with CONFIG_CHECKPOINT_RESTORE.
Result<int64_t> TimerFd::Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) {
  if (request != kTfdIocSetTicks) return Errno::kNotTy;
  POLLUX_ASSIGN_OR_RETURN(const uint64_t ticks, space->ReadObject<uint64_t>(GuestAddr{argument}));
  if (ticks == 0) return Errno::kInval;
  if (TakeCancelled()) return Errno::kCanceled;
  ticks_ = ticks;
  queue_.Notify(kIn);
  return int64_t{0};
}

// timerfd_show()
std::string TimerFd::FdInfo() const {
  const TimerSetting left = Left();
  return absl::StrFormat(
      "clockid: %d\nticks: %u\nsettime flags: 0%o\nit_value: (%d, %d)\nit_interval: (%d, %d)\n",
      static_cast<int>(clock_), ticks_, settime_flags_, left.value.value / kNanosPerSecond,
      left.value.value % kNanosPerSecond, left.interval.value / kNanosPerSecond,
      left.interval.value % kNanosPerSecond);
}

}  // namespace pollux::os_emu
