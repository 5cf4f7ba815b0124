// Dentry: one name of one file at one place in the tree (Linux's dentry). What an open file
// remembers, so that "..", getcwd(2) and /proc/self/fd follow renames.
//
// A dentry keeps its parent alive. Who keeps a dentry alive: the directory it is in (memory files),
// whoever has it open, and mounts. A directory knows its living children by name (FindChild), so
// that a host file has one dentry at a time.
#ifndef POLLUX_OS_EMU_VFS_DENTRY_H_
#define POLLUX_OS_EMU_VFS_DENTRY_H_

#include <map>
#include <string>
#include <string_view>

#include "abi/result.h"
#include "os_emu/vfs/inode.h"
#include "os_emu/vfs/ref.h"

namespace pollux::os_emu {

class Dentry {
 public:
  enum class Name { kLinked, kNone };
  // `parent` null: the root of a file system. Name::kNone: an open file that never had a name
  // (O_TMPFILE, memfd_create): removed from the start; `name` is what reports call it.
  Dentry(DentryRef parent, std::string name, InodeRef inode, Name linked = Name::kLinked);
  Dentry(const Dentry&) = delete;
  Dentry& operator=(const Dentry&) = delete;

  Inode& inode() const { return *inode_; }
  const InodeRef& inode_ref() const { return inode_; }
  Super& super() const { return inode_->super(); }
  const std::string& name() const { return name_; }
  const DentryRef& parent() const { return parent_; }
  bool IsSuperRoot() const { return !parent_ && !removed_; }

  // The name is gone; open files live on. (Of a directory of the host perhaps only from here: see
  // Inode::IsDead().)
  bool removed() const { return removed_; }
  void MarkRemoved();
  // rename(2).
  void MoveTo(const DentryRef& parent, std::string_view name);
  // Whether `this` is `other` or above it within one file system.
  bool IsSameOrAncestorOf(const Dentry* other) const;

  // The living child of that name, or null. Only what has a dentry now: not a directory listing.
  Dentry* FindChild(std::string_view name) const;

  // For the file system's own use: where the entry is in its directory's order.
  uint64_t cookie = 0;

  // ---- Mounts. The root of what is mounted here, or null; and where this root is mounted.
  const DentryRef& mounted_root() const { return mounted_root_; }
  const DentryRef& mount_point() const { return mount_point_; }
  void MountHere(const DentryRef& root);
  void Unmount();
  // Mount points that exist whatever the directory says: they keep a host directory's entry in
  // being, or invent it.
  const std::map<std::string, DentryRef, std::less<>>& pinned() const { return pinned_; }
  void Pin(const DentryRef& child) { pinned_.insert_or_assign(child->name(), child); }
  void UnpinAll() { pinned_.clear(); }
  // A mount point, or a directory of the host above one: may not be removed or renamed.
  bool IsBusy() const { return static_cast<bool>(mounted_root_) || !pinned_.empty(); }

  // The absolute path. kNoEnt: removed, or not below the root. kNameTooLong: kPathMax or more with
  // the NUL.
  Result<std::string> Path() const;
  // For /proc/self/fd: "/path", with " (deleted)" behind the last name where it is gone.
  std::string LinkText() const;

 private:
  friend class Ref<Dentry>;
  ~Dentry();
  void AddReference() { ++references_; }
  void DropReference();
  void TakeNameInParent();
  // Where the file has no other name: tells its watchers that it has gone.
  void TellIfGone();
  // "/a/b", or nothing if it is not below the root or kPathMax bytes or longer.
  std::string FullPath(Errno* why) const;

  uint32_t references_ = 0;
  bool removed_ = false;
  DentryRef parent_;
  std::string name_;
  InodeRef inode_;
  DentryRef mounted_root_;
  DentryRef mount_point_;
  std::map<std::string_view, Dentry*> children_;  // Not owned; keys are the children's names.
  std::map<std::string, DentryRef, std::less<>> pinned_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_DENTRY_H_
