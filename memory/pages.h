// Arithmetic of pages, and of granules: 2 MiB of guest memory, what one page table of the host
// covers (x86-64, arm64). AddressSpace keeps bits a granule, so that walks over its 64 Mi page
// flags skip what is empty.
#ifndef POLLUX_MEMORY_PAGES_H_
#define POLLUX_MEMORY_PAGES_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "memory/address_space.h"

namespace pollux::memory {

// Linux's PAGE_ALIGN: wraps to 0 for the last page of the 64-bit space.
constexpr uint64_t PageUp(uint64_t value) { return (value + kPageBytes - 1) & ~(kPageBytes - 1); }
constexpr uint64_t PageDown(uint64_t value) { return value & ~(kPageBytes - 1); }
constexpr bool IsAligned(uint64_t value) { return value % kPageBytes == 0; }

// Bits of pages are kept in words.
inline constexpr uint64_t kGroupPages = 64;
constexpr uint64_t Bit(uint64_t page) { return uint64_t{1} << (page % kGroupPages); }

inline constexpr uint64_t kGranulePages = 512;
inline constexpr uint64_t kGranuleBytes = kGranulePages * kPageBytes;
inline constexpr uint64_t kGranules = kPages / kGranulePages;

inline bool TestBit(const std::vector<uint64_t>& bits, uint64_t i) {
  return (bits[i / 64] >> (i % 64)) & 1;
}
inline void SetBit(std::vector<uint64_t>& bits, uint64_t i) {
  bits[i / 64] |= uint64_t{1} << (i % 64);
}
inline void ClearBit(std::vector<uint64_t>& bits, uint64_t i) {
  bits[i / 64] &= ~(uint64_t{1} << (i % 64));
}

// Calls visit(first_page, end_page) for the part of each granule in [first, end) that has its bit
// in `a` or `b`.
template <typename Visit>
void ForEachGranule(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b, uint64_t first,
                    uint64_t end, Visit visit) {
  if (first >= end) return;
  const uint64_t last_granule = (end - 1) / kGranulePages;
  for (uint64_t granule = first / kGranulePages; granule <= last_granule;) {
    const uint64_t word = (a[granule / 64] | b[granule / 64]) >> (granule % 64);
    if (word == 0) {
      granule = (granule / 64 + 1) * 64;
      continue;
    }
    granule += static_cast<uint64_t>(std::countr_zero(word));
    if (granule > last_granule) return;
    visit(std::max(first, granule * kGranulePages), std::min(end, (granule + 1) * kGranulePages));
    ++granule;
  }
}

// Calls visit(first_page, end_page) for each run of set bits among the pages [first, end) of a map
// with a bit a page. Runs end at multiples of 64.
template <typename Visit>
void ForEachRun(const uint64_t* bits, uint64_t first, uint64_t end, Visit visit) {
  for (uint64_t base = first & ~uint64_t{63}; base < end; base += 64) {
    uint64_t word = bits[base / 64];
    if (word == 0) continue;
    if (base < first) word &= ~uint64_t{0} << (first - base);
    if (end - base < 64) word &= (uint64_t{1} << (end - base)) - 1;
    while (word != 0) {
      const int at = std::countr_zero(word);
      const int run = std::countr_one(word >> at);
      visit(base + static_cast<uint64_t>(at), base + static_cast<uint64_t>(at + run));
      word &= at + run == 64 ? 0 : ~uint64_t{0} << (at + run);
    }
  }
}

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_PAGES_H_
