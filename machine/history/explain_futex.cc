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
#include "os_emu/task/process.h"

namespace pollux::machine {

using os_emu::Process;
using os_emu::Thread;

namespace {

Thread* LivingThread(Process& process, uint32_t tid) {
  const auto found = process.threads.find(Tid{static_cast<int32_t>(tid)});
  return found == process.threads.end() ? nullptr : found->second.get();
}

// A lock of any make: a word that is 0 while it is free. Whoever made it another number last has
// taken it; all that others do to it meanwhile is to say that they wait. So it is no lock where
// that thread has woken who waits (it was told of, then), or somebody has changed it and does not
// wait.
void FindLastLocker(const History& history, FutexWaitFacts& facts) {
  const CallRecord& wait = *facts.call;
  const auto word = history.words.find({wait.pid, wait.args[0]});
  if (word == history.words.end()) return;
  const FutexWordRecord& record = word->second;
  if (facts.word == 0 || facts.word != static_cast<uint32_t>(wait.args[2]) ||
      facts.word != record.value || record.locker == wait.tid)
    return;
  const auto has_called = [&](Tid tid, FutexCommand command, Step since) {
    for (auto call = history.calls.rbegin(); call != history.calls.rend() && call->began >= since;
         ++call) {
      if (call->tid == tid && call->args[0] == wait.args[0] && CommandOf(*call) == command)
        return true;
    }
    return false;
  };
  if (has_called(record.locker, FutexCommand::kWake, record.locked) ||
      (record.changed_by != Tid{0} &&
       !has_called(record.changed_by, FutexCommand::kWait, record.changed)))
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
  return absl::StrFormat("%#x", facts.call->args[0]);
}

}  // namespace

FutexWaitFacts LookAtFutex(const History& history, const CallRecord& call, Thread& thread) {
  FutexWaitFacts facts{.call = &call, .thread = &thread};
  Process& process = thread.process();
  const GuestAddr word{call.args[0]};
  const Result<uint32_t> value = process.memory->ReadObject<uint32_t>(word);
  if (!value.ok()) return facts;
  facts.word = *value;
  if (CommandOf(call) == FutexCommand::kLockPi) {
    facts.what = FutexWaitFacts::What::kLock;
    facts.holder = LivingThread(process, *value & 0x3fffffff);
    return facts;
  }
  for (auto& [tid, other] : process.threads) {
    if (other->clear_child_tid == word && *value == static_cast<uint32_t>(tid)) {
      facts.what = FutexWaitFacts::What::kJoin;
      facts.holder = other.get();
      return facts;
    }
  }
  // pthread_mutex_t of glibc (sysdeps/nptl/bits/struct_mutex.h): the word, a count, the owner.
  const Result<uint32_t> owner = process.memory->ReadObject<uint32_t>(word + 8);
  const bool looks_locked = static_cast<uint32_t>(call.args[2]) == 2 && *value == 2;
  if (looks_locked && owner.ok() && *owner != 0) {
    if (Thread* const holder = LivingThread(process, *owner)) {
      facts.what = FutexWaitFacts::What::kLock;
      facts.holder = holder;
      return facts;
    }
  }
  FindLastLocker(history, facts);
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
    explanation.text = absl::StrCat(begin, "the lock at ", FutexName(facts), ", which ",
                                    facts.holder == nullptr
                                        ? "nobody alive holds"
                                        : absl::StrCat(ThreadWords(facts.holder->tid()), " holds"),
                                    ".");
    return explanation;
  }
  const uint32_t expected = static_cast<uint32_t>(call.args[2]);
  const CallRecord* const wake = LastWakeOf(history, call.pid, call.args[0]);
  if (wake != nullptr && wake->began < call.began && facts.word == expected) {
    explanation.kind = Explanation::Kind::kMissedWakeUp;
    explanation.text = absl::StrCat(begin, "a wake-up of the futex at ", FutexName(facts),
                                    ". The last one came before: ", ThreadWords(wake->tid), " by ",
                                    CallWords(*wake), " at step ", wake->began,
                                    "; a wake-up is not kept for who comes later (futex(2)).");
    explanation.cited.push_back(Cite(*wake));
    return explanation;
  }
  if (facts.word != expected) {
    explanation.kind = Explanation::Kind::kMissedWakeUp;
    explanation.text = absl::StrCat(
        begin, "a wake-up of the futex at ", FutexName(facts), ", whose word has changed from ",
        expected, " to ", facts.word, " since then: who stored that has not called FUTEX_WAKE",
        wake == nullptr
            ? "."
            : absl::StrCat(" after it (the last one: ", ThreadWords(wake->tid), " at step ",
                           wake->began, ", which woke ", wake->result, ")."));
    return explanation;
  }
  explanation.kind = Explanation::Kind::kNobodyLeft;
  explanation.text =
      absl::StrCat(begin, "a wake-up of the futex at ", FutexName(facts),
                   ", such as a condition variable's. Nobody has called FUTEX_WAKE for it since: "
                   "who changed what "
                   "it waits for did so, or notified, before it slept, or has not come to it.",
                   facts.last_locker == nullptr
                       ? ""
                       : absl::StrCat(" If it is a lock, ", ThreadWords(facts.last_locker->tid()),
                                      " has taken it, by step ", facts.locked, "."));
  return explanation;
}

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
        for (const Tid tid : path) {
          const FutexWaitFacts& one = waits.at(tid);
          words.push_back(absl::StrCat(
              ThreadWords(tid), " waits for ",
              one.what == FutexWaitFacts::What::kJoin
                  ? absl::StrCat("the end of ", ThreadWords(one.holder->tid()))
                  : absl::StrCat("the lock at ", FutexName(one), ", which ",
                                 ThreadWords(one.waits_for()->tid()),
                                 one.holder != nullptr
                                     ? " holds"
                                     : absl::StrCat(" took last, by step ", one.locked))));
          explanation.cited.push_back(Cite(*one.call));
          told.insert(tid);
        }
        explanation.text = absl::StrCat("a cycle: ", absl::StrJoin(words, "; "),
                                        ". Locks have to be taken in one order by all.");
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
