#include "explore/explorer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "explore/finding.h"
#include "explore/shrink.h"
#include "explore/testing.h"
#include "gtest/gtest.h"
#include "machine/strategy/schedule.h"

namespace pollux::explore {
namespace {

using machine::Machine;
using machine::Outcome;
using machine::StrategyKind;
using testing::Victim;
using testing::VictimOptions;
using Lines = std::vector<std::string>;

constexpr StrategyKind kKinds[] = {StrategyKind::kRandom, StrategyKind::kRoundRobin,
                                   StrategyKind::kPct, StrategyKind::kPos};

std::unique_ptr<Explorer> MakeExplorer(machine::Options options, const std::string& deed) {
  absl::StatusOr<std::unique_ptr<Explorer>> explorer =
      Explorer::Create(std::move(options), Victim(deed));
  EXPECT_TRUE(explorer.ok()) << explorer.status();
  return *std::move(explorer);
}

// How it ended, as one more line of the trace.
std::string Ending(const Outcome& outcome, const std::string& output) {
  return std::to_string(static_cast<int>(outcome.kind)) + " with " +
         std::to_string(outcome.ExitCode()) + " after " + std::to_string(outcome.instructions) +
         " at " + std::to_string(outcome.virtual_time.value) + " " + outcome.explanation + " " +
         output;
}

// What `pollux run --schedule_seed` does: the whole run, without a fork point. `known`: for
// strategies that choose before events.
Lines Straight(machine::Options options, const std::string& deed, uint64_t seed,
               const machine::SharedMemory& known) {
  Lines lines;
  Written written;
  options.schedule_seed = seed;
  options.trace = [&](std::string_view line) { lines.emplace_back(line); };
  options.output = [&](int stream, std::string_view bytes) { written.Add(stream, bytes, {}); };
  auto machine = Machine::Create(options);
  EXPECT_TRUE(machine.ok()) << machine.status();
  const Guest guest = Victim(deed);
  EXPECT_TRUE((*machine)->Load(guest.file, guest.name, guest.arguments).ok());
  std::unique_ptr<machine::Strategy> strategy;
  if (machine::WantsEvents(options.strategy.kind)) {
    strategy = machine::MakeStrategy(options.strategy, seed, &known);
    (*machine)->SetStrategy(strategy.get());
  }
  const Outcome outcome = (*machine)->Run();
  lines.push_back(Ending(outcome, written.tail));
  return lines;
}

class TracedExplorer {
 public:
  TracedExplorer(machine::Options options, const std::string& deed) {
    options.trace = [this](std::string_view line) { lines_.emplace_back(line); };
    machine::Options no_learning = options;
    no_learning.strategy = {};
    MakeExplorer(std::move(no_learning), deed);
    head_ = std::exchange(lines_, {});
    explorer_ = MakeExplorer(std::move(options), deed);
    // A seed may take several runs, of which the last one is its own.
    explorer_->set_on_run([this] { lines_.clear(); });
  }
  const Explorer& explorer() const { return *explorer_; }
  Lines Seed(uint64_t seed) { return All(explorer_->RunSeed(seed)); }
  // Nothing: there is no such schedule (exhaustive search).
  std::optional<Lines> Recorded(uint64_t seed, machine::Schedule* schedule) {
    Run run = explorer_->RunSeed(seed);
    if (run.none) return std::nullopt;
    *schedule = run.schedule;
    return All(run);
  }
  Lines Replayed(const machine::Schedule& schedule) {
    return All(explorer_->RunSchedule(schedule));
  }

 private:
  Lines All(const Run& run) {
    Lines lines = head_;
    for (std::string& line : std::exchange(lines_, {})) lines.push_back(std::move(line));
    lines.push_back(Ending(run.outcome, run.written.tail));
    return lines;
  }

  std::unique_ptr<Explorer> explorer_;
  Lines lines_, head_;
};

void ExpectSame(const Lines& actual, const Lines& expected, const std::string& what) {
  for (size_t i = 0; i < std::max(actual.size(), expected.size()); ++i) {
    const std::string a = i < actual.size() ? actual[i] : "nothing";
    const std::string e = i < expected.size() ? expected[i] : "nothing";
    if (a == e) continue;
    ADD_FAILURE() << what << ": line " << i << "\n  expected: " << e << "\n  actual:   " << a;
    return;
  }
}

machine::Options OptionsOf(StrategyKind kind, uint64_t early_deadlines = 0) {
  machine::Options options = VictimOptions();
  options.strategy.kind = kind;
  options.strategy.preemption_rate.per_million = 5000;
  options.strategy.length = 200;
  options.strategy.early_deadlines.per_million = early_deadlines;
  return options;
}

// What --hash_traces hashes tells apart whatever the trace does.
TEST(Explorer, SchedulesWithTheSameRecordsHaveTheSameLines) {
  for (const char* deed : {"mixture", "several", "hint", "abba"}) {
    machine::Options options = OptionsOf(StrategyKind::kRandom, 20'000);
    options.faults = "futex|sc";
    options.strategy.faults.per_million = 20'000;
    TracedExplorer lines(options, deed);
    options.trace_records = true;
    TracedExplorer records(options, deed);
    std::map<Lines, Lines> lines_of;
    std::set<Lines> different;
    for (uint64_t seed = 1; seed <= 100; ++seed) {
      const Lines said = lines.Seed(seed);
      different.insert(said);
      const auto [known, fresh] = lines_of.emplace(records.Seed(seed), said);
      ExpectSame(known->second, said, absl::StrCat(deed, ", seed ", seed));
    }
    EXPECT_GT(different.size(), 10u) << deed;
    EXPECT_GE(lines_of.size(), different.size()) << deed;
  }
}

TEST(Explorer, AScheduleIsTheSameWithAndWithoutTheForkPoint) {
  for (const StrategyKind kind : kKinds) {
    for (const uint64_t early : {0, 50'000}) {
      const machine::Options options = OptionsOf(kind, early);
      for (const char* deed : {"mutex", "race", "abba", "several", "crash", "hint", "mixture"}) {
        TracedExplorer explorer(options, deed);
        for (uint64_t seed = 1; seed <= 4; ++seed) {
          ExpectSame(explorer.Seed(seed),
                     Straight(options, deed, seed, explorer.explorer().shared_memory()),
                     absl::StrCat(std::string(machine::NameOf(kind)), ", ", deed, ", seed ", seed));
        }
      }
    }
  }
}

TEST(Explorer, SchedulesDoNotSeeEachOther) {
  for (const char* deed : {"race", "abba", "mixture", "eat"}) {
    TracedExplorer explorer(OptionsOf(StrategyKind::kRandom), deed);
    std::vector<Lines> runs;
    for (uint64_t seed = 1; seed <= 10; ++seed) runs.push_back(explorer.Seed(seed));
    for (uint64_t seed = 10; seed >= 1; --seed)
      ExpectSame(explorer.Seed(seed), runs[seed - 1], absl::StrCat(deed, ", seed ", seed));
  }
}

TEST(Explorer, WhatWasRecordedIsReplayedToTheByte) {
  for (const machine::StrategyRow& row : machine::StrategyRows()) {
    for (const uint64_t early : {0, 50'000}) {
      // All that can matter is another question where time is left to chance.
      if (row.kind == StrategyKind::kExhaustive && early != 0) continue;
      for (const char* deed : {"mutex", "race", "abba", "several", "mixture", "hint", "spin"}) {
        TracedExplorer explorer(OptionsOf(row.kind, early), deed);
        for (uint64_t seed = 1; seed <= 3; ++seed) {
          machine::Schedule schedule;
          const std::optional<Lines> recorded = explorer.Recorded(seed, &schedule);
          EXPECT_TRUE(recorded.has_value() || seed > 1);
          if (!recorded.has_value()) continue;
          ExpectSame(explorer.Replayed(schedule), *recorded,
                     absl::StrCat(std::string(row.name), ", ", deed, ", seed ", seed));
        }
      }
    }
  }
}

TEST(Explorer, ADeadlineIsReachedEarlyWhereThatIsAskedFor) {
  for (const StrategyKind kind : {StrategyKind::kRandom, StrategyKind::kPos}) {
    const auto late = [&](uint64_t early) {
      const std::unique_ptr<Explorer> explorer = MakeExplorer(OptionsOf(kind, early), "late");
      int found = 0;
      for (uint64_t seed = 1; seed <= 200; ++seed)
        found += explorer->RunSeed(seed).outcome.status == 1;
      return found;
    };
    EXPECT_EQ(late(0), 0);
    EXPECT_GT(late(50'000), 0);
    EXPECT_LT(late(50'000), 200);
  }
}

// The first of so many seeds that meets it; 0: none does.
uint64_t FirstFinding(Explorer& explorer, uint64_t seeds) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const explore::Run run = explorer.RunSeed(seed);
    if (run.none) return 0;
    if (IsFinding(run, {})) return seed;
  }
  return 0;
}

TEST(Explorer, WhomAFutexWakesIsAChoiceWhereThatIsAskedFor) {
  const std::string deed = "trusts_wake_order";
  for (const machine::StrategyRow& row : machine::StrategyRows()) {
    const std::string name(row.name);
    const bool exhaustive = row.kind == StrategyKind::kExhaustive;
    const bool by_seed = !exhaustive && row.kind != StrategyKind::kFeedback;
    // It needs 1848.
    const uint64_t seeds = exhaustive ? 3000 : 50;
    machine::Options options = OptionsOf(row.kind);
    EXPECT_EQ(FirstFinding(*MakeExplorer(options, deed), seeds), 0u) << name;
    options.strategy.wake_order = machine::WakeOrder::kAny;
    TracedExplorer explorer(options, deed);
    bool found = false;
    for (uint64_t seed = 1; seed <= seeds && !found; ++seed) {
      machine::Schedule schedule;
      const std::optional<Lines> lines = explorer.Recorded(seed, &schedule);
      ASSERT_TRUE(lines.has_value()) << name;
      found = lines->back().starts_with("0 with 1 ");
      EXPECT_EQ(schedule.woken.size(), found ? 1u : 0u) << name;
      if (seed > 2 && !found) continue;
      ExpectSame(explorer.Replayed(schedule), *lines, name + ", replayed");
      if (!by_seed) continue;
      ExpectSame(Straight(options, deed, seed, explorer.explorer().shared_memory()), *lines,
                 name + ", without the fork point");
    }
    // Which leaves nothing to chance, keeps Linux's order.
    EXPECT_EQ(found, row.kind != StrategyKind::kRoundRobin) << name;
  }
}

TEST(Explorer, OtherSeedsAreOtherSchedules) {
  TracedExplorer explorer(OptionsOf(StrategyKind::kRandom), "mixture");
  EXPECT_NE(explorer.Seed(1), explorer.Seed(2));
}

TEST(Explorer, AGuestAloneHasOneSchedule) {
  const std::unique_ptr<Explorer> explorer = MakeExplorer(VictimOptions(), "alone");
  EXPECT_TRUE(explorer->only_one());
  EXPECT_EQ(explorer->RunSeed(1).written.tail, "alone\n");
  EXPECT_EQ(explorer->RunSeed(2).written.tail, "alone\n");
}

TEST(Explorer, ChoicesBeginAtTheGuestsHint) {
  // Without it the two threads would come in either order: they wait for each other's sleep.
  machine::Options options = OptionsOf(StrategyKind::kRandom);
  const std::unique_ptr<Explorer> explorer = MakeExplorer(options, "hint");
  EXPECT_FALSE(explorer->only_one());
  int failed = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) failed += explorer->RunSeed(seed).outcome.status;
  EXPECT_GT(failed, 5);
  EXPECT_LT(failed, 95);
}

TEST(Explorer, WhatProcessesShareIsSeen) {
  machine::Options options = VictimOptions();
  options.strategy.kind = StrategyKind::kPos;
  const auto explorer = Explorer::Create(options, Victim("shared_race"));
  ASSERT_TRUE(explorer.ok()) << explorer.status();
  int lost = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed)
    lost += (*explorer)->RunSeed(seed).outcome.status != 0;
  EXPECT_GT(lost, 0);
}

TEST(Explorer, PctsLengthIsMeasured) {
  machine::Options options = OptionsOf(StrategyKind::kPct);
  options.strategy.length = 0;
  const uint64_t length = MakeExplorer(options, "mutex")->strategy().length;
  EXPECT_GT(length, 20u);
  EXPECT_LT(length, 1000u);
}

TEST(Explorer, KeepsTheEndOfALongOutput) {
  const std::unique_ptr<Explorer> explorer = MakeExplorer(VictimOptions(), "shout");
  const std::string output = explorer->RunSeed(1).written.tail;
  EXPECT_LE(output.size(), 16u << 10);
  EXPECT_TRUE(output.ends_with("line 2999\n")) << output.substr(output.size() - 20);
}

TEST(Finding, AnOutputThatIsNotExpectedIsOne) {
  const auto find = [](Expectation expectation) {
    auto explorer = Explorer::Create(VictimOptions(), Victim("alone"), expectation);
    EXPECT_TRUE(explorer.ok());
    const explore::Run run = (*explorer)->RunSeed(1);
    return IsFinding(run, expectation) ? FindingOf(run, expectation, 1).summary : "";
  };
  EXPECT_EQ(find({}), "");
  EXPECT_EQ(find({.out = "alone\n"}), "");
  EXPECT_EQ(find({.out = "alone\nnot\n"}),
            "stdout differs from what is expected, in line 2: it is not there");
  EXPECT_EQ(find({.out = "alas\n"}), "stdout differs from what is expected, in line 1: alone");
  EXPECT_EQ(find({.out = ""}), "stdout differs from what is expected, in line 1: alone");
  EXPECT_EQ(find({.exit_status = 3}), "exit status 0: alone");
}

TEST(Shrink, ADeadlockNeedsTwoPreemptionsAtMost) {
  const std::unique_ptr<Explorer> explorer = MakeExplorer(OptionsOf(StrategyKind::kRandom), "abba");
  for (uint64_t seed = 1; seed < 1000; ++seed) {
    const explore::Run run = explorer->RunSeed(seed);
    if (!IsFinding(run, {})) continue;
    const std::string key = FindingOf(run, {}, seed).key;
    const Shrunk shrunk = Shrink(*explorer, run.schedule, key, 10'000, nullptr);
    EXPECT_LE(shrunk.schedule.preemptions(), 2u);
    const explore::Run again = explorer->RunSchedule(shrunk.schedule);
    ASSERT_TRUE(IsFinding(again, {}));
    EXPECT_EQ(FindingOf(again, {}, seed).key, key);
    return;
  }
  FAIL() << "no deadlock was found";
}

TEST(Shrink, OnlyAWakeUpOutOfOrderIsLeftWhereThatIsTheCause) {
  machine::Options options = OptionsOf(StrategyKind::kRandom);
  options.strategy.wake_order = machine::WakeOrder::kAny;
  const std::unique_ptr<Explorer> explorer = MakeExplorer(options, "trusts_wake_order");
  const uint64_t seed = FirstFinding(*explorer, 100);
  ASSERT_NE(seed, 0u);
  const explore::Run run = explorer->RunSeed(seed);
  const std::string key = FindingOf(run, {}, seed).key;
  const Shrunk shrunk = Shrink(*explorer, run.schedule, key, 10'000, nullptr);
  EXPECT_EQ(shrunk.schedule.woken.size(), 1u);
  EXPECT_EQ(shrunk.schedule.preemptions(), 0u);
  EXPECT_TRUE(IsFinding(explorer->RunSchedule(shrunk.schedule), {}));
}

// The host's descriptors, as /proc shows them.
size_t OpenFds() {
  const std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(fds), end(fds)));
}

TEST(Explorer, FilesOfTheHostAreAsTheyWereAtTheForkPoint) {
  const std::string directory = ::testing::TempDir() + "/host";
  std::filesystem::create_directory(directory);
  std::ofstream(directory + "/file") << "text";
  machine::Options options = VictimOptions();
  options.mounts = {"/host=" + directory + ":ro"};
  const std::unique_ptr<Explorer> explorer = MakeExplorer(options, "files");
  EXPECT_EQ(explorer->RunSeed(1).outcome.ExitCode(), 0);
  const size_t open = OpenFds();
  for (uint64_t seed = 2; seed <= 20; ++seed) {
    EXPECT_EQ(explorer->RunSeed(seed).outcome.ExitCode(), 0) << "seed " << seed;
    EXPECT_EQ(OpenFds(), open) << "seed " << seed;
  }
}

}  // namespace
}  // namespace pollux::explore
