// The exhaustive strategy on real programs (small_guest.c), whose schedules were counted by hand.
#include <cstdint>
#include <memory>
#include <string>

#include "explore/explorer.h"
#include "explore/testing.h"
#include "gtest/gtest.h"

namespace pollux::explore {
namespace {

using machine::Outcome;
using machine::WakeOrder;

TEST(Exhaustive, CountsAreThoseOfAPencil) {
  const std::string file = testing::FileOf("SMALL");
  // Each thread ends with exit(2), which conflicts with exit(2), and with nothing else that these
  // do. Let A and B be the threads, a and b what they do, EA and EB their ends. Orders of what
  // conflicts:
  const struct {
    const char* program;
    uint64_t schedules;
    WakeOrder wake_order = WakeOrder::kFifo;
    Outcome::Kind end = Outcome::Kind::kExited;
  } kPrograms[] = {
      // a and b commute: of EA and EB.
      {"1", 2},
      // Of a and b, and of EA and EB.
      {"2", 4},
      // Of two and two, 4! / (2! 2!), and of the ends.
      {"3", 12},
      // Reads commute: as the first.
      {"4", 2},
      // Of three, twice: 3! 3!.
      {"5", 36},
      // A stores and wakes, B waits: before, between or after the two. And of the ends.
      {"6", 6},
      // Both write to one descriptor.
      {"7", 4},
      // One does, the other stores.
      {"8", 2},
      // Nobody sees what they do.
      {"9", 2},
      // a conflicts with all. Before b: of the ends, 2. Between b and EB: the same. After EB: EA is
      // the last.
      {":", 5},
      // Of the call and the load, and of the ends.
      {";", 4},
      // What is done at the word has one order: C wakes, the one that is woken goes on and wakes
      // the other, which goes on and wakes nobody. Of the three ends: 3!.
      {"<", 6},
      // The same, with either of the two woken first.
      {"<", 12, WakeOrder::kAny},
      // Two go on, in either order, since both have waited at one word; and three ends: 2 * 3!. The
      // third waits forever.
      {"=", 12, WakeOrder::kFifo, Outcome::Kind::kDeadlock},
      // Two of three are three groups.
      {"=", 36, WakeOrder::kAny, Outcome::Kind::kDeadlock},
  };
  for (const auto& [program, expected, wake_order, end] : kPrograms) {
    machine::Options options;
    options.strategy.kind = machine::StrategyKind::kExhaustive;
    options.strategy.wake_order = wake_order;
    auto explorer =
        Explorer::Create(options, {.file = file, .name = "small", .arguments = {"small", program}});
    ASSERT_TRUE(explorer.ok()) << explorer.status();
    ASSERT_FALSE((*explorer)->only_one());
    uint64_t schedules = 0;
    while (schedules <= 1000) {
      const explore::Run run = (*explorer)->RunSeed(schedules + 1);
      if (run.none) break;
      ++schedules;
      EXPECT_EQ(run.outcome.kind, end);
    }
    EXPECT_EQ(schedules, expected) << program;
    // The third one again.
    if (expected >= 3) {
      const machine::Schedule third = (*explorer)->RunSeed(3).schedule;
      EXPECT_EQ((*explorer)->RunSeed(3).schedule.switches, third.switches);
      EXPECT_EQ((*explorer)->RunSeed(3).schedule.woken, third.woken);
    }
  }
}

}  // namespace
}  // namespace pollux::explore
