#include "explore/explained.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "explore/shrink.h"
#include "machine/strategy/schedule.h"

namespace pollux::explore {
namespace {

// The run of a schedule, remembered. Nothing: it does not end as the finding did.
std::optional<Run> Follow(const machine::Options& options, const Guest& guest,
                          const Expectation& expectation, const Finding& finding,
                          const machine::Schedule& schedule) {
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
  if (!IsFinding(run, expectation) || FindingOf(run, expectation, 0).key != finding.key)
    return std::nullopt;
  return run;
}

}  // namespace

void ExplainFinding(machine::Options options, const Guest& guest, const Expectation& expectation,
                    Finding& finding) {
  constexpr uint64_t kMostSeedsBefore = 1000, kMostTried = 500;
  if (finding.lost || (options.strategy.kind == machine::StrategyKind::kExhaustive &&
                       finding.first_seed > kMostSeedsBefore))
    return;
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

}  // namespace pollux::explore
