// Snapshots under random calls: several processes that map, store, fork and end, and the objects
// that they share, are put back to a snapshot again and again. After each Restore() everything that
// can be seen is as it was when the snapshot was taken, and no page holds code that was translated
// from other bytes; the same calls again give the same answers; and what the calls answer is what
// they answer without a snapshot.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/snapshot.h"
#include "memory/snapshot_world.h"

namespace pollux::memory {
namespace {

class SnapshotRandomTest : public ::testing::Test {
 protected:
  // As a kernel does whose own state is put back.
  void Restore(World& world, Snapshot& snapshot, bool drop_first) {
    const auto drop_new = [&] {
      for (size_t at = 0; at < kSpaces; ++at) {
        Process& process = world.processes[at];
        if (process.space != nullptr && process.id != then_[at]) process = {};
      }
    };
    if (drop_first) drop_new();
    snapshot.Restore();
    for (size_t i = 0; i < number_.size(); ++i) {
      std::unique_ptr<AddressSpace> back = snapshot.TakeBack(i);
      if (back == nullptr) continue;
      for (uint64_t page = kArena / kPage; page < kArena / kPage + kArenaPages; ++page)
        ASSERT_FALSE(back->flags()[page] & kHoldsCode);
      world.Start(number_[i], std::move(back));
      then_[number_[i]] = world.last_id;
    }
    drop_new();
    world.objects = objects_;
  }

  std::array<uint64_t, kSpaces> then_ = {};  // Ids.
  std::vector<size_t> number_;               // In Take(), of processes.
  std::array<std::shared_ptr<SharedObject>, kObjects> objects_;
};

TEST_F(SnapshotRandomTest, EverythingIsAsItWas) {
  uint64_t seed = std::random_device()();
  if (const char* given = std::getenv("POLLUX_TEST_SEED")) seed = std::strtoull(given, nullptr, 0);
  std::printf("POLLUX_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    const uint64_t before = random();
    std::vector<uint64_t> runs = {random(), random(), random()};
    const bool limited = random() % 3 == 0;
    std::vector<Outcome> without;
    for (const uint64_t run : runs) {
      World::Codes codes;
      World world(&codes);
      Prepare(world, before);
      without.push_back(RunOn(world, run, false));
    }
    World::Codes codes;
    World world(&codes);
    Prepare(world, before);
    if (limited) world.budget.limit_bytes = world.budget.used_bytes + random() % 100 * kPage;
    std::vector<AddressSpace*> spaces;
    number_.clear();
    then_ = {};
    for (size_t at = 0; at < kSpaces; ++at) {
      if (world.processes[at].space == nullptr) continue;
      then_[at] = world.processes[at].id;
      spaces.push_back(world.processes[at].space.get());
      number_.push_back(at);
    }
    objects_ = world.objects;
    const std::vector<std::string> expected = world.Look(true);
    std::unique_ptr<Snapshot> snapshot = Snapshot::Take(&world.budget, spaces);
    ASSERT_EQ(Difference(expected, world.Look(true)), "");
    std::map<uint64_t, Outcome> outcomes;
    for (int i = 0; i < 12; ++i) {
      const size_t which = random() % runs.size();
      const Outcome outcome = RunOn(world, runs[which], true);
      if (HasFatalFailure()) FAIL() << "code in round " << round << ", run " << i;
      const auto [known, fresh] = outcomes.emplace(which, outcome);
      ASSERT_EQ(outcome.answers, known->second.answers) << "round " << round << ", run " << i;
      ASSERT_EQ(Difference(known->second.end, outcome.end), "")
          << "round " << round << ", run " << i;
      if (!limited) {
        ASSERT_EQ(outcome.answers, without[which].answers) << "round " << round << ", run " << i;
        ASSERT_EQ(Difference(without[which].end, world.Look(false)), "")
            << "round " << round << ", run " << i;
      }
      Restore(world, *snapshot, random() % 2 == 0);
      ASSERT_EQ(Difference(expected, world.Look(true)), "")
          << "round " << round << ", after run " << i;
      world.CheckCode();
      if (HasFatalFailure()) FAIL() << "code in round " << round << ", after run " << i;
    }
    // It may end whenever it likes, and then all goes on.
    if (random() % 2 == 0) RunOn(world, random(), true);
    snapshot.reset();
    objects_ = {};
    RunOn(world, random(), true);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

}  // namespace
}  // namespace pollux::memory
