// Pages of an address space that show a SharedObject: the host's mappings of them, their flags, and
// what the object tells.
//
// A page of a private mapping that is charged is the process's own copy; every other page is the
// object's.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/check.h"
#include "memory/address_space.h"
#include "memory/pages.h"
#include "memory/reservation.h"

namespace pollux::memory {

// ---- Host mappings

bool AddressSpace::MapObjectOnHost(const Region& region, uint64_t start, uint64_t end) {
  SharedObject& object = *region.object;
  // `start` is where file_offset is.
  const uint64_t first = region.file_offset >> kPageShift;
  if (!object.EnsureChunks(first, first + ((end - start) >> kPageShift))) return false;
  object.Attach(self_);
  for (uint64_t at = start; at < end;) {
    const uint64_t page = first + ((at - start) >> kPageShift);
    const uint64_t chunk_left =
        SharedStore::kChunkBytes - (page << kPageShift) % SharedStore::kChunkBytes;
    const uint64_t bytes = std::min(end - at, chunk_left);
    void* host = mmap(base_ + at, bytes, PROT_READ | PROT_WRITE,
                      (region.shared ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE) | MAP_FIXED,
                      object.store().fd(), static_cast<off_t>(object.HostOffset(page)));
    if (host == MAP_FAILED) {
      UnmapObjectOnHost(start, at);
      return false;
    }
    AdviseHost(host, bytes);
    at += bytes;
  }
  for (uint64_t granule = start / kGranuleBytes; granule <= (end - 1) / kGranuleBytes; ++granule)
    objects_[granule / 64] |= uint64_t{1} << (granule % 64);
  return true;
}

void AddressSpace::UnmapObjectOnHost(uint64_t start, uint64_t end) {
  if (start >= end) return;
  // kMaxObjectMappings keeps the host's limit far away.
  POLLUX_CHECK(MapZeros(base_ + start, end - start) != nullptr) << "mmap: " << std::strerror(errno);
}

void AddressSpace::CountObjects(const Region& region, int by) {
  if (region.object == nullptr) return;
  budget_->object_mappings += static_cast<uint64_t>(by);
  if (region.shared && region.may_write)
    region.object->writable_mappings_ += static_cast<uint64_t>(by);
}

bool AddressSpace::FitsRegions(uint64_t start, uint64_t end) const {
  if (regions_.size() + SplitsNeeded(start, end) > kMaxMappings) return false;
  uint64_t objects = 0;
  for (const uint64_t border : {start, end}) {
    const auto region = Find(border);
    if (region != regions_.end() && region->first != border && region->second.object != nullptr)
      ++objects;
  }
  return objects == 0 || budget_->object_mappings + objects <= kMaxObjectMappings;
}

// ---- Flags and accesses

AddressSpace::ObjectPage AddressSpace::FindObjectPage(uint64_t addr) const {
  const auto region = Find(addr);
  if (region == regions_.end() || region->second.object == nullptr) return {};
  return {region->second.object.get(), region->second.ObjectPage(region->first, addr),
          region->second.shared};
}

void AddressSpace::SetObjectFlags(uint64_t page, const ObjectPage& at, uint8_t flags) {
  const bool own = IsCharged(page);
  flags = WithFastBits(flags, own || (at.shared && at.object->StoresAreNoted(at.page)));
  if (!own && !at.object->Has(at.page)) flags &= static_cast<uint8_t>(~(kFastLoad | kFastStore));
  flags_[page] = flags;
}

uint64_t AddressSpace::AccessCost(Access access, uint64_t page) const {
  if (MayShowObject(page)) {
    if (const ObjectPage at = FindObjectPage(page << kPageShift); at.object != nullptr) {
      if (IsCharged(page)) return 0;
      const uint64_t copy = access == Access::kStore && !at.shared ? kPageBytes : 0;
      return copy + (at.object->Has(at.page) ? 0 : SharedObject::kPageCostBytes);
    }
  }
  return access == Access::kStore && !IsCharged(page) ? kPageBytes : 0;
}

bool AddressSpace::MakeAccessible(uint64_t page) {
  if (!MayShowObject(page)) return true;
  const ObjectPage at = FindObjectPage(page << kPageShift);
  if (at.object == nullptr) return true;
  if (!IsCharged(page)) {
    if (!at.object->Has(at.page)) ++pages_brought_in_;
    if (!at.object->MakePresent(at.page)) return false;
  }
  SetObjectFlags(page, at, flags_[page]);
  return true;
}

bool AddressSpace::MakeStorable(uint64_t page, const ObjectPage& at) {
  const bool copies = !at.shared && !IsCharged(page);
  if (copies || (at.shared && !at.object->Has(at.page))) ++pages_brought_in_;
  // The host reads the object's page for the copy.
  if ((at.shared || copies) && !at.object->MakePresent(at.page)) return false;
  BeforeChange(page);
  if (copies) {
    Charge(kPageBytes);
    charged_[page / 64] |= uint64_t{1} << (page % 64);
    ++charged_pages_;
    // The copy is made now, whatever becomes of the store.
    volatile uint8_t* byte = base_ + (page << kPageShift);
    *byte = *byte;
  }
  MarkDirty(page);
  if (at.shared) at.object->NoteStore(at.page);
  if (flags_[page] & kHoldsCode) ForgetCode(page);
  SetObjectFlags(page, at, flags_[page]);
  return true;
}

void AddressSpace::ForgetCode(uint64_t page) {
  flags_[page] &= static_cast<uint8_t>(~kHoldsCode);
  NotifyCodeChanged(page, 1);
}

// ---- What objects tell

void AddressSpace::ObjectChanged(const SharedObject& object, uint64_t first, uint64_t end,
                                 SharedObject::Change change) {
  for (const auto& [start, region] : regions_) {
    if (region.object.get() != &object) continue;
    const uint64_t region_first = region.file_offset >> kPageShift;
    const uint64_t region_end = region_first + ((region.end - start) >> kPageShift);
    const uint64_t from = std::max(first, region_first), to = std::min(end, region_end);
    if (from >= to) continue;
    const uint64_t low = start + ((from - region_first) << kPageShift);
    const uint64_t high = start + ((to - region_first) << kPageShift);
    switch (change) {
      case SharedObject::Change::kSize:
        // unmap_mapping_range() with even_cows: copies beyond the end go too.
        DropPages(std::clamp(region.BackedEnd(start), low, high), high);
        ApplyRegion(region, start, low, high);
        break;
      case SharedObject::Change::kDropped:
        ApplyRegion(region, start, low, high);
        break;
      case SharedObject::Change::kCode:
        for (uint64_t page = low >> kPageShift; page < high >> kPageShift; ++page) {
          if ((flags_[page] & kHoldsCode) && !IsCharged(page)) ForgetCode(page);
        }
        break;
      case SharedObject::Change::kNoteStore:
        if (!region.shared) break;
        for (uint64_t page = low >> kPageShift; page < high >> kPageShift; ++page)
          if (flags_[page] & kFastStore) flags_[page] &= static_cast<uint8_t>(~kFastStore);
        break;
    }
  }
}

}  // namespace pollux::memory
