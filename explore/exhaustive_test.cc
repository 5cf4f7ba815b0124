// The exhaustive strategy on real programs (small_guest.c), whose schedules were counted by hand.
#include <cstdint>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <tuple>
#include <vector>

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

// How many schedules there are with at most so many preemptions, and whether there are others.
struct Bounded {
  uint64_t schedules = 0;
  bool others = false;
  friend bool operator==(const Bounded&, const Bounded&) = default;
  friend void PrintTo(const Bounded& bounded, std::ostream* out) {
    *out << bounded.schedules << (bounded.others ? " and others" : "");
  }
};

Bounded CountWithin(uint64_t bound, const std::string& program, WakeOrder wake_order) {
  machine::Options options;
  options.strategy.kind = machine::StrategyKind::kExhaustive;
  options.strategy.preemption_bound = bound;
  options.strategy.wake_order = wake_order;
  auto explorer = Explorer::Create(
      options,
      {.file = testing::FileOf("SMALL"), .name = "small", .arguments = {"small", program}});
  EXPECT_TRUE(explorer.ok()) << explorer.status();
  std::set<std::vector<std::tuple<Tid, uint64_t, uint32_t, Tid>>> seen;
  for (uint64_t seed = 1; seed <= 10'000; ++seed) {
    const explore::Run run = (*explorer)->RunSeed(seed);
    if (run.none) {
      EXPECT_FALSE(run.cut);
      return {seed - 1, run.bounded};
    }
    std::vector<std::tuple<Tid, uint64_t, uint32_t, Tid>> schedule;
    for (const machine::Switch& one : run.schedule.switches)
      schedule.emplace_back(one.from, one.retired, one.after, one.to);
    for (const machine::WokenThread& one : run.schedule.woken)
      schedule.emplace_back(one.waker, one.retired, one.after, one.woken);
    EXPECT_TRUE(seen.insert(schedule).second) << program << ": schedule " << seed << " twice";
  }
  ADD_FAILURE() << "no end";
  return {};
}

TEST(Exhaustive, CountsWithABoundOnPreemptionsAreThoseOfAPencil) {
  // A runs when choices begin, and comes to a; B comes to b.
  const struct {
    const char* program;
    std::vector<Bounded> by_bound;
    WakeOrder wake_order = WakeOrder::kFifo;
  } kPrograms[] = {
      // a EA, b EB, in all orders, 4! / (2! 2!). In runs of A and of B: each begins with a
      // preemption
      // but for the first one of A, and those behind the other's end. None: AABB. One: ABBA, BBAA.
      // Two: ABAB, BAAB. Three: BABA.
      {"2", {{1, true}, {3, true}, {5, true}, {6, false}, {6, false}}},
      // What commutes is not left out.
      {"1", {{1, true}, {3, true}, {5, true}, {6, false}}},
      // Two and an end each, 20: with i runs of A and j of B, (i - 1) + (j - 1) preemptions, and
      // one
      // where B comes first. Three are i runs in 1, 2, 1 ways. A first, j = i or i - 1: 1, 2, 4, 2,
      // 1
      // with 0 to 4; B first: 1, 2, 4, 2, 1 with 1 to 5.
      {"3", {{1, true}, {4, true}, {10, true}, {16, true}, {19, true}, {20, false}}},
      // Three threads, 90. Each that is done in two runs is a preemption, and so is it where A is
      // not
      // the first. With 0 to 3 threads in two runs, beside each other in no order: 6, 18, 36, 30,
      // of
      // which 2, 6, 12, 10 begin with A.
      {"5", {{2, true}, {12, true}, {36, true}, {70, true}, {90, false}}},
      // C wakes W, which goes on and wakes O. None: C, W, O. One: C gives way to W, and behind W
      // come C
      // O or O C; or W gives way to O, which it has woken. Two: C to W, and W to C before it has
      // woken
      // O, 1; or behind that, then W O or O W, 2; or W to O, then C W or W C, 2; or, W done, O to C
      // before its second or third step, 2; or W to O and O to W there, 2.
      {"<", {{1, true}, {4, true}, {13, true}}},
      // With either of the two as W.
      {"<", {{2, true}, {8, true}, {26, true}}, WakeOrder::kAny},
  };
  for (const auto& [program, by_bound, wake_order] : kPrograms) {
    for (size_t bound = 0; bound < by_bound.size(); ++bound)
      EXPECT_EQ(CountWithin(bound, program, wake_order), by_bound[bound])
          << program << ", " << bound;
  }
}

// Each of two threads has one lock and waits for the other's.
TEST(Exhaustive, ADeadlockOfTwoNeedsOnePreemption) {
  machine::Options options = testing::VictimOptions();
  options.strategy.kind = machine::StrategyKind::kExhaustive;
  for (const uint64_t bound : {0, 1}) {
    options.strategy.preemption_bound = bound;
    auto explorer = Explorer::Create(options, testing::Victim("abba"));
    ASSERT_TRUE(explorer.ok()) << explorer.status();
    bool found = false, none = false;
    for (uint64_t seed = 1; seed <= 10'000 && !found && !none; ++seed) {
      const explore::Run run = (*explorer)->RunSeed(seed);
      none = run.none;
      found = !none && run.outcome.kind == Outcome::Kind::kDeadlock;
    }
    EXPECT_EQ(found, bound == 1);
    EXPECT_EQ(none, bound == 0);
  }
}

// Without it the search would never come back from the one that spins.
TEST(Exhaustive, WhoSpinsGivesWayWithinABound) {
  machine::Options options = testing::VictimOptions();
  options.strategy.kind = machine::StrategyKind::kExhaustive;
  options.strategy.preemption_bound = 0;
  auto explorer = Explorer::Create(options, testing::Victim("awaits_flag"));
  ASSERT_TRUE(explorer.ok()) << explorer.status();
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const explore::Run run = (*explorer)->RunSeed(seed);
    if (run.none) return;
    EXPECT_EQ(run.outcome.kind, Outcome::Kind::kExited) << seed;
  }
}

}  // namespace
}  // namespace pollux::explore
