#include "machine/strategy/strategy.h"

#include <cmath>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "machine/strategy/schedule.h"
#include "machine/strategy/strategies.h"
#include "os_emu/task/testing.h"

namespace pollux::machine {
namespace {

using os_emu::RandomStream;
using os_emu::Thread;

class StrategyTest : public testing::Test {
 protected:
  StrategyTest() {
    machine_.NewThread();
    machine_.NewThread();
  }
  std::span<Thread* const> Runnable() { return machine_.kernel().run_queue().threads(); }

  os_emu::testing::TestMachine machine_;
};

TEST(DrawGeometric, HasTheMeanThatWasAskedFor) {
  for (const uint64_t mean : {2, 10, 1000, 1000000}) {
    RandomStream random(7);
    constexpr int kDraws = 20000;
    double sum = 0;
    for (int i = 0; i < kDraws; ++i) {
      const uint64_t drawn = DrawGeometric(random, mean);
      ASSERT_GE(drawn, 1u);
      sum += static_cast<double>(drawn);
    }
    // Its deviation is about the mean, so that of the average is mean / 141; and half an
    // instruction for the approximation.
    EXPECT_NEAR(sum / kDraws, static_cast<double>(mean), 0.04 * static_cast<double>(mean) + 0.6);
  }
}

TEST(DrawGeometric, ForgetsNothing) {
  // Of those above the mean, as many per cent lie above twice the mean as of all above the mean.
  RandomStream random(11);
  int above = 0, above_twice = 0;
  constexpr int kDraws = 50000;
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t drawn = DrawGeometric(random, 1000);
    above += drawn > 1000;
    above_twice += drawn > 2000;
  }
  EXPECT_NEAR(static_cast<double>(above) / kDraws, std::exp(-1.0), 0.02);
  EXPECT_NEAR(static_cast<double>(above_twice) / above, std::exp(-1.0), 0.02);
}

TEST(DrawGeometric, IsTheSameOnEveryHost) {
  RandomStream random(1);
  // Calculated with whole numbers of any size, outside of this program.
  for (const uint64_t expected : {568, 294, 30, 811, 811, 271})
    EXPECT_EQ(DrawGeometric(random, 1000), expected);
}

TEST_F(StrategyTest, ARandomWalkLeavesAPreemptedThread) {
  auto strategy = MakeStrategy({}, 3);
  const Thread* last = Runnable()[1];
  std::map<size_t, int> chosen;
  for (int i = 0; i < 3000; ++i)
    ++chosen[strategy->Choose({.runnable = Runnable(), .last = last, .leave = true})];
  EXPECT_EQ(chosen[1], 0);
  EXPECT_NEAR(chosen[0], 1500, 200);
  EXPECT_NEAR(chosen[2], 1500, 200);
}

TEST_F(StrategyTest, ARandomWalkChoosesAmongAllWhereOneWaits) {
  auto strategy = MakeStrategy({}, 3);
  std::map<size_t, int> chosen;
  for (int i = 0; i < 3000; ++i) ++chosen[strategy->Choose({.runnable = Runnable()})];
  for (const size_t place : {0, 1, 2}) EXPECT_NEAR(chosen[place], 1000, 200);
}

TEST_F(StrategyTest, WithoutPreemptionsASliceIsAsLongAsCanBe) {
  for (const StrategyKind kind : {StrategyKind::kRandom, StrategyKind::kRoundRobin}) {
    auto strategy = MakeStrategy({.kind = kind, .preemption_rate = {.per_million = 0}}, 3);
    EXPECT_EQ(strategy->NextSlice(*Runnable()[0], 0), Strategy::kLongestSlice);
  }
}

TEST_F(StrategyTest, RoundRobinGoesThroughAllInOrder) {
  auto strategy =
      MakeStrategy({.kind = StrategyKind::kRoundRobin, .preemption_rate = {.per_million = 500}}, 3);
  EXPECT_EQ(strategy->NextSlice(*Runnable()[0], 0), 2000u);
  const Thread* last = nullptr;
  for (const size_t expected : {0, 1, 2, 0, 1}) {
    const size_t place = strategy->Choose({.runnable = Runnable(), .last = last, .leave = true});
    EXPECT_EQ(place, expected);
    last = Runnable()[place];
  }
}

// What a strategy did with three threads that run forever: who ran, and for how long.
struct Walk {
  std::vector<std::pair<size_t, uint64_t>> turns;
  Schedule schedule;
  friend bool operator==(const Walk& a, const Walk& b) { return a.turns == b.turns; }
};

Walk RunFor(std::span<Thread* const> runnable, std::unique_ptr<Strategy> inner, int turns) {
  Recorder strategy(std::move(inner));
  Walk run;
  uint64_t retired[3] = {};
  ChoicePoint point{.runnable = runnable};
  for (int i = 0; i < turns; ++i) {
    const size_t place = strategy.Choose(point);
    const uint64_t slice = strategy.NextSlice(*runnable[place], retired[place]);
    retired[place] += slice;
    run.turns.push_back({place, slice});
    point = {
        .runnable = runnable, .last = runnable[place], .retired = retired[place], .leave = true};
  }
  run.schedule = strategy.schedule();
  return run;
}

TEST_F(StrategyTest, WhatWasRecordedIsReplayed) {
  for (const StrategyKind kind : {StrategyKind::kRandom, StrategyKind::kRoundRobin}) {
    const Walk run = RunFor(Runnable(), MakeStrategy({.kind = kind}, 5), 40);
    Walk again = RunFor(Runnable(), std::make_unique<Replayer>(run.schedule), 40);
    // The end of the last turn was not seen.
    EXPECT_EQ(again.turns.back().first, run.turns.back().first);
    again.turns.back() = run.turns.back();
    EXPECT_EQ(again, run);
  }
}

TEST_F(StrategyTest, AScheduleDistinguishesTheChoicesAtOnePlace) {
  // All wait, and are chosen in vain again and again.
  const auto choices = [this](Strategy& strategy) {
    std::vector<size_t> chosen = {0};
    for (int i = 0; i < 30; ++i) {
      const Thread* last = Runnable()[chosen.back()];
      chosen.push_back(strategy.Choose({.runnable = Runnable(), .last = last, .retired = 7}));
    }
    return chosen;
  };
  Recorder recorder(MakeStrategy({}, 1));
  const std::vector<size_t> expected = choices(recorder);
  Replayer replayer(recorder.schedule());
  EXPECT_EQ(choices(replayer), expected);
}

}  // namespace
}  // namespace pollux::machine
