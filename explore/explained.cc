#include "explore/explained.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "explore/shrink.h"
#include "machine/strategy/schedule.h"

namespace pollux::explore {
namespace {

// The run of a schedule, remembered.
std::optional<Run> RememberOnce(const machine::Options& options, const Guest& guest,
                                const Expectation& expectation, const machine::Schedule& schedule) {
  machine::Options remembered = options;
  Run run;
  remembered.explain = true;
  remembered.output = [&](int stream, std::string_view bytes) {
    run.written.Add(stream, bytes, expectation);
  };
  absl::StatusOr<std::unique_ptr<machine::Machine>> machine =
      LoadGuest(std::move(remembered), guest);
  if (!machine.ok()) return std::nullopt;
  machine::Replayer replayer(schedule);
  (*machine)->SetStrategy(&replayer);
  run.outcome = (*machine)->Run();
  return run;
}

// Twice, where it waits for locks whose owners are seen by who looks at them from the beginning.
std::optional<Run> Remember(machine::Options options, const Guest& guest,
                            const Expectation& expectation, const machine::Schedule& schedule) {
  std::optional<Run> run = RememberOnce(options, guest, expectation, schedule);
  if (!run.has_value() || run->outcome.unowned_words.empty()) return run;
  options.explain_words = run->outcome.unowned_words;
  return RememberOnce(options, guest, expectation, schedule);
}

// Nothing: it does not end as the finding did.
std::optional<Run> Follow(const machine::Options& options, const Guest& guest,
                          const Expectation& expectation, const Finding& finding,
                          const machine::Schedule& schedule) {
  std::optional<Run> run = Remember(options, guest, expectation, schedule);
  if (run.has_value() &&
      (!IsFinding(*run, expectation) || FindingOf(*run, expectation, 0).key != finding.key))
    return std::nullopt;
  return run;
}

constexpr uint64_t kMostSeedsBefore = 1000, kMostTried = 500;

// Whether its schedule can be had again, in a time that somebody waits for.
bool CanBeFollowed(const machine::Options& options, const Finding& finding) {
  return !finding.lost && (options.strategy.kind != machine::StrategyKind::kExhaustive ||
                           finding.first_seed <= kMostSeedsBefore);
}

// Without its preemption number `number`, from 1.
machine::Schedule Without(machine::Schedule schedule, size_t number) {
  for (auto change = schedule.switches.begin(); change != schedule.switches.end(); ++change) {
    if (!change->preempts || --number != 0) continue;
    schedule.switches.erase(change);
    break;
  }
  return schedule;
}

size_t AlikeUpTo(const machine::Schedule& a, const machine::Schedule& b) {
  const auto parts =
      std::mismatch(a.switches.begin(), a.switches.end(), b.switches.begin(), b.switches.end());
  return static_cast<size_t>(parts.first - a.switches.begin());
}

}  // namespace

void ExplainFinding(machine::Options options, const Guest& guest, const Expectation& expectation,
                    Finding& finding) {
  if (finding.lint || !CanBeFollowed(options, finding)) return;  // What a lint says is all.
  options.warn = nullptr;
  options.trace = nullptr;
  absl::StatusOr<std::unique_ptr<Explorer>> explorer =
      Explorer::Create(options, guest, expectation);
  if (!explorer.ok()) return;
  const Run found = (*explorer)->RunSeed(finding.first_seed);
  if (found.none || found.schedule.truncated) return;
  std::optional<Run> run = Follow(options, guest, expectation, finding, found.schedule);
  if (!run.has_value()) return;
  if (run->outcome.reasons.empty()) {
    // Nothing that the kernel could see: what is left to say is which turns make it.
    const Shrunk shrunk = Shrink(**explorer, found.schedule, finding.key, kMostTried, nullptr);
    options.explain_preemptions = true;
    std::optional<Run> shortest = Follow(options, guest, expectation, finding, shrunk.schedule);
    if (shortest.has_value()) run = std::move(shortest);
  }
  finding.explanation = run->outcome.explanation;
  finding.reasons = run->outcome.reasons;
}

std::optional<Compared> CompareFinding(machine::Options options, const Guest& guest,
                                       const Expectation& expectation, const Finding& finding) {
  constexpr size_t kMostDropped = 100;
  constexpr uint64_t kMostSeeds = 100;
  if (!CanBeFollowed(options, finding)) return std::nullopt;
  options.warn = nullptr;
  options.trace = nullptr;
  absl::StatusOr<std::unique_ptr<Explorer>> explorer =
      Explorer::Create(options, guest, expectation);
  if (!explorer.ok()) return std::nullopt;
  const Run found = (*explorer)->RunSeed(finding.first_seed);
  if (found.none || found.schedule.truncated) return std::nullopt;
  const machine::Schedule failing =
      Shrink(**explorer, found.schedule, finding.key, kMostTried, nullptr).schedule;

  Compared compared{.preemptions = failing.preemptions()};
  std::optional<machine::Schedule> passing;
  // What goes as it went up to its last preemptions is the nearest.
  const size_t last = compared.preemptions;
  for (size_t number = last; number > 0 && last - number < kMostDropped; --number) {
    Run run = (*explorer)->RunSchedule(Without(failing, number));
    if (IsFinding(run, expectation) || run.schedule.truncated) continue;
    passing = std::move(run.schedule);
    compared.dropped = number;
    break;
  }
  // The orders that exhaustive searches and campaigns are in are of no use here.
  const machine::StrategyKind kind = options.strategy.kind;
  const uint64_t seeds = passing.has_value() || kind == machine::StrategyKind::kExhaustive ||
                                 kind == machine::StrategyKind::kFeedback
                             ? 0
                             : kMostSeeds;
  size_t longest = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Run run = (*explorer)->RunSeed(seed);
    if (run.none || IsFinding(run, expectation) || run.schedule.truncated) continue;
    const size_t alike = AlikeUpTo(failing, run.schedule);
    if (passing.has_value() && alike <= longest) continue;
    longest = alike;
    passing = std::move(run.schedule);
    compared.passing_seed = seed;
  }

  options.explain_texts = true;
  options.explain_preemptions = true;
  std::optional<Run> run = Follow(options, guest, expectation, finding, failing);
  if (!run.has_value()) return std::nullopt;
  compared.failing = *std::move(run);
  if (passing.has_value()) compared.passing = Remember(options, guest, expectation, *passing);
  return compared;
}

}  // namespace pollux::explore
