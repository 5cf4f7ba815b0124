// ExhaustiveSearch: all schedules of a small program that differ in the order of conflicting
// events, each once: depth first, with sleep sets (Godefroid 1996). What commutes is not tried both
// ways: a run that could only repeat another one is abandoned as soon as that is clear. Where a
// strategy chooses whom a futex wakes, each group of waiters is tried: the call that wakes is one
// step with several outcomes, and sleeps as one.
//
// Each run begins at the same state and asks a strategy of its own, in this order:
//   while (!search.complete()) { run by *search.Next(known); search.Ran(it was abandoned); }
#ifndef POLLUX_MACHINE_STRATEGY_EXHAUSTIVE_H_
#define POLLUX_MACHINE_STRATEGY_EXHAUSTIVE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "abi/types.h"
#include "machine/strategy/event_strategy.h"
#include "machine/strategy/strategy.h"

namespace pollux::machine {

class ExhaustiveSearch {
 public:
  // The strategy of the next run. One at a time; must not outlive the search.
  std::unique_ptr<Strategy> Next(const SharedMemory* known);
  void Ran(bool abandoned);
  // There is no other schedule.
  bool complete() const { return complete_; }
  // Some run had more choices than kMostChoices; what came after them was not tried otherwise.
  bool cut() const { return cut_; }
  static constexpr size_t kMostChoices = 20'000;
  // That were run as a whole.
  uint64_t schedules() const { return schedules_; }
  uint64_t abandoned() const { return abandoned_; }

 private:
  class Follower;
  struct Step {
    Event event;
    shims::Footprint footprint;  // Of a system call.
  };
  static bool MayMatter(const Step& a, const Step& b);
  using Sleep = std::map<Tid, Step>;  // What need not be tried, and what it would do.

  // A choice of the run under way: who runs next, or whom a futex wakes.
  struct Node {
    bool wakes = false;
    size_t woken = 0, last_woken = 0;  // Places: what is tried, and up to where. Nothing else then.
    std::vector<Tid> enabled;
    std::map<Tid, Step> steps;  // That they would take.
    Sleep sleep;                // When it was made.
    std::set<Tid> tried;        // Before `chosen`.
    Tid chosen{0};
  };

  std::vector<Node> path_;
  bool complete_ = false, cut_ = false;
  uint64_t schedules_ = 0, abandoned_ = 0;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_EXHAUSTIVE_H_
