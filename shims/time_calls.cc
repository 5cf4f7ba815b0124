// Clocks and sleeping (kernel/time/), times(2), getrusage(2), sysinfo(2), uname(2).
#include <algorithm>
#include <cstring>
#include <optional>

#include "os_emu/task/calls.h"
#include "shims/context.h"
#include "shims/cpu_clocks.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using os_emu::ClockId;

constexpr int64_t kTickNanos = os_emu::Clock::kTick.value;

Result<Nanos> Now(SyscallContext& context, int32_t id) {
  const os_emu::Clock& clock = context.clock();
  const int64_t behind = clock.Monotonic().value % kTickNanos;
  switch (static_cast<ClockId>(id)) {
    case ClockId::kRealtime:
    case ClockId::kRealtimeAlarm:
    case ClockId::kTai:  // No leap seconds are known.
      return clock.Realtime();
    case ClockId::kMonotonic:
    case ClockId::kMonotonicRaw:
    case ClockId::kBoottime:
    case ClockId::kBoottimeAlarm:
      return clock.Monotonic();
    case ClockId::kRealtimeCoarse:
      return clock.Realtime() - Nanos{behind};
    case ClockId::kMonotonicCoarse:
      return clock.Monotonic() - Nanos{behind};
    default: {
      const std::optional<CpuClockName> named = FindCpuClock(context, id, /*gettime=*/true);
      return named.has_value() ? Result<Nanos>(named->clock->now()) : Errno::kInval;
    }
  }
}

}  // namespace

CallResult SysClockGettime(SyscallContext& context) {
  Result<Nanos> now = Now(context, context.Int(0));
  if (!now.ok()) return now.error();
  return context.Out(context.Addr(1), ToTimespec(*now));
}

CallResult SysClockGetres(SyscallContext& context) {
  const int32_t id = context.Int(0);
  const ClockId clock = static_cast<ClockId>(id);
  bool coarse = clock == ClockId::kRealtimeCoarse || clock == ClockId::kMonotonicCoarse;
  if (id < 0) {
    const std::optional<CpuClockName> named = FindCpuClock(context, id);
    if (!named.has_value()) return Errno::kInval;
    coarse = named->coarse;
  } else if (Result<Nanos> now = Now(context, id); !now.ok()) {
    return now.error();
  }
  if (context.Addr(1).IsNull()) return 0;
  return context.Out(context.Addr(1), GuestTimespec{0, coarse ? kTickNanos : 1});
}

CallResult SysClockSettime(SyscallContext& context) {
  const int32_t id = context.Int(0);
  if (id >= 0 && id != static_cast<int32_t>(ClockId::kRealtime)) return Errno::kInval;
  Result<GuestTimespec> time = context.In<GuestTimespec>(context.Addr(1));
  if (!time.ok()) return time.error();
  // posix_cpu_clock_set()
  if (id < 0 && !FindCpuClock(context, id).has_value()) return Errno::kInval;
  return Errno::kPerm;
}

CallResult SysGettimeofday(SyscallContext& context) {
  if (!context.Addr(0).IsNull()) {
    const Nanos now = context.clock().Realtime();
    const GuestTimeval time{now.value / kNanosPerSecond, now.value % kNanosPerSecond / 1000};
    Result<void> stored = context.Out(context.Addr(0), time);
    if (!stored.ok()) return stored.error();
  }
  if (!context.Addr(1).IsNull())
    return context.Out(context.Addr(1), uint64_t{0});  // struct timezone: UTC.
  return 0;
}

CallResult SysNanosleep(SyscallContext& context) {
  Result<Nanos> time = context.Timespec(context.Addr(0));
  if (!time.ok()) return time.error();
  return os_emu::StartSleep(context.thread(), os_emu::DeadlineAfter(context.clock(), *time),
                            context.Addr(1));
}

namespace {

constexpr uint32_t kTimerAbsolute = 1;

// posix_cpu_nsleep()
CallResult SleepOnCpuClock(SyscallContext& context, int32_t id) {
  Result<Nanos> time = context.Timespec(context.Addr(2));
  if (!time.ok()) return time.error();
  const std::optional<CpuClockName> named = FindCpuClock(context, id);
  // Whoever waits for itself to compute would wait forever.
  if (!named.has_value() || (named->of_thread && named->of_caller)) return Errno::kInval;
  const bool absolute = (context.UInt(1) & kTimerAbsolute) != 0;
  const Nanos deadline =
      absolute || time->value == 0 ? *time : os_emu::DeadlineAfter(named->clock->clock(), *time);
  return os_emu::StartCpuSleep(context.thread(), named->clock, deadline,
                               absolute ? GuestAddr{} : context.Addr(3), absolute);
}

}  // namespace

CallResult SysClockNanosleep(SyscallContext& context) {
  const os_emu::Clock& clock = context.clock();
  const int32_t id = context.Int(0);
  if (id < 0) return IsClockFd(id) ? CallResult(Errno::kOpNotSupp) : SleepOnCpuClock(context, id);
  Result<Nanos> now = Now(context, id);
  if (!now.ok()) return now.error();
  switch (static_cast<ClockId>(id)) {
    case ClockId::kRealtime:
    case ClockId::kMonotonic:
    case ClockId::kBoottime:
    case ClockId::kTai:
      break;
    case ClockId::kProcessCpu:
      return SleepOnCpuClock(context, id);
    default:
      // Of the thread's own time, of a coarse clock, or of one that could wake the machine: there
      // is none.
      return Errno::kOpNotSupp;
  }
  Result<Nanos> time = context.Timespec(context.Addr(2));
  if (!time.ok()) return time.error();
  if ((context.UInt(1) & kTimerAbsolute) == 0) {
    return os_emu::StartSleep(context.thread(), os_emu::DeadlineAfter(clock, *time),
                              context.Addr(3));
  }
  // From the clock's own time to CLOCK_MONOTONIC's.
  const int64_t ahead = (*now - clock.Monotonic()).value;
  const Nanos deadline = *time == kNanosMax ? kNanosMax : Nanos{time->value - ahead};
  return os_emu::StartSleep(context.thread(), deadline, GuestAddr{}, /*absolute=*/true);
}

CallResult SysTimes(SyscallContext& context) {
  const int64_t ticks = context.clock().Monotonic().value / os_emu::kNanosPerTick;
  if (!context.Addr(0).IsNull()) {
    Result<void> stored =
        context.Out(context.Addr(0),
                    GuestTms{context.process().cpu_clock->now().value / os_emu::kNanosPerTick, 0,
                             context.process().children_cpu_time.value / os_emu::kNanosPerTick, 0});
    if (!stored.ok()) return stored.error();
  }
  return ticks;
}

CallResult SysGetrusage(SyscallContext& context) {
  constexpr int32_t kSelf = 0, kChildren = -1, kThread = 1;
  const int32_t who = context.Int(0);
  if (who != kSelf && who != kChildren && who != kThread) return Errno::kInval;
  GuestRusage usage;
  std::memset(&usage, 0, sizeof(usage));
  const Nanos time = who == kSelf       ? context.process().cpu_clock->now()
                     : who == kChildren ? context.process().children_cpu_time
                                        : context.thread().cpu_clock->now();
  usage.utime = {time.value / kNanosPerSecond, time.value % kNanosPerSecond / 1000};
  // Threads are not told apart.
  usage.minor_faults =
      static_cast<int64_t>(who == kChildren ? context.process().children_minor_faults
                                            : context.process().minor_faults());
  if (who != kChildren) {
    usage.maxrss = static_cast<int64_t>(context.memory().resident_bytes() / 1024);
  }
  return context.Out(context.Addr(1), usage);
}

CallResult SysSysinfo(SyscallContext& context) {
  constexpr uint64_t kDefaultMemory = uint64_t{16} << 30;
  GuestSysinfo info;
  std::memset(&info, 0, sizeof(info));
  const memory::MemoryBudget& budget = context.kernel().budget();
  const int64_t uptime = context.clock().Monotonic().value;
  info.uptime = (uptime + kNanosPerSecond - 1) / kNanosPerSecond;
  info.totalram = std::min(budget.limit_bytes, kDefaultMemory);
  info.freeram = info.totalram - std::min(info.totalram, budget.used_bytes);
  for (const auto& [pid, process] : context.kernel().processes()) {
    info.procs = static_cast<uint16_t>(info.procs + process->threads.size());
  }
  info.mem_unit = 1;
  return context.Out(context.Addr(0), info);
}

CallResult SysUname(SyscallContext& context) {
  GuestUtsname name;
  std::memset(&name, 0, sizeof(name));
  const auto put = [](char(&field)[65], const std::string& text) {
    text.copy(field, sizeof(field) - 1);
  };
  put(name.sysname, "Linux");
  put(name.nodename, context.kernel().options().hostname);
  put(name.release, "6.18.0");
  put(name.version, "#1 SMP pollux");
  put(name.machine, "riscv64");
  put(name.domainname, "(none)");
  return context.Out(context.Addr(0), name);
}

}  // namespace pollux::shims
