// Telling watchers what happened: the file system's fsnotify_*() calls (include/linux/fsnotify.h).
// Each is called at Linux's place and in Linux's order (measured on Linux 6.18). Where nobody
// watches, each is two or three loads.
//
// Not seen: what the host does behind the guest's back in a mounted directory, and stores into a
// mapping (Linux does not see these either).
#ifndef POLLUX_OS_EMU_VFS_NOTIFY_H_
#define POLLUX_OS_EMU_VFS_NOTIFY_H_

#include <cstdint>
#include <string_view>

#include "os_emu/file/watch.h"
#include "os_emu/vfs/dentry.h"

namespace pollux::os_emu {

// fsnotify_inode(): to those who watch the inode itself.
inline void NotifyInode(Inode& inode, uint32_t mask) {
  if (!inode.watched()) return;
  inode.Tell({.mask = mask | (inode.IsDirectory() ? kEventIsDirectory : 0)});
}

// fsnotify_name(): to those who watch `directory`, of its entry `name`. `is_directory`: the entry.
inline void NotifyName(Inode& directory, uint32_t mask, bool is_directory, std::string_view name,
                       uint32_t cookie = 0) {
  if (!directory.watched()) return;
  directory.Tell(
      {.mask = mask | (is_directory ? kEventIsDirectory : 0), .name = name, .cookie = cookie});
}

// fsnotify_parent(): to those who watch the directory that the name is, or was, in, and to those
// who watch the file.
inline void NotifyDentry(const Dentry& dentry, uint32_t mask, bool unlinked = false) {
  Inode& inode = dentry.inode();
  const DentryRef& parent = dentry.parent();
  const bool parent_watched = parent && parent->inode().watched();
  if (!parent_watched && !inode.watched()) return;
  if (inode.IsDirectory()) mask |= kEventIsDirectory;
  if (parent_watched) {
    parent->inode().Tell({.mask = mask, .name = dentry.name(), .unlinked = unlinked});
  }
  inode.Tell({.mask = mask, .unlinked = unlinked});
}

// fsnotify_file(): the same, through an open file.
inline void NotifyFile(const Dentry& dentry, uint32_t mask) {
  NotifyDentry(dentry, mask, dentry.removed());
}

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_NOTIFY_H_
