// ExplainFinding: the schedule of a finding once more, remembered, so that its explanation says
// why. CompareFinding: it, and the nearest schedule that does not fail.
#ifndef POLLUX_EXPLORE_EXPLAINED_H_
#define POLLUX_EXPLORE_EXPLAINED_H_

#include <optional>

#include "explore/explorer.h"
#include "explore/finding.h"
#include "machine/machine.h"

namespace pollux::explore {

// `options` and `expectation`: as it was found with. The finding's explanation becomes that of the
// run with machine::Options::explain; it stays as it is where the run cannot be had again, or takes
// too many others to be found (StrategyKind::kExhaustive).
void ExplainFinding(machine::Options options, const Guest& guest, const Expectation& expectation,
                    Finding& finding);

// Two runs that are remembered, with what the calls said.
struct Compared {
  Run failing;
  size_t preemptions = 0;  // Of its schedule, which was shrunk.
  std::optional<Run> passing;
  // How the passing one was had: the failing one's, without its preemption number `dropped` (from
  // 1); 0: it is that of the seed `passing_seed`, of some that were tried.
  size_t dropped = 0;
  uint64_t passing_seed = 0;
};
// Of several passing schedules the one that parts last from the failing one. Nothing: as for
// ExplainFinding().
std::optional<Compared> CompareFinding(machine::Options options, const Guest& guest,
                                       const Expectation& expectation, const Finding& finding);

}  // namespace pollux::explore

#endif  // POLLUX_EXPLORE_EXPLAINED_H_
