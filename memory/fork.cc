// AddressSpace for several processes: the child's copy of fork(2), and the names of shared words.
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/check.h"
#include "memory/address_space.h"
#include "memory/pages.h"
#include "memory/reservation.h"

namespace pollux::memory {
namespace {

// The flags of the child's pages that hold nothing of their own yet. Pages that may show an object
// keep kFastLoad only where the parent has it: there the object's page is present.
void CopyFlags(uint8_t* to, const uint8_t* from, uint64_t pages, bool may_show_objects) {
  constexpr uint64_t kEach = 0x0101010101010101;
  constexpr uint8_t kPermissions = kRead | kWrite | kExec;
  static_assert(kRead >> 2 == kFastLoad);
  const auto own = [](auto flags, auto each) {
    return (flags & (each * kPermissions)) | ((flags & (each * kRead)) >> 2);
  };
  const auto shown = [](auto flags, auto each) {
    return flags & (each * (kPermissions | kFastLoad));
  };
  uint64_t at = 0;
  for (; at + 8 <= pages; at += 8) {
    uint64_t eight;
    std::memcpy(&eight, from + at, 8);
    eight = may_show_objects ? shown(eight, kEach) : own(eight, kEach);
    std::memcpy(to + at, &eight, 8);
  }
  for (; at < pages; ++at)
    to[at] = static_cast<uint8_t>(may_show_objects ? shown(from[at], 1) : own(from[at], 1));
}

}  // namespace

// ---- fork

uint64_t AddressSpace::CountCharged(uint64_t start, uint64_t end) const {
  uint64_t pages = 0;
  ForEachGranule(tables_, tables_, start >> kPageShift, end >> kPageShift,
                 [&](uint64_t first, uint64_t granule_end) {
                   ForEachRun(charged_, first, granule_end,
                              [&](uint64_t from, uint64_t to) { pages += to - from; });
                 });
  return pages;
}

uint64_t AddressSpace::CountCopiesOfHoles(uint64_t start, const Region& region) const {
  uint64_t holes = 0;
  ForEachGranule(tables_, tables_, start >> kPageShift, region.end >> kPageShift,
                 [&](uint64_t first, uint64_t granule_end) {
                   ForEachRun(charged_, first, granule_end, [&](uint64_t page, uint64_t to) {
                     for (; page < to; ++page)
                       holes += !region.object->Has(region.ObjectPage(start, page << kPageShift));
                   });
                 });
  return holes;
}

// Pages [first, end) of one granule. Flags, and with `with_contents` what is charged.
void AddressSpace::ForkPages(AddressSpace& child, uint64_t first, uint64_t end,
                             bool with_contents) const {
  CopyFlags(child.flags_ + first, flags_ + first, end - first, MayShowObject(first));
  if (!with_contents) return;
  ForEachRun(charged_, first, end, [&](uint64_t from, uint64_t to) {
    const uint64_t bytes = (to - from) * kPageBytes;
    uint8_t* target = child.base_ + from * kPageBytes;
    if (child.reservation_.spare_pages == 0) Populate(target, bytes);
    std::memcpy(target, base_ + from * kPageBytes, bytes);
    for (uint64_t page = from; page < to; ++page) {
      child.flags_[page] = WithFastBits(child.flags_[page] | kDirty, /*charged=*/true);
      child.charged_[page / 64] |= uint64_t{1} << (page % 64);
    }
    child.charged_pages_ += to - from;
    SetBit(child.dirty_, first / kGranulePages);
  });
}

bool AddressSpace::ForkRegion(AddressSpace& child, uint64_t start, const Region& region) const {
  if (region.object != nullptr) {
    if (!region.shared) {
      // The host makes a copy of the object's page when the child's is filled.
      bool present = true;
      ForEachGranule(tables_, tables_, start >> kPageShift, region.end >> kPageShift,
                     [&](uint64_t first, uint64_t granule_end) {
                       ForEachRun(charged_, first, granule_end, [&](uint64_t page, uint64_t to) {
                         for (; page < to; ++page) {
                           const uint64_t behind = region.ObjectPage(start, page << kPageShift);
                           present = present && region.object->MakePresent(behind);
                         }
                       });
                     });
      if (!present) return false;
    }
    if (!child.MapObjectOnHost(region, start, region.end)) return false;
  }
  child.CountObjects(region, 1);
  // Locks are not inherited.
  child.regions_.emplace_hint(child.regions_.end(), start, region)->second.locking = Locking::kNone;
  child.mapped_bytes_ += region.end - start;
  ForEachGranule(
      tables_, dirty_, start >> kPageShift, region.end >> kPageShift,
      [&](uint64_t first, uint64_t end) { ForkPages(child, first, end, !region.wipe_on_fork); });
  return true;
}

Result<std::unique_ptr<AddressSpace>> AddressSpace::Fork() {
  // What this one pays for, but for the pages that do not come along.
  uint64_t bytes = own_bytes_;
  uint64_t holes = 0;
  uint64_t objects = 0;
  for (const auto& [start, region] : regions_) {
    if (region.dont_fork || region.wipe_on_fork)
      bytes -= CountCharged(start, region.end) * kPageBytes;
    if (region.object == nullptr || region.dont_fork) continue;
    ++objects;
    if (!region.shared) holes += CountCopiesOfHoles(start, region);
  }
  if (!budget_->FitsObject(bytes + holes * SharedObject::kPageCostBytes)) return Errno::kNoMem;
  if (objects != 0 && budget_->object_mappings + objects > kMaxObjectMappings) return Errno::kNoMem;
  POLLUX_ASSIGN_OR_RETURN(std::unique_ptr<AddressSpace> created, Create(budget_));
  AddressSpace& child = *created;
  child.Charge(bytes);
  child.tables_ = tables_;
  child.flag_pages_ = flag_pages_;
  child.map_top_ = map_top_;
  child.stack_limit_bytes_ = stack_limit_bytes_;
  child.address_limit_bytes_ = address_limit_bytes_;
  child.heap_start_ = heap_start_;
  child.heap_break_ = heap_break_;
  child.program_data_bytes_ = program_data_bytes_;
  for (const auto& [start, region] : regions_) {
    if (!region.dont_fork && !ForkRegion(child, start, region)) return Errno::kNoMem;
  }
  return created;
}

// ---- Shared words

// get_futex_key() in kernel/futex/core.c: a page of a private mapping is the process's own, but for
// one of a file that cannot be stored to and was not.
std::optional<SharedWord> AddressSpace::SharedWordAt(GuestAddr addr) const {
  const auto region = Find(addr.value);
  if (region == regions_.end() || region->second.object == nullptr) return std::nullopt;
  const Region& shown = region->second;
  if (!shown.shared && ((shown.prot & kProtWrite) != 0 || IsCharged(addr.value >> kPageShift)))
    return std::nullopt;
  return SharedWord{shown.object, shown.file_offset + (addr.value - region->first)};
}

}  // namespace pollux::memory
