// What was seen while it happened, in sentences.
#include <utility>

#include "absl/strings/str_cat.h"
#include "machine/history/explain_parts.h"
#include "machine/history/wording.h"

namespace pollux::machine {

namespace {

absl::string_view Abseil(std::string_view text) { return {text.data(), text.size()}; }

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

}  // namespace pollux::machine
