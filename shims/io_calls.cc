// read(2), write(2) and their relatives, sendfile(2), copy_file_range(2) (fs/read_write.c).
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "os_emu/eventfd/eventfd.h"
#include "os_emu/file/file_status.h"
#include "os_emu/pidfd/pidfd.h"
#include "os_emu/pipe/pipe.h"
#include "os_emu/socket/socket.h"
#include "os_emu/task/calls.h"
#include "os_emu/vfs/file_system.h"
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

CallResult Start(SyscallContext& context, IoDirection direction, DescriptionRef file,
                 UserBuffer buffer) {
  if (direction == IoDirection::kRead && os_emu::Socket::From(*file) != nullptr) {
    return ReadSocket(context, std::move(file), std::move(buffer));
  }
  return direction == IoDirection::kRead
             ? os_emu::StartRead(context.thread(), std::move(file), std::move(buffer))
             : os_emu::StartWrite(context.thread(), std::move(file), std::move(buffer));
}

// vfs_read(): the access mode is looked at before the buffer.
CallResult AtPosition(SyscallContext& context, IoDirection direction) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (!Allows(**file, direction)) return Errno::kBadF;
  if (!Has(**file, direction)) return Errno::kInval;
  Result<UserBuffer> buffer = context.Buffer(context.Addr(1), context.Arg(2));
  if (!buffer.ok()) return buffer.error();
  return Start(context, direction, *std::move(file), *std::move(buffer));
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
      CallResult first = os_emu::StartWrite(context.thread(), file, buffer);
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

// ---- sendfile

constexpr uint64_t kChunkBytes = 65536;

// Where sendfile and copy_file_range are in a file: at the guest's offset, or at the file's own
// position.
class Position {
 public:
  Position(DescriptionRef file, std::optional<uint64_t> offset)
      : file_(std::move(file)), offset_(offset) {}

  Result<uint64_t> Now() {
    if (offset_.has_value()) return *offset_;
    const Result<uint64_t> at = file_->Seek(0, os_emu::Whence::kCurrent);
    return at.ok() ? *at : 0;  // f_pos of a file without positions.
  }
  void Advance(uint64_t bytes) {
    if (offset_.has_value()) {
      *offset_ += bytes;
    } else {
      (void)file_->Seek(static_cast<int64_t>(bytes), os_emu::Whence::kCurrent).ok();
    }
  }
  os_emu::FileDescription& file() { return *file_; }
  const std::optional<uint64_t>& offset() const { return offset_; }

 private:
  DescriptionRef file_;
  std::optional<uint64_t> offset_;
};

Result<size_t> ReadChunk(Position& from, std::string* chunk, uint64_t bytes) {
  POLLUX_ASSIGN_OR_RETURN(const uint64_t at, from.Now());
  // do_splice_direct() has a pipe of 16 slots, and a slot holds bytes of one page of the file.
  chunk->resize(std::min(bytes, kChunkBytes - at % memory::kPageBytes));
  UserBuffer buffer = UserBuffer::Host({reinterpret_cast<uint8_t*>(chunk->data()), chunk->size()});
  POLLUX_ASSIGN_OR_RETURN(const size_t got, from.file().ReadAt(buffer, at));
  chunk->resize(got);
  return got;
}

// A sendfile whose destination had no room for the first byte: a write of bytes that were read
// already. It ends with what that write takes, as any sendfile may end short.
class SendfileCall final : public os_emu::BlockedCall {
 public:
  SendfileCall(std::unique_ptr<std::string> chunk, std::unique_ptr<os_emu::BlockedCall> write,
               Position from, os_emu::Thread& thread, GuestAddr offset)
      : chunk_(std::move(chunk)),
        write_(std::move(write)),
        from_(std::move(from)),
        thread_(thread),
        offset_(offset) {}

  Result<int64_t> Resume(os_emu::Thread& thread, bool timed_out) override {
    return End(write_->Resume(thread, timed_out));
  }
  void Park(os_emu::Thread& thread) override { write_->Park(thread); }
  void Unpark() override { write_->Unpark(); }
  Result<int64_t> Interrupt() override { return End(write_->Interrupt()); }
  os_emu::OnSignal on_signal() const override { return write_->on_signal(); }
  const char* TypeName() const override { return "sendfile"; }

 private:
  Result<int64_t> End(const Result<int64_t>& written) {
    if (!written.ok()) return written;
    if (*written > 0) from_.file().NoteAccess();
    from_.Advance(static_cast<uint64_t>(*written));
    if (from_.offset().has_value()) {
      POLLUX_RETURN_IF_ERROR(
          thread_.process().memory->WriteObject(offset_, static_cast<int64_t>(*from_.offset())));
    }
    return written;
  }

  std::unique_ptr<std::string> chunk_;  // What write_ reads.
  std::unique_ptr<os_emu::BlockedCall> write_;
  Position from_;
  os_emu::Thread& thread_;
  GuestAddr offset_;
};

// The offset argument: kFault, kInval (negative).
Result<std::optional<uint64_t>> OffsetArgument(SyscallContext& context, int i) {
  if (context.Addr(i).IsNull()) return std::optional<uint64_t>();
  POLLUX_ASSIGN_OR_RETURN(const int64_t offset, context.In<int64_t>(context.Addr(i)));
  if (offset < 0) return Errno::kInval;
  return std::optional<uint64_t>(static_cast<uint64_t>(offset));
}

}  // namespace

CallResult SysRead(SyscallContext& context) { return AtPosition(context, IoDirection::kRead); }
CallResult SysWrite(SyscallContext& context) { return AtPosition(context, IoDirection::kWrite); }
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

// do_sendfile(). A destination that runs out of room in the middle ends it with a short count.
CallResult SysSendfile(SyscallContext& context) {
  std::optional<uint64_t> offset;
  if (!context.Addr(2).IsNull()) {
    Result<int64_t> given = context.In<int64_t>(context.Addr(2));
    if (!given.ok()) return given.error();
    offset = static_cast<uint64_t>(*given);
  }
  Result<DescriptionRef> in = context.File(1);
  if (!in.ok()) return in.error();
  if (!(*in)->readable()) return Errno::kBadF;
  const bool has_positions = (*in)->HasPositions();
  const bool seekable = (*in)->Seek(0, os_emu::Whence::kCurrent).ok();
  if (offset.has_value() && !has_positions) return Errno::kSPipe;
  if (offset.has_value() && static_cast<int64_t>(*offset) < 0) return Errno::kInval;
  Result<DescriptionRef> out = context.File(0);
  if (!out.ok()) return out.error();
  if (!(*out)->writable()) return Errno::kBadF;

  if (os_emu::PipeEnd::From(**out) != nullptr) {
    return SendfileToPipe(context, *std::move(in), *std::move(out), offset, has_positions,
                          std::min(context.Arg(3), kMaxTransfer));
  }
  // do_splice_direct(): from what can be read again only, so that nothing is lost on the way.
  if (((*out)->status_flags() & os_emu::kOAppend) != 0 || !seekable) return Errno::kInval;
  if (context.Arg(3) == 0) return 0;
  if (!(*in)->CanSpliceFrom()) return Errno::kInval;
  // Both positions are taken at the start and set at the end, so that a file that is sent to itself
  // is read and written from the same place on.
  const bool out_has_positions = (*out)->HasWrite() && (*out)->HasPositions();
  uint64_t out_at = 0;
  if (out_has_positions) {
    const Result<uint64_t> at = (*out)->Seek(0, os_emu::Whence::kCurrent);
    if (!at.ok()) return at.error();
    out_at = *at;
  }
  // /dev/zero is read from the same place again and again.
  os_emu::FileStatus in_status;
  const bool in_moves = (*in)->Stat(&in_status).ok() &&
                        (in_status.mode & os_emu::kModeTypeMask) != os_emu::kModeCharacter;
  const Result<uint64_t> in_at = Position(*in, offset).Now();
  if (!in_at.ok()) return in_at.error();
  Position from(*in, *in_at);
  uint64_t left = std::min(context.Arg(3), kMaxTransfer);
  int64_t sent = 0;
  std::optional<Errno> error;
  while (left > 0) {
    std::string chunk;
    const Result<size_t> got = ReadChunk(from, &chunk, left);
    if (!got.ok() || *got == 0) {
      if (!got.ok()) error = got.error();
      break;
    }
    if (!(*out)->CanSpliceTo()) {
      error = Errno::kInval;
      break;
    }
    os_emu::Socket* const socket = os_emu::Socket::From(**out);
    // What is not all that was asked for is begun (SPLICE_F_MORE), and sent at the end of the file
    // (do_splice_eof()): but not by UDP over IPv6, which has no splice_eof() (measured on Linux
    // 6.18).
    const bool more = *got < left && socket != nullptr && socket->domain() == os_emu::kAfInet6 &&
                      socket->type() == os_emu::kSockDgram;
    // iter_file_splice_write() and splice_to_socket() go on until they hear why they cannot.
    size_t done = 0;
    Result<size_t> written = size_t{0};
    do {
      UserBuffer buffer = UserBuffer::HostConst(
          {reinterpret_cast<const uint8_t*>(chunk.data()) + done, chunk.size() - done});
      written = socket != nullptr   ? socket->Splice(buffer, more)
                : out_has_positions ? (*out)->WriteAt(buffer, out_at)
                                    : (*out)->Write(buffer);
      if (!written.ok() || *written == 0) break;
      done += *written;
      out_at += *written;
    } while (done < chunk.size());
    if (done == 0 && !written.ok() && written.error() == Errno::kAgain && sent == 0 &&
        !(*out)->nonblocking()) {
      auto held = std::make_unique<std::string>(std::move(chunk));
      CallResult started = os_emu::StartWrite(
          context.thread(), *out,
          UserBuffer::HostConst({reinterpret_cast<const uint8_t*>(held->data()), held->size()}));
      if (!started.blocked()) return started;
      return CallResult(std::make_unique<SendfileCall>(std::move(held), started.TakeBlocked(),
                                                       Position(*in, offset), context.thread(),
                                                       context.Addr(2)));
    }
    if (done == 0 && !written.ok()) {
      error = written.error();
      break;
    }
    if (in_moves) from.Advance(done);
    sent += static_cast<int64_t>(done);
    left -= done;
    if (done < chunk.size()) break;
  }
  if (sent > 0) {
    if (out_has_positions) {
      (void)(*out)->Seek(static_cast<int64_t>(out_at), os_emu::Whence::kSet).ok();
    }
    if (!offset.has_value()) {
      (void)(*in)->Seek(static_cast<int64_t>(*from.offset()), os_emu::Whence::kSet).ok();
    }
  }
  if (offset.has_value()) {
    Result<void> stored =
        context.Out<int64_t>(context.Addr(2), static_cast<int64_t>(*from.offset()));
    if (!stored.ok()) return stored.error();
  }
  if (sent > 0) {
    (*in)->NoteAccess();
    (*out)->NoteModify();
    return sent;
  }
  if (error == Errno::kPipe && (*out)->broken_pipe() != os_emu::BrokenPipe::kQuiet) {
    os_emu::RaiseSigPipe(context.thread());
  }
  if (error.has_value()) return *error;
  return 0;
}

CallResult SysCopyFileRange(SyscallContext& context) {
  Result<DescriptionRef> in = context.File(0);
  if (!in.ok()) return in.error();
  Result<DescriptionRef> out = context.File(2);
  if (!out.ok()) return out.error();
  Result<std::optional<uint64_t>> in_offset = OffsetArgument(context, 1);
  if (!in_offset.ok()) return in_offset.error();
  Result<std::optional<uint64_t>> out_offset = OffsetArgument(context, 3);
  if (!out_offset.ok()) return out_offset.error();
  if (context.Arg(5) != 0) return Errno::kInval;

  // generic_copy_file_checks()
  os_emu::FileStatus in_status, out_status;
  Result<void> stat = (*in)->Stat(&in_status);
  if (!stat.ok()) return stat.error();
  stat = (*out)->Stat(&out_status);
  if (!stat.ok()) return stat.error();
  const auto is = [](const os_emu::FileStatus& status, uint32_t type) {
    return (status.mode & os_emu::kModeTypeMask) == type;
  };
  if (is(in_status, os_emu::kModeDirectory) || is(out_status, os_emu::kModeDirectory))
    return Errno::kIsDir;
  // A pidfd's inode is a regular one that does not say so (fs/pidfs.c).
  const auto is_regular = [&is](os_emu::FileDescription& file, const os_emu::FileStatus& status) {
    return is(status, os_emu::kModeRegular) || os_emu::PidFd::From(file) != nullptr;
  };
  if (!is_regular(**in, in_status) || !is_regular(**out, out_status)) return Errno::kInval;
  if (!(*in)->readable() || !(*out)->writable()) return Errno::kBadF;
  if (((*out)->status_flags() & os_emu::kOAppend) != 0) return Errno::kBadF;
  if (in_status.dev != out_status.dev) return Errno::kXDev;

  Position from(*in, *in_offset), to(*out, *out_offset);
  const Result<uint64_t> from_at = from.Now(), to_at = to.Now();
  if (!from_at.ok()) return from_at.error();
  if (!to_at.ok()) return to_at.error();
  const uint64_t length = context.Arg(4);
  constexpr uint64_t kMax = INT64_MAX;
  if (length > kMax || *from_at > kMax - length || *to_at > kMax - length) return Errno::kOverflow;
  uint64_t left = std::min(length, kMaxTransfer);
  left = *from_at >= in_status.size ? 0 : std::min(left, in_status.size - *from_at);
  const Result<uint64_t> allowed = context.kernel().files().CheckWrite(*to_at, left);
  if (!allowed.ok()) return allowed.error();
  left = *allowed;
  const bool same = in_status.dev == out_status.dev && in_status.ino == out_status.ino;
  if (same && *to_at + left > *from_at && *to_at < *from_at + left) return Errno::kInval;

  int64_t copied = 0;
  std::optional<Errno> error;
  while (left > 0) {
    std::string chunk;
    const Result<size_t> got = ReadChunk(from, &chunk, left);
    if (!got.ok() || *got == 0) {
      if (!got.ok()) error = got.error();
      break;
    }
    UserBuffer buffer =
        UserBuffer::HostConst({reinterpret_cast<const uint8_t*>(chunk.data()), chunk.size()});
    const Result<uint64_t> at = to.Now();
    if (!at.ok()) return at.error();
    const Result<size_t> written = (*out)->WriteAt(buffer, *at);
    if (!written.ok()) {
      error = written.error();
      break;
    }
    from.Advance(*written);
    to.Advance(*written);
    copied += static_cast<int64_t>(*written);
    left -= *written;
    if (*written < chunk.size()) break;
  }
  if (copied == 0) return error.has_value() ? CallResult(*error) : CallResult(0);
  for (const auto& [position, index] : {std::pair<Position*, int>{&from, 1}, {&to, 3}}) {
    if (!position->offset().has_value()) continue;
    Result<void> stored =
        context.Out<int64_t>(context.Addr(index), static_cast<int64_t>(*position->offset()));
    if (!stored.ok()) return stored.error();
  }
  (*in)->NoteAccess();
  (*out)->NoteModify();
  return copied;
}

}  // namespace pollux::shims
