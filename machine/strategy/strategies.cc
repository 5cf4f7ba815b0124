#include "machine/strategy/strategies.h"

#include <algorithm>

#include "abi/check.h"
#include "machine/strategy/implementations.h"

namespace pollux::machine {
namespace {

constexpr StrategyRow kRows[] = {
    {StrategyKind::kRandom, "random", false, "whoever the seed says, between any two instructions"},
    {StrategyKind::kRoundRobin, "round_robin", false, "one after the other"},
    {StrategyKind::kPct, "pct", true,
     "by priorities of threads that change --depth - 1 times, before what others could see"},
    {StrategyKind::kPos, "pos", true,
     "by priorities of what threads are about to do that others could see"},
    {StrategyKind::kFeedback, "feedback", true,
     "as pos, with variations of schedules that showed something new; in campaigns of 200 seeds"},
    {StrategyKind::kExhaustive, "exhaustive", true,
     "all orders of such events that can matter, one after the other"},
};

}  // namespace

std::span<const StrategyRow> StrategyRows() { return kRows; }

std::string_view NameOf(StrategyKind kind) {
  for (const StrategyRow& row : kRows)
    if (row.kind == kind) return row.name;
  POLLUX_CHECK(false) << "a strategy without a row";
  return "";
}

std::optional<StrategyKind> StrategyNamed(std::string_view name) {
  for (const StrategyRow& row : kRows)
    if (row.name == name) return row.kind;
  return std::nullopt;
}

bool WantsEvents(StrategyKind kind) {
  for (const StrategyRow& row : kRows)
    if (row.kind == kind) return row.wants_events;
  return false;
}

namespace {

std::unique_ptr<Strategy> MakePlain(const StrategyOptions& options, os_emu::RandomStream random,
                                    const SharedMemory* known) {
  switch (options.kind) {
    case StrategyKind::kRandom:
      return MakeRandomWalk(options.preemption_rate, random);
    case StrategyKind::kRoundRobin:
      return MakeRoundRobin(options.preemption_rate);
    case StrategyKind::kPct:
      return MakePct(options.depth, options.length, known, random);
    case StrategyKind::kPos:
      return MakePos(known, random);
    case StrategyKind::kFeedback:
    case StrategyKind::kExhaustive:
      break;
  }
  POLLUX_CHECK(false) << "no strategy by seed";
  return nullptr;
}

}  // namespace

std::unique_ptr<Strategy> MakeStrategy(const StrategyOptions& options, uint64_t schedule_seed,
                                       const SharedMemory* known) {
  return WithChance(
      MakePlain(options, os_emu::RandomStream(schedule_seed).Split(kChoices), known), options,
      schedule_seed);
}

std::unique_ptr<Strategy> MakeInOrder() { return MakeRoundRobin({.per_million = 0}); }

size_t PlaceOf(std::span<os_emu::Thread* const> runnable, const os_emu::Thread* thread) {
  return static_cast<size_t>(std::find(runnable.begin(), runnable.end(), thread) -
                             runnable.begin());
}

}  // namespace pollux::machine
