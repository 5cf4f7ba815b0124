// Faults: they happen where they are wanted, find who trusts that they do not, leave correct
// programs alone, and are choices of the schedule.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "explore/explorer.h"
#include "explore/finding.h"
#include "explore/shrink.h"
#include "explore/testing.h"
#include "gtest/gtest.h"

namespace pollux::explore {
namespace {

using machine::StrategyKind;
using testing::Victim;
using testing::VictimOptions;

machine::Options WithFaults(const std::string& names, StrategyKind kind = StrategyKind::kRandom) {
  machine::Options options = VictimOptions();
  options.strategy.kind = kind;
  options.faults = names;
  options.strategy.faults.per_million = names.empty() ? 0 : 100'000;
  return options;
}

std::unique_ptr<Explorer> Exploring(machine::Options options, const std::string& deed) {
  absl::StatusOr<std::unique_ptr<Explorer>> explorer =
      Explorer::Create(std::move(options), Victim(deed));
  EXPECT_TRUE(explorer.ok()) << explorer.status();
  return *std::move(explorer);
}

// The first seed up to `last` that gives a finding; 0: none does.
uint64_t FirstFinding(Explorer& explorer, uint64_t last, explore::Run* found) {
  for (uint64_t seed = 1; seed <= last; ++seed) {
    *found = explorer.RunSeed(seed);
    if (IsFinding(*found, {})) return seed;
  }
  return 0;
}

struct Case {
  const char* deed;
  const char* names;
  shims::FaultKind kind;
  StrategyKind strategy = StrategyKind::kRandom;
};
constexpr Case kCases[] = {
    {"trusts_wait", "epoll_pwait", shims::FaultKind::kInterruption},
    {"trusts_wake_up", "futex", shims::FaultKind::kVainWakeUp},
    {"trusts_memory", "eventfd2|epoll_.*", shims::FaultKind::kShortMemory},
    {"trusts_reservation", "sc", shims::FaultKind::kLostReservation, StrategyKind::kPos},
    {"trusts_arrival", "tcp_delay", shims::FaultKind::kLateArrival},
    {"trusts_connecting", "tcp_delay", shims::FaultKind::kLateArrival},
    {"trusts_ending", "tcp_.*", shims::FaultKind::kLateArrival},
    {"trusts_message", "tcp_split", shims::FaultKind::kSplitArrival},
    {"trusts_room", "tcp_window", shims::FaultKind::kSmallWindow},
    {"trusts_connection", "tcp_reset", shims::FaultKind::kReset},
};

TEST(Faults, FindWhoTrustsThatTheyDoNotHappen) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.deed);
    explore::Run run;
    EXPECT_EQ(FirstFinding(*Exploring(WithFaults("", c.strategy), c.deed), 100, &run), 0u)
        << "without faults";
    const std::unique_ptr<Explorer> explorer = Exploring(WithFaults(c.names, c.strategy), c.deed);
    const uint64_t seed = FirstFinding(*explorer, 500, &run);
    ASSERT_NE(seed, 0u);
    const std::string key = FindingOf(run, {}, seed).key;

    // The seed repeats it, and so does the schedule.
    EXPECT_EQ(explorer->RunSeed(seed).schedule.faults, run.schedule.faults);
    const explore::Run again = explorer->RunSchedule(run.schedule);
    EXPECT_EQ(again.outcome.instructions, run.outcome.instructions);
    EXPECT_EQ(again.schedule.faults, run.schedule.faults);

    // One is enough, and it is of its kind.
    const Shrunk shrunk = Shrink(*explorer, run.schedule, key, 1000, nullptr);
    ASSERT_EQ(shrunk.schedule.faults.size(), 1u);
    EXPECT_EQ(shrunk.schedule.faults[0].kind, c.kind);
    machine::Schedule without = shrunk.schedule;
    without.faults.clear();
    EXPECT_FALSE(IsFinding(explorer->RunSchedule(without), {})) << "it was the fault";
  }
}

TEST(Faults, ACorrectProgramSurvivesThem) {
  for (const StrategyKind kind : {StrategyKind::kRandom, StrategyKind::kPct}) {
    const std::unique_ptr<Explorer> explorer =
        Exploring(WithFaults("epoll_pwait|futex|read|sc|nanosleep|wait4", kind), "mixture");
    size_t faults = 0;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      const explore::Run run = explorer->RunSeed(seed);
      EXPECT_FALSE(IsFinding(run, {})) << seed << ": " << run.outcome.explanation;
      faults += run.schedule.faults.size();
    }
    EXPECT_GT(faults, 10u) << "there were some to survive";
  }
}

TEST(Faults, CorrectProgramsSurviveANetwork) {
  const struct {
    const char* deed;
    const char* names = "tcp_.*";
  } kSurvivors[] = {
      {"awaits_arrival"},
      {"awaits_connecting"},
      {"awaits_message"},
      {"awaits_ending"},
      {"awaits_room"},
      {"blocking"},
      {"trusts_connection"},  // That is not lost unless that is asked for.
      {"may_be_disconnected", "tcp_.*|tcp_reset"},
  };
  for (const auto& [deed, names] : kSurvivors) {
    for (const StrategyKind kind : {StrategyKind::kRandom, StrategyKind::kPos}) {
      const std::unique_ptr<Explorer> explorer = Exploring(WithFaults(names, kind), deed);
      size_t faults = 0;
      for (uint64_t seed = 1; seed <= 60; ++seed) {
        const explore::Run run = explorer->RunSeed(seed);
        EXPECT_FALSE(IsFinding(run, {}))
            << deed << ", seed " << seed << ": " << run.outcome.explanation;
        faults += run.schedule.faults.size();
      }
      EXPECT_GT(faults, 2u) << deed << ": there were some to survive";
    }
  }
}

TEST(Faults, AreMarkedInTheTrace) {
  std::vector<std::string> marked;
  machine::Options options = WithFaults("eventfd2|epoll_.*");
  options.trace = [&](std::string_view line) {
    if (absl::StrContains(std::string(line), "(INJECTED)")) marked.emplace_back(line);
  };
  const std::unique_ptr<Explorer> explorer = Exploring(std::move(options), "trusts_memory");
  explore::Run run;
  ASSERT_NE(FirstFinding(*explorer, 500, &run), 0u);
  ASSERT_FALSE(marked.empty());
  EXPECT_TRUE(absl::StrContains(marked[0], "= -1 ENFILE") ||
              absl::StrContains(marked[0], "= -1 ENOMEM"))
      << marked[0];
}

TEST(Faults, NoCallThatMayFailIsAnError) {
  for (const char* names : {"getpid", "(", "nothing"}) {
    const auto explorer = Explorer::Create(WithFaults(names), Victim("alone"));
    EXPECT_FALSE(explorer.ok()) << names;
  }
}

}  // namespace
}  // namespace pollux::explore
