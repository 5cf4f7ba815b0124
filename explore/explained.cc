#include "explore/explained.h"

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "machine/strategy/schedule.h"

namespace pollux::explore {

void ExplainFinding(machine::Options options, const Guest& guest, const Expectation& expectation,
                    Finding& finding) {
  constexpr uint64_t kMostSeedsBefore = 1000;
  if (finding.lost || (options.strategy.kind == machine::StrategyKind::kExhaustive &&
                       finding.first_seed > kMostSeedsBefore))
    return;
  options.warn = nullptr;
  options.trace = nullptr;
  machine::Schedule schedule;
  {
    absl::StatusOr<std::unique_ptr<Explorer>> explorer =
        Explorer::Create(options, guest, expectation);
    if (!explorer.ok()) return;
    const Run run = (*explorer)->RunSeed(finding.first_seed);
    if (run.none || run.schedule.truncated) return;
    schedule = run.schedule;
  }
  Written written;
  options.explain = true;
  options.output = [&](int stream, std::string_view bytes) {
    written.Add(stream, bytes, expectation);
  };
  absl::StatusOr<std::unique_ptr<machine::Machine>> machine = LoadGuest(std::move(options), guest);
  if (!machine.ok()) return;
  machine::Replayer replayer(schedule);
  (*machine)->SetStrategy(&replayer);
  const Run run{.outcome = (*machine)->Run(), .written = std::move(written)};
  if (!IsFinding(run, expectation) || FindingOf(run, expectation, 0).key != finding.key) return;
  finding.explanation = run.outcome.explanation;
  finding.reasons = run.outcome.reasons;
}

}  // namespace pollux::explore
