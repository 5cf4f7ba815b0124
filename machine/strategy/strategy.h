// Strategy: which thread runs next, and for how many instructions. A strategy sees only threads and
// how far they are, never the clock or the host: the same calls get the same answers, so that one
// seed gives one schedule.
//
// Strategies are made by MakeStrategy() (strategies.h), but for those that follow a schedule
// (schedule.h).
#ifndef POLLUX_MACHINE_STRATEGY_STRATEGY_H_
#define POLLUX_MACHINE_STRATEGY_STRATEGY_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "os_emu/task/kernel.h"
#include "shims/faults.h"
#include "shims/footprint.h"

namespace pollux::machine {

// Between two instructions, where another thread may run.
struct ChoicePoint {
  // Who can run: not empty, ascending tids.
  std::span<os_emu::Thread* const> runnable;
  // Who ran last; null: it has ended, or nobody did.
  const os_emu::Thread* last = nullptr;
  uint64_t retired = 0;  // Instructions by `last` since it began.
  // `last` was preempted or has yielded: another one is chosen, if there is any.
  bool leave = false;
  // Of those who can run: what the system call touches that is next for them, or that they go on
  // with; everything for others. Empty, but where Strategy::wants_footprints(): nobody knows.
  std::span<const shims::Footprint> footprints;
};

// What a thread is about to do that another one could see.
struct Event {
  enum class Kind : uint8_t { kRead, kWrite, kReadWrite, kFence, kSystemCall };
  Kind kind = Kind::kRead;
  bool atomic = false;  // An AMO, LR or SC.
  uint8_t bytes = 0;
  // Of memory: whose it is (a process's; 0: memory that processes share), and the address in it.
  Tid space{0};
  uint64_t addr = 0;
  uint64_t pc = 0;
  uint64_t number = 0;  // Of the system call.

  bool reads() const { return kind == Kind::kRead || kind == Kind::kReadWrite; }
  bool writes() const { return kind == Kind::kWrite || kind == Kind::kReadWrite; }
  bool accesses_memory() const { return reads() || writes(); }
};

// A system call that may meet a fault.
struct FaultPoint {
  const os_emu::Thread& thread;
  uint64_t retired;  // Instructions by `thread` since it began, the call's ecall with them.
  shims::FaultKind kind;
};

// A futex's wake-up, where more threads wait than it is for.
struct WakePoint {
  const os_emu::Thread& waker;
  uint64_t retired;  // Instructions by `waker` since it began, the call's ecall with them.
  // Those that may be woken (or moved, FUTEX_REQUEUE), in the order in which they came.
  std::span<os_emu::Thread* const> waiters;
  size_t chosen = 0;  // Of the same wake-up, no longer among them.
  size_t left = 1;    // Still to be chosen, this one with them: fewer than there are waiters.
};

class Strategy {
 public:
  // Instructions that nobody is preempted later than: one that spins cannot starve the others.
  static constexpr uint64_t kLongestSlice = 10'000'000;

  virtual ~Strategy() = default;

  // What Choose() gives to end the run (Outcome::Kind::kAbandoned).
  static constexpr size_t kAbandon = SIZE_MAX;

  // The place in point.runnable of the thread that runs next; or kAbandon.
  virtual size_t Choose(const ChoicePoint& point) = 0;
  // Instructions until the next preemption; 0: now. Asked when the last ones are spent, while
  // `running`, which has retired so many, is not alone. What is left when it waits is whoever runs
  // next's.
  virtual uint64_t NextSlice(const os_emu::Thread& running, uint64_t retired) = 0;
  // ---- Strategies that let time pass though somebody could run: a thread may be held up for as
  // long as it takes.
  virtual bool wants_deadlines() const { return false; }
  // Before a choice, while there is a deadline: whether it is reached now. Asked again until not.
  virtual bool ExpiresEarly(const ChoicePoint&) { return false; }

  // Whom a futex wakes next, a place in point.waiters. Asked where any order is wanted
  // (StrategyOptions::wake_order); the first one is Linux's order.
  virtual size_t ChooseWoken(const WakePoint&) { return 0; }

  // ---- Strategies that have faults happen, where they are wanted (machine::Options::faults).
  virtual bool Fails(const FaultPoint&) { return false; }

  // ---- Strategies that choose before events, at a price: each instruction is looked at.
  virtual bool wants_events() const { return false; }
  // `thread` is about to do this. True: it stops before, and does it when it is chosen next; it is
  // not asked again. False: it does it now.
  virtual bool StopsBefore(const os_emu::Thread&, const Event&) { return false; }

  // Of those: whether they want to know what system calls touch.
  virtual bool wants_footprints() const { return false; }

  // Asked anew for whoever runs next.
  virtual bool slices_end_with_turns() const { return false; }
};

// The place of `thread` in `runnable`; runnable.size(): it cannot run.
size_t PlaceOf(std::span<os_emu::Thread* const> runnable, const os_emu::Thread* thread);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_STRATEGY_H_
