// Strategies that choose before events, on abstract programs: threads that do nothing but events.
#include "machine/strategy/event_strategy.h"

#include <cmath>
#include <memory>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "machine/strategy/exhaustive.h"
#include "machine/strategy/feedback.h"
#include "machine/strategy/strategies.h"
#include "os_emu/task/testing.h"

namespace pollux::machine {
namespace {

using os_emu::Thread;
using Program = std::vector<std::vector<Event>>;  // By thread.
using Order = std::vector<size_t>;                // Whose event happened.

Event Write(uint64_t addr) {
  return {.kind = Event::Kind::kReadWrite, .atomic = true, .bytes = 8, .addr = addr};
}
Event WriteAt(uint64_t addr, uint64_t pc) {
  Event event = Write(addr);
  event.pc = pc;
  return event;
}
Event Access(Event::Kind kind, uint64_t addr, uint8_t bytes = 8) {
  return {.kind = kind, .bytes = bytes, .addr = addr};
}

class EventStrategyTest : public testing::Test {
 protected:
  EventStrategyTest() {
    machine_.NewThread();
    machine_.NewThread();
  }
  std::span<Thread* const> All() { return machine_.kernel().run_queue().threads(); }

  Order Run(const Program& program, Strategy& strategy) {
    std::vector<size_t> next(program.size(), 0);
    std::vector<bool> stopped(program.size(), false);
    Order order;
    const Thread* last = nullptr;
    for (;;) {
      std::vector<Thread*> runnable;
      std::vector<size_t> places;
      for (size_t i = 0; i < program.size(); ++i) {
        if (next[i] == program[i].size()) continue;
        runnable.push_back(All()[i]);
        places.push_back(i);
      }
      if (runnable.empty()) return order;
      const size_t place = strategy.Choose({.runnable = runnable, .last = last});
      if (place == Strategy::kAbandon) return {};
      const size_t chosen = places[place];
      last = All()[chosen];
      if (stopped[chosen]) {
        order.push_back(chosen);
        stopped[chosen] = false;
        if (++next[chosen] == program[chosen].size()) {
          last = nullptr;
          continue;
        }
      }
      EXPECT_TRUE(strategy.StopsBefore(*All()[chosen], program[chosen][next[chosen]]));
      stopped[chosen] = true;
    }
  }

  // Of so many schedules, how many show it.
  template <typename Shows>
  double Share(const Program& program, const StrategyOptions& options, int schedules,
               const Shows& shows) {
    int found = 0;
    for (int seed = 1; seed <= schedules; ++seed)
      found += shows(Run(program, *MakeStrategy(options, static_cast<uint64_t>(seed))));
    return static_cast<double>(found) / schedules;
  }

  os_emu::testing::TestMachine machine_;
};

// When the event number `event` of `thread` happened.
size_t When(const Order& order, size_t thread, size_t event) {
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] == thread && event-- == 0) return i;
  }
  return SIZE_MAX;
}

constexpr int kEventsEach = 10;

Program ThreeThreads() { return Program(3, std::vector<Event>(kEventsEach, Write(0x1000))); }

TEST_F(EventStrategyTest, PctMeetsItsBound) {
  // Choices: an event each, and the beginning of each thread.
  constexpr double kThreads = 3, kLength = 3 * kEventsEach + 3;
  // Depth 1: one order between two threads.
  const double one =
      Share(ThreeThreads(), {.kind = StrategyKind::kPct, .depth = 1, .length = 33}, 3000,
            [](const Order& order) { return When(order, 2, 0) < When(order, 0, 0); });
  EXPECT_GE(one, 1 / kThreads);
  // Depth 2: all of another thread falls between two events of one.
  const double two = Share(ThreeThreads(), {.kind = StrategyKind::kPct, .depth = 2, .length = 33},
                           20000, [](const Order& order) {
                             return When(order, 0, 4) < When(order, 1, 0) &&
                                    When(order, 1, kEventsEach - 1) < When(order, 0, 5);
                           });
  EXPECT_GE(two, 1 / (kThreads * kLength));
  // Depth 3: and there and back again.
  const double three = Share(ThreeThreads(), {.kind = StrategyKind::kPct, .depth = 3, .length = 33},
                             100000, [](const Order& order) {
                               return When(order, 0, 4) < When(order, 1, 2) &&
                                      When(order, 1, 2) < When(order, 0, 5) &&
                                      When(order, 0, 7) < When(order, 1, 3);
                             });
  EXPECT_GE(three, 1 / (kThreads * kLength * kLength));
}

TEST_F(EventStrategyTest, PctOfDepthOneRunsThreadsAsAWhole) {
  for (int seed = 1; seed <= 100; ++seed) {
    const Order order = Run(ThreeThreads(), *MakeStrategy({.kind = StrategyKind::kPct, .depth = 1},
                                                          static_cast<uint64_t>(seed)));
    int changes = 0;
    for (size_t i = 1; i < order.size(); ++i) changes += order[i] != order[i - 1];
    EXPECT_EQ(changes, 2) << seed;
  }
}

TEST_F(EventStrategyTest, PctDoesNotStarveWhomASpinnerWaitsFor) {
  Program program = {std::vector<Event>(5000, Write(0x1000)), {Write(0x1000)}};
  for (int seed = 1; seed <= 20; ++seed) {
    const Order order = Run(program, *MakeStrategy({.kind = StrategyKind::kPct, .depth = 1},
                                                   static_cast<uint64_t>(seed)));
    EXPECT_LE(When(order, 1, 0), 1001u) << seed;
  }
}

TEST_F(EventStrategyTest, PosGivesTheLateOneItsChance) {
  // Ten events of its own before the one that matters. A walk that tosses a coin before each event
  // has the other one wait for it once in 2048 schedules.
  Program program = {{}, {Write(0x9000)}};
  for (uint64_t i = 0; i < 10; ++i) program[0].push_back(Write(0x1000 + 8 * i));
  program[0].push_back(Write(0x9000));
  const double share = Share(program, {.kind = StrategyKind::kPos}, 20000, [](const Order& order) {
    return When(order, 0, 10) < When(order, 1, 0);
  });
  // The other one's priority is the lowest of 12, twice: it is drawn anew for the last event.
  EXPECT_GT(share, 1.0 / 40);
}

TEST_F(EventStrategyTest, PosOrdersTwoThatConflictEitherWay) {
  const Program program = {{Write(0x1000)}, {Write(0x1000)}};
  const double share = Share(program, {.kind = StrategyKind::kPos}, 5000,
                             [](const Order& order) { return order[0] == 0; });
  EXPECT_NEAR(share, 0.5, 0.05);
}

TEST_F(EventStrategyTest, AnExhaustiveSearchRunsEachPartialOrderOnce) {
  using Kind = Event::Kind;
  const Event x = Write(0x1000), y = Write(0x2000);
  const Event reads_x = Access(Kind::kRead, 0x1000);
  Event reads_x_atomically = reads_x;
  reads_x_atomically.atomic = true;
  const struct {
    const char* what;
    Program program;
    uint64_t expected;  // Counted by hand.
  } kPrograms[] = {
      {"nothing in common", {{x}, {y}}, 1},
      {"two writes", {{x}, {x}}, 2},
      {"two writes each: 4! / (2! 2!)", {{x, x}, {x, x}}, 6},
      {"three threads that write: 3!", {{x}, {x}, {x}}, 6},
      // Each read comes before or after the write.
      {"one writes, two read", {{x}, {reads_x_atomically}, {reads_x_atomically}}, 4},
      // Both orders of x and of y, but not the two that would be a cycle.
      {"in opposite orders", {{x, y}, {y, x}}, 3},
      {"in the same order", {{x, y}, {x, y}}, 4},
      {"two pairs: 2 * 1", {{x}, {x}, {y}}, 2},
  };
  for (const auto& [what, program, expected] : kPrograms) {
    ExhaustiveSearch search;
    std::set<Order> orders;
    while (!search.complete()) {
      const Order order = Run(program, *search.Next(nullptr));
      search.Ran(order.empty());
      if (order.empty()) continue;
      EXPECT_TRUE(orders.insert(order).second) << what << ": one schedule twice";
    }
    EXPECT_EQ(search.schedules(), expected) << what;
  }
}

// A thread has to come between two events of another one, twenty times in a row: each time that is
// seen in what it reads.
TEST_F(EventStrategyTest, FeedbackKeepsWhatShowsSomethingNew) {
  Program program(2);
  for (uint64_t i = 0; i < 6; ++i) {
    for (int k = 0; k < 2; ++k)
      program[0].push_back(WriteAt(0x1000 + 8 * i, 0x100 + 16 * i + 4 * k));
    program[1].push_back(WriteAt(0x1000 + 8 * i, 0x800 + 4 * i));
  }
  FeedbackSearch search(1);
  for (int i = 0; i < 200; ++i) {
    Run(program, *search.Next(nullptr));
    search.Ran();
  }
  EXPECT_EQ(search.schedules(), 200u);
  EXPECT_GT(search.kept(), 3u);
  EXPECT_LT(search.kept(), 100u);
  EXPECT_GT(search.pairs(), 18u);
  // The same campaign is the same.
  FeedbackSearch again(1);
  FeedbackSearch first(1), other(2);
  const auto orders = [&](FeedbackSearch& campaign) {
    std::vector<Order> all;
    for (int i = 0; i < 50; ++i) {
      all.push_back(Run(program, *campaign.Next(nullptr)));
      campaign.Ran();
    }
    return all;
  };
  const std::vector<Order> expected = orders(first);
  EXPECT_EQ(orders(again), expected);
  EXPECT_NE(orders(other), expected);
}

TEST(SharedMemory, IsWhatTwoThreadsTouchAndOneWrites) {
  using Kind = Event::Kind;
  SharedMemory memory;
  EXPECT_FALSE(memory.Note(Tid{1}, Access(Kind::kWrite, 0x1000)));
  EXPECT_FALSE(memory.Note(Tid{1}, Access(Kind::kRead, 0x1000)));
  EXPECT_TRUE(memory.Note(Tid{2}, Access(Kind::kRead, 0x1000)));
  EXPECT_TRUE(memory.Note(Tid{1}, Access(Kind::kRead, 0x1004, 1)));
  // Only read.
  EXPECT_FALSE(memory.Note(Tid{1}, Access(Kind::kRead, 0x2000)));
  EXPECT_FALSE(memory.Note(Tid{2}, Access(Kind::kRead, 0x2000)));
  EXPECT_TRUE(memory.Note(Tid{1}, Access(Kind::kWrite, 0x2000)));
  // Over the end of a unit.
  EXPECT_FALSE(memory.Note(Tid{1}, Access(Kind::kWrite, 0x3008, 4)));
  EXPECT_TRUE(memory.Note(Tid{2}, Access(Kind::kRead, 0x3006, 4)));
  // Another process.
  Event elsewhere = Access(Kind::kRead, 0x1000);
  elsewhere.space = Tid{7};
  EXPECT_FALSE(memory.Note(Tid{3}, elsewhere));
  SharedMemory later;
  later.Learn(memory);
  EXPECT_TRUE(later.Note(Tid{1}, Access(Kind::kRead, 0x1000)));
}

TEST(Conflict, IsBetweenAWriteAndAnAccessOfTheSameBytes) {
  using Kind = Event::Kind;
  EXPECT_TRUE(Conflict(Access(Kind::kWrite, 0x1000), Access(Kind::kRead, 0x1004, 1)));
  EXPECT_FALSE(Conflict(Access(Kind::kRead, 0x1000), Access(Kind::kRead, 0x1000)));
  EXPECT_FALSE(Conflict(Access(Kind::kWrite, 0x1000), Access(Kind::kWrite, 0x1008)));
  EXPECT_TRUE(Conflict({.kind = Kind::kSystemCall}, {.kind = Kind::kSystemCall}));
  EXPECT_FALSE(Conflict({.kind = Kind::kFence}, Access(Kind::kWrite, 0x1000)));
}

}  // namespace
}  // namespace pollux::machine
