// Timers: timerfd_create(2) (fs/timerfd.c), setitimer(2) (kernel/time/itimer.c), timer_create(2)
// (kernel/time/posix-timers.c).
#include <memory>
#include <utility>

#include "os_emu/task/interval_timer.h"
#include "os_emu/task/posix_timer.h"
#include "os_emu/timerfd/timerfd.h"
#include "shims/context.h"
#include "shims/cpu_clocks.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using os_emu::ClockId;
using os_emu::PosixTimer;
using os_emu::TimerSetting;

constexpr int64_t kNanosPerMicro = 1000;

// timespec64_valid() and timespec64_to_ktime(): nullopt where it is not valid; saturates.
std::optional<Nanos> ToNanos(int64_t seconds, int64_t nanoseconds) {
  if (seconds < 0 || nanoseconds < 0 || nanoseconds >= kNanosPerSecond) return std::nullopt;
  if (seconds >= INT64_MAX / kNanosPerSecond) return kNanosMax;
  return Nanos{seconds * kNanosPerSecond + nanoseconds};
}

std::optional<TimerSetting> ToSetting(const GuestItimerspec& spec) {
  const std::optional<Nanos> value = ToNanos(spec.value.seconds, spec.value.nanoseconds);
  const std::optional<Nanos> interval = ToNanos(spec.interval.seconds, spec.interval.nanoseconds);
  if (!value.has_value() || !interval.has_value()) return std::nullopt;
  return TimerSetting{.value = *value, .interval = *interval};
}

GuestItimerspec ToItimerspec(const TimerSetting& setting) {
  return {ToTimespec(setting.interval), ToTimespec(setting.value)};
}

}  // namespace

// ---- timerfd

CallResult SysTimerfdCreate(SyscallContext& context) {
  Result<DescriptionRef> file =
      os_emu::TimerFd::Create(context.kernel(), context.Int(0), context.UInt(1));
  if (!file.ok()) return file.error();
  return context.InstallNew(*std::move(file), (context.UInt(1) & os_emu::kTfdCloExec) != 0);
}

CallResult SysTimerfdSettime(SyscallContext& context) {
  Result<GuestItimerspec> given = context.In<GuestItimerspec>(context.Addr(2));
  if (!given.ok()) return given.error();
  const uint32_t flags = context.UInt(1);
  const std::optional<TimerSetting> setting = ToSetting(*given);
  if ((flags & ~(os_emu::kTfdAbsolute | os_emu::kTfdCancelOnSet)) != 0 || !setting.has_value())
    return Errno::kInval;
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  os_emu::TimerFd* timer = os_emu::TimerFd::From(**file);
  if (timer == nullptr) return Errno::kInval;
  Result<TimerSetting> old = timer->Set(flags, *setting);
  if (!old.ok()) return old.error();
  if (context.Addr(3).IsNull()) return 0;
  return context.Out(context.Addr(3), ToItimerspec(*old));
}

CallResult SysTimerfdGettime(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  os_emu::TimerFd* timer = os_emu::TimerFd::From(**file);
  if (timer == nullptr) return Errno::kInval;
  return context.Out(context.Addr(1), ToItimerspec(timer->Get()));
}

// ---- Interval timers

namespace {

enum Itimer : int32_t { kItimerReal = 0, kItimerVirtual = 1, kItimerProf = 2 };

GuestTimeval ToTimeval(Nanos time) {
  return {time.value / kNanosPerSecond, time.value % kNanosPerSecond / kNanosPerMicro};
}
GuestItimerval ToItimerval(const TimerSetting& setting) {
  return {ToTimeval(setting.interval), ToTimeval(setting.value)};
}

// get_itimerval(): EFAULT, EINVAL.
Result<TimerSetting> ReadItimerval(SyscallContext& context, GuestAddr address) {
  POLLUX_ASSIGN_OR_RETURN(const GuestItimerval given, context.In<GuestItimerval>(address));
  const auto valid = [](const GuestTimeval& time) {
    return time.seconds >= 0 && time.microseconds >= 0 && time.microseconds < 1'000'000;
  };
  if (!valid(given.value) || !valid(given.interval)) return Errno::kInval;
  const auto span = [](const GuestTimeval& time) {
    return *ToNanos(time.seconds, time.microseconds * kNanosPerMicro);
  };
  return TimerSetting{.value = span(given.value), .interval = span(given.interval)};
}

}  // namespace

CallResult SysGetitimer(SyscallContext& context) {
  os_emu::Process& process = context.process();
  switch (context.Int(0)) {
    case kItimerReal:
      return context.Out(context.Addr(1), ToItimerval(process.real_timer.Get()));
    case kItimerVirtual:
      return context.Out(context.Addr(1), ToItimerval(process.virtual_timer.Get()));
    case kItimerProf:
      return context.Out(context.Addr(1), ToItimerval(process.profiling_timer.Get()));
    default:
      return Errno::kInval;
  }
}

CallResult SysSetitimer(SyscallContext& context) {
  TimerSetting setting;
  // A null pointer means 0 to Linux, too.
  if (!context.Addr(1).IsNull()) {
    Result<TimerSetting> given = ReadItimerval(context, context.Addr(1));
    if (!given.ok()) return given.error();
    setting = *given;
  }
  TimerSetting old;
  switch (context.Int(0)) {
    case kItimerReal:
      old = context.process().real_timer.Set(setting);
      break;
    case kItimerVirtual:
      old = context.process().virtual_timer.Set(setting);
      break;
    case kItimerProf:
      old = context.process().profiling_timer.Set(setting);
      break;
    default:
      return Errno::kInval;
  }
  if (context.Addr(2).IsNull()) return 0;
  return context.Out(context.Addr(2), ToItimerval(old));
}

// ---- POSIX timers

namespace {

enum SigevNotify : int32_t {
  kSigevSignal = 0,
  kSigevNone = 1,
  kSigevThread = 2,
  kSigevThreadId = 4
};

// alarm_timer_create() without a clock that could wake the machine.
constexpr Errno kNoAlarms = Errno::kOpNotSupp;
bool IsAlarmClock(int32_t id) {
  return id == static_cast<int32_t>(ClockId::kRealtimeAlarm) ||
         id == static_cast<int32_t>(ClockId::kBoottimeAlarm);
}

// What timers may run on.
struct TimerClock {
  ClockId clock = ClockId::kMonotonic;
  std::shared_ptr<os_emu::CpuClock> cpu_clock;
};

// EINVAL, EOPNOTSUPP.
Result<TimerClock> TimerClockOf(SyscallContext& context, int32_t id) {
  switch (static_cast<ClockId>(id)) {
    case ClockId::kRealtime:
    case ClockId::kTai:
      return TimerClock{ClockId::kRealtime, nullptr};
    case ClockId::kMonotonic:
    case ClockId::kBoottime:
      return TimerClock{};
    case ClockId::kRealtimeAlarm:
    case ClockId::kBoottimeAlarm:
      return kNoAlarms;
    case ClockId::kMonotonicRaw:
    case ClockId::kRealtimeCoarse:
    case ClockId::kMonotonicCoarse:
      return Errno::kOpNotSupp;
    case ClockId::kProcessCpu:
    case ClockId::kThreadCpu:
      break;
    default:
      if (id >= 0) return Errno::kInval;
  }
  if (IsClockFd(id)) return Errno::kOpNotSupp;
  const std::optional<CpuClockName> clock = FindCpuClock(context, id);
  if (!clock.has_value()) return Errno::kInval;
  return TimerClock{.cpu_clock = clock->clock};
}

// good_sigevent(): kInval.
Result<PosixTimer::Options> FromSigevent(SyscallContext& context, const GuestSigevent& event) {
  PosixTimer::Options options;
  options.signal = event.signal;
  options.value = event.value;
  switch (event.notify) {
    case kSigevNone:
      options.notify = PosixTimer::Notify::kNone;
      return options;
    case kSigevThreadId: {
      const auto& threads = context.process().threads;
      if (threads.find(Tid{event.thread}) == threads.end()) return Errno::kInval;
      options.thread = Tid{event.thread};
      break;
    }
    case kSigevSignal:
    case kSigevThread:  // Linux sends a signal here, too; the thread is the C library's.
      break;
    default:
      return Errno::kInval;
  }
  if (event.signal < 1 || event.signal > os_emu::kSignals) return Errno::kInval;
  return options;
}

// lock_timer(): kInval.
Result<std::shared_ptr<PosixTimer>> TimerAt(SyscallContext& context, int i) {
  const auto& timers = context.process().timers;
  const auto found = timers.find(context.Int(i));
  if (found == timers.end()) return Errno::kInval;
  return found->second;
}

}  // namespace

CallResult SysTimerCreate(SyscallContext& context) {
  os_emu::Process& process = context.process();
  PosixTimer::Options options;
  GuestSigevent event{};
  const bool given = !context.Addr(1).IsNull();
  if (given) {
    Result<GuestSigevent> read = context.In<GuestSigevent>(context.Addr(1));
    if (!read.ok()) return read.error();
    event = *read;
  }
  Result<TimerClock> clock = TimerClockOf(context, context.Int(0));
  // Whether there are alarms is asked last.
  if (!clock.ok() && !IsAlarmClock(context.Int(0))) return clock.error();
  // alloc_posix_timer(): each has a signal of its own.
  std::optional<os_emu::SignalCounts::Share> share = context.kernel().signal_counts().Take(
      process.credentials.uid, process.rlimits[os_emu::kRlimitPendingSignals].soft);
  if (!share.has_value()) return Errno::kAgain;
  if (given) {
    Result<PosixTimer::Options> wanted = FromSigevent(context, event);
    if (!wanted.ok()) return wanted.error();
    options = *wanted;
  }
  if (!clock.ok()) return clock.error();
  options.clock = clock->clock;
  options.cpu_clock = clock->cpu_clock;
  // Ids are counted up; what is still in use is passed over (posix_timer_add()).
  while (process.timers.count(process.next_timer_id) != 0) {
    process.next_timer_id = static_cast<int32_t>((uint32_t{1} + process.next_timer_id) & INT32_MAX);
  }
  const int32_t id = process.next_timer_id;
  process.next_timer_id = static_cast<int32_t>((uint32_t{1} + id) & INT32_MAX);
  if (!given) options.value = static_cast<uint32_t>(id);
  auto timer = std::make_shared<PosixTimer>(process, id, options, *std::move(share));
  Result<void> stored = context.Out(context.Addr(2), id);
  if (!stored.ok()) return stored.error();
  process.timers.emplace(id, std::move(timer));
  return 0;
}

CallResult SysTimerSettime(SyscallContext& context) {
  constexpr uint32_t kAbsolute = 1;
  if (context.Addr(2).IsNull()) return Errno::kInval;
  Result<GuestItimerspec> given = context.In<GuestItimerspec>(context.Addr(2));
  if (!given.ok()) return given.error();
  const std::optional<TimerSetting> setting = ToSetting(*given);
  if (!setting.has_value()) return Errno::kInval;
  Result<std::shared_ptr<PosixTimer>> timer = TimerAt(context, 0);
  if (!timer.ok()) return timer.error();
  if ((*timer)->clock_is_gone()) return Errno::kSrch;
  const TimerSetting old = (*timer)->Set(*setting, (context.UInt(1) & kAbsolute) != 0);
  if (context.Addr(3).IsNull()) return 0;
  return context.Out(context.Addr(3), ToItimerspec(old));
}

CallResult SysTimerGettime(SyscallContext& context) {
  Result<std::shared_ptr<PosixTimer>> timer = TimerAt(context, 0);
  if (!timer.ok()) return timer.error();
  return context.Out(context.Addr(1), ToItimerspec((*timer)->Get()));
}

CallResult SysTimerGetoverrun(SyscallContext& context) {
  Result<std::shared_ptr<PosixTimer>> timer = TimerAt(context, 0);
  if (!timer.ok()) return timer.error();
  return int64_t{(*timer)->overrun()};
}

CallResult SysTimerDelete(SyscallContext& context) {
  Result<std::shared_ptr<PosixTimer>> timer = TimerAt(context, 0);
  if (!timer.ok()) return timer.error();
  (*timer)->Delete();
  context.process().timers.erase((*timer)->id());
  return 0;
}

}  // namespace pollux::shims
