#include "machine/history/explain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "machine/history/calls.h"
#include "machine/history/wording.h"
#include "os_emu/epoll/epoll.h"
#include "os_emu/task/process.h"

namespace pollux::machine {

using os_emu::EpollInstance;
using os_emu::EventMask;
using os_emu::FileDescription;
using os_emu::Process;
using os_emu::Thread;

namespace {

constexpr EventMask kFlags =
    os_emu::kEdge | os_emu::kOneShot | os_emu::kExclusive | os_emu::kWakeup;
// What a program means by ready: not the bits that stand for the same, nor room to write, which is
// nearly always there.
constexpr EventMask kDirections = os_emu::kIn | os_emu::kOut | os_emu::kPri | os_emu::kRdHup;

absl::string_view Abseil(std::string_view text) { return {text.data(), text.size()}; }

bool IsEpollWait(const CallRecord& call) { return NameOf(call).starts_with("epoll_pwait"); }

Explanation::Cited Cite(const CallRecord& call) {
  return {.title = absl::StrCat(ThreadWords(call.tid), " in ", CallWords(call), ", begun at step ",
                                call.began),
          .stack = call.stack,
          .call = call.id,
          .is_open = call.state == CallRecord::State::kOpen};
}
Explanation::Cited Cite(const History& history, const Moment& moment) {
  const CallRecord* const call = history.Find(moment.call);
  return {.title = call == nullptr ? ThreadWords(moment.tid)
                                   : absl::StrCat(ThreadWords(call->tid), " in ", CallWords(*call),
                                                  ", step ", moment.step),
          .stack = moment.stack,
          .call = moment.call,
          .is_open = call != nullptr && call->state == CallRecord::State::kOpen};
}

std::string Of(const FileDescription& description, os_emu::FdLabel label) {
  return absl::StrCat("descriptor ", label.Text(), " (", description.TypeName(), ")");
}

// ---- epoll

// The calls that move bytes, by description, in their order: found once, as there may be many calls
// and many interests.
class Index {
 public:
  explicit Index(const History& history) {
    for (const CallRecord& call : history.calls) {
      if (call.description == 0) continue;
      if (GivesBytes(call)) last_write_[call.description] = &call;
      if (GivesBytes(call) || TakesBytes(call) || NameOf(call) == "splice")
        moves_[call.description].push_back(&call);
    }
  }

  std::span<const CallRecord* const> MovesOf(DescriptionId description) const {
    const auto found = moves_.find(description);
    if (found == moves_.end()) return {};
    return found->second;
  }
  // Null: nobody has written to it.
  const CallRecord* LastWriteTo(DescriptionId description) const {
    const auto found = last_write_.find(description);
    return found == last_write_.end() ? nullptr : found->second;
  }

 private:
  std::map<DescriptionId, std::vector<const CallRecord*>> moves_;
  std::map<DescriptionId, const CallRecord*> last_write_;
};

// What was done with a description after an event, by anybody: its calls.
struct Handling {
  std::span<const CallRecord* const> calls;
  bool until_again = false;  // The last gave EAGAIN.
};
Handling AfterDelivery(const Index& index, const InterestRecord& interest) {
  const std::span<const CallRecord* const> all = index.MovesOf(interest.target);
  const auto first = std::find_if(all.begin(), all.end(), [&](const CallRecord* call) {
    return call->id > interest.delivered.call && call->began >= interest.delivered.step;
  });
  Handling handling{.calls = all.subspan(static_cast<size_t>(first - all.begin()))};
  handling.until_again = !handling.calls.empty() &&
                         handling.calls.back()->result == -static_cast<int64_t>(Errno::kAgain);
  return handling;
}

// Whether somebody found no room to write, and has not written since.
bool FoundNoRoom(const Index& index, const InterestRecord& interest) {
  const CallRecord* const last = index.LastWriteTo(interest.target);
  return last != nullptr && last->result == -static_cast<int64_t>(Errno::kAgain);
}

std::string HandlingWords(const Handling& handling) {
  if (handling.calls.empty()) return "Nobody has read or written it since.";
  std::vector<std::string> words;
  const size_t first = handling.calls.size() > 3 ? handling.calls.size() - 3 : 0;
  for (size_t i = first; i < handling.calls.size(); ++i) {
    const CallRecord& call = *handling.calls[i];
    words.push_back(
        absl::StrCat(ThreadWords(call.tid), " called ", CallWords(call), " at step ", call.began));
  }
  return absl::StrCat("Since then ", absl::StrJoin(words, ", then "), ".");
}

std::optional<Explanation> ExplainInterest(const Historian& historian, const Index& index,
                                           const CallRecord& wait, const FileDescription& instance,
                                           const EpollInstance::InterestReport& report) {
  const History& history = historian.history();
  const InterestRecord* const interest = historian.Find(instance, *report.target, report.label);
  if (interest == nullptr) return std::nullopt;
  const EventMask state = report.target->Poll();
  const EventMask ready = state & report.events & ~kFlags;
  Explanation explanation{.thread = wait.tid};
  const std::string begin =
      absl::StrCat(ThreadWords(wait.tid), " sleeps in ", CallWords(wait), " since step ",
                   wait.began, ", though ", Of(*report.target, report.label));
  explanation.cited.push_back(Cite(wait));
  if ((report.events & ~kFlags) == 0) {
    const EventMask asked = state & interest->asked & ~kFlags;
    if (asked == 0) return std::nullopt;
    explanation.kind = Explanation::Kind::kNotArmed;
    explanation.lint = LintKind::kOneShotNotArmed;
    explanation.text = absl::StrCat(
        begin, " is ready: ", EventWords(asked), ". Its interest is EPOLLONESHOT and has fired: ",
        interest->delivered ? MomentWords(history, interest->delivered) + " was given " +
                                  EventWords(interest->delivered.events)
                            : "",
        ", and nobody has armed it again with EPOLL_CTL_MOD (epoll_ctl(2), EPOLLONESHOT).");
    if (interest->delivered) explanation.cited.push_back(Cite(history, interest->delivered));
    return explanation;
  }
  // There is room to write nearly always: it is waited for only by who found none.
  const bool only_room = (ready & ~(os_emu::kOut | os_emu::kWrNorm | os_emu::kWrBand)) == 0;
  if (ready != 0 && !report.candidate && (!only_room || FoundNoRoom(index, *interest))) {
    const Handling handling = AfterDelivery(index, *interest);
    explanation.kind = Explanation::Kind::kMissedEdge;
    explanation.lint = LintKind::kUndrainedEdge;
    explanation.text = absl::StrCat(
        begin, " is ready: ", EventWords(ready), ". Its interest is edge-triggered, and its edge ",
        interest->delivered
            ? absl::StrCat("was given to ", MomentWords(history, interest->delivered), " as ",
                           EventWords(interest->delivered.events), ". ", HandlingWords(handling))
            : "is spent.",
        handling.calls.empty() || handling.until_again
            ? ""
            : " It was not read or written until EAGAIN.",
        " The next event comes only with a new edge (epoll(7), Level-triggered and "
        "edge-triggered).");
    if (interest->delivered) explanation.cited.push_back(Cite(history, interest->delivered));
    if (!handling.calls.empty()) explanation.cited.push_back(Cite(*handling.calls.back()));
    return explanation;
  }
  const EventMask dropped = state & interest->before & ~report.events & kDirections;
  if (ready == 0 && dropped != 0 && interest->modified) {
    explanation.kind = Explanation::Kind::kNotAskedFor;
    explanation.text = absl::StrCat(
        begin, " is ready for ", EventWords(dropped),
        ", which its interest does not ask for: ", MomentWords(history, interest->modified),
        " changed it from ", EventWords(interest->before), " to ", EventWords(interest->asked),
        ".");
    explanation.cited.push_back(Cite(history, interest->modified));
    return explanation;
  }
  return std::nullopt;
}

void ExplainEpollWait(const Historian& historian, const Index& index, const CallRecord& wait,
                      std::vector<Explanation>& explanations) {
  FileDescription* const description = historian.Open(wait.description);
  EpollInstance* const instance =
      description == nullptr ? nullptr : EpollInstance::From(*description);
  if (instance == nullptr) return;
  constexpr size_t kMostNamed = 10, kMostLookedAt = 100'000, kMostFound = 10;
  std::vector<std::string> quiet;
  size_t found = 0, looked_at = 0;
  const std::vector<EpollInstance::InterestReport> interests = instance->Interests();
  for (const EpollInstance::InterestReport& report : interests) {
    if (++looked_at > kMostLookedAt || found == kMostFound) break;
    std::optional<Explanation> explanation =
        ExplainInterest(historian, index, wait, *instance, report);
    if (explanation.has_value()) {
      ++found;
      explanations.push_back(*std::move(explanation));
    } else if (quiet.size() < kMostNamed) {
      const EventMask asked = report.events & ~kFlags;
      quiet.push_back(absl::StrCat(Of(*report.target, report.label), " for ",
                                   asked == 0 ? "nothing" : EventWords(asked)));
    }
  }
  if (found > 0) return;
  Explanation explanation{.kind = Explanation::Kind::kNothingReady, .thread = wait.tid};
  explanation.text =
      absl::StrCat(ThreadWords(wait.tid), " sleeps in ", CallWords(wait), " since step ",
                   wait.began, ", and nothing that it watches is ready: ",
                   interests.empty() ? "it watches nothing" : absl::StrJoin(quiet, ", "),
                   interests.size() > quiet.size()
                       ? absl::StrCat(" and ", interests.size() - quiet.size(), " more")
                       : "",
                   ".");
  explanations.push_back(std::move(explanation));
}

// ---- futex

struct FutexWaitFacts {
  const CallRecord* call = nullptr;
  Thread* thread = nullptr;
  enum class What { kLock, kJoin, kWord } what = What::kWord;
  Thread* holder = nullptr;  // Of kLock and kJoin, if it lives.
  uint32_t word = 0;
  // Of kWord: who holds it if it is a lock, as far as that can be told; null: nobody is known.
  Thread* last_locker = nullptr;
  Step locked = 0;

  Thread* waits_for() const { return holder != nullptr ? holder : last_locker; }
};

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

// ---- Others

// The thread was told that the descriptor is ready, and so was another, which took what there was.
std::optional<Explanation> ExplainHerd(const History& history, const Index& index,
                                       const CallRecord& call) {
  if (call.description == 0) return std::nullopt;
  // Events of the descriptor, by who was given them.
  std::map<Tid, std::vector<const InterestEvent*>> given;
  for (const InterestEvent& event : history.interest_events) {
    if (event.kind != InterestEvent::Kind::kDelivered) continue;
    const auto interest = history.interests.find(event.interest);
    const CallRecord* const by = history.Find(event.call);
    if (by != nullptr && interest != history.interests.end() &&
        interest->second.target == call.description)
      given[by->tid].push_back(&event);
  }
  const auto mine = given.find(call.tid);
  if (mine == given.end()) return std::nullopt;
  const InterestEvent& event = *mine->second.back();
  const CallRecord& told = *history.Find(event.call);
  const std::span<const CallRecord* const> all = index.MovesOf(call.description);
  for (auto taken = all.rbegin(); taken != all.rend(); ++taken) {
    const CallRecord& other = **taken;
    if (other.number != call.number || other.tid == call.tid || other.result < 0 ||
        other.state != CallRecord::State::kReturned)
      continue;
    const auto theirs = given.find(other.tid);
    if (theirs == given.end() || theirs->second.front()->step > other.began) continue;
    const auto last =
        std::find_if(theirs->second.rbegin(), theirs->second.rend(),
                     [&](const InterestEvent* one) { return one->step <= other.began; });
    Explanation explanation{
        .kind = Explanation::Kind::kHerd, .lint = LintKind::kHerd, .thread = call.tid};
    explanation.text =
        absl::StrCat(ThreadWords(call.tid), " sleeps in ", CallWords(call), " since step ",
                     call.began, ". It was told by ", CallWords(told), " at step ", event.step,
                     " that descriptor ", history.interests.at(event.interest).label.Text(),
                     " is ready, as ", ThreadWords(other.tid), " was at step ", (*last)->step,
                     ", which took what there was by ", CallWords(other), " at step ", other.began,
                     ". One event wakes all waiters of a level-triggered interest; that it is "
                     "ready is no promise: "
                     "use O_NONBLOCK, and EPOLLEXCLUSIVE, EPOLLET or EPOLLONESHOT (epoll_ctl(2)).");
    explanation.cited = {Cite(call), Cite(told), Cite(other)};
    return explanation;
  }
  return std::nullopt;
}

Explanation ExplainOther(const Historian& historian, const Index& index, const CallRecord& call) {
  const History& history = historian.history();
  Explanation explanation{.kind = Explanation::Kind::kNothingReady, .thread = call.tid};
  const SignalRecord* handled = nullptr;
  for (const SignalRecord& signal : history.signals) {
    if (signal.tid == call.tid) handled = &signal;
  }
  const CallRecord* before = history.LastOf(call.tid, call.id);
  // Calls of the handler itself are behind `after`.
  const bool in_between = handled != nullptr && before != nullptr && handled->step < call.began &&
                          (handled->after == before->id || NameOf(*before) == "rt_sigreturn");
  const std::string_view name = NameOf(call);
  const bool polls =
      name == "ppoll" || name == "pselect6" || name == "rt_sigsuspend" || IsEpollWait(call);
  explanation.cited.push_back(Cite(call));
  if (in_between && polls) {
    explanation.kind = Explanation::Kind::kSignalBefore;
    explanation.text = absl::StrCat(
        ThreadWords(call.tid), " sleeps in ", CallWords(call), " since step ", call.began,
        ". Its handler of ", os_emu::SignalName(handled->signal), " ran at step ", handled->step,
        ", before the wait began and after its last look: a signal ends only a wait that has "
        "begun. "
        "Block it, and let the wait open the mask (select(2), pselect()).");
    return explanation;
  }
  if (std::optional<Explanation> herd = ExplainHerd(history, index, call)) return *std::move(herd);
  std::string last;
  const CallRecord* other = nullptr;
  for (const CallRecord& candidate : history.calls) {
    if (call.description != 0 && candidate.description == call.description &&
        candidate.id != call.id)
      other = &candidate;
  }
  if (other != nullptr) {
    last = absl::StrCat(" The last call on it: ", ThreadWords(other->tid), ", ", CallWords(*other),
                        " at step ", other->began, ".");
  }
  explanation.text =
      absl::StrCat(ThreadWords(call.tid), " sleeps in ", CallWords(call), " since step ",
                   call.began, ", and what it waits for has not happened.", last);
  return explanation;
}

// Threads that wait for each other, in a ring: one explanation each.
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

int Rank(Explanation::Kind kind) {
  switch (kind) {
    case Explanation::Kind::kCycle:
      return 0;
    case Explanation::Kind::kMissedEdge:
    case Explanation::Kind::kNotArmed:
    case Explanation::Kind::kNotAskedFor:
    case Explanation::Kind::kMissedWakeUp:
    case Explanation::Kind::kSignalBefore:
    case Explanation::Kind::kHerd:
      return 1;
    case Explanation::Kind::kGoesRound:
    case Explanation::Kind::kLint:
    case Explanation::Kind::kPreemption:
      return 2;
    case Explanation::Kind::kNobodyLeft:
      return 3;
    case Explanation::Kind::kHeldLock:
      return 4;
    case Explanation::Kind::kNothingReady:
      return 5;
    case Explanation::Kind::kJoin:
      return 6;
  }
  return 7;
}

}  // namespace

std::vector<Explanation> ExplainWaits(const Historian& historian, os_emu::Kernel& kernel) {
  // Each is looked for in all that is remembered.
  constexpr size_t kMostThreads = 200;
  std::vector<Explanation> explanations;
  std::map<Tid, FutexWaitFacts> futexes;
  const Index index(historian.history());
  size_t looked_at = 0;
  for (auto& [pid, process] : kernel.processes()) {
    for (auto& [tid, thread] : process->threads) {
      const CallRecord* const call = historian.history().LastOf(tid);
      if (!thread->blocked() || call == nullptr || call->state != CallRecord::State::kOpen)
        continue;
      if (++looked_at > kMostThreads) continue;
      if (CommandOf(*call) != FutexCommand::kNone) {
        futexes.emplace(tid, LookAtFutex(historian.history(), *call, *thread));
      } else if (IsEpollWait(*call)) {
        ExplainEpollWait(historian, index, *call, explanations);
      } else {
        explanations.push_back(ExplainOther(historian, index, *call));
      }
    }
  }
  const size_t others = explanations.size();
  FindCycles(futexes, explanations);
  std::set<Tid> in_cycles;
  for (size_t i = others; i < explanations.size(); ++i) {
    for (const auto& [tid, facts] : futexes) {
      if (absl::StrContains(explanations[i].text, ThreadWords(tid) + " waits"))
        in_cycles.insert(tid);
    }
  }
  for (const auto& [tid, facts] : futexes) {
    if (!in_cycles.contains(tid)) explanations.push_back(ExplainFutex(historian, facts));
  }
  std::stable_sort(
      explanations.begin(), explanations.end(),
      [](const Explanation& a, const Explanation& b) { return Rank(a.kind) < Rank(b.kind); });
  return explanations;
}

std::vector<FutexWord> UnownedWords(const Historian& historian, os_emu::Kernel& kernel) {
  std::vector<FutexWord> words;
  for (auto& [pid, process] : kernel.processes()) {
    for (auto& [tid, thread] : process->threads) {
      const CallRecord* const call = historian.history().LastOf(tid);
      if (!thread->blocked() || call == nullptr || call->state != CallRecord::State::kOpen ||
          CommandOf(*call) != FutexCommand::kWait || words.size() == History::kMostWords)
        continue;
      const FutexWaitFacts facts = LookAtFutex(historian.history(), *call, *thread);
      if (facts.what == FutexWaitFacts::What::kWord && facts.last_locker == nullptr &&
          facts.word != 0)
        words.push_back({pid, call->args[0]});
    }
  }
  return words;
}

std::vector<Explanation> ExplainRunning(const Historian& historian, os_emu::Kernel& kernel) {
  constexpr size_t kMostLookedAt = 1000, kMostNamed = 4;
  const History& history = historian.history();
  std::vector<Explanation> explanations;
  for (auto& [pid, process] : kernel.processes()) {
    for (auto& [tid, thread] : process->threads) {
      if (thread->blocked() || process->stopped()) continue;
      std::map<std::string, size_t> made;  // By call and result.
      size_t count = 0;
      Step first = 0, last = 0;
      for (auto call = history.calls.rbegin();
           call != history.calls.rend() && count < kMostLookedAt; ++call) {
        if (call->tid != tid) continue;
        first = call->began;
        if (count++ == 0) last = call->began;
        ++made[CallWords(*call)];
      }
      Explanation explanation{.kind = Explanation::Kind::kGoesRound, .thread = tid};
      if (count == 0) {
        explanation.text = absl::StrCat(ThreadWords(tid), " runs, and has made no call yet.");
      } else {
        std::vector<std::pair<size_t, std::string>> most;
        for (const auto& [words, times] : made) most.emplace_back(times, words);
        std::sort(most.begin(), most.end(), [](const auto& a, const auto& b) {
          return std::pair(b.first, a.second) < std::pair(a.first, b.second);
        });
        std::vector<std::string> words;
        for (size_t i = 0; i < std::min(most.size(), kMostNamed); ++i)
          words.push_back(absl::StrCat(most[i].first, " times ", most[i].second));
        explanation.text = absl::StrCat(
            ThreadWords(tid), " runs. Its last ", count, count == 1 ? " call was " : " calls were ",
            absl::StrJoin(words, ", "), most.size() > kMostNamed ? " and others" : "",
            ", from step ", first, " to step ", last,
            ". If that is no progress, it is a livelock: look for what they wait for, or for a "
            "level-triggered event that nobody takes away.");
      }
      explanations.push_back(std::move(explanation));
    }
  }
  return explanations;
}

namespace {

// What was seen, in a sentence.
std::string LintWords(const History& history, const LintRecord& lint, const CallRecord& call,
                      const InterestRecord* interest, const CallRecord* cause) {
  const std::string number = interest == nullptr ? "" : interest->label.Text();
  const std::string added =
      interest == nullptr || !interest->added
          ? ""
          : absl::StrCat(" (registered by ", MomentWords(history, interest->added), ")");
  const std::string did =
      absl::StrCat(ThreadWords(call.tid), " called ", CallWords(call), " at step ", call.began);
  switch (lint.kind) {
    case LintKind::kClosedNumber:
      return absl::StrCat(ThreadWords(call.tid), " was given an event at step ", lint.step, " by ",
                          CallWords(call), " for descriptor ", number, added,
                          ", a number that means nothing here any more: the description lives on "
                          "through another number or process, and with it the interest.");
    case LintKind::kReusedNumber:
      return absl::StrCat(ThreadWords(call.tid), " was given an event at step ", lint.step, " by ",
                          CallWords(call), " for descriptor ", number, added,
                          ", a number that means another description by now: the one that was "
                          "registered lives on through another number or process.");
    case LintKind::kStaleEvent:
      return absl::StrCat(
          did, " after it was given an event for descriptor ", number,
          cause == nullptr ? ""
                           : absl::StrCat(" by ", CallWords(*cause), " at step ", cause->ended),
          ", but the number was closed and reused in between: the event was for the description "
          "before.");
    case LintKind::kOutlivedNumber:
      return absl::StrCat(did, ", and what was registered under it", added,
                          " lives on through another number or process.");
    case LintKind::kEdgeOnBlocking:
      return absl::StrCat(did, " and waits, after it was given an edge of descriptor ", number,
                          ", which has no O_NONBLOCK: meanwhile it sees no other event.");
    case LintKind::kInheritedEpoll:
      return absl::StrCat(did, ", and the new program has an epoll instance of the old one.");
    case LintKind::kInterruptedCall:
      return absl::StrCat(ThreadWords(call.tid), " did not repeat ", CallWords(call),
                          ", begun at step ", call.began, ", which a handler had interrupted.");
    case LintKind::kClosedUnderWaiter:
      return absl::StrCat(did, " while ",
                          cause == nullptr ? "another thread" : ThreadWords(cause->tid),
                          cause == nullptr ? "" : absl::StrCat(" waits in ", CallWords(*cause)),
                          " with it: that wait goes on.");
    case LintKind::kLeakedChild:
      return absl::StrCat(
          "process ", static_cast<int32_t>(call.pid),
          call.state == CallRecord::State::kOpen
              ? absl::StrCat(" hangs in ", CallWords(call), " since step ", call.began)
              : absl::StrCat(" ended by ", CallWords(call), " at step ", call.began),
          " and has not waited for its child ", static_cast<int32_t>(lint.child),
          lint.child_ended ? ", a zombie" : ", which runs on",
          cause == nullptr ? "" : absl::StrCat(" (made at step ", cause->began, ")"),
          lint.children == 1 ? "." : absl::StrCat(", and ", lint.children - 1, " more."));
    case LintKind::kUndrainedEdge:
    case LintKind::kOneShotNotArmed:
    case LintKind::kHerd:
      return "";  // Of waits: ExplainWaits().
  }
  return "";
}

}  // namespace

std::vector<Explanation> ExplainLints(const Historian& historian) {
  const History& history = historian.history();
  std::vector<Explanation> explanations;
  for (const LintRecord& lint : history.lints) {
    const CallRecord* const call = history.Find(lint.call);
    const CallRecord* const cause = history.Find(lint.cause);
    const auto interest = history.interests.find(lint.interest);
    if (call == nullptr) continue;
    Explanation explanation{
        .kind = Explanation::Kind::kLint, .lint = lint.kind, .thread = call->tid};
    const LintRow& row = RowOf(lint.kind);
    explanation.text = absl::StrCat(
        LintWords(history, lint, *call,
                  interest == history.interests.end() ? nullptr : &interest->second, cause),
        " ", Abseil(row.cure), " (", Abseil(row.source), ")");
    explanation.cited.push_back(Cite(*call));
    if (cause != nullptr) explanation.cited.push_back(Cite(*cause));
    // Where it was made says more than where nobody has waited.
    if (cause != nullptr && lint.kind == LintKind::kLeakedChild)
      std::swap(explanation.cited.front(), explanation.cited.back());
    explanations.push_back(std::move(explanation));
  }
  return explanations;
}

std::vector<Explanation> ExplainPreemptions(const Historian& historian) {
  constexpr size_t kMost = 4;
  const std::deque<Preemption>& all = historian.history().preemptions;
  std::vector<Explanation> explanations;
  for (size_t i = all.size() > kMost ? all.size() - kMost : 0; i < all.size(); ++i) {
    Explanation explanation{.kind = Explanation::Kind::kPreemption, .thread = all[i].from};
    explanation.text = absl::StrCat(
        "in the shortest schedule that fails so, ", ThreadWords(all[i].from), " gave way to ",
        ThreadWords(all[i].to),
        all.size() == 1 ? "" : absl::StrCat(" (", i + 1, " of ", all.size(), ")"),
        " where it was here; what it had looked at or begun there may not hold when it goes on.");
    explanation.cited.push_back(
        {absl::StrCat(ThreadWords(all[i].from), " gave way"), all[i].stack});
    explanations.push_back(std::move(explanation));
  }
  return explanations;
}

}  // namespace pollux::machine
