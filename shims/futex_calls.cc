// futex(2) and its successors (kernel/futex/syscalls.c), and robust lists.
#include <optional>
#include <vector>

#include "os_emu/task/calls.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/futex_pi.h"
#include "shims/context.h"
#include "shims/futex_commands.h"
#include "shims/handlers.h"
#include "shims/signal_sending.h"

namespace pollux::shims {

using os_emu::FutexScope;
using os_emu::FutexTimeout;
using os_emu::FutexWord;
using os_emu::TimeBase;

// ---- futex

namespace {

using namespace futex;  // NOLINT: its names are the commands.

// futex_init_timeout(): EFAULT, EINVAL. Nothing: the call waits as long as it takes.
Result<std::optional<FutexTimeout>> TimeoutOf(SyscallContext& context, uint32_t command,
                                              bool realtime) {
  // futex_cmd_has_timeout(): the argument is something else for other commands.
  switch (command) {
    case kWait:
    case kWaitBitset:
    case kLockPi:
    case kLockPi2:
    case kWaitRequeuePi:
      break;
    default:
      return std::optional<FutexTimeout>();
  }
  POLLUX_ASSIGN_OR_RETURN(const std::optional<Nanos> time,
                          context.OptionalTimespec(context.Addr(3)));
  if (!time.has_value()) return std::optional<FutexTimeout>();
  if (command == kWait) {
    return std::optional<FutexTimeout>(
        {TimeBase::kMonotonic, os_emu::DeadlineAfter(context.clock(), time)});
  }
  // FUTEX_LOCK_PI has always gone by CLOCK_REALTIME, and takes no flag for it.
  if (command == kLockPi) realtime = true;
  return std::optional<FutexTimeout>(
      {realtime ? TimeBase::kRealtime : TimeBase::kMonotonic, *time});
}

}  // namespace

CallResult SysFutex(SyscallContext& context) {
  const uint32_t op = context.UInt(1);
  const uint32_t command = op & ~(kPrivate | kClockRealtime);
  const bool realtime = (op & kClockRealtime) != 0;
  os_emu::Thread& thread = context.thread();
  // The time is read before the command is looked at.
  const Result<std::optional<FutexTimeout>> timeout = TimeoutOf(context, command, realtime);
  if (!timeout.ok()) return timeout.error();
  if (realtime && command != kWaitBitset && command != kWaitRequeuePi && command != kLockPi2)
    return Errno::kNoSys;
  const FutexScope scope = (op & kPrivate) != 0 ? FutexScope::kPrivate : FutexScope::kAny;
  const FutexWord word{context.Addr(0), scope}, second{context.Addr(4), scope};
  const int32_t count = context.Int(2), second_count = context.Int(3);
  const uint32_t value = context.UInt(2), third = context.UInt(5);
  switch (command) {
    case kWait:
    case kWaitBitset: {
      // A wait with a time goes on by restart_syscall(2), and so not after a handler.
      const os_emu::OnSignal on_signal =
          timeout->has_value() ? os_emu::OnSignal::kRestartBlock : os_emu::OnSignal::kRestart;
      const uint32_t bits = command == kWait ? os_emu::kFutexAnyBit : third;
      return os_emu::StartFutexWait(thread, word, value, bits, *timeout, on_signal);
    }
    case kWake:
      return os_emu::FutexWake(thread, word, count, os_emu::kFutexAnyBit);
    case kWakeBitset:
      return os_emu::FutexWake(thread, word, count, third);
    case kRequeue:
      return os_emu::FutexRequeue(thread, word, second, count, second_count, std::nullopt);
    case kCmpRequeue:
      return os_emu::FutexRequeue(thread, word, second, count, second_count, third);
    case kWakeOp:
      return os_emu::FutexWakeOp(thread, word, second, count, second_count, third);
    case kLockPi:
    case kLockPi2:
      return os_emu::StartFutexLockPi(thread, word, *timeout);
    case kTryLockPi:
      return os_emu::FutexTryLockPi(thread, word);
    case kUnlockPi:
      return os_emu::FutexUnlockPi(thread, word);
    case kWaitRequeuePi:
      return os_emu::StartFutexWaitRequeuePi(thread, word, value, second, *timeout);
    case kCmpRequeuePi:
      return os_emu::FutexRequeuePi(thread, word, second, count, second_count, third);
    default:
      return Errno::kNoSys;
  }
}

// ---- futex2: one call an operation, with flags that say the word's size.

namespace {

// FUTEX2_* of linux/futex.h.
constexpr uint32_t kSizeMask = 3, kSize32 = 2, kNuma = 4, kMpol = 8, kPrivate2 = 128;
constexpr int32_t kClockRealtime = 0, kClockMonotonic = 1;

// futex2_to_flags(), futex_flags_valid(): kInval.
Result<FutexScope> ScopeOf(SyscallContext& context, uint32_t flags) {
  if ((flags & ~(kSizeMask | kNuma | kMpol | kPrivate2)) != 0) return Errno::kInval;
  // Linux knows of other sizes, and takes none of them yet.
  if ((flags & kSizeMask) != kSize32) return Errno::kInval;
  if ((flags & (kNuma | kMpol)) != 0)
    return context.Refuse(Errno::kInval, "a futex with a memory node");
  return (flags & kPrivate2) != 0 ? FutexScope::kPrivate : FutexScope::kAny;
}

// futex_validate_input(): kInval where it is more than a word holds.
Result<uint32_t> Fits(uint64_t value) {
  if (value > UINT32_MAX) return Errno::kInval;
  return static_cast<uint32_t>(value);
}

// futex2_setup_timeout(): kInval (the clock), kFault, kInval (the time).
Result<std::optional<FutexTimeout>> Timeout2(SyscallContext& context, GuestAddr address,
                                             int32_t clock) {
  if (address.IsNull()) return std::optional<FutexTimeout>();
  if (clock != kClockRealtime && clock != kClockMonotonic) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const Nanos time, context.Timespec(address));
  return std::optional<FutexTimeout>(
      {clock == kClockRealtime ? TimeBase::kRealtime : TimeBase::kMonotonic, time});
}

// futex_parse_waitv(): kFault, kInval, one element after the other. `*alike`: all have the
// same flags.
Result<std::vector<os_emu::FutexWait>> ParseWaits(SyscallContext& context, GuestAddr from,
                                                  size_t count, bool* alike) {
  std::vector<os_emu::FutexWait> waits;
  std::optional<uint32_t> flags;
  *alike = true;
  for (size_t i = 0; i < count; ++i) {
    POLLUX_ASSIGN_OR_RETURN(const GuestFutexWait wait,
                            context.In<GuestFutexWait>(from + i * sizeof(GuestFutexWait)));
    if (wait.reserved != 0) return Errno::kInval;
    POLLUX_ASSIGN_OR_RETURN(const FutexScope scope, ScopeOf(context, wait.flags));
    POLLUX_ASSIGN_OR_RETURN(const uint32_t value, Fits(wait.value));
    *alike = *alike && flags.value_or(wait.flags) == wait.flags;
    flags = wait.flags;
    waits.push_back({{GuestAddr{wait.address}, scope}, value});
  }
  return waits;
}

}  // namespace

CallResult SysFutexWaitv(SyscallContext& context) {
  const uint32_t count = context.UInt(1);
  if (context.UInt(2) != 0) return Errno::kInval;
  if (count == 0 || count > os_emu::kMaxFutexWaits || context.Addr(0).IsNull())
    return Errno::kInval;
  const Result<std::optional<FutexTimeout>> timeout =
      Timeout2(context, context.Addr(3), context.Int(4));
  if (!timeout.ok()) return timeout.error();
  bool alike;
  const Result<std::vector<os_emu::FutexWait>> waits =
      ParseWaits(context, context.Addr(0), count, &alike);
  if (!waits.ok()) return waits.error();
  return os_emu::StartFutexWaitv(context.thread(), *waits, *timeout);
}

CallResult SysFutexWake(SyscallContext& context) {
  const Result<FutexScope> scope = ScopeOf(context, context.UInt(3));
  if (!scope.ok()) return scope.error();
  const Result<uint32_t> mask = Fits(context.Arg(1));
  if (!mask.ok()) return mask.error();
  const FutexWord word{context.Addr(0), *scope};
  const int32_t count = context.Int(2);
  // FLAGS_STRICT: unlike FUTEX_WAKE, 0 wakes nobody, once the word was looked at.
  if (count == 0 && *mask != 0) {
    const Result<os_emu::FutexKey> key =
        os_emu::KeyOf(context.thread(), word, os_emu::FutexAccess::kRead);
    return key.ok() ? CallResult(0) : CallResult(key.error());
  }
  return os_emu::FutexWake(context.thread(), word, count, *mask);
}

CallResult SysFutexWait(SyscallContext& context) {
  const Result<FutexScope> scope = ScopeOf(context, context.UInt(3));
  if (!scope.ok()) return scope.error();
  const Result<uint32_t> value = Fits(context.Arg(1));
  if (!value.ok()) return value.error();
  const Result<uint32_t> mask = Fits(context.Arg(2));
  if (!mask.ok()) return mask.error();
  const Result<std::optional<FutexTimeout>> timeout =
      Timeout2(context, context.Addr(4), context.Int(5));
  if (!timeout.ok()) return timeout.error();
  return os_emu::StartFutexWait(context.thread(), {context.Addr(0), *scope}, *value, *mask,
                                *timeout);
}

CallResult SysFutexRequeue(SyscallContext& context) {
  if (context.UInt(1) != 0 || context.Addr(0).IsNull()) return Errno::kInval;
  bool alike;
  const Result<std::vector<os_emu::FutexWait>> words =
      ParseWaits(context, context.Addr(0), 2, &alike);
  if (!words.ok()) return words.error();
  if (!alike) return Errno::kInval;
  const os_emu::FutexWait &from = (*words)[0], &to = (*words)[1];
  return os_emu::FutexRequeue(context.thread(), from.word, to.word, context.Int(2), context.Int(3),
                              from.expected);
}

// ---- Robust lists

namespace {
constexpr uint64_t kRobustListHeadBytes = 24;
}  // namespace

CallResult SysSetRobustList(SyscallContext& context) {
  if (context.Arg(1) != kRobustListHeadBytes) return Errno::kInval;
  context.thread().robust_list_head = context.Addr(0);
  return 0;
}

CallResult SysGetRobustList(SyscallContext& context) {
  const int32_t pid = context.Int(0);
  os_emu::Thread* thread = pid == 0 ? &context.thread() : context.kernel().FindTask(Tid{pid});
  if (thread == nullptr) return Errno::kSrch;
  if (!MayTrace(context, thread->process())) return Errno::kPerm;
  Result<void> stored = context.Out(context.Addr(2), kRobustListHeadBytes);
  if (!stored.ok()) return stored.error();
  return context.Out(context.Addr(1), thread->robust_list_head.value);
}

}  // namespace pollux::shims
