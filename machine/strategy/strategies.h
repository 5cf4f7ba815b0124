// The strategies of `pollux run` and `pollux explore` by name: a row each in strategies.cc.
#ifndef POLLUX_MACHINE_STRATEGY_STRATEGIES_H_
#define POLLUX_MACHINE_STRATEGY_STRATEGIES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "machine/strategy/strategy.h"
#include "os_emu/task/random.h"

namespace pollux::machine {

class SharedMemory;  // event_strategy.h

enum class StrategyKind { kRandom, kRoundRobin, kPct, kPos, kFeedback, kExhaustive };

// How often a thread that others wait beside is preempted.
struct PreemptionRate {
  // Expected preemptions in a million retired instructions. 0: only where a thread waits or
  // yields, and after Strategy::kLongestSlice.
  uint64_t per_million = 1000;
};

// How often the next deadline is reached though somebody could run.
struct EarlyDeadlines {
  uint64_t per_million = 0;  // Of a million choices.
};

// How often a fault happens to a call that may meet one.
struct FaultRate {
  uint64_t per_million = 0;  // Of a million such calls.
};

// Whom a futex wakes where more threads wait than its call is for.
enum class WakeOrder {
  kFifo,  // Who came first, as Linux does where all have one priority.
  kAny,   // Whoever the strategy says: futex(2) promises no order.
};

struct StrategyOptions {
  StrategyKind kind = StrategyKind::kRandom;
  PreemptionRate preemption_rate;  // Of kRandom and kRoundRobin.
  // Of kPct: how many ordering constraints the bugs to be found have (d), and of how many choices a
  // schedule consists (k): a change of priorities falls on each alike.
  uint64_t depth = 3;
  uint64_t length = 1000;
  // Of kExhaustive: how many preemptions a schedule has at most; none: any number.
  std::optional<uint64_t> preemption_bound;
  EarlyDeadlines early_deadlines;  // Of all kinds, as the next two.
  FaultRate faults;
  WakeOrder wake_order = WakeOrder::kFifo;
};

// A strategy's row.
struct StrategyRow {
  StrategyKind kind;
  std::string_view name;  // As --strategy has it.
  bool wants_events;
  std::string_view text;  // For people, a part of a sentence.
};
std::span<const StrategyRow> StrategyRows();
std::string_view NameOf(StrategyKind kind);
std::optional<StrategyKind> StrategyNamed(std::string_view name);

// `schedule_seed`: decides all its choices. `known`: what is shared from the beginning, for those
// that choose before events; null: nothing. Must outlive the strategy. Not
// for kFeedback and kExhaustive, which know no schedule without those before it.
std::unique_ptr<Strategy> MakeStrategy(const StrategyOptions& options, uint64_t schedule_seed,
                                       const SharedMemory* known = nullptr);
// Whether it is one of those.
bool WantsEvents(StrategyKind kind);
// As `strategy` says, and deadlines that are reached early and faults by chance.
std::unique_ptr<Strategy> WithChance(std::unique_ptr<Strategy> strategy,
                                     const StrategyOptions& options, uint64_t schedule_seed);
// Everybody in the order of tids, until it waits: what is not to be explored.
std::unique_ptr<Strategy> MakeInOrder();

// A geometric random number of mean `mean` (at least 1), from integers only: the same on every
// host. At least 1.
uint64_t DrawGeometric(os_emu::RandomStream& random, uint64_t mean);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_STRATEGIES_H_
