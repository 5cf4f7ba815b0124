// Who sleeps in epoll_wait though there is something, and why.
#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "machine/history/explain_parts.h"
#include "machine/history/wording.h"
#include "os_emu/epoll/epoll.h"

namespace pollux::machine {

using os_emu::EpollInstance;
using os_emu::EventMask;
using os_emu::FileDescription;

namespace {

constexpr EventMask kFlags =
    os_emu::kEdge | os_emu::kOneShot | os_emu::kExclusive | os_emu::kWakeup;
// What a program means by ready: not the bits that stand for the same, nor room to write, which is
// nearly always there.
constexpr EventMask kDirections = os_emu::kIn | os_emu::kOut | os_emu::kPri | os_emu::kRdHup;

std::string Of(const FileDescription& description, os_emu::FdLabel label) {
  return absl::StrCat("descriptor ", label.Text(), " (", description.TypeName(), ")");
}

// What was done with a description after an event, by anybody: its calls.
struct Handling {
  std::span<const CallRecord* const> calls;
  bool until_again = false;  // The last gave EAGAIN.
};
Handling AfterDelivery(const MoveIndex& index, const InterestRecord& interest) {
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
bool FoundNoRoom(const MoveIndex& index, const InterestRecord& interest) {
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

std::optional<Explanation> ExplainInterest(const Historian& historian, const MoveIndex& index,
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

}  // namespace

void ExplainEpollWait(const Historian& historian, const MoveIndex& index, const CallRecord& wait,
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

}  // namespace pollux::machine
