// History: what the threads of a run asked the kernel for, and what followed from it: who was woken
// by which call, which epoll events were noticed, and who was given them. What explains a hang.
//
// The Historian fills it while the machine runs; nothing here is the guest's or changes it.
// Bounded: of a long run the last kMostCalls calls are there, with those before them that threads
// wait in still; and stacks for the last kMostStacks.
#ifndef POLLUX_MACHINE_HISTORY_HISTORY_H_
#define POLLUX_MACHINE_HISTORY_HISTORY_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/types.h"
#include "interp/engine/cpu.h"
#include "machine/history/futex_word.h"
#include "machine/history/lints.h"
#include "memory/address_space.h"
#include "os_emu/file/events.h"
#include "os_emu/file/fd_label.h"

namespace pollux::machine {

// A moment of the run: in instructions that all threads had retired, as --max_steps counts.
using Step = uint64_t;

// Calls are numbered from 1 in the order in which they began; 0: none.
using CallId = uint64_t;
// Descriptions too, in the order in which they were first met.
using DescriptionId = uint32_t;

// Where a thread was, with the innermost part of its stack, for when the rest of its memory is
// there still.
struct StackCopy {
  interp::Cpu cpu;
  std::weak_ptr<memory::AddressSpace> memory;
  GuestAddr start;
  std::vector<uint8_t> bytes;
};

struct CallRecord {
  CallId id = 0;
  Tid pid{0}, tid{0};
  uint64_t number = 0;
  std::array<uint64_t, 6> args{};
  Step began = 0, ended = 0;
  Nanos began_at{0}, ended_at{0};  // Since boot.
  enum class State : uint8_t { kOpen, kReturned, kInterrupted, kGone } state = State::kOpen;
  int64_t result = 0;  // Of kReturned: the value or the negated error.
  // What the first descriptor among its arguments means, and the second (epoll_ctl); 0: nothing.
  DescriptionId description = 0, second = 0;
  // The call of another thread that ended its wait; 0: nobody's.
  CallId woken_by = 0;
  Step woken = 0;  // 0: it did not wait, or still does.
  std::shared_ptr<const StackCopy> stack;
  std::string text;  // As --trace has it; empty where that is not asked for.
};

// A handler that began.
struct SignalRecord {
  Tid tid{0};
  int signal = 0;
  Step step = 0;
  // The thread's last call before, and whether it was within.
  CallId after = 0;
};

struct DescriptionRecord {
  DescriptionId id = 0;
  std::string type;
  // The number in the last call that was given it.
  int32_t last_number = -1;
  Step released = 0;  // 0: it is open.
};

// Of the last time that something happened to an interest.
struct Moment {
  CallId call = 0;  // The call that did it; 0: none, such as a timer.
  Tid tid{0};       // Whose.
  Step step = 0;
  os_emu::EventMask events = 0;
  std::shared_ptr<const StackCopy> stack;
  explicit operator bool() const { return step != 0 || call != 0; }
};

struct InterestRecord {
  uint32_t id = 0;
  DescriptionId instance = 0, target = 0;
  Tid pid{0};  // Of the process that made it.
  os_emu::FdLabel label;
  uint64_t data = 0;
  Moment added, modified;
  os_emu::EventMask asked = 0;   // With its flags, as they were set last.
  os_emu::EventMask before = 0;  // What was asked before `modified`.
  Moment noticed;                // It went into the ready list.
  Moment delivered;
  bool gone = false;
  uint64_t deliveries = 0;
};

// What happened to interests, in order: what an instance has and what is in its ready list at any
// step follows from it.
struct InterestEvent {
  enum class Kind : uint8_t {
    kSet,      // `events`: what is asked for from now on.
    kNoticed,  // It goes into the ready list; `events`: the key of the wake-up, 0 where it was set.
    kDelivered,  // `events`: what the call returns.
    kGone,
  };
  Kind kind = Kind::kSet;
  uint32_t interest = 0;
  os_emu::EventMask events = 0;
  Step step = 0;
  Nanos at{0};
  CallId call = 0;  // By which; 0: none.
};

// What is wrong, or smells, and was seen while it happened (docs/lints.md).
struct LintRecord {
  LintKind kind;
  CallId call = 0;   // In which it showed.
  CallId cause = 0;  // Which made it so: the delivery, the call that waits; 0: none.
  Step step = 0;
  uint32_t interest = 0;  // 0: it is of none.
  // Of kLeakedChild: the first of so many, and whether it is a zombie.
  Tid child{0};
  size_t children = 0;
  bool child_ended = false;
  // Keeps what the stack of `cause` is in, though the process has ended: of the first few.
  std::shared_ptr<memory::AddressSpace> memory;
};

// What was done to a FutexWord, by whoever ran when it changed: of a lock it is seen without a
// call.
struct FutexWordRecord {
  uint32_t value = 0;
  // Who has made it other than 0 since it was that last; 0: nobody, or before it was looked at.
  Tid locker{0};
  Step locked = 0;
  // Since then.
  Tid changed_by{0};
  Step changed = 0;
};

// A thread that could run gave way to another.
struct Preemption {
  Tid from{0}, to{0};
  Step step = 0;
  std::shared_ptr<const StackCopy> stack;  // Of `from`.
};

// A futex woke a thread though another one had come before it.
struct WakeOutOfOrder {
  Tid waker{0}, woken{0}, first{0};
  Step step = 0;
  std::shared_ptr<const StackCopy> stack;  // Of `waker`.
};

struct History {
  static constexpr size_t kMostCalls = 100'000;
  static constexpr size_t kMostStacks = 4096;
  static constexpr size_t kMostOthers = 100'000;
  static constexpr size_t kMostPreemptions = 64;
  static constexpr size_t kMostWords = 64;

  std::deque<CallRecord> calls;  // With ids that follow each other.
  // Of threads that have made none of `calls`: the one before them that each waits in, or has come
  // back from.
  std::map<Tid, CallRecord> long_waits;
  std::deque<SignalRecord> signals;
  std::deque<InterestEvent> interest_events;
  std::deque<Preemption> preemptions;  // The last.
  std::deque<WakeOutOfOrder> wakes;    // Likewise, and as many at most.
  std::vector<LintRecord> lints;
  std::map<DescriptionId, DescriptionRecord> descriptions;
  std::map<uint32_t, InterestRecord> interests;
  std::map<FutexWord, FutexWordRecord> words;  // At most kMostWords.

  const CallRecord* Find(CallId id) const {
    if (calls.empty() || id == 0 || id > calls.back().id) return nullptr;
    if (id >= calls.front().id) return &calls[id - calls.front().id];
    for (const auto& [tid, call] : long_waits) {
      if (call.id == id) return &call;
    }
    return nullptr;
  }
  // The thread's call that began last before `before` (0: ever); null: none.
  const CallRecord* LastOf(Tid tid, CallId before = 0) const;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HISTORY_HISTORY_H_
