#include "machine/strategy/schedule.h"

#include <algorithm>
#include <tuple>

namespace pollux::machine {

using os_emu::Thread;

size_t Schedule::preemptions() const {
  return static_cast<size_t>(
      std::count_if(switches.begin(), switches.end(), [](const Switch& s) { return s.preempts; }));
}

size_t DefaultChoice(const ChoicePoint& point, Tid last_tid) {
  const size_t count = point.runnable.size();
  const size_t place = PlaceOf(point.runnable, point.last);
  if (place < count && !point.leave) return place;
  for (size_t i = 0; i < count; ++i) {
    if (point.runnable[i]->tid() > last_tid) return i;
  }
  return 0;
}

PlaceCounter::Place PlaceCounter::Next(const ChoicePoint& point) {
  // The one that came to the fork point was never chosen.
  const Tid from = point.last != nullptr ? point.last->tid() : last_;
  const uint64_t retired =
      point.last == nullptr && from != Tid{0} ? Switch::kAtItsEnd : point.retired;
  Count& count = counts_[from];
  if (count.retired != retired) count = {.retired = retired};
  return {from, retired, count.choices++};
}

uint32_t PlaceCounter::ChoicesAt(Tid from, uint64_t retired) const {
  const auto count = counts_.find(from);
  return count == counts_.end() || count->second.retired != retired ? 0 : count->second.choices;
}

size_t Recorder::Choose(const ChoicePoint& point) {
  const PlaceCounter::Place place = places_.Next(point);
  const size_t chosen = inner_->Choose(point);
  if (chosen == kAbandon) return kAbandon;
  const Tid to = point.runnable[chosen]->tid();
  if (point.runnable.size() > 1 && (point.leave || chosen != DefaultChoice(point, place.from))) {
    schedule_.switches.push_back({.from = place.from,
                                  .retired = place.retired,
                                  .after = place.after,
                                  .preempts = PlaceOf(point.runnable, point.last) <
                                              point.runnable.size(),
                                  .to = to});
  }
  places_.Ran(to);
  return chosen;
}

Replayer::Replayer(const Schedule& schedule) {
  for (const Switch& change : schedule.switches)
    parts_[change.from].switches.push_back(change);
}

size_t Replayer::Choose(const ChoicePoint& point) {
  const PlaceCounter::Place place = places_.Next(point);
  Part& part = parts_[place.from];
  const auto key = [](uint64_t retired, uint32_t after) { return std::tuple(retired, after); };
  while (part.next < part.switches.size()) {
    const Switch& next = part.switches[part.next];
    if (key(next.retired, next.after) >= key(place.retired, place.after)) break;
    ++part.next;
  }
  size_t chosen = DefaultChoice(point, place.from);
  if (point.runnable.size() > 1 && part.next < part.switches.size()) {
    const Switch& next = part.switches[part.next];
    if (next.retired == place.retired && next.after == place.after) {
      ++part.next;
      for (size_t i = 0; i < point.runnable.size(); ++i) {
        if (point.runnable[i]->tid() == next.to) chosen = i;
      }
    }
  }
  places_.Ran(point.runnable[chosen]->tid());
  return chosen;
}

uint64_t Replayer::NextSlice(const Thread& running, uint64_t retired) {
  const Part& part = parts_[running.tid()];
  for (size_t i = part.next; i < part.switches.size(); ++i) {
    const Switch& next = part.switches[i];
    if (!next.preempts || next.retired < retired) continue;
    if (next.retired == Switch::kAtItsEnd) break;
    // Where it has come back from a wait it may be before an event already.
    if (next.retired == retired && next.after != places_.ChoicesAt(running.tid(), retired)) continue;
    return std::min(next.retired - retired, kLongestSlice);
  }
  return kLongestSlice;
}

}  // namespace pollux::machine
