// Regular files of MemoryFs: their pages and their description.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "os_emu/vfs/file_system.h"
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
  Result<uint32_t> Seals() const override { return file().seals(); }
  Result<void> AddSeals(uint32_t seals) override { return file().AddSeals(seals); }
  FilePageRef PageAt(uint64_t offset) override { return file().ReferTo(offset / kPageBytes); }
  const memory::SharedObject* SharedPages() const override { return file().SharedPages(); }
  Result<void> Allocate(uint32_t mode, uint64_t offset, uint64_t bytes) override {
    // shmem_fallocate()
    const bool punches = (mode & kAllocatePunchHole) != 0;
    if (punches && file().IsWriteSealed()) return Errno::kPerm;
    // The limit counts where the file keeps its size, too.
    if (!punches) {
      POLLUX_RETURN_IF_ERROR(file().super().files().CheckSize(file().size(), offset + bytes));
    }
    if (!punches && (file().seals() & kSealGrow) != 0 && offset + bytes > file().size())
      return Errno::kPerm;
    file().DropPrivileges();  // file_modified()
    if ((mode & kAllocatePunchHole) != 0) {
      file().PunchHole(offset, bytes);
      return {};
    }
    if (!file().Reserve(offset, bytes, (mode & kAllocateKeepSize) != 0)) return Errno::kNoSpc;
    return {};
  }
  Result<std::shared_ptr<memory::SharedObject>> MapPages() override {
    if (!readable()) return Errno::kAcces;
    return file().MapPages();
  }
  Result<uint64_t> NextData(uint64_t offset) override { return file().NextData(offset); }
  Result<uint64_t> NextHole(uint64_t offset) override { return file().NextHole(offset); }
};

}  // namespace

MemoryFileInode::MemoryFileInode(std::shared_ptr<MemoryFs> fs, uint64_t number, const NewNode& node)
    : MemoryInode(std::move(fs), number, node),
      seals_(kSealSeal),
      pages_(&super().files().budget()) {}

bool MemoryFileInode::IsWriteSealed() const {
  return (seals_ & (kSealWrite | kSealFutureWrite)) != 0;
}

// memfd_add_seals()
Result<void> MemoryFileInode::AddSeals(uint32_t seals) {
  if ((seals_ & kSealSeal) != 0) return Errno::kPerm;
  // mapping_deny_writable(), and memfd_wait_for_pins(), which gives up after a while.
  if ((seals & kSealWrite) != 0 && (seals_ & kSealWrite) == 0 &&
      (pages_.MayBeStoredTo() || pages_.AreReferred())) {
    return Errno::kBusy;
  }
  if ((seals & kSealExec) != 0) {
    // What is executable must not change any more.
    POLLUX_ASSIGN_OR_RETURN(const FileStatus status, GetStatus());
    if ((status.mode & 0111) != 0) seals |= kSealShrink | kSealGrow | kSealWrite | kSealFutureWrite;
  }
  seals_ |= seals;
  return {};
}

// shmem_setattr()
Result<void> MemoryFileInode::SetAttributes(const AttributeChange& change) {
  if ((seals_ & kSealExec) != 0 && change.mode.has_value()) {
    POLLUX_ASSIGN_OR_RETURN(const FileStatus status, GetStatus());
    if (((status.mode ^ *change.mode) & 0111) != 0) return Errno::kPerm;
  }
  return MemoryInode::SetAttributes(change);
}

Result<DescriptionRef> MemoryFileInode::Open(const Caller&, const DentryRef& self, uint32_t flags) {
  return MakeDescription<MemoryFile>(self, flags);
}

Result<size_t> MemoryFileInode::ReadBytes(memory::UserBuffer& to, uint64_t offset) {
  if (offset >= size_) return size_t{0};
  to.Truncate(size_ - offset);
  const uint64_t wanted = to.remaining();
  size_t copied = 0;
  std::array<uint8_t, kPageBytes> chunk;
  while (copied < wanted) {
    const uint64_t at = offset + copied;
    const uint64_t within = at % kPageBytes;
    const std::optional<uint64_t> page = pages_.Next(at / kPageBytes);
    uint64_t bytes = 0;
    size_t done = 0;
    if (page == at / kPageBytes) {
      bytes = std::min(kPageBytes - within, wanted - copied);
      pages_.Read(*page, within, {chunk.data(), bytes});
      done = to.CopyTo({chunk.data(), bytes});
    } else {
      const uint64_t hole_end = page.has_value() ? *page * kPageBytes : size_;
      bytes = std::min(hole_end - at, wanted - copied);
      done = to.ZeroTo(bytes);
    }
    copied += done;
    if (done < bytes) break;
  }
  if (copied == 0) return Errno::kFault;
  return copied;
}

Result<void> MemoryFileInode::Lend(std::span<const uint8_t> contents) {
  if (!pages_.Lend(contents)) return Errno::kNoSpc;
  Grow(contents.size());
  TouchModification();
  return {};
}

Result<size_t> MemoryFileInode::WriteBytes(memory::UserBuffer& from, uint64_t offset) {
  size_t copied = 0;
  Errno error = Errno::kFault;
  std::array<uint8_t, kPageBytes> chunk;
  while (from.remaining() > 0) {
    // Through a buffer: an inaccessible byte must not leave a page of zeros behind.
    const uint64_t at = offset + copied;
    const uint64_t within = at % kPageBytes;
    const size_t bytes = std::min(kPageBytes - within, from.remaining());
    // shmem_write_begin() asks page by page, and before it looks at the bytes.
    if (IsWriteSealed() || ((seals_ & kSealGrow) != 0 && at + bytes > size_)) {
      error = Errno::kPerm;
      break;
    }
    const size_t taken = from.CopyFrom({chunk.data(), bytes});
    if (taken == 0) break;
    if (!pages_.Write(at / kPageBytes, within, {chunk.data(), taken})) {
      from.Revert(taken);
      error = Errno::kNoSpc;
      break;
    }
    copied += taken;
    Grow(at + taken);
    if (taken < bytes) break;
  }
  if (copied == 0) return error;
  DropPrivileges();
  TouchModification();
  return copied;
}

Result<void> MemoryFileInode::Truncate(uint64_t bytes) {
  if (bytes > kMaxFileBytes) return Errno::kFBig;
  if ((bytes < size_ && (seals_ & kSealShrink) != 0) ||
      (bytes > size_ && (seals_ & kSealGrow) != 0)) {
    return Errno::kPerm;
  }
  // What fallocate(2) reserved beyond the end goes, too. Linux clears what mappings stored beyond
  // the end only where the file does not grow.
  if (bytes <= size_) Clear(bytes, kMaxFileBytes + 1);
  size_ = bytes;
  pages_.SetSize(bytes);
  DropPrivileges();
  TouchModification();
  return {};
}

void MemoryFileInode::Grow(uint64_t end) {
  if (end <= size_) return;
  size_ = end;
  pages_.SetSize(end);
}

void MemoryFileInode::PunchHole(uint64_t offset, uint64_t bytes) {
  Clear(offset, offset + bytes);
  DropPrivileges();
  TouchModification();
}

void MemoryFileInode::Clear(uint64_t offset, uint64_t end) {
  auto zero = [&](uint64_t from, uint64_t to) {  // Within one page.
    if (from < to) pages_.Zero(from / kPageBytes, from % kPageBytes, to - from);
  };
  const uint64_t first_whole = (offset + kPageBytes - 1) / kPageBytes;
  const uint64_t end_whole = end / kPageBytes;
  if (first_whole > end_whole) {
    zero(offset, end);
    return;
  }
  zero(offset, first_whole * kPageBytes);
  zero(end_whole * kPageBytes, end);
  pages_.Drop(first_whole, end_whole);
}

bool MemoryFileInode::Reserve(uint64_t offset, uint64_t bytes, bool keep_size) {
  const uint64_t end = offset + bytes;
  const uint64_t first_page = offset / kPageBytes, end_page = (end + kPageBytes - 1) / kPageBytes;
  // Asked first, so that a huge request does not fill the host's memory on its way to failing.
  const uint64_t missing =
      (end_page - first_page - pages_.CountIn(first_page, end_page)) * kPageBytes;
  if (!fs().Charge(missing)) return false;
  fs().Refund(missing);
  for (uint64_t page = first_page; page < end_page; ++page) {
    if (!pages_.Reserve(page)) return false;
  }
  if (!keep_size) Grow(end);
  DropPrivileges();
  TouchModification();
  return true;
}

Result<uint64_t> MemoryFileInode::NextData(uint64_t offset) const {
  const std::optional<uint64_t> page = pages_.NextData(offset / kPageBytes);
  if (!page.has_value() || *page * kPageBytes >= size_) return Errno::kNxio;
  return std::max(offset, *page * kPageBytes);
}

uint64_t MemoryFileInode::NextHole(uint64_t offset) const {
  uint64_t index = offset / kPageBytes;
  while (index * kPageBytes < size_ && pages_.NextData(index) == index) ++index;
  return std::min(std::max(offset, index * kPageBytes), size_);
}

}  // namespace pollux::os_emu
