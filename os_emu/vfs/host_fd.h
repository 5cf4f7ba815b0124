// HostFd: a descriptor of the host that something in a machine owns. KeptHostFds: those that a
// machine had at the moment to which it can be put back (memory/arena.h): the host does not go
// back, so what was let go of since stays open until then.
#ifndef POLLUX_OS_EMU_VFS_HOST_FD_H_
#define POLLUX_OS_EMU_VFS_HOST_FD_H_

#include <set>
#include <string>
#include <utility>

#include "abi/result.h"
#include "memory/arena.h"

namespace pollux::os_emu {

// Closed with its owner. All of them are counted, so that guests leave some to pollux itself.
class HostFd {
 public:
  HostFd() = default;
  explicit HostFd(int fd);
  HostFd(HostFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  HostFd& operator=(HostFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~HostFd();

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  // The name under which what is open can be opened again, whatever its path is now.
  std::string ReopenPath() const { return "/proc/self/fd/" + std::to_string(fd_); }

  // kNFile where no more may be opened.
  static Result<void> CheckRoom();

 private:
  int fd_ = -1;
};

// While one lives, no descriptor is closed that its machine had when it was made. A machine has at
// most one, and is known by its arena.
class KeptHostFds {
 public:
  explicit KeptHostFds(const memory::Arena& machine);
  // Closes what the machine has let go of.
  ~KeptHostFds();
  KeptHostFds(const KeptHostFds&) = delete;
  KeptHostFds& operator=(const KeptHostFds&) = delete;

  // The machine is again as it was then: what it has opened since is closed.
  void Restore();

 private:
  friend class HostFd;
  // The one of the machine whose arena is entered; null: none.
  static KeptHostFds* Current();

  const memory::Arena* const machine_;
  std::set<int> opened_;  // Since then, and still.
  std::set<int> let_go_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_HOST_FD_H_
