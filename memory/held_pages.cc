// AddressSpace for core files: which pages hold something, and what, whatever their protection.
#include <algorithm>
#include <cstring>
#include <optional>

#include "abi/check.h"
#include "memory/address_space.h"
#include "memory/pages.h"

namespace pollux::memory {

bool AddressSpace::HasOwnPages(uint64_t start, uint64_t end) const {
  const auto region = Find(start);
  // The copy that Map made cannot be told from what was stored to it later. Code is not stored to.
  if (region != regions_.end() && region->second.from_file && region->second.object == nullptr)
    return (region->second.prot & kProtExec) == 0;
  return CountCharged(start, end) > 0;
}

uint64_t AddressSpace::NextHeldPage(uint64_t from, uint64_t end) const {
  const auto region = Find(from);
  POLLUX_CHECK(region != regions_.end() && end <= region->second.end) << "not in one mapping";
  if (region->second.object != nullptr) {
    const SharedObject& object = *region->second.object;
    const uint64_t stop = std::min(end, region->second.BackedEnd(region->first));
    const uint64_t at = region->second.ObjectPage(region->first, from);
    // Of a file of the host all pages can be read, whether or not somebody has.
    if (from < stop && object.IsInCore(at)) return from;
    const std::optional<uint64_t> shown = object.NextPresent(at);
    if (shown.has_value() && *shown - at < (stop - std::min(from, stop)) >> kPageShift)
      end = from + ((*shown - at) << kPageShift);
  }
  // A page of its own before that.
  for (uint64_t at = from; at < end; at = PageDown(at | (kGranuleBytes - 1)) + kPageBytes) {
    if (!TestBit(tables_, at / kGranuleBytes)) continue;  // Nothing there was ever touched.
    uint64_t found = end;
    const uint64_t stop = std::min(end, (at | (kGranuleBytes - 1)) + 1);
    ForEachRun(charged_, at >> kPageShift, stop >> kPageShift,
               [&](uint64_t page, uint64_t) { found = std::min(found, page << kPageShift); });
    if (found < end) return found;
  }
  return end;
}

void AddressSpace::PeekPage(uint64_t addr, std::span<uint8_t> to) const {
  POLLUX_CHECK(IsAligned(addr) && addr < kAddressSpaceBytes && to.size() == kPageBytes);
  const uint64_t page = addr >> kPageShift;
  const ObjectPage shown = FindObjectPage(addr);
  if (shown.object == nullptr || IsCharged(page)) {
    std::memcpy(to.data(), base_ + addr, to.size());
  } else if (shown.object->Has(shown.page)) {
    shown.object->Read(shown.page << kPageShift, to);
  } else {
    std::memset(to.data(), 0, to.size());
    shown.object->Load(shown.page, to);
  }
}

}  // namespace pollux::memory
