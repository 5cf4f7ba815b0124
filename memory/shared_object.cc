#include "memory/shared_object.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/check.h"
#include "memory/address_space.h"
#include "memory/pages.h"
#include "memory/store_watch.h"

namespace pollux::memory {
namespace {

constexpr uint64_t kStoreBytes = uint64_t{1} << 62;
constexpr uint64_t kMaxChunks = kStoreBytes / SharedStore::kChunkBytes;
constexpr uint64_t kChunkPages = SharedStore::kChunkBytes / kPageBytes;
// What a group costs: our node, and the nodes of the host's index.
constexpr uint64_t kGroupBytes = 1024;
constexpr uint64_t kChunkBookBytes = 1024;
constexpr uint64_t kObjectBytes = sizeof(SharedObject) + 256;
constexpr uint64_t kMaxEnd = uint64_t{1} << 63;

}  // namespace

// ---- SharedStore

std::shared_ptr<SharedStore> SharedStore::Of(MemoryBudget* budget) {
  if (budget->shared_store != nullptr) return budget->shared_store;
  // Growing a file past RLIMIT_FSIZE would raise SIGXFSZ.
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < kStoreBytes) return nullptr;
  const int fd = memfd_create("pollux", MFD_CLOEXEC);
  if (fd < 0) return nullptr;
  auto store = std::make_shared<SharedStore>(fd);
  if (ftruncate(fd, static_cast<off_t>(kStoreBytes)) != 0) return nullptr;
  budget->shared_store = store;
  return store;
}

SharedStore::~SharedStore() { close(fd_); }

std::optional<uint64_t> SharedStore::TakeChunk() {
  if (!free_.empty()) {
    const uint64_t chunk = free_.back();
    free_.pop_back();
    return chunk;
  }
  if (chunks_ >= kMaxChunks) return std::nullopt;
  return chunks_++;
}

void SharedStore::GiveChunk(uint64_t chunk) {
  Discard(chunk * kChunkBytes, kChunkBytes);
  free_.push_back(chunk);
}

void SharedStore::Discard(uint64_t offset, uint64_t bytes) {
  int result = 0;
  do {
    result = fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  POLLUX_CHECK(result == 0) << "FALLOC_FL_PUNCH_HOLE: " << std::strerror(errno);
}

// ---- SharedObject

Result<std::shared_ptr<SharedObject>> SharedObject::Create(MemoryBudget* budget,
                                                           uint64_t size_bytes) {
  if (!budget->FitsObject(kObjectBytes)) {
    return Errno::kNoMem;
  }
  std::shared_ptr<SharedStore> store = SharedStore::Of(budget);
  if (store == nullptr) return Errno::kNoMem;
  return std::make_shared<SharedObject>(budget, std::move(store), size_bytes);
}

SharedObject::SharedObject(MemoryBudget* budget, std::shared_ptr<SharedStore> store,
                           uint64_t size_bytes)
    : budget_(budget),
      store_(std::move(store)),
      size_bytes_(size_bytes),
      charged_bytes_(kObjectBytes) {
  budget_->used_bytes += charged_bytes_;
  index_ = store_->objects_.size();
  store_->objects_.push_back(this);
}

SharedObject::~SharedObject() {
  store_->objects_.back()->index_ = index_;
  store_->objects_[index_] = store_->objects_.back();
  store_->objects_.pop_back();
  for (const auto& [chunk, place] : chunks_) store_->GiveChunk(place);
  for (const auto& [chunk, place] : idle_chunks_) store_->GiveChunk(place);
  budget_->used_bytes -= charged_bytes_;
}

uint64_t SharedObject::mapped_end() const {
  if (size_bytes_ > kMaxEnd - kPageBytes) return kMaxEnd;
  return (size_bytes_ + kPageBytes - 1) & ~(kPageBytes - 1);
}

bool SharedObject::FitsBudget(uint64_t bytes) const { return budget_->Fits(bytes); }

const SharedObject::Group* SharedObject::FindGroup(uint64_t page) const {
  const auto group = groups_.find(page / kGroupPages);
  return group == groups_.end() ? nullptr : &group->second;
}

bool SharedObject::Has(uint64_t page) const {
  const Group* group = FindGroup(page);
  return group != nullptr && (group->present & Bit(page)) != 0;
}

std::optional<uint64_t> SharedObject::NextPresent(uint64_t page) const {
  for (auto group = groups_.lower_bound(page / kGroupPages); group != groups_.end(); ++group) {
    uint64_t bits = group->second.present;
    if (group->first == page / kGroupPages) bits &= ~(Bit(page) - 1);
    if (bits != 0) return group->first * kGroupPages + std::countr_zero(bits);
  }
  return std::nullopt;
}

bool SharedObject::EnsureChunks(uint64_t first, uint64_t end) {
  if (first >= end) return true;
  for (uint64_t chunk = first / kChunkPages; chunk <= (end - 1) / kChunkPages; ++chunk) {
    if (chunks_.contains(chunk)) continue;
    if (!FitsBudget(kChunkBookBytes)) return false;
    NoteChange();
    if (const auto idle = idle_chunks_.find(chunk); idle != idle_chunks_.end()) {
      chunks_.insert(idle_chunks_.extract(idle));
    } else {
      const std::optional<uint64_t> place = store_->TakeChunk();
      if (!place) return false;
      chunks_.emplace(chunk, *place);
    }
    budget_->used_bytes += kChunkBookBytes;
    charged_bytes_ += kChunkBookBytes;
  }
  return true;
}

uint64_t SharedObject::HostOffset(uint64_t page) const {
  return chunks_.at(page / kChunkPages) * SharedStore::kChunkBytes +
         page % kChunkPages * kPageBytes;
}

bool SharedObject::MakePresent(uint64_t page) {
  const auto known = groups_.find(page / kGroupPages);
  if (known != groups_.end() && (known->second.present & Bit(page)) != 0) return true;
  const uint64_t cost = kPageBytes + (known == groups_.end() ? kGroupBytes : 0);
  if (!FitsBudget(cost) || !EnsureChunks(page, page + 1)) return false;
  BeforeChange(page);
  budget_->used_bytes += cost;
  charged_bytes_ += cost;
  ++present_pages_;
  uint8_t contents[kPageBytes] = {};
  Load(page, contents);
  // A hole is zeros already, and the host makes the page when it is touched.
  const bool is_zero = contents[0] == 0 && std::memcmp(contents, contents + 1, kPageBytes - 1) == 0;
  if (!is_zero) WriteHost(page * kPageBytes, contents);
  Group& group = groups_[page / kGroupPages];
  group.present |= Bit(page);
  group.dirty |= Bit(page);
  return true;
}

// Within one page; the host cannot refuse it but for want of memory.
void SharedObject::WriteHost(uint64_t offset, std::span<const uint8_t> from) {
  uint64_t at = HostOffset(offset / kPageBytes) + offset % kPageBytes;
  while (!from.empty()) {
    const ssize_t written = pwrite(store_->fd(), from.data(), from.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    POLLUX_CHECK(written > 0) << "the host's memory file: " << std::strerror(errno);
    from = from.subspan(static_cast<size_t>(written));
    at += static_cast<uint64_t>(written);
  }
}

void SharedObject::Read(uint64_t offset, std::span<uint8_t> to) const {
  while (!to.empty()) {
    const uint64_t page = offset / kPageBytes;
    const size_t bytes = std::min<uint64_t>(to.size(), kPageBytes - offset % kPageBytes);
    if (!Has(page)) {
      std::memset(to.data(), 0, bytes);
    } else {
      const uint64_t at = HostOffset(page) + offset % kPageBytes;
      for (size_t done = 0; done < bytes;) {
        const ssize_t got =
            pread(store_->fd(), to.data() + done, bytes - done, static_cast<off_t>(at + done));
        if (got < 0 && errno == EINTR) continue;
        POLLUX_CHECK(got > 0) << "the host's memory file: " << std::strerror(errno);
        done += static_cast<size_t>(got);
      }
    }
    to = to.subspan(bytes);
    offset += bytes;
  }
}

uint64_t SharedObject::Write(uint64_t offset, std::span<const uint8_t> from) {
  uint64_t done = 0;
  while (done < from.size()) {
    const uint64_t at = offset + done;
    const uint64_t bytes = std::min<uint64_t>(from.size() - done, kPageBytes - at % kPageBytes);
    if (!MakePresent(at / kPageBytes)) break;
    BeforeChange(at / kPageBytes);
    WriteHost(at, from.subspan(done, bytes));
    Changed(at / kPageBytes);
    done += bytes;
  }
  return done;
}

void SharedObject::WritePresent(uint64_t offset, std::span<const uint8_t> from) {
  for (uint64_t done = 0; done < from.size();) {
    const uint64_t at = offset + done;
    const uint64_t bytes = std::min<uint64_t>(from.size() - done, kPageBytes - at % kPageBytes);
    if (Has(at / kPageBytes)) {
      BeforeChange(at / kPageBytes);
      WriteHost(at, from.subspan(done, bytes));
      Changed(at / kPageBytes);
    }
    done += bytes;
  }
}

void SharedObject::Changed(uint64_t page) {
  Group& group = groups_[page / kGroupPages];
  group.dirty |= Bit(page);
  if (budget_->watches != nullptr) StoreWatch::Notice(*budget_, *this, page);
  if ((group.code & Bit(page)) == 0) return;
  group.code &= ~Bit(page);
  Tell(page, page + 1, Change::kCode);
}

void SharedObject::NoteStore(uint64_t page) {
  BeforeChange(page);
  groups_[page / kGroupPages].stored |= Bit(page);
  Changed(page);
}

bool SharedObject::StoresAreNoted(uint64_t page) const {
  const Group* group = FindGroup(page);
  if (budget_->watches != nullptr && StoreWatch::Watches(*budget_, *this, page)) return false;
  return group != nullptr && (group->dirty & group->stored & ~group->code & Bit(page)) != 0;
}

void SharedObject::NoteCode(uint64_t page) {
  Group& group = groups_.at(page / kGroupPages);
  if ((group.code & Bit(page)) != 0) return;
  group.code |= Bit(page);
  if (saved_ != nullptr) KeepCoded(page);
  Tell(page, page + 1, Change::kNoteStore);
}

void SharedObject::ZeroPresent(uint64_t offset, uint64_t bytes) {
  if (bytes == 0 || !Has(offset / kPageBytes)) return;
  const uint8_t zeros[kPageBytes] = {};
  BeforeChange(offset / kPageBytes);
  WriteHost(offset, {zeros, bytes});
  Changed(offset / kPageBytes);
}

void SharedObject::DropPages(uint64_t first, uint64_t end) {
  bool any = false;
  uint64_t run_first = 0, run_end = 0;  // In the store.
  auto flush = [&] {
    if (run_end > run_first) store_->Discard(run_first, run_end - run_first);
  };
  for (auto group = groups_.lower_bound(first / kGroupPages); group != groups_.end(); ++group) {
    const uint64_t base = group->first * kGroupPages;
    if (base >= end) break;
    for (uint64_t bits = group->second.present; bits != 0; bits &= bits - 1) {
      const uint64_t page = base + std::countr_zero(bits);
      if (page < first || page >= end) continue;
      any = true;
      BeforeChange(page);
      if (budget_->watches != nullptr) StoreWatch::Notice(*budget_, *this, page);
      const uint64_t at = HostOffset(page);
      if (at != run_end) {
        flush();
        run_first = at;
      }
      run_end = at + kPageBytes;
      group->second.present &= ~Bit(page);
      group->second.code &= ~Bit(page);
      group->second.stored &= ~Bit(page);
      group->second.dirty |= Bit(page);
      --present_pages_;
      charged_bytes_ -= kPageBytes;
      budget_->used_bytes -= kPageBytes;
    }
  }
  flush();
  if (any) Tell(first, end, Change::kDropped);
}

void SharedObject::SetSize(uint64_t bytes) {
  const uint64_t old_end = mapped_end();
  // shmem_setattr(): the same size clears the rest of the last page too; growing does not.
  const bool shrinks = bytes <= size_bytes_;
  NoteChange();
  size_bytes_ = bytes;
  const uint64_t new_end = mapped_end();
  if (shrinks) {
    if (bytes % kPageBytes != 0) ZeroPresent(bytes, kPageBytes - bytes % kPageBytes);
    DropPages(new_end / kPageBytes, kMaxEnd / kPageBytes);
  }
  if (old_end != new_end) {
    Tell(std::min(old_end, new_end) / kPageBytes, std::max(old_end, new_end) / kPageBytes,
         Change::kSize);
  }
}

Result<void> SharedObject::PunchHole(uint64_t offset, uint64_t bytes) {
  // MADV_REMOVE gives whole pages.
  DropPages(offset / kPageBytes, (offset + bytes) / kPageBytes);
  return {};
}

// ---- Dirty pages

void SharedObject::ClearDirty() {
  POLLUX_CHECK(saved_ == nullptr) << "a snapshot counts the changes";
  for (auto& [index, group] : groups_) {
    if (group.dirty == 0) continue;
    group.dirty = 0;
    Tell(index * kGroupPages, (index + 1) * kGroupPages, Change::kNoteStore);
  }
}

std::vector<uint64_t> SharedObject::DirtyPages() const {
  std::vector<uint64_t> pages;
  for (const auto& [index, group] : groups_) {
    for (uint64_t bits = group.dirty; bits != 0; bits &= bits - 1)
      pages.push_back(index * kGroupPages + std::countr_zero(bits));
  }
  return pages;
}

std::vector<uint64_t> SharedObject::TakeStoredPages() {
  std::vector<uint64_t> pages;
  for (auto& [index, group] : groups_) {
    if (group.stored == 0) continue;
    SaveGroup(index);
    const uint64_t stored = std::exchange(group.stored, 0);
    for (uint64_t bits = stored; bits != 0; bits &= bits - 1)
      pages.push_back(index * kGroupPages + std::countr_zero(bits));
    Tell(index * kGroupPages, (index + 1) * kGroupPages, Change::kNoteStore);
  }
  return pages;
}

// ---- Mappings

void SharedObject::Attach(const std::weak_ptr<AddressSpace*>& space) {
  std::erase_if(spaces_, [](const auto& known) { return known.expired(); });
  const auto same = [&](const auto& known) { return known.lock() == space.lock(); };
  if (std::none_of(spaces_.begin(), spaces_.end(), same)) spaces_.push_back(space);
}

void SharedObject::Tell(uint64_t first, uint64_t end, Change change) {
  for (const auto& known : spaces_) {
    if (const auto space = known.lock()) (*space)->ObjectChanged(*this, first, end, change);
  }
}

}  // namespace pollux::memory
