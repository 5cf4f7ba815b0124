#include "os_emu/vfs/memory_fs.h"

#include <utility>
#include <vector>

#include "abi/check.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/open_file.h"

namespace pollux::os_emu {
namespace {

// What an inode and a name cost the host, roughly; a guest must not make millions of them for
// nothing.
constexpr uint64_t kInodeBytes = 512;
constexpr uint64_t kNameBytes = 256;
constexpr int64_t kDayNanos = 86'400'000'000'000;

uint64_t NameCost(const std::string& name) { return kNameBytes + name.size(); }

}  // namespace

// ---- MemoryFs

bool MemoryFs::Charge(uint64_t bytes) {
  memory::MemoryBudget& budget = files().budget();
  if (!budget.Fits(bytes))
    return false;
  budget.used_bytes += bytes;
  return true;
}

void MemoryFs::Refund(uint64_t bytes) { files().budget().used_bytes -= bytes; }

Nanos MemoryFs::Now() const { return files().clock().Realtime(); }

InodeRef MemoryFs::NewInode(const NewNode& node) {
  if (!Charge(kInodeBytes + node.target.size())) return nullptr;
  return MakeInode(node);
}

InodeRef MemoryFs::NewRoot() {
  files().budget().used_bytes += kInodeBytes;
  NewNode node;
  node.mode = kModeDirectory | 0755;
  return MakeInode(node);
}

InodeRef MemoryFs::MakeInode(const NewNode& node) {
  const uint64_t number = ++last_inode_;
  switch (node.mode & kModeTypeMask) {
    case kModeRegular:
      return InodeRef(new MemoryFileInode(shared_from_this(), number, node));
    case kModeDirectory:
      return InodeRef(new MemoryDirectoryInode(shared_from_this(), number, node));
    case kModeLink:
      return InodeRef(new MemoryLinkInode(shared_from_this(), number, node));
    default:
      return InodeRef(new MemorySpecialInode(shared_from_this(), number, node));
  }
}

void MemoryFs::TearDown(const DentryRef& root) {
  // In a loop, children held until the end, because a guest can nest directories by the million.
  std::vector<DentryRef> all = {root};
  for (size_t i = 0; i < all.size(); ++i) {
    const DentryRef dentry = all[i];
    dentry->Unmount();
    auto* directory = dynamic_cast<MemoryDirectoryInode*>(&dentry->inode());
    if (directory == nullptr) continue;
    for (auto& [cookie, child] : directory->TakeEntries()) {
      directory->fs().Refund(NameCost(child->name()));
      all.push_back(std::move(child));
    }
  }
  while (!all.empty()) all.pop_back();
}

void MemoryFs::FillStatus(FileSystemStatus* status) {
  const memory::MemoryBudget& budget = files().budget();
  // statfs of a tmpfs without a size tells 0; programs take that for "full", so the memory limit is
  // told instead.
  const uint64_t limit = budget.limit_bytes / memory::kPageBytes;
  const uint64_t used = budget.used_bytes / memory::kPageBytes;
  status->type = 0x01021994;  // TMPFS_MAGIC
  status->blocks = limit;
  status->blocks_free = status->blocks_available = limit - std::min(used, limit);
  status->files = limit;
  status->files_free = status->blocks_free;
}

// ---- MemoryInode

MemoryInode::MemoryInode(std::shared_ptr<MemoryFs> fs, uint64_t number, const NewNode& node)
    : Inode(std::move(fs), number, node.mode & kModeTypeMask),
      mode_(node.mode),
      uid_(node.uid),
      gid_(node.gid),
      links_((node.mode & kModeTypeMask) == kModeDirectory ? 2 : 1) {
  access_time_ = modification_time_ = change_time_ = birth_time_ = this->fs().Now();
}

MemoryInode::~MemoryInode() { fs().Refund(kInodeBytes); }

MemoryLinkInode::~MemoryLinkInode() { fs().Refund(target_.size()); }

Result<FileStatus> MemoryInode::GetStatus() {
  FileStatus status;
  status.dev = super().device();
  status.ino = number();
  status.mode = mode_;
  status.nlink = links_;
  status.uid = uid_;
  status.gid = gid_;
  status.size = SizeBytes();
  status.blocks = Blocks();
  status.atime = access_time_;
  status.mtime = modification_time_;
  status.ctime = change_time_;
  status.btime = birth_time_;
  return status;
}

Result<void> MemoryInode::SetAttributes(const AttributeChange& change) {
  if (change.mode) mode_ = type() | (*change.mode & 07777);
  if (change.uid) uid_ = *change.uid;
  if (change.gid) gid_ = *change.gid;
  if (change.access_time) access_time_ = *change.access_time;
  if (change.modification_time) modification_time_ = *change.modification_time;
  TouchChange();
  return {};
}

Result<DescriptionRef> MemoryInode::Open(const Caller&, const DentryRef& self, uint32_t flags) {
  POLLUX_CHECK(IsDirectory()) << "only directories are opened here";
  return MakeDescription<DirectoryFile>(self, flags);
}

void MemoryInode::AddLink() {
  ++links_;
  TouchChange();
}

void MemoryInode::DropLink() {
  POLLUX_CHECK(links_ > 0) << "an inode lost more links than it had";
  --links_;
  TouchChange();
}

void MemoryInode::ClearLinks(bool linkable) {
  links_ = 0;
  nameless_linkable_ = linkable;
}

void MemoryInode::TouchChange() { change_time_ = fs().Now(); }

void MemoryInode::TouchModification() { modification_time_ = change_time_ = fs().Now(); }

void MemoryInode::TouchAccess() {
  // relatime_need_update() of fs/inode.c.
  const Nanos now = fs().Now();
  if (access_time_ <= modification_time_ || access_time_ <= change_time_ ||
      now - access_time_ >= Nanos{kDayNanos}) {
    access_time_ = now;
  }
}

void MemoryInode::DropPrivileges() {
  mode_ &= ~kModeSetUid;
  // Without the group's execute bit, set-group-id means mandatory locking and stays.
  if ((mode_ & 0010) != 0) mode_ &= ~kModeSetGid;
}

// ---- MemoryDirectoryInode

Result<DentryRef> MemoryDirectoryInode::Lookup(const DentryRef& self, std::string_view name) {
  Dentry* child = self->FindChild(name);
  if (child == nullptr) return Errno::kNoEnt;
  return DentryRef(child);
}

void MemoryDirectoryInode::Insert(const DentryRef& child, uint64_t cookie) {
  child->cookie = cookie;
  entries_.insert_or_assign(cookie, child);
}

Result<DentryRef> MemoryDirectoryInode::Create(const DentryRef& self, std::string_view name,
                                               const NewNode& node) {
  const uint64_t name_cost = kNameBytes + name.size();
  if (!fs().Charge(name_cost)) return Errno::kNoSpc;
  InodeRef inode = fs().NewInode(node);
  if (!inode) {
    fs().Refund(name_cost);
    return Errno::kNoSpc;
  }
  DentryRef child(new Dentry(self, std::string(name), inode));
  Insert(child, next_cookie_++);
  if (inode->IsDirectory()) AddLink();
  TouchModification();
  return child;
}

Result<DentryRef> MemoryDirectoryInode::CreateNameless(const DentryRef& self, const NewNode& node,
                                                       bool linkable) {
  InodeRef inode = fs().NewInode(node);
  if (!inode) return Errno::kNoSpc;
  static_cast<MemoryInode&>(*inode).ClearLinks(linkable);
  // d_mark_tmpfile(): "#" and the inode's number.
  return DentryRef(
      new Dentry(self, "#" + std::to_string(inode->number()), inode, Dentry::Name::kNone));
}

Result<void> MemoryDirectoryInode::Link(const DentryRef& self, std::string_view name,
                                        const DentryRef& source) {
  const uint64_t name_cost = kNameBytes + name.size();
  if (!fs().Charge(name_cost)) return Errno::kNoSpc;
  DentryRef child(new Dentry(self, std::string(name), source->inode_ref()));
  Insert(child, next_cookie_++);
  static_cast<MemoryInode&>(source->inode()).AddLink();
  TouchModification();
  return {};
}

Result<void> MemoryDirectoryInode::Remove(const DentryRef& self, const DentryRef& child) {
  POLLUX_CHECK(child->parent() == self.get()) << "removed from the wrong directory";
  auto& inode = static_cast<MemoryInode&>(child->inode());
  if (inode.IsDirectory()) {
    if (!static_cast<MemoryDirectoryInode&>(inode).entries_.empty()) return Errno::kNotEmpty;
    inode.DropLink();
    DropLink();
  }
  inode.DropLink();
  fs().Refund(NameCost(child->name()));
  const DentryRef keep = child;
  entries_.erase(child->cookie);
  keep->MarkRemoved();
  TouchModification();
  return {};
}

Result<void> MemoryDirectoryInode::Rename(const DentryRef& self, const DentryRef& source,
                                          const DentryRef& new_parent, std::string_view name,
                                          const DentryRef& target, bool exchange) {
  auto& destination = static_cast<MemoryDirectoryInode&>(new_parent->inode());
  auto& moved = static_cast<MemoryInode&>(source->inode());
  const DentryRef keep_source = source;
  const DentryRef keep_target = target;

  if (exchange) {
    auto& other = static_cast<MemoryInode&>(target->inode());
    if (moved.IsDirectory() != other.IsDirectory() && &destination != this) {
      (moved.IsDirectory() ? destination : *this).AddLink();
      (moved.IsDirectory() ? *this : destination).DropLink();
    }
    const std::string source_name = source->name(), target_name = target->name();
    const uint64_t source_cookie = source->cookie, target_cookie = target->cookie;
    source->MarkRemoved();
    target->MoveTo(self, source_name);
    source->MoveTo(new_parent, target_name);
    Insert(keep_target, source_cookie);
    destination.Insert(keep_source, target_cookie);
    other.TouchChange();
  } else {
    uint64_t cookie = 0;
    const uint64_t old_cost = NameCost(source->name());
    const uint64_t new_cost = kNameBytes + name.size();
    if (target) {
      cookie = target->cookie;
      POLLUX_RETURN_IF_ERROR(destination.Remove(new_parent, target));
    }
    // The difference is less than a name may be long: not worth an error after the point of no
    // return.
    fs().Refund(old_cost);
    fs().files().budget().used_bytes += new_cost;
    entries_.erase(source->cookie);
    if (moved.IsDirectory() && &destination != this) {
      DropLink();
      destination.AddLink();
    }
    source->MoveTo(new_parent, name);
    destination.Insert(keep_source, cookie != 0 ? cookie : destination.next_cookie_++);
  }
  moved.TouchChange();
  TouchModification();
  destination.TouchModification();
  return {};
}

Result<void> MemoryDirectoryInode::ReadEntries(const DentryRef& self, DirectoryCursor& cursor,
                                               DirectorySink& sink) {
  TouchAccess();
  if (cursor.position == 0) {
    if (!sink.Add(number(), 1, EntryType::kDirectory, ".")) return {};
    cursor.position = 1;
  }
  if (cursor.position == 1) {
    const uint64_t parent = self->parent() ? self->parent()->inode().number() : number();
    if (!sink.Add(parent, 2, EntryType::kDirectory, "..")) return {};
    cursor.position = 2;
  }
  for (auto entry = entries_.lower_bound(cursor.position); entry != entries_.end(); ++entry) {
    const auto& [cookie, child] = *entry;
    const Inode& inode = child->inode();
    if (!sink.Add(inode.number(), cookie + 1, EntryTypeOf(inode.type()), child->name())) return {};
    cursor.position = cookie + 1;
  }
  return {};
}

// ---- MemoryLinkInode

Result<std::string> MemoryLinkInode::ReadLink(const Caller&) {
  TouchAccess();
  return target_;
}

// ---- MemorySpecialInode

MemorySpecialInode::MemorySpecialInode(std::shared_ptr<MemoryFs> fs, uint64_t number,
                                       const NewNode& node)
    : MemoryInode(std::move(fs), number, node) {
  file_.mode = node.mode;
  file_.device = node.device;
}

Result<FileStatus> MemorySpecialInode::GetStatus() {
  POLLUX_ASSIGN_OR_RETURN(FileStatus status, MemoryInode::GetStatus());
  status.rdev = file_.device;
  return status;
}

Result<DescriptionRef> MemorySpecialInode::Open(const Caller&, const DentryRef& self,
                                                uint32_t flags) {
  SpecialFileOpener* opener = fs().files().OpenerFor(file_.mode, file_.device);
  if (opener == nullptr) return Errno::kNxio;
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef target, opener->Open(file_, flags));
  return MakeDescription<ForwardedFile>(self, flags & ~kONoCtty, std::move(target));
}

}  // namespace pollux::os_emu
