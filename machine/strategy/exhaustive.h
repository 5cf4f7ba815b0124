// ExhaustiveSearch: all schedules of a small program that differ in the order of conflicting
// events, each once: depth first, with sleep sets (Godefroid 1996). What commutes is not tried both
// ways: a run that could only repeat another one is abandoned as soon as that is clear. Where a
// strategy chooses whom a futex wakes, each group of waiters is tried: the call that wakes is one
// step with several outcomes, and sleeps as one.
//
// With a bound on preemptions (iterative context bounding, Musuvathi and Qadeer, PLDI 2007) first
// all schedules without a preemption are run, then those with one, and so on up to the bound: most
// bugs need few, and how many schedules there are is a polynomial then. A thread goes on until it
// waits, ends, yields or has spun (kMostInARow events); then another one runs. What departs from
// that is a preemption: another one runs before, or the same one goes on behind a yield. A thread's
// way to its first event is none. Sleep sets are not used then: they leave out a schedule for an
// equivalent one, which may have more preemptions than the bound allows (Coons, Musuvathi,
// McKinley, OOPSLA 2013). So all orders of all events are run, those that commute as well.
//
// Each run begins at the same state and asks a strategy of its own, in this order:
//   while (!search.complete()) { run by *search.Next(known); search.Ran(it was abandoned); }
#ifndef POLLUX_MACHINE_STRATEGY_EXHAUSTIVE_H_
#define POLLUX_MACHINE_STRATEGY_EXHAUSTIVE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "abi/types.h"
#include "machine/strategy/event_strategy.h"
#include "machine/strategy/strategy.h"

namespace pollux::machine {

class ExhaustiveSearch {
 public:
  // No bound: all there are.
  explicit ExhaustiveSearch(std::optional<uint64_t> most_preemptions = std::nullopt)
      : most_preemptions_(most_preemptions) {}

  // The strategy of the next run. One at a time; must not outlive the search.
  std::unique_ptr<Strategy> Next(const SharedMemory* known);
  // Whether it was another schedule than all before: not abandoned, and none that had been run with
  // a smaller bound.
  bool Ran(bool abandoned);
  // There is no other schedule (within the bound).
  bool complete() const { return complete_; }
  // When it is complete: there are others, with more preemptions.
  bool bounded() const { return refused_; }
  // With a bound: who does so many events in a row while others could run, spins.
  static constexpr uint64_t kMostInARow = 1000;
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
    // With a bound: who had run, if it can go on; whether it is to leave; preemptions so far.
    Tid running{0};
    bool leaves = false;
    uint64_t preemptions = 0;

    bool IsPreemption(Tid tid) const { return running != Tid{0} && (tid == running) == leaves; }
  };
  // Notes where not.
  bool Allows(const Node& node, Tid tid);
  bool has_bound() const { return most_preemptions_.has_value(); }

  const std::optional<uint64_t> most_preemptions_;
  uint64_t bound_ = 0;        // Of the runs now.
  bool refused_ = false;      // Some choice was left out for it.
  uint64_t preemptions_ = 0;  // Of the run under way.
  std::vector<Node> path_;
  bool complete_ = false, cut_ = false;
  uint64_t schedules_ = 0, abandoned_ = 0;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_EXHAUSTIVE_H_
