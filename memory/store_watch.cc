#include "memory/store_watch.h"

#include <utility>

#include "abi/check.h"
#include "memory/address_space.h"
#include "memory/budget.h"
#include "memory/shared_object.h"

namespace pollux::memory {

void StoreWatch::Begin(AddressSpace& space, GuestAddr addr) {
  POLLUX_CHECK(idle()) << "a watch begins twice";
  state_ = State::kWatching;
  space_ = &space;
  page_ = addr.value >> kPageShift;
  next_ = std::exchange(space.budget_->watches, this);
  if (next_ != nullptr) next_->previous_ = this;
  space.WatchPage(page_);
  if (!space.MayShowObject(page_)) return;
  const AddressSpace::ObjectPage shown = space.FindObjectPage(addr.value);
  // A private page is the object's until it is written.
  if (shown.object == nullptr || (!shown.shared && space.IsCharged(page_))) return;
  object_ = shown.object;
  object_page_ = shown.page;
  shown.object->Tell(object_page_, object_page_ + 1, SharedObject::Change::kNoteStore);
}

bool StoreWatch::End() {
  const bool untouched = state_ == State::kWatching;
  if (untouched) {
    AddressSpace& space = *space_;
    Leave(State::kIdle);
    if (!Watches(*space.budget_, space, page_)) space.UnwatchPages(page_, page_ + 1);
  }
  state_ = State::kIdle;
  return untouched;
}

void StoreWatch::Leave(State state) {
  (previous_ != nullptr ? previous_->next_ : space_->budget_->watches) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  previous_ = next_ = nullptr;
  space_ = nullptr;
  object_ = nullptr;
  state_ = state;
}

void StoreWatch::Notice(MemoryBudget& budget, const AddressSpace& space, uint64_t first,
                        uint64_t end) {
  for (StoreWatch* watch = budget.watches; watch != nullptr;) {
    StoreWatch* const next = watch->next_;
    if (watch->space_ == &space && watch->page_ >= first && watch->page_ < end)
      watch->Leave(State::kNoticed);
    watch = next;
  }
}

void StoreWatch::Notice(MemoryBudget& budget, const SharedObject& object, uint64_t page) {
  for (StoreWatch* watch = budget.watches; watch != nullptr;) {
    StoreWatch* const next = watch->next_;
    if (watch->object_ == &object && watch->object_page_ == page) watch->Leave(State::kNoticed);
    watch = next;
  }
}

bool StoreWatch::Watches(const MemoryBudget& budget, const AddressSpace& space, uint64_t page) {
  for (const StoreWatch* watch = budget.watches; watch != nullptr; watch = watch->next_)
    if (watch->space_ == &space && watch->page_ == page) return true;
  return false;
}

bool StoreWatch::Watches(const MemoryBudget& budget, const SharedObject& object, uint64_t page) {
  for (const StoreWatch* watch = budget.watches; watch != nullptr; watch = watch->next_)
    if (watch->object_ == &object && watch->object_page_ == page) return true;
  return false;
}

void StoreWatch::Renew(MemoryBudget& budget) {
  for (StoreWatch* watch = budget.watches; watch != nullptr; watch = watch->next_)
    watch->space_->WatchPage(watch->page_);
}

// ---- What watches are to address spaces

void AddressSpace::WatchPage(uint64_t page) {
  flags_[page] = static_cast<uint8_t>((flags_[page] | kWatched) & ~kFastStore);
}

// The fast bit comes back with the next store.
void AddressSpace::UnwatchPages(uint64_t first, uint64_t end) {
  for (uint64_t page = first; page < end; ++page) flags_[page] &= static_cast<uint8_t>(~kWatched);
}

void AddressSpace::NoticeChange(uint64_t first, uint64_t end) {
  StoreWatch::Notice(*budget_, *this, first, end);
}

}  // namespace pollux::memory
