// AddressSpace for mlock(2) and its kin: what is locked, and how much (mm/mlock.c).
#include <algorithm>

#include "memory/address_space.h"
#include "memory/pages.h"

namespace pollux::memory {

void AddressSpace::CountLocked(const Region& region, uint64_t bytes, bool more) {
  if (region.locking == Locking::kNone) return;
  locked_bytes_ += more ? bytes : -bytes;
}

Result<void> AddressSpace::SetLocking(uint64_t start, uint64_t end, Locking locking) {
  const auto found = Find(start);
  if (found->second.locking == locking) return {};
  if (!FitsRegions(start, end)) return Errno::kNoMem;
  Region& region = SplitAt(start)->second;
  SplitAt(end);
  NoteRegions();
  CountLocked(region, end - start, /*more=*/false);
  region.locking = locking;
  CountLocked(region, end - start, /*more=*/true);
  return {};
}

Result<void> AddressSpace::Lock(GuestAddr addr, uint64_t length, Locking locking) {
  const uint64_t start = PageDown(addr.value);
  const uint64_t end = start + PageUp(length);
  if (end < start) return Errno::kInval;
  uint64_t at = start;
  Result<void> result;
  while (at < end) {
    const auto region = Find(at);
    if (region == regions_.end()) {
      result = Errno::kNoMem;
      break;
    }
    const uint64_t stop = std::min(end, region->second.end);
    result = SetLocking(at, stop, locking);
    if (!result.ok()) break;
    at = stop;
  }
  if (at > start) MergeAround(start, at);
  return result;
}

void AddressSpace::LockAll(Locking locking) {
  // No border is added, so none can be one too many.
  for (auto& [start, region] : regions_) {
    CountLocked(region, region.end - start, /*more=*/false);
    region.locking = locking;
    CountLocked(region, region.end - start, /*more=*/true);
  }
  NoteRegions();
  MergeAround(0, kAddressSpaceBytes);
}

uint64_t AddressSpace::LockedIn(GuestAddr addr, uint64_t length) const {
  const uint64_t end = addr.value + length;
  uint64_t bytes = 0;
  for (const auto& [start, region] : regions_) {
    const uint64_t from = std::max(start, addr.value), to = std::min(region.end, end);
    if (from < to && region.locking != Locking::kNone) bytes += to - from;
  }
  return bytes;
}

}  // namespace pollux::memory
