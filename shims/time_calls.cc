// Clocks and sleeping (kernel/time/), times(2), getrusage(2), sysinfo(2), uname(2).
#include <algorithm>
#include <cstring>
#include <optional>

#include "os_emu/task/calls.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using os_emu::ClockId;

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kTickNanos = 4'000'000;       // CONFIG_HZ=250: what the coarse clocks go by.
constexpr int64_t kUserTickNanos = 10'000'000;  // USER_HZ=100: times(2).

GuestTimespec ToTimespec(Nanos time) {
  return {time.value / kNanosPerSecond, time.value % kNanosPerSecond};
}

// The time that the process has computed.
Nanos CpuTime(SyscallContext& context) { return context.process().cpu_time; }

// A clock that names a process or a thread of the caller's by its id (clock_getcpuclockid(3),
// posix-cpu-timers.c).
std::optional<Nanos> CpuClock(SyscallContext& context, int32_t id) {
  const int32_t number = ~(id >> 3);
  constexpr int32_t kPerThread = 4, kClockMask = 3, kMaxClocks = 3;
  if ((id & kClockMask) >= kMaxClocks) return std::nullopt;
  if ((id & kPerThread) != 0) {
    const os_emu::Thread* thread =
        number == 0 ? &context.thread() : context.kernel().FindThread(Tid{number});
    if (thread == nullptr || &thread->process() != &context.process()) return std::nullopt;
    return thread->cpu_time;
  }
  const os_emu::Process* process =
      number == 0 ? &context.process() : context.kernel().FindProcess(Tid{number});
  if (process == nullptr) return std::nullopt;
  return process->cpu_time;
}

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
    case ClockId::kProcessCpu:
      return context.process().cpu_time;
    case ClockId::kThreadCpu:
      return context.thread().cpu_time;
  }
  if (id < 0) {
    const std::optional<Nanos> time = CpuClock(context, id);
    if (time.has_value()) return *time;
  }
  return Errno::kInval;
}

}  // namespace

CallResult SysClockGettime(SyscallContext& context) {
  Result<Nanos> now = Now(context, context.Int(0));
  if (!now.ok()) return now.error();
  return context.Out(context.Addr(1), ToTimespec(*now));
}

CallResult SysClockGetres(SyscallContext& context) {
  const int32_t id = context.Int(0);
  Result<Nanos> now = Now(context, id);
  if (!now.ok()) return now.error();
  if (context.Addr(1).IsNull()) return 0;
  const ClockId clock = static_cast<ClockId>(id);
  const bool coarse = clock == ClockId::kRealtimeCoarse || clock == ClockId::kMonotonicCoarse;
  return context.Out(context.Addr(1), GuestTimespec{0, coarse ? kTickNanos : 1});
}

CallResult SysClockSettime(SyscallContext& context) {
  Result<Nanos> now = Now(context, context.Int(0));
  if (!now.ok()) return now.error();
  if (context.Int(0) != static_cast<int32_t>(ClockId::kRealtime)) return Errno::kInval;
  Result<GuestTimespec> time = context.In<GuestTimespec>(context.Addr(1));
  if (!time.ok()) return time.error();
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

CallResult SysClockNanosleep(SyscallContext& context) {
  constexpr uint32_t kAbsolute = 1;
  const os_emu::Clock& clock = context.clock();
  const int32_t id = context.Int(0);
  Result<Nanos> now = Now(context, id);
  if (!now.ok()) return now.error();
  switch (static_cast<ClockId>(id)) {
    case ClockId::kRealtime:
    case ClockId::kMonotonic:
    case ClockId::kBoottime:
    case ClockId::kTai:
      break;
    case ClockId::kRealtimeAlarm:
    case ClockId::kBoottimeAlarm:
      return Errno::kOpNotSupp;  // There is no clock that could wake the machine.
    case ClockId::kProcessCpu:
      return context.Refuse(Errno::kOpNotSupp, "CLOCK_PROCESS_CPUTIME_ID");
    default:
      return Errno::kOpNotSupp;
  }
  Result<Nanos> time = context.Timespec(context.Addr(2));
  if (!time.ok()) return time.error();
  if ((context.UInt(1) & kAbsolute) == 0) {
    return os_emu::StartSleep(context.thread(), os_emu::DeadlineAfter(clock, *time),
                              context.Addr(3));
  }
  // From the clock's own time to CLOCK_MONOTONIC's.
  const int64_t ahead = (*now - clock.Monotonic()).value;
  const Nanos deadline = *time == kNanosMax ? kNanosMax : Nanos{time->value - ahead};
  return os_emu::StartSleep(context.thread(), deadline, GuestAddr{}, /*absolute=*/true);
}

CallResult SysTimes(SyscallContext& context) {
  const int64_t ticks = context.clock().Monotonic().value / kUserTickNanos;
  if (!context.Addr(0).IsNull()) {
    Result<void> stored = context.Out(
        context.Addr(0), GuestTms{CpuTime(context).value / kUserTickNanos, 0,
                                  context.process().children_cpu_time.value / kUserTickNanos, 0});
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
  const Nanos time = who == kSelf       ? context.process().cpu_time
                     : who == kChildren ? context.process().children_cpu_time
                                        : context.thread().cpu_time;
  usage.utime = {time.value / kNanosPerSecond, time.value % kNanosPerSecond / 1000};
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
