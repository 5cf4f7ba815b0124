// Schedule: the choices of one run, so that it can be had again: where which thread gave way to
// which. A position is a count of the instructions that the thread itself has retired, so that what
// is said of one thread stays right when another one's part is changed (shrinking).
//
// What is not said is done as by default: who can run goes on, else the next one in the order of
// tids runs; and who came first to a futex is woken first.
#ifndef POLLUX_MACHINE_STRATEGY_SCHEDULE_H_
#define POLLUX_MACHINE_STRATEGY_SCHEDULE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "abi/types.h"
#include "machine/strategy/strategy.h"
#include "machine/strategy/wrapper.h"

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

// A fault that happened.
struct InjectedFault {
  Tid tid{0};
  uint64_t retired = 0;  // By it, as of its call.
  shims::FaultKind kind{};

  friend auto operator<=>(const InjectedFault&, const InjectedFault&) = default;
};

// A thread that a futex woke though another one had come before it.
struct WokenThread {
  Tid waker{0};
  uint64_t retired = 0;  // By `waker`, as of its call.
  uint32_t after = 0;    // So many choices whom to wake came before, at the same place.
  Tid woken{0};

  friend bool operator==(const WokenThread&, const WokenThread&) = default;
};

struct Schedule {
  // More are not written down: what a guest makes shall not grow without end.
  static constexpr size_t kMostSwitches = 1'000'000;

  std::vector<Switch> switches;       // In the order in which they happened, as the next.
  std::vector<InjectedFault> faults;  // As many at most.
  std::vector<WokenThread> woken;     // Likewise.
  bool truncated = false;             // There were more: it cannot be followed to its end.
  // Of the switches, those that preempt.
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

// Numbers the choices whom to wake that fall at one place, from 0.
class WakeCounter {
 public:
  uint32_t Next(const WakePoint& point);

 private:
  struct Count {
    uint64_t retired = 0;
    uint32_t choices = 0;
  };
  std::map<Tid, Count> counts_;
};

// Asks another strategy, and writes down what it says.
class Recorder final : public Wrapper {
 public:
  using Wrapper::Wrapper;

  size_t Choose(const ChoicePoint& point) override;
  bool ExpiresEarly(const ChoicePoint& point) override;
  bool Fails(const FaultPoint& point) override;
  size_t ChooseWoken(const WakePoint& point) override;

  const Schedule& schedule() const { return schedule_; }

 private:
  void Add(const Switch& change);

  Schedule schedule_;
  PlaceCounter places_;
  WakeCounter wakes_;
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
  // Reservations that are lost have it stop there, too, alone or not.
  bool wants_deadlines() const override { return expires_ || !reservations_.empty(); }
  bool ExpiresEarly(const ChoicePoint& point) override;
  bool Fails(const FaultPoint& point) override;
  size_t ChooseWoken(const WakePoint& point) override;

 private:
  uint64_t NextPreemption(const os_emu::Thread& running, uint64_t retired);
  bool LosesReservation(const PlaceCounter::Place& place) const;
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
  std::set<InjectedFault> faults_;
  // Of them, the places where a turn has to begin: reservations that are lost.
  std::set<std::pair<Tid, uint64_t>> reservations_;
  // Whom: by the waker, what it has retired, and WokenThread::after.
  std::map<std::tuple<Tid, uint64_t, uint32_t>, Tid> woken_;
  PlaceCounter places_;
  WakeCounter wakes_;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_SCHEDULE_H_
