// Explain: why the threads of a run that does not go on sleep, in sentences that name threads,
// calls, descriptors and steps.
//
// For epoll_wait: which interest is ready now, who was given its edge, and what was done with what
// it stood for (fs/eventpoll.c, epoll(7)). For futexes: who holds what is waited for, cycles among
// them, and wake-ups that came when nobody waited (futex(2)). For all: what was seen while it
// happened (LintRecord).
#ifndef POLLUX_MACHINE_HISTORY_EXPLAIN_H_
#define POLLUX_MACHINE_HISTORY_EXPLAIN_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "machine/history/historian.h"
#include "machine/history/history.h"
#include "os_emu/task/kernel.h"

namespace pollux::machine {

struct Explanation {
  // A call that the text speaks of, whose stack helps.
  struct Cited {
    std::string title;  // "thread 1001, epoll_pwait(5) = 1, step 12345"
    std::shared_ptr<const StackCopy> stack;
    CallId call = 0;       // 0: it is none.
    bool is_open = false;  // Its thread waits in it now.
  };
  enum class Kind : uint8_t {
    kMissedEdge,    // Ready, edge-triggered, and its edge is spent.
    kNotArmed,      // Ready, and its one-shot interest has fired.
    kNotAskedFor,   // Ready for what was asked for until it was changed.
    kNothingReady,  // What it waits for has not happened.
    kHeldLock,      // A lock, and who holds it.
    kJoin,          // The end of a thread.
    kMissedWakeUp,  // The word has changed, or was woken when nobody waited.
    kNobodyLeft,    // Nobody who could wake it is left.
    kHerd,          // Another thread took what this one was told of.
    kSignalBefore,  // A handler ran between the last look and the wait.
    kCycle,         // Threads that wait for each other.
    kLint,          // LintRecord
    kGoesRound,     // It runs, and gets nowhere: the same calls again and again, or none.
    kPreemption,    // Where a thread gave way, and had it not, the run would end otherwise.
    kWakeOrder,     // Where a futex woke out of order, likewise.
  };
  Kind kind = Kind::kNothingReady;
  std::optional<LintKind> lint;  // Which it is, if it is one.
  Tid thread{0};
  std::string text;
  std::vector<Cited> cited;
};

// Of the threads that wait now. The decisive first: cycles and missed wake-ups.
std::vector<Explanation> ExplainWaits(const Historian& historian, os_emu::Kernel& kernel);
// Words on which threads wait, and of which is not known who holds them if they are locks: whoever
// took them did so before the first wait. A run that expects them (Historian::Expect()) knows.
std::vector<FutexWord> UnownedWords(const Historian& historian, os_emu::Kernel& kernel);
// Of the threads that run, where the steps are used up: what they did with them.
std::vector<Explanation> ExplainRunning(const Historian& historian, os_emu::Kernel& kernel);
// Of what was seen while it happened.
std::vector<Explanation> ExplainLints(const Historian& historian);
// Of the preemptions, and the wake-ups out of order, of a schedule that was shrunk: without one of
// them it would end otherwise.
std::vector<Explanation> ExplainPreemptions(const Historian& historian);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HISTORY_EXPLAIN_H_
