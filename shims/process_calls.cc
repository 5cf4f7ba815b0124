// Processes: exit(2), process ids, limits (kernel/sys.c), prctl(2), personality(2), getrandom(2).
// Who a thread is: credential_calls.cc.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "shims/context.h"
#include "shims/flag_names.h"
#include "shims/fork_point.h"
#include "shims/handlers.h"

namespace pollux::shims {

// ---- Ending

CallResult SysExit(SyscallContext& context) {
  context.kernel().EndThread(context.thread(), context.Int(0) & 0xff);
  return 0;
}

CallResult SysExitGroup(SyscallContext& context) {
  context.kernel().EndProcess(context.process(), os_emu::ExitState{context.Int(0) & 0xff, 0});
  return 0;
}

// ---- Ids

CallResult SysGetpid(SyscallContext& context) {
  return static_cast<int64_t>(context.process().pid());
}
CallResult SysGettid(SyscallContext& context) {
  return static_cast<int64_t>(context.thread().tid());
}
CallResult SysGetppid(SyscallContext& context) {
  return static_cast<int64_t>(context.process().parent_pid());
}
// ---- Limits

namespace {

Result<void> SetLimit(SyscallContext& context, os_emu::Process& process, uint32_t resource,
                      const GuestRlimit& wanted) {
  if (resource >= os_emu::kRlimits || wanted.soft > wanted.hard) return Errno::kInval;
  os_emu::Rlimit& limit = process.rlimits[resource];
  if (resource == os_emu::kRlimitNumberOfFiles && wanted.hard > os_emu::FdTable::kMaxOpen)
    return Errno::kPerm;
  if (wanted.hard > limit.hard && !context.Has(os_emu::Capability::kSysResource))
    return Errno::kPerm;
  // What Linux enforces and pollux only keeps. (RLIMIT_RSS and its like have no effect that could
  // be missed.)
  if (wanted.soft < limit.soft && resource == os_emu::kRlimitRealTime) {
    context.abi().WarnOnce(std::string("setrlimit: ") + NameOf(kResources, resource) +
                           " is kept but not enforced");
  }
  limit = {wanted.soft, wanted.hard};
  if (resource == os_emu::kRlimitNumberOfFiles) {
    for (const auto& [tid, thread] : process.threads)
      thread->fds().set_limit(static_cast<int32_t>(wanted.soft));
  }
  if (resource == os_emu::kRlimitCpu) process.cpu_limit.Update();
  // acct_stack_growth() asks the limits of who runs. Where that is vfork(2)'s child the memory is
  // its parent's, which shall have its own again. A zombie has limits, and no memory.
  if (process.memory != nullptr && !process.shares_memory_until_exec) {
    if (resource == os_emu::kRlimitStack) process.memory->SetStackLimit(wanted.soft);
    if (resource == os_emu::kRlimitAddressSpace) process.memory->SetAddressLimit(wanted.soft);
  }
  return {};
}

// check_prlimit_permission()
bool MayLimit(SyscallContext& context, const os_emu::Thread& target) {
  if (&target == &context.thread() || context.Has(os_emu::Capability::kSysResource)) return true;
  const os_emu::Credentials& mine = context.thread().credentials();
  const os_emu::Credentials& theirs = target.credentials();
  return mine.uid == theirs.uid && mine.uid == theirs.euid && mine.uid == theirs.suid &&
         mine.gid == theirs.gid && mine.gid == theirs.egid && mine.gid == theirs.sgid;
}

}  // namespace

CallResult SysPrlimit64(SyscallContext& context) {
  const int32_t pid = context.Int(0);
  const uint32_t resource = context.UInt(1);
  GuestRlimit wanted{};
  if (!context.Addr(2).IsNull()) {
    Result<GuestRlimit> given = context.In<GuestRlimit>(context.Addr(2));
    if (!given.ok()) return given.error();
    wanted = *given;
  }
  os_emu::Process* process = &context.process();
  if (pid != 0) {
    os_emu::Thread* thread = context.kernel().FindTask(Tid{pid});
    if (thread == nullptr) return Errno::kSrch;
    if (!MayLimit(context, *thread)) return Errno::kPerm;
    process = &thread->process();
  }
  if (resource >= os_emu::kRlimits) return Errno::kInval;
  const os_emu::Rlimit old = process->rlimits[resource];
  if (!context.Addr(2).IsNull()) {
    Result<void> set = SetLimit(context, *process, resource, wanted);
    if (!set.ok()) return set.error();
  }
  if (context.Addr(3).IsNull()) return 0;
  return context.Out(context.Addr(3), GuestRlimit{old.soft, old.hard});
}

CallResult SysGetrlimit(SyscallContext& context) {
  if (context.UInt(0) >= os_emu::kRlimits) return Errno::kInval;
  const os_emu::Rlimit& limit = context.process().rlimits[context.UInt(0)];
  return context.Out(context.Addr(1), GuestRlimit{limit.soft, limit.hard});
}

CallResult SysSetrlimit(SyscallContext& context) {
  Result<GuestRlimit> wanted = context.In<GuestRlimit>(context.Addr(1));
  if (!wanted.ok()) return wanted.error();
  return SetLimit(context, context.process(), context.UInt(0), *wanted);
}

// ---- prctl

CallResult SysPrctl(SyscallContext& context) {
  enum Option : uint32_t {
    kSetParentDeathSignal = 1,
    kGetParentDeathSignal = 2,
    kGetDumpable = 3,
    kSetDumpable = 4,
    kSetName = 15,
    kGetName = 16,
    kGetSeccomp = 21,
    kGetTimerSlack = 30,
    kSetChildSubreaper = 36,
    kGetChildSubreaper = 37,
    kGetTidAddress = 40,
    kSetVma = 0x53564d41,
  };
  constexpr size_t kNameBytes = 16;  // TASK_COMM_LEN
  os_emu::Thread& thread = context.thread();
  os_emu::Process& process = context.process();
  const auto rest_is_zero = [&](int from) {
    for (int i = from; i < 5; ++i) {
      if (context.Arg(i) != 0) return false;
    }
    return true;
  };
  // security_task_prctl() comes first.
  if (std::optional<CallResult> result = CredentialPrctl(context)) return *std::move(result);
  switch (context.UInt(0)) {
    case kSetName: {
      // strncpy_from_user() of 15 bytes: what is longer is cut.
      Result<std::string> name = context.memory().ReadString(context.Addr(1), kNameBytes);
      if (!name.ok() && name.error() == Errno::kNameTooLong) {
        std::string start(kNameBytes - 1, '\0');
        if (context.memory().Read(context.Addr(1), {reinterpret_cast<uint8_t*>(start.data()),
                                                    start.size()}) != start.size()) {
          return Errno::kFault;
        }
        thread.name = start;
        return 0;
      }
      if (!name.ok()) return name.error();
      thread.name = *name;
      return 0;
    }
    case kGetName: {
      std::array<char, kNameBytes> name{};
      thread.name.copy(name.data(), kNameBytes - 1);
      return context.Out(context.Addr(1), name);
    }
    case kSetParentDeathSignal:
      if (context.Arg(1) > static_cast<uint64_t>(os_emu::kSignals)) return Errno::kInval;
      thread.parent_death_signal = context.Int(1);
      return 0;
    case kGetParentDeathSignal:
      return context.Out(context.Addr(1), int32_t{thread.parent_death_signal});
    case kSetChildSubreaper:
      process.is_child_subreaper = context.Arg(1) != 0;
      return 0;
    case kGetChildSubreaper:
      return context.Out(context.Addr(1), int32_t{process.is_child_subreaper});
    case kGetDumpable:
      return int64_t{process.dumpable};
    case kSetDumpable:
      if (context.Arg(1) > 1) return Errno::kInval;
      process.dumpable = context.UInt(1);
      return 0;
    case kGetSeccomp:
      return 0;
    case kGetTimerSlack:
      return 50000;
    case kGetTidAddress:
      return context.Out(context.Addr(1), thread.clear_child_tid.value);
    case kSetVma:
      return Errno::kInval;  // As by a kernel without CONFIG_ANON_VMA_NAME; C libraries call it on
                             // the off chance.
    case kPrPolluxExplore:
      if (context.Arg(1) > kExploreNow || !rest_is_zero(2)) return Errno::kInval;
      context.abi().tasks().OnExploreHint(context.Arg(1) == kExploreNow);
      return 0;
    default:
      return context.Refuse(Errno::kInval, "option " + std::to_string(context.Int(0)));
  }
}

CallResult SysPersonality(SyscallContext& context) {
  constexpr uint32_t kAsk = 0xffffffff;
  const uint32_t persona = context.UInt(0);
  if (persona == 0 || persona == kAsk) return 0;
  return context.Refuse(Errno::kInval, "a personality other than PER_LINUX");
}

// ---- getrandom

CallResult SysGetrandom(SyscallContext& context) {
  constexpr uint32_t kNonBlock = 1, kRandom = 2, kInsecure = 4;
  const uint32_t flags = context.UInt(2);
  if ((flags & ~(kNonBlock | kRandom | kInsecure)) != 0) return Errno::kInval;
  if ((flags & kRandom) != 0 && (flags & kInsecure) != 0) return Errno::kInval;
  Result<memory::UserBuffer> buffer = context.Buffer(context.Addr(0), context.Arg(1));
  if (!buffer.ok()) return buffer.error();
  if (buffer->remaining() == 0) return 0;
  int64_t copied = 0;
  while (buffer->remaining() > 0) {
    std::array<uint8_t, 4096> bytes;
    const std::span<uint8_t> chunk(bytes.data(),
                                   std::min<uint64_t>(bytes.size(), buffer->remaining()));
    context.kernel().world_random().Fill(chunk);
    const size_t done = buffer->CopyTo(chunk);
    copied += static_cast<int64_t>(done);
    if (done < chunk.size()) break;
  }
  return copied > 0 ? CallResult(copied) : CallResult(Errno::kFault);
}

}  // namespace pollux::shims
