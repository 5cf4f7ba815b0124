// The mapping calls of AddressSpace: what mm/mmap.c, vma.c, mprotect.c and mremap.c do in Linux.
//
// A call checks everything first, the budget included, then acts; where Linux leaves things half
// done on an error, so do we, and the function says so.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "abi/check.h"
#include "memory/address_space.h"
#include "memory/pages.h"
#include "memory/reservation.h"

namespace pollux::memory {
namespace {

constexpr uint32_t kProtMask = kProtRead | kProtWrite | kProtExec;
constexpr uint32_t kProtSem = 8;  // PROT_SEM: mprotect(2) knows it and does nothing with it.
// What the shared_ptr to a name costs beside its characters.
constexpr uint64_t kNameOverheadBytes = 128;

// [start, start + bytes) lies in the address space.
constexpr bool InSpace(uint64_t start, uint64_t bytes) {
  return bytes <= kAddressSpaceBytes && start <= kAddressSpaceBytes - bytes;
}

bool IsZero(const uint8_t* bytes, size_t count) {
  return count == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0);
}

// Calls visit(offset, bytes) for each page of `contents` that is not all zeros.
template <typename Visit>
void ForEachContentPage(std::span<const uint8_t> contents, Visit visit) {
  for (size_t offset = 0; offset < contents.size(); offset += kPageBytes) {
    const size_t bytes = std::min<size_t>(kPageBytes, contents.size() - offset);
    if (!IsZero(contents.data() + offset, bytes)) visit(offset, bytes);
  }
}

}  // namespace

// ---- The map of regions

AddressSpace::Regions::iterator AddressSpace::Find(uint64_t addr) {
  auto next = regions_.upper_bound(addr);
  if (next == regions_.begin()) return regions_.end();
  auto region = std::prev(next);
  return addr < region->second.end ? region : regions_.end();
}

AddressSpace::Regions::const_iterator AddressSpace::Find(uint64_t addr) const {
  return const_cast<AddressSpace*>(this)->Find(addr);
}

bool AddressSpace::AnyIn(uint64_t start, uint64_t end) const {
  if (Find(start) != regions_.end()) return true;
  const auto next = regions_.lower_bound(start);
  return next != regions_.end() && next->first < end;
}

AddressSpace::Regions::iterator AddressSpace::SplitAt(uint64_t addr) {
  auto region = Find(addr);
  if (region == regions_.end() || region->first == addr) return regions_.lower_bound(addr);
  Region high = region->second;
  if (high.HasOffset()) high.file_offset += addr - region->first;
  region->second.end = addr;
  NoteRegions();
  CountObjects(high, 1);
  return regions_.emplace(addr, std::move(high)).first;
}

size_t AddressSpace::SplitsNeeded(uint64_t start, uint64_t end) const {
  size_t splits = 0;
  const auto at_start = Find(start);
  const auto at_end = Find(end);
  if (at_start != regions_.end() && at_start->first != start) ++splits;
  if (at_end != regions_.end() && at_end->first != end) ++splits;
  return splits;
}

bool AddressSpace::CanMerge(const Region& low, uint64_t low_start, const Region& high,
                            uint64_t high_start) {
  if (low.end != high_start || low.prot != high.prot || low.grows_down != high.grows_down)
    return false;
  if (low.dont_fork != high.dont_fork || low.wipe_on_fork != high.wipe_on_fork) return false;
  if (low.dont_dump != high.dont_dump || low.locking != high.locking) return false;
  if (low.shared != high.shared || low.object != high.object || low.may_write != high.may_write)
    return false;
  if (low.from_file != high.from_file || low.inode != high.inode || low.keeps != high.keeps)
    return false;
  if (low.name != high.name && (!low.name || !high.name || *low.name != *high.name)) return false;
  if (!low.HasOffset()) return true;
  return low.file_offset + (low.end - low_start) == high.file_offset &&
         low.file_limit == high.file_limit;
}

void AddressSpace::MergeAround(uint64_t start, uint64_t end) {
  auto region = regions_.lower_bound(start);
  if (region != regions_.begin()) --region;
  while (region != regions_.end() && region->first <= end) {
    const auto next = std::next(region);
    if (next == regions_.end()) return;
    if (CanMerge(region->second, region->first, next->second, next->first)) {
      region->second.end = next->second.end;
      NoteRegions();
      CountObjects(next->second, -1);
      regions_.erase(next);
    } else {
      region = next;
    }
  }
}

void AddressSpace::Insert(uint64_t start, Region region) {
  const uint64_t end = region.end;
  mapped_bytes_ += end - start;
  CountLocked(region, end - start, /*more=*/true);
  NoteMapping(start, end);
  CountObjects(region, 1);
  ApplyRegion(region, start, start, end);
  const bool inserted = regions_.emplace(start, std::move(region)).second;
  POLLUX_CHECK(inserted) << "two mappings at one address";
}

void AddressSpace::UnmapRange(uint64_t start, uint64_t end) {
  if (start >= end || !AnyIn(start, end)) return;
  NoteMapping(start, end);
  auto region = SplitAt(start);
  SplitAt(end);
  DropPages(start, end);
  std::vector<std::shared_ptr<const void>> let_go;  // Their last act may be to look at us.
  while (region != regions_.end() && region->first < end) {
    mapped_bytes_ -= region->second.end - region->first;
    CountLocked(region->second, region->second.end - region->first, /*more=*/false);
    if (region->second.keeps != nullptr) let_go.push_back(std::move(region->second.keeps));
    if (region->second.object != nullptr) {
      UnmapObjectOnHost(region->first, region->second.end);
      CountObjects(region->second, -1);
      let_go.push_back(std::move(region->second.object));
    }
    region = regions_.erase(region);
  }
  RewriteFlags(start, end, 0);
  ReleaseTables(start, end);
}

std::shared_ptr<const std::string> AddressSpace::MakeName(const std::string& name) {
  if (name.empty()) return nullptr;
  const uint64_t bytes = name.size() + kNameOverheadBytes;
  budget_->used_bytes += bytes;
  return std::shared_ptr<const std::string>(new std::string(name),
                                            [budget = budget_, bytes](const std::string* text) {
                                              budget->used_bytes -= bytes;
                                              delete text;
                                            });
}

// ---- Gaps

namespace {

// Where what lies below the mapping has to end (vm_start_gap).
uint64_t StartWithGap(uint64_t start, bool grows_down) {
  if (!grows_down) return start;
  return start > kStackGuardBytes ? start - kStackGuardBytes : 0;
}

}  // namespace

// The highest gap below map_top_, as unmapped_area_topdown finds it.
std::optional<uint64_t> AddressSpace::FindGap(uint64_t bytes) const {
  uint64_t high = map_top_;
  auto above = regions_.lower_bound(map_top_);
  if (above != regions_.end())
    high = std::min(high, StartWithGap(above->first, above->second.grows_down));
  while (above != regions_.begin()) {
    const auto& [start, region] = *--above;
    if (high >= region.end && high - region.end >= bytes && high - bytes >= kMinMapAddress)
      return high - bytes;
    high = std::min(high, StartWithGap(start, region.grows_down));
    if (high < kMinMapAddress || high - kMinMapAddress < bytes) return FindGapUpwards(bytes);
  }
  if (high >= kMinMapAddress && high - kMinMapAddress >= bytes) return high - bytes;
  return FindGapUpwards(bytes);
}

// Linux's fallback when nothing is free below mmap_base: the lowest gap above TASK_UNMAPPED_BASE.
std::optional<uint64_t> AddressSpace::FindGapUpwards(uint64_t bytes) const {
  uint64_t low = PageUp(kAddressSpaceBytes / 3);
  if (const auto inside = Find(low); inside != regions_.end()) low = inside->second.end;
  for (auto next = regions_.lower_bound(low); next != regions_.end(); ++next) {
    const uint64_t high = StartWithGap(next->first, next->second.grows_down);
    if (high >= low && high - low >= bytes) return low;
    low = next->second.end;
  }
  if (kAddressSpaceBytes - low >= bytes) return low;
  return std::nullopt;
}

// acct_stack_growth and expand_downwards of mm/vma.c.
bool AddressSpace::TryGrowDown(uint64_t addr, bool* out_of_memory) {
  auto next = regions_.upper_bound(addr);
  if (next == regions_.end() || !next->second.grows_down) return false;
  const uint64_t start = addr & ~(kPageBytes - 1);
  const uint64_t more = next->first - start;
  const uint64_t limit = address_limit_bytes_ & ~(kPageBytes - 1);
  if (mapped_bytes_ > limit || more > limit - mapped_bytes_) return false;  // may_expand_vm()
  if (start < kMinMapAddress || next->second.end - start > stack_limit_bytes_) return false;
  if (next != regions_.begin()) {
    const auto& below = std::prev(next)->second;
    const bool guarded = !below.grows_down && below.prot != kProtNone;
    if (guarded && start - below.end < kStackGuardBytes) return false;
  }
  const uint64_t old_start = next->first;
  if (next->second.HasOffset()) return false;  // The bytes before were not given to Map.
  if (next->second.prot != kProtNone && !FitsBudget(TableBytesNeeded(start, old_start))) {
    *out_of_memory = true;
    return false;
  }
  auto node = regions_.extract(next);
  node.key() = start;
  NoteMapping(start, old_start);
  mapped_bytes_ += old_start - start;
  CountLocked(node.mapped(), old_start - start, /*more=*/true);
  ApplyRegion(node.mapped(), start, start, old_start);
  regions_.insert(std::move(node));
  return true;
}

// ---- mmap

Result<uint64_t> AddressSpace::PlaceMapping(const MapRequest& request, uint64_t bytes) const {
  if (bytes > kAddressSpaceBytes) return Errno::kNoMem;
  uint64_t start = request.hint.value;
  if (request.fixed || request.fixed_noreplace) {
    // __get_unmapped_area's order: the end, then the alignment, then mmap_min_addr.
    if (start > kAddressSpaceBytes - bytes) return Errno::kNoMem;
    if (!IsAligned(start)) return Errno::kInval;
    if (start < kMinMapAddress) return Errno::kPerm;
    if (request.fixed_noreplace && AnyIn(start, start + bytes)) return Errno::kExist;
    return start;
  }
  start &= ~(kPageBytes - 1);  // round_hint_to_min
  if (start != 0) {
    start = std::max(start, kMinMapAddress);
    const auto next = regions_.upper_bound(start);
    const bool free = InSpace(start, bytes) && !AnyIn(start, start + bytes) &&
                      (next == regions_.end() ||
                       start + bytes <= StartWithGap(next->first, next->second.grows_down));
    if (free) return start;
  }
  if (const auto gap = FindGap(bytes)) return *gap;
  return Errno::kNoMem;
}

void AddressSpace::CopyContents(uint64_t start, std::span<const uint8_t> contents) {
  uint64_t run = 0, run_end = 0;  // Offsets of pages that follow each other.
  const auto copy_run = [&] {
    if (run == run_end) return;
    if (reservation_.spare_pages == 0) Populate(base_ + start + run, run_end - run);
    for (uint64_t offset = run; offset < run_end; offset += kPageBytes)
      MakeStorable((start + offset) >> kPageShift);
    std::memcpy(base_ + start + run, contents.data() + run,
                std::min<uint64_t>(run_end, contents.size()) - run);
  };
  ForEachContentPage(contents, [&](size_t offset, size_t) {
    if (offset != run_end) {
      copy_run();
      run = offset;
    }
    run_end = offset + kPageBytes;
  });
  copy_run();
}

Result<GuestAddr> AddressSpace::Place(const MapRequest& request) const {
  if (request.length == 0) return Errno::kInval;
  const uint64_t bytes = PageUp(request.length);
  if (bytes == 0) return Errno::kNoMem;
  const bool has_file = request.from_file || request.inode != 0 || request.object != nullptr;
  if (has_file && request.file_offset > INT64_MAX - kAddressSpaceBytes) return Errno::kOverflow;
  if (regions_.size() >= kMaxMappings) return Errno::kNoMem;
  POLLUX_ASSIGN_OR_RETURN(const uint64_t start, PlaceMapping(request, bytes));
  return GuestAddr{start};
}

Result<GuestAddr> AddressSpace::Map(const MapRequest& request) {
  POLLUX_ASSIGN_OR_RETURN(const GuestAddr place, Place(request));
  const uint64_t start = place.value;
  const uint64_t bytes = PageUp(request.length);
  if (!FitsRegions(start, start + bytes) || !budget_->FitsObject(0)) return Errno::kNoMem;

  Region region;
  region.end = start + bytes;
  region.prot = request.prot & kProtMask;
  region.shared = request.shared;
  region.grows_down = request.grows_down;
  region.from_file = request.from_file;
  region.inode = request.inode;
  region.may_write = request.may_write || !request.shared;
  region.object = request.object;
  region.keeps = request.keeps;
  region.locking =
      request.locked && future_locking_ == Locking::kNone ? Locking::kAtOnce : future_locking_;
  if (request.shared && region.object == nullptr && !region.HasFile()) {
    POLLUX_ASSIGN_OR_RETURN(region.object, SharedObject::Create(budget_, bytes));
  }
  if (region.object != nullptr && budget_->object_mappings >= kMaxObjectMappings)
    return Errno::kNoMem;
  if (region.HasOffset()) region.file_offset = request.file_offset & ~(kPageBytes - 1);
  if (request.shared && request.object == nullptr) region.file_offset = 0;
  const auto contents =
      request.contents.subspan(0, std::min<uint64_t>(request.contents.size(), bytes));
  if (region.from_file && PageUp(contents.size()) < bytes)
    region.file_limit = region.file_offset + PageUp(contents.size());

  // What would be replaced still counts as used: on an error it stays.
  uint64_t needed = request.name.empty() ? 0 : request.name.size() + kNameOverheadBytes;
  const bool accessible = region.prot != kProtNone || !contents.empty();
  if (accessible) needed += TableBytesNeeded(start, region.TablesEnd(start));
  if (!FitsBudget(needed + PageUp(contents.size()))) {
    ForEachContentPage(contents, [&](size_t, size_t) { needed += kPageBytes; });
    if (!FitsBudget(needed)) return Errno::kNoMem;
  }

  UnmapRange(start, region.end);
  if (region.object != nullptr && !MapObjectOnHost(region, start, region.end)) return Errno::kNoMem;
  region.name = MakeName(request.name);
  if (accessible) ChargeTables(start, region.TablesEnd(start));
  const uint64_t end = region.end;
  Insert(start, std::move(region));
  CopyContents(start, contents);
  MergeAround(start, end);
  return GuestAddr{start};
}

// ---- munmap, mprotect

Result<void> AddressSpace::Unmap(GuestAddr addr, uint64_t length) {
  if (!IsAligned(addr.value) || !InSpace(addr.value, length) || length == 0) return Errno::kInval;
  const uint64_t end = addr.value + PageUp(length);
  // Cutting a piece off one end of a mapping adds none.
  const auto inside = Find(addr.value);
  const bool splits =
      inside != regions_.end() && inside->first < addr.value && inside->second.end > end;
  if (splits && (regions_.size() >= kMaxMappings || !FitsRegions(addr.value, addr.value)))
    return Errno::kNoMem;
  UnmapRange(addr.value, end);
  return {};
}

Result<void> AddressSpace::Protect(GuestAddr addr, uint64_t length, uint32_t prot) {
  if (!IsAligned(addr.value)) return Errno::kInval;
  if (length == 0) return {};
  const uint64_t start = addr.value;
  const uint64_t end = start + PageUp(length);
  if (end <= start) return Errno::kNoMem;
  if (prot & ~(kProtMask | kProtSem)) return Errno::kInval;
  prot &= kProtMask;
  if (start >= kAddressSpaceBytes || Find(start) == regions_.end()) return Errno::kNoMem;

  // Region by region up to the first hole, as Linux does.
  uint64_t at = start;
  Result<void> result = Errno::kNoMem;
  while (at < end) {
    auto region = Find(at);
    if (region == regions_.end()) break;
    const uint64_t stop = std::min(end, region->second.end);
    if ((prot & kProtWrite) && !region->second.may_write) {
      MergeAround(start, at);
      return Errno::kAcces;
    }
    if (region->second.prot != prot) {
      if (!FitsRegions(at, stop)) break;
      const uint64_t backed_stop = std::clamp(region->second.TablesEnd(region->first), at, stop);
      if (prot != kProtNone && !FitsBudget(TableBytesNeeded(at, backed_stop))) break;
      region = SplitAt(at);
      SplitAt(stop);
      region->second.prot = prot;
      NoteMapping(at, stop);
      ApplyRegion(region->second, region->first, at, stop);
    }
    at = stop;
  }
  if (at >= end) result = {};
  MergeAround(start, std::min(at, kAddressSpaceBytes));
  return result;
}

// ---- mremap

// check_mremap_params(), remap_at() and check_prep_vma().
Result<void> AddressSpace::CheckRemap(GuestAddr old_addr, uint64_t old_length, uint64_t new_length,
                                      bool may_move, bool fixed, GuestAddr new_addr,
                                      bool dont_unmap) const {
  const uint64_t old_start = old_addr.value;
  const uint64_t new_start = new_addr.value;
  const uint64_t old_bytes = PageUp(old_length);
  const uint64_t new_bytes = PageUp(new_length);
  if (!IsAligned(old_start) || new_bytes == 0 || new_bytes > kAddressSpaceBytes)
    return Errno::kInval;
  if (!fixed && !dont_unmap) return {};
  if (!InSpace(new_start, new_bytes) || !IsAligned(new_start)) return Errno::kInval;
  if (!may_move && !fixed) return Errno::kInval;
  if (dont_unmap && old_bytes != new_bytes) return Errno::kInval;
  // As Linux: the end of the old range may wrap, and then does not overlap.
  if (old_start + old_bytes > new_start && new_start + new_bytes > old_start) return Errno::kInval;
  // Both ranges may split a mapping in three.
  if (regions_.size() + 4 >= kMaxMappings) return Errno::kNoMem;
  return {};
}

Result<GuestAddr> AddressSpace::Remap(GuestAddr old_addr, uint64_t old_length, uint64_t new_length,
                                      bool may_move, bool fixed, GuestAddr new_addr,
                                      bool dont_unmap) {
  POLLUX_RETURN_IF_ERROR(
      CheckRemap(old_addr, old_length, new_length, may_move, fixed, new_addr, dont_unmap));
  const uint64_t old_start = old_addr.value;
  const uint64_t new_start = new_addr.value;
  const uint64_t old_bytes = PageUp(old_length);
  const uint64_t new_bytes = PageUp(new_length);
  const auto region = Find(old_start);
  if (region == regions_.end()) return Errno::kFault;
  // Moving may split and add mappings of objects.
  if (region->second.object != nullptr && budget_->object_mappings + 4 > kMaxObjectMappings)
    return Errno::kNoMem;
  if (fixed) return RemapTo(old_start, old_bytes, new_start, new_bytes, dont_unmap);
  if (dont_unmap) {
    if (old_bytes == 0) return Errno::kInval;
    // The hint is taken where it is free.
    MapRequest place;
    place.hint = new_addr;
    place.length = new_bytes;
    POLLUX_ASSIGN_OR_RETURN(const uint64_t gap, PlaceMapping(place, new_bytes));
    if (old_bytes > region->second.end - old_start) return Errno::kFault;
    return RemapTo(old_start, old_bytes, gap, new_bytes, true);
  }
  if (old_bytes == new_bytes) return old_addr;
  if (old_bytes > new_bytes) {
    // do_vmi_munmap's checks.
    POLLUX_RETURN_IF_ERROR(Unmap(old_addr + new_bytes, old_bytes - new_bytes));
    return old_addr;
  }
  return RemapGrow(old_start, old_bytes, new_bytes, may_move);
}

Result<GuestAddr> AddressSpace::RemapGrow(uint64_t old_start, uint64_t old_bytes,
                                          uint64_t new_bytes, bool may_move) {
  const auto region = Find(old_start);
  if (old_bytes == 0 && !region->second.shared) return Errno::kInval;
  if (old_bytes > region->second.end - old_start) return Errno::kFault;
  const uint64_t old_end = old_start + old_bytes;
  const uint64_t new_end = old_start + new_bytes;
  if (!region->second.NeedsNoFileFrom(region->first, old_end)) return Errno::kNoMem;
  if (region->second.HasOffset() &&
      region->second.file_offset + (old_start - region->first) > INT64_MAX - new_bytes) {
    return Errno::kInval;
  }
  if (old_end == region->second.end && InSpace(old_start, new_bytes) && !AnyIn(old_end, new_end)) {
    // `contents` have nothing to add.
    const bool needs_tables = region->second.prot != kProtNone && !region->second.from_file;
    if (needs_tables && !FitsBudget(TableBytesNeeded(old_end, new_end))) return Errno::kNoMem;
    if (region->second.object != nullptr) {
      Region more = region->second;
      more.file_offset += old_end - region->first;
      if (!MapObjectOnHost(more, old_end, new_end)) return Errno::kNoMem;
    }
    region->second.end = new_end;
    NoteMapping(old_end, new_end);
    mapped_bytes_ += new_end - old_end;
    CountLocked(region->second, new_end - old_end, /*more=*/true);
    ApplyRegion(region->second, region->first, old_end, new_end);
    MergeAround(old_start, new_end);
    return GuestAddr{old_start};
  }
  if (!may_move) return Errno::kNoMem;
  if (regions_.size() + 2 >= kMaxMappings) return Errno::kNoMem;
  const auto gap = FindGap(new_bytes);
  if (!gap) return Errno::kNoMem;
  POLLUX_RETURN_IF_ERROR(MoveRegion(old_start, old_bytes, *gap, new_bytes, false));
  return GuestAddr{*gap};
}

// To a place that was asked for. Since Linux 6.17 a range that keeps its size may hold several
// mappings, and gaps but for its start; each is moved in turn, and only what lies below a mapping's
// new place is unmapped.
Result<GuestAddr> AddressSpace::RemapTo(uint64_t old_start, uint64_t old_bytes, uint64_t new_start,
                                        uint64_t new_bytes, bool dont_unmap) {
  const auto region = Find(old_start);
  if (old_bytes == 0 && !region->second.shared) return Errno::kInval;
  if (old_bytes == new_bytes) {
    const uint64_t old_end = old_start + std::min(old_bytes, kAddressSpaceBytes - old_start);
    for (uint64_t at = old_start; at < old_end;) {
      auto next = Find(at);
      if (next == regions_.end()) next = regions_.lower_bound(at);
      if (next == regions_.end() || next->first >= old_end) break;
      const uint64_t from = std::max(at, next->first);
      const uint64_t bytes = std::min(old_end, next->second.end) - from;
      const uint64_t to = new_start + (from - old_start);
      UnmapRange(to, to + bytes);
      POLLUX_RETURN_IF_ERROR(MoveRegion(from, bytes, to, bytes, dont_unmap));
      at = from + bytes;
    }
    return GuestAddr{new_start};
  }
  // What stays after shrinking has to be one mapping; what is cut off need not.
  const uint64_t moved = std::min(old_bytes, new_bytes);
  if (moved > region->second.end - old_start) return Errno::kFault;
  if (new_bytes > old_bytes &&
      !region->second.NeedsNoFileFrom(region->first, old_start + old_bytes)) {
    return Errno::kNoMem;
  }
  // From here on as Linux: the target is gone even if the rest fails.
  UnmapRange(new_start, new_start + new_bytes);
  // With an old length of 0 that may have been the old place.
  if (Find(old_start) == regions_.end()) return Errno::kFault;
  if (old_bytes > new_bytes) {
    POLLUX_RETURN_IF_ERROR(Unmap(GuestAddr{old_start + new_bytes}, old_bytes - new_bytes));
  }
  POLLUX_RETURN_IF_ERROR(MoveRegion(old_start, moved, new_start, new_bytes, dont_unmap));
  return GuestAddr{new_start};
}

// Moves [old_start, old_start + old_bytes), which lies in one region, to free addresses. Shared
// pages are only shown there. With `dont_unmap` the old place stays, without its own pages.
Result<void> AddressSpace::MoveRegion(uint64_t old_start, uint64_t old_bytes, uint64_t new_start,
                                      uint64_t new_bytes, bool dont_unmap) {
  if (new_start < kMinMapAddress) return Errno::kPerm;
  const auto source = Find(old_start);
  Region region = source->second;
  region.end = new_start + new_bytes;
  if (region.HasOffset()) region.file_offset += old_start - source->first;
  const uint64_t new_end = region.end;
  // A page that may not be accessed now may still hold bytes and need a table.
  const uint64_t backed_end = region.TablesEnd(new_start);
  if (!FitsBudget(TableBytesNeeded(new_start, backed_end))) return Errno::kNoMem;
  if (region.object != nullptr && !MapObjectOnHost(region, new_start, new_end))
    return Errno::kNoMem;
  ChargeTables(new_start, backed_end);
  Insert(new_start, std::move(region));
  MovePages(old_start, new_start, old_bytes);
  if (dont_unmap) {
    const auto stays = Find(old_start);
    ApplyRegion(stays->second, stays->first, old_start, old_start + old_bytes);
    // dontunmap_complete(): what stays is locked no longer, but goes on to be counted (measured on
    // Linux 6.18).
    CountLocked(stays->second, old_bytes, /*more=*/true);
    (void)SetLocking(old_start, old_start + old_bytes, Locking::kNone).ok();
    MergeAround(old_start, old_start + old_bytes);
  } else {
    UnmapRange(old_start, old_start + old_bytes);
  }
  MergeAround(new_start, new_end);
  return {};
}

// ---- brk

void AddressSpace::SetHeapStart(GuestAddr start, uint64_t data_bytes) {
  POLLUX_CHECK(IsAligned(start.value) && start.value <= kAddressSpaceBytes);
  heap_start_ = start.value;
  heap_break_ = start.value;
  program_data_bytes_ = data_bytes;
}

void AddressSpace::SetMapTop(GuestAddr top) {
  POLLUX_CHECK(IsAligned(top.value) && top.value <= kAddressSpaceBytes);
  map_top_ = top.value;
}

GuestAddr AddressSpace::Brk(GuestAddr wanted) {
  const GuestAddr unchanged{heap_break_};
  if (heap_start_ == 0) return unchanged;
  if (wanted.value < heap_start_ || wanted.value > kAddressSpaceBytes) return unchanged;
  const uint64_t old_end = PageUp(heap_break_);
  const uint64_t new_end = PageUp(wanted.value);
  if (new_end > old_end) {
    // Linux keeps a page free above the heap, and the guard below a stack.
    const auto next = regions_.lower_bound(old_end);
    const uint64_t limit = next == regions_.end()
                               ? kAddressSpaceBytes + kPageBytes
                               : StartWithGap(next->first, next->second.grows_down);
    if (Find(old_end) != regions_.end() || new_end + kPageBytes > limit) return unchanged;
    if (regions_.size() >= kMaxMappings) return unchanged;
    // Room for the name, which a merged heap does not keep.
    if (!FitsBudget(TableBytesNeeded(old_end, new_end) + kNameOverheadBytes * 2)) return unchanged;
    Region region;
    region.end = new_end;
    region.prot = kProtRead | kProtWrite;
    region.locking = future_locking_;
    region.name = MakeName("[heap]");
    ChargeTables(old_end, new_end);
    Insert(old_end, std::move(region));
    MergeAround(old_end, new_end);
  } else if (new_end < old_end) {
    // Linux refuses to shrink a heap that the guest has unmapped.
    if (!AnyIn(new_end, old_end)) return unchanged;
    if (regions_.size() >= kMaxMappings && SplitsNeeded(new_end, old_end) == 2) return unchanged;
    UnmapRange(new_end, old_end);
  }
  heap_break_ = wanted.value;
  return wanted;
}

// ---- Reports

std::vector<Mapping> AddressSpace::Mappings() const {
  std::vector<Mapping> mappings;
  mappings.reserve(regions_.size());
  for (const auto& [start, region] : regions_) {
    mappings.push_back({start, region.end, region.prot, region.shared,
                        region.HasFile() ? region.file_offset : 0, region.inode,
                        region.name ? *region.name : std::string(), region.grows_down,
                        region.HasFile() || region.shared, region.dont_dump, region.locking});
  }
  return mappings;
}

uint64_t AddressSpace::data_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [start, region] : regions_) {
    const bool writable = (region.prot & kProtWrite) != 0;
    if (writable && !region.shared && !region.grows_down) bytes += region.end - start;
  }
  return bytes;
}

bool AddressSpace::IsMapped(GuestAddr addr) const { return Find(addr.value) != regions_.end(); }

bool AddressSpace::MayStoreTo(const SharedObject& object) const {
  for (const auto& [start, region] : regions_) {
    if (region.shared && region.may_write && region.object.get() == &object) return true;
  }
  return false;
}

}  // namespace pollux::memory
