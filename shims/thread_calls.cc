// Threads: futex(2), scheduling, robust lists, membarrier(2), and what is RISC-V's own.
#include <algorithm>
#include <vector>

#include "os_emu/task/calls.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/pi_futex.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {

// ---- futex

namespace {

enum FutexCommand : uint32_t {
  kWait = 0,
  kWake = 1,
  kRequeue = 3,
  kCmpRequeue = 4,
  kWakeOp = 5,
  kLockPi = 6,
  kUnlockPi = 7,
  kTryLockPi = 8,
  kWaitBitset = 9,
  kWakeBitset = 10,
  kWaitRequeuePi = 11,
  kCmpRequeuePi = 12,
  kLockPi2 = 13,
};
constexpr uint32_t kFutexPrivate = 128, kFutexClockRealtime = 256;

// The deadline of a wait, in CLOCK_MONOTONIC: EFAULT, EINVAL.
Result<Nanos> FutexDeadline(SyscallContext& context, uint32_t command, bool realtime) {
  POLLUX_ASSIGN_OR_RETURN(const std::optional<Nanos> time,
                          context.OptionalTimespec(context.Addr(3)));
  const os_emu::Clock& clock = context.clock();
  if (!time.has_value() || *time == kNanosMax) return kNanosMax;
  if (command == kWait) return os_emu::DeadlineAfter(clock, time);
  if (command == kLockPi) realtime = true;  // FUTEX_LOCK_PI knows no other clock.
  return realtime ? Nanos{time->value - (clock.Realtime() - clock.Monotonic()).value} : *time;
}

}  // namespace

CallResult SysFutex(SyscallContext& context) {
  const uint32_t op = context.UInt(1);
  const uint32_t command = op & ~(kFutexPrivate | kFutexClockRealtime);
  const bool realtime = (op & kFutexClockRealtime) != 0;
  const os_emu::FutexScope scope =
      (op & kFutexPrivate) != 0 ? os_emu::FutexScope::kPrivate : os_emu::FutexScope::kAny;
  os_emu::Thread& thread = context.thread();
  Nanos deadline = kNanosMax;
  // The time is read before the command is looked at, for those that have one
  // (futex_cmd_has_timeout()).
  if (command == kWait || command == kWaitBitset || command == kLockPi || command == kLockPi2 ||
      command == kWaitRequeuePi) {
    Result<Nanos> given = FutexDeadline(context, command, realtime);
    if (!given.ok()) return given.error();
    deadline = *given;
  }
  if (realtime && command != kWaitBitset && command != kWaitRequeuePi && command != kLockPi2)
    return Errno::kNoSys;
  os_emu::PiFutexes& locks = context.kernel().Part<os_emu::PiFutexes>();
  const int32_t second_count = static_cast<int32_t>(context.UInt(3));
  switch (command) {
    case kWait:
      return os_emu::StartFutexWait(thread, context.Addr(0), scope, context.UInt(2),
                                    os_emu::kFutexAnyBit, deadline);
    case kWaitBitset:
      return os_emu::StartFutexWait(thread, context.Addr(0), scope, context.UInt(2),
                                    context.UInt(5), deadline);
    case kWake:
      return os_emu::FutexWake(thread, context.Addr(0), scope, context.Int(2),
                               os_emu::kFutexAnyBit);
    case kWakeBitset:
      return os_emu::FutexWake(thread, context.Addr(0), scope, context.Int(2), context.UInt(5));
    case kRequeue:
      return os_emu::FutexRequeue(thread, context.Addr(0), context.Addr(4), scope, context.Int(2),
                                  second_count, std::nullopt);
    case kCmpRequeue:
      return os_emu::FutexRequeue(thread, context.Addr(0), context.Addr(4), scope, context.Int(2),
                                  second_count, context.UInt(5));
    case kWakeOp:
      return os_emu::FutexWakeOp(thread, context.Addr(0), context.Addr(4), scope, context.Int(2),
                                 second_count, context.UInt(5));
    case kLockPi:
    case kLockPi2:
      return locks.Lock(thread, context.Addr(0), scope, deadline);
    case kTryLockPi:
      return locks.TryLock(thread, context.Addr(0), scope);
    case kUnlockPi:
      return locks.Unlock(thread, context.Addr(0), scope);
    case kWaitRequeuePi:
    case kCmpRequeuePi:
      return context.Refuse(Errno::kNoSys, "requeueing to a priority-inheriting lock");
    default:
      return Errno::kNoSys;
  }
}

CallResult SysSetTidAddress(SyscallContext& context) {
  context.thread().clear_child_tid = context.Addr(0);
  return static_cast<int64_t>(context.thread().tid());
}

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
  os_emu::Thread* thread = pid == 0 ? &context.thread() : context.kernel().FindThread(Tid{pid});
  if (thread == nullptr) return Errno::kSrch;
  Result<void> stored = context.Out(context.Addr(2), kRobustListHeadBytes);
  if (!stored.ok()) return stored.error();
  return context.Out(context.Addr(1), thread->robust_list_head.value);
}

// ---- Scheduling

namespace {

// The thread that a sched_*(2) call is about.
Result<os_emu::Thread*> Target(SyscallContext& context) {
  const int32_t pid = context.Int(0);
  os_emu::Thread* thread = pid == 0 ? &context.thread() : context.kernel().FindThread(Tid{pid});
  if (thread == nullptr) return Errno::kSrch;
  return thread;
}

// One bit a cpu, in words of 64 bits.
std::vector<uint64_t> CpuMask(SyscallContext& context) {
  const int cpus = std::max(context.kernel().options().cpus, 1);
  std::vector<uint64_t> mask((cpus + 63) / 64);
  for (int cpu = 0; cpu < cpus; ++cpu) mask[cpu / 64] |= uint64_t{1} << (cpu % 64);
  return mask;
}

}  // namespace

CallResult SysSchedYield(SyscallContext& context) {
  context.abi().Yield();
  return 0;
}

CallResult SysSchedGetaffinity(SyscallContext& context) {
  const uint64_t length = context.UInt(1);
  const uint64_t cpus = static_cast<uint64_t>(std::max(context.kernel().options().cpus, 1));
  if (length * 8 < cpus || length % 8 != 0) return Errno::kInval;
  Result<os_emu::Thread*> target = Target(context);
  if (!target.ok()) return target.error();
  std::vector<uint64_t> mask = CpuMask(context);
  mask[0] &= (*target)->affinity;
  const size_t bytes = std::min<uint64_t>(length, mask.size() * 8);
  const std::span<const uint8_t> from(reinterpret_cast<const uint8_t*>(mask.data()), bytes);
  if (context.memory().Write(context.Addr(2), from) != bytes) return Errno::kFault;
  return static_cast<int64_t>(bytes);
}

CallResult SysSchedSetaffinity(SyscallContext& context) {
  std::vector<uint64_t> mask = CpuMask(context);
  std::vector<uint64_t> wanted(mask.size());
  const size_t bytes = std::min<uint64_t>(context.UInt(1), wanted.size() * 8);
  if (context.memory().Read(context.Addr(2), {reinterpret_cast<uint8_t*>(wanted.data()), bytes}) !=
      bytes) {
    return Errno::kFault;
  }
  Result<os_emu::Thread*> target = Target(context);
  if (!target.ok()) return target.error();
  // Machines have at most 64 processors. The schedule does not depend on them.
  if ((mask[0] & wanted[0]) == 0) return Errno::kInval;
  (*target)->affinity = mask[0] & wanted[0];
  return 0;
}

CallResult SysSchedGetscheduler(SyscallContext& context) {
  if (context.Int(0) < 0) return Errno::kInval;
  Result<os_emu::Thread*> target = Target(context);
  return target.ok() ? CallResult(0) : CallResult(target.error());
}

CallResult SysSchedGetparam(SyscallContext& context) {
  if (context.Int(0) < 0 || context.Addr(1).IsNull()) return Errno::kInval;
  Result<os_emu::Thread*> target = Target(context);
  if (!target.ok()) return target.error();
  return context.Out(context.Addr(1), int32_t{0});
}

namespace {

enum Policy : int32_t {
  kOther = 0,
  kFifo = 1,
  kRoundRobin = 2,
  kBatch = 3,
  kIdle = 5,
  kDeadline = 6,
  kExt = 7
};

CallResult PriorityLimit(int32_t policy, int64_t of_real_time) {
  switch (policy) {
    case kFifo:
    case kRoundRobin:
      return of_real_time;
    case kOther:
    case kBatch:
    case kIdle:
    case kDeadline:
    case kExt:
      return 0;
    default:
      return Errno::kInval;
  }
}

}  // namespace

CallResult SysSchedGetPriorityMax(SyscallContext& context) {
  return PriorityLimit(context.Int(0), 99);
}
CallResult SysSchedGetPriorityMin(SyscallContext& context) {
  return PriorityLimit(context.Int(0), 1);
}

CallResult SysGetpriority(SyscallContext& context) {
  constexpr int32_t kProcess = 0, kUser = 2;
  constexpr int64_t kNice0 = 20;  // The call answers 20 - nice.
  if (context.Int(0) < kProcess || context.Int(0) > kUser) return Errno::kInval;
  if (context.Int(0) == kProcess && context.Int(1) != 0 &&
      context.kernel().FindThread(Tid{context.Int(1)}) == nullptr) {
    return Errno::kSrch;
  }
  return kNice0;
}

CallResult SysGetcpu(SyscallContext& context) {
  for (int i : {0, 1}) {
    if (context.Addr(i).IsNull()) continue;
    Result<void> stored = context.Out(context.Addr(i), uint32_t{0});
    if (!stored.ok()) return stored.error();
  }
  return 0;
}

// ---- Barriers

// All threads of a machine see memory in one order, so a barrier is only its checks
// (kernel/sched/membarrier.c).
CallResult SysMembarrier(SyscallContext& context) {
  enum Command : uint32_t {
    kQuery = 0,
    kGlobal = 1,
    kGlobalExpedited = 2,
    kRegisterGlobalExpedited = 4,
    kPrivateExpedited = 8,
    kRegisterPrivateExpedited = 16,
    kPrivateExpeditedSyncCore = 32,
    kRegisterPrivateExpeditedSyncCore = 64,
    kPrivateExpeditedRseq = 128,
    kRegisterPrivateExpeditedRseq = 256,
    kGetRegistrations = 512,
  };
  if (context.UInt(1) != 0)
    return Errno::kInval;  // MEMBARRIER_CMD_FLAG_CPU is for the RSEQ command.
  uint32_t& registered = context.process().membarrier_registered;
  const uint32_t command = context.UInt(0);
  switch (command) {
    case kQuery:
      return kGlobal | kGlobalExpedited | kRegisterGlobalExpedited | kPrivateExpedited |
             kRegisterPrivateExpedited | kPrivateExpeditedSyncCore |
             kRegisterPrivateExpeditedSyncCore | kGetRegistrations;
    case kGlobal:
    case kGlobalExpedited:
      return 0;
    case kRegisterGlobalExpedited:
    case kRegisterPrivateExpedited:
    case kRegisterPrivateExpeditedSyncCore:
      registered |= command;
      return 0;
    case kPrivateExpedited:
    case kPrivateExpeditedSyncCore:
      return (registered & (command << 1)) != 0 ? CallResult(0) : CallResult(Errno::kPerm);
    case kGetRegistrations:
      return int64_t{registered};
    case kPrivateExpeditedRseq:
    case kRegisterPrivateExpeditedRseq:
    default:
      return Errno::kInval;  // As by a kernel without CONFIG_RSEQ.
  }
}

// ---- RISC-V

// A store to a page that holds translated code drops it, so there is nothing to flush.
CallResult SysRiscvFlushIcache(SyscallContext& context) {
  constexpr uint64_t kLocal = 1;
  return (context.Arg(2) & ~kLocal) != 0 ? CallResult(Errno::kInval) : CallResult(0);
}

// arch/riscv/kernel/sys_hwprobe.c of Linux 6.18: 14 is the last key.
CallResult SysRiscvHwprobe(SyscallContext& context) {
  enum Key : int64_t {
    kVendor = 0,
    kArch = 1,
    kImplementation = 2,
    kBaseBehavior = 3,
    kImaExt0 = 4,
    kCpuPerf0 = 5,
    kZicbozBytes = 6,
    kHighestAddress = 7,
    kTimeFrequency = 8,
    kMisalignedScalar = 9,
    kMisalignedVector = 10,
    kTheadExt0 = 11,
    kZicbomBytes = 12,
    kSifiveExt0 = 13,
    kMipsExt0 = 14,
  };
  constexpr uint64_t kImaBase = 1, kFd = 1 << 0, kC = 1 << 1, kMisalignedFast = 3,
                     kVectorUnsupported = 4;
  constexpr uint64_t kTimebaseHz = 10'000'000;  // What rdtime counts.
  constexpr uint64_t kWhichCpus = 1;
  if ((context.Arg(4) & ~kWhichCpus) != 0) return Errno::kInval;
  if ((context.Arg(4) & kWhichCpus) != 0)
    return context.Refuse(Errno::kInval, "RISCV_HWPROBE_WHICH_CPUS");
  // hwprobe_get_values(): no set means all cpus; a set has to name one that exists.
  if (context.Arg(2) != 0 || !context.Addr(3).IsNull()) {
    const std::vector<uint64_t> present = CpuMask(context);
    std::vector<uint64_t> wanted(present.size());
    const size_t bytes = std::min<uint64_t>(context.Arg(2), wanted.size() * 8);
    if (context.memory().Read(context.Addr(3),
                              {reinterpret_cast<uint8_t*>(wanted.data()), bytes}) != bytes) {
      return Errno::kFault;
    }
    bool any = false;
    for (size_t i = 0; i < wanted.size(); ++i) any = any || (wanted[i] & present[i]) != 0;
    if (!any) return Errno::kInval;
  }
  for (uint64_t i = 0; i < context.Arg(1); ++i) {
    const GuestAddr address = context.Addr(0) + i * sizeof(GuestHwprobe);
    Result<int64_t> key = context.In<int64_t>(address);
    if (!key.ok()) return key.error();
    GuestHwprobe pair{*key, 0};
    switch (*key) {
      case kBaseBehavior:
        pair.value = kImaBase;
        break;
      case kImaExt0:
        pair.value = kFd | kC;
        break;
      case kCpuPerf0:
      case kMisalignedScalar:
        pair.value = kMisalignedFast;
        break;
      case kHighestAddress:
        pair.value = memory::kAddressSpaceBytes - 1;
        break;
      case kTimeFrequency:
        pair.value = kTimebaseHz;
        break;
      case kMisalignedVector:
        pair.value = kVectorUnsupported;
        break;
      case kVendor:
      case kArch:
      case kImplementation:
      case kZicbozBytes:
      case kTheadExt0:
      case kZicbomBytes:
      case kSifiveExt0:
      case kMipsExt0:
        break;
      default:
        pair.key = -1;
        break;
    }
    Result<void> stored = context.Out(address, pair);
    if (!stored.ok()) return stored.error();
  }
  return 0;
}

}  // namespace pollux::shims
