#include "machine/history/explain.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "machine/history/calls.h"
#include "machine/history/explain_parts.h"
#include "machine/history/wording.h"

namespace pollux::machine {

namespace {

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
    case Explanation::Kind::kWakeOrder:
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

std::vector<Explanation> ExplainWaits(const Historian& historian, os_emu::Kernel& kernel) {
  // Each is looked for in all that is remembered.
  constexpr size_t kMostThreads = 200;
  std::vector<Explanation> explanations;
  std::map<Tid, FutexWaitFacts> futexes;
  const MoveIndex index(historian.history());
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
        words.push_back({pid, facts.at.value});
    }
  }
  return words;
}

namespace {

// What a thread does that only looks after itself from time to time: it reads clocks, and waits for
// what nobody does, until it is late enough.
bool PassesTime(const CallRecord& call) {
  const std::string_view name = NameOf(call);
  if (name == "clock_gettime" || name == "gettimeofday" || name == "sched_yield") return true;
  return EndsByTime(call) && (name == "nanosleep" || name == "clock_nanosleep" || name == "futex" ||
                              name == "ppoll" || name == "pselect6" || IsEpollWait(call));
}

// Since when all others have waited, if each has done so since before `step`; 0: not all, or there
// are none.
Step OthersWaitSince(const History& history, os_emu::Kernel& kernel, Tid tid, Step step) {
  Step since = 0;
  for (auto& [pid, process] : kernel.processes()) {
    for (auto& [other, thread] : process->threads) {
      if (other == tid) continue;
      const CallRecord* const call = history.LastOf(other);
      if (!thread->blocked() || call == nullptr || call->state != CallRecord::State::kOpen ||
          call->began >= step)
        return 0;
      since = std::max(since, call->began);
    }
  }
  return since;
}

}  // namespace

std::vector<Explanation> ExplainRunning(const Historian& historian, os_emu::Kernel& kernel) {
  constexpr size_t kMostLookedAt = 1000, kMostNamed = 4;
  const History& history = historian.history();
  std::vector<Explanation> explanations;
  for (auto& [pid, process] : kernel.processes()) {
    for (auto& [tid, thread] : process->threads) {
      if (thread->blocked() || process->stopped()) continue;
      std::map<std::string, size_t> made;  // By call and result.
      size_t count = 0;
      bool passes_time = true, has_waited = false;
      Step first = 0, last = 0;
      for (auto call = history.calls.rbegin();
           call != history.calls.rend() && count < kMostLookedAt; ++call) {
        if (call->tid != tid) continue;
        first = call->began;
        if (count++ == 0) last = call->began;
        // The one under way may be any.
        if (call->state != CallRecord::State::kOpen) {
          passes_time = passes_time && PassesTime(*call);
          has_waited = has_waited || EndsByTime(*call);
        }
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
        const Step others =
            passes_time && has_waited ? OthersWaitSince(history, kernel, tid, first) : Step{0};
        explanation.text = absl::StrCat(
            ThreadWords(tid), " runs. Its last ", count, count == 1 ? " call was " : " calls were ",
            absl::StrJoin(words, ", "), most.size() > kMostNamed ? " and others" : "",
            ", from step ", first, " to step ", last,
            others == 0
                ? ". If that is no progress, it is a livelock: look for what they wait for, or for "
                  "a level-triggered event that nobody takes away."
                : absl::StrCat(
                      ": it only lets time pass, and all other threads have waited since step ",
                      others,
                      ". But for it this is a deadlock (in Go it is the runtime's sysmon, and "
                      "goroutines are what waits): look at what the others wait for."));
      }
      explanations.push_back(std::move(explanation));
    }
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
  const std::deque<WakeOutOfOrder>& wakes = historian.history().wakes;
  for (size_t i = wakes.size() > kMost ? wakes.size() - kMost : 0; i < wakes.size(); ++i) {
    const WakeOutOfOrder& wake = wakes[i];
    Explanation explanation{.kind = Explanation::Kind::kWakeOrder, .thread = wake.woken};
    explanation.text = absl::StrCat(
        "in the shortest schedule that fails so, ", ThreadWords(wake.waker), " at a futex (step ",
        wake.step, ") woke or moved ", ThreadWords(wake.woken), " though ", ThreadWords(wake.first),
        " had waited there for longer; futex(2) promises no order.");
    explanation.cited.push_back({absl::StrCat(ThreadWords(wake.waker), " woke it"), wake.stack});
    explanations.push_back(std::move(explanation));
  }
  return explanations;
}

}  // namespace pollux::machine
