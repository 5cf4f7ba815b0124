#include "os_emu/vfs/host_fs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/host_inode.h"

namespace pollux::os_emu {
namespace {

// File systems through which a host's kernel, its devices or the memory of processes (pollux's own:
// /proc/self/mem) can be reached. f_type of statfs(2), from uapi/linux/magic.h.
bool ShowsTheKernel(uint64_t magic) {
  constexpr uint32_t kRefused[] = {
      0x9fa0,      // proc
      0x62656572,  // sysfs
      0x64626720,  // debugfs
      0x74726163,  // tracefs
      0x73636673,  // securityfs
      0x27e0eb,    // cgroup
      0x63677270,  // cgroup2
      0xcafe4a11,  // bpf
      0x1cd1,      // devpts
      0x62656570,  // configfs
      0xde5e81e4,  // efivarfs
      0x65735543,  // fusectl
      0x42494e4d,  // binfmt_misc
      0x6165676c,  // pstore
      0xf97cff8c,  // selinuxfs
      0x43415d53,  // smackfs
      0x6e736673,  // nsfs
      0x19800202,  // mqueue
      0x67596969,  // rpc_pipefs
  };
  return std::find(std::begin(kRefused), std::end(kRefused), static_cast<uint32_t>(magic)) !=
         std::end(kRefused);
}

}  // namespace

Result<HostFd> OpenOnHost(int directory, const char* name, int flags, unsigned mode) {
  POLLUX_RETURN_IF_ERROR(HostFd::CheckRoom());
  int fd;
  do {
    fd = openat(directory, name, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd >= 0) return HostFd(fd);
  // The guest has not used up its own numbers.
  return errno == EMFILE ? Errno::kNFile : ErrnoFromHost(errno);
}

// ---- HostFs

void HostFs::FillStatus(FileSystemStatus* status) {
  // The host's figures change from run to run: these do not.
  status->type = 0x01021997;  // V9FS_MAGIC, as directories of a host look in a virtual machine.
  status->blocks = uint64_t{1} << 28;  // 1 TiB.
  status->blocks_free = status->blocks_available = uint64_t{1} << 27;
  status->files = uint64_t{1} << 24;
  status->files_free = uint64_t{1} << 23;
}

uint64_t HostFs::NumberFor(uint64_t device, uint64_t number) {
  auto [entry, is_new] = numbers_.try_emplace(Key(device, number), 0);
  if (is_new) entry->second = ++last_number_;
  return entry->second;
}

void HostFs::ForgetNumber(uint64_t device, uint64_t number) { numbers_.erase(Key(device, number)); }

void HostFs::Forget(const HostInode& inode) {
  living_.erase(Key(inode.host_device(), inode.host_number()));
}

Result<Ref<HostInode>> HostFs::InodeFor(HostFd fd, uint64_t device) {
  struct stat host;
  if (fstat(fd.get(), &host) != 0) return ErrnoFromHost(errno);
  if (host.st_dev != device) {
    struct statfs host_fs;
    if (fstatfs(fd.get(), &host_fs) != 0) return ErrnoFromHost(errno);
    if (ShowsTheKernel(static_cast<uint64_t>(host_fs.f_type))) return Errno::kAcces;
  }
  // A living inode holds its file on the host, so the pair is that file's.
  auto found = living_.find(Key(host.st_dev, host.st_ino));
  if (found != living_.end()) return Ref<HostInode>(found->second);
  Ref<HostInode> inode(
      new HostInode(shared_from_this(), NumberFor(host.st_dev, host.st_ino), host, std::move(fd)));
  living_.emplace(Key(host.st_dev, host.st_ino), inode.get());
  return inode;
}

absl::StatusOr<InodeRef> OpenHostDirectory(FileSystem* files, const std::string& host_path,
                                           bool read_only, uint32_t uid, uint32_t gid) {
  const int raw_fd = open(host_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (raw_fd < 0) return absl::ErrnoToStatus(errno, host_path);
  HostFd fd(raw_fd);
  // What is looked at is opened through this; without it nothing could be.
  if (access(fd.ReopenPath().c_str(), F_OK) != 0) {
    return absl::FailedPreconditionError("host directories need /proc to be mounted on the host");
  }
  Result<HostFd> readable = OpenOnHost(fd.get(), ".", O_RDONLY | O_DIRECTORY);
  if (!readable.ok()) return absl::ErrnoToStatus(static_cast<int>(readable.error()), host_path);
  // A guest that writes past the RLIMIT_FSIZE of pollux shall get EFBIG; the signal would end
  // pollux.
  struct sigaction action = {};
  if (sigaction(SIGXFSZ, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, nullptr);
  }
  auto fs = std::make_shared<HostFs>(files, files->NextDevice(), read_only, uid, gid);
  Result<Ref<HostInode>> root = fs->InodeFor(std::move(fd), /*device=*/~uint64_t{0});
  if (!root.ok()) {
    return absl::PermissionDeniedError(
        absl::StrCat(host_path, ": shows the host's kernel and cannot be mounted"));
  }
  return InodeRef(root->get());
}

}  // namespace pollux::os_emu
