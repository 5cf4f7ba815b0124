// What makes each strategy. Only for machine/strategy: others call MakeStrategy().
#ifndef POLLUX_MACHINE_STRATEGY_IMPLEMENTATIONS_H_
#define POLLUX_MACHINE_STRATEGY_IMPLEMENTATIONS_H_

#include <cstdint>
#include <memory>

#include "machine/strategy/strategies.h"
#include "machine/strategy/strategy.h"
#include "os_emu/task/random.h"

namespace pollux::machine {

// What a schedule's seed is split for (the machine's own purposes are in setup.cc): none takes
// numbers from another.
enum SchedulePurpose : uint64_t { kChoices = 3, kCampaigns = 4, kDeadlines = 5, kFaults = 6 };

// Rates are told in millionths.
inline constexpr uint64_t kMillion = 1'000'000;

// Whoever is chosen, is chosen by chance; preemptions come with a fixed probability at each
// instruction (Miri's way).
std::unique_ptr<Strategy> MakeRandomWalk(PreemptionRate rate, os_emu::RandomStream random);

// In the order of tids, each for the same number of instructions.
std::unique_ptr<Strategy> MakeRoundRobin(PreemptionRate rate);

// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): each thread has a priority,
// and the highest that can run runs. A new one's is random; before depth - 1 choices, taken from
// the first `length` alike, whoever would run then falls below all others. With n threads a bug of
// depth d is met with a probability of at least 1 / (n length^(d-1)).
std::unique_ptr<Strategy> MakePct(uint64_t depth, uint64_t length, const SharedMemory* known,
                                  os_emu::RandomStream random);

// Partial order sampling: pos.h.
std::unique_ptr<Strategy> MakePos(const SharedMemory* known, os_emu::RandomStream random);

// Instructions between preemptions, on average.
uint64_t MeanSlice(PreemptionRate rate);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_IMPLEMENTATIONS_H_
