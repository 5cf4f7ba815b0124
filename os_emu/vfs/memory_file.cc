// Regular files of MemoryFs: their pages and their description.
#include <algorithm>
#include <cstring>
#include <utility>

#include "os_emu/vfs/memory_fs.h"
#include "os_emu/vfs/open_file.h"

namespace pollux::os_emu {
namespace {

using memory::kPageBytes;

class MemoryFile final : public RegularFile {
 public:
  MemoryFile(DentryRef dentry, uint32_t status_flags)
      : RegularFile(std::move(dentry), status_flags) {}

 private:
  MemoryFileInode& file() const { return static_cast<MemoryFileInode&>(inode()); }

  Result<uint64_t> Size() override { return file().size(); }
  Result<size_t> ReadBytes(memory::UserBuffer& to, uint64_t offset) override {
    if ((status_flags() & kONoAtime) == 0) file().TouchAccess();
    return file().ReadBytes(to, offset);
  }
  Result<size_t> WriteBytes(memory::UserBuffer& from, uint64_t* offset, bool) override {
    return file().WriteBytes(from, *offset);
  }
  Result<void> SetSize(uint64_t bytes) override { return file().Truncate(bytes); }
  Result<uint64_t> NextData(uint64_t offset) override { return file().NextData(offset); }
  Result<uint64_t> NextHole(uint64_t offset) override { return file().NextHole(offset); }
};

}  // namespace

MemoryFileInode::~MemoryFileInode() { fs().Refund(pages_.size() * kPageBytes); }

Result<DescriptionRef> MemoryFileInode::Open(const Caller&, const DentryRef& self, uint32_t flags) {
  return MakeDescription<MemoryFile>(self, flags);
}

Result<size_t> MemoryFileInode::ReadBytes(memory::UserBuffer& to, uint64_t offset) {
  if (offset >= size_) return size_t{0};
  to.Truncate(size_ - offset);
  const uint64_t wanted = to.remaining();
  size_t copied = 0;
  while (copied < wanted) {
    const uint64_t at = offset + copied;
    const uint64_t within = at % kPageBytes;
    auto page = pages_.lower_bound(at / kPageBytes);
    uint64_t bytes = 0;
    size_t done = 0;
    if (page != pages_.end() && page->first == at / kPageBytes) {
      bytes = std::min(kPageBytes - within, wanted - copied);
      done = to.CopyTo({page->second->data() + within, bytes});
    } else {
      const uint64_t hole_end = page != pages_.end() ? page->first * kPageBytes : size_;
      bytes = std::min(hole_end - at, wanted - copied);
      done = to.ZeroTo(bytes);
    }
    copied += done;
    if (done < bytes) break;
  }
  if (copied == 0) return Errno::kFault;
  return copied;
}

MemoryFileInode::Page* MemoryFileInode::PageFor(uint64_t index) {
  auto found = pages_.find(index);
  if (found != pages_.end()) return found->second.get();
  if (!fs().Charge(kPageBytes)) return nullptr;
  return pages_.emplace(index, std::make_unique<Page>()).first->second.get();
}

Result<size_t> MemoryFileInode::WriteBytes(memory::UserBuffer& from, uint64_t offset) {
  size_t copied = 0;
  Errno error = Errno::kFault;
  Page chunk;
  while (from.remaining() > 0) {
    // Through a buffer: an inaccessible byte must not leave a page of zeros behind.
    const uint64_t at = offset + copied;
    const uint64_t within = at % kPageBytes;
    const size_t bytes = std::min(kPageBytes - within, from.remaining());
    const size_t taken = from.CopyFrom({chunk.data(), bytes});
    if (taken == 0) break;
    Page* page = PageFor(at / kPageBytes);
    if (page == nullptr) {
      from.Revert(taken);
      error = Errno::kNoSpc;
      break;
    }
    std::memcpy(page->data() + within, chunk.data(), taken);
    copied += taken;
    size_ = std::max(size_, at + taken);
    if (taken < bytes) break;
  }
  if (copied == 0) return error;
  DropPrivileges();
  TouchModification();
  return copied;
}

Result<void> MemoryFileInode::Truncate(uint64_t bytes) {
  if (bytes > kMaxFileBytes) return Errno::kFBig;
  if (bytes < size_) PunchHole(bytes, size_ - bytes);
  size_ = bytes;
  DropPrivileges();
  TouchModification();
  return {};
}

void MemoryFileInode::DropPages(uint64_t first, uint64_t end) {
  auto begin = pages_.lower_bound(first);
  auto stop = pages_.lower_bound(end);
  fs().Refund(static_cast<uint64_t>(std::distance(begin, stop)) * kPageBytes);
  pages_.erase(begin, stop);
}

void MemoryFileInode::PunchHole(uint64_t offset, uint64_t bytes) {
  const uint64_t end = std::min(offset + bytes, std::max(size_, offset));
  auto zero = [&](uint64_t from, uint64_t to) {  // Within one page.
    auto page = pages_.find(from / kPageBytes);
    if (from < to && page != pages_.end())
      std::memset(page->second->data() + from % kPageBytes, 0, to - from);
  };
  const uint64_t first_whole = (offset + kPageBytes - 1) / kPageBytes;
  // What is beyond the end of the file may go as a whole.
  const uint64_t end_whole = end == size_ ? (end + kPageBytes - 1) / kPageBytes : end / kPageBytes;
  if (first_whole > end_whole) {
    zero(offset, end);
    return;
  }
  zero(offset, std::min(first_whole * kPageBytes, end));
  if (end_whole * kPageBytes < end) zero(end_whole * kPageBytes, end);
  DropPages(first_whole, end_whole);
}

bool MemoryFileInode::Reserve(uint64_t offset, uint64_t bytes, bool keep_size) {
  const uint64_t end = offset + bytes;
  const uint64_t first_page = offset / kPageBytes, end_page = (end + kPageBytes - 1) / kPageBytes;
  // Asked first, so that a huge request does not fill the host's memory on its way to failing.
  const auto present = std::distance(pages_.lower_bound(first_page), pages_.lower_bound(end_page));
  const uint64_t missing = (end_page - first_page - static_cast<uint64_t>(present)) * kPageBytes;
  if (!fs().Charge(missing)) return false;
  fs().Refund(missing);
  for (uint64_t page = first_page; page < end_page; ++page) {
    if (PageFor(page) == nullptr) return false;
  }
  if (!keep_size) size_ = std::max(size_, end);
  TouchModification();
  return true;
}

Result<uint64_t> MemoryFileInode::NextData(uint64_t offset) const {
  auto page = pages_.lower_bound(offset / kPageBytes);
  if (page == pages_.end() || page->first * kPageBytes >= size_) return Errno::kNxio;
  return std::max(offset, page->first * kPageBytes);
}

uint64_t MemoryFileInode::NextHole(uint64_t offset) const {
  uint64_t index = offset / kPageBytes;
  for (auto page = pages_.lower_bound(index); page != pages_.end() && page->first == index; ++page)
    ++index;
  return std::min(std::max(offset, index * kPageBytes), size_);
}

}  // namespace pollux::os_emu
