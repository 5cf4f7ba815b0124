// Calls on descriptors: dup(2), close(2), fcntl(2), ioctl(2), lseek(2), fsync(2) and the like.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "os_emu/file/directory_sink.h"
#include "os_emu/file/file_status.h"
#include "os_emu/pidfd/pidfd.h"
#include "os_emu/pipe/pipe.h"
#include "os_emu/socket/socket.h"
#include "os_emu/tty/pty.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/open_file.h"
#include "shims/context.h"
#include "shims/flag_names.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using os_emu::FileStatus;

uint32_t FileType(os_emu::FileDescription& file) {
  FileStatus status;
  return file.Stat(&status).ok() ? status.mode & os_emu::kModeTypeMask : 0;
}

// ---- fcntl

enum FcntlCommand : uint32_t {
  kDupFd = 0,
  kGetFd = 1,
  kSetFd = 2,
  kGetFl = 3,
  kSetFl = 4,
  kGetLk = 5,
  kSetLk = 6,
  kSetLkW = 7,
  kSetOwn = 8,
  kGetOwn = 9,
  kSetSig = 10,
  kGetSig = 11,
  kSetOwnEx = 15,
  kGetOwnEx = 16,
  kGetOwnerUids = 17,
  kOfdGetLk = 36,
  kOfdSetLk = 37,
  kOfdSetLkW = 38,
  kDupFdQuery = 1027,
  kDupFdCloExec = 1030,
  kSetPipeSize = 1031,
  kGetPipeSize = 1032,
  kAddSeals = 1033,
  kGetSeals = 1034,
};

// setfl()
CallResult SetStatusFlags(SyscallContext& context, os_emu::FileDescription& file) {
  const uint32_t wanted = context.UInt(2);
  const uint32_t changed = wanted ^ file.status_flags();
  if ((wanted & os_emu::kODirect) != 0 && (changed & os_emu::kODirect) != 0) {
    const uint32_t type = FileType(file);
    if (type != os_emu::kModeFifo && type != os_emu::kModeRegular) return Errno::kInval;
  }
  // Who has no such signals says nothing of it, and the flag stays as it is.
  const Result<bool> async = SetAsync(context, file, (wanted & os_emu::kOAsync) != 0);
  if (!async.ok()) return async.error();
  constexpr uint32_t kChangeable = os_emu::kOSetFlMask & ~os_emu::kOAsync;
  file.set_status_flags((file.status_flags() & ~kChangeable) | (wanted & kChangeable));
  return 0;
}

// memfd_add_seals()
CallResult AddSeals(SyscallContext& context, os_emu::FileDescription& file) {
  if (context.Arg(2) > UINT32_MAX) return Errno::kInval;
  const uint32_t seals = context.UInt(2);
  if (!file.writable()) return Errno::kPerm;
  if ((seals & ~os_emu::kAllSeals) != 0) return Errno::kInval;
  auto* regular = dynamic_cast<os_emu::RegularFile*>(&file);
  if (regular == nullptr) return Errno::kInval;
  return regular->AddSeals(seals);
}

CallResult GetSeals(os_emu::FileDescription& file) {
  auto* regular = dynamic_cast<os_emu::RegularFile*>(&file);
  if (regular == nullptr) return Errno::kInval;
  const Result<uint32_t> seals = regular->Seals();
  if (!seals.ok()) return seals.error();
  return int64_t{*seals};
}

}  // namespace

CallResult SysFcntl(SyscallContext& context) {
  os_emu::FdTable& fds = context.fds();
  Result<DescriptionRef> file = context.AnyFile(0);
  if (!file.ok()) return file.error();
  const uint32_t command = context.UInt(1);
  const bool path_only = ((*file)->status_flags() & os_emu::kOPath) != 0;
  if (path_only && command != kDupFd && command != kDupFdCloExec && command != kGetFd &&
      command != kSetFd && command != kGetFl && command != kDupFdQuery) {
    return Errno::kBadF;
  }
  switch (command) {
    case kDupFd:
    case kDupFdCloExec:
      return context.Install(*file, command == kDupFdCloExec, context.Int(2));
    case kDupFdQuery: {
      Result<DescriptionRef> other = context.AnyFile(2);
      if (!other.ok()) return other.error();
      return *other == *file ? 1 : 0;
    }
    case kGetFd: {
      Result<bool> close_on_exec = fds.CloseOnExec(context.FdAt(0));
      if (!close_on_exec.ok()) return close_on_exec.error();
      return *close_on_exec ? 1 : 0;
    }
    case kSetFd:
      return fds.SetCloseOnExec(context.FdAt(0), (context.Arg(2) & 1) != 0);
    case kGetFl:
      return static_cast<int64_t>((*file)->status_flags());
    case kSetFl:
      return SetStatusFlags(context, **file);
    case kGetLk:
    case kOfdGetLk:
      return GetRecordLock(context, *std::move(file), command == kOfdGetLk);
    case kSetLk:
    case kOfdSetLk:
      return SetRecordLock(context, *std::move(file), command == kOfdSetLk, /*waits=*/false);
    case kSetLkW:
    case kOfdSetLkW:
      return SetRecordLock(context, *std::move(file), command == kOfdSetLkW, /*waits=*/true);
    case kAddSeals:
      return AddSeals(context, **file);
    case kGetSeals:
      return GetSeals(**file);
    case kSetOwn:
      return SetOwner(context, **file, context.Int(2));
    case kGetOwn:
      return int64_t{Owner(**file)};
    case kSetOwnEx:
      return SetOwnerEx(context, **file);
    case kGetOwnEx:
      return GetOwnerEx(context, **file);
    case kGetOwnerUids:
      return GetOwnerUids(context, **file);
    case kSetSig:
      return SetSignal(context, **file);
    case kGetSig:
      return int64_t{SignalOf(**file)};
    case kSetPipeSize:
    case kGetPipeSize: {
      os_emu::PipeEnd* end = os_emu::PipeEnd::From(**file);
      if (end == nullptr) return Errno::kBadF;
      if (command == kGetPipeSize) return int64_t{end->pipe().capacity_bytes()};
      Result<uint32_t> bytes = end->pipe().SetCapacity(context.UInt(2));
      if (!bytes.ok()) return bytes.error();
      return int64_t{*bytes};
    }
    default: {
      const char* name = NameOf(kFcntlCommands, command);
      // Linux knows it, so the program may rely on it. What Linux does not know either is the
      // program's mistake.
      if (name == nullptr) return Errno::kInval;
      return context.Refuse(Errno::kInval, name);
    }
  }
}

CallResult SysIoctl(SyscallContext& context) {
  constexpr uint32_t kFioNClEx = 0x5450, kFioClEx = 0x5451, kFioNBio = 0x5421, kFioAsync = 0x5452,
                     kTiocGPtPeer = 0x5441, kFioSetOwn = 0x8901, kSiocSPgrp = 0x8902,
                     kFioGetOwn = 0x8903, kSiocGPgrp = 0x8904;
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  const uint32_t request = context.UInt(1);
  if (os_emu::Socket::From(**file) != nullptr) {
    // sock_ioctl()
    if (request == kFioSetOwn || request == kSiocSPgrp) {
      Result<int32_t> who = context.In<int32_t>(context.Addr(2));
      return who.ok() ? SetOwner(context, **file, *who) : CallResult(who.error());
    }
    if (request == kFioGetOwn || request == kSiocGPgrp)
      return context.Out(context.Addr(2), Owner(**file));
  }
  switch (request) {
    case kFioClEx:
    case kFioNClEx:
      return context.fds().SetCloseOnExec(context.FdAt(0), request == kFioClEx);
    case kFioNBio: {
      Result<int32_t> on = context.In<int32_t>(context.Addr(2));
      if (!on.ok()) return on.error();
      const uint32_t flags = (*file)->status_flags() & ~os_emu::kONonBlock;
      (*file)->set_status_flags(*on != 0 ? flags | os_emu::kONonBlock : flags);
      return 0;
    }
    case kFioAsync: {
      Result<int32_t> on = context.In<int32_t>(context.Addr(2));
      if (!on.ok()) return on.error();
      const Result<bool> async = SetAsync(context, **file, *on != 0);
      if (!async.ok()) return async.error();
      return *async ? CallResult(0) : CallResult(Errno::kNotTy);
    }
    case kTiocGPtPeer: {
      // A number of its own, so not the terminal's to answer.
      auto* master = dynamic_cast<os_emu::PtyMaster*>(&(*file)->Behind());
      if (master == nullptr) {
        return dynamic_cast<os_emu::PtySlave*>(&(*file)->Behind()) != nullptr ? Errno::kIo
                                                                              : Errno::kNotTy;
      }
      Result<DescriptionRef> peer =
          context.kernel().Part<os_emu::PtyTable>().OpenPeer(master->pair(), context.UInt(2));
      if (!peer.ok()) return peer.error();
      return context.Install(*std::move(peer), (context.UInt(2) & os_emu::kOCloExec) != 0, 0);
    }
    default: {
      Result<int64_t> result = (*file)->Ioctl(request, context.Arg(2), &context.memory());
      if (!result.ok() && result.error() == Errno::kNotTy &&
          NameOf(kIoctlRequests, request) == nullptr) {
        return context.Refuse(Errno::kNotTy, absl::StrFormat("request %#x", request));
      }
      return result;
    }
  }
}

CallResult SysDup(SyscallContext& context) {
  Result<DescriptionRef> file = context.AnyFile(0);
  if (!file.ok()) return file.error();
  return context.Install(*std::move(file), false, 0);
}

CallResult SysDup3(SyscallContext& context) {
  const uint32_t flags = context.UInt(2);
  if ((flags & ~os_emu::kOCloExec) != 0 || context.Int(0) == context.Int(1)) return Errno::kInval;
  if (context.UInt(1) >= static_cast<uint32_t>(context.fds().limit())) return Errno::kBadF;
  Result<DescriptionRef> file = context.AnyFile(0);
  if (!file.ok()) return file.error();
  Result<void> installed =
      context.fds().InstallAt(context.FdAt(1), *std::move(file), (flags & os_emu::kOCloExec) != 0);
  if (!installed.ok()) return installed.error();
  return int64_t{context.Int(1)};
}

CallResult SysClose(SyscallContext& context) {
  Result<DescriptionRef> file = context.fds().Remove(context.FdAt(0));
  if (!file.ok()) return file.error();
  return 0;
}

CallResult SysCloseRange(SyscallContext& context) {
  constexpr uint32_t kUnshare = 2, kCloseOnExec = 4;
  const uint32_t first = context.UInt(0), last = context.UInt(1), flags = context.UInt(2);
  if ((flags & ~(kUnshare | kCloseOnExec)) != 0) return Errno::kInval;
  if (first > last) return Errno::kInval;
  if ((flags & kUnshare) != 0) context.thread().UnshareFds();
  os_emu::FdTable& fds = context.fds();
  const os_emu::ReleaseBatch batch;
  for (Fd fd : fds.OpenNumbers()) {
    const uint32_t number = static_cast<uint32_t>(fd);
    if (number < first || number > last) continue;
    if ((flags & kCloseOnExec) != 0) {
      (void)fds.SetCloseOnExec(fd, true).ok();
    } else {
      (void)fds.Remove(fd).ok();
    }
  }
  return 0;
}

CallResult SysLseek(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (context.UInt(2) > static_cast<uint32_t>(os_emu::Whence::kHole)) return Errno::kInval;
  Result<uint64_t> position =
      (*file)->Seek(context.Long(1), static_cast<os_emu::Whence>(context.UInt(2)));
  if (!position.ok()) return position.error();
  return static_cast<int64_t>(*position);
}

namespace {

// struct linux_dirent64 entries, straight into guest memory.
class GuestDirectorySink final : public os_emu::DirectorySink {
 public:
  GuestDirectorySink(memory::AddressSpace& memory, GuestAddr to, uint64_t bytes)
      : memory_(memory), to_(to), bytes_(bytes) {}

  bool Add(uint64_t ino, uint64_t next_offset, os_emu::EntryType type,
           std::string_view name) override {
    constexpr size_t kHeaderBytes = 19;
    const size_t record_bytes = (kHeaderBytes + name.size() + 1 + 7) & ~size_t{7};
    if (record_bytes > bytes_ - written_) {
      full_ = true;
      return false;
    }
    std::string record(record_bytes, '\0');
    const auto put = [&](size_t offset, uint64_t value, size_t size) {
      for (size_t i = 0; i < size; ++i) record[offset + i] = static_cast<char>(value >> (8 * i));
    };
    put(0, ino, 8);
    put(8, next_offset, 8);
    put(16, record_bytes, 2);
    put(18, static_cast<uint8_t>(type), 1);
    record.replace(kHeaderBytes, name.size(), name);
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(record.data()),
                                         record.size());
    if (memory_.Write(to_ + written_, bytes) != record_bytes) {
      fault_ = true;
      return false;
    }
    written_ += record_bytes;
    return true;
  }

  CallResult Answer() const {
    if (written_ > 0) return static_cast<int64_t>(written_);
    if (fault_) return Errno::kFault;
    if (full_) return Errno::kInval;
    return 0;
  }

 private:
  memory::AddressSpace& memory_;
  GuestAddr to_;
  uint64_t bytes_;
  uint64_t written_ = 0;
  bool full_ = false;
  bool fault_ = false;
};

}  // namespace

CallResult SysGetdents64(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  GuestDirectorySink sink(context.memory(), context.Addr(1), context.UInt(2));
  Result<void> read = (*file)->ReadDirectory(sink);
  if (!read.ok()) return read.error();
  return sink.Answer();
}

CallResult SysFtruncate(SyscallContext& context) {
  if (context.Long(1) < 0) return Errno::kInval;
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  // A pidfd's inode is a regular one that does not say so (fs/pidfs.c).
  const bool regular =
      FileType(**file) == os_emu::kModeRegular || os_emu::PidFd::From(**file) != nullptr;
  if (!regular || !(*file)->writable()) return Errno::kInval;
  return (*file)->Truncate(context.Arg(1));
}

// vfs_fallocate()
CallResult SysFallocate(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  const Result<void> allocated =
      os_emu::FileSystem::Allocate(*file, context.UInt(1), context.Long(2), context.Long(3));
  if (!allocated.ok() && allocated.error() == Errno::kOpNotSupp)
    return context.Refuse(Errno::kOpNotSupp, "a mode");
  return allocated;
}

CallResult SysSync(SyscallContext&) { return 0; }

CallResult SysSyncfs(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  return file.ok() ? CallResult(0) : CallResult(file.error());
}

CallResult SysFsync(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  const uint32_t type = FileType(**file);
  // Pipes, sockets and terminals have no fsync operation.
  if (type != os_emu::kModeRegular && type != os_emu::kModeDirectory && type != os_emu::kModeBlock)
    return Errno::kInval;
  return (*file)->Sync();
}

CallResult SysSyncFileRange(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  const int64_t offset = context.Long(1), length = context.Long(2);
  if ((context.UInt(3) & ~7u) != 0 || offset < 0 || length < 0 || offset > INT64_MAX - length)
    return Errno::kInval;
  const uint32_t type = FileType(**file);
  if (type != os_emu::kModeRegular && type != os_emu::kModeDirectory && type != os_emu::kModeBlock)
    return Errno::kSPipe;
  return 0;
}

CallResult SysReadahead(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (!(*file)->readable()) return Errno::kBadF;
  const bool can = FileType(**file) == os_emu::kModeRegular && context.Long(2) >= 0;
  return can ? CallResult(0) : CallResult(Errno::kInval);
}

CallResult SysFadvise64(SyscallContext& context) {
  constexpr int32_t kLastAdvice = 5;  // POSIX_FADV_NOREUSE
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (FileType(**file) == os_emu::kModeFifo) return Errno::kSPipe;
  if (context.Long(2) < 0 || context.Int(3) < 0 || context.Int(3) > kLastAdvice)
    return Errno::kInval;
  return 0;
}

}  // namespace pollux::shims
