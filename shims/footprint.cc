#include "shims/footprint.h"

#include <algorithm>
#include <string_view>

#include "os_emu/file/description.h"
#include "os_emu/socket/socket.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/process.h"
#include "shims/futex_commands.h"
#include "shims/linux_abi.h"

namespace pollux::shims {
namespace {

using os_emu::FileDescription;
using os_emu::Process;
using os_emu::Thread;

Footprint Nothing() { return {.everything = false}; }
Footprint Everything() { return {}; }
Footprint Of(uint8_t state) { return {.everything = false, .reads = state, .writes = state}; }

memory::AddressSpace& MemoryOf(const PendingCall& call) { return *call.thread.process().memory; }

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What such a description does depends on time, on signals, or on how threads end; and so may what
// an epoll instance reports. One with O_ASYNC sends signals.
bool IsSpecial(const FileDescription& file) {
  return (file.status_flags() & os_emu::kOAsync) != 0 ||
         IsOneOf(file.TypeName(), {"timerfd", "signalfd", "pidfd", "inotify"});
}

bool HasSpecialFiles(const Thread& thread) {
  const os_emu::FdTable& fds = thread.fds();
  for (const Fd fd : fds.OpenNumbers()) {
    const Result<DescriptionRef> file = fds.Get(fd);
    if (file.ok() && IsSpecial(**file)) return true;
  }
  return false;
}

// Of a call on a description that is no file with a name, and waits for no time.
bool IsPlain(const Thread& thread, uint64_t number) {
  const Result<DescriptionRef> file = thread.fds().Get(Fd{static_cast<int32_t>(number)});
  if (!file.ok()) return true;  // EBADF, whatever others do but with descriptors.
  if (const os_emu::Socket* const socket = os_emu::Socket::From(**file)) {
    if (socket->receive_timeout() != kNanosMax || socket->send_timeout() != kNanosMax) return false;
  }
  return IsOneOf((*file)->TypeName(),
                 {"eventfd", "pipe", "eventpoll", "socket", "captured stream"});
}

Footprint OfFiles(const PendingCall& call) {
  if (HasSpecialFiles(call.thread)) return Everything();
  return Of(Footprint::kFiles);
}

}  // namespace

void Footprint::Add(uint64_t addr, uint64_t bytes, bool written) {
  // What is longer is not remembered (SharedMemory::NoteCall()).
  constexpr uint64_t kMostBytes = 1 << 16;
  if (bytes == 0) return;
  if (range_count == kMostRanges || bytes > kMostBytes || addr + bytes < addr) {
    everything = true;
    return;
  }
  ranges[range_count++] = {addr, bytes, written};
}

bool Footprint::Touches(uint64_t addr, uint64_t bytes, bool writes_there) const {
  if (everything) return true;
  return std::any_of(ranges.begin(), ranges.begin() + range_count, [&](const Range& range) {
    return (range.written || writes_there) && range.addr < addr + bytes &&
           addr < range.addr + range.bytes;
  });
}

bool Conflict(const Footprint& a, const Footprint& b) {
  if (a.everything || b.everything) return true;
  if ((a.writes & (b.reads | b.writes)) != 0 || (b.writes & a.reads) != 0) return true;
  return std::any_of(a.ranges.begin(), a.ranges.begin() + a.range_count,
                     [&](const Footprint::Range& range) {
                       return b.Touches(range.addr, range.bytes, range.written);
                     });
}

Footprint FootprintOf(Thread& thread, uint64_t number, const CallArgs& args, uint64_t sp) {
  const SyscallRow* row = FindSyscall(number);
  if (row == nullptr || row->footprint == nullptr) return Everything();
  // Others see more: of each other's ends, and of memory that is mapped at several addresses. A
  // handler or an end comes first.
  if (thread.process().kernel().living() != 1 || thread.HasSignalToTake() ||
      !thread.release_waits.empty())
    return Everything();
  return row->footprint({thread, args, sp});
}

Footprint OwnThreadFootprint(const PendingCall&) { return Nothing(); }

// Who takes a signal of the process depends on all masks. Calls that send one are not told apart
// from any; what comes by itself is what counts, and what pends.
Footprint SignalMaskFootprint(const PendingCall& call) {
  const Process& process = call.thread.process();
  const bool comes = !process.timers.empty() || process.real_timer.armed() ||
                     process.virtual_timer.armed() || process.profiling_timer.armed() ||
                     process.cpu_limit.armed() || HasSpecialFiles(call.thread);
  if (comes || process.pending.set() != 0 || call.thread.pending.set() != 0) return Everything();
  Footprint footprint = Nothing();
  footprint.Add(call.args[1], call.args[1] == 0 ? 0 : sizeof(uint64_t), false);
  footprint.Add(call.args[2], call.args[2] == 0 ? 0 : sizeof(uint64_t), true);
  return footprint;
}

// The word stands for its queue: who waits and who wakes there conflict.
Footprint FutexFootprint(const PendingCall& call) {
  const uint32_t op = static_cast<uint32_t>(call.args[1]);
  switch (op & ~(futex::kPrivate | futex::kClockRealtime)) {
    case futex::kWait:
    case futex::kWaitBitset:
      if (call.args[3] != 0) return Everything();  // A timeout.
      break;
    case futex::kWake:
    case futex::kWakeBitset:
      break;
    default:
      return Everything();
  }
  const GuestAddr word{call.args[0]};
  if ((op & futex::kPrivate) == 0 && MemoryOf(call).SharedWordAt(word).has_value())
    return Everything();
  Footprint footprint = Nothing();
  footprint.Add(word.value, sizeof(uint32_t), true);
  return footprint;
}

// exit(2): CLONE_CHILD_CLEARTID's word, and robust futexes, if there are any.
Footprint ThreadEndFootprint(const PendingCall& call) {
  const Thread& thread = call.thread;
  if (thread.pid_record != nullptr || thread.process().pending.set() != 0 ||
      HasSpecialFiles(thread))
    return Everything();
  Footprint footprint = Of(Footprint::kTasks);
  if (thread.process().threads.size() == 1) footprint = Of(Footprint::kTasks | Footprint::kFiles);
  if (!thread.clear_child_tid.IsNull())
    footprint.Add(thread.clear_child_tid.value, sizeof(uint32_t), true);
  if (!thread.robust_list_head.IsNull()) {
    struct {
      uint64_t first, offset, pending;
    } head;
    const Result<decltype(head)> read =
        MemoryOf(call).ReadObject<decltype(head)>(thread.robust_list_head);
    if (!read.ok() || read->first != thread.robust_list_head.value || read->pending != 0)
      return Everything();
  }
  return footprint;
}

namespace {

constexpr uint64_t kSharedByThreads = os_emu::kCloneVm | os_emu::kCloneFs | os_emu::kCloneFiles |
                                      os_emu::kCloneSigHand | os_emu::kCloneThread;

Footprint OfNewThread(uint64_t flags, uint64_t parent_tid, uint64_t child_tid) {
  if ((flags & kSharedByThreads) != kSharedByThreads || (flags & os_emu::kClonePidFd) != 0)
    return Everything();
  Footprint footprint = Of(Footprint::kTasks);
  if ((flags & os_emu::kCloneParentSetTid) != 0) footprint.Add(parent_tid, sizeof(int32_t), true);
  if ((flags & os_emu::kCloneChildSetTid) != 0) footprint.Add(child_tid, sizeof(int32_t), true);
  return footprint;
}

}  // namespace

Footprint CloneFootprint(const PendingCall& call) {
  return OfNewThread(call.args[0], call.args[2], call.args[4]);
}

Footprint Clone3Footprint(const PendingCall& call) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid;
  } args;
  const Result<decltype(args)> read =
      MemoryOf(call).ReadObject<decltype(args)>(GuestAddr{call.args[0]});
  if (!read.ok()) return Everything();
  Footprint footprint = OfNewThread(read->flags, read->parent_tid, read->child_tid);
  footprint.Add(call.args[0], call.args[1], false);
  return footprint;
}

Footprint RandomFootprint(const PendingCall& call) {
  Footprint footprint = Of(Footprint::kRandom);
  footprint.Add(call.args[0], call.args[1], true);
  return footprint;
}

// Fresh memory of the process's own: nobody knows where it is before the call has ended.
Footprint MapFootprint(const PendingCall& call) {
  const uint64_t flags = call.args[3];
  constexpr uint64_t kPrivateAnonymous = 0x22, kHarmless = 0x24000;  // MAP_STACK, MAP_NORESERVE
  if ((flags & ~kHarmless) != kPrivateAnonymous || call.args[0] != 0) return Everything();
  return Of(Footprint::kMappings);
}

// Only what gives permissions: nobody could have used it.
Footprint ProtectFootprint(const PendingCall& call) {
  constexpr uint64_t kReadWrite = 3;
  if (call.args[2] != kReadWrite) return Everything();
  return Of(Footprint::kMappings);
}

// Memory that nobody has used yet, as malloc(3) trims a new arena. What was used may be in use,
// and of a use without a conflict nobody knows.
Footprint UnmapFootprint(const PendingCall& call) {
  constexpr uint64_t kPage = 4096, kMostBytes = uint64_t{1} << 28;
  const uint64_t start = call.args[0], bytes = call.args[1];
  if (bytes > kMostBytes || start + bytes < start) return Everything();
  for (uint64_t page = start; page < start + bytes; page += kPage) {
    if (MemoryOf(call).IsInCore(GuestAddr{page})) return Everything();
  }
  return Of(Footprint::kMappings);
}

// MADV_DONTNEED of what lies below the caller's own stack, as pthread_exit() does it. What others
// know of it, the caller has stored there: they share it.
Footprint AdviseFootprint(const PendingCall& call) {
  constexpr uint64_t kDontNeed = 4, kNear = 1 << 20;
  const uint64_t end = call.args[0] + call.args[1];
  if (call.args[2] != kDontNeed || end < call.args[0] || end > call.sp || call.sp - end > kNear)
    return Everything();
  Footprint footprint = Of(Footprint::kMappings);
  footprint.ranges[footprint.range_count++] = {call.args[0], call.args[1], true};
  return footprint;
}

// ---- Descriptors.

Footprint NewFileFootprint(const PendingCall& call) { return OfFiles(call); }

Footprint PipeFootprint(const PendingCall& call) {
  Footprint footprint = OfFiles(call);
  footprint.Add(call.args[0], 2 * sizeof(int32_t), true);
  return footprint;
}

Footprint FileFootprint(const PendingCall& call) {
  return IsPlain(call.thread, call.args[0]) ? OfFiles(call) : Everything();
}

// With SO_LINGER it may wait until a time.
Footprint CloseFootprint(const PendingCall& call) {
  const Result<DescriptionRef> file = call.thread.fds().Get(Fd{static_cast<int32_t>(call.args[0])});
  if (os_emu::Socket* const socket = file.ok() ? os_emu::Socket::From(**file) : nullptr) {
    constexpr size_t kLingerBytes = 8;
    const auto linger = socket->GetOption(os_emu::kSolSocket, os_emu::kSoLinger, kLingerBytes);
    if (!linger.ok() || linger->empty() || linger->front() != 0) return Everything();
  }
  return FileFootprint(call);
}

Footprint FcntlFootprint(const PendingCall& call) {
  constexpr uint32_t kGetFd = 1, kSetFd = 2, kGetFl = 3, kSetFl = 4;
  switch (static_cast<uint32_t>(call.args[1])) {
    case kSetFl:
      if ((call.args[2] & os_emu::kOAsync) != 0) return Everything();
      [[fallthrough]];
    case kGetFd:
    case kSetFd:
    case kGetFl:
      return FileFootprint(call);
    default:
      return Everything();
  }
}

Footprint ReadFootprint(const PendingCall& call) {
  Footprint footprint = FileFootprint(call);
  footprint.Add(call.args[1], call.args[2], true);
  return footprint;
}

Footprint WriteFootprint(const PendingCall& call) {
  Footprint footprint = FileFootprint(call);
  footprint.Add(call.args[1], call.args[2], false);
  return footprint;
}

// recvfrom(2) and sendto(2) without an address.
Footprint ReceiveFootprint(const PendingCall& call) {
  return call.args[4] == 0 && call.args[5] == 0 ? ReadFootprint(call) : Everything();
}
Footprint SendFootprint(const PendingCall& call) {
  return call.args[4] == 0 ? WriteFootprint(call) : Everything();
}

Footprint AcceptFootprint(const PendingCall& call) {
  return call.args[1] == 0 ? FileFootprint(call) : Everything();
}

Footprint EpollCtlFootprint(const PendingCall& call) {
  if (!IsPlain(call.thread, call.args[2])) return Everything();
  Footprint footprint = FileFootprint(call);
  footprint.Add(call.args[3], sizeof(GuestEpollEvent), false);
  return footprint;
}

Footprint EpollWaitFootprint(const PendingCall& call) {
  const int32_t timeout = static_cast<int32_t>(call.args[3]);
  const int32_t events = static_cast<int32_t>(call.args[2]);
  if (timeout > 0 || call.args[4] != 0 || events <= 0) return Everything();
  Footprint footprint = FileFootprint(call);
  footprint.Add(call.args[1], static_cast<uint64_t>(events) * sizeof(GuestEpollEvent), true);
  return footprint;
}

}  // namespace pollux::shims
