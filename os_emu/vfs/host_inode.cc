#include "os_emu/vfs/host_inode.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os_emu/vfs/dentry.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/host_pages.h"

namespace pollux::os_emu {
namespace {

constexpr uint64_t kDirectoryBytes = 4096;

Nanos NanosOf(const struct timespec& time) {
  return {time.tv_sec * kNanosPerSecond + time.tv_nsec};
}

struct timespec TimespecOf(std::optional<Nanos> time) {
  if (!time) return {0, UTIME_OMIT};
  int64_t seconds = time->value / kNanosPerSecond, nanos = time->value % kNanosPerSecond;
  if (nanos < 0) {
    --seconds;
    nanos += kNanosPerSecond;
  }
  return {seconds, nanos};
}

// What the guest may see and set of a mode: no set-user-id, no set-group-id.
constexpr uint32_t kShownMode = kModePermissions | kModeSticky;

HostInode& HostInodeOf(const DentryRef& dentry) { return static_cast<HostInode&>(dentry->inode()); }

int RenameOnHost(int old_directory, const char* old_name, int new_directory, const char* new_name,
                 unsigned flags) {
  return static_cast<int>(
      syscall(SYS_renameat2, old_directory, old_name, new_directory, new_name, flags));
}

}  // namespace

HostInode::HostInode(std::shared_ptr<HostFs> fs, uint64_t number, const struct stat& host,
                     HostFd fd)
    : Inode(std::move(fs), number, host.st_mode & kModeTypeMask),
      fd_(std::move(fd)),
      host_device_(host.st_dev),
      host_number_(host.st_ino) {}

HostInode::~HostInode() { fs().Forget(*this); }

Result<FileStatus> HostInode::GetStatus() {
  struct stat host;
  if (fstat(fd_.get(), &host) != 0) return ErrnoFromHost(errno);
  FileStatus status;
  status.dev = super().device();
  status.ino = number();
  status.mode = type() | (host.st_mode & kShownMode);
  status.uid = fs().uid();
  status.gid = fs().gid();
  if (IsDirectory()) {
    status.nlink = host.st_nlink == 0 ? 0 : 1;
    status.size = kDirectoryBytes;
    status.blocks = kDirectoryBytes / 512;
  } else {
    status.nlink = static_cast<uint32_t>(host.st_nlink);
    status.size = IsRegular() || IsLink() ? static_cast<uint64_t>(host.st_size) : 0;
    status.blocks = IsRegular() ? (status.size + 511) / 512 : 0;
  }
  status.atime = NanosOf(host.st_atim);
  status.mtime = NanosOf(host.st_mtim);
  status.ctime = status.btime = NanosOf(host.st_ctim);
  return status;
}

Result<void> HostInode::SetAttributes(const AttributeChange& change) {
  if ((change.uid && *change.uid != fs().uid()) || (change.gid && *change.gid != fs().gid()))
    return Errno::kPerm;
  if (change.mode && chmod(fd_.ReopenPath().c_str(), *change.mode & kShownMode) != 0)
    return ErrnoFromHost(errno);
  if (change.access_time || change.modification_time) {
    const struct timespec times[2] = {TimespecOf(change.access_time),
                                      TimespecOf(change.modification_time)};
    if (utimensat(AT_FDCWD, fd_.ReopenPath().c_str(), times, 0) != 0) return ErrnoFromHost(errno);
  }
  return {};
}

Result<DescriptionRef> HostInode::Open(const Caller&, const DentryRef& self, uint32_t flags) {
  switch (type()) {
    case kModeRegular: {
      const uint32_t access = flags & kOAccMode;
      const int host_access = access == kOWrOnly ? O_WRONLY : access == kORdWr ? O_RDWR : O_RDONLY;
      HostFd file = std::move(fresh_fd_);
      if (!file.ok()) {
        POLLUX_ASSIGN_OR_RETURN(file, OpenOnHost(AT_FDCWD, fd_.ReopenPath().c_str(), host_access));
      }
      return MakeHostFile(self, flags, std::move(file));
    }
    case kModeDirectory: {
      // Kept for listings: who has it open may list it, whatever its mode becomes.
      if (!listing_fd_.ok()) {
        POLLUX_ASSIGN_OR_RETURN(
            listing_fd_, OpenOnHost(AT_FDCWD, fd_.ReopenPath().c_str(), O_RDONLY | O_DIRECTORY));
      }
      return MakeDescription<DirectoryFile>(self, flags);
    }
    case kModeSocket:
      return Errno::kNxio;
    default:
      return Errno::kAcces;
  }
}

Result<void> HostInode::Truncate(uint64_t bytes) {
  if (bytes > kMaxFileBytes) return Errno::kFBig;
  POLLUX_ASSIGN_OR_RETURN(const HostFd file,
                          OpenOnHost(AT_FDCWD, fd_.ReopenPath().c_str(), O_WRONLY));
  if (const auto mapped = pages()) POLLUX_RETURN_IF_ERROR(mapped->WriteBack());
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return ErrnoFromHost(errno);
  if (const auto mapped = pages()) mapped->SetSize(bytes);
  return {};
}

Result<std::shared_ptr<HostPages>> HostInode::MapPages(const HostFd& fd, bool writable) {
  std::shared_ptr<HostPages> mapped = pages();
  if (mapped != nullptr && (mapped->writable() || !writable)) {
    mapped->SizeMayHaveChanged();
    return mapped;
  }
  POLLUX_RETURN_IF_ERROR(HostFd::CheckRoom());
  HostFd own(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!own.ok()) return ErrnoFromHost(errno);
  if (mapped != nullptr) {
    mapped->MakeWritable(std::move(own));
    mapped->SizeMayHaveChanged();
    return mapped;
  }
  POLLUX_ASSIGN_OR_RETURN(mapped,
                          HostPages::Create(&super().files().budget(), std::move(own), writable));
  pages_ = mapped;
  return mapped;
}

Result<std::string> HostInode::ReadLink(const Caller&) {
  char target[kPathMax];
  const ssize_t bytes = readlinkat(fd_.get(), "", target, sizeof(target));
  if (bytes < 0) return ErrnoFromHost(errno);
  return std::string(target, static_cast<size_t>(bytes));
}

Result<DentryRef> HostInode::Lookup(const DentryRef& self, std::string_view name) {
  const std::string host_name(name);
  POLLUX_ASSIGN_OR_RETURN(HostFd fd, OpenOnHost(fd_.get(), host_name.c_str(), O_PATH | O_NOFOLLOW));
  POLLUX_ASSIGN_OR_RETURN(const Ref<HostInode> inode, fs().InodeFor(std::move(fd), host_device_));
  if (Dentry* known = self->FindChild(name)) {
    if (&known->inode() == inode.get()) return DentryRef(known);
    known->MarkRemoved();  // The host has put something else there.
  }
  return DentryRef(new Dentry(self, host_name, InodeRef(inode.get())));
}

Result<DentryRef> HostInode::Create(const DentryRef& self, std::string_view name,
                                    const NewNode& node) {
  const std::string host_name(name);
  const uint32_t new_type = node.mode & kModeTypeMask;
  const uint32_t mode = node.mode & kShownMode;
  HostFd file;
  switch (new_type) {
    case kModeRegular: {
      POLLUX_ASSIGN_OR_RETURN(file, OpenOnHost(fd_.get(), host_name.c_str(),
                                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
      // Whatever pollux's own umask is.
      if (fchmod(file.get(), mode) != 0) return ErrnoFromHost(errno);
      break;
    }
    case kModeDirectory:
      if (mkdirat(fd_.get(), host_name.c_str(), mode) != 0) return ErrnoFromHost(errno);
      break;
    case kModeLink:
      if (symlinkat(node.target.c_str(), fd_.get(), host_name.c_str()) != 0)
        return ErrnoFromHost(errno);
      break;
    default:
      return Errno::kPerm;
  }
  // The host may have given the number of a file that went without our seeing it.
  struct stat host;
  if (fstatat(fd_.get(), host_name.c_str(), &host, AT_SYMLINK_NOFOLLOW) == 0)
    fs().ForgetNumber(host.st_dev, host.st_ino);
  POLLUX_ASSIGN_OR_RETURN(const DentryRef child, Lookup(self, name));
  HostInode& made = HostInodeOf(child);
  if (made.type() == kModeDirectory && new_type == kModeDirectory) {
    if (chmod(made.fd_.ReopenPath().c_str(), mode) != 0) return ErrnoFromHost(errno);
  }
  if (new_type == kModeRegular) made.fresh_fd_ = std::move(file);
  return child;
}

Result<void> HostInode::Link(const DentryRef&, std::string_view name, const DentryRef& source) {
  const std::string host_name(name);
  if (linkat(AT_FDCWD, HostInodeOf(source).fd_.ReopenPath().c_str(), fd_.get(), host_name.c_str(),
             AT_SYMLINK_FOLLOW) != 0) {
    return ErrnoFromHost(errno);
  }
  return {};
}

void HostInode::NameRemoved() {
  dead_ = IsDirectory();
  struct stat host;
  if (fstat(fd_.get(), &host) == 0 && (host.st_nlink == 0 || IsDirectory()))
    fs().ForgetNumber(host.st_dev, host.st_ino);
}

Result<void> HostInode::Remove(const DentryRef&, const DentryRef& child) {
  HostInode& victim = HostInodeOf(child);
  const int flags = victim.IsDirectory() ? AT_REMOVEDIR : 0;
  if (unlinkat(fd_.get(), child->name().c_str(), flags) != 0) return ErrnoFromHost(errno);
  victim.NameRemoved();
  child->MarkRemoved();
  return {};
}

Result<void> HostInode::Rename(const DentryRef& self, const DentryRef& source,
                               const DentryRef& new_parent, std::string_view name,
                               const DentryRef& target, bool exchange) {
  const std::string old_name = source->name(), new_name(name);
  const int new_directory = HostInodeOf(new_parent).fd_.get();
  unsigned flags = 0;
  if (exchange) {
    flags = RENAME_EXCHANGE;
  } else if (!target) {
    flags = RENAME_NOREPLACE;  // What came there meanwhile is not ours to replace.
  }
  int failed = RenameOnHost(fd_.get(), old_name.c_str(), new_directory, new_name.c_str(), flags);
  if (failed != 0 && errno == EINVAL && flags == RENAME_NOREPLACE) {
    failed = RenameOnHost(fd_.get(), old_name.c_str(), new_directory, new_name.c_str(), 0);
  }
  if (failed != 0) return ErrnoFromHost(errno);
  if (exchange) {
    source->MarkRemoved();
    target->MoveTo(self, old_name);
  } else if (target) {
    HostInodeOf(target).NameRemoved();
    target->MarkRemoved();
  }
  source->MoveTo(new_parent, new_name);
  return {};
}

Result<std::vector<ListedEntry>> HostInode::List(const DentryRef&) {
  POLLUX_RETURN_IF_ERROR(HostFd::CheckRoom());
  // A description of its own, for the position: machines in other processes may hold the same one.
  // Where the mode has changed meanwhile, a duplicate has to do.
  int stream_fd = open(listing_fd_.ReopenPath().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (stream_fd < 0 && errno == EACCES) stream_fd = fcntl(listing_fd_.get(), F_DUPFD_CLOEXEC, 0);
  DIR* stream = stream_fd >= 0 ? fdopendir(stream_fd) : nullptr;
  if (stream == nullptr) {
    const Errno error = ErrnoFromHost(errno);
    if (stream_fd >= 0) close(stream_fd);
    return error;
  }
  rewinddir(stream);  // The duplicate shares the position.
  struct Found {
    std::string name;
    uint64_t device, number;
    uint32_t mode;
  };
  std::vector<Found> found;
  while (const struct dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat host = {};
    if (fstatat(stream_fd, entry->d_name, &host, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
      if (errno != EACCES) continue;  // It went meanwhile.
      // A directory that may be read but not searched.
      host.st_dev = host_device_;
      host.st_ino = entry->d_ino;
      host.st_mode = DTTOIF(entry->d_type);
    }
    found.push_back({std::string(name), host.st_dev, host.st_ino, host.st_mode});
  }
  closedir(stream);
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.name < b.name; });
  std::vector<ListedEntry> listing;
  listing.reserve(found.size());
  for (Found& entry : found) {
    listing.push_back({fs().NumberFor(entry.device, entry.number), EntryTypeOf(entry.mode),
                       std::move(entry.name)});
  }
  return listing;
}

}  // namespace pollux::os_emu
