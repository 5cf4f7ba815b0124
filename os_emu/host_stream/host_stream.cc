#include "os_emu/host_stream/host_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "os_emu/file/fd_label.h"
#include "os_emu/file/file_status.h"

namespace pollux::os_emu {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;
// POLLOUT of a pipe promises room for one page (PIPE_BUF), no more.
constexpr size_t kCertainBytes = 4096;

// ioctl numbers that x86-64, arm64 and riscv64 share (asm-generic/ioctls.h).
constexpr uint32_t kTcGets = 0x5401, kTiocGWinSz = 0x5413, kFioNRead = 0x541b;

Nanos ToNanos(const timespec& time) { return {time.tv_sec * kNanosPerSecond + time.tv_nsec}; }

// The events of a host's epoll or poll with the bits that Linux's own wake-ups carry beside them.
EventMask ToEvents(uint32_t host) {
  constexpr uint32_t kKnown = kIn | kPri | kOut | kErr | kHup | kRdHup | kRdBand | kWrBand;
  EventMask events = host & kKnown;
  if ((events & kIn) != 0) events |= kRdNorm;
  if ((events & kOut) != 0) events |= kWrNorm;
  return events;
}

}  // namespace

absl::StatusOr<DescriptionRef> OpenHostStream(HostPoller& poller, int host_fd, std::string name,
                                              std::shared_ptr<SizeLimit> limit) {
  if (!poller.status().ok()) return poller.status();
  const int flags = fcntl(host_fd, F_GETFL);
  if (flags < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("the host refuses descriptor ", host_fd));
  }
  return MakeDescription<HostStream>(poller, host_fd, std::move(name),
                                     static_cast<uint32_t>(flags & (O_ACCMODE | O_APPEND)),
                                     std::move(limit));
}

HostStream::HostStream(HostPoller& poller, int host_fd, std::string name, uint32_t status_flags,
                       std::shared_ptr<SizeLimit> limit)
    : FileDescription(status_flags),
      HostWatcher(poller),
      host_fd_(host_fd),
      name_(std::move(name)),
      limit_(std::move(limit)) {
  // Not taken: a regular file, a directory, /dev/null. A guest's epoll gets the same answer.
  watchable_ = Watch(host_fd_, EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP);
  struct stat host;
  if (fstat(host_fd_, &host) != 0) return;
  is_regular_ = S_ISREG(host.st_mode);
  waits_ = !is_regular_ && !S_ISBLK(host.st_mode);
}

Result<bool> HostStream::ChangeAsync(FileDescription&, FdLabel, bool) {
  if (watchable_) return Errno::kOpNotSupp;
  return false;
}

void HostStream::OnHostEvents(uint32_t events) { queue_.Notify(ToEvents(events)); }

bool HostStream::HostReady(short events) const {
  pollfd host{host_fd_, events, 0};
  return poll(&host, 1, 0) > 0;
}

Result<size_t> HostStream::HostRead(std::span<uint8_t> to) {
  if (waits_) {
    const iovec range{to.data(), to.size()};
    const ssize_t bytes = preadv2(host_fd_, &range, 1, -1, RWF_NOWAIT);
    if (bytes >= 0) return static_cast<size_t>(bytes);
    if (errno != EOPNOTSUPP && errno != ESPIPE) return ErrnoFromHost(errno);
    // A terminal, for one, cannot say in the call itself that it would block.
    if (!HostReady(POLLIN)) return Errno::kAgain;
  }
  const ssize_t bytes = read(host_fd_, to.data(), to.size());
  if (bytes < 0) return ErrnoFromHost(errno);
  return static_cast<size_t>(bytes);
}

Result<size_t> HostStream::HostWrite(std::span<const uint8_t> from) {
  if (waits_) {
    const iovec range{const_cast<uint8_t*>(from.data()), from.size()};
    const ssize_t bytes = pwritev2(host_fd_, &range, 1, -1, RWF_NOWAIT);
    if (bytes >= 0) return static_cast<size_t>(bytes);
    if (errno != EOPNOTSUPP && errno != ESPIPE) return ErrnoFromHost(errno);
    if (!HostReady(POLLOUT)) return Errno::kAgain;
    from = from.first(std::min(from.size(), kCertainBytes));
  }
  const ssize_t bytes = write(host_fd_, from.data(), from.size());
  if (bytes < 0) return ErrnoFromHost(errno);
  return static_cast<size_t>(bytes);
}

size_t HostStream::TakeUnread(memory::UserBuffer& to) {
  const size_t bytes = std::min<uint64_t>(unread_.size(), to.remaining());
  const size_t copied = to.CopyTo(std::span(unread_).first(bytes));
  unread_.erase(unread_.begin(), unread_.begin() + static_cast<ptrdiff_t>(copied));
  return copied;
}

Result<size_t> HostStream::Read(memory::UserBuffer& to) {
  size_t done = 0;
  while (to.remaining() > 0) {
    if (unread_.empty()) {
      std::vector<uint8_t> chunk(std::min<uint64_t>(kChunkBytes, to.remaining()));
      const Result<size_t> bytes = HostRead(chunk);
      if (!bytes.ok()) return done > 0 ? Result<size_t>(done) : bytes.error();
      if (*bytes == 0) break;
      chunk.resize(*bytes);
      unread_ = std::move(chunk);
    }
    const size_t wanted = std::min<uint64_t>(unread_.size(), to.remaining());
    const size_t copied = TakeUnread(to);
    done += copied;
    if (copied < wanted) return done > 0 ? Result<size_t>(done) : Errno::kFault;
    // A pipe gives what it has; only a file is read to the end.
    if (waits_ && done < kChunkBytes) break;
  }
  return done;
}

Result<uint64_t> HostStream::Allowed(std::optional<uint64_t> offset, uint64_t bytes) const {
  if (limit_ == nullptr || !is_regular_ || bytes == 0) return bytes;
  const int flags = fcntl(host_fd_, F_GETFL);
  if (flags >= 0 && (flags & O_APPEND) != 0) {
    struct stat host;
    if (fstat(host_fd_, &host) != 0) return ErrnoFromHost(errno);
    offset = static_cast<uint64_t>(host.st_size);
  } else if (!offset.has_value()) {
    const off_t now = lseek(host_fd_, 0, SEEK_CUR);
    if (now < 0) return ErrnoFromHost(errno);
    offset = static_cast<uint64_t>(now);
  }
  return limit_->CheckWrite(*offset, bytes);
}

Result<size_t> HostStream::Write(memory::UserBuffer& from) {
  if (from.remaining() == 0) return HostWrite({});
  POLLUX_ASSIGN_OR_RETURN(const uint64_t allowed, Allowed(std::nullopt, from.remaining()));
  from.Truncate(allowed);
  size_t done = 0;
  std::vector<uint8_t> chunk(std::min<uint64_t>(kChunkBytes, from.remaining()));
  while (from.remaining() > 0) {
    const size_t wanted = std::min<uint64_t>(chunk.size(), from.remaining());
    const size_t copied = from.CopyFrom(std::span(chunk).first(wanted));
    if (copied == 0) return done > 0 ? Result<size_t>(done) : Errno::kFault;
    const Result<size_t> bytes = HostWrite(std::span(chunk).first(copied));
    if (!bytes.ok()) {
      from.Revert(copied);
      return done > 0 ? Result<size_t>(done) : bytes.error();
    }
    from.Revert(copied - *bytes);
    done += *bytes;
    if (*bytes == 0 || copied < wanted) break;
  }
  return done;
}

Result<size_t> HostStream::ReadAt(memory::UserBuffer& to, uint64_t offset) {
  if (offset > INT64_MAX) return Errno::kInval;
  std::vector<uint8_t> chunk(std::min<uint64_t>(kChunkBytes, to.remaining()));
  const ssize_t bytes = pread(host_fd_, chunk.data(), chunk.size(), static_cast<off_t>(offset));
  if (bytes < 0) return ErrnoFromHost(errno);
  const size_t copied = to.CopyTo(std::span(chunk).first(static_cast<size_t>(bytes)));
  if (copied == 0 && bytes > 0) return Errno::kFault;
  return copied;
}

Result<size_t> HostStream::WriteAt(memory::UserBuffer& from, uint64_t offset) {
  if (offset > INT64_MAX) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const uint64_t allowed, Allowed(offset, from.remaining()));
  from.Truncate(allowed);
  std::vector<uint8_t> chunk(std::min<uint64_t>(kChunkBytes, from.remaining()));
  const size_t copied = from.CopyFrom(chunk);
  if (copied == 0 && !chunk.empty()) return Errno::kFault;
  const ssize_t bytes = pwrite(host_fd_, chunk.data(), copied, static_cast<off_t>(offset));
  if (bytes < 0) return ErrnoFromHost(errno);
  from.Revert(copied - static_cast<size_t>(bytes));
  return static_cast<size_t>(bytes);
}

Result<uint64_t> HostStream::Seek(int64_t offset, Whence whence) {
  const off_t position = lseek(host_fd_, offset, static_cast<int>(whence));
  if (position < 0) return ErrnoFromHost(errno);
  return static_cast<uint64_t>(position);
}

EventMask HostStream::Poll() {
  pollfd host{host_fd_, POLLIN | POLLPRI | POLLOUT | POLLRDHUP, 0};
  if (poll(&host, 1, 0) < 0 || (host.revents & POLLNVAL) != 0) return kErr | kHup;
  EventMask events = ToEvents(static_cast<uint16_t>(host.revents));
  if (!unread_.empty()) events |= kReadable;
  return events;
}

int HostStream::PollQueues(WaitQueue* queues[2]) {
  if (!watchable_) return 0;
  queues[0] = &queue_;
  return 1;
}

Result<void> HostStream::Stat(FileStatus* status) {
  struct stat host;
  if (fstat(host_fd_, &host) != 0) return ErrnoFromHost(errno);
  *status = FileStatus();
  status->dev = MakeDevice(major(host.st_dev), minor(host.st_dev));
  status->ino = host.st_ino;
  status->mode = host.st_mode;
  status->nlink = static_cast<uint32_t>(host.st_nlink);
  status->uid = host.st_uid;
  status->gid = host.st_gid;
  status->rdev = MakeDevice(major(host.st_rdev), minor(host.st_rdev));
  status->size = static_cast<uint64_t>(host.st_size);
  status->blksize = static_cast<uint32_t>(host.st_blksize);
  status->blocks = static_cast<uint64_t>(host.st_blocks);
  status->atime = ToNanos(host.st_atim);
  status->mtime = ToNanos(host.st_mtim);
  status->ctime = ToNanos(host.st_ctim);
  status->btime = status->ctime;
  return {};
}

Result<void> HostStream::Truncate(uint64_t bytes) {
  if (struct stat host; limit_ != nullptr && is_regular_ && fstat(host_fd_, &host) == 0) {
    POLLUX_RETURN_IF_ERROR(limit_->CheckSize(static_cast<uint64_t>(host.st_size), bytes));
  }
  if (ftruncate(host_fd_, static_cast<off_t>(bytes)) != 0) return ErrnoFromHost(errno);
  return {};
}

Result<int64_t> HostStream::Ioctl(uint32_t request, uint64_t argument,
                                  memory::AddressSpace* space) {
  size_t bytes = 0;
  switch (request) {
    case kTcGets:
      bytes = 36;  // struct termios of the kernel: 4 flag words, the line, 19 control characters.
      break;
    case kTiocGWinSz:
      bytes = 8;
      break;
    case kFioNRead:
      bytes = 4;
      break;
    default:
      return Errno::kNotTy;
  }
  std::array<uint8_t, 64> answer{};
  if (ioctl(host_fd_, request, answer.data()) != 0) return ErrnoFromHost(errno);
  if (space->Write(GuestAddr{argument}, std::span(answer).first(bytes)) != bytes) {
    return Errno::kFault;
  }
  return int64_t{0};
}

std::string HostStream::LinkText() const {
  struct stat host;
  if (fstat(host_fd_, &host) != 0) return name_;
  // Never a path of the host.
  if (S_ISFIFO(host.st_mode)) return absl::StrCat("pipe:[", host.st_ino, "]");
  if (S_ISSOCK(host.st_mode)) return absl::StrCat("socket:[", host.st_ino, "]");
  if (S_ISCHR(host.st_mode)) return isatty(host_fd_) ? "/dev/tty" : "/dev/null";
  return absl::StrCat("/dev/", name_);
}

}  // namespace pollux::os_emu
