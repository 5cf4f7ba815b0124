// The host side of AddressSpace: the reservation, the flags, the budget, and all accesses. The
// mapping calls are in mappings.cc.
//
// Invariants:
//  - A page that is not charged is all zeros on the host, or shows a SharedObject.
//  - kFastStore is set only where kWrite, kDirty and charged hold and kHoldsCode and kWatched do
//  not.
//  - A page that shows an object has kFastLoad only where the object's page is present, and
//  kFastStore only where NoteStore() has been called for it since the object last asked.
//  - The flags of a 2 MiB granule whose bits in tables_ and dirty_ are both clear are all zero.
#include "memory/address_space.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/check.h"
#include "memory/pages.h"
#include "memory/reservation.h"
#include "memory/store_watch.h"

namespace pollux::memory {
namespace {

constexpr uint64_t kFlagPages = kPages / kPageBytes;
constexpr uint64_t kGranulesPerFlagPage = kPageBytes / kGranulePages;
constexpr uint64_t kHostTableBytes = 4096;

// More mappings of objects than this are cheaper to replace together.
constexpr int kFewObjectMappings = 4;

// Below this, the page tables of memory that was unmapped are kept (and stay charged) for the next
// mapping.
constexpr uint64_t kReleaseTablesBytes = uint64_t{64} << 20;

void DiscardHost(uint8_t* at, uint64_t bytes) {
  POLLUX_CHECK(madvise(at, bytes, MADV_DONTNEED) == 0) << "MADV_DONTNEED: " << std::strerror(errno);
}

bool Permits(uint8_t flags, Access access) {
  switch (access) {
    case Access::kLoad:
      return flags & kRead;
    case Access::kStore:
      return flags & kWrite;
    case Access::kFetch:
      return flags & kExec;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<AddressSpace>> AddressSpace::Create(MemoryBudget* budget) {
  POLLUX_CHECK(budget != nullptr);
  std::unique_ptr<AddressSpace> space(new AddressSpace);
  space->budget_ = budget;
  const std::optional<Reservation> host = ReservationPool::Of(budget).Take();
  if (!host) return Errno::kNoMem;
  space->reservation_ = *host;
  space->base_ = host->base;
  space->flags_ = host->flags;
  space->charged_ = host->charged;
  space->tables_.assign(kGranules / 64, 0);
  space->dirty_.assign(kGranules / 64, 0);
  space->objects_.assign(kGranules / 64, 0);
  space->flag_pages_.assign(kFlagPages / 64, 0);
  ReservationPool::Of(budget).Add(space.get());
  return space;
}

AddressSpace::~AddressSpace() {
  if (budget_ != nullptr && budget_->watches != nullptr) NoticeChange(0, kPages);
  if (budget_ != nullptr) ReservationPool::Of(budget_).Remove(this);
  if (saved_ != nullptr) {
    Park();
    return;
  }
  self_.reset();
  for (const auto& [start, region] : regions_) CountObjects(region, -1);
  if (base_ != nullptr) GiveReservation();
  regions_.clear();
  Refund(own_bytes_);
}

void AddressSpace::PreferHugePages(GuestAddr start, uint64_t bytes) {
  const uint64_t first = start.value / kGranuleBytes * kGranuleBytes;
  const uint64_t end = (start.value + bytes + kGranuleBytes - 1) / kGranuleBytes * kGranuleBytes;
  (void)madvise(base_ + first, std::min(end, kAddressSpaceBytes) - first, MADV_HUGEPAGE);
}

void AddressSpace::GiveReservation() {
  ReservationPool& pool = ReservationPool::Of(budget_);
  Reservation& host = reservation_;
  if (!pool.HasRoomFor(charged_pages_)) return ReservationPool::Free(host);
  int object_mappings = 0;
  for (const auto& [start, region] : regions_) object_mappings += region.object != nullptr;
  if (object_mappings > kFewObjectMappings) {
    if (MapZeros(base_, kAddressSpaceBytes) == nullptr) return ReservationPool::Free(host);
  } else {
    for (const auto& [start, region] : regions_) {
      if (region.object == nullptr) continue;
      if (MapZeros(base_ + start, region.end - start) == nullptr)
        return ReservationPool::Free(host);
    }
  }
  const bool all_zeros = object_mappings > kFewObjectMappings;
  // Bit 0 of a granule's first word of `spare` stands for its tables too: it is set in all that
  // were used.
  ForEachGranule(tables_, dirty_, 0, kPages, [&](uint64_t first, uint64_t end) {
    std::memset(flags_ + first, 0, end - first);
    if (!all_zeros) {
      ForEachRun(charged_, first, end, [&](uint64_t from, uint64_t to) {
        std::memset(base_ + from * kPageBytes, 0, (to - from) * kPageBytes);
      });
    }
    for (uint64_t word = first / 64; word < end / 64; ++word) {
      uint64_t used = std::exchange(charged_[word], 0);
      if (word == first / 64) used |= 1;
      const uint64_t fresh = used & ~host.spare[word];
      if (fresh == 0) continue;
      host.spare[word] |= fresh;
      host.spare_pages += static_cast<uint64_t>(std::popcount(fresh));
    }
  });
  pool.Give(host);
}

// ---- The budget

bool AddressSpace::FitsBudget(uint64_t bytes) const {
  if (bytes == 0) return true;
  return budget_->Fits(bytes);
}

void AddressSpace::Charge(uint64_t bytes) {
  budget_->used_bytes += bytes;
  own_bytes_ += bytes;
}

void AddressSpace::Refund(uint64_t bytes) {
  POLLUX_CHECK(bytes <= own_bytes_ && bytes <= budget_->used_bytes) << "more refunded than charged";
  budget_->used_bytes -= bytes;
  own_bytes_ -= bytes;
}

uint64_t AddressSpace::TableBytesNeeded(uint64_t start, uint64_t end) const {
  if (start >= end) return 0;
  uint64_t bytes = 0;
  uint64_t last_flag_page = UINT64_MAX;
  for (uint64_t granule = start / kGranuleBytes; granule <= (end - 1) / kGranuleBytes; ++granule) {
    if (!TestBit(tables_, granule)) bytes += kHostTableBytes;
    const uint64_t flag_page = granule / kGranulesPerFlagPage;
    if (flag_page != last_flag_page && !TestBit(flag_pages_, flag_page)) bytes += kPageBytes;
    last_flag_page = flag_page;
  }
  return bytes;
}

void AddressSpace::ChargeTables(uint64_t start, uint64_t end) {
  if (start >= end) return;
  const uint64_t bytes = TableBytesNeeded(start, end);
  if (bytes == 0) return;
  Charge(bytes);
  NoteTables();
  for (uint64_t granule = start / kGranuleBytes; granule <= (end - 1) / kGranuleBytes; ++granule) {
    SetBit(tables_, granule);
    SetBit(flag_pages_, granule / kGranulesPerFlagPage);
  }
}

// ---- Flags

// Linux/riscv (protection_map and access_error in arch/riscv/mm): a page that may be written may be
// read, because Sv39 has no write-only pages; a page that may only be executed may not be read.
uint8_t AddressSpace::FlagsOfProtection(uint32_t prot) {
  uint8_t flags = 0;
  if (prot & (kProtRead | kProtWrite)) flags |= kRead | kFastLoad;
  if (prot & kProtWrite) flags |= kWrite;
  if (prot & kProtExec) flags |= kExec;
  return flags;
}

uint8_t AddressSpace::WithFastBits(uint8_t flags, bool charged) {
  flags &= static_cast<uint8_t>(~(kFastLoad | kFastStore));
  if (flags & kRead) flags |= kFastLoad;
  constexpr uint8_t kAsked = kWrite | kDirty | kHoldsCode | kWatched;
  if ((flags & kAsked) == (kWrite | kDirty) && charged) flags |= kFastStore;
  return flags;
}

void AddressSpace::NotifyCodeChanged(uint64_t first_page, uint64_t pages) {
  if (listener_ != nullptr) listener_->OnCodeChanged(first_page, pages);
}

void AddressSpace::RewriteFlags(uint64_t start, uint64_t end, uint8_t base, bool fast) {
  if (start >= end) return;
  const uint8_t mask = fast ? 0xff : static_cast<uint8_t>(~(kFastLoad | kFastStore));
  base &= mask;
  const uint64_t first = start >> kPageShift;
  const uint64_t last = end >> kPageShift;
  uint64_t fresh = first;  // Pages from here on have all-zero flags until the next touched granule.
  uint64_t code_first = 0;
  uint64_t code_pages = 0;
  auto fill_fresh_to = [&](uint64_t page) {
    if (base != 0 && fresh < page) std::memset(flags_ + fresh, base, page - fresh);
  };
  ForEachGranule(tables_, dirty_, first, last, [&](uint64_t page, uint64_t granule_end) {
    fill_fresh_to(page);
    fresh = granule_end;
    for (; page < granule_end; ++page) {
      const uint8_t old = flags_[page];
      flags_[page] =
          WithFastBits(static_cast<uint8_t>(base | (old & (kDirty | kWatched))), IsCharged(page)) &
          mask;
      if (!(old & kHoldsCode)) continue;
      if (code_pages != 0 && code_first + code_pages != page) {
        NotifyCodeChanged(code_first, code_pages);
        code_pages = 0;
      }
      if (code_pages++ == 0) code_first = page;
    }
  });
  fill_fresh_to(last);
  if (code_pages != 0) NotifyCodeChanged(code_first, code_pages);
}

void AddressSpace::ApplyRegion(const Region& region, uint64_t region_start, uint64_t start,
                               uint64_t end) {
  const uint8_t base = FlagsOfProtection(region.prot);
  const uint64_t backed_end = std::clamp(region.BackedEnd(region_start), start, end);
  RewriteFlags(start, backed_end, base, /*fast=*/region.object == nullptr);
  // Pages beyond the end of `contents` have no flags, and never had any. An object's end moves.
  if (region.object != nullptr) RewriteFlags(backed_end, end, 0);
  if (base != 0) ChargeTables(start, std::clamp(region.TablesEnd(region_start), start, end));
}

void AddressSpace::MarkHoldsCode(uint64_t page) {
  POLLUX_CHECK(page < kPages && (flags_[page] & kExec)) << "page " << page << " is not executable";
  if (MayShowObject(page)) {
    if (const ObjectPage at = FindObjectPage(page << kPageShift); at.object != nullptr) {
      if (!IsCharged(page)) at.object->NoteCode(at.page);
      SetObjectFlags(page, at, flags_[page] | kHoldsCode);
      return;
    }
  }
  flags_[page] = WithFastBits(flags_[page] | kHoldsCode, IsCharged(page));
}

void AddressSpace::MarkDirty(uint64_t page) {
  flags_[page] |= kDirty;
  SetBit(dirty_, page / kGranulePages);
}

void AddressSpace::ClearDirty() {
  POLLUX_CHECK(saved_ == nullptr) << "a snapshot counts the changes";
  ForEachGranule(dirty_, dirty_, 0, kPages, [&](uint64_t page, uint64_t end) {
    for (; page < end; ++page) flags_[page] &= static_cast<uint8_t>(~(kDirty | kFastStore));
  });
  std::fill(dirty_.begin(), dirty_.end(), 0);
}

std::vector<uint64_t> AddressSpace::DirtyPages() const {
  std::vector<uint64_t> pages;
  ForEachGranule(dirty_, dirty_, 0, kPages, [&](uint64_t page, uint64_t end) {
    for (; page < end; ++page) {
      if (flags_[page] & kDirty) pages.push_back(page);
    }
  });
  return pages;
}

// ---- Host pages

void AddressSpace::DropPages(uint64_t start, uint64_t end) {
  uint64_t first_dropped = UINT64_MAX;
  uint64_t last_dropped = 0;
  uint64_t dropped = 0;
  ForEachGranule(tables_, tables_, start >> kPageShift, end >> kPageShift,
                 [&](uint64_t page, uint64_t granule_end) {
                   for (; page < granule_end; ++page) {
                     if (page % 64 == 0 && charged_[page / 64] == 0) {
                       page += 63;
                       continue;
                     }
                     if (!IsCharged(page)) continue;
                     BeforeChange(page);
                     charged_[page / 64] &= ~(uint64_t{1} << (page % 64));
                     MarkDirty(page);
                     first_dropped = std::min(first_dropped, page);
                     last_dropped = page;
                     ++dropped;
                   }
                 });
  if (dropped == 0) return;
  if (budget_->watches != nullptr) NoticeChange(first_dropped, last_dropped + 1);
  charged_pages_ -= dropped;
  Refund(dropped * kPageBytes);
  DiscardHost(base_ + first_dropped * kPageBytes, (last_dropped - first_dropped + 1) * kPageBytes);
}

void AddressSpace::ReleaseTables(uint64_t start, uint64_t end) {
  const uint64_t first = (start + kGranuleBytes - 1) / kGranuleBytes;
  const uint64_t last = end / kGranuleBytes;
  if (first >= last || (last - first) * kGranuleBytes < kReleaseTablesBytes) return;
  uint64_t tables = 0;
  for (uint64_t granule = first; granule < last; ++granule) tables += TestBit(tables_, granule);
  if (tables == 0) return;
  NoteTables();
  // MADV_DONTNEED keeps page tables; a new mapping in the same place does not. Where the host has
  // no mapping to spare the tables stay, and stay charged.
  if (MapZeros(base_ + first * kGranuleBytes, (last - first) * kGranuleBytes) == nullptr) return;
  for (uint64_t granule = first; granule < last; ++granule) ClearBit(tables_, granule);
  Refund(tables * kHostTableBytes);
}

void AddressSpace::MovePages(uint64_t from, uint64_t to, uint64_t bytes) {
  constexpr uint64_t kBatchPages = 256;  // Bounds what exists twice on the host while moving.
  const uint64_t first = from >> kPageShift;
  const uint64_t last = (from + bytes) >> kPageShift;
  const uint64_t delta = (to >> kPageShift) - first;  // Modulo 2^64.
  uint64_t batch_first = 0;
  uint64_t batch_last = 0;
  uint64_t batch_pages = 0;
  auto flush = [&] {
    if (batch_pages == 0) return;
    DiscardHost(base_ + batch_first * kPageBytes, (batch_last - batch_first + 1) * kPageBytes);
    batch_pages = 0;
  };
  ForEachGranule(tables_, tables_, first, last, [&](uint64_t page, uint64_t granule_end) {
    for (; page < granule_end; ++page) {
      if (!IsCharged(page)) continue;
      const uint64_t target = page + delta;
      BeforeChange(page);
      BeforeChange(target);
      std::memcpy(base_ + target * kPageBytes, base_ + page * kPageBytes, kPageBytes);
      charged_[page / 64] &= ~(uint64_t{1} << (page % 64));
      charged_[target / 64] |= uint64_t{1} << (target % 64);
      MarkDirty(page);
      MarkDirty(target);
      flags_[page] = WithFastBits(flags_[page], false);
      flags_[target] = WithFastBits(flags_[target], true);
      if (batch_pages++ == 0) batch_first = page;
      batch_last = page;
      if (batch_pages == kBatchPages) flush();
    }
  });
  flush();
}

// ---- Accesses

std::optional<FaultKind> AddressSpace::Classify(Access access, uint64_t addr) const {
  if (addr >= kAddressSpaceBytes) return FaultKind::kNotMapped;
  if (Permits(flags_[addr >> kPageShift], access)) return std::nullopt;
  const auto region = Find(addr);
  if (region == regions_.end()) return FaultKind::kNotMapped;
  // Linux checks the protection first (access_error), then whether the file reaches so far.
  if (!Permits(FlagsOfProtection(region->second.prot), access)) return FaultKind::kProtection;
  POLLUX_CHECK(addr >= region->second.BackedEnd(region->first))
      << "flags do not say what the mapping says";
  return FaultKind::kBeyondFile;
}

std::optional<FaultKind> AddressSpace::CheckPage(Access access, uint64_t addr) {
  const std::optional<FaultKind> fault = Classify(access, addr);
  if (fault != FaultKind::kNotMapped || addr >= kAddressSpaceBytes) return fault;
  bool out_of_memory = false;
  if (TryGrowDown(addr, &out_of_memory)) return Classify(access, addr);
  return out_of_memory ? FaultKind::kOutOfMemory : FaultKind::kNotMapped;
}

bool AddressSpace::MakeStorable(uint64_t page) {
  if (flags_[page] & kWatched) {
    NoticeChange(page, page + 1);
    UnwatchPages(page, page + 1);
  }
  if (MayShowObject(page)) {
    const ObjectPage at = FindObjectPage(page << kPageShift);
    if (at.object != nullptr) return MakeStorable(page, at);
  }
  BeforeChange(page);
  if (!IsCharged(page)) {
    Charge(kPageBytes);
    charged_[page / 64] |= uint64_t{1} << (page % 64);
    ++charged_pages_;
    ++pages_brought_in_;
  }
  MarkDirty(page);
  const bool held_code = flags_[page] & kHoldsCode;
  flags_[page] = WithFastBits(flags_[page] & static_cast<uint8_t>(~kHoldsCode), true);
  if (held_code) NotifyCodeChanged(page, 1);
  return true;
}

bool AddressSpace::Prepare(Access access, GuestAddr addr, uint64_t size, Fault* fault) {
  POLLUX_CHECK(size >= 1 && size <= kPageBytes) << "size " << size;
  const uint64_t first = addr.value & ~(kPageBytes - 1);
  const bool crosses = addr.value - first + size > kPageBytes;
  const uint64_t second = first + kPageBytes;  // Wraps only if `first` already fails.
  if (const auto kind = CheckPage(access, addr.value)) {
    *fault = {addr, *kind};
    return false;
  }
  if (crosses) {
    if (const auto kind = CheckPage(access, second)) {
      *fault = {GuestAddr{second}, *kind};
      return false;
    }
  }
  const uint64_t first_page = first >> kPageShift;
  if (access != Access::kStore && !MayShowObject(first_page) &&
      !(crosses && MayShowObject(first_page + 1))) {
    return true;
  }
  const uint64_t first_bytes = AccessCost(access, first_page);
  const uint64_t second_bytes = crosses ? AccessCost(access, first_page + 1) : 0;
  if (!FitsBudget(first_bytes + second_bytes)) {
    *fault = {FitsBudget(first_bytes) ? GuestAddr{second} : addr, FaultKind::kOutOfMemory};
    return false;
  }
  for (uint64_t page = first_page; page <= first_page + (crosses ? 1 : 0); ++page) {
    if (access == Access::kStore ? MakeStorable(page) : MakeAccessible(page)) continue;
    *fault = {page == first_page ? addr : GuestAddr{second}, FaultKind::kOutOfMemory};
    return false;
  }
  return true;
}

unsigned AddressSpace::Fetch(GuestAddr pc, uint16_t halfwords[2], Fault* fault) {
  unsigned bytes = 0;
  // A halfword at an odd pc may lie in two pages; the engine never asks for one, but it may.
  for (; bytes < 4; bytes += 2) {
    for (uint64_t i = 0; i < 2; ++i) {
      const uint64_t at = pc.value + bytes + i;
      if (i == 1 && at % kPageBytes != 0) break;
      auto kind = Classify(Access::kFetch, at);
      if (!kind && MayShowObject(at >> kPageShift)) {
        const uint64_t page = at >> kPageShift;
        if (!FitsBudget(AccessCost(Access::kFetch, page)) || !MakeAccessible(page))
          kind = FaultKind::kOutOfMemory;
      }
      if (!kind) continue;
      if (bytes == 0) *fault = {GuestAddr{at}, *kind};
      return bytes;
    }
    std::memcpy(&halfwords[bytes / 2], base_ + pc.value + bytes, 2);
    if ((halfwords[0] & 3) != 3) return 2;
  }
  return bytes;
}

bool AddressSpace::PreparePage(Access access, uint64_t addr, Fault* fault) {
  const uint64_t in_page = kPageBytes - addr % kPageBytes;
  return Prepare(access, GuestAddr{addr}, std::min<uint64_t>(in_page, 1), fault);
}

// Calls visit(host bytes, offset from `start`, length) for consecutive runs that `access` may
// touch, until the end, a fault, or false. Returns the bytes before the fault or in all runs whose
// visit returned true.
template <typename Visit>
size_t AddressSpace::VisitRuns(Access access, GuestAddr start, uint64_t bytes, Visit visit) {
  const uint8_t fast = access == Access::kStore ? kFastStore : kFastLoad;
  uint64_t done = 0;
  if (start.value >= kAddressSpaceBytes) return 0;
  while (done < bytes) {
    const uint64_t addr = start.value + done;
    if (addr >= kAddressSpaceBytes) break;
    Fault fault;
    if (!(flags_[addr >> kPageShift] & fast) && !PreparePage(access, addr, &fault)) break;
    uint64_t end = (addr | (kPageBytes - 1)) + 1;
    while (end < kAddressSpaceBytes && end - addr < bytes - done &&
           (flags_[end >> kPageShift] & fast)) {
      end += kPageBytes;
    }
    const uint64_t length = std::min(bytes - done, end - addr);
    if (!visit(base_ + addr, done, length)) return done;
    done += length;
  }
  return done;
}

size_t AddressSpace::ReadRuns(GuestAddr from, std::span<uint8_t> to) {
  return VisitRuns(Access::kLoad, from, to.size(),
                   [&](const uint8_t* host, uint64_t offset, uint64_t length) {
                     std::memcpy(to.data() + offset, host, length);
                     return true;
                   });
}

size_t AddressSpace::WriteRuns(GuestAddr to, std::span<const uint8_t> from) {
  return VisitRuns(Access::kStore, to, from.size(),
                   [&](uint8_t* host, uint64_t offset, uint64_t length) {
                     std::memcpy(host, from.data() + offset, length);
                     return true;
                   });
}

size_t AddressSpace::Zero(GuestAddr to, uint64_t bytes) {
  uint64_t done = 0;
  while (done < bytes && to.value < kAddressSpaceBytes) {
    const uint64_t addr = to.value + done;
    if (addr >= kAddressSpaceBytes || CheckPage(Access::kStore, addr)) break;
    const uint64_t length = std::min(bytes - done, kPageBytes - addr % kPageBytes);
    // What was never written is zero already and need not be paid for.
    const uint64_t page = addr >> kPageShift;
    if (IsCharged(page) || MayShowObject(page)) {
      if (!FitsBudget(AccessCost(Access::kStore, page)) || !MakeStorable(page)) break;
      std::memset(base_ + addr, 0, length);
    }
    done += length;
  }
  return done;
}

size_t AddressSpace::WriteForced(GuestAddr to, std::span<const uint8_t> from) {
  uint64_t done = 0;
  while (done < from.size() && to.value < kAddressSpaceBytes) {
    const uint64_t addr = to.value + done;
    const uint64_t page = addr >> kPageShift;
    if (addr >= kAddressSpaceBytes) break;
    const auto region = Find(addr);
    if (region == regions_.end() || addr >= region->second.BackedEnd(region->first)) break;
    const uint64_t page_start = page << kPageShift;
    // A page that nothing may access needs no table until it is written from here.
    const uint64_t tables = TableBytesNeeded(page_start, page_start + kPageBytes);
    if (!FitsBudget(tables + AccessCost(Access::kStore, page))) break;
    ChargeTables(page_start, page_start + kPageBytes);
    if (!MakeStorable(page)) break;
    const uint64_t length = std::min(from.size() - done, kPageBytes - addr % kPageBytes);
    std::memcpy(base_ + addr, from.data() + done, length);
    done += length;
  }
  return done;
}

Result<std::string> AddressSpace::ReadString(GuestAddr from, size_t limit) {
  std::string text;
  bool ended = false;
  VisitRuns(Access::kLoad, from, limit, [&](const uint8_t* host, uint64_t, uint64_t length) {
    const void* nul = std::memchr(host, 0, length);
    ended = nul != nullptr;
    text.append(reinterpret_cast<const char*>(host),
                ended ? static_cast<const uint8_t*>(nul) - host : length);
    return !ended;
  });
  if (ended) return text;
  return text.size() == limit ? Errno::kNameTooLong : Errno::kFault;
}

uint64_t AddressSpace::mapped_bytes() const { return mapped_bytes_; }
uint64_t AddressSpace::resident_bytes() const { return charged_pages_ * kPageBytes; }

}  // namespace pollux::memory
