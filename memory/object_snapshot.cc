// What objects do for a Snapshot.
#include <cstring>
#include <utility>

#include "abi/check.h"
#include "memory/address_space.h"
#include "memory/arena.h"
#include "memory/pages.h"
#include "memory/saved_state.h"
#include "memory/shared_object.h"

namespace pollux::memory {

std::unique_ptr<SharedObject::Saved> SharedObject::Save(
    std::vector<SharedObject*>* changed_objects) {
  POLLUX_CHECK(saved_ == nullptr) << "a second snapshot of an object";
  auto saved = std::make_unique<Saved>();
  saved->object = weak_from_this().lock();
  if (saved->object == nullptr) return nullptr;  // It is ending.
  ClearDirty();
  saved->changed_objects = changed_objects;
  saved->size_bytes = size_bytes_;
  saved->present_pages = present_pages_;
  saved->charged_bytes = charged_bytes_;
  for (const auto& [chunk, place] : chunks_) saved->chunks.insert(chunk);
  saved_ = saved.get();
  return saved;
}

// ---- Before changes

void SharedObject::NoteChange() {
  if (saved_ == nullptr || saved_->touched) return;
  const OutsideArena outside;
  saved_->touched = true;
  saved_->changed_objects->push_back(this);
}

void SharedObject::SaveGroup(uint64_t index) {
  if (saved_ == nullptr) return;
  const OutsideArena outside;
  NoteChange();
  const auto [known, fresh] = saved_->groups.try_emplace(index);
  Saved::Before& before = known->second;
  if (fresh) {
    if (const auto group = groups_.find(index); group != groups_.end())
      before = {true, false, group->second.present, group->second.stored};
  }
  if (before.touched) return;
  before.touched = true;
  saved_->touched_groups.push_back(index);
}

void SharedObject::SavePage(uint64_t page) {
  const OutsideArena outside;
  SaveGroup(page / kGroupPages);
  SavedPages::Page* kept = saved_->pages.Touch(page);
  if (kept == nullptr) return;
  if (Has(page)) {
    kept->bytes = saved_->pages.NewBytes();
    Read(page * kPageBytes, {kept->bytes, kPageBytes});
  } else {
    kept->may_idle = saved_->pages.MayIdle();
  }
}

// ---- Going back

void SharedObject::KeepCoded(uint64_t page) {
  const OutsideArena outside;
  saved_->coded.insert(page);
}

void SharedObject::RestoreCoded() {
  for (const uint64_t page : saved_->coded) {
    if (Has(page)) groups_.at(page / kGroupPages).code |= Bit(page);
  }
}

void SharedObject::DiscardChunks() const {
  for (const auto* const chunks : {&chunks_, &idle_chunks_}) {
    for (const auto& [chunk, place] : *chunks)
      store_->Discard(place * SharedStore::kChunkBytes, SharedStore::kChunkBytes);
  }
}

void SharedObject::RestoreSaved() {
  const uint64_t old_end = mapped_end();
  size_bytes_ = saved_->size_bytes;
  const uint64_t new_end = mapped_end();
  if (old_end != new_end) {
    Tell(std::min(old_end, new_end) / kPageBytes, std::max(old_end, new_end) / kPageBytes,
         Change::kSize);
  }
  static constexpr uint8_t kZeros[kPageBytes] = {};
  saved_->pages.TakeTouched([&](const SavedPages::Page& page) {
    const uint64_t at = page.number * kPageBytes;
    if (page.bytes != nullptr) {
      WriteHost(at, {page.bytes, kPageBytes});
    } else if (Has(page.number)) {
      if (page.may_idle) {
        WriteHost(at, kZeros);
      } else {
        store_->Discard(HostOffset(page.number), kPageBytes);
      }
    }
    const auto group = groups_.find(page.number / kGroupPages);
    if (group == groups_.end() || (group->second.code & Bit(page.number)) == 0) return;
    group->second.code &= ~Bit(page.number);
    Tell(page.number, page.number + 1, Change::kCode);
  });
  for (const uint64_t index : saved_->touched_groups) {
    Saved::Before& before = saved_->groups.at(index);
    before.touched = false;
    Group& group = groups_[index];
    const bool lost = (group.present & ~before.present) != 0;
    group.present = before.present;
    group.stored = before.stored;
    group.dirty = 0;
    if (!before.existed) groups_.erase(index);
    Tell(index * kGroupPages, (index + 1) * kGroupPages,
         lost ? Change::kDropped : Change::kNoteStore);
  }
  saved_->touched_groups.clear();
  // Chunks that came since are all zeros again, and wait for the next who needs them.
  if (chunks_.size() != saved_->chunks.size()) {
    for (auto chunk = chunks_.begin(); chunk != chunks_.end();) {
      if (saved_->chunks.contains(chunk->first)) {
        ++chunk;
      } else {
        idle_chunks_.insert(chunks_.extract(chunk++));
      }
    }
  }
  present_pages_ = saved_->present_pages;
  budget_->used_bytes += saved_->charged_bytes - charged_bytes_;
  charged_bytes_ = saved_->charged_bytes;
  saved_->touched = false;
}

}  // namespace pollux::memory
