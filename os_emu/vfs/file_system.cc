// Set-up, mounts, and the calls that ask about a file or change its inode.
#include "os_emu/vfs/file_system.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "os_emu/vfs/host_fs.h"
#include "os_emu/vfs/memory_fs.h"
#include "os_emu/vfs/notify.h"
#include "os_emu/vfs/open_file.h"
#include "os_emu/vfs/path_walk.h"
#include "os_emu/vfs/permission.h"
#include "os_emu/vfs/special_file.h"

namespace pollux::os_emu {

struct FileSystem::Impl {
  struct MountEntry {
    std::vector<std::string> names;  // Of the guest path.
    DentryRef root;
    DentryRef mount_point;
  };
  uint32_t last_minor = 23;  // Of st_dev.
  std::shared_ptr<MemoryFs> memory_fs;
  std::shared_ptr<MemoryFs>
      memfd_fs;  // Of memfd_create(2)'s files, mounted nowhere. Null: not yet.
  DentryRef base_root;
  std::vector<MountEntry> mounts;       // By path, so that what is nested comes later.
  std::vector<DentryRef> pin_holders;   // With pinned().
  std::vector<DentryRef> memory_roots;  // To be taken apart at the end.
  SpecialFileOpener* fifo_opener = nullptr;
  std::map<uint64_t, SpecialFileOpener*> device_openers;
  std::vector<std::shared_ptr<void>> kept;
};

namespace {

// at_flags of the calls that take kAtSymlinkNoFollow and kAtEmptyPath alone.
constexpr uint32_t kNoFollowOrEmpty = kAtSymlinkNoFollow | kAtEmptyPath;
// AT_STATX_SYNC_TYPE: nothing here is remote.
constexpr uint32_t kStatxSync = 0x6000;

// The names of an absolute path; fails where it is not absolute or has "..".
absl::StatusOr<std::vector<std::string>> SplitGuestPath(std::string_view path) {
  if (!path.starts_with('/'))
    return absl::InvalidArgumentError(absl::StrCat("not an absolute path: ", std::string(path)));
  std::vector<std::string> names;
  const std::vector<std::string> parts = absl::StrSplit(std::string(path), '/', absl::SkipEmpty());
  for (const std::string& name : parts) {
    if (name == ".") continue;
    if (name == ".." || name.size() > kNameMax) {
      return absl::InvalidArgumentError(absl::StrCat("cannot be mounted at: ", std::string(path)));
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace

FileSystem::FileSystem(const Clock* clock, memory::MemoryBudget* budget)
    : clock_(clock), budget_(budget), impl_(std::make_unique<Impl>()) {
  impl_->memory_fs = std::make_shared<MemoryFs>(this, NextDevice());
  impl_->base_root = DentryRef(new Dentry(nullptr, "", impl_->memory_fs->NewRoot()));
  impl_->memory_roots.push_back(impl_->base_root);
  root_ = impl_->base_root;
}

FileSystem::~FileSystem() {
  DetachMounts();
  root_ = nullptr;
  impl_->mounts.clear();
  impl_->base_root = nullptr;
  for (DentryRef& memory_root : impl_->memory_roots)
    MemoryFs::TearDown(std::exchange(memory_root, nullptr));
}

DescriptionRef FileSystem::NotOpen() { return MakeDescription<NotOpenFile>(); }

uint64_t FileSystem::NextDevice() { return MakeDevice(0, ++impl_->last_minor); }

void FileSystem::SetFifoOpener(SpecialFileOpener* opener) { impl_->fifo_opener = opener; }

void FileSystem::SetDeviceOpener(uint64_t device, SpecialFileOpener* opener) {
  impl_->device_openers[device] = opener;
}

void FileSystem::Keep(std::shared_ptr<void> object) { impl_->kept.push_back(std::move(object)); }

SpecialFileOpener* FileSystem::OpenerFor(uint32_t mode, uint64_t device) const {
  const uint32_t type = mode & kModeTypeMask;
  if (type == kModeFifo) return impl_->fifo_opener;
  if (type != kModeCharacter) return nullptr;
  auto found = impl_->device_openers.find(device);
  return found != impl_->device_openers.end() ? found->second : nullptr;
}

InodeRef FileSystem::NewMemfdInode(const NewNode& node) {
  if (impl_->memfd_fs == nullptr) impl_->memfd_fs = std::make_shared<MemoryFs>(this, NextDevice());
  return impl_->memfd_fs->NewInode(node);
}

// ---- Mounts

void FileSystem::DetachMounts() {
  for (Impl::MountEntry& mount : impl_->mounts) {
    if (mount.mount_point) mount.mount_point->Unmount();
    mount.mount_point = nullptr;
  }
  for (DentryRef& holder : impl_->pin_holders) holder->UnpinAll();
  impl_->pin_holders.clear();
  root_ = impl_->base_root;
}

Result<DentryRef> FileSystem::MountPointFor(const std::vector<std::string>& names) {
  NewNode directory;
  directory.mode = kModeDirectory | 0755;
  DentryRef at = MountedAt(impl_->base_root);
  for (const std::string& name : names) {
    DentryRef child;
    if (auto pinned = at->pinned().find(name); pinned != at->pinned().end()) {
      child = pinned->second;
    } else {
      Result<DentryRef> found = at->inode().Lookup(at, name);
      if (found.ok() && (*found)->inode().IsDirectory()) child = *found;
      const bool in_memory = dynamic_cast<MemoryInode*>(&at->inode()) != nullptr;
      if (in_memory && !child) {
        if (found.ok()) return Errno::kNotDir;
        POLLUX_ASSIGN_OR_RETURN(child, at->inode().Create(at, name, directory));
      } else if (!in_memory) {
        if (!child) {
          InodeRef invented = impl_->memory_fs->NewInode(directory);
          if (!invented) return Errno::kNoSpc;
          child = DentryRef(new Dentry(at, name, invented));
          impl_->memory_roots.push_back(child);
        }
        at->Pin(child);
        impl_->pin_holders.push_back(at);
      }
    }
    at = MountedAt(child);
  }
  return at;
}

absl::Status FileSystem::AttachMounts() {
  for (Impl::MountEntry& mount : impl_->mounts) {
    Result<DentryRef> at = MountPointFor(mount.names);
    if (!at.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("cannot be mounted at /",
                                                     absl::StrJoin(mount.names, "/"), ": ",
                                                     std::string(ErrnoText(at.error()))));
    }
    mount.mount_point = *at;
    mount.mount_point->MountHere(mount.root);
    root_ = MountedAt(impl_->base_root);
  }
  return absl::OkStatus();
}

absl::Status FileSystem::Mount(std::string_view guest_path, InodeRef root) {
  absl::StatusOr<std::vector<std::string>> names = SplitGuestPath(guest_path);
  if (!names.ok()) return names.status();
  auto at = std::lower_bound(
      impl_->mounts.begin(), impl_->mounts.end(), *names,
      [](const Impl::MountEntry& mount, const auto& path) { return mount.names < path; });
  if (at != impl_->mounts.end() && at->names == *names) {
    return absl::AlreadyExistsError(
        absl::StrCat("something is mounted there already: ", std::string(guest_path)));
  }
  DetachMounts();
  const auto added = impl_->mounts.insert(
      at, {*names, DentryRef(new Dentry(nullptr, "", std::move(root))), nullptr});
  const size_t index = added - impl_->mounts.begin();
  absl::Status status = AttachMounts();
  if (status.ok()) return status;
  DetachMounts();
  impl_->mounts.erase(impl_->mounts.begin() + index);
  POLLUX_CHECK(AttachMounts().ok()) << "mounts that stood cannot be restored";
  return status;
}

std::vector<FileSystem::MountInfo> FileSystem::Mounts() const {
  std::vector<MountInfo> all = {{"/", &impl_->base_root->super()}};
  for (const Impl::MountEntry& mount : impl_->mounts) {
    all.push_back({"/" + absl::StrJoin(mount.names, "/"), &mount.root->super()});
  }
  return all;
}

absl::Status FileSystem::MountMemory(std::string_view guest_path) {
  auto fs = std::make_shared<MemoryFs>(this, NextDevice());
  absl::Status status = Mount(guest_path, fs->NewRoot());
  if (!status.ok()) return status;
  for (const Impl::MountEntry& mount : impl_->mounts) {
    if (&mount.root->super() == fs.get()) impl_->memory_roots.push_back(mount.root);
  }
  return status;
}

absl::Status FileSystem::MountHostDirectory(std::string_view guest_path,
                                            const std::string& host_path, bool read_only,
                                            uint32_t uid, uint32_t gid) {
  absl::StatusOr<InodeRef> root = OpenHostDirectory(this, host_path, read_only, uid, gid);
  if (!root.ok()) return root.status();
  return Mount(guest_path, *std::move(root));
}

absl::Status FileSystem::MountFromFlag(std::string_view flag, uint32_t uid, uint32_t gid) {
  const absl::Status malformed =
      absl::InvalidArgumentError(absl::StrCat("not GUESTPATH=HOSTDIR[:ro]: ", std::string(flag)));
  const size_t equals = flag.find('=');
  if (equals == std::string_view::npos || equals == 0) return malformed;
  std::string_view host = flag.substr(equals + 1);
  const bool read_only = host.ends_with(":ro");
  if (read_only) host.remove_suffix(3);
  if (host.empty()) return malformed;
  return MountHostDirectory(flag.substr(0, equals), std::string(host), read_only, uid, gid);
}

// ---- Finding

Result<DentryRef> FileSystem::Find(const Caller& caller, const DescriptionRef& base,
                                   std::string_view path, uint32_t at_flags, bool follow) const {
  if (path.empty() && (at_flags & kAtEmptyPath) != 0) {
    const DescriptionRef& file = base ? base : caller.cwd;
    if (!file) return root_;
    DentryRef dentry = DentryOf(file);
    // Otherwise a pipe, say. What may be done with it is its own folder's to say.
    if (!dentry) return IsNotOpen(file) ? Errno::kBadF : Errno::kOpNotSupp;
    return dentry;
  }
  return PathWalk(*this, caller).ToFile(base, path, follow);
}

Result<DescriptionRef> FileSystem::OpenDirectory(const Caller& caller, const DescriptionRef& base,
                                                 std::string_view path, uint32_t at_flags) {
  if ((at_flags & ~kAtEmptyPath) != 0) return Errno::kInval;
  DentryRef found;
  if (path.empty() && (at_flags & kAtEmptyPath) != 0) {
    found = base ? DentryOf(base) : root_;
    if (IsNotOpen(base)) return Errno::kBadF;
    if (!found || !found->inode().IsDirectory()) return Errno::kNotDir;
  } else {
    POLLUX_ASSIGN_OR_RETURN(found, PathWalk(*this, caller).ToFile(base, path, true, true));
  }
  POLLUX_RETURN_IF_ERROR(CheckPermission(caller, found->inode(), kMayExecute));
  return MakeDescription<PathFile>(std::move(found), kOPath | kODirectory);
}

Result<std::string> FileSystem::PathOf(const DescriptionRef& file) const {
  if (!file) return std::string("/");
  const DentryRef dentry = DentryOf(file);
  if (!dentry) return Errno::kNoEnt;
  return dentry->Path();
}

// vfs_fallocate() of fs/open.c.
Result<void> FileSystem::Allocate(const DescriptionRef& file, uint32_t mode, int64_t offset,
                                  int64_t bytes) {
  if (offset < 0 || bytes <= 0) return Errno::kInval;
  if ((mode & ~(kAllocateKeepSize | kAllocatePunchHole)) != 0 || mode == kAllocatePunchHole)
    return Errno::kOpNotSupp;
  if (!file->writable()) return Errno::kBadF;
  FileStatus status;
  POLLUX_RETURN_IF_ERROR(file->Stat(&status));
  const uint32_t type = status.mode & kModeTypeMask;
  if (type == kModeFifo) return Errno::kSPipe;
  if (type == kModeDirectory) return Errno::kIsDir;
  if (type == kModeRegular && offset > INT64_MAX - bytes) return Errno::kFBig;
  POLLUX_RETURN_IF_ERROR(
      file->Allocate(mode, static_cast<uint64_t>(offset), static_cast<uint64_t>(bytes)));
  file->NoteModify();
  return {};
}

Result<InodeRef> FileSystem::FindForWatch(const Caller& caller, std::string_view path, bool follow,
                                          bool must_be_directory) {
  POLLUX_ASSIGN_OR_RETURN(
      const DentryRef found,
      PathWalk(*this, caller).ToFile(DescriptionRef(), path, follow, must_be_directory));
  POLLUX_RETURN_IF_ERROR(CheckPermission(caller, found->inode(), kMayRead));
  return found->inode_ref();
}

// ---- Asking

Result<FileStatus> FileSystem::Stat(const Caller& caller, const DescriptionRef& base,
                                    std::string_view path, uint32_t at_flags) {
  if (path.empty() && (at_flags & kAtEmptyPath) != 0 && base) {
    // vfs_fstatat() makes it an fstat before it looks at the other flags.
    FileStatus status;
    POLLUX_RETURN_IF_ERROR(base->Stat(&status));
    return status;
  }
  if ((at_flags & ~(kNoFollowOrEmpty | kAtNoAutomount | kStatxSync)) != 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          Find(caller, base, path, at_flags, (at_flags & kAtSymlinkNoFollow) == 0));
  return found->inode().GetStatus();
}

Result<std::string> FileSystem::ReadLink(const Caller& caller, const DescriptionRef& base,
                                         std::string_view path) {
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          Find(caller, base, path, kAtEmptyPath, /*follow=*/false));
  if (!found->inode().IsLink()) return path.empty() ? Errno::kNoEnt : Errno::kInval;
  return found->inode().ReadLink(caller);
}

Result<void> FileSystem::Access(const Caller& caller, const DescriptionRef& base,
                                std::string_view path, uint32_t wanted, uint32_t at_flags) {
  if ((wanted & ~7u) != 0 || (at_flags & ~(kNoFollowOrEmpty | kAtEAccess)) != 0)
    return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          Find(caller, base, path, at_flags, (at_flags & kAtSymlinkNoFollow) == 0));
  return CheckPermission(caller, found->inode(), wanted);
}

Result<FileSystemStatus> FileSystem::StatFileSystem(const Caller& caller,
                                                    const DescriptionRef& base,
                                                    std::string_view path, uint32_t at_flags) {
  if ((at_flags & ~kAtEmptyPath) != 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          Find(caller, base, path, at_flags, /*follow=*/true));
  Super& super = found->super();
  FileSystemStatus status;
  status.fsid = super.device();
  status.flags = 0x20 | (super.read_only() ? 1 : 0);  // ST_VALID, ST_RDONLY
  super.FillStatus(&status);
  return status;
}

// ---- Changing inodes. What a read-only file system refuses is refused before permissions are
// asked (mnt_want_write()).

Result<void> FileSystem::ChangeMode(const Caller& caller, const DescriptionRef& base,
                                    std::string_view path, uint32_t mode, uint32_t at_flags) {
  if ((at_flags & ~kNoFollowOrEmpty) != 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          Find(caller, base, path, at_flags, (at_flags & kAtSymlinkNoFollow) == 0));
  Inode& inode = found->inode();
  if (inode.super().read_only()) return Errno::kRoFs;
  if (inode.IsLink()) return Errno::kOpNotSupp;
  POLLUX_ASSIGN_OR_RETURN(const FileStatus status, inode.GetStatus());
  if (!OwnsOrIsCapable(caller, status)) return Errno::kPerm;
  mode &= 07777;
  if (!caller.Has(Capability::kFsetId) && !caller.InGroup(status.gid)) mode &= ~kModeSetGid;
  AttributeChange change;
  change.mode = mode;
  POLLUX_RETURN_IF_ERROR(inode.SetAttributes(change));
  NotifyDentry(*found, kEventAttributes);
  return {};
}

Result<void> FileSystem::ChangeOwner(const Caller& caller, const DescriptionRef& base,
                                     std::string_view path, uint32_t uid, uint32_t gid,
                                     uint32_t at_flags) {
  if ((at_flags & ~kNoFollowOrEmpty) != 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          Find(caller, base, path, at_flags, (at_flags & kAtSymlinkNoFollow) == 0));
  Inode& inode = found->inode();
  if (inode.super().read_only()) return Errno::kRoFs;
  POLLUX_ASSIGN_OR_RETURN(const FileStatus status, inode.GetStatus());
  const bool owner = caller.uid == status.uid;
  AttributeChange change;
  if (uid != UINT32_MAX) {
    if (!caller.Has(Capability::kChown) && !(owner && uid == status.uid)) return Errno::kPerm;
    change.uid = uid;
  }
  if (gid != UINT32_MAX) {
    if (!caller.Has(Capability::kChown) && !(owner && (gid == status.gid || caller.InGroup(gid))))
      return Errno::kPerm;
    change.gid = gid;
  }
  if (!inode.IsDirectory() && !inode.IsLink()) {
    // chown_common(): whoever does it, set-user-id goes; set-group-id with group execute, too.
    uint32_t mode = status.mode & 07777 & ~kModeSetUid;
    if ((mode & 0010) != 0 || (!caller.Has(Capability::kFsetId) && !caller.InGroup(status.gid)))
      mode &= ~kModeSetGid;
    if (mode != (status.mode & 07777)) change.mode = mode;
  }
  POLLUX_RETURN_IF_ERROR(inode.SetAttributes(change));
  if (change.uid || change.gid || change.mode) NotifyDentry(*found, kEventAttributes);
  return {};
}

Result<void> FileSystem::ChangeTimes(const Caller& caller, const DescriptionRef& base,
                                     std::string_view path, TimeChange access,
                                     TimeChange modification, uint32_t at_flags) {
  if ((at_flags & ~kNoFollowOrEmpty) != 0) return Errno::kInval;
  // Nothing to do: the path is not even looked at (do_utimensat()).
  if (access.kind == TimeChange::kOmit && modification.kind == TimeChange::kOmit) return {};
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          Find(caller, base, path, at_flags, (at_flags & kAtSymlinkNoFollow) == 0));
  Inode& inode = found->inode();
  if (inode.super().read_only()) return Errno::kRoFs;
  POLLUX_ASSIGN_OR_RETURN(const FileStatus status, inode.GetStatus());
  if (!OwnsOrIsCapable(caller, status)) {
    // Both "now" is a touch, which may whoever may write; anything else is the owner's.
    if (access.kind != TimeChange::kNow || modification.kind != TimeChange::kNow)
      return Errno::kPerm;
    POLLUX_RETURN_IF_ERROR(CheckMode(caller, status, kMayWrite));
  }
  const Nanos now = clock_->Realtime();
  AttributeChange change;
  if (access.kind != TimeChange::kOmit)
    change.access_time = access.kind == TimeChange::kNow ? now : access.time;
  if (modification.kind != TimeChange::kOmit) {
    change.modification_time = modification.kind == TimeChange::kNow ? now : modification.time;
  }
  POLLUX_RETURN_IF_ERROR(inode.SetAttributes(change));
  // fsnotify_change(): one time alone counts as what would change it.
  NotifyDentry(*found, !change.modification_time ? kEventAccess
                       : !change.access_time     ? kEventModify
                                                 : kEventAttributes);
  return {};
}

Result<void> FileSystem::Truncate(const Caller& caller, std::string_view path, int64_t bytes) {
  if (bytes < 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          PathWalk(*this, caller).ToFile(DescriptionRef(), path, true));
  Inode& inode = found->inode();
  if (inode.IsDirectory()) return Errno::kIsDir;
  if (!inode.IsRegular()) return Errno::kInval;
  POLLUX_RETURN_IF_ERROR(CheckPermission(caller, inode, kMayWrite));
  if (inode.IsExecuted()) return Errno::kTxtBsy;
  POLLUX_ASSIGN_OR_RETURN(const FileStatus status, inode.GetStatus());
  POLLUX_RETURN_IF_ERROR(CheckSize(status.size, static_cast<uint64_t>(bytes)));
  POLLUX_RETURN_IF_ERROR(inode.Truncate(static_cast<uint64_t>(bytes)));
  NotifyDentry(*found, kEventModify);
  return {};
}

}  // namespace pollux::os_emu
