#include "machine/engine_table.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "abi/types.h"
#include "gtest/gtest.h"
#include "interp/engine/cpu.h"
#include "interp/engine/engine.h"
#include "memory/address_space.h"
#include "memory/arena.h"

namespace pollux::machine {
namespace {

using memory::AddressSpace;

constexpr uint64_t kCode = 0x10000;

class NoCounters final : public interp::Counters {
 public:
  uint64_t Cycle(const interp::Cpu&) override { return 0; }
  uint64_t Time(const interp::Cpu&) override { return 0; }
  uint64_t Instret(const interp::Cpu&) override { return 0; }
};

// A process that does nothing but put `number` into a0.
std::unique_ptr<AddressSpace> ProgramThatGives(uint32_t number, memory::MemoryBudget& budget) {
  auto created = AddressSpace::Create(&budget);
  EXPECT_TRUE(created.ok());
  AddressSpace::MapRequest request;
  request.hint = GuestAddr{kCode};
  request.length = memory::kPageBytes;
  request.prot = memory::kProtRead | memory::kProtExec;
  request.fixed = true;
  EXPECT_TRUE((*created)->Map(request).ok());
  const uint32_t addi = number << 20 | interp::kA0 << 7 | 0x13;
  uint8_t bytes[sizeof addi];
  std::memcpy(bytes, &addi, sizeof addi);
  EXPECT_EQ((*created)->WriteForced(GuestAddr{kCode}, bytes), sizeof bytes);
  return std::move(*created);
}

uint64_t ResultOf(interp::Engine& engine) {
  interp::Cpu cpu;
  cpu.pc = kCode;
  engine.Run(cpu, 1);
  return cpu.x[interp::kA0];
}

TEST(EngineTable, AnEngineThatIsUsedAgainKnowsNothingOfWhomItServedBefore) {
  const std::unique_ptr<memory::Arena> arena = memory::Arena::Create();
  if (arena == nullptr) GTEST_SKIP() << "under the address sanitizer there are none";
  const memory::Arena::Scope scope(arena.get());
  NoCounters counters;
  memory::MemoryBudget budget;
  EngineTable engines(interp::EngineKind::kFast, counters);
  std::unique_ptr<AddressSpace> first = ProgramThatGives(3, budget);
  const void* const place = first.get();
  interp::Engine* const engine = &engines.Use(*first);
  EXPECT_EQ(ResultOf(*engine), 3u);
  engines.Release(*first);
  first.reset();

  const std::unique_ptr<AddressSpace> second = ProgramThatGives(4, budget);
  ASSERT_EQ(second.get(), place) << "an arena gives the same again";
  EXPECT_EQ(&engines.Use(*second), engine);
  EXPECT_EQ(ResultOf(*engine), 4u);
  // While it is in use it is nobody else's, and it hears of what changes.
  const std::unique_ptr<AddressSpace> third = ProgramThatGives(5, budget);
  EXPECT_NE(&engines.Use(*third), engine);
  const uint32_t addi = 6u << 20 | interp::kA0 << 7 | 0x13;
  uint8_t bytes[sizeof addi];
  std::memcpy(bytes, &addi, sizeof addi);
  EXPECT_EQ(second->WriteForced(GuestAddr{kCode}, bytes), sizeof bytes);
  EXPECT_EQ(ResultOf(*engine), 6u);
  engines.Release(*third);
  engines.Release(*second);
}

}  // namespace
}  // namespace pollux::machine
