// EventStrategy: what strategies have in common that choose before events: system calls, atomics,
// fences, and accesses to memory that another thread touches too.
//
// Which memory that is, is learnt as the program runs: what two threads have touched, one of them
// writing, is shared from then on. A first run may teach it to those that follow, so that the first
// accesses stop too (SharedMemory).
#ifndef POLLUX_MACHINE_STRATEGY_EVENT_STRATEGY_H_
#define POLLUX_MACHINE_STRATEGY_EVENT_STRATEGY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "abi/types.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "machine/strategy/strategy.h"

namespace pollux::machine {

// Which memory threads share, in units of 8 bytes.
class SharedMemory {
 public:
  // `tid` accesses it. Whether it is shared, this access included.
  bool Note(Tid tid, const Event& event);
  // The same of a system call, which is made.
  void NoteCall(Tid tid, Tid space, const shims::Footprint& footprint);
  // Adds what was shared elsewhere.
  void Learn(const SharedMemory& other);
  size_t size() const { return shared_.size(); }

 private:
  struct Unit {
    int space;
    uint64_t number;
    friend bool operator==(const Unit&, const Unit&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Unit& unit) {
      return H::combine(std::move(h), unit.space, unit.number);
    }
  };
  struct Use {
    Tid tid;  // Who touched it first.
    bool by_others = false;
    bool written = false;
  };
  bool NoteUnit(Tid tid, bool writes, Unit unit);

  absl::flat_hash_map<Unit, Use> uses_;  // Only looked up.
  absl::flat_hash_set<Unit> shared_;     // Only looked up.
};

class EventStrategy : public Strategy {
 public:
  // `known`: what is shared from the beginning; null: nothing. Must outlive it.
  explicit EventStrategy(const SharedMemory* known) {
    if (known != nullptr) memory_.Learn(*known);
  }

  bool wants_events() const final { return true; }
  // What system calls touch is then known, and so what threads share with them.
  void WantFootprints() { wants_footprints_ = true; }
  bool wants_footprints() const final { return wants_footprints_; }
  bool StopsBefore(const os_emu::Thread& thread, const Event& event) final;
  uint64_t NextSlice(const os_emu::Thread&, uint64_t) final { return kLongestSlice; }
  size_t Choose(const ChoicePoint& point) final;

  const SharedMemory& memory() const { return memory_; }
  // Choices among several so far.
  uint64_t choices() const { return choices_; }

 protected:
  // Null: the thread has not come to an event (it is new, or goes on with a call that it waited
  // in).
  const Event* PendingOf(const os_emu::Thread& thread) const;
  // During a choice, if they are wanted.
  const shims::Footprint& FootprintOf(const os_emu::Thread& thread) const;
  // As Choose(), among several. What is pending for the one that is chosen happens next.
  virtual size_t ChooseOf(const ChoicePoint& point) = 0;
  // It is chosen, or is the only one; what is pending for it (PendingOf) happens next. False: the
  // run is abandoned instead.
  virtual bool OnChosen(const os_emu::Thread&) { return true; }
  // `thread` has come to it.
  virtual void OnPending(const os_emu::Thread&, const Event&) {}

 private:
  SharedMemory memory_;
  std::map<Tid, Event> pending_;
  uint64_t choices_ = 0;
  bool wants_footprints_ = false;
  const ChoicePoint* point_ = nullptr;  // The choice under way.
};

// Whether the order of the two, of different threads, can matter.
bool Conflict(const Event& a, const Event& b);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_EVENT_STRATEGY_H_
