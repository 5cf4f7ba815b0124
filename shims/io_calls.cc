// read(2), write(2) and their relatives (fs/read_write.c).
#include <algorithm>
#include <utility>

#include "os_emu/eventfd/eventfd.h"
#include "os_emu/socket/socket.h"
#include "os_emu/task/calls.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/socket_arguments.h"

namespace pollux::shims {
namespace {

using memory::UserBuffer;

enum class IoDirection { kRead, kWrite };

bool Allows(const os_emu::FileDescription& file, IoDirection direction) {
  return direction == IoDirection::kRead ? file.readable() : file.writable();
}

bool Has(const os_emu::FileDescription& file, IoDirection direction) {
  return direction == IoDirection::kRead ? file.HasRead() : file.HasWrite();
}

// vfs_readv() of no bytes: the file is not asked, but who watches it is told of a read.
CallResult Nothing(os_emu::FileDescription& file, IoDirection direction) {
  if (direction == IoDirection::kRead) file.NoteAccess();
  return 0;
}

[[gnu::always_inline]] inline CallResult Start(SyscallContext& context, IoDirection direction,
                                               DescriptionRef file, UserBuffer&& buffer) {
  if (os_emu::Socket::From(*file) != nullptr) {
    return direction == IoDirection::kRead
               ? ReadSocket(context, std::move(file), std::move(buffer))
               : WriteSocket(context, std::move(file), std::move(buffer));
  }
  return direction == IoDirection::kRead
             ? os_emu::StartRead(context.thread(), std::move(file), std::move(buffer))
             : os_emu::StartWrite(context.thread(), std::move(file), std::move(buffer));
}

// vfs_read(): the access mode is looked at before the buffer.
template <IoDirection direction>
CallResult AtPosition(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (!Allows(**file, direction)) return Errno::kBadF;
  if (!Has(**file, direction)) return Errno::kInval;
  if (!SyscallContext::AccessOk(context.Arg(1), context.Arg(2))) return Errno::kFault;
  return Start(
      context, direction, *std::move(file),
      UserBuffer(&context.memory(), context.Addr(1), std::min(context.Arg(2), kMaxTransfer)));
}

// do_loop_readv_writev(): a file without write_iter gets one write a segment.
CallResult WriteSegments(SyscallContext& context, const DescriptionRef& file) {
  int64_t done = 0;
  for (uint64_t i = 0; i < context.Arg(2); ++i) {
    Result<GuestIovec> segment = context.In<GuestIovec>(context.Addr(1) + i * sizeof(GuestIovec));
    if (!segment.ok()) return segment.error();
    if (segment->bytes == 0) {
      // iov_iter_advance() steps over an empty one, but nothing steps over the first.
      if (i == 0) return Errno::kInval;
      continue;
    }
    UserBuffer buffer(&context.memory(), GuestAddr{segment->start}, segment->bytes);
    // The first may wait. What comes after it is an extra that may be left out, as any write may be
    // short.
    if (done == 0) {
      CallResult first = os_emu::StartWrite(context.thread(), file, UserBuffer(buffer));
      if (first.blocked() || first.value() < 0) return first;
      done = first.value();
    } else {
      const Result<size_t> next = file->Write(buffer);
      if (!next.ok()) break;
      done += static_cast<int64_t>(*next);
    }
  }
  return done;
}

CallResult VectorAtPosition(SyscallContext& context, IoDirection direction) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (!Allows(**file, direction)) return Errno::kBadF;
  if (!Has(**file, direction)) return Errno::kInval;
  Result<UserBuffer> buffer = context.Vectors(context.Addr(1), context.Arg(2));
  if (!buffer.ok()) return buffer.error();
  if (buffer->remaining() == 0) return Nothing(**file, direction);
  if (direction == IoDirection::kWrite && dynamic_cast<os_emu::EventFd*>(file->get()) != nullptr) {
    return WriteSegments(context, *file);
  }
  const DescriptionRef described = *file;
  CallResult result = Start(context, direction, *std::move(file), *std::move(buffer));
  // do_iter_read() tells of a read at the end; vfs_read() does not.
  if (direction == IoDirection::kRead && !result.blocked() && result.value() == 0)
    described->NoteAccess();
  return result;
}

// FMODE_PREAD and FMODE_PWRITE: whether the file has positions at all.
Result<size_t> TransferAt(os_emu::FileDescription& file, IoDirection direction, UserBuffer& buffer,
                          uint64_t offset) {
  return direction == IoDirection::kRead ? file.ReadAt(buffer, offset)
                                         : file.WriteAt(buffer, offset);
}

// pread64(2): EINVAL, EBADF, ESPIPE, EBADF for the access mode, EFAULT.
CallResult AtOffset(SyscallContext& context, IoDirection direction, bool vectors) {
  const int64_t offset = context.Long(3);
  if (offset < 0) return Errno::kInval;
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (!(*file)->HasPositions()) return Errno::kSPipe;
  if (!Allows(**file, direction)) return Errno::kBadF;
  if (!Has(**file, direction)) return Errno::kInval;
  Result<UserBuffer> buffer = vectors ? context.Vectors(context.Addr(1), context.Arg(2))
                                      : context.Buffer(context.Addr(1), context.Arg(2));
  if (!buffer.ok()) return buffer.error();
  if (vectors && buffer->remaining() == 0) return Nothing(**file, direction);
  const Result<size_t> moved =
      TransferAt(**file, direction, *buffer, static_cast<uint64_t>(offset));
  if (moved.ok() && direction == IoDirection::kWrite && *moved > 0) (*file)->NoteModify();
  // do_iter_read() tells of a read at the end, too; vfs_read() does not.
  if (moved.ok() && direction == IoDirection::kRead && (*moved > 0 || vectors))
    (*file)->NoteAccess();
  return moved;
}

constexpr uint32_t kRwfHighPriority = 1, kRwfDataSync = 2, kRwfSync = 4, kRwfNoWait = 8,
                   kRwfAppend = 16, kRwfNoAppend = 32;

// O_APPEND of a description, other than it is, for one call.
class AppendForOneCall {
 public:
  AppendForOneCall(const Result<DescriptionRef>& file, uint32_t flags) {
    if (!file.ok() || (flags & (kRwfAppend | kRwfNoAppend)) == 0) return;
    file_ = *file;
    before_ = file_->status_flags();
    file_->set_status_flags((flags & kRwfAppend) != 0 ? before_ | os_emu::kOAppend
                                                      : before_ & ~os_emu::kOAppend);
  }
  ~AppendForOneCall() {
    if (file_) file_->set_status_flags(before_);
  }
  AppendForOneCall(const AppendForOneCall&) = delete;
  AppendForOneCall& operator=(const AppendForOneCall&) = delete;

 private:
  DescriptionRef file_;
  uint32_t before_ = 0;
};

CallResult WithFlags(SyscallContext& context, IoDirection direction) {
  const uint32_t flags = context.UInt(5);
  uint32_t known = kRwfHighPriority | kRwfDataSync | kRwfSync | kRwfAppend | kRwfNoAppend;
  if (direction == IoDirection::kRead) known |= kRwfNoWait;
  const bool at_position = context.Long(3) == -1;
  const bool unknown = (flags & ~known) != 0;
  if (unknown || (flags & (kRwfAppend | kRwfNoAppend)) == (kRwfAppend | kRwfNoAppend)) {
    // kiocb_set_rw_flags() comes after the descriptor and the vectors.
    Result<DescriptionRef> file = context.File(0);
    if (!file.ok()) return file.error();
    if (!Allows(**file, direction)) return Errno::kBadF;
    Result<UserBuffer> buffer = context.Vectors(context.Addr(1), context.Arg(2));
    if (!buffer.ok()) return buffer.error();
    if (buffer->remaining() == 0) return 0;
    return unknown ? context.Refuse(Errno::kOpNotSupp, "a flag") : Errno::kInval;
  }
  const AppendForOneCall append(
      direction == IoDirection::kWrite ? context.File(0) : Result<DescriptionRef>(Errno::kBadF),
      flags);
  if (!at_position) return AtOffset(context, direction, true);
  if ((flags & kRwfNoWait) == 0) return VectorAtPosition(context, direction);
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (!Allows(**file, direction)) return Errno::kBadF;
  Result<UserBuffer> buffer = context.Vectors(context.Addr(1), context.Arg(2));
  if (!buffer.ok()) return buffer.error();
  if (buffer->remaining() == 0) return 0;
  return (*file)->Read(*buffer);
}

}  // namespace

CallResult SysRead(SyscallContext& context) { return AtPosition<IoDirection::kRead>(context); }
CallResult SysWrite(SyscallContext& context) { return AtPosition<IoDirection::kWrite>(context); }
CallResult SysReadv(SyscallContext& context) {
  return VectorAtPosition(context, IoDirection::kRead);
}
CallResult SysWritev(SyscallContext& context) {
  return VectorAtPosition(context, IoDirection::kWrite);
}
CallResult SysPread64(SyscallContext& context) {
  return AtOffset(context, IoDirection::kRead, false);
}
CallResult SysPwrite64(SyscallContext& context) {
  return AtOffset(context, IoDirection::kWrite, false);
}
CallResult SysPreadv(SyscallContext& context) {
  return AtOffset(context, IoDirection::kRead, true);
}
CallResult SysPwritev(SyscallContext& context) {
  return AtOffset(context, IoDirection::kWrite, true);
}
CallResult SysPreadv2(SyscallContext& context) { return WithFlags(context, IoDirection::kRead); }
CallResult SysPwritev2(SyscallContext& context) { return WithFlags(context, IoDirection::kWrite); }

}  // namespace pollux::shims
