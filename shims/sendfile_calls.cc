// sendfile(2) and copy_file_range(2) (fs/read_write.c, fs/splice.c).
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "os_emu/file/file_status.h"
#include "os_emu/pidfd/pidfd.h"
#include "os_emu/pipe/pipe.h"
#include "os_emu/socket/socket.h"
#include "os_emu/task/calls.h"
#include "os_emu/vfs/file_system.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using memory::UserBuffer;
using os_emu::FileDescription;
using os_emu::Thread;

constexpr uint64_t kChunkBytes = 65536;

// Where copy_file_range is in a file: at the guest's offset, or at the file's own
// position.
class Position {
 public:
  Position(DescriptionRef file, std::optional<int64_t> offset) : file_(std::move(file)) {
    if (offset.has_value()) offset_ = static_cast<uint64_t>(*offset);
  }

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
  const std::optional<uint64_t>& offset() const { return offset_; }

 private:
  DescriptionRef file_;
  std::optional<uint64_t> offset_;
};

// What was read of a file. Its memory stays: a file that is sent to itself is read in a great many
// small pieces.
class Chunk {
 public:
  // What is in the file at `at`, of at most `bytes`; nothing after an error.
  Result<void> Read(FileDescription& from, uint64_t at, uint64_t bytes) {
    // do_splice_direct() has a pipe of 16 slots, and a slot holds bytes of one page of the file.
    const uint64_t wanted = std::min(bytes, kChunkBytes - at % memory::kPageBytes);
    if (bytes_.size() < wanted) bytes_.resize(wanted);
    UserBuffer buffer = UserBuffer::Host({bytes_.data(), wanted});
    const Result<size_t> got = from.ReadAt(buffer, at);
    size_ = got.ok() ? *got : 0;
    return got.ok() ? Result<void>() : got.error();
  }
  size_t size() const { return size_; }
  UserBuffer From(size_t start) const {
    return UserBuffer::HostConst({bytes_.data() + start, size_ - start});
  }

 private:
  std::vector<uint8_t> bytes_;
  size_t size_ = 0;
};

// One sendfile(2) to anything but a pipe (do_splice_direct()). Both positions are taken at the
// start and set at the end, so that a file that is sent to itself is read and written from the same
// place on.
class Sendfile {
 public:
  Sendfile(DescriptionRef in, DescriptionRef out, uint64_t in_at, uint64_t out_at, uint64_t bytes,
           GuestAddr offset)
      : in_(std::move(in)),
        out_(std::move(out)),
        in_at_(in_at),
        out_at_(out_at),
        left_(bytes),
        offset_(offset) {
    // /dev/zero is read from the same place again and again.
    os_emu::FileStatus status;
    in_moves_ =
        in_->Stat(&status).ok() && (status.mode & os_emu::kModeTypeMask) != os_emu::kModeCharacter;
    out_has_positions_ = out_->HasWrite() && out_->HasPositions();
  }

  // Sends on until all is sent, there is nothing more to send, or something else ends it. kAgain:
  // there is no room.
  Result<void> Go(bool has_waited = false) {
    const int64_t before = sent_;
    const Result<void> end = SendOn(has_waited);
    // sock_alloc_send_pskb(), which waits, sends no SIGPIPE.
    os_emu::Socket* const socket = os_emu::Socket::From(*out_);
    is_quiet_ =
        has_waited && sent_ == before && socket != nullptr && socket->domain() == os_emu::kAfUnix;
    return end;
  }

  // What the call returns, and all else that belongs to its end.
  Result<int64_t> End(Thread& thread, const Result<void>& end) {
    if (sent_ > 0) {
      if (out_has_positions_)
        (void)out_->Seek(static_cast<int64_t>(out_at_), os_emu::Whence::kSet).ok();
      if (offset_.IsNull())
        (void)in_->Seek(static_cast<int64_t>(in_at_), os_emu::Whence::kSet).ok();
    }
    if (!end.ok() && end.error() == Errno::kPipe && !is_quiet_ &&
        out_->broken_pipe() != os_emu::BrokenPipe::kQuiet) {
      os_emu::RaiseSigPipe(thread);
    }
    if (!offset_.IsNull()) {
      POLLUX_RETURN_IF_ERROR(
          thread.process().memory->WriteObject(offset_, static_cast<int64_t>(in_at_)));
    }
    if (sent_ > 0) {
      in_->NoteAccess();
      out_->NoteModify();
      return sent_;
    }
    if (!end.ok()) return end.error();
    return int64_t{0};
  }

  int64_t sent() const { return sent_; }
  FileDescription& out() { return *out_; }

 private:
  Result<void> SendOn(bool has_waited) {
    while (true) {
      if (chunk_done_ == chunk_.size()) {
        if (left_ == 0) return {};
        chunk_done_ = 0;
        POLLUX_RETURN_IF_ERROR(chunk_.Read(*in_, in_at_, left_));
        if (chunk_.size() == 0) return {};
        if (!out_->CanSpliceTo()) return Errno::kInval;
        is_last_ = chunk_.size() == left_;
      }
      // iter_file_splice_write() and splice_to_socket() go on until they hear why they cannot.
      POLLUX_ASSIGN_OR_RETURN(const size_t written, Write(has_waited));
      if (written == 0) return {};
      chunk_done_ += written;
      out_at_ += written;
      if (in_moves_) in_at_ += written;
      sent_ += static_cast<int64_t>(written);
      left_ -= written;
    }
  }

  Result<size_t> Write(bool has_waited) {
    UserBuffer buffer = chunk_.From(chunk_done_);
    if (os_emu::Socket* const socket = os_emu::Socket::From(*out_)) {
      // What is not all that was asked for is begun (SPLICE_F_MORE), and sent at the end of the
      // file (do_splice_eof()): but not by UDP over IPv6, which has no splice_eof() (measured on
      // Linux 6.18).
      const bool more =
          !is_last_ && socket->domain() == os_emu::kAfInet6 && socket->type() == os_emu::kSockDgram;
      return socket->Splice(buffer, more, has_waited);
    }
    return out_has_positions_ ? out_->WriteAt(buffer, out_at_) : out_->Write(buffer);
  }

  DescriptionRef in_, out_;
  uint64_t in_at_, out_at_;
  uint64_t left_;
  int64_t sent_ = 0;
  GuestAddr offset_;  // Where the guest keeps the position; null: it is the file's own.
  bool in_moves_ = true;
  bool out_has_positions_ = false;
  Chunk chunk_;  // What was read, and how much of it was written.
  size_t chunk_done_ = 0;
  bool is_last_ = false;
  bool is_quiet_ = false;
};

// One whose destination has no room.
class SendfileCall final : public os_emu::BlockedCall {
 public:
  explicit SendfileCall(Sendfile sendfile) : sendfile_(std::move(sendfile)) {}

  Result<int64_t> Resume(Thread& thread, bool timed_out) override {
    const Result<void> end = sendfile_.Go(/*has_waited=*/true);
    if (end.ok() || end.error() != Errno::kAgain || timed_out) return sendfile_.End(thread, end);
    if (!waiter_->waiting()) Join(thread);
    return Errno::kAgain;
  }
  void Park(Thread& thread) override {
    thread_ = &thread;
    waiter_.emplace(thread, sendfile_.out().WriteWait().keys, os_emu::ThreadWaiter::OnWake::kLeave);
    Join(thread);
  }
  void Unpark() override { waiter_.reset(); }
  Result<int64_t> Interrupt() override { return sendfile_.End(*thread_, Errno::kIntr); }
  os_emu::OnSignal on_signal() const override {
    return limited_ ? os_emu::OnSignal::kEintr : os_emu::OnSignal::kRestart;
  }
  const char* TypeName() const override { return "sendfile"; }

 private:
  void Join(Thread& thread) {
    const os_emu::WaitPlan plan = sendfile_.out().WriteWait();
    plan.queue->Add(*waiter_, plan.mode);
    limited_ = plan.limit != kNanosMax && !plan.limit_restarts;
    // The limit is that of each sendmsg(2) within.
    if (limited_ && sendfile_.sent() > sent_at_join_)
      set_deadline(os_emu::DeadlineAfter(thread.process().kernel().clock(), plan.limit));
    sent_at_join_ = sendfile_.sent();
  }

  Sendfile sendfile_;
  Thread* thread_ = nullptr;
  std::optional<os_emu::ThreadWaiter> waiter_;
  bool limited_ = false;
  int64_t sent_at_join_ = -1;
};

}  // namespace

// do_sendfile()
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
  uint64_t out_at = 0;
  if ((*out)->HasWrite() && (*out)->HasPositions()) {
    const Result<uint64_t> at = (*out)->Seek(0, os_emu::Whence::kCurrent);
    if (!at.ok()) return at.error();
    out_at = *at;
  }
  const Result<uint64_t> in_at = Position(*in, offset).Now();
  if (!in_at.ok()) return in_at.error();
  Sendfile sendfile(*in, *out, *in_at, out_at, std::min(context.Arg(3), kMaxTransfer),
                    context.Addr(2));
  const Result<void> end = sendfile.Go();
  const bool waits = !end.ok() && end.error() == Errno::kAgain && !(*out)->nonblocking() &&
                     (*out)->WriteWait().queue != nullptr;
  if (!waits) return sendfile.End(context.thread(), end);
  return std::unique_ptr<os_emu::BlockedCall>(std::make_unique<SendfileCall>(std::move(sendfile)));
}

CallResult SysCopyFileRange(SyscallContext& context) {
  Result<DescriptionRef> in = context.File(0);
  if (!in.ok()) return in.error();
  Result<DescriptionRef> out = context.File(2);
  if (!out.ok()) return out.error();
  const Result<std::optional<int64_t>> in_offset = context.OffsetAt(1);
  if (!in_offset.ok()) return in_offset.error();
  const Result<std::optional<int64_t>> out_offset = context.OffsetAt(3);
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
  // Here an offset may still be negative: as a number without sign it may wrap.
  constexpr uint64_t kMax = INT64_MAX;
  const uint64_t length = context.Arg(4);
  if (*from_at + length < *from_at || *to_at + length < *to_at) return Errno::kOverflow;
  const auto size = static_cast<int64_t>(in_status.size), start = static_cast<int64_t>(*from_at);
  uint64_t left = start >= size ? 0 : std::min(length, in_status.size - *from_at);
  const Result<uint64_t> allowed = context.kernel().files().CheckWrite(*to_at, left);
  if (!allowed.ok()) return allowed.error();
  if (*to_at == kMax) return Errno::kFBig;  // generic_write_check_limits()
  left = std::min(*allowed, kMaxTransfer);
  const bool same = in_status.dev == out_status.dev && in_status.ino == out_status.ino;
  if (same && *to_at + left > *from_at && *to_at < *from_at + left) return Errno::kInval;
  if (*from_at > kMax || *to_at > kMax) return Errno::kInval;  // rw_verify_area()

  int64_t copied = 0;
  std::optional<Errno> error;
  while (left > 0) {
    Chunk chunk;
    const Result<uint64_t> read_at = from.Now();
    if (!read_at.ok()) return read_at.error();
    const Result<void> read = chunk.Read(**in, *read_at, left);
    if (!read.ok()) error = read.error();
    if (chunk.size() == 0) break;
    UserBuffer buffer = chunk.From(0);
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
