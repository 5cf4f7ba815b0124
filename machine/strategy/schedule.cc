#include "machine/strategy/schedule.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace pollux::machine {

using os_emu::Thread;

namespace {

bool CanGoOn(const ChoicePoint& point) {
  return PlaceOf(point.runnable, point.last) < point.runnable.size();
}

}  // namespace

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

PlaceCounter::Place PlaceCounter::Of(const ChoicePoint& point) const {
  // The one that came to the fork point was never chosen.
  const Tid from = point.last != nullptr ? point.last->tid() : last_;
  const uint64_t retired =
      point.last == nullptr && from != Tid{0} ? Switch::kAtItsEnd : point.retired;
  return {from, retired, ChoicesAt(from, retired)};
}

PlaceCounter::Place PlaceCounter::Next(const ChoicePoint& point) {
  const Place place = Of(point);
  counts_[place.from] = {.retired = place.retired, .choices = place.after + 1};
  return place;
}

uint32_t PlaceCounter::ChoicesAt(Tid from, uint64_t retired) const {
  const auto count = counts_.find(from);
  return count == counts_.end() || count->second.retired != retired ? 0 : count->second.choices;
}

size_t Recorder::Choose(const ChoicePoint& point) {
  const PlaceCounter::Place place = places_.Next(point);
  const size_t chosen = inner().Choose(point);
  if (chosen == kAbandon) return kAbandon;
  const Tid to = point.runnable[chosen]->tid();
  // After a deadline the choice is written down, whatever it is: who follows it stops there.
  const bool expired = std::exchange(expired_, false);
  if (point.runnable.size() > 1 &&
      (expired || point.leave || chosen != DefaultChoice(point, place.from))) {
    Add({.from = place.from,
         .retired = place.retired,
         .after = place.after,
         .preempts = CanGoOn(point),
         .to = to});
  }
  places_.Ran(to);
  return chosen;
}

void Recorder::Add(const Switch& change) {
  if (schedule_.switches.size() < Schedule::kMostSwitches) {
    schedule_.switches.push_back(change);
  } else {
    schedule_.truncated = true;
  }
}

bool Recorder::ExpiresEarly(const ChoicePoint& point) {
  if (!inner().ExpiresEarly(point)) return false;
  const PlaceCounter::Place place = places_.Of(point);
  Add({.from = place.from,
       .retired = place.retired,
       .after = place.after,
       .preempts = CanGoOn(point),
       .expires = true});
  expired_ = true;
  return true;
}

bool Recorder::Fails(const FaultPoint& point) {
  if (!inner().Fails(point)) return false;
  if (schedule_.faults.size() < Schedule::kMostSwitches) {
    schedule_.faults.push_back({point.thread.tid(), point.retired, point.kind});
  } else {
    schedule_.truncated = true;
  }
  return true;
}

uint32_t WakeCounter::Next(const WakePoint& point) {
  Count& count = counts_[point.waker.tid()];
  if (count.retired != point.retired) count = {.retired = point.retired};
  return count.choices++;
}

size_t Recorder::ChooseWoken(const WakePoint& point) {
  const uint32_t after = wakes_.Next(point);
  const size_t place = inner().ChooseWoken(point);
  if (place == 0) return place;
  if (schedule_.woken.size() < Schedule::kMostSwitches) {
    schedule_.woken.push_back(
        {point.waker.tid(), point.retired, after, point.waiters[place]->tid()});
  } else {
    schedule_.truncated = true;
  }
  return place;
}

Replayer::Replayer(const Schedule& schedule, bool whole)
    : longest_(whole ? UINT64_MAX : kLongestSlice),
      faults_(schedule.faults.begin(), schedule.faults.end()) {
  for (const Switch& change : schedule.switches) {
    parts_[change.from].switches.push_back(change);
    expires_ |= change.expires;
  }
  for (const WokenThread& woken : schedule.woken)
    woken_.insert({{woken.waker, woken.retired, woken.after}, woken.woken});
  for (const InjectedFault& fault : schedule.faults) {
    if (fault.kind == shims::FaultKind::kLostReservation)
      reservations_.insert({fault.tid, fault.retired});
  }
}

size_t Replayer::ChooseWoken(const WakePoint& point) {
  const auto said = woken_.find({point.waker.tid(), point.retired, wakes_.Next(point)});
  if (said == woken_.end()) return 0;
  // In a part of a run it may wait elsewhere.
  for (size_t i = 0; i < point.waiters.size(); ++i) {
    if (point.waiters[i]->tid() == said->second) return i;
  }
  return 0;
}

bool Replayer::LosesReservation(const PlaceCounter::Place& place) const {
  return reservations_.contains({place.from, place.retired});
}

bool Replayer::Fails(const FaultPoint& point) {
  return faults_.contains({point.thread.tid(), point.retired, point.kind});
}

const Switch* Replayer::NextAt(const PlaceCounter::Place& place) {
  Part& part = parts_[place.from];
  const auto key = [](uint64_t retired, uint32_t after) { return std::tuple(retired, after); };
  for (; part.next < part.switches.size(); ++part.next) {
    const Switch& next = part.switches[part.next];
    if (key(next.retired, next.after) < key(place.retired, place.after)) continue;
    return next.retired == place.retired && next.after == place.after ? &next : nullptr;
  }
  return nullptr;
}

bool Replayer::IsHereAgain(const PlaceCounter::Place& place) {
  const Part& part = parts_[place.from];
  return part.next < part.switches.size() && part.switches[part.next].retired == place.retired &&
         part.switches[part.next].after > place.after;
}

bool Replayer::ExpiresEarly(const ChoicePoint& point) {
  const PlaceCounter::Place place = places_.Of(point);
  const Switch* next = NextAt(place);
  if (next == nullptr || !next->expires) return false;
  ++parts_[place.from].next;
  return true;
}

size_t Replayer::Choose(const ChoicePoint& point) {
  const PlaceCounter::Place place = places_.Next(point);
  size_t chosen = DefaultChoice(point, place.from);
  const Switch* next = point.runnable.size() > 1 ? NextAt(place) : nullptr;
  // It has stopped here for what happens when it is here again, or to itself.
  if (next == nullptr && point.leave && CanGoOn(point) &&
      (IsHereAgain(place) || LosesReservation(place)))
    chosen = PlaceOf(point.runnable, point.last);
  if (next != nullptr && !next->expires) {
    for (size_t i = 0; i < point.runnable.size(); ++i) {
      if (point.runnable[i]->tid() == next->to) chosen = i;
    }
    ++parts_[place.from].next;
  }
  places_.Ran(point.runnable[chosen]->tid());
  return chosen;
}

uint64_t Replayer::NextSlice(const Thread& running, uint64_t retired) {
  const auto lost = reservations_.upper_bound({running.tid(), retired});
  const uint64_t to_loss = lost == reservations_.end() || lost->first != running.tid()
                               ? UINT64_MAX
                               : lost->second - retired;
  return std::min(to_loss, NextPreemption(running, retired));
}

uint64_t Replayer::NextPreemption(const Thread& running, uint64_t retired) {
  const Part& part = parts_[running.tid()];
  for (size_t i = part.next; i < part.switches.size(); ++i) {
    const Switch& next = part.switches[i];
    if (!next.preempts || next.retired < retired) continue;
    if (next.retired == Switch::kAtItsEnd) break;
    // Where it has come back from a wait it may be before an event already.
    if (next.retired == retired && next.after != places_.ChoicesAt(running.tid(), retired))
      continue;
    return std::min(next.retired - retired, longest_);
  }
  return longest_;
}

}  // namespace pollux::machine
