// Snapshot, and what address spaces do for it. Objects' part is in object_snapshot.cc.
#include "memory/snapshot.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/check.h"
#include "memory/arena.h"
#include "memory/pages.h"
#include "memory/reservation.h"
#include "memory/saved_state.h"
#include "memory/store_watch.h"

namespace pollux::memory {
namespace {

// More changed ranges than this are merged at once.
constexpr size_t kManyRanges = 1024;
// Host page tables that may be left though nobody pays for them.
constexpr size_t kMaxIdleTables = 1024;

using Range = std::pair<uint64_t, uint64_t>;

void MergeRanges(std::vector<Range>& ranges) {
  std::sort(ranges.begin(), ranges.end());
  size_t last = 0;
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first <= ranges[last].second) {
      ranges[last].second = std::max(ranges[last].second, ranges[i].second);
    } else {
      ranges[++last] = ranges[i];
    }
  }
  if (!ranges.empty()) ranges.resize(last + 1);
}

}  // namespace

// ---- SavedPages

SavedPages::Page* SavedPages::Touch(uint64_t number) {
  const auto [known, fresh] = index_.emplace(number, static_cast<uint32_t>(pages_.size()));
  touched_.push_back(known->second);
  if (!fresh) return nullptr;
  pages_.push_back({number});
  return &pages_.back();
}

uint8_t* SavedPages::NewBytes() {
  if (free_pages_ == 0) {
    blocks_.emplace_back(new uint8_t[kBlockPages * kPageBytes]);
    free_pages_ = kBlockPages;
  }
  return blocks_.back().get() + --free_pages_ * kPageBytes;
}

// ---- Snapshot

std::unique_ptr<Snapshot> Snapshot::Take(MemoryBudget* budget,
                                         std::span<AddressSpace* const> spaces) {
  // It is there before and after, whoever needs it first.
  (void)SharedStore::Of(budget);
  const OutsideArena outside;
  std::unique_ptr<Snapshot> snapshot(new Snapshot);
  snapshot->budget_ = budget;
  if (budget->shared_store != nullptr) {
    for (SharedObject* object : budget->shared_store->objects()) {
      auto saved = object->Save(&snapshot->changed_objects_);
      if (saved != nullptr) snapshot->objects_.push_back(std::move(saved));
    }
  }
  for (AddressSpace* space : spaces) {
    POLLUX_CHECK(space->budget_ == budget) << "an address space of another machine";
    snapshot->spaces_.push_back(space->Save());
  }
  return snapshot;
}

Snapshot::~Snapshot() {
  for (const auto& saved : spaces_) {
    if (saved->space == nullptr) AddressSpace::Revive(*saved);
    saved->space->saved_ = nullptr;
    saved->parked.reset();
  }
  for (const auto& saved : objects_) saved->object->saved_ = nullptr;
}

void Snapshot::Restore() {
  // Objects first: private copies of their pages lie over them.
  for (SharedObject* object : changed_objects_) object->RestoreSaved();
  changed_objects_.clear();
  for (const auto& saved : spaces_) {
    if (saved->space == nullptr) {
      AddressSpace::Revive(*saved);
    } else {
      saved->space->RestoreSaved();
    }
  }
}

void Snapshot::RestoreHost() {
  for (SharedObject* object : changed_objects_) object->RestoreSaved();
  changed_objects_.clear();
  for (const auto& saved : spaces_) {
    if (saved->space != nullptr) saved->space->RestoreSaved();
  }
  // What was made since: its owners do not let go of it, they vanish.
  for (AddressSpace* space : ReservationPool::Of(budget_).spaces()) {
    if (space->saved_ == nullptr) space->GiveReservation();
  }
  if (budget_->shared_store == nullptr) return;
  for (const SharedObject* object : budget_->shared_store->objects()) {
    if (object->saved_ == nullptr) object->DiscardChunks();
  }
}

std::vector<AddressSpace*> Snapshot::AfterArena() {
  const OutsideArena outside;
  std::vector<AddressSpace*> spaces, ended;
  for (const auto& saved : spaces_) {
    spaces.push_back(saved->original);
    if (saved->space != nullptr) continue;
    // It was in the arena, and is no more.
    (void)saved->parked.release();
    saved->space = saved->original;
    ended.push_back(saved->original);
    // Nobody has told it of what happened to objects meanwhile.
    for (const auto& [start, region] : saved->space->regions_) {
      if (region.object != nullptr) saved->space->ApplyRegion(region, start, start, region.end);
    }
  }
  ReservationPool::Of(budget_).ResetSpaces(spaces);
  for (const auto& saved : objects_) saved->object->RestoreCoded();
  StoreWatch::Renew(*budget_);
  return ended;
}

std::unique_ptr<AddressSpace> Snapshot::TakeBack(size_t index) {
  AddressSpace::Saved& saved = *spaces_[index];
  return saved.space == nullptr ? nullptr : std::move(saved.parked);
}

// ---- Address spaces: before changes

std::unique_ptr<AddressSpace::Saved> AddressSpace::Save() {
  POLLUX_CHECK(saved_ == nullptr) << "a second snapshot of an address space";
  ClearDirty();
  auto saved = std::make_unique<Saved>();
  saved->original = saved->space = this;
  saved->regions = regions_;
  // What mappings keep goes when the guest lets go of it, snapshot or not.
  for (auto& [start, region] : saved->regions) region.keeps.reset();
  saved->tables = tables_;
  saved->flag_pages = flag_pages_;
  saved->own_bytes = own_bytes_;
  saved->charged_pages = charged_pages_;
  saved->mapped_bytes = mapped_bytes_;
  saved->map_top = map_top_;
  saved->stack_limit_bytes = stack_limit_bytes_;
  saved->address_limit_bytes = address_limit_bytes_;
  saved->heap_start = heap_start_;
  saved->heap_break = heap_break_;
  saved->program_data_bytes = program_data_bytes_;
  saved->locked_bytes = locked_bytes_;
  saved->pages_brought_in = pages_brought_in_;
  saved->future_locking = future_locking_;
  saved_ = saved.get();
  return saved;
}

void AddressSpace::SavePage(uint64_t page) {
  const OutsideArena outside;
  SavedPages::Page* kept = saved_->pages.Touch(page);
  if (kept == nullptr) return;
  if (IsCharged(page)) {
    kept->bytes = saved_->pages.NewBytes();
    std::memcpy(kept->bytes, base_ + page * kPageBytes, kPageBytes);
  } else {
    kept->may_idle = saved_->pages.MayIdle();
  }
}

void AddressSpace::NoteRegions() {
  if (saved_ != nullptr) saved_->regions_changed = true;
}

void AddressSpace::NoteTables() {
  if (saved_ != nullptr) saved_->tables_changed = true;
}

void AddressSpace::NoteMapping(uint64_t start, uint64_t end) {
  if (budget_->watches != nullptr) NoticeChange(start >> kPageShift, end >> kPageShift);
  if (saved_ == nullptr) return;
  const OutsideArena outside;
  saved_->regions_changed = true;
  saved_->changed.emplace_back(start, end);
  if (saved_->changed.size() % kManyRanges == 0) MergeRanges(saved_->changed);
}

// ---- Address spaces: going back

void AddressSpace::RestoreSaved() {
  // Their last act may be to look at us.
  Regions let_go;
  if (saved_->regions_changed) let_go = RestoreMappings();
  RestorePages();
  if (saved_->tables_changed) RestoreTables();
  POLLUX_CHECK(charged_pages_ == saved_->charged_pages) << "pages were charged behind our back";
  budget_->used_bytes += saved_->own_bytes - own_bytes_;
  own_bytes_ = saved_->own_bytes;
  mapped_bytes_ = saved_->mapped_bytes;
  map_top_ = saved_->map_top;
  stack_limit_bytes_ = saved_->stack_limit_bytes;
  address_limit_bytes_ = saved_->address_limit_bytes;
  heap_start_ = saved_->heap_start;
  heap_break_ = saved_->heap_break;
  program_data_bytes_ = saved_->program_data_bytes;
  locked_bytes_ = saved_->locked_bytes;
  pages_brought_in_ = saved_->pages_brought_in;
  future_locking_ = saved_->future_locking;
}

AddressSpace::Regions AddressSpace::RestoreMappings() {
  MergeRanges(saved_->changed);
  for (const auto& [start, end] : saved_->changed) {
    for (uint64_t at = start; at < end;) at = RestorePart(at, end);
  }
  saved_->changed.clear();
  saved_->regions_changed = false;
  for (const auto& [start, region] : saved_->regions) CountObjects(region, 1);
  for (const auto& [start, region] : regions_) CountObjects(region, -1);
  return std::exchange(regions_, saved_->regions);
}

// From `at` on, as far as there is one mapping now and was one (or none) then, `end` at most.
// Returns how far that is. regions_ stays as it is.
uint64_t AddressSpace::RestorePart(uint64_t at, uint64_t end) {
  const auto look = [&](const Regions& regions) -> const Regions::value_type* {
    const auto next = regions.upper_bound(at);
    if (next != regions.begin()) {
      const auto& found = *std::prev(next);
      if (at < found.second.end) {
        end = std::min(end, found.second.end);
        return &found;
      }
    }
    if (next != regions.end()) end = std::min(end, next->first);
    return nullptr;
  };
  const Regions::value_type* now = look(regions_);
  const Regions::value_type* then = look(saved_->regions);
  const bool shows = now != nullptr && now->second.object != nullptr;
  const bool showed = then != nullptr && then->second.object != nullptr;
  const bool alike =
      shows && showed && now->second.object == then->second.object &&
      now->second.shared == then->second.shared &&
      now->second.ObjectPage(now->first, at) == then->second.ObjectPage(then->first, at);
  if ((shows || showed) && !alike) {
    DropPages(at, end);
    if (shows && !showed) UnmapObjectOnHost(at, end);
    if (showed) {
      Region part = then->second;
      part.end = end;
      part.file_offset += at - then->first;
      POLLUX_CHECK(MapObjectOnHost(part, at, end)) << "mmap: " << std::strerror(errno);
    }
  }
  if (then == nullptr) {
    RewriteFlags(at, end, 0);
  } else {
    ApplyRegion(then->second, then->first, at, end);
    // What lies past the end of `contents` had no flags, but may have some now.
    if (!showed) RewriteFlags(std::clamp(then->second.BackedEnd(then->first), at, end), end, 0);
  }
  return end;
}

void AddressSpace::RestorePages() {
  saved_->pages.TakeTouched([&](const SavedPages::Page& page) {
    const uint64_t number = page.number;
    uint8_t* host = base_ + number * kPageBytes;
    const uint64_t bit = uint64_t{1} << (number % 64);
    const bool shows = MayShowObject(number) && FindObjectPage(number << kPageShift).object;
    if (page.bytes != nullptr) {
      std::memcpy(host, page.bytes, kPageBytes);
      if (!IsCharged(number)) ++charged_pages_;
      charged_[number / 64] |= bit;
    } else if (IsCharged(number)) {
      --charged_pages_;
      charged_[number / 64] &= ~bit;
      if (shows || !page.may_idle) {
        POLLUX_CHECK(madvise(host, kPageBytes, MADV_DONTNEED) == 0) << std::strerror(errno);
      } else {
        std::memset(host, 0, kPageBytes);
      }
    }
    if (flags_[number] & kHoldsCode) ForgetCode(number);
    const auto flags = static_cast<uint8_t>(flags_[number] & ~(kDirty | kFastLoad | kFastStore));
    // A page that may be an object's is given its fast bits when it is used.
    flags_[number] = shows ? flags : WithFastBits(flags, IsCharged(number));
    ClearBit(dirty_, number / kGranulePages);
  });
}

void AddressSpace::RestoreTables() {
  const OutsideArena outside;
  saved_->tables_changed = false;
  for (size_t i = 0; i < tables_.size(); ++i) {
    for (uint64_t idle = tables_[i] & ~saved_->tables[i]; idle != 0; idle &= idle - 1)
      saved_->idle_tables.insert(i * 64 + static_cast<uint64_t>(std::countr_zero(idle)));
  }
  // Of the same size: nothing is allocated.
  std::copy(saved_->tables.begin(), saved_->tables.end(), tables_.begin());
  std::copy(saved_->flag_pages.begin(), saved_->flag_pages.end(), flag_pages_.begin());
  if (saved_->idle_tables.size() <= kMaxIdleTables) return;
  for (const uint64_t granule : saved_->idle_tables) {
    if (TestBit(tables_, granule) || MayShowObject(granule * kGranulePages)) continue;
    POLLUX_CHECK(MapZeros(base_ + granule * kGranuleBytes, kGranuleBytes) != nullptr)
        << "mmap: " << std::strerror(errno);
  }
  saved_->idle_tables.clear();
}

// ---- Address spaces that end and come back

// What this one was goes to a new AddressSpace, which the snapshot keeps.
void AddressSpace::Park() {
  listener_ = nullptr;
  RestoreSaved();
  // Whoever translated these pages is gone.
  ForEachGranule(tables_, tables_, 0, kPages, [&](uint64_t page, uint64_t end) {
    for (; page < end; ++page) {
      if (flags_[page] & kHoldsCode) {
        flags_[page] =
            WithFastBits(static_cast<uint8_t>(flags_[page] & ~kHoldsCode), IsCharged(page));
      }
    }
  });
  for (const auto& [start, region] : regions_) CountObjects(region, -1);
  regions_.clear();
  Refund(own_bytes_);
  self_.reset();
  std::unique_ptr<AddressSpace> kept(new AddressSpace);
  std::swap(kept->reservation_, reservation_);
  std::swap(kept->base_, base_);
  std::swap(kept->flags_, flags_);
  std::swap(kept->charged_, charged_);
  kept->budget_ = budget_;
  kept->charged_pages_ = charged_pages_;
  kept->tables_ = std::move(tables_);
  kept->dirty_ = std::move(dirty_);
  kept->objects_ = std::move(objects_);
  kept->flag_pages_ = std::move(flag_pages_);
  kept->saved_ = saved_;
  saved_->space = nullptr;
  saved_->parked = std::move(kept);
}

void AddressSpace::Revive(Saved& saved) {
  AddressSpace& space = *saved.parked;
  saved.space = &space;
  space.Charge(saved.own_bytes);
  space.regions_ = saved.regions;
  for (const auto& [start, region] : space.regions_) {
    space.CountObjects(region, 1);
    if (region.object == nullptr) continue;
    region.object->Attach(space.self_);
    // The object may have told of changes meanwhile.
    space.ApplyRegion(region, start, start, region.end);
  }
  space.RestoreSaved();
}

}  // namespace pollux::memory
