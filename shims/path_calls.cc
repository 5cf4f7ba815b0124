// Calls that take a path, and their relatives that take a descriptor (fs/namei.c, fs/open.c,
// fs/stat.c, fs/utimes.c).
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "os_emu/file/file_status.h"
#include "os_emu/pidfd/pidfd.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/process_caller.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/pipe_files.h"

namespace pollux::shims {
namespace {

using os_emu::CallerOf;
using os_emu::FileStatus;
using os_emu::FileSystem;
using os_emu::kAtEmptyPath;
using os_emu::kAtSymlinkFollow;
using os_emu::kAtSymlinkNoFollow;
using Place = SyscallContext::Place;

constexpr uint32_t kAllPermissions = 07777;  // S_IALLUGO

FileSystem& Files(SyscallContext& context) { return context.kernel().files(); }

}  // namespace

// ---- Opening

CallResult SysOpenat(SyscallContext& context) {
  const uint32_t flags = context.UInt(2);
  // build_open_flags(): before the path is looked at.
  constexpr uint32_t kTmpFile = os_emu::kOTmpFileBit | os_emu::kODirectory;
  const bool path_only = (flags & os_emu::kOPath) != 0;
  if (!path_only && (flags & os_emu::kOTmpFileBit) != 0 &&
      ((flags & kTmpFile) != kTmpFile || (flags & os_emu::kOCreat) != 0 ||
       (flags & os_emu::kOAccMode) == os_emu::kORdOnly)) {
    return Errno::kInval;
  }
  if (!path_only && (flags & os_emu::kOCreat) != 0 && (flags & os_emu::kODirectory) != 0)
    return Errno::kInval;
  Result<std::string> path = context.Path(1);
  if (!path.ok()) return path.error();
  if (path->empty()) return Errno::kNoEnt;
  // The number comes first, so that a full table creates no file.
  os_emu::FdTable& fds = context.fds();
  Result<Fd> fd = fds.Reserve();
  if (!fd.ok()) return fd.error();
  const auto open = [&]() -> Result<DescriptionRef> {
    if (!context.kernel().budget().FitsObject(0)) return Errno::kNFile;  // alloc_empty_file()
    POLLUX_ASSIGN_OR_RETURN(const DescriptionRef base, context.Base(0, *path));
    return Files(context).Open(CallerOf(context.thread()), base, *path, flags,
                               context.UInt(3) & kAllPermissions);
  };
  Result<DescriptionRef> file = open();
  if (!file.ok()) {
    fds.Cancel(*fd);
    return file.error();
  }
  return FinishOpen(context.thread(), *fd, *std::move(file), (flags & os_emu::kOCloExec) != 0);
}

CallResult SysMemfdCreate(SyscallContext& context) {
  constexpr uint32_t kCloseOnExec = 1, kAllowSealing = 2, kHugePages = 4, kNoExecSeal = 8,
                     kExec = 16;
  constexpr size_t kMaxName = 249;
  const uint32_t flags = context.UInt(1);
  if ((flags & kHugePages) != 0) return context.Refuse(Errno::kInval, "MFD_HUGETLB");
  if ((flags & ~(kCloseOnExec | kAllowSealing | kNoExecSeal | kExec)) != 0) return Errno::kInval;
  if ((flags & kExec) != 0 && (flags & kNoExecSeal) != 0) return Errno::kInval;
  Result<std::string> name = context.memory().ReadString(context.Addr(0), kMaxName + 1);
  if (!name.ok()) return name.error() == Errno::kNameTooLong ? Errno::kInval : name.error();
  uint32_t seals = os_emu::kSealSeal;
  if ((flags & kAllowSealing) != 0) seals = 0;
  if ((flags & kNoExecSeal) != 0) seals = os_emu::kSealExec;
  Result<DescriptionRef> file =
      Files(context).OpenMemoryFile(CallerOf(context.thread()), *name, seals);
  if (!file.ok()) return file.error();
  return context.InstallNew(*std::move(file), (flags & kCloseOnExec) != 0);
}

// ---- stat

namespace {

GuestStat ToStat(const FileStatus& status) {
  GuestStat result;
  std::memset(&result, 0, sizeof(result));
  result.dev = status.dev;
  result.ino = status.ino;
  result.mode = status.mode;
  result.nlink = status.nlink;
  result.uid = status.uid;
  result.gid = status.gid;
  result.rdev = status.rdev;
  result.size = static_cast<int64_t>(status.size);
  result.blksize = static_cast<int32_t>(status.blksize);
  result.blocks = static_cast<int64_t>(status.blocks);
  result.atime = ToTimespec(status.atime);
  result.mtime = ToTimespec(status.mtime);
  result.ctime = ToTimespec(status.ctime);
  return result;
}

uint32_t MajorOf(uint64_t device) { return static_cast<uint32_t>(device >> 8 & 0xfff); }
uint32_t MinorOf(uint64_t device) {
  return static_cast<uint32_t>((device & 0xff) | (device >> 12 & 0xfff00));
}

constexpr uint32_t kStatxBasic = 0x7ff, kStatxBirth = 0x800, kStatxMountId = 0x1000,
                   kStatxReserved = 0x80000000;

GuestStatx ToStatx(const FileStatus& status) {
  GuestStatx result;
  std::memset(&result, 0, sizeof(result));
  const auto time = [](Nanos at) {
    const GuestTimespec spec = ToTimespec(at);
    return GuestStatxTime{spec.seconds, static_cast<uint32_t>(spec.nanoseconds), 0};
  };
  result.mask = kStatxBasic | kStatxMountId;
  result.blksize = status.blksize;
  result.nlink = status.nlink;
  result.uid = status.uid;
  result.gid = status.gid;
  result.mode = static_cast<uint16_t>(status.mode);
  result.ino = status.ino;
  result.size = status.size;
  result.blocks = status.blocks;
  result.atime = time(status.atime);
  result.mtime = time(status.mtime);
  result.ctime = time(status.ctime);
  if (status.btime.value != 0) {
    result.mask |= kStatxBirth;
    result.btime = time(status.btime);
  }
  result.rdev_major = MajorOf(status.rdev);
  result.rdev_minor = MinorOf(status.rdev);
  result.dev_major = MajorOf(status.dev);
  result.dev_minor = MinorOf(status.dev);
  result.mnt_id = MinorOf(status.dev);  // One mount a device.
  return result;
}

constexpr uint32_t kAtSyncType = 0x6000;
constexpr uint32_t kStatFlags =
    kAtSymlinkNoFollow | os_emu::kAtNoAutomount | kAtEmptyPath | kAtSyncType;

// vfs_fstatat() and vfs_statx(): the path is read first, then the flags are looked at.
Result<FileStatus> StatAt(SyscallContext& context, uint32_t flags) {
  Place place;
  // getname_maybe_null(): with AT_EMPTY_PATH a null pointer is an empty path.
  const bool null_path = context.Addr(1).IsNull() && (flags & kAtEmptyPath) != 0;
  if (!null_path) {
    POLLUX_ASSIGN_OR_RETURN(place.path, context.Path(1));
  }
  if (place.path.empty() && (flags & kAtEmptyPath) == 0) return Errno::kNoEnt;
  if ((flags & ~kStatFlags) != 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(place.base, context.Base(0, place.path));
  if (place.path.empty() && place.base) {
    FileStatus status;
    POLLUX_RETURN_IF_ERROR(place.base->Stat(&status));
    return status;
  }
  return Files(context).Stat(CallerOf(context.thread()), place.base, place.path,
                             flags & ~kAtSyncType);
}

}  // namespace

CallResult SysFstat(SyscallContext& context) {
  Result<DescriptionRef> file = context.AnyFile(0);
  if (!file.ok()) return file.error();
  FileStatus status;
  Result<void> stat = (*file)->Stat(&status);
  if (!stat.ok()) return stat.error();
  return context.Out(context.Addr(1), ToStat(status));
}

CallResult SysNewfstatat(SyscallContext& context) {
  Result<FileStatus> status = StatAt(context, context.UInt(3));
  if (!status.ok()) return status.error();
  return context.Out(context.Addr(2), ToStat(*status));
}

CallResult SysStatx(SyscallContext& context) {
  const uint32_t flags = context.UInt(2);
  const bool null_path = context.Addr(1).IsNull() && (flags & kAtEmptyPath) != 0;
  if (!null_path) {
    Result<std::string> path = context.Path(1);
    if (!path.ok()) return path.error();
    if (path->empty() && (flags & kAtEmptyPath) == 0) return Errno::kNoEnt;
  }
  if ((context.UInt(3) & kStatxReserved) != 0 || (flags & kAtSyncType) == kAtSyncType)
    return Errno::kInval;
  Result<FileStatus> status = StatAt(context, flags);
  if (!status.ok()) return status.error();
  return context.Out(context.Addr(4), ToStatx(*status));
}

namespace {

CallResult PutStatfs(SyscallContext& context, int i,
                     const Result<os_emu::FileSystemStatus>& status) {
  constexpr int64_t kStValid = 0x20;
  if (!status.ok()) return status.error();
  GuestStatfs result;
  std::memset(&result, 0, sizeof(result));
  result.type = static_cast<int64_t>(status->type);
  result.bsize = static_cast<int64_t>(status->block_bytes);
  result.blocks = static_cast<int64_t>(status->blocks);
  result.bfree = static_cast<int64_t>(status->blocks_free);
  result.bavail = static_cast<int64_t>(status->blocks_available);
  result.files = static_cast<int64_t>(status->files);
  result.ffree = static_cast<int64_t>(status->files_free);
  result.fsid[0] = static_cast<int32_t>(status->fsid);
  result.fsid[1] = static_cast<int32_t>(status->fsid >> 32);
  result.namelen = static_cast<int64_t>(status->name_bytes);
  result.frsize = static_cast<int64_t>(status->block_bytes);
  result.flags = static_cast<int64_t>(status->flags) | kStValid;
  return context.Out(context.Addr(i), result);
}

// Of a file that has no place in the tree: simple_statfs() of pipefs, sockfs, pidfs and of
// anonymous inodes; a stream of the host counts as a device.
os_emu::FileSystemStatus StatusWithoutPath(os_emu::FileDescription& file) {
  constexpr uint64_t kPipeFs = 0x50495045, kAnonymousFs = 0x09041934, kTmpFs = 0x01021994,
                     kSockFs = 0x534f434b, kPidFs = 0x50494446;
  FileStatus stat;
  os_emu::FileSystemStatus status;
  status.type = kTmpFs;
  if (!file.Stat(&stat).ok()) return status;
  if ((stat.mode & os_emu::kModeTypeMask) == os_emu::kModeFifo) status.type = kPipeFs;
  if ((stat.mode & os_emu::kModeTypeMask) == os_emu::kModeSocket) status.type = kSockFs;
  if ((stat.mode & os_emu::kModeTypeMask) == 0) status.type = kAnonymousFs;
  if (os_emu::PidFd::From(file) != nullptr) status.type = kPidFs;
  status.fsid = stat.dev;
  return status;
}

}  // namespace

CallResult SysStatfs(SyscallContext& context) {
  Result<std::string> path = context.Path(0);
  if (!path.ok()) return path.error();
  if (path->empty()) return Errno::kNoEnt;
  return PutStatfs(context, 1,
                   Files(context).StatFileSystem(CallerOf(context.thread()), {}, *path));
}

CallResult SysFstatfs(SyscallContext& context) {
  Result<DescriptionRef> file = context.AnyFile(0);
  if (!file.ok()) return file.error();
  Result<os_emu::FileSystemStatus> status =
      Files(context).StatFileSystem(CallerOf(context.thread()), *file, "", kAtEmptyPath);
  if (!status.ok() && status.error() == Errno::kOpNotSupp) status = StatusWithoutPath(**file);
  return PutStatfs(context, 1, status);
}

CallResult SysReadlinkat(SyscallContext& context) {
  const int32_t size = context.Int(3);
  if (size <= 0) return Errno::kInval;
  Result<Place> place = context.PlaceAt(0, 1, kAtEmptyPath);
  if (!place.ok()) return place.error();
  Result<std::string> target =
      Files(context).ReadLink(CallerOf(context.thread()), place->base, place->path);
  if (!target.ok()) return target.error();
  const size_t bytes = std::min<size_t>(target->size(), size);
  const std::span<const uint8_t> from(reinterpret_cast<const uint8_t*>(target->data()), bytes);
  if (context.memory().Write(context.Addr(2), from) != bytes) return Errno::kFault;
  return static_cast<int64_t>(bytes);
}

namespace {

CallResult Access(SyscallContext& context, uint32_t flags) {
  const uint32_t wanted = context.UInt(2);
  if ((wanted & ~7u) != 0) return Errno::kInval;
  if ((flags & ~(os_emu::kAtEAccess | kAtSymlinkNoFollow | kAtEmptyPath)) != 0)
    return Errno::kInval;
  Result<Place> place = context.PlaceAt(0, 1, flags);
  if (!place.ok()) return place.error();
  const os_emu::Caller caller = (flags & os_emu::kAtEAccess) != 0
                                    ? CallerOf(context.thread())
                                    : os_emu::RealCallerOf(context.thread());
  return Files(context).Access(caller, place->base, place->path, wanted, flags);
}

}  // namespace

CallResult SysFaccessat(SyscallContext& context) { return Access(context, 0); }
CallResult SysFaccessat2(SyscallContext& context) { return Access(context, context.UInt(3)); }

// ---- Directories

CallResult SysGetcwd(SyscallContext& context) {
  Result<std::string> path = os_emu::WorkingDirectory(context.thread());
  if (!path.ok()) return path.error();
  const size_t bytes = path->size() + 1;
  if (bytes > context.Arg(1)) return Errno::kRange;
  const std::span<const uint8_t> from(reinterpret_cast<const uint8_t*>(path->c_str()), bytes);
  if (context.memory().Write(context.Addr(0), from) != bytes) return Errno::kFault;
  return static_cast<int64_t>(bytes);
}

CallResult SysChdir(SyscallContext& context) {
  Result<std::string> path = context.Path(0);
  if (!path.ok()) return path.error();
  return os_emu::ChangeDirectory(context.thread(), {}, *path);
}

CallResult SysFchdir(SyscallContext& context) {
  Result<DescriptionRef> file = context.AnyFile(0);
  if (!file.ok()) return file.error();
  return os_emu::ChangeDirectory(context.thread(), *file, "", kAtEmptyPath);
}

CallResult SysUmask(SyscallContext& context) {
  const uint32_t old = context.thread().fs().umask;
  context.thread().fs().umask = context.UInt(0) & 0777;
  return int64_t{old};
}

CallResult SysMkdirat(SyscallContext& context) {
  Result<Place> place = context.PlaceAt(0, 1);
  if (!place.ok()) return place.error();
  return Files(context).MakeDirectory(CallerOf(context.thread()), place->base, place->path,
                                      context.UInt(2) & 0xffff);
}

CallResult SysMknodat(SyscallContext& context) {
  // do_mknodat() looks at the type first.
  const uint32_t mode = context.UInt(2) & 0xffff;
  switch (mode & os_emu::kModeTypeMask) {
    case 0:
    case os_emu::kModeRegular:
    case os_emu::kModeFifo:
    case os_emu::kModeSocket:
    case os_emu::kModeCharacter:
    case os_emu::kModeBlock:
      break;
    case os_emu::kModeDirectory:
      return Errno::kPerm;
    default:
      return Errno::kInval;
  }
  Result<Place> place = context.PlaceAt(0, 1);
  if (!place.ok()) return place.error();
  return Files(context).MakeNode(CallerOf(context.thread()), place->base, place->path, mode,
                                 context.UInt(3));
}

CallResult SysSymlinkat(SyscallContext& context) {
  Result<std::string> target = context.Path(0);
  if (!target.ok()) return target.error();
  if (target->empty()) return Errno::kNoEnt;
  Result<Place> place = context.PlaceAt(1, 2);
  if (!place.ok()) return place.error();
  return Files(context).MakeSymlink(CallerOf(context.thread()), *target, place->base, place->path);
}

CallResult SysUnlinkat(SyscallContext& context) {
  if ((context.UInt(2) & ~os_emu::kAtRemoveDir) != 0) return Errno::kInval;
  Result<Place> place = context.PlaceAt(0, 1);
  if (!place.ok()) return place.error();
  return Files(context).Unlink(CallerOf(context.thread()), place->base, place->path,
                               context.UInt(2));
}

CallResult SysLinkat(SyscallContext& context) {
  const uint32_t flags = context.UInt(4);
  if ((flags & ~(kAtSymlinkFollow | kAtEmptyPath)) != 0) return Errno::kInval;
  Result<Place> from = context.PlaceAt(0, 1, flags);
  if (!from.ok()) return from.error();
  Result<Place> to = context.PlaceAt(2, 3);
  if (!to.ok()) return to.error();
  return Files(context).Link(CallerOf(context.thread()), from->base, from->path, to->base, to->path,
                             flags);
}

CallResult SysRenameat2(SyscallContext& context) {
  const uint32_t flags = context.UInt(4);
  constexpr uint32_t kAll =
      os_emu::kRenameNoReplace | os_emu::kRenameExchange | os_emu::kRenameWhiteout;
  if ((flags & ~kAll) != 0) return Errno::kInval;
  if ((flags & os_emu::kRenameExchange) != 0 && (flags & ~os_emu::kRenameExchange) != 0)
    return Errno::kInval;
  Result<Place> from = context.PlaceAt(0, 1);
  if (!from.ok()) return from.error();
  Result<Place> to = context.PlaceAt(2, 3);
  if (!to.ok()) return to.error();
  return Files(context).Rename(CallerOf(context.thread()), from->base, from->path, to->base,
                               to->path, flags);
}

// ---- Inodes

CallResult SysFchmod(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  return Files(context).ChangeMode(CallerOf(context.thread()), *file, "",
                                   context.UInt(1) & kAllPermissions, kAtEmptyPath);
}

namespace {

CallResult ChangeMode(SyscallContext& context, uint32_t flags) {
  if ((flags & ~(kAtSymlinkNoFollow | kAtEmptyPath)) != 0) return Errno::kInval;
  Result<Place> place = context.PlaceAt(0, 1, flags);
  if (!place.ok()) return place.error();
  return Files(context).ChangeMode(CallerOf(context.thread()), place->base, place->path,
                                   context.UInt(2) & kAllPermissions, flags);
}

}  // namespace

CallResult SysFchmodat(SyscallContext& context) { return ChangeMode(context, 0); }
CallResult SysFchmodat2(SyscallContext& context) { return ChangeMode(context, context.UInt(3)); }

CallResult SysFchown(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  return Files(context).ChangeOwner(CallerOf(context.thread()), *file, "", context.UInt(1),
                                    context.UInt(2), kAtEmptyPath);
}

CallResult SysFchownat(SyscallContext& context) {
  const uint32_t flags = context.UInt(4);
  if ((flags & ~(kAtSymlinkNoFollow | kAtEmptyPath)) != 0) return Errno::kInval;
  Result<Place> place = context.PlaceAt(0, 1, flags);
  if (!place.ok()) return place.error();
  return Files(context).ChangeOwner(CallerOf(context.thread()), place->base, place->path,
                                    context.UInt(2), context.UInt(3), flags);
}

CallResult SysTruncate(SyscallContext& context) {
  if (context.Long(1) < 0) return Errno::kInval;
  Result<std::string> path = context.Path(0);
  if (!path.ok()) return path.error();
  if (path->empty()) return Errno::kNoEnt;
  return Files(context).Truncate(CallerOf(context.thread()), *path, context.Long(1));
}

// do_utimes(): times (EFAULT), flags, then the file; the times' values last, in vfs_utimes().
CallResult SysUtimensat(SyscallContext& context) {
  constexpr int64_t kNow = 0x3fffffff, kOmit = 0x3ffffffe;
  const uint32_t flags = context.UInt(3);
  os_emu::TimeChange changes[2];
  bool valid = true;
  if (!context.Addr(2).IsNull()) {
    int omitted = 0;
    GuestTimespec times[2];
    for (int i = 0; i < 2; ++i) {
      Result<GuestTimespec> time =
          context.In<GuestTimespec>(context.Addr(2) + i * sizeof(GuestTimespec));
      if (!time.ok()) return time.error();
      times[i] = *time;
      omitted += time->nanoseconds == kOmit;
    }
    if (omitted == 2) return 0;
    for (int i = 0; i < 2; ++i) {
      const int64_t nanoseconds = times[i].nanoseconds;
      if (nanoseconds == kNow) {
        changes[i].kind = os_emu::TimeChange::kNow;
      } else if (nanoseconds == kOmit) {
        changes[i].kind = os_emu::TimeChange::kOmit;
      } else {
        valid = valid && nanoseconds >= 0 && nanoseconds < kNanosPerSecond;
        changes[i].kind = os_emu::TimeChange::kSet;
        // File systems clamp to what their inodes can hold (timestamp_truncate()).
        constexpr int64_t kMaxSeconds = INT64_MAX / kNanosPerSecond - 1;
        const int64_t seconds = std::clamp(times[i].seconds, -kMaxSeconds, kMaxSeconds);
        changes[i].time = Nanos{seconds * kNanosPerSecond + (valid ? nanoseconds : 0)};
      }
    }
  }
  const os_emu::Caller caller = CallerOf(context.thread());
  if (context.Addr(1).IsNull() && context.Int(0) != kAtFdCwd) {
    if (flags != 0) return Errno::kInval;
    Result<DescriptionRef> file = context.File(0);
    if (!file.ok()) return file.error();
    if (!valid) return Errno::kInval;
    return Files(context).ChangeTimes(caller, *file, "", changes[0], changes[1], kAtEmptyPath);
  }
  if ((flags & ~(kAtSymlinkNoFollow | kAtEmptyPath)) != 0) return Errno::kInval;
  Result<Place> place = context.PlaceAt(0, 1, flags);
  if (!place.ok()) return place.error();
  if (!valid) {
    Result<FileStatus> found = Files(context).Stat(caller, place->base, place->path, flags);
    return found.ok() ? Errno::kInval : found.error();
  }
  return Files(context).ChangeTimes(caller, place->base, place->path, changes[0], changes[1],
                                    flags);
}

}  // namespace pollux::shims
