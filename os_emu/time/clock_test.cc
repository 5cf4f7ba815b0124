#include "os_emu/time/clock.h"

#include "gtest/gtest.h"

namespace pollux::os_emu {
namespace {

TEST(Clock, BeginsAtTheEpochOfTheMachine) {
  const Clock clock;
  EXPECT_EQ(clock.Monotonic(), Clock::kBootNanos);
  EXPECT_EQ(clock.Realtime(), Clock::kEpoch);
}

TEST(Clock, BothClocksAdvanceAlike) {
  Clock clock;
  clock.AdvanceBy(Nanos{5});
  EXPECT_EQ(clock.Monotonic(), Clock::kBootNanos + Nanos{5});
  EXPECT_EQ(clock.Realtime(), Clock::kEpoch + Nanos{5});
}

TEST(Clock, AdvanceToNeverGoesBack) {
  Clock clock;
  clock.AdvanceTo(Clock::kBootNanos + Nanos{10});
  clock.AdvanceTo(Clock::kBootNanos + Nanos{3});
  EXPECT_EQ(clock.Monotonic(), Clock::kBootNanos + Nanos{10});
}

TEST(Clock, StopsAtTheEndOfTime) {
  Clock clock;
  clock.AdvanceTo(kNanosMax - Nanos{5});
  clock.AdvanceBy(Nanos{10});
  EXPECT_EQ(clock.Monotonic(), kNanosMax);
  EXPECT_EQ(clock.Realtime(), kNanosMax);
}

}  // namespace
}  // namespace pollux::os_emu
