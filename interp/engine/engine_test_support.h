// What tests of the engines share: a hart with memory of its own, and instructions written by hand.
#ifndef POLLUX_INTERP_ENGINE_ENGINE_TEST_SUPPORT_H_
#define POLLUX_INTERP_ENGINE_ENGINE_TEST_SUPPORT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "interp/engine/engine.h"
#include "memory/address_space.h"

namespace pollux::interp {

using memory::AddressSpace;
using memory::kPageBytes;

inline constexpr uint64_t kCode = 0x100000, kData = 0x200000;

class FixedCounters final : public Counters {
 public:
  uint64_t Cycle(const Cpu& cpu) override { return cpu.retired; }
  uint64_t Time(const Cpu& cpu) override { return cpu.retired / 100; }
  uint64_t Instret(const Cpu& cpu) override { return cpu.retired; }
  void CountOperations(uint64_t more) override { operations += more; }
  void CountReferenceStep() override { ++reference_steps; }
  uint64_t operations = 0, reference_steps = 0;
};

// One hart with code and data pages of its own.
struct Hart {
  explicit Hart(EngineKind kind) {
    auto created = AddressSpace::Create(&budget);
    EXPECT_TRUE(created.ok());
    space = std::move(*created);
    engine = MakeEngine(kind, *space, counters);
    cpu.pc = kCode;
  }

  void Map(uint64_t start, uint64_t bytes, uint32_t prot) {
    AddressSpace::MapRequest request;
    request.hint = {start};
    request.length = bytes;
    request.prot = prot;
    request.fixed = true;
    ASSERT_TRUE(space->Map(request).ok());
  }
  void Put(uint64_t at, const std::vector<uint32_t>& words) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(words.data());
    ASSERT_EQ(space->WriteForced({at}, {bytes, words.size() * 4}), words.size() * 4);
  }
  std::vector<uint8_t> Bytes(uint64_t at, uint64_t bytes) {
    std::vector<uint8_t> result(bytes);
    EXPECT_EQ(space->Read({at}, result), bytes);
    return result;
  }

  memory::MemoryBudget budget;
  FixedCounters counters;
  std::unique_ptr<AddressSpace> space;
  std::unique_ptr<Engine> engine;
  Cpu cpu;
};

// Encodings written by hand, so that these tests do not lean on the encoder.
constexpr uint32_t Addi(int rd, int rs1, int imm) {
  return (imm & 0xfffu) << 20 | rs1 << 15 | rd << 7 | 0x13;
}
constexpr uint32_t Sw(int rs2, int rs1, int imm) {
  return (static_cast<uint32_t>(imm) >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | 2 << 12 |
         (imm & 31) << 7 | 0x23;
}
constexpr uint32_t Ld(int rd, int rs1, int imm) {
  return (imm & 0xfffu) << 20 | rs1 << 15 | 3 << 12 | rd << 7 | 3;
}
constexpr uint32_t Sd(int rs2, int rs1, int imm) { return Sw(rs2, rs1, imm) | 1 << 12; }
constexpr uint32_t Bne(int rs1, int rs2, int offset) {
  const uint32_t o = static_cast<uint32_t>(offset);
  return (o >> 12 & 1) << 31 | (o >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15 | 1 << 12 |
         (o >> 1 & 15) << 8 | (o >> 11 & 1) << 7 | 0x63;
}
constexpr uint32_t Jal(int rd, int offset) {
  const uint32_t o = static_cast<uint32_t>(offset);
  return (o >> 20 & 1) << 31 | (o >> 1 & 0x3ff) << 21 | (o >> 11 & 1) << 20 | (o & 0xff000) |
         rd << 7 | 0x6f;
}
inline constexpr uint32_t kRetBits = 0x8067, kEcallBits = 0x73, kEbreakBits = 0x100073,
                          kFenceIBits = 0x100f;
inline constexpr uint32_t kLrW = 0x1000202f | 10 << 15 | 11 << 7;             // lr.w x11,(x10)
inline constexpr uint32_t kScW = 0x1800202f | 12 << 20 | 10 << 15 | 13 << 7;  // sc.w x13,x12,(x10)

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_ENGINE_TEST_SUPPORT_H_
