// Who waits in any other call: what was there before it came.
#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "machine/history/calls.h"
#include "machine/history/explain_parts.h"
#include "machine/history/wording.h"

namespace pollux::machine {

namespace {

// The thread was told that the descriptor is ready, and so was another, which took what there was.
std::optional<Explanation> ExplainHerd(const History& history, const MoveIndex& index,
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

}  // namespace

Explanation ExplainOther(const Historian& historian, const MoveIndex& index,
                         const CallRecord& call) {
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

}  // namespace pollux::machine
