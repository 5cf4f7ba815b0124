#include "explore/finding.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "os_emu/task/signal.h"
#include "re2/re2.h"

namespace pollux::explore {

using machine::Outcome;

namespace {

// The last line of what the guest wrote: an assertion's message, most often.
std::string LastLine(std::string_view output) {
  while (output.ends_with('\n')) output.remove_suffix(1);
  constexpr size_t kLongest = 200;
  std::string line(output.substr(output.rfind('\n') + 1));
  if (line.size() > kLongest) line.resize(kLongest);
  return line;
}

// Addresses, tids and counts are not what makes two findings different; and a key is ASCII,
// whatever the guest wrote.
std::string WithoutNumbers(std::string text) {
  text = Ascii(std::move(text));
  static const re2::RE2 kNumbers("(0x)?[0-9a-f]*[0-9][0-9a-f]*");
  re2::RE2::GlobalReplace(&text, kNumbers, "#");
  return text;
}

// The functions that led somewhere.
std::string Ways(const std::vector<machine::Frame>& stack) {
  std::string ways;
  for (const machine::Frame& frame : stack)
    absl::StrAppend(&ways, " < ", frame.function.empty() ? frame.module : frame.function);
  return ways;
}

// Where a thread is: the call it waits in, and the functions that led there.
std::string Place(const machine::ThreadReport& thread) {
  return absl::StrCat(thread.state.substr(0, thread.state.find('(')), Ways(thread.stack));
}

bool ExitsAsExpected(const Outcome& outcome, const Expectation& expectation) {
  return (outcome.kind == Outcome::Kind::kExited || outcome.kind == Outcome::Kind::kKilled) &&
         outcome.ExitCode() == expectation.exit_status;
}

// The first line that is not as expected.
std::string DifferenceOf(const std::string& out, const std::string& expected) {
  const auto [at, _] = std::mismatch(out.begin(), out.end(), expected.begin(), expected.end());
  const size_t place = static_cast<size_t>(at - out.begin());
  const size_t start = place == 0 ? 0 : out.rfind('\n', place - 1) + 1;
  const auto number = std::count(out.begin(), at, '\n') + 1;
  return absl::StrCat("stdout differs from what is expected, in line ", number, ": ",
                      start >= out.size()
                          ? "it is not there"
                          : LastLine(out.substr(start, out.find('\n', start) - start)));
}

std::string SummaryOf(const Run& run, const Expectation& expectation) {
  const Outcome& outcome = run.outcome;
  if (ExitsAsExpected(outcome, expectation)) return DifferenceOf(run.written.out, *expectation.out);
  switch (outcome.kind) {
    case Outcome::Kind::kExited: {
      const std::string line = LastLine(run.written.tail);
      return absl::StrCat("exit status ", outcome.status, line.empty() ? "" : ": ", line);
    }
    case Outcome::Kind::kKilled: {
      const std::string line = LastLine(run.written.tail);
      return absl::StrCat("killed by ", os_emu::SignalName(outcome.signal),
                          line.empty() ? "" : ": ", line);
    }
    case Outcome::Kind::kDeadlock:
      return "deadlock";
    case Outcome::Kind::kStepLimit:
      return "it runs on after --max_steps instructions";
    case Outcome::Kind::kAbandoned:
      return "abandoned";
  }
  return "";
}

}  // namespace

namespace {

// It ends well, whatever was seen.
bool EndsWell(const Run& run, const Expectation& expectation) {
  return ExitsAsExpected(run.outcome, expectation) &&
         (!expectation.out.has_value() || run.written.out == *expectation.out);
}

// Of a run that ends well: by its lint that comes first by name and place. All are told.
Finding LintFindingOf(const Run& run, uint64_t seed) {
  Finding finding{.first_seed = seed, .schedules = 1, .output = run.written.tail, .lint = true};
  for (const Outcome::Lint& lint : run.outcome.lints) {
    std::string key = absl::StrCat("lint ", lint.name, Ways(lint.stack));
    if (finding.key.empty() || key < finding.key) {
      finding.key = std::move(key);
      finding.summary = absl::StrCat("lint ", lint.name);
    }
    absl::StrAppend(&finding.explanation,
                    finding.explanation.empty() ? "" : "\npollux: ", "lint: ", lint.name, ": ",
                    lint.text, machine::StackText(lint.stack));
  }
  return finding;
}

}  // namespace

bool IsFinding(const Run& run, const Expectation& expectation) {
  return !EndsWell(run, expectation) || (expectation.lints && !run.outcome.lints.empty());
}

Finding FindingOf(const Run& run, const Expectation& expectation, uint64_t seed) {
  if (EndsWell(run, expectation)) return LintFindingOf(run, seed);
  Finding finding{.summary = SummaryOf(run, expectation),
                  .first_seed = seed,
                  .schedules = 1,
                  .explanation = run.outcome.explanation,
                  .output = run.written.tail};
  finding.key = WithoutNumbers(finding.summary);
  // Where a thread that runs on happens to be says nothing.
  if (run.outcome.kind != Outcome::Kind::kStepLimit) {
    std::vector<std::string> places;
    for (const machine::ThreadReport& thread : run.outcome.threads) places.push_back(Place(thread));
    std::sort(places.begin(), places.end());
    for (const std::string& place : places) absl::StrAppend(&finding.key, "\n", place);
  }
  return finding;
}

std::string Ascii(std::string text) {
  for (char& byte : text) {
    if (static_cast<unsigned char>(byte) >= 0x7f || static_cast<unsigned char>(byte) < 0x20)
      byte = '?';
  }
  return text;
}

Finding LostWorker(std::string_view what, uint64_t seed) {
  return {.key = std::string(what),
          .summary = std::string(what),
          .first_seed = seed,
          .schedules = 1,
          .lost = true};
}

void Findings::Add(Finding finding) {
  const auto [known, fresh] = by_key_.emplace(finding.key, finding);
  if (fresh) return;
  const uint64_t schedules = known->second.schedules + finding.schedules;
  if (finding.first_seed < known->second.first_seed) known->second = std::move(finding);
  known->second.schedules = schedules;
}

std::vector<Finding> Findings::All() const {
  std::vector<Finding> all;
  for (const auto& [key, finding] : by_key_) all.push_back(finding);
  std::stable_sort(all.begin(), all.end(),
                   [](const Finding& a, const Finding& b) { return a.first_seed < b.first_seed; });
  return all;
}

}  // namespace pollux::explore
