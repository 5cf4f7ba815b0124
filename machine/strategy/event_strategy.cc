#include "machine/strategy/event_strategy.h"

namespace pollux::machine {

using os_emu::Thread;

namespace {

constexpr int kUnitShift = 3;

}  // namespace

bool SharedMemory::NoteUnit(Tid tid, bool writes, Unit unit) {
  if (shared_.contains(unit)) return true;
  // A guest may touch any number of them.
  constexpr size_t kMostUnits = 2'000'000;
  if (uses_.size() >= kMostUnits && !uses_.contains(unit)) return false;
  const auto [known, fresh] = uses_.try_emplace(unit, Use{.tid = tid});
  Use& use = known->second;
  use.by_others |= use.tid != tid;
  use.written |= writes;
  if (!use.by_others || !use.written) return false;
  uses_.erase(known);
  shared_.insert(unit);
  return true;
}

bool SharedMemory::Note(Tid tid, const Event& event) {
  const uint64_t first = event.addr >> kUnitShift;
  const uint64_t last = (event.addr + event.bytes - 1) >> kUnitShift;
  bool shared = NoteUnit(tid, event.writes(), {static_cast<int>(event.space), first});
  if (last != first) shared |= NoteUnit(tid, event.writes(), {static_cast<int>(event.space), last});
  return shared;
}

void SharedMemory::NoteCall(Tid tid, Tid space, const shims::Footprint& footprint) {
  if (footprint.everything) return;
  // Longer ones are of memory that is given back, which nobody reads.
  constexpr uint64_t kMostBytes = 1 << 16;
  for (size_t i = 0; i < footprint.range_count; ++i) {
    const shims::Footprint::Range& range = footprint.ranges[i];
    if (range.bytes > kMostBytes) continue;
    const uint64_t last = (range.addr + range.bytes - 1) >> kUnitShift;
    for (uint64_t unit = range.addr >> kUnitShift; unit <= last; ++unit)
      NoteUnit(tid, range.written, {static_cast<int>(space), unit});
  }
}

void SharedMemory::Learn(const SharedMemory& other) {
  shared_.insert(other.shared_.begin(), other.shared_.end());
}

bool EventStrategy::StopsBefore(const Thread& thread, const Event& event) {
  if (event.accesses_memory()) {
    const bool shared = memory_.Note(thread.tid(), event);
    if (!shared && !event.atomic) return false;
  }
  pending_[thread.tid()] = event;
  OnPending(thread, event);
  return true;
}

size_t EventStrategy::Choose(const ChoicePoint& point) {
  point_ = &point;
  size_t chosen = 0;
  if (point.runnable.size() > 1) {
    ++choices_;
    chosen = ChooseOf(point);
    if (chosen == kAbandon) return kAbandon;
  }
  const Thread& thread = *point.runnable[chosen];
  if (!OnChosen(thread)) return kAbandon;
  const Event* pending = PendingOf(thread);
  const bool calls = pending == nullptr || pending->kind == Event::Kind::kSystemCall;
  if (calls && wants_footprints_)
    memory_.NoteCall(thread.tid(), thread.process().pid(), FootprintOf(thread));
  pending_.erase(thread.tid());
  return chosen;
}

const shims::Footprint& EventStrategy::FootprintOf(const Thread& thread) const {
  static constexpr shims::Footprint kUnknown;
  if (point_->footprints.empty()) return kUnknown;
  return point_->footprints[PlaceOf(point_->runnable, &thread)];
}

const Event* EventStrategy::PendingOf(const Thread& thread) const {
  const auto found = pending_.find(thread.tid());
  return found == pending_.end() ? nullptr : &found->second;
}

bool Conflict(const Event& a, const Event& b) {
  if (a.accesses_memory() && b.accesses_memory()) {
    return (a.writes() || b.writes()) && a.space == b.space && a.addr < b.addr + b.bytes &&
           b.addr < a.addr + a.bytes;
  }
  // What a call does is not known: it may read and write both the kernel's state and the caller's
  // memory. A fence alone does nothing that others see: memory is sequentially consistent.
  if (a.kind == Event::Kind::kFence || b.kind == Event::Kind::kFence) return false;
  return true;
}

}  // namespace pollux::machine
