// ExplainFinding: the schedule of a finding once more, remembered, so that its explanation says
// why.
#ifndef POLLUX_EXPLORE_EXPLAINED_H_
#define POLLUX_EXPLORE_EXPLAINED_H_

#include "explore/explorer.h"
#include "explore/finding.h"
#include "machine/machine.h"

namespace pollux::explore {

// `options` and `expectation`: as it was found with. The finding's explanation becomes that of the
// run with machine::Options::explain; it stays as it is where the run cannot be had again, or takes
// too many others to be found (StrategyKind::kExhaustive).
void ExplainFinding(machine::Options options, const Guest& guest, const Expectation& expectation,
                    Finding& finding);

}  // namespace pollux::explore

#endif  // POLLUX_EXPLORE_EXPLAINED_H_
