// Threads: cpus, membarrier(2), and what is RISC-V's own.
#include <algorithm>
#include <bit>
#include <vector>

#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {

CallResult SysSetTidAddress(SyscallContext& context) {
  context.thread().clear_child_tid = context.Addr(0);
  return static_cast<int64_t>(context.thread().tid());
}

// ---- Scheduling

namespace {

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
  // Of 32 bits, also in the product.
  const uint32_t length = context.UInt(1);
  const uint32_t cpus = static_cast<uint32_t>(std::max(context.kernel().options().cpus, 1));
  if (length * 8 < cpus || length % 8 != 0) return Errno::kInval;
  Result<os_emu::Thread*> target = context.Task(0);
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
  Result<os_emu::Thread*> target = context.Task(0);
  if (!target.ok()) return target.error();
  // Machines have at most 64 processors. The schedule does not depend on them.
  if ((mask[0] & wanted[0]) == 0) return Errno::kInval;
  (*target)->affinity = mask[0] & wanted[0];
  return 0;
}

CallResult SysGetcpu(SyscallContext& context) {
  // The first processor that it may run on; all are of one node.
  const uint64_t may = CpuMask(context)[0] & context.thread().affinity;
  const uint32_t places[] = {static_cast<uint32_t>(std::countr_zero(may)), 0};
  for (int i : {0, 1}) {
    if (context.Addr(i).IsNull()) continue;
    Result<void> stored = context.Out(context.Addr(i), places[i]);
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
      // Registering for SYNC_CORE registers for both, though it does not make the other ready.
      return int64_t{
          registered |
          ((registered & kRegisterPrivateExpeditedSyncCore) != 0 ? kRegisterPrivateExpedited : 0u)};
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
