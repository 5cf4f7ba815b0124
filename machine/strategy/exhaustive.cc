#include "machine/strategy/exhaustive.h"

#include "abi/check.h"

namespace pollux::machine {

using os_emu::Thread;

class ExhaustiveSearch::Follower final : public EventStrategy {
 public:
  Follower(ExhaustiveSearch& search, const SharedMemory* known)
      : EventStrategy(known), search_(search) {
    WantFootprints();
  }

 private:
  size_t ChooseOf(const ChoicePoint& point) override {
    if (running_ == Tid{0} && point.last != nullptr) running_ = point.last->tid();
    if (point.leave && point.last != nullptr && point.last->tid() == running_) leaves_ = true;
    // What a thread does before its first event is its own business: no choice.
    for (size_t i = 0; i < point.runnable.size(); ++i) {
      if (!HasBegun(*point.runnable[i])) return i;
    }
    if (depth_ == kMostChoices) {
      search_.cut_ = true;
      return search_.has_bound() ? Undisturbed(point) : FirstAwake(point);
    }
    if (depth_ == search_.path_.size()) {
      const size_t place = Extend(point);
      if (place == kAbandon) return kAbandon;
    }
    const Node& node = search_.path_[depth_++];
    POLLUX_CHECK(!node.wakes) << "a run differs from the one before";
    if (search_.has_bound()) {
      search_.preemptions_ += node.IsPreemption(node.chosen);
    } else {
      // Those that were tried before sleep from here on.
      for (const Tid tried : node.tried) sleep_.insert_or_assign(tried, node.steps.at(tried));
    }
    for (size_t i = 0; i < point.runnable.size(); ++i) {
      if (point.runnable[i]->tid() != node.chosen) continue;
      return i;
    }
    POLLUX_CHECK(false) << "a run differs from the one before";
    return 0;
  }

  // A group in one order: each one that is chosen is behind the one before it.
  size_t ChooseWoken(const WakePoint& point) override {
    const size_t first = point.chosen == 0 ? 0 : woken_;
    const size_t last = point.waiters.size() - point.left;
    woken_ = first;
    if (first == last) return woken_;
    if (depth_ == kMostChoices) {
      search_.cut_ = true;
      return woken_;
    }
    if (depth_ == search_.path_.size())
      search_.path_.push_back({.wakes = true, .woken = first, .last_woken = last});
    const Node& node = search_.path_[depth_++];
    POLLUX_CHECK(node.wakes && node.last_woken == last) << "a run differs from the one before";
    woken_ = node.woken;
    return woken_;
  }

  // Also where there is no choice: whatever happens may wake a sleeper.
  bool OnChosen(const Thread& thread) override {
    const bool begun = HasBegun(thread);
    begun_.insert(thread.tid());
    if (!begun) return true;
    in_a_row_ = thread.tid() == running_ && !leaves_ ? in_a_row_ + 1 : 1;
    running_ = thread.tid();
    leaves_ = in_a_row_ >= kMostInARow;
    if (sleep_.contains(thread.tid())) return false;  // There was no other choice.
    const Step step = StepOf(thread);
    for (auto sleeper = sleep_.begin(); sleeper != sleep_.end();) {
      sleeper = MayMatter(sleeper->second, step) ? sleep_.erase(sleeper) : std::next(sleeper);
    }
    return true;
  }

  void OnPending(const Thread& thread, const Event&) override { begun_.insert(thread.tid()); }

  // A call that it has waited in since before choices began is an event.
  bool HasBegun(const Thread& thread) const {
    return begun_.contains(thread.tid()) || thread.blocked();
  }

  // kAbandon: there is none.
  size_t FirstAwake(const ChoicePoint& point) const {
    for (size_t i = 0; i < point.runnable.size(); ++i) {
      if (!sleep_.contains(point.runnable[i]->tid())) return i;
    }
    return kAbandon;
  }

  // Who runs where nobody is preempted.
  size_t Undisturbed(const ChoicePoint& point) const {
    for (size_t i = 0; !leaves_ && i < point.runnable.size(); ++i) {
      if (point.runnable[i]->tid() == running_) return i;
    }
    for (size_t i = 0; i < point.runnable.size(); ++i) {
      if (point.runnable[i]->tid() > running_) return i;
    }
    return 0;
  }

  void ExtendWithBound(const ChoicePoint& point) {
    Node node{.leaves = leaves_, .preemptions = search_.preemptions_};
    for (const Thread* thread : point.runnable) {
      node.enabled.push_back(thread->tid());
      if (thread->tid() == running_) node.running = running_;
    }
    node.chosen = node.enabled[Undisturbed(point)];
    search_.path_.push_back(std::move(node));
  }

  // A new choice.
  size_t Extend(const ChoicePoint& point) {
    if (search_.has_bound()) {
      ExtendWithBound(point);
      return 0;
    }
    Node node{.sleep = sleep_};
    for (const Thread* thread : point.runnable) {
      node.enabled.push_back(thread->tid());
      node.steps.emplace(thread->tid(), StepOf(*thread));
    }
    const size_t awake = FirstAwake(point);
    if (awake == kAbandon) return kAbandon;
    node.chosen = node.enabled[awake];
    search_.path_.push_back(std::move(node));
    return 0;
  }

  // A thread that goes on with a call that it waited in does the rest of it.
  Step StepOf(const Thread& thread) const {
    const Event* pending = PendingOf(thread);
    if (pending != nullptr && pending->kind != Event::Kind::kSystemCall) return {.event = *pending};
    return {.event = {.kind = Event::Kind::kSystemCall, .space = thread.process().pid()},
            .footprint = FootprintOf(thread)};
  }

  ExhaustiveSearch& search_;
  size_t depth_ = 0;
  size_t woken_ = 0;  // The last place.
  Sleep sleep_;
  std::set<Tid> begun_;  // Those that have come to an event.
  // Of what comes before first events nothing counts. Who ran last, whether it is to leave, and how
  // many events it has done.
  Tid running_{0};
  bool leaves_ = false;
  uint64_t in_a_row_ = 0;
};

bool ExhaustiveSearch::MayMatter(const Step& a, const Step& b) {
  const bool a_calls = a.event.kind == Event::Kind::kSystemCall;
  const bool b_calls = b.event.kind == Event::Kind::kSystemCall;
  if (a_calls && b_calls) return shims::Conflict(a.footprint, b.footprint);
  if (!a_calls && !b_calls) return Conflict(a.event, b.event);
  const Event& event = a_calls ? b.event : a.event;
  // A fence alone does nothing that others see.
  if (!event.accesses_memory()) return false;
  return (a_calls ? a : b).footprint.Touches(event.addr, event.bytes, event.writes());
}

std::unique_ptr<Strategy> ExhaustiveSearch::Next(const SharedMemory* known) {
  preemptions_ = 0;
  return std::make_unique<Follower>(*this, known);
}

bool ExhaustiveSearch::Allows(const Node& node, Tid tid) {
  if (!has_bound() || node.preemptions + node.IsPreemption(tid) <= bound_) return true;
  refused_ = true;
  return false;
}

bool ExhaustiveSearch::Ran(bool abandoned) {
  const bool is_new = !abandoned && (!has_bound() || preemptions_ == bound_);
  ++(is_new ? schedules_ : abandoned_);
  while (!path_.empty()) {
    Node& node = path_.back();
    if (node.wakes) {
      if (node.woken++ < node.last_woken) return is_new;
      path_.pop_back();
      continue;
    }
    node.tried.insert(node.chosen);
    for (const Tid tid : node.enabled) {
      if (node.tried.contains(tid) || node.sleep.contains(tid) || !Allows(node, tid)) continue;
      node.chosen = tid;
      return is_new;
    }
    path_.pop_back();
  }
  if (has_bound() && refused_ && bound_ < *most_preemptions_) {
    ++bound_;
    refused_ = false;
  } else {
    complete_ = true;
  }
  return is_new;
}

}  // namespace pollux::machine
