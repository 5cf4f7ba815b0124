#include "os_emu/vfs/dentry.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "os_emu/file/file_status.h"

namespace pollux::os_emu {

Dentry::Dentry(DentryRef parent, std::string name, InodeRef inode, Name linked)
    : removed_(linked == Name::kNone),
      parent_(std::move(parent)),
      name_(std::move(name)),
      inode_(std::move(inode)) {
  if (parent_ && !removed_) TakeNameInParent();
}

Dentry::~Dentry() { POLLUX_CHECK(children_.empty()) << name_ << " was let go before its children"; }

void Dentry::DropReference() {
  // A guest can nest directories by the million: let go of the ancestors in a loop.
  Dentry* dentry = this;
  while (dentry != nullptr && --dentry->references_ == 0) {
    if (dentry->removed_) dentry->TellIfGone();
    if (!dentry->removed_) dentry->MarkRemoved();
    Dentry* parent = dentry->parent_.Release();
    delete dentry;
    dentry = parent;
  }
}

// dentry_unlink_inode(): the last user of a name that was removed.
void Dentry::TellIfGone() {
  if (!inode_->watched()) return;
  const Result<FileStatus> status = inode_->GetStatus();
  if (status.ok() && status->nlink == 0) inode_->TellGone();
}

void Dentry::MarkRemoved() {
  if (removed_) return;
  removed_ = true;
  if (!parent_) return;
  auto found = parent_->children_.find(name_);
  if (found != parent_->children_.end() && found->second == this) parent_->children_.erase(found);
}

void Dentry::TakeNameInParent() {
  // Out with the old entry, and not only its value: the key is a view of its name.
  if (Dentry* replaced = parent_->FindChild(name_)) replaced->MarkRemoved();
  parent_->children_.emplace(name_, this);
}

void Dentry::MoveTo(const DentryRef& parent, std::string_view name) {
  MarkRemoved();
  DentryRef old_parent = std::exchange(parent_, parent);  // Let go at the end of this function.
  name_ = name;
  removed_ = false;
  TakeNameInParent();
}

bool Dentry::IsSameOrAncestorOf(const Dentry* other) const {
  while (other != nullptr && other != this) other = other->parent_.get();
  return other == this;
}

Dentry* Dentry::FindChild(std::string_view name) const {
  auto found = children_.find(name);
  return found != children_.end() ? found->second : nullptr;
}

void Dentry::MountHere(const DentryRef& root) {
  POLLUX_CHECK(!mounted_root_ && !root->mount_point_) << "mounted twice";
  mounted_root_ = root;
  root->mount_point_ = DentryRef(this);
}

void Dentry::Unmount() {
  if (!mounted_root_) return;
  DentryRef root = std::move(mounted_root_);
  root->mount_point_ = nullptr;  // May be the last reference to this.
}

std::string Dentry::FullPath(Errno* why) const {
  std::vector<std::string_view> names;  // From the file up.
  size_t bytes = 0;
  const Dentry* at = this;
  while (true) {
    while (!at->parent_ && at->mount_point_) at = at->mount_point_.get();
    if (!at->parent_) break;
    names.push_back(at->name_);
    bytes += at->name_.size() + 1;
    if (bytes + 1 > kPathMax) {
      *why = Errno::kNameTooLong;
      return "";
    }
    at = at->parent_.get();
  }
  if (at->removed_) {
    *why = Errno::kNoEnt;
    return "";
  }
  if (names.empty()) return "/";
  std::string path;
  path.reserve(bytes);
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    path += '/';
    path += *name;
  }
  return path;
}

Result<std::string> Dentry::Path() const {
  if (removed_) return Errno::kNoEnt;
  Errno why = Errno::kNoEnt;
  std::string path = FullPath(&why);
  if (path.empty()) return why;
  return path;
}

std::string Dentry::LinkText() const {
  // d_path() of fs/d_path.c: the names of removed directories are still told.
  Errno why = Errno::kNoEnt;
  std::string path = FullPath(&why);
  if (path.empty()) path = why == Errno::kNoEnt ? "/" + name_ : "(path too long)";
  if (removed_) path += " (deleted)";
  return path;
}

}  // namespace pollux::os_emu
