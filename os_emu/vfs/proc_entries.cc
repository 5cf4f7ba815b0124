#include "os_emu/vfs/proc_entries.h"

#include <algorithm>
#include <utility>

#include "os_emu/vfs/dentry.h"
#include "os_emu/vfs/open_file.h"
#include "os_emu/vfs/path_walk.h"

namespace pollux::os_emu {
namespace {

// A text, kept from the read at its start on (fs/seq_file.c).
class ProcTextFile final : public OpenFile {
 public:
  ProcTextFile(DentryRef dentry, uint32_t status_flags)
      : OpenFile(std::move(dentry), status_flags) {}

  Result<size_t> Read(memory::UserBuffer& to) override {
    POLLUX_ASSIGN_OR_RETURN(const size_t copied, ReadAt(to, position_));
    position_ += copied;
    return copied;
  }
  Result<size_t> ReadAt(memory::UserBuffer& to, uint64_t offset) override {
    if (offset > kMaxFileBytes) return Errno::kInval;
    if (offset == 0 || !made_) POLLUX_RETURN_IF_ERROR(Make());
    if (offset >= text_.size() || to.remaining() == 0) return size_t{0};
    const size_t bytes = std::min<uint64_t>(to.remaining(), text_.size() - offset);
    const size_t copied =
        to.CopyTo({reinterpret_cast<const uint8_t*>(text_.data()) + offset, bytes});
    if (copied == 0) return Errno::kFault;
    return copied;
  }
  Result<size_t> Write(memory::UserBuffer& from) override { return WriteAt(from, 0); }
  Result<size_t> WriteAt(memory::UserBuffer& from, uint64_t) override {
    std::string text(std::min<uint64_t>(from.remaining(), memory::kPageBytes), '\0');
    const size_t taken = from.CopyFrom({reinterpret_cast<uint8_t*>(text.data()), text.size()});
    if (taken == 0 && !text.empty()) return Errno::kFault;
    POLLUX_RETURN_IF_ERROR(file().Write(std::string_view(text).substr(0, taken)));
    return taken;
  }
  Result<uint64_t> Seek(int64_t offset, Whence whence) override {
    if (whence != Whence::kSet && whence != Whence::kCurrent) return Errno::kInval;
    const int64_t base = whence == Whence::kCurrent ? static_cast<int64_t>(position_) : 0;
    int64_t position = 0;
    if (__builtin_add_overflow(base, offset, &position) || position < 0) return Errno::kInval;
    position_ = static_cast<uint64_t>(position);
    return position_;
  }
  bool CanBeWatched() const override { return false; }
  const char* TypeName() const override { return "proc"; }

 private:
  ProcTextInode& file() const { return static_cast<ProcTextInode&>(inode()); }
  memory::MemoryBudget& budget() const { return inode().super().files().budget(); }

  Result<void> Make() {
    Drop();
    POLLUX_ASSIGN_OR_RETURN(text_, file().Text());
    memory::MemoryBudget& budget = this->budget();
    if (!budget.FitsObject(text_.size())) {
      text_.clear();
      return Errno::kNoMem;
    }
    budget.used_bytes += text_.size();
    made_ = true;
    return {};
  }
  void Drop() {
    if (made_) budget().used_bytes -= text_.size();
    text_ = std::string();
    made_ = false;
  }
  void OnRelease() override { Drop(); }

  std::string text_;
  bool made_ = false;
  uint64_t position_ = 0;
};

// What a description without a path is when it is reached through /proc/self/fd.
class AnonymousInode final : public Inode {
 public:
  AnonymousInode(std::shared_ptr<ProcFs> fs, const FileStatus& status, DescriptionRef description)
      : Inode(std::move(fs), status.ino, status.mode & kModeTypeMask),
        description_(std::move(description)) {}

  Result<FileStatus> GetStatus() override {
    FileStatus status;
    POLLUX_RETURN_IF_ERROR(description_->Stat(&status));
    return status;
  }
  Result<void> SetAttributes(const AttributeChange&) override { return Errno::kOpNotSupp; }
  Result<DescriptionRef> Open(const Caller&, const DentryRef&, uint32_t flags) override {
    DescriptionReopener* reopener = static_cast<ProcFs&>(super()).reopener();
    if (reopener == nullptr) return Errno::kNxio;
    return reopener->Reopen(*description_, flags);
  }

 private:
  DescriptionRef description_;
};

}  // namespace

void ProcFs::FillStatus(FileSystemStatus* status) { status->type = magic_; }

Result<Process*> ProcSubject::FindProcess() const {
  Process* process = kernel.FindProcess(pid);
  if (process == nullptr) return Errno::kSrch;
  return process;
}

Result<Thread*> ProcSubject::FindTask() const {
  Thread* thread = kernel.FindTask(tid);
  if (thread == nullptr) return Errno::kSrch;
  return thread;
}

Result<Thread*> ProcSubject::FindLivingTask() const {
  POLLUX_ASSIGN_OR_RETURN(Thread * thread, FindTask());
  if (thread->ended()) return Errno::kNoEnt;
  return thread;
}

// ---- ProcInode

Result<FileStatus> ProcInode::GetStatus() {
  FileStatus status;
  status.dev = super().device();
  status.ino = number();
  status.mode = mode_;
  status.nlink = IsDirectory() ? 2 : 1;
  if (IsLink()) status.size = 64;  // What links of procfs say, whatever they lead to.
  if (const Process* process = fs().kernel().FindProcess(pid_)) {
    status.uid = process->credentials.euid;
    status.gid = process->credentials.egid;
  }
  // Entries are made when they are looked for.
  status.atime = status.mtime = status.ctime = status.btime = fs().kernel().clock().Realtime();
  return status;
}

Result<DescriptionRef> ProcInode::Open(const Caller&, const DentryRef& self, uint32_t flags) {
  if (!IsDirectory()) return Errno::kNxio;
  return MakeDescription<DirectoryFile>(self, flags);
}

// ---- ProcDirectoryInode

ProcDirectoryInode* ProcDirectoryInode::FindDirectory(std::string_view name) const {
  for (const auto& [entry_name, inode] : entries_) {
    if (entry_name == name) return dynamic_cast<ProcDirectoryInode*>(inode.get());
  }
  return nullptr;
}

Result<DentryRef> ProcDirectoryInode::Lookup(const DentryRef& self, std::string_view name) {
  InodeRef inode;
  for (const auto& [entry_name, entry] : entries_) {
    if (entry_name == name) inode = entry;
  }
  Dentry* known = self->FindChild(name);
  if (inode) {
    if (known != nullptr) return DentryRef(known);
  } else {
    inode = FindMore(name);
    if (known != nullptr) {
      // A living dentry of a process or descriptor is still good while there is one of that number.
      if (inode && inode->number() == known->inode().number()) return DentryRef(known);
      known->MarkRemoved();
    }
    if (!inode) return Errno::kNoEnt;
  }
  return DentryRef(new Dentry(self, std::string(name), std::move(inode)));
}

// /sys (kernfs) leaves it to the call.
bool ProcDirectoryInode::LookupIsFinal() const {
  return fs().TypeName() == std::string_view("proc");
}

Result<std::vector<ListedEntry>> ProcDirectoryInode::List(const DentryRef&) {
  std::vector<ListedEntry> listing;
  for (const auto& [name, inode] : entries_) {
    listing.push_back({inode->number(), EntryTypeOf(inode->type()), name});
  }
  ListMore(listing);
  return listing;
}

// ---- ProcTextInode

Result<DescriptionRef> ProcTextInode::Open(const Caller&, const DentryRef& self, uint32_t flags) {
  // Nothing here can be set but what has a writer: refused as by a sysctl that may only be read.
  if (writer_ == nullptr && (flags & kOAccMode) != kORdOnly) return Errno::kAcces;
  if (needs_ == ProcNeeds::kMemoryToOpen || needs_ == ProcNeeds::kMountsToOpen) {
    POLLUX_ASSIGN_OR_RETURN(const Thread* task, subject_.FindTask());
    if (task->ended()) return needs_ == ProcNeeds::kMountsToOpen ? Errno::kInval : Errno::kSrch;
  }
  return MakeDescription<ProcTextFile>(self, flags);
}

Result<std::string> ProcTextInode::Text() const {
  if (needs_ == ProcNeeds::kMemory || needs_ == ProcNeeds::kMemoryToOpen) {
    POLLUX_ASSIGN_OR_RETURN(const Thread* task, subject_.FindTask());
    if (task->ended()) return std::string();
  }
  return text_(subject_);
}

Result<void> ProcTextInode::Write(std::string_view text) const {
  if (writer_ == nullptr) return Errno::kIo;
  return writer_(subject_, text);
}

// ---- ProcMagicInode

Result<std::string> ProcMagicInode::ReadLink(const Caller& caller) {
  POLLUX_ASSIGN_OR_RETURN(const DescriptionRef description, target_(subject_));
  POLLUX_ASSIGN_OR_RETURN(const FileStatus status, GetStatus());
  if (caller.uid != status.uid && !caller.Has(Capability::kSysPtrace)) return Errno::kAcces;
  return description ? description->LinkText() : std::string("/");
}

Result<DentryRef> ProcMagicInode::FollowMagic(const Caller& caller) {
  POLLUX_ASSIGN_OR_RETURN(const DescriptionRef description, target_(subject_));
  POLLUX_ASSIGN_OR_RETURN(const FileStatus status, GetStatus());
  if (caller.uid != status.uid && !caller.Has(Capability::kSysPtrace)) return Errno::kAcces;
  if (!description) return fs().files().root();
  if (DentryRef dentry = DentryOf(description)) return dentry;
  FileStatus target;
  POLLUX_RETURN_IF_ERROR(description->Stat(&target));
  InodeRef inode(new AnonymousInode(shared_fs(), target, description));
  return DentryRef(
      new Dentry(nullptr, description->LinkText(), std::move(inode), Dentry::Name::kNone));
}

}  // namespace pollux::os_emu
