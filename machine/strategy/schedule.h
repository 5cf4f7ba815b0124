// Schedule: the choices of one run, so that it can be had again: where which thread gave way to
// which. A position is a count of the instructions that the thread itself has retired, so that what
// is said of one thread stays right when another one's part is changed (shrinking).
//
// What is not said is done as by default: who can run goes on, else the next one in the order of
// tids runs.
#ifndef POLLUX_MACHINE_STRATEGY_SCHEDULE_H_
#define POLLUX_MACHINE_STRATEGY_SCHEDULE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "abi/types.h"
#include "machine/strategy/strategy.h"

namespace pollux::machine {

struct Switch {
  // Of Switch::retired where the thread had ended.
  static constexpr uint64_t kAtItsEnd = UINT64_MAX;

  Tid from{0};           // 0: nobody had run.
  uint64_t retired = 0;  // By `from`.
  // A thread that waits may be chosen in vain, any number of times: at the choice after so many
  // others at the same place.
  uint32_t after = 0;
  bool preempts = false;  // It could have gone on.
  // No change of turn: the next deadline was reached, before what else happened at this place.
  bool expires = false;
  Tid to{0};

  friend bool operator==(const Switch&, const Switch&) = default;
};

struct Schedule {
  // More are not written down: what a guest makes shall not grow without end.
  static constexpr size_t kMostSwitches = 1'000'000;

  std::vector<Switch> switches;  // In the order in which they happened.
  bool truncated = false;        // There were more: it cannot be followed to its end.
  // Of them, those that preempt.
  size_t preemptions() const;
};

// The place in point.runnable that is chosen by default.
size_t DefaultChoice(const ChoicePoint& point, Tid last_tid);

// Says where choices fall.
class PlaceCounter {
 public:
  struct Place {
    Tid from;
    uint64_t retired;
    uint32_t after;
  };
  Place Next(const ChoicePoint& point);
  // The same, of a choice that is still to come.
  Place Of(const ChoicePoint& point) const;
  // How many choices there were at this place so far.
  uint32_t ChoicesAt(Tid from, uint64_t retired) const;
  // It was chosen.
  void Ran(Tid tid) { last_ = tid; }

 private:
  struct Count {
    uint64_t retired = 0;
    uint32_t choices = 0;
  };
  Tid last_{0};
  std::map<Tid, Count> counts_;
};

// Asks another strategy, and writes down what it says.
class Recorder final : public Strategy {
 public:
  explicit Recorder(std::unique_ptr<Strategy> inner) : inner_(std::move(inner)) {}

  size_t Choose(const ChoicePoint& point) override;
  uint64_t NextSlice(const os_emu::Thread& running, uint64_t retired) override {
    return inner_->NextSlice(running, retired);
  }
  bool slices_end_with_turns() const override { return inner_->slices_end_with_turns(); }
  bool wants_events() const override { return inner_->wants_events(); }
  bool StopsBefore(const os_emu::Thread& thread, const Event& event) override {
    return inner_->StopsBefore(thread, event);
  }
  bool wants_deadlines() const override { return inner_->wants_deadlines(); }
  bool ExpiresEarly(const ChoicePoint& point) override;

  const Schedule& schedule() const { return schedule_; }

 private:
  void Add(const Switch& change);

  const std::unique_ptr<Strategy> inner_;
  Schedule schedule_;
  PlaceCounter places_;
  bool expired_ = false;  // A deadline, since the last choice.
};

// Follows a schedule: a run that has been recorded goes as it went.
class Replayer final : public Strategy {
 public:
  // `whole`: it is a run as it was recorded. Else a part of one, which may spin where the run did
  // not: nobody is let run longer than kLongestSlice.
  explicit Replayer(const Schedule& schedule, bool whole = true);

  size_t Choose(const ChoicePoint& point) override;
  uint64_t NextSlice(const os_emu::Thread& running, uint64_t retired) override;
  bool slices_end_with_turns() const override { return true; }
  bool wants_deadlines() const override { return expires_; }
  bool ExpiresEarly(const ChoicePoint& point) override;

 private:
  // There is something to happen at the place after more choices.
  bool IsHereAgain(const PlaceCounter::Place& place);
  // Of what is said of the place, the next; null: nothing.
  const Switch* NextAt(const PlaceCounter::Place& place);

  struct Part {
    std::vector<Switch> switches;
    size_t next = 0;
  };

  const uint64_t longest_;
  std::map<Tid, Part> parts_;  // By Switch::from.
  bool expires_ = false;       // Some deadline does.
  PlaceCounter places_;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_SCHEDULE_H_
