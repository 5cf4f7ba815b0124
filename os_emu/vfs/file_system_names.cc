// The calls that make, remove and move names (filename_create(), do_unlinkat(), do_renameat2() ...
// of fs/namei.c).
#include <string>
#include <utility>

#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/new_node.h"
#include "os_emu/vfs/notify.h"
#include "os_emu/vfs/path_walk.h"
#include "os_emu/vfs/permission.h"

namespace pollux::os_emu {
namespace {

using Last = PathWalk::Last;

// Where a new name goes: nothing is there yet, and the file system can be written to. kExist,
// kNoEnt, kRoFs ...
Result<Last> FindNewName(const FileSystem& files, const Caller& caller, const DescriptionRef& base,
                         std::string_view path, bool directory) {
  PathWalk walk(files, caller);
  POLLUX_ASSIGN_OR_RETURN(Last last, walk.ToLast(base, path));
  if (last.kind != Last::kName) return Errno::kExist;
  const Result<DentryRef> present = walk.Child(last.directory, last.name);
  if (present.ok()) return Errno::kExist;
  if (present.error() != Errno::kNoEnt || last.directory->inode().IsDead() ||
      last.directory->inode().LookupIsFinal()) {
    return present.error();
  }
  // A slash behind what is not there: only a directory may be made of it.
  if (last.trailing_slash && !directory) return Errno::kNoEnt;
  if (last.directory->super().read_only()) return Errno::kRoFs;
  return last;
}

// may_create()
Result<void> MayCreate(const Caller& caller, const Dentry& directory) {
  if (directory.inode().IsDead()) return Errno::kNoEnt;
  return CheckPermission(caller, directory.inode(), kMayWrite | kMayExecute);
}

// may_delete(). `as_directory`: what the victim has to be.
Result<void> MayDelete(const Caller& caller, const Dentry& directory, const Dentry& victim,
                       bool as_directory) {
  POLLUX_RETURN_IF_ERROR(CheckPermission(caller, directory.inode(), kMayWrite | kMayExecute));
  if (!caller.Has(Capability::kFowner)) {
    POLLUX_ASSIGN_OR_RETURN(const FileStatus parent, directory.inode().GetStatus());
    if ((parent.mode & kModeSticky) != 0) {
      POLLUX_ASSIGN_OR_RETURN(const FileStatus status, victim.inode().GetStatus());
      if (caller.uid != status.uid && caller.uid != parent.uid) return Errno::kPerm;
    }
  }
  if (as_directory && !victim.inode().IsDirectory()) return Errno::kNotDir;
  if (!as_directory && victim.inode().IsDirectory()) return Errno::kIsDir;
  if (directory.inode().IsDead()) return Errno::kNoEnt;
  return {};
}

// may_linkat() with fs.protected_hardlinks on, as distributions have it.
Result<void> MayLink(const Caller& caller, Inode& inode) {
  POLLUX_ASSIGN_OR_RETURN(const FileStatus status, inode.GetStatus());
  if (OwnsOrIsCapable(caller, status)) return {};
  const bool runs_as_group = (status.mode & (kModeSetGid | 0010)) == (kModeSetGid | 0010);
  if (!inode.IsRegular() || (status.mode & kModeSetUid) != 0 || runs_as_group) return Errno::kPerm;
  if (!CheckMode(caller, status, kMayRead | kMayWrite).ok()) return Errno::kPerm;
  return {};
}

}  // namespace

Result<NewNode> NodeFor(const Caller& caller, Inode& directory, uint32_t mode) {
  POLLUX_ASSIGN_OR_RETURN(const FileStatus parent, directory.GetStatus());
  NewNode node;
  node.mode = mode;
  node.uid = caller.uid;
  node.gid = caller.gid;
  if ((parent.mode & kModeSetGid) != 0) {
    node.gid = parent.gid;
    if ((mode & kModeTypeMask) == kModeDirectory) {
      node.mode |= kModeSetGid;
    } else if ((mode & 0010) != 0 && !caller.Has(Capability::kFsetId) &&
               !caller.InGroup(parent.gid)) {
      node.mode &= ~kModeSetGid;
    }
  }
  return node;
}

Result<void> FileSystem::MakeDirectory(const Caller& caller, const DescriptionRef& base,
                                       std::string_view path, uint32_t mode) {
  POLLUX_ASSIGN_OR_RETURN(const Last last,
                          FindNewName(*this, caller, base, path, /*directory=*/true));
  POLLUX_RETURN_IF_ERROR(MayCreate(caller, *last.directory));
  mode &= (kModePermissions | kModeSticky) & ~caller.umask;
  Inode& directory = last.directory->inode();
  POLLUX_ASSIGN_OR_RETURN(const NewNode node, NodeFor(caller, directory, kModeDirectory | mode));
  POLLUX_RETURN_IF_ERROR(directory.Create(last.directory, last.name, node));
  NotifyName(directory, kEventCreate, /*is_directory=*/true, last.name);
  return {};
}

Result<void> FileSystem::MakeNode(const Caller& caller, const DescriptionRef& base,
                                  std::string_view path, uint32_t mode, uint64_t device) {
  uint32_t type = mode & kModeTypeMask;
  if (type == 0) type = kModeRegular;
  if (type == kModeDirectory) return Errno::kPerm;
  const bool is_device = type == kModeCharacter || type == kModeBlock;
  if (type != kModeRegular && type != kModeFifo && type != kModeSocket && !is_device)
    return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const Last last,
                          FindNewName(*this, caller, base, path, /*directory=*/false));
  POLLUX_RETURN_IF_ERROR(MayCreate(caller, *last.directory));
  if (is_device && !caller.Has(Capability::kMknod)) return Errno::kPerm;
  Inode& directory = last.directory->inode();
  POLLUX_ASSIGN_OR_RETURN(NewNode node,
                          NodeFor(caller, directory, type | (mode & 07777 & ~caller.umask)));
  if (is_device) node.device = device;
  POLLUX_RETURN_IF_ERROR(directory.Create(last.directory, last.name, node));
  NotifyName(directory, kEventCreate, /*is_directory=*/false, last.name);
  return {};
}

Result<void> FileSystem::MakeSymlink(const Caller& caller, std::string_view target,
                                     const DescriptionRef& base, std::string_view path) {
  if (target.empty()) return Errno::kNoEnt;
  if (target.size() >= kPathMax) return Errno::kNameTooLong;
  POLLUX_ASSIGN_OR_RETURN(const Last last,
                          FindNewName(*this, caller, base, path, /*directory=*/false));
  POLLUX_RETURN_IF_ERROR(MayCreate(caller, *last.directory));
  Inode& directory = last.directory->inode();
  POLLUX_ASSIGN_OR_RETURN(NewNode node, NodeFor(caller, directory, kModeLink | 0777));
  node.target = target;
  POLLUX_RETURN_IF_ERROR(directory.Create(last.directory, last.name, node));
  NotifyName(directory, kEventCreate, /*is_directory=*/false, last.name);
  return {};
}

Result<void> FileSystem::Link(const Caller& caller, const DescriptionRef& old_base,
                              std::string_view old_path, const DescriptionRef& new_base,
                              std::string_view new_path, uint32_t at_flags) {
  if ((at_flags & ~(kAtSymlinkFollow | kAtEmptyPath)) != 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const DentryRef source, Find(caller, old_base, old_path, at_flags,
                                                       (at_flags & kAtSymlinkFollow) != 0));
  POLLUX_ASSIGN_OR_RETURN(const Last last,
                          FindNewName(*this, caller, new_base, new_path, /*directory=*/false));
  if (&source->super() != &last.directory->super()) return Errno::kXDev;
  Inode& inode = source->inode();
  POLLUX_RETURN_IF_ERROR(MayLink(caller, inode));
  POLLUX_RETURN_IF_ERROR(MayCreate(caller, *last.directory));
  if (inode.IsDirectory()) return Errno::kPerm;
  if (!inode.IsLinkable()) return Errno::kNoEnt;
  Inode& directory = last.directory->inode();
  POLLUX_RETURN_IF_ERROR(directory.Link(last.directory, last.name, source));
  NotifyInode(inode, kEventAttributes);  // fsnotify_link(): its number of links.
  NotifyName(directory, kEventCreate, /*is_directory=*/false, last.name);
  return {};
}

Result<void> FileSystem::Unlink(const Caller& caller, const DescriptionRef& base,
                                std::string_view path, uint32_t at_flags) {
  if ((at_flags & ~kAtRemoveDir) != 0) return Errno::kInval;
  const bool directory = (at_flags & kAtRemoveDir) != 0;
  PathWalk walk(*this, caller);
  POLLUX_ASSIGN_OR_RETURN(const Last last, walk.ToLast(base, path));
  if (!directory && last.kind != Last::kName) return Errno::kIsDir;
  if (last.kind == Last::kDotDot) return Errno::kNotEmpty;
  if (last.kind == Last::kDot) return Errno::kInval;
  if (last.kind == Last::kRoot) return Errno::kBusy;
  if (last.directory->super().read_only()) return Errno::kRoFs;
  POLLUX_ASSIGN_OR_RETURN(DentryRef victim, walk.ChildBelowMount(last.directory, last.name));
  if (!directory && last.trailing_slash)
    return victim->inode().IsDirectory() ? Errno::kIsDir : Errno::kNotDir;
  POLLUX_RETURN_IF_ERROR(MayDelete(caller, *last.directory, *victim, directory));
  if (victim->IsBusy()) return Errno::kBusy;
  POLLUX_RETURN_IF_ERROR(last.directory->inode().Remove(last.directory, victim));
  if (!directory) NotifyInode(victim->inode(), kEventAttributes);
  // d_delete_notify(): unless the name is in use the file goes first.
  const bool was_directory = victim->inode().IsDirectory();
  victim = nullptr;
  NotifyName(last.directory->inode(), kEventDelete, was_directory, last.name);
  return {};
}

Result<void> FileSystem::Rename(const Caller& caller, const DescriptionRef& old_base,
                                std::string_view old_path, const DescriptionRef& new_base,
                                std::string_view new_path, uint32_t flags) {
  const bool exchange = (flags & kRenameExchange) != 0;
  const bool no_replace = (flags & kRenameNoReplace) != 0;
  if ((flags & ~(kRenameNoReplace | kRenameExchange)) != 0 || (exchange && no_replace))
    return Errno::kInval;

  PathWalk old_walk(*this, caller), new_walk(*this, caller);
  POLLUX_ASSIGN_OR_RETURN(const Last from, old_walk.ToLast(old_base, old_path));
  POLLUX_ASSIGN_OR_RETURN(const Last to, new_walk.ToLast(new_base, new_path));
  const DentryRef& old_directory = from.directory;
  const DentryRef& new_directory = to.directory;
  if (&old_directory->super() != &new_directory->super()) return Errno::kXDev;
  if (from.kind != Last::kName) return Errno::kBusy;
  if (to.kind != Last::kName) return no_replace ? Errno::kExist : Errno::kBusy;
  if (old_directory->super().read_only()) return Errno::kRoFs;

  POLLUX_ASSIGN_OR_RETURN(const DentryRef source,
                          old_walk.ChildBelowMount(old_directory, from.name));
  DentryRef target;
  if (Result<DentryRef> found = new_walk.ChildBelowMount(new_directory, to.name); found.ok()) {
    target = *std::move(found);
  } else if (found.error() != Errno::kNoEnt || exchange || new_directory->inode().IsDead() ||
             new_directory->inode().LookupIsFinal()) {
    return found.error();
  }
  if (target && no_replace) return Errno::kExist;
  const bool source_is_directory = source->inode().IsDirectory();
  const bool target_is_directory = target && target->inode().IsDirectory();
  if (exchange && !target_is_directory && to.trailing_slash) return Errno::kNotDir;
  if (!source_is_directory && (from.trailing_slash || (!exchange && to.trailing_slash)))
    return Errno::kNotDir;
  if (source->IsSameOrAncestorOf(new_directory.get())) return Errno::kInval;
  if (target && target->IsSameOrAncestorOf(old_directory.get()))
    return exchange ? Errno::kInval : Errno::kNotEmpty;

  // vfs_rename(). Two names of one file: nothing happens, and nothing is asked.
  if (target && &source->inode() == &target->inode()) return {};
  POLLUX_RETURN_IF_ERROR(MayDelete(caller, *old_directory, *source, source_is_directory));
  if (!target) {
    POLLUX_RETURN_IF_ERROR(MayCreate(caller, *new_directory));
  } else {
    POLLUX_RETURN_IF_ERROR(MayDelete(caller, *new_directory, *target,
                                     exchange ? target_is_directory : source_is_directory));
  }
  if (old_directory != new_directory) {
    // Its ".." changes, which is writing to it.
    if (source_is_directory)
      POLLUX_RETURN_IF_ERROR(CheckPermission(caller, source->inode(), kMayWrite));
    if (exchange && target_is_directory) {
      POLLUX_RETURN_IF_ERROR(CheckPermission(caller, target->inode(), kMayWrite));
    }
  }
  if (source->IsBusy() || (target && target->IsBusy())) return Errno::kBusy;
  POLLUX_RETURN_IF_ERROR(old_directory->inode().Rename(old_directory, source, new_directory,
                                                       to.name, target, exchange));
  // fsnotify_move(). What was replaced goes when `target` does.
  uint32_t cookie = NextMoveCookie();
  NotifyName(old_directory->inode(), kEventMovedFrom, source_is_directory, from.name, cookie);
  NotifyName(new_directory->inode(), kEventMovedTo, source_is_directory, to.name, cookie);
  if (target && !exchange) NotifyInode(target->inode(), kEventAttributes);
  NotifyInode(source->inode(), kEventMoveSelf);
  if (exchange) {
    cookie = NextMoveCookie();
    NotifyName(new_directory->inode(), kEventMovedFrom, target_is_directory, to.name, cookie);
    NotifyName(old_directory->inode(), kEventMovedTo, target_is_directory, from.name, cookie);
    NotifyInode(target->inode(), kEventMoveSelf);
  }
  return {};
}

}  // namespace pollux::os_emu
