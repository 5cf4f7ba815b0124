#include "os_emu/vfs/open_file.h"

#include <algorithm>
#include <limits>
#include <span>

#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/notify.h"

namespace pollux::os_emu {
namespace {

// put_user() of what an ioctl answers.
template <typename T>
Result<int64_t> PutAnswer(memory::AddressSpace* space, uint64_t address, T answer) {
  if (space == nullptr) return Errno::kFault;
  POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{address}, answer));
  return int64_t{0};
}

}  // namespace

Result<void> OpenFile::Stat(FileStatus* status) {
  POLLUX_ASSIGN_OR_RETURN(*status, inode().GetStatus());
  return {};
}

void OpenFile::NoteAccess() {
  if (!quiet_) NotifyFile(*dentry_, kEventAccess);
}

void OpenFile::NoteModify() {
  if (!quiet_) NotifyFile(*dentry_, kEventModify);
}

// fsnotify_file() of a special file: __fsnotify_parent() leaves out who watches the directory.
void ForwardedFile::NoteAccess() {
  if (inode().watched()) inode().Tell({.mask = kEventAccess, .unlinked = dentry()->removed()});
}
void ForwardedFile::NoteModify() {
  if (inode().watched()) inode().Tell({.mask = kEventModify, .unlinked = dentry()->removed()});
}

void OpenFile::NoteClose() {
  if (quiet_) return;
  quiet_ = true;
  NotifyFile(*dentry_, writable() ? kEventCloseWrite : kEventCloseNoWrite);
}

// do_vfs_ioctl() of fs/ioctl.c.
Result<int64_t> OpenFile::Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) {
  const uint32_t type = inode().type();
  if (request == kFiGetBsz) return PutAnswer<int32_t>(space, argument, 4096);
  if (request == kFioQSize && (type == kModeRegular || type == kModeDirectory)) {
    POLLUX_ASSIGN_OR_RETURN(const FileStatus status, inode().GetStatus());
    return PutAnswer<int64_t>(space, argument, static_cast<int64_t>(status.size));
  }
  return Errno::kNotTy;
}

// ---- DirectoryFile

Result<uint64_t> DirectoryFile::Seek(int64_t offset, Whence whence) {
  int64_t base = 0;
  if (whence == Whence::kCurrent) {
    base = static_cast<int64_t>(cursor_.position);
  } else if (whence != Whence::kSet) {
    return Errno::kInval;
  }
  int64_t position = 0;
  if (__builtin_add_overflow(base, offset, &position) || position < 0) return Errno::kInval;
  cursor_.position = static_cast<uint64_t>(position);
  return cursor_.position;
}

Result<void> DirectoryFile::ReadDirectory(DirectorySink& sink) {
  if (inode().IsDead()) return Errno::kNoEnt;
  const Result<void> read = inode().ReadEntries(dentry(), cursor_, sink);
  NoteAccess();  // iterate_dir(): whatever came of it.
  return read;
}

void DirectoryFile::OnRelease() {
  inode().super().files().budget().used_bytes -= cursor_.charged_bytes;
}

// ---- RegularFile

Result<size_t> RegularFile::Read(memory::UserBuffer& to) {
  POLLUX_ASSIGN_OR_RETURN(const size_t copied, ReadAt(to, position_));
  position_ += copied;
  return copied;
}

Result<size_t> RegularFile::ReadAt(memory::UserBuffer& to, uint64_t offset) {
  // rw_verify_area()
  if (offset > kMaxFileBytes || to.remaining() > kMaxFileBytes - offset) return Errno::kInval;
  to.Truncate(std::min(kMaxTransferBytes, kMaxFileBytes - offset));
  if (to.remaining() == 0) return size_t{0};
  return ReadBytes(to, offset);
}

Result<size_t> RegularFile::Write(memory::UserBuffer& from) {
  uint64_t offset = position_;
  POLLUX_ASSIGN_OR_RETURN(const size_t copied, WriteFrom(from, &offset));
  if (copied > 0) position_ = offset + copied;
  return copied;
}

Result<size_t> RegularFile::WriteAt(memory::UserBuffer& from, uint64_t offset) {
  return WriteFrom(from, &offset);
}

Result<size_t> RegularFile::WriteFrom(memory::UserBuffer& from, uint64_t* offset) {
  // rw_verify_area()
  if (*offset > kMaxFileBytes || from.remaining() > kMaxFileBytes - *offset) return Errno::kInval;
  from.Truncate(kMaxTransferBytes);
  if (from.remaining() == 0) return size_t{0};
  // generic_write_checks(): O_APPEND wins over the offset, of pwrite(2) too.
  const bool append = (status_flags() & kOAppend) != 0;
  if (append) {
    POLLUX_ASSIGN_OR_RETURN(*offset, Size());
  }
  POLLUX_ASSIGN_OR_RETURN(const uint64_t allowed,
                          inode().super().files().CheckWrite(*offset, from.remaining()));
  from.Truncate(allowed);
  if (*offset >= kMaxFileBytes) return Errno::kFBig;
  from.Truncate(kMaxFileBytes - *offset);
  return WriteBytes(from, offset, append);
}

Result<uint64_t> RegularFile::Seek(int64_t offset, Whence whence) {
  POLLUX_ASSIGN_OR_RETURN(const uint64_t size, Size());
  int64_t base = 0;
  switch (whence) {
    case Whence::kSet:
      break;
    case Whence::kCurrent:
      base = static_cast<int64_t>(position_);
      break;
    case Whence::kEnd:
      base = static_cast<int64_t>(size);
      break;
    case Whence::kData:
    case Whence::kHole: {
      if (offset < 0 || static_cast<uint64_t>(offset) >= size) return Errno::kNxio;
      const uint64_t from = static_cast<uint64_t>(offset);
      POLLUX_ASSIGN_OR_RETURN(position_, whence == Whence::kData ? NextData(from) : NextHole(from));
      return position_;
    }
    default:
      return Errno::kInval;
  }
  int64_t position = 0;
  if (__builtin_add_overflow(base, offset, &position) || position < 0) return Errno::kInval;
  position_ = static_cast<uint64_t>(position);
  return position_;
}

Result<void> RegularFile::Truncate(uint64_t bytes) {
  if (!writable() || bytes > kMaxFileBytes) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const uint64_t size, Size());
  POLLUX_RETURN_IF_ERROR(inode().super().files().CheckSize(size, bytes));
  POLLUX_RETURN_IF_ERROR(SetSize(bytes));
  NotifyDentry(*dentry(), kEventModify);
  return {};
}

Result<int64_t> RegularFile::Ioctl(uint32_t request, uint64_t argument,
                                   memory::AddressSpace* space) {
  if (request != kFionRead) return OpenFile::Ioctl(request, argument, space);
  POLLUX_ASSIGN_OR_RETURN(const uint64_t size, Size());
  // The kernel stores the low half of the difference, which may be negative.
  return PutAnswer<int32_t>(space, argument, static_cast<int32_t>(size - position_));
}

Result<uint64_t> RegularFile::NextData(uint64_t offset) { return offset; }
Result<uint64_t> RegularFile::NextHole(uint64_t) { return Size(); }

}  // namespace pollux::os_emu
