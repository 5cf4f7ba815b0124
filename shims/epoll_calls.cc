// epoll(7), eventfd(2), pipe(2), poll(2) and select(2).
#include <algorithm>
#include <utility>
#include <vector>

#include "os_emu/epoll/epoll.h"
#include "os_emu/epoll/epoll_wait.h"
#include "os_emu/eventfd/eventfd.h"
#include "os_emu/pipe/pipe.h"
#include "os_emu/task/calls.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

struct EventFdIdsOfMachine {
  explicit EventFdIdsOfMachine(os_emu::Kernel&) {}
  // Shared with the eventfds, which may go later.
  std::shared_ptr<os_emu::EventFdIds> ids = std::make_shared<os_emu::EventFdIds>();
};

}  // namespace

CallResult SysEventfd2(SyscallContext& context) {
  Result<DescriptionRef> file = os_emu::EventFd::Create(
      context.UInt(0), context.UInt(1), context.kernel().Part<EventFdIdsOfMachine>().ids);
  if (!file.ok()) return file.error();
  return context.InstallNew(*std::move(file), (context.UInt(1) & os_emu::kEfdCloExec) != 0);
}

CallResult SysPipe2(SyscallContext& context) {
  const uint32_t flags = context.UInt(1);
  os_emu::PipeOptions options;
  options.flags = flags;
  options.inode = context.kernel().NextInode();
  options.uid = context.thread().credentials().fsuid;
  options.gid = context.thread().credentials().fsgid;
  options.now = context.clock().Realtime();
  options.budget = &context.kernel().budget();
  Result<os_emu::PipeEnds> ends = os_emu::MakePipe(options);
  if (!ends.ok()) return ends.error();
  os_emu::FdTable& fds = context.fds();
  const bool close_on_exec = (flags & os_emu::kOCloExec) != 0;
  Result<Fd> reader = fds.Install(std::move(ends->reader), close_on_exec);
  if (!reader.ok()) return reader.error();
  Result<Fd> writer = fds.Install(std::move(ends->writer), close_on_exec);
  if (!writer.ok()) {
    (void)fds.Remove(*reader).ok();
    return writer.error();
  }
  const int32_t numbers[2] = {static_cast<int32_t>(*reader), static_cast<int32_t>(*writer)};
  Result<void> stored = context.Out(context.Addr(0), numbers);
  if (!stored.ok()) {
    (void)fds.Remove(*reader).ok();
    (void)fds.Remove(*writer).ok();
  }
  return stored;
}

// ---- epoll

CallResult SysEpollCreate1(SyscallContext& context) {
  if ((context.UInt(0) & ~os_emu::kOCloExec) != 0) return Errno::kInval;
  return context.InstallNew(
      os_emu::MakeDescription<os_emu::EpollInstance>(&context.kernel().epoll_watches()),
      context.UInt(0) != 0);
}

CallResult SysEpollCtl(SyscallContext& context) {
  const int32_t op = context.Int(1);
  // Linux copies the event first, whatever the numbers are: EFAULT before EBADF.
  GuestEpollEvent event{};
  if (op != os_emu::kEpollCtlDel) {
    Result<GuestEpollEvent> given = context.In<GuestEpollEvent>(context.Addr(3));
    if (!given.ok()) return given.error();
    event = *given;
  }
  Result<DescriptionRef> epoll = context.File(0);
  if (!epoll.ok()) return epoll.error();
  Result<DescriptionRef> target = context.File(2);
  if (!target.ok()) return target.error();
  return os_emu::EpollInstance::Control(**epoll, op, **target, os_emu::FdLabel(context.FdAt(2)),
                                        event.events, event.data);
}

namespace {

CallResult EpollWait(SyscallContext& context, const std::optional<Nanos>& timeout) {
  Result<void> masked = context.SetTemporaryMask(context.Addr(4), context.Arg(5));
  if (!masked.ok()) return masked.error();
  Result<DescriptionRef> epoll = context.File(0);
  if (!epoll.ok()) return epoll.error();
  return os_emu::StartEpollWait(context.thread(), *std::move(epoll), context.Addr(1),
                                context.Int(2), timeout);
}

}  // namespace

CallResult SysEpollPwait(SyscallContext& context) {
  std::optional<Nanos> timeout;
  if (context.Int(3) >= 0) timeout = Nanos{int64_t{context.Int(3)} * 1'000'000};
  return EpollWait(context, timeout);
}

CallResult SysEpollPwait2(SyscallContext& context) {
  Result<std::optional<Nanos>> timeout = context.OptionalTimespec(context.Addr(3));
  if (!timeout.ok()) return timeout.error();
  return EpollWait(context, *timeout);
}

// ---- poll and select

namespace {

// A wait that found nothing and ended at once answers EINTR where its mask let a pending signal
// through (do_poll(), core_sys_select()).
CallResult UnlessSignalled(SyscallContext& context, CallResult result) {
  if (result.blocked() || result.value() != 0 || !context.thread().HasSignalToTake()) return result;
  return Errno::kIntr;
}

}  // namespace

CallResult SysPpoll(SyscallContext& context) {
  Result<std::optional<Nanos>> timeout = context.OptionalTimespec(context.Addr(2));
  if (!timeout.ok()) return timeout.error();
  Result<void> masked = context.SetTemporaryMask(context.Addr(3), context.Arg(4));
  if (!masked.ok()) return masked.error();
  const uint32_t count = context.UInt(1);
  if (count > static_cast<uint32_t>(context.fds().limit())) return Errno::kInval;
  std::vector<os_emu::PollEntry> entries(count);
  for (uint32_t i = 0; i < count; ++i) {
    Result<GuestPollfd> given =
        context.In<GuestPollfd>(context.Addr(0) + uint64_t{i} * sizeof(GuestPollfd));
    if (!given.ok()) return given.error();
    entries[i].wanted = static_cast<uint16_t>(given->events);
    if (given->fd < 0) continue;
    Result<DescriptionRef> file = context.fds().Get(Fd{given->fd});
    entries[i].closed = !file.ok() || ((*file)->status_flags() & os_emu::kOPath) != 0;
    if (!entries[i].closed) entries[i].description = *std::move(file);
  }
  return UnlessSignalled(context, os_emu::StartPoll(context.thread(), std::move(entries),
                                                    context.Addr(0), {*timeout, context.Addr(2)}));
}

namespace {

// What select(2) sees behind a number that was opened with O_PATH: EPOLLNVAL, which is in all three
// of its sets.
class NothingToPoll final : public os_emu::FileDescription {
 public:
  NothingToPoll() : FileDescription(os_emu::kOPath) {}
  os_emu::EventMask Poll() override { return os_emu::kIn | os_emu::kOut | os_emu::kPri; }
  int PollQueues(os_emu::WaitQueue**) override { return 0; }
  const char* TypeName() const override { return "nothing"; }
};

// One set of select(2), `bits` long, in whole words as Linux keeps it. Empty: none given.
Result<std::vector<uint64_t>> ReadSet(SyscallContext& context, GuestAddr address, uint32_t bits) {
  std::vector<uint64_t> words(address.IsNull() ? 0 : (bits + 63) / 64);
  const size_t bytes = words.size() * 8;
  if (context.memory().Read(address, {reinterpret_cast<uint8_t*>(words.data()), bytes}) != bytes)
    return Errno::kFault;
  return words;
}

bool Has(const std::vector<uint64_t>& set, uint32_t bit) {
  return bit / 64 < set.size() && (set[bit / 64] >> (bit % 64) & 1) != 0;
}

// How many numbers the descriptor table of Linux has room for: it grows in steps and never shrinks
// (alloc_fdtable()). Bits beyond it are not looked at.
uint32_t TableSize(const os_emu::FdTable& fds) {
  const std::vector<Fd> open = fds.OpenNumbers();
  const uint32_t needed = open.empty() ? 0 : static_cast<uint32_t>(open.back()) + 1;
  uint32_t size = 64;
  while (size < needed) size *= 2;
  return size;
}

}  // namespace

CallResult SysPselect6(SyscallContext& context) {
  // get_sigset_argpack(), the timeout, the mask, then the sets.
  GuestSelectMask mask{};
  if (!context.Addr(5).IsNull()) {
    Result<GuestSelectMask> given = context.In<GuestSelectMask>(context.Addr(5));
    if (!given.ok()) return given.error();
    mask = *given;
  }
  Result<std::optional<Nanos>> timeout = context.OptionalTimespec(context.Addr(4));
  if (!timeout.ok()) return timeout.error();
  Result<void> masked = context.SetTemporaryMask(GuestAddr{mask.mask}, mask.size);
  if (!masked.ok()) return masked.error();
  if (context.Int(0) < 0) return Errno::kInval;
  const uint32_t bits = std::min(context.UInt(0), TableSize(context.fds()));

  std::vector<uint64_t> sets[3];
  for (int i = 0; i < 3; ++i) {
    Result<std::vector<uint64_t>> set = ReadSet(context, context.Addr(i + 1), bits);
    if (!set.ok()) return set.error();
    sets[i] = *std::move(set);
  }
  std::vector<os_emu::SelectEntry> entries;
  for (uint32_t bit = 0; bit < bits; ++bit) {
    os_emu::SelectEntry entry;
    entry.bit = bit;
    entry.read = Has(sets[0], bit);
    entry.write = Has(sets[1], bit);
    entry.exceptional = Has(sets[2], bit);
    if (!entry.read && !entry.write && !entry.exceptional) continue;
    Result<DescriptionRef> file = context.fds().Get(Fd{static_cast<int32_t>(bit)});
    if (!file.ok()) return file.error();
    entry.description = ((*file)->status_flags() & os_emu::kOPath) == 0
                            ? *std::move(file)
                            : os_emu::MakeDescription<NothingToPoll>();
    entries.push_back(std::move(entry));
  }
  const os_emu::SelectSets addresses{context.Addr(1), context.Addr(2), context.Addr(3), bits};
  return UnlessSignalled(context, os_emu::StartSelect(context.thread(), std::move(entries),
                                                      addresses, {*timeout, context.Addr(4)}));
}

}  // namespace pollux::shims
