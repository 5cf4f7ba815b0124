#include "memory/arena.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "memory/snapshot.h"
#include "memory/snapshot_world.h"

namespace pollux::memory {
namespace {

TEST(Arena, OwnsWhatIsAllocatedWhileItIsEntered) {
  const std::unique_ptr<Arena> arena = Arena::Create();
  ASSERT_NE(arena, nullptr);
  auto outside = std::make_unique<int>(1);
  EXPECT_FALSE(Arena::Owns(outside.get()));
  std::unique_ptr<int> inside;
  {
    const Arena::Scope scope(arena.get());
    EXPECT_EQ(Arena::Entered(), arena.get());
    inside = std::make_unique<int>(2);
    {
      const OutsideArena left;
      EXPECT_FALSE(Arena::Owns(std::make_unique<int>(3).get()));
    }
    EXPECT_TRUE(Arena::Owns(std::make_unique<int>(4).get()));
    outside.reset();  // To where it came from.
  }
  EXPECT_EQ(Arena::Entered(), nullptr);
  EXPECT_TRUE(Arena::Owns(inside.get()));
  inside.reset();
  EXPECT_FALSE(Arena::Owns(nullptr));
}

TEST(Arena, BlocksAreApartAlignedAndUsedAgain) {
  const std::unique_ptr<Arena> arena = Arena::Create();
  ASSERT_NE(arena, nullptr);
  std::mt19937_64 random(7);
  struct Block {
    size_t bytes;
    uint8_t fill;
  };
  std::map<uint8_t*, Block> blocks;
  uint64_t used_by_first_half = 0;
  for (int i = 0; i < 20000; ++i) {
    if (i == 10000) used_by_first_half = arena->used_bytes();
    if (blocks.size() > 300 || (!blocks.empty() && random() % 3 == 0)) {
      auto block = blocks.lower_bound(reinterpret_cast<uint8_t*>(random()));
      if (block == blocks.end()) block = blocks.begin();
      for (size_t at = 0; at < block->second.bytes; ++at)
        ASSERT_EQ(block->first[at], block->second.fill);
      Arena::Free(block->first);
      blocks.erase(block);
    } else {
      const size_t bytes = random() % (random() % 20 == 0 ? 100000 : 600);
      const size_t alignment = random() % 10 == 0 ? size_t{1} << (random() % 13) : 1;
      auto* const memory = static_cast<uint8_t*>(arena->Allocate(bytes, alignment));
      ASSERT_EQ(reinterpret_cast<uint64_t>(memory) % std::max<size_t>(alignment, 16), 0u);
      const auto fill = static_cast<uint8_t>(random());
      std::memset(memory, fill, bytes);
      const auto next = blocks.upper_bound(memory);
      if (next != blocks.end()) {
        ASSERT_LE(memory + bytes, next->first);
      }
      blocks[memory] = {bytes, fill};
    }
  }
  EXPECT_LT(arena->used_bytes(), used_by_first_half * 3 / 2) << "freed blocks are not used again";
}

// Objects that point to each other, with counts and buffers.
struct Node {
  std::string text;
  std::shared_ptr<Node> next;
};
struct Graph {
  std::map<int, std::shared_ptr<Node>> nodes;
  std::vector<int> numbers;
};

void Change(Graph& graph, std::mt19937_64& random) {
  for (int i = 0; i < 200; ++i) {
    const int at = static_cast<int>(random() % 50);
    std::shared_ptr<Node>& node = graph.nodes[at];
    if (node == nullptr || random() % 4 == 0) node = std::make_shared<Node>();
    node->text.assign(random() % 200, static_cast<char>('a' + random() % 26));
    if (random() % 2 == 0) node->next = graph.nodes[static_cast<int>(random() % 50)];
    if (random() % 5 == 0) graph.nodes.erase(at);
    graph.numbers.push_back(at);
  }
  // Circles would keep what nobody reaches.
  for (auto& [at, node] : graph.nodes) {
    if (node != nullptr) node->next.reset();
  }
}

std::string Look(const Graph& graph) {
  std::string text;
  for (const auto& [at, node] : graph.nodes) {
    text += std::to_string(at) + ":" + (node == nullptr ? "-" : node->text) + "*" +
            std::to_string(node.use_count()) + " ";
  }
  for (const int number : graph.numbers) text += std::to_string(number) + " ";
  return text;
}

TEST(Arena, GoesBackToItsImage) {
  const std::unique_ptr<Arena> arena = Arena::Create();
  ASSERT_NE(arena, nullptr);
  std::mt19937_64 random(3);
  Graph* graph;
  {
    const Arena::Scope scope(arena.get());
    graph = new Graph;
    Change(*graph, random);
  }
  const std::string expected = Look(*graph);
  const std::unique_ptr<Arena::Image> image = arena->Save();
  const std::mt19937_64 from_here = random;
  std::string first;
  for (int run = 0; run < 20; ++run) {
    random = from_here;
    {
      const Arena::Scope scope(arena.get());
      Change(*graph, random);
    }
    ASSERT_NE(Look(*graph), expected);
    if (run == 0) first = Look(*graph);
    ASSERT_EQ(Look(*graph), first);
    arena->Restore(*image);
    ASSERT_EQ(Look(*graph), expected);
  }
  delete graph;
}

TEST(Arena, ManyLiveSideBySideAndTheirPlacesAreUsedAgain) {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Arena>> arenas;
    for (uint64_t i = 0; i < Arena::kMaxArenas; ++i) {
      arenas.push_back(Arena::Create());
      ASSERT_NE(arenas.back(), nullptr) << i;
      auto* const word = static_cast<uint64_t*>(arenas.back()->Allocate(8, 8));
      EXPECT_EQ(*word, 0u) << "what another one has left";
      *word = i;
    }
    EXPECT_EQ(Arena::Create(), nullptr);
  }
}

// Code that was translated since is still known after the way back: nobody has changed the page.
TEST(SnapshotInArena, LaterChangesOfAnObjectAreToldToWhoTranslatedItsCode) {
  const std::unique_ptr<Arena> arena = Arena::Create();
  ASSERT_NE(arena, nullptr);
  World::Codes codes;
  World* world;
  std::unique_ptr<Snapshot> snapshot;
  const uint64_t first = kArena / kPage;
  {
    const Arena::Scope scope(arena.get());
    world = new World(&codes);
    world->objects[0] = *SharedObject::Create(&world->budget, 4 * kPage);
    const std::vector<uint8_t> bytes(2 * kPage, 0x13);
    ASSERT_EQ(world->objects[0]->Write(0, bytes), bytes.size());
    world->Start(0, *AddressSpace::Create(&world->budget));
    AddressSpace::MapRequest request;
    request.hint = {kArena};
    request.length = 2 * kPage;
    request.prot = kProtRead | kProtExec;
    request.fixed = true;
    request.shared = true;
    request.object = world->objects[0];
    ASSERT_TRUE(world->processes[0].space->Map(request).ok());
    AddressSpace* const spaces[] = {world->processes[0].space.get()};
    snapshot = Snapshot::Take(&world->budget, spaces);
  }
  const std::unique_ptr<Arena::Image> image = arena->Save();
  Code& code = *world->processes[0].code;
  for (int run = 0; run < 3; ++run) {
    const Arena::Scope scope(arena.get());
    if (run == 0) world->Translate(world->processes[0], first, 2);
    ASSERT_EQ(code.translated.size(), 2u);
    snapshot->RestoreHost();
    arena->Restore(*image);
    ASSERT_TRUE(snapshot->AfterArena().empty());
  }
  {
    const Arena::Scope scope(arena.get());
    const std::vector<uint8_t> bytes(8, 0x33);
    ASSERT_EQ(world->objects[0]->Write(kPage, bytes), bytes.size());
    EXPECT_EQ(code.translated.count(first), 1u);
    EXPECT_EQ(code.translated.count(first + 1), 0u);
    world->CheckCode();
    snapshot.reset();
    delete world;
  }
}

// As snapshot_random_test.cc, for owners in an arena.
TEST(SnapshotInArena, EverythingIsAsItWas) {
  uint64_t seed = std::random_device()();
  if (const char* given = std::getenv("POLLUX_TEST_SEED")) seed = std::strtoull(given, nullptr, 0);
  std::printf("POLLUX_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    const uint64_t before = random();
    const std::vector<uint64_t> runs = {random(), random(), random()};
    const std::unique_ptr<Arena> arena = Arena::Create();
    ASSERT_NE(arena, nullptr);
    World::Codes codes;
    World* world;
    std::vector<AddressSpace*> spaces;
    std::vector<Code*> codes_of_spaces;
    {
      const Arena::Scope scope(arena.get());
      world = new World(&codes);
      Prepare(*world, before);
      if (random() % 3 == 0)
        world->budget.limit_bytes = world->budget.used_bytes + random() % 100 * kPage;
    }
    for (const Process& process : world->processes) {
      if (process.space == nullptr) continue;
      spaces.push_back(process.space.get());
      codes_of_spaces.push_back(process.code);
    }
    const std::vector<std::string> expected = world->Look(true);
    std::unique_ptr<Snapshot> snapshot;
    {
      const Arena::Scope scope(arena.get());
      snapshot = Snapshot::Take(&world->budget, spaces);
    }
    const std::unique_ptr<Arena::Image> image = arena->Save();
    std::map<uint64_t, Outcome> outcomes;
    for (int i = 0; i < 12; ++i) {
      const size_t which = random() % runs.size();
      Outcome outcome;
      {
        const Arena::Scope scope(arena.get());
        const Outcome inside = RunOn(*world, runs[which], true);
        const OutsideArena outside;
        outcome = inside;
      }
      if (HasFatalFailure()) FAIL() << "code in round " << round << ", run " << i;
      const auto [known, fresh] = outcomes.emplace(which, outcome);
      ASSERT_EQ(outcome.answers, known->second.answers) << "round " << round << ", run " << i;
      ASSERT_EQ(Difference(known->second.end, outcome.end), "")
          << "round " << round << ", run " << i;
      {
        const Arena::Scope scope(arena.get());
        snapshot->RestoreHost();
      }
      arena->Restore(*image);
      for (const AddressSpace* space : snapshot->AfterArena()) {
        const auto at = std::find(spaces.begin(), spaces.end(), space) - spaces.begin();
        codes_of_spaces[static_cast<size_t>(at)]->translated.clear();
      }
      ASSERT_EQ(Difference(expected, world->Look(true)), "")
          << "round " << round << ", after run " << i;
      world->CheckCode();
      if (HasFatalFailure()) FAIL() << "code in round " << round << ", after run " << i;
    }
    {
      const Arena::Scope scope(arena.get());
      if (random() % 2 == 0) RunOn(*world, random(), true);
      snapshot.reset();
      RunOn(*world, random(), true);
      delete world;
    }
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

}  // namespace
}  // namespace pollux::memory
