// Who waits for a lock, a wake-up or the end of a thread; and rings of those.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "machine/history/calls.h"
#include "machine/history/explain_parts.h"
#include "machine/history/wording.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/process.h"

namespace pollux::machine {

using os_emu::Process;
using os_emu::Thread;

namespace {

Thread* LivingThread(Process& process, uint32_t tid) {
  const auto found = process.threads.find(Tid{static_cast<int32_t>(tid)});
  return found == process.threads.end() ? nullptr : found->second.get();
}

// pthread_mutex_t of musl (src/thread/pthread_mutex_timedlock.c): its kind, the word, how many
// wait. A normal one names no owner; its word is EBUSY, and the highest bit while somebody waits.
bool IsNormalMutexOfMusl(Process& process, GuestAddr at, uint32_t word) {
  constexpr uint32_t kSomebodyWaits = 0x80000000, kKind = 0x7f;
  if (word != (static_cast<uint32_t>(Errno::kBusy) | kSomebodyWaits)) return false;
  const Result<uint32_t> kind = process.memory->ReadObject<uint32_t>({at.value - 4});
  const Result<int32_t> waiters = process.memory->ReadObject<int32_t>(at + 4);
  return kind.ok() && (*kind & kKind) == 0 && waiters.ok() && *waiters > 0;
}

// pthread_join() of musl waits at a word of the thread's own structure
// (src/internal/pthread_impl.h), which begins with its own address and has the thread's tid two
// words before. Null: it is none.
Thread* JoinedByMusl(Process& process, GuestAddr at) {
  constexpr uint64_t kTid = 8, kNearest = 16, kFarthest = 96;
  const Result<uint32_t> tid = process.memory->ReadObject<uint32_t>({at.value - kTid});
  Thread* const thread = tid.ok() ? LivingThread(process, *tid) : nullptr;
  if (thread == nullptr) return nullptr;
  for (uint64_t before = kNearest; before <= kFarthest; before += 8) {
    const uint64_t begin = at.value - before;
    const Result<uint64_t> self = process.memory->ReadObject<uint64_t>({begin});
    if (self.ok() && *self == begin) return thread;
  }
  return nullptr;
}

// A lock of any make: a word that is 0 while it is free. Whoever made it another number last has
// taken it; all that others do to it meanwhile is to say that they wait. So it is no lock where
// that thread has woken who waits (it was told of, then) or waits there itself (a semaphore), or
// somebody has changed it and does not wait.
void FindLastLocker(const History& history, FutexWaitFacts& facts) {
  const CallRecord& wait = *facts.call;
  const auto word = history.words.find({wait.pid, facts.at.value});
  if (word == history.words.end()) return;
  const FutexWordRecord& record = word->second;
  const bool is_mutex = facts.what == FutexWaitFacts::What::kLock;
  if (facts.word == 0 || facts.word != record.value ||
      (!facts.moved && facts.word != static_cast<uint32_t>(wait.args[2])) ||
      (!is_mutex && record.locker == wait.tid))
    return;
  const auto has_called = [&](Tid tid, FutexCommand command, Step since) {
    for (auto call = history.calls.rbegin(); call != history.calls.rend() && call->began >= since;
         ++call) {
      if (call->tid == tid && call->args[0] == facts.at.value && CommandOf(*call) == command)
        return true;
    }
    return false;
  };
  if (!is_mutex && (has_called(record.locker, FutexCommand::kWake, record.locked) ||
                    has_called(record.locker, FutexCommand::kWait, record.locked) ||
                    (record.changed_by != Tid{0} &&
                     !has_called(record.changed_by, FutexCommand::kWait, record.changed))))
    return;
  facts.last_locker = LivingThread(facts.thread->process(), static_cast<uint32_t>(record.locker));
  facts.locked = record.locked;
}

// The last call that woke this word, or would have.
const CallRecord* LastWakeOf(const History& history, Tid pid, uint64_t word) {
  for (auto call = history.calls.rbegin(); call != history.calls.rend(); ++call) {
    if (CommandOf(*call) == FutexCommand::kWake && call->pid == pid && call->args[0] == word)
      return &*call;
  }
  return nullptr;
}

std::string FutexName(const FutexWaitFacts& facts) {
  return absl::StrFormat("%#x", facts.at.value);
}

std::string LockWords(const FutexWaitFacts& facts) {
  const Thread* const holder = facts.waits_for();
  return absl::StrCat(
      "the lock at ", FutexName(facts), ", which ",
      holder == nullptr ? std::string("nobody alive holds")
      : facts.holder != nullptr
          ? absl::StrCat(ThreadWords(holder->tid()), " holds")
          : absl::StrCat(ThreadWords(holder->tid()), " took last, by step ", facts.locked));
}

// Whom the call has woken, of those whose waits are remembered.
std::vector<const CallRecord*> WokenBy(const History& history, const CallRecord& wake) {
  std::vector<const CallRecord*> woken;
  for (const CallRecord& call : history.calls) {
    if (call.woken_by == wake.id) woken.push_back(&call);
  }
  return woken;
}

}  // namespace

FutexWaitFacts LookAtFutex(const History& history, const CallRecord& call, Thread& thread) {
  FutexWaitFacts facts{.call = &call, .thread = &thread, .at = GuestAddr{call.args[0]}};
  Process& process = thread.process();
  const auto waits = process.kernel().futexes().WaitsOf(thread);
  if (waits.size() == 1 && waits[0]->word().address != facts.at) {
    facts.at = waits[0]->word().address;
    facts.moved = true;
  }
  const Result<uint32_t> value = process.memory->ReadObject<uint32_t>(facts.at);
  if (!value.ok()) return facts;
  facts.word = *value;
  if (CommandOf(call) == FutexCommand::kLockPi) {
    facts.what = FutexWaitFacts::What::kLock;
    facts.holder = LivingThread(process, *value & 0x3fffffff);
    return facts;
  }
  for (auto& [tid, other] : process.threads) {
    if (other->clear_child_tid == facts.at && *value == static_cast<uint32_t>(tid)) {
      // One word for all threads is a lock that a thread's end opens: that of musl's list of them.
      facts.what = thread.clear_child_tid == facts.at ? FutexWaitFacts::What::kLock
                                                      : FutexWaitFacts::What::kJoin;
      facts.holder = other.get();
      return facts;
    }
  }
  if (Thread* const joined = JoinedByMusl(process, facts.at)) {
    facts.what = FutexWaitFacts::What::kJoin;
    facts.holder = joined;
    return facts;
  }
  // pthread_mutex_t of glibc (sysdeps/nptl/bits/struct_mutex.h): the word, a count, the owner.
  const Result<uint32_t> owner = process.memory->ReadObject<uint32_t>(facts.at + 8);
  const bool looks_locked =
      *value == 2 && (facts.moved || static_cast<uint32_t>(call.args[2]) == 2);
  if (looks_locked && owner.ok() && *owner != 0) {
    if (Thread* const holder = LivingThread(process, *owner)) {
      facts.what = FutexWaitFacts::What::kLock;
      facts.holder = holder;
      return facts;
    }
  }
  // Who holds it, and that somebody waits: robust mutexes of glibc, those of musl that are not
  // normal, and the locks of its files (src/stdio/__lockfile.c).
  constexpr uint32_t kSomebodyWaits = 0xc0000000;
  if ((*value & kSomebodyWaits) != 0) {
    if (Thread* const holder = LivingThread(process, *value & ~kSomebodyWaits)) {
      facts.what = FutexWaitFacts::What::kLock;
      facts.holder = holder;
      return facts;
    }
  }
  if (IsNormalMutexOfMusl(process, facts.at, *value)) facts.what = FutexWaitFacts::What::kLock;
  FindLastLocker(history, facts);
  // Its owner is not known yet: UnownedWords().
  if (facts.last_locker == nullptr) facts.what = FutexWaitFacts::What::kWord;
  return facts;
}

Explanation ExplainFutex(const Historian& historian, const FutexWaitFacts& facts) {
  const History& history = historian.history();
  const CallRecord& call = *facts.call;
  Explanation explanation{.thread = call.tid};
  explanation.cited.push_back(Cite(call));
  const std::string begin =
      absl::StrCat(ThreadWords(call.tid), " sleeps since step ", call.began, " and waits for ");
  if (facts.what == FutexWaitFacts::What::kJoin) {
    explanation.kind = Explanation::Kind::kJoin;
    explanation.text =
        absl::StrCat(begin, "the end of ", ThreadWords(facts.holder->tid()), " (pthread_join).");
    return explanation;
  }
  if (facts.what == FutexWaitFacts::What::kLock) {
    explanation.kind = Explanation::Kind::kHeldLock;
    explanation.text = absl::StrCat(begin, LockWords(facts), ".");
    return explanation;
  }
  const std::string at = absl::StrCat(
      begin, "a wake-up of the futex at ", FutexName(facts),
      facts.moved ? absl::StrFormat(", to which it was moved from the one at %#x", call.args[0])
                  : "");
  const std::string lock =
      facts.last_locker == nullptr
          ? ""
          : absl::StrCat(" If it is a lock, ", ThreadWords(facts.last_locker->tid()),
                         " has taken it, by step ", facts.locked, ".");
  const uint32_t expected = static_cast<uint32_t>(call.args[2]);
  const CallRecord* const wake = LastWakeOf(history, call.pid, facts.at.value);
  if (!facts.moved && facts.word != expected) {
    explanation.kind = Explanation::Kind::kMissedWakeUp;
    explanation.text = absl::StrCat(
        at, ", whose word has changed from ", expected, " to ", facts.word,
        " since then: who stored that has not called FUTEX_WAKE",
        wake == nullptr
            ? "."
            : absl::StrCat(" after it (the last one: ", ThreadWords(wake->tid), " at step ",
                           wake->began, ", which woke ", wake->result, ")."));
    return explanation;
  }
  const std::string nobody = absl::StrCat(
      "since: who changed what it waits for did so, or notified, before it slept, or has not come "
      "to it.",
      lock);
  explanation.kind = Explanation::Kind::kNobodyLeft;
  if (facts.moved || wake == nullptr) {
    explanation.text = absl::StrCat(
        at,
        ", such as a condition variable's or a semaphore's. Nobody has called FUTEX_WAKE for it ",
        nobody);
    return explanation;
  }
  bool was_woken = false;
  std::vector<std::string> others;
  for (const CallRecord* const one : WokenBy(history, *wake)) {
    was_woken = was_woken || one->tid == call.tid;
    others.push_back(ThreadWords(one->tid));
  }
  const std::string whom = others.empty() ? " woke nobody"
                           : others.size() > 3
                               ? " woke others"
                               : absl::StrCat(" woke ", absl::StrJoin(others, ", "));
  const std::string last =
      absl::StrCat(ThreadWords(wake->tid), " by ", CallWords(*wake), " at step ", wake->began);
  explanation.cited.push_back(Cite(*wake));
  if (wake->began >= call.began) {
    explanation.text = absl::StrCat(at, ". The last one since then", whom, ": ", last, ".", lock);
  } else if (was_woken) {
    explanation.text = absl::StrCat(at, ". The last one ended its wait before this one: ", last,
                                    ". Nobody has called FUTEX_WAKE ", nobody);
  } else {
    explanation.kind = Explanation::Kind::kMissedWakeUp;
    explanation.text = absl::StrCat(at, ". The last one came before, and", whom, ": ", last,
                                    "; a wake-up is not kept for who comes later (futex(2)).");
  }
  return explanation;
}

namespace {

// What to do about it.
std::string AdviceFor(const std::vector<FutexWaitFacts>& ring) {
  const auto joins = std::count_if(ring.begin(), ring.end(), [](const FutexWaitFacts& one) {
    return one.what == FutexWaitFacts::What::kJoin;
  });
  if (joins == static_cast<int64_t>(ring.size())) return "None of them ends before another one.";
  if (ring.size() == 1)
    return "Who holds a mutex can take it again only if it is recursive (pthread_mutex_lock(3)).";
  if (joins > 0)
    return "Who waits for the end of a thread must not hold what that thread needs to end.";
  return "Locks have to be taken in one order by all.";
}

}  // namespace

void FindCycles(const std::map<Tid, FutexWaitFacts>& waits,
                std::vector<Explanation>& explanations) {
  std::set<Tid> told;
  for (const auto& [start, facts] : waits) {
    std::vector<Tid> path;
    Tid at = start;
    for (;;) {
      const auto wait = waits.find(at);
      if (told.contains(at) || wait == waits.end() || wait->second.waits_for() == nullptr) break;
      if (std::find(path.begin(), path.end(), at) != path.end()) {
        path.erase(path.begin(), std::find(path.begin(), path.end(), at));
        Explanation explanation{.kind = Explanation::Kind::kCycle, .thread = at};
        std::vector<std::string> words;
        std::vector<FutexWaitFacts> ring;
        for (const Tid tid : path) {
          const FutexWaitFacts& one = waits.at(tid);
          words.push_back(
              absl::StrCat(ThreadWords(tid), " waits for ",
                           one.what == FutexWaitFacts::What::kJoin
                               ? absl::StrCat("the end of ", ThreadWords(one.holder->tid()))
                               : LockWords(one)));
          ring.push_back(one);
          explanation.cited.push_back(Cite(*one.call));
          told.insert(tid);
        }
        explanation.text =
            absl::StrCat("a cycle: ", absl::StrJoin(words, "; "), ". ", AdviceFor(ring));
        explanations.push_back(std::move(explanation));
        break;
      }
      path.push_back(at);
      at = wait->second.waits_for()->tid();
    }
    told.insert(path.begin(), path.end());
  }
}

}  // namespace pollux::machine
