// Descriptions of regular files of the host.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/host_inode.h"
#include "os_emu/vfs/host_pages.h"

namespace pollux::os_emu {
namespace {

// Guest memory is reached through a buffer, a piece at a time.
constexpr size_t kBufferBytes = 64 << 10;

class HostFile final : public RegularFile {
 public:
  HostFile(DentryRef dentry, uint32_t status_flags, HostFd fd)
      : RegularFile(std::move(dentry), status_flags), fd_(std::move(fd)) {}

 private:
  Result<uint64_t> Size() override;
  Result<size_t> ReadBytes(memory::UserBuffer& to, uint64_t offset) override;
  Result<size_t> WriteBytes(memory::UserBuffer& from, uint64_t* offset, bool append) override;
  Result<void> SetSize(uint64_t bytes) override;
  Result<void> Allocate(uint32_t mode, uint64_t offset, uint64_t bytes) override;
  Result<std::shared_ptr<memory::SharedObject>> MapPages() override {
    if (!readable()) return Errno::kAcces;
    POLLUX_ASSIGN_OR_RETURN(std::shared_ptr<HostPages> pages, file().MapPages(fd_, writable()));
    return std::shared_ptr<memory::SharedObject>(std::move(pages));
  }
  Result<void> Sync() override {
    const auto pages = file().pages();
    return pages != nullptr ? pages->WriteBack() : Result<void>();
  }
  void OnRelease() override { fd_ = HostFd(); }
  HostInode& file() const { return static_cast<HostInode&>(inode()); }
  // What pwrite(2) says; at the end of the file if `append`, which then becomes *offset.
  ssize_t WriteOnHost(const uint8_t* bytes, size_t count, uint64_t* offset, bool append);

  HostFd fd_;
};

Result<uint64_t> HostFile::Size() {
  struct stat host;
  if (fstat(fd_.get(), &host) != 0) return ErrnoFromHost(errno);
  return static_cast<uint64_t>(host.st_size);
}

Result<size_t> HostFile::ReadBytes(memory::UserBuffer& to, uint64_t offset) {
  POLLUX_RETURN_IF_ERROR(Sync());
  const size_t buffer_bytes = std::min<uint64_t>(kBufferBytes, to.remaining());
  const auto buffer = std::make_unique<uint8_t[]>(buffer_bytes);
  size_t copied = 0;
  while (to.remaining() > 0) {
    const size_t wanted = std::min<uint64_t>(buffer_bytes, to.remaining());
    const ssize_t got = pread(fd_.get(), buffer.get(), wanted, static_cast<off_t>(offset + copied));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      if (copied == 0) return ErrnoFromHost(errno);
      break;
    }
    if (got == 0) break;
    const size_t done = to.CopyTo({buffer.get(), static_cast<size_t>(got)});
    copied += done;
    if (done < static_cast<size_t>(got)) {
      if (copied == 0) return Errno::kFault;
      break;
    }
    if (static_cast<size_t>(got) < wanted) break;
  }
  return copied;
}

ssize_t HostFile::WriteOnHost(const uint8_t* bytes, size_t count, uint64_t* offset, bool append) {
  if (!append) return pwrite(fd_.get(), bytes, count, static_cast<off_t>(*offset));
  // F_SETFL may have changed since the host's file was opened, so the flag goes with each write.
  const struct iovec piece = {const_cast<uint8_t*>(bytes), count};
  ssize_t written = pwritev2(fd_.get(), &piece, 1, 0, RWF_APPEND);
  struct stat host;
  if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
    if (fstat(fd_.get(), &host) != 0) return -1;
    written = pwrite(fd_.get(), bytes, count, host.st_size);
  }
  if (written > 0 && fstat(fd_.get(), &host) == 0 && host.st_size >= written) {
    *offset = static_cast<uint64_t>(host.st_size - written);
  }
  return written;
}

Result<size_t> HostFile::WriteBytes(memory::UserBuffer& from, uint64_t* offset, bool append) {
  const size_t buffer_bytes = std::min<uint64_t>(kBufferBytes, from.remaining());
  const auto buffer = std::make_unique<uint8_t[]>(buffer_bytes);
  size_t copied = 0;
  while (from.remaining() > 0) {
    const size_t wanted = std::min<uint64_t>(buffer_bytes, from.remaining());
    const size_t taken = from.CopyFrom({buffer.get(), wanted});
    if (taken == 0) {
      if (copied == 0) return Errno::kFault;
      break;
    }
    uint64_t at = *offset + copied;
    ssize_t written;
    do {
      written = WriteOnHost(buffer.get(), taken, &at, append);
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
      const Errno error = ErrnoFromHost(errno);
      from.Revert(taken);
      if (copied == 0) return error;
      break;
    }
    if (append && written > 0) *offset = at - copied;
    if (const auto pages = file().pages(); pages != nullptr && written > 0) {
      pages->WritePresent(at, {buffer.get(), static_cast<size_t>(written)});
      pages->SizeMayHaveChanged();
    }
    copied += static_cast<size_t>(written);
    if (static_cast<size_t>(written) < taken) {
      from.Revert(taken - static_cast<size_t>(written));
      break;
    }
    if (taken < wanted) break;
  }
  return copied;
}

Result<void> HostFile::SetSize(uint64_t bytes) {
  POLLUX_RETURN_IF_ERROR(Sync());
  if (ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) return ErrnoFromHost(errno);
  if (const auto pages = file().pages()) pages->SetSize(bytes);
  return {};
}

Result<void> HostFile::Allocate(uint32_t mode, uint64_t offset, uint64_t bytes) {
  if ((mode & kAllocateKeepSize) == 0) {
    POLLUX_ASSIGN_OR_RETURN(const uint64_t size, Size());
    POLLUX_RETURN_IF_ERROR(inode().super().files().CheckSize(size, offset + bytes));
  }
  POLLUX_RETURN_IF_ERROR(Sync());
  const int keep_size = (mode & kAllocateKeepSize) != 0 ? FALLOC_FL_KEEP_SIZE : 0;
  const int punch_hole = (mode & kAllocatePunchHole) != 0 ? FALLOC_FL_PUNCH_HOLE : 0;
  if (fallocate(fd_.get(), keep_size | punch_hole, static_cast<off_t>(offset),
                static_cast<off_t>(bytes)) != 0) {
    return ErrnoFromHost(errno);
  }
  if (const auto pages = file().pages()) {
    if (punch_hole != 0) {
      // Read again from the file, whose pages at the ends are zeros in part.
      pages->DropPages(offset / memory::kPageBytes,
                       (offset + bytes + memory::kPageBytes - 1) / memory::kPageBytes);
    }
    pages->SizeMayHaveChanged();
  }
  return {};
}

}  // namespace

DescriptionRef MakeHostFile(DentryRef dentry, uint32_t status_flags, HostFd fd) {
  return MakeDescription<HostFile>(std::move(dentry), status_flags, std::move(fd));
}

}  // namespace pollux::os_emu
