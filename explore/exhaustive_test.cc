// The exhaustive strategy on real programs (small_guest.c), whose schedules were counted by hand.
#include <cstdint>
#include <memory>
#include <string>

#include "explore/explorer.h"
#include "explore/testing.h"
#include "gtest/gtest.h"

namespace pollux::explore {
namespace {

TEST(Exhaustive, CountsAreThoseOfAPencil) {
  const std::string file = testing::FileOf("SMALL");
  // Each thread ends with exit(2), of which nobody knows what it does: it conflicts with all that
  // others do. Let A and B be the threads, a and b what they do, EA and EB their ends.
  const struct {
    const char* program;
    uint64_t schedules;
  } kPrograms[] = {
      // a and b commute. If EA comes before EB, a does, too, and b may come before EA or after it;
      // likewise the other way around: 2 + 2.
      {"1", 4},
      // All conflict: interleavings of two and two, 4! / (2! 2!).
      {"2", 6},
      // Of three and three, 6! / (3! 3!).
      {"3", 20},
      // Reads commute: as the first.
      {"4", 4},
      // Of two, two and two, 6! / (2! 2! 2!).
      {"5", 90},
  };
  for (const auto& [program, expected] : kPrograms) {
    machine::Options options;
    options.strategy.kind = machine::StrategyKind::kExhaustive;
    auto explorer =
        Explorer::Create(options, {.file = file, .name = "small", .arguments = {"small", program}});
    ASSERT_TRUE(explorer.ok()) << explorer.status();
    ASSERT_FALSE((*explorer)->only_one());
    uint64_t schedules = 0;
    while (schedules <= 1000) {
      const explore::Run run = (*explorer)->RunSeed(schedules + 1);
      if (run.none) break;
      ++schedules;
      EXPECT_EQ(run.outcome.kind, machine::Outcome::Kind::kExited);
    }
    EXPECT_EQ(schedules, expected) << program;
    // The third one again.
    if (expected >= 3) {
      const machine::Schedule third = (*explorer)->RunSeed(3).schedule;
      EXPECT_EQ((*explorer)->RunSeed(3).schedule.switches, third.switches);
    }
  }
}

}  // namespace
}  // namespace pollux::explore
