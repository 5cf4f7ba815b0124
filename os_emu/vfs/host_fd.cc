#include "os_emu/vfs/host_fd.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace pollux::os_emu {
namespace {

// Descriptors that guests leave to pollux.
constexpr int kReservedFds = 64;

std::atomic<int> open_fds = 0;

int MostFds() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024 - kReservedFds;
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20)) - kReservedFds;
}

// Of all machines of this thread.
thread_local std::vector<KeptHostFds*> all_kept;

}  // namespace

HostFd::HostFd(int fd) : fd_(fd) {
  if (fd_ < 0) return;
  ++open_fds;
  if (KeptHostFds* const kept = KeptHostFds::Current(); kept != nullptr) {
    const memory::OutsideArena outside;
    kept->opened_.insert(fd_);
  }
}

HostFd::~HostFd() {
  if (fd_ < 0) return;
  --open_fds;
  if (KeptHostFds* const kept = KeptHostFds::Current(); kept != nullptr) {
    const memory::OutsideArena outside;
    if (kept->opened_.erase(fd_) == 0) {
      kept->let_go_.insert(fd_);
      return;
    }
  }
  close(fd_);
}

Result<void> HostFd::CheckRoom() {
  if (open_fds >= MostFds()) return Errno::kNFile;
  return {};
}

KeptHostFds::KeptHostFds(const memory::Arena& machine) : machine_(&machine) {
  const memory::OutsideArena outside;
  all_kept.push_back(this);
}

KeptHostFds::~KeptHostFds() {
  const memory::OutsideArena outside;
  std::erase(all_kept, this);
  for (const int fd : let_go_) close(fd);
}

void KeptHostFds::Restore() {
  const memory::OutsideArena outside;
  for (const int fd : opened_) close(fd);
  open_fds += static_cast<int>(let_go_.size()) - static_cast<int>(opened_.size());
  opened_.clear();
  let_go_.clear();
}

KeptHostFds* KeptHostFds::Current() {
  if (all_kept.empty()) return nullptr;
  const memory::Arena* const machine = memory::Arena::Entered();
  for (KeptHostFds* const kept : all_kept)
    if (kept->machine_ == machine) return kept;
  return nullptr;
}

}  // namespace pollux::os_emu
