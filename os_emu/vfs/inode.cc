#include "os_emu/vfs/inode.h"

#include <algorithm>
#include <set>

#include "abi/check.h"
#include "os_emu/vfs/dentry.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu {
namespace {

// Gives back what a listing was charged.
void DropListing(DirectoryCursor& cursor, memory::MemoryBudget& budget) {
  budget.used_bytes -= cursor.charged_bytes;
  cursor.charged_bytes = 0;
  cursor.listing.clear();
  cursor.listing.shrink_to_fit();
  cursor.listed = false;
}

// Mount points are seen whatever the directory says.
void MergePinned(const Dentry& directory, std::vector<ListedEntry>& listing) {
  if (directory.pinned().empty()) return;
  std::erase_if(listing,
                [&](const ListedEntry& entry) { return directory.pinned().contains(entry.name); });
  for (const auto& [name, child] : directory.pinned()) {
    listing.push_back({child->inode().number(), EntryType::kDirectory, name});
  }
  std::sort(listing.begin(), listing.end(),
            [](const ListedEntry& a, const ListedEntry& b) { return a.name < b.name; });
}

}  // namespace

void Inode::AddWriter() {
  POLLUX_CHECK(!IsExecuted()) << "who opens it has to look first";
  ++writers_;
}

Result<std::shared_ptr<void>> Inode::Execute() {
  if (IsWritten()) return Errno::kTxtBsy;
  ++executions_;
  const InodeRef self(this);
  return std::shared_ptr<void>(nullptr, [self](void*) { --self->executions_; });
}

Result<void> Inode::Truncate(uint64_t) { return Errno::kInval; }
Result<std::string> Inode::ReadLink(const Caller&) { return Errno::kInval; }
Result<DentryRef> Inode::FollowMagic(const Caller&) { return DentryRef(); }

// A file system that lacks the operation refuses it with EPERM (fs/namei.c).
Result<DentryRef> Inode::Lookup(const DentryRef&, std::string_view) { return Errno::kNotDir; }
Result<DentryRef> Inode::Create(const DentryRef&, std::string_view, const NewNode&) {
  return Errno::kPerm;
}
Result<DentryRef> Inode::CreateNameless(const DentryRef&, const NewNode&, bool) {
  return Errno::kOpNotSupp;
}
Result<void> Inode::Link(const DentryRef&, std::string_view, const DentryRef&) {
  return Errno::kPerm;
}
Result<void> Inode::Remove(const DentryRef&, const DentryRef&) { return Errno::kPerm; }
Result<void> Inode::Rename(const DentryRef&, const DentryRef&, const DentryRef&, std::string_view,
                           const DentryRef&, bool) {
  return Errno::kPerm;
}
Result<std::vector<ListedEntry>> Inode::List(const DentryRef&) { return Errno::kNotDir; }

Result<void> Inode::ReadEntries(const DentryRef& self, DirectoryCursor& cursor,
                                DirectorySink& sink) {
  memory::MemoryBudget& budget = super().files().budget();
  if (cursor.position == 0 || !cursor.listed) {
    DropListing(cursor, budget);
    POLLUX_ASSIGN_OR_RETURN(cursor.listing, List(self));
    MergePinned(*self, cursor.listing);
    uint64_t bytes = 0;
    for (const ListedEntry& entry : cursor.listing) bytes += sizeof(entry) + entry.name.size();
    if (!budget.FitsObject(bytes)) {
      cursor.listing.clear();
      return Errno::kNoMem;
    }
    budget.used_bytes += bytes;
    cursor.charged_bytes = bytes;
    cursor.listed = true;
  }
  while (true) {
    const uint64_t position = cursor.position;
    bool taken = false;
    if (position == 0) {
      taken = sink.Add(number(), 1, EntryType::kDirectory, ".");
    } else if (position == 1) {
      const Inode& parent = self->parent() ? self->parent()->inode() : *this;
      taken = sink.Add(parent.number(), 2, EntryType::kDirectory, "..");
    } else if (position - 2 < cursor.listing.size()) {
      const ListedEntry& entry = cursor.listing[position - 2];
      taken = sink.Add(entry.ino, position + 1, entry.type, entry.name);
    }
    if (!taken) return {};
    ++cursor.position;
  }
}

}  // namespace pollux::os_emu
