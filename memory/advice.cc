// AddressSpace for madvise(2) and msync(2): what mm/madvise.c and msync.c do in Linux.
#include <algorithm>

#include "memory/address_space.h"
#include "memory/pages.h"

namespace pollux::memory {

template <typename Visit>
Result<void> AddressSpace::ForEachRegion(GuestAddr addr, uint64_t length, Visit visit) {
  if (!IsAligned(addr.value)) return Errno::kInval;
  const uint64_t bytes = PageUp(length);
  if (length != 0 && bytes == 0) return Errno::kInval;
  const uint64_t end = addr.value + bytes;
  if (end < addr.value) return Errno::kInval;
  Result<void> result;
  uint64_t at = addr.value;
  while (at < end) {
    auto region = Find(at);
    if (region == regions_.end()) {
      result = Errno::kNoMem;
      region = regions_.lower_bound(at);
      if (region == regions_.end() || region->first >= end) break;
      at = region->first;
    }
    const uint64_t stop = std::min(end, region->second.end);
    POLLUX_RETURN_IF_ERROR(visit(region->first, region->second, at, stop));
    at = stop;
  }
  return result;
}

Result<void> AddressSpace::Discard(GuestAddr addr, uint64_t length, bool anonymous_only,
                                   bool locked_too) {
  return ForEachRegion(
      addr, length,
      [&](uint64_t first, const Region& region, uint64_t start, uint64_t end) -> Result<void> {
        if (region.locking != Locking::kNone && !locked_too) return Errno::kInval;
        if (anonymous_only && (region.shared || region.HasOffset())) return Errno::kInval;
        if (region.from_file && !region.shared) {
          if (region.prot & kProtWrite) return Errno::kInval;
        } else if (!region.shared) {
          DropPages(start, end);
          ApplyRegion(region, first, start, end);
        }
        return {};
      });
}

Result<void> AddressSpace::Remove(GuestAddr addr, uint64_t length) {
  return ForEachRegion(
      addr, length,
      [&](uint64_t first, const Region& region, uint64_t start, uint64_t end) -> Result<void> {
        if (region.locking != Locking::kNone || region.object == nullptr) return Errno::kInval;
        if (!region.shared || !region.may_write) return Errno::kAcces;
        return region.object->PunchHole(region.ObjectPage(first, start) << kPageShift, end - start);
      });
}

// faultin_page_range() and populate_vma_page_range() of mm/gup.c.
Result<void> AddressSpace::BringIn(GuestAddr addr, uint64_t length, Populating how) {
  uint64_t reached = addr.value;
  return ForEachRegion(
      addr, length,
      [&](uint64_t, const Region& region, uint64_t start, uint64_t end) -> Result<void> {
        // Up to the first hole.
        if (start != reached) return Errno::kNoMem;
        if (how == Populating::kAsMapped && region.locking == Locking::kOnFault) {
          reached = end;
          return {};
        }
        const bool stores =
            how == Populating::kStores ||
            (how == Populating::kAsMapped && (region.prot & kProtWrite) != 0 && !region.shared);
        if ((region.prot & (stores ? kProtWrite : kProtRead | kProtExec)) == 0) {
          return Errno::kInval;
        }
        reached = end;
        // Loads of the process's own memory leave no trace.
        if (!stores && region.object == nullptr && !region.from_file) return {};
        for (uint64_t at = start; at < end; at += kPageBytes) {
          if (IsCharged(at >> kPageShift)) continue;
          Fault fault;
          if (Prepare(stores ? Access::kStore : Access::kLoad, GuestAddr{at}, 1, &fault)) continue;
          return fault.kind == FaultKind::kOutOfMemory ? Errno::kNoMem : Errno::kFault;
        }
        return {};
      });
}

// mm/mincore.c
bool AddressSpace::IsInCore(GuestAddr addr) const {
  if (IsCharged(addr.value >> kPageShift)) return true;
  const auto region = Find(addr.value);
  if (region == regions_.end()) return false;
  const auto& [start, what] = *region;
  if (what.object == nullptr) return what.from_file && addr.value < what.BackedEnd(start);
  return addr.value < what.BackedEnd(start) &&
         what.object->IsInCore(what.ObjectPage(start, addr.value));
}

Result<void> AddressSpace::WriteBack(GuestAddr addr, uint64_t length, bool invalidates) {
  return ForEachRegion(addr, length,
                       [&](uint64_t, const Region& region, uint64_t, uint64_t) -> Result<void> {
                         if (invalidates && region.locking != Locking::kNone) return Errno::kBusy;
                         if (region.object == nullptr || !region.shared) return {};
                         return region.object->WriteBack();
                       });
}

// madvise_vma_behavior() in mm/madvise.c.
Result<void> AddressSpace::Advise(GuestAddr addr, uint64_t length, MappingAdvice advice) {
  uint64_t reached = addr.value;
  const Result<void> result = ForEachRegion(
      addr, length,
      [&](uint64_t, const Region& region, uint64_t start, uint64_t end) -> Result<void> {
        bool dont_fork = region.dont_fork;
        bool wipe_on_fork = region.wipe_on_fork;
        bool dont_dump = region.dont_dump;
        switch (advice) {
          case MappingAdvice::kDontFork:
            dont_fork = true;
            break;
          case MappingAdvice::kDoFork:
            dont_fork = false;
            break;
          case MappingAdvice::kWipeOnFork:
            if (region.shared || region.HasOffset()) return Errno::kInval;
            wipe_on_fork = true;
            break;
          case MappingAdvice::kKeepOnFork:
            wipe_on_fork = false;
            break;
          case MappingAdvice::kDontDump:
            dont_dump = true;
            break;
          case MappingAdvice::kDoDump:
            dont_dump = false;
            break;
        }
        reached = end;
        if (dont_fork == region.dont_fork && wipe_on_fork == region.wipe_on_fork &&
            dont_dump == region.dont_dump) {
          return {};
        }
        // madvise_update_vma() makes EAGAIN of ENOMEM.
        if (!FitsRegions(start, end)) return Errno::kAgain;
        Region& changed = SplitAt(start)->second;
        SplitAt(end);
        NoteRegions();
        changed.dont_fork = dont_fork;
        changed.wipe_on_fork = wipe_on_fork;
        changed.dont_dump = dont_dump;
        return {};
      });
  if (reached != addr.value) MergeAround(addr.value, reached);
  return result;
}

}  // namespace pollux::memory
