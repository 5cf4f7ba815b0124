// Who gets the signals of a file, and whether it sends any: fcntl's F_SETOWN, F_SETSIG and O_ASYNC,
// ioctl's FIOASYNC and FIOSETOWN (fs/fcntl.c, fs/ioctl.c, net/socket.c).
#include <memory>
#include <utility>

#include "os_emu/file/fd_label.h"
#include "os_emu/task/file_owner.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using os_emu::FileOwner;
using os_emu::OwnerKind;

// struct f_owner_ex
struct GuestOwner {
  int32_t kind;
  int32_t number;
};

const FileOwner* OwnerOf(const os_emu::FileDescription& file) {
  const os_emu::SignalOwner* owner = file.signal_owner();
  return owner == nullptr ? nullptr : static_cast<const FileOwner*>(owner->target.get());
}

CallResult Set(SyscallContext& context, os_emu::FileDescription& file, OwnerKind kind,
               int32_t number) {
  os_emu::SignalOwner& owner = file.MakeSignalOwner();
  Result<std::shared_ptr<FileOwner>> found = FileOwner::Find(context.kernel(), kind, number);
  if (!found.ok()) return found.error();
  // Nobody has no rights to be told: those of before stay.
  if (const FileOwner* before = OwnerOf(file); number == 0) (*found)->TakeRights(before);
  owner.target = *std::move(found);
  return 0;
}

}  // namespace

CallResult SetOwner(SyscallContext& context, os_emu::FileDescription& file, int32_t who) {
  if (who >= 0) return Set(context, file, OwnerKind::kProcess, who);
  if (who == INT32_MIN) return Errno::kInval;
  return Set(context, file, OwnerKind::kGroup, -who);
}

int32_t Owner(const os_emu::FileDescription& file) {
  const FileOwner* owner = OwnerOf(file);
  if (owner == nullptr) return 0;
  return owner->kind() == OwnerKind::kGroup ? -owner->number() : owner->number();
}

CallResult SetOwnerEx(SyscallContext& context, os_emu::FileDescription& file) {
  const Result<GuestOwner> wanted = context.In<GuestOwner>(context.Addr(2));
  if (!wanted.ok()) return wanted.error();
  if (wanted->kind < 0 || wanted->kind > static_cast<int32_t>(OwnerKind::kGroup))
    return Errno::kInval;
  return Set(context, file, static_cast<OwnerKind>(wanted->kind), wanted->number);
}

CallResult GetOwnerEx(SyscallContext& context, const os_emu::FileDescription& file) {
  const FileOwner* owner = OwnerOf(file);
  GuestOwner answer = {};
  if (owner != nullptr) answer = {static_cast<int32_t>(owner->kind()), owner->number()};
  return context.Out(context.Addr(2), answer);
}

// f_getowner_uids()
CallResult GetOwnerUids(SyscallContext& context, const os_emu::FileDescription& file) {
  const FileOwner* owner = OwnerOf(file);
  std::array<uint32_t, 2> uids = {};
  if (owner != nullptr) uids = {owner->uid(), owner->euid()};
  return context.Out(context.Addr(2), uids);
}

CallResult SetSignal(SyscallContext& context, os_emu::FileDescription& file) {
  if (context.UInt(2) > os_emu::kSignals) return Errno::kInval;
  file.MakeSignalOwner().signal = context.Int(2);
  return 0;
}

int32_t SignalOf(const os_emu::FileDescription& file) {
  return file.signal_owner() == nullptr ? 0 : file.signal_owner()->signal;
}

Result<bool> SetAsync(SyscallContext& context, os_emu::FileDescription& file, bool on) {
  const bool was_on = (file.status_flags() & os_emu::kOAsync) != 0;
  if (was_on == on) return true;
  const Result<bool> changed = file.SetAsync(os_emu::FdLabel(context.FdAt(0)), on);
  if (!changed.ok() && changed.error() == Errno::kOpNotSupp)
    return context.Refuse(Errno::kInval, "O_ASYNC of a stream of the host");
  return changed;
}

}  // namespace pollux::shims
