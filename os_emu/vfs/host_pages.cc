#include "os_emu/vfs/host_pages.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "memory/address_space.h"

namespace pollux::os_emu {

using memory::kPageBytes;

Result<std::shared_ptr<HostPages>> HostPages::Create(memory::MemoryBudget* budget, HostFd fd,
                                                     bool writable) {
  struct stat host;
  if (fstat(fd.get(), &host) != 0) return ErrnoFromHost(errno);
  if (!budget->FitsObject(kPageBytes)) {
    return Errno::kNoMem;
  }
  std::shared_ptr<memory::SharedStore> store = memory::SharedStore::Of(budget);
  if (store == nullptr) return Errno::kNoMem;
  return std::make_shared<HostPages>(budget, std::move(store), static_cast<uint64_t>(host.st_size),
                                     std::move(fd), writable);
}

HostPages::HostPages(memory::MemoryBudget* budget, std::shared_ptr<memory::SharedStore> store,
                     uint64_t size_bytes, HostFd fd, bool writable)
    : SharedObject(budget, std::move(store), size_bytes), fd_(std::move(fd)), writable_(writable) {}

// Nobody is left to be told of a failure, as after close(2) on Linux.
HostPages::~HostPages() { (void)HostPages::WriteBack().ok(); }

void HostPages::MakeWritable(HostFd fd) {
  fd_ = std::move(fd);
  writable_ = true;
}

void HostPages::SizeMayHaveChanged() {
  struct stat host;
  if (fstat(fd_.get(), &host) == 0 && static_cast<uint64_t>(host.st_size) != size_bytes())
    SetSize(static_cast<uint64_t>(host.st_size));
}

void HostPages::Load(uint64_t page, std::span<uint8_t> to) {
  for (uint64_t done = 0; done < to.size();) {
    const ssize_t got = pread(fd_.get(), to.data() + done, to.size() - done,
                              static_cast<off_t>(page * kPageBytes + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;  // What cannot be read is zeros.
    done += static_cast<uint64_t>(got);
  }
}

Result<void> HostPages::WriteBack() {
  const std::vector<uint64_t> stored = TakeStoredPages();
  if (stored.empty()) return {};
  if (!writable_) return {};
  struct stat host;
  if (fstat(fd_.get(), &host) != 0) return Errno::kIo;
  const uint64_t end = std::min(static_cast<uint64_t>(host.st_size), size_bytes());
  Result<void> result;
  for (const uint64_t page : stored) {
    std::array<uint8_t, kPageBytes> bytes;
    const uint64_t at = page * kPageBytes;
    if (at >= end) break;
    Read(at, bytes);
    const uint64_t wanted = std::min(end - at, kPageBytes);
    for (uint64_t done = 0; done < wanted;) {
      const ssize_t written =
          pwrite(fd_.get(), bytes.data() + done, wanted - done, static_cast<off_t>(at + done));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        result = Errno::kIo;
        break;
      }
      done += static_cast<uint64_t>(written);
    }
  }
  return result;
}

Result<void> HostPages::PunchHole(uint64_t offset, uint64_t bytes) {
  POLLUX_RETURN_IF_ERROR(WriteBack());
  if (fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                static_cast<off_t>(bytes)) != 0) {
    return ErrnoFromHost(errno);
  }
  return SharedObject::PunchHole(offset, bytes);
}

}  // namespace pollux::os_emu
