#include "machine/scheduler.h"

#include <cmath>
#include <map>
#include <span>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/task/testing.h"

namespace pollux::machine {
namespace {

using os_emu::RandomStream;
using os_emu::Thread;

class SchedulerTest : public testing::Test {
 protected:
  SchedulerTest() {
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

TEST_F(SchedulerTest, ARandomWalkLeavesAPreemptedThread) {
  auto scheduler = MakeScheduler(StrategyKind::kRandom, {}, RandomStream(3));
  const Thread* last = Runnable()[1];
  std::map<size_t, int> chosen;
  for (int i = 0; i < 3000; ++i) ++chosen[scheduler->Choose(Runnable(), last, /*leave=*/true)];
  EXPECT_EQ(chosen[1], 0);
  EXPECT_NEAR(chosen[0], 1500, 200);
  EXPECT_NEAR(chosen[2], 1500, 200);
}

TEST_F(SchedulerTest, ARandomWalkChoosesAmongAllWhereOneWaits) {
  auto scheduler = MakeScheduler(StrategyKind::kRandom, {}, RandomStream(3));
  std::map<size_t, int> chosen;
  for (int i = 0; i < 3000; ++i) ++chosen[scheduler->Choose(Runnable(), nullptr, false)];
  for (const size_t place : {0, 1, 2}) EXPECT_NEAR(chosen[place], 1000, 200);
}

TEST_F(SchedulerTest, WithoutPreemptionsASliceIsAsLongAsCanBe) {
  for (const StrategyKind kind : {StrategyKind::kRandom, StrategyKind::kRoundRobin}) {
    auto scheduler = MakeScheduler(kind, {.per_million = 0}, RandomStream(3));
    EXPECT_EQ(scheduler->NextSlice(), Scheduler::kLongestSlice);
  }
}

TEST_F(SchedulerTest, RoundRobinGoesThroughAllInOrder) {
  auto scheduler = MakeScheduler(StrategyKind::kRoundRobin, {.per_million = 500}, RandomStream(3));
  EXPECT_EQ(scheduler->NextSlice(), 2000u);
  const Thread* last = nullptr;
  for (const size_t expected : {0, 1, 2, 0, 1}) {
    const size_t place = scheduler->Choose(Runnable(), last, /*leave=*/true);
    EXPECT_EQ(place, expected);
    last = Runnable()[place];
  }
}

}  // namespace
}  // namespace pollux::machine
