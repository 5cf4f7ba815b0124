// The fast engine against the reference on random code, stopped at random places.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "interp/engine/engine.h"
#include "interp/engine/engine_test_support.h"
#include "interp/engine/next_access.h"
#include "interp/isa/decoder.h"
#include "interp/isa/disassembler.h"
#include "interp/isa/opcode_info.h"
#include "memory/address_space.h"

namespace pollux::interp {
namespace {

class RandomCode {
 public:
  explicit RandomCode(uint64_t seed) : random_(seed) {}

  uint64_t Bits() { return random_(); }
  bool OneIn(int n) { return random_() % n == 0; }

  // A valid encoding of a random row with random fields; compressed ones come in pairs.
  uint32_t Word() {
    if (OneIn(40)) return static_cast<uint32_t>(Bits());
    for (;;) {
      const OpcodeInfo& row = kOpcodeInfo[1 + Bits() % (kOpcodes - 1)];
      uint32_t low = row.match | (static_cast<uint32_t>(Bits()) & ~row.mask);
      // Short distances mostly: most of what a jal or a load could reach is not mapped.
      if (row.opcode == Opcode::kJal && !OneIn(8)) low &= 0x81e00fff;
      if (row.format == Format::kLoad && !OneIn(8)) low &= 0x80ffffff;
      if ((row.format == Format::kCsr || row.format == Format::kCsrI) && !OneIn(4))
        low = (low & 0xfffff) | (Bits() % 4) << 20;
      if ((row.opcode == Opcode::kEcall || row.opcode == Opcode::kEbreak) && !OneIn(8)) continue;
      if (Decode(low).opcode == Opcode::kIllegal && !OneIn(16)) continue;
      if (row.length == 4) return low;
      return (low & 0xffff) | Half() << 16;
    }
  }
  uint32_t Half() {
    for (;;) {
      const OpcodeInfo& row = kOpcodeInfo[1 + Bits() % (kOpcodes - 1)];
      const uint32_t half = (row.match | (static_cast<uint32_t>(Bits()) & ~row.mask)) & 0xffff;
      if (row.length == 2 && (Decode(half).opcode != Opcode::kIllegal || OneIn(16))) return half;
    }
  }
  // Many words, with what is seldom random among them: what functions save and restore on their
  // stack.
  std::vector<uint32_t> Words(size_t count) {
    std::vector<uint32_t> words(count);
    for (uint32_t& word : words) word = Word();
    for (size_t at = 0; at + 10 < count; at += 1 + Bits() % 60) {
      const auto length = static_cast<int>(2 + Bits() % 9);
      const auto top = static_cast<int>(Bits() % 32) * 8;
      const bool loads = OneIn(2);
      for (int i = 0; i < length; ++i) {
        const auto number = static_cast<int>(Bits() % 32);
        words[at++] = loads ? Ld(number, kSp, top - 8 * i) : Sd(number, kSp, top - 8 * i);
      }
    }
    return words;
  }
  // Mostly addresses in data or code, sometimes numbers; now and then close to where a page ends.
  uint64_t RegisterValue() {
    switch (Bits() % 9) {
      case 8:
        return kData + (1 + Bits() % 4) * kPageBytes - Bits() % 32 * 8;
      case 0:
        return Bits();
      case 1:
        return Bits() % 64;
      case 2:
        return kCode + Bits() % (4 * kPageBytes) / 2 * 2;
      default:
        return kData + 0x800 + Bits() % (3 * kPageBytes) / 8 * 8;
    }
  }
  uint64_t FpValue() {
    static constexpr uint64_t kEdges[] = {0,
                                          1,
                                          0x3ff0000000000000,
                                          0x7ff0000000000000,
                                          0x7ff0000000000001,
                                          0x7ff8000000000000,
                                          0x000fffffffffffff,
                                          0x7fefffffffffffff,
                                          0xffffffff3f800000,
                                          0xffffffff7f800001,
                                          0xffffffff00000001};
    const uint64_t sign = OneIn(2) ? uint64_t{1} << 63 : 0;
    return OneIn(2) ? kEdges[Bits() % std::size(kEdges)] ^ sign : Bits();
  }

 private:
  std::mt19937_64 random_;
};

std::string Describe(const Hart& hart) {
  uint16_t halfwords[2] = {0, 0};
  memory::Fault fault;
  hart.space->Fetch({hart.cpu.pc}, halfwords, &fault);
  const Instruction instruction = Decode(uint32_t{halfwords[1]} << 16 | halfwords[0]);
  return absl::StrFormat("pc %#x: %s", hart.cpu.pc, Disassemble(instruction, hart.cpu.pc));
}

void ExpectAlike(Hart& reference, Hart& fast, const Stop& a, const Stop& b) {
  ASSERT_EQ(a.reason, b.reason);
  ASSERT_EQ(reference.cpu.pc, fast.cpu.pc);
  ASSERT_EQ(reference.cpu.retired, fast.cpu.retired);
  ASSERT_EQ(a.fault.addr.value, b.fault.addr.value);
  ASSERT_EQ(a.bits, b.bits);
  for (int i = 0; i < 32; ++i) {
    ASSERT_EQ(reference.cpu.x[i], fast.cpu.x[i]) << "x" << i;
    ASSERT_EQ(reference.cpu.f[i], fast.cpu.f[i]) << "f" << i;
  }
  ASSERT_EQ(fast.cpu.x[0], 0u);
  ASSERT_EQ(reference.cpu.fflags, fast.cpu.fflags);
  ASSERT_EQ(reference.cpu.frm, fast.cpu.frm);
  ASSERT_EQ(reference.cpu.reservation.addr, fast.cpu.reservation.addr);
  ASSERT_EQ(reference.cpu.reservation.bytes, fast.cpu.reservation.bytes);
}

// Runs random code on both engines, stopping at random positions, and compares all of the state
// each time. `break_fast` damages the fast hart once, to show that a difference is seen.
void RunRandomCode(EngineKind kind, uint64_t seed, int programs, bool break_fast, bool* differed) {
  RandomCode random(seed);
  uint64_t retired = 0;
  std::array<uint64_t, 8> stops{};
  for (int program = 0; program < programs; ++program) {
    Hart reference(EngineKind::kReference), fast(kind);
    Hart* const harts[] = {&reference, &fast};
    const std::vector<uint32_t> words = random.Words(4 * kPageBytes / 4);
    std::vector<uint8_t> data(4 * kPageBytes);
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random.Bits());
    for (Hart* hart : harts) {
      hart->Map(kCode, 4 * kPageBytes, memory::kProtRead | memory::kProtWrite | memory::kProtExec);
      hart->Map(kData, 4 * kPageBytes, memory::kProtRead | memory::kProtWrite);
      hart->Put(kCode, words);
      ASSERT_EQ(hart->space->WriteForced({kData}, data), data.size());
    }
    for (int slice = 0; slice < 400; ++slice) {
      // A new place and new operands now and then, and always where the last slice could not go on.
      const uint64_t pc = kCode + random.Bits() % (4 * kPageBytes) / 2 * 2;
      for (int i = 1; i < 32; ++i) {
        reference.cpu.x[i] = fast.cpu.x[i] = random.RegisterValue();
        if (random.OneIn(4)) reference.cpu.f[i] = fast.cpu.f[i] = random.FpValue();
      }
      for (Hart* hart : harts) {
        hart->cpu.pc = pc;
        if (hart->cpu.frm > 4 && slice % 4 != 0) hart->cpu.frm = 0;
      }
      // The fast engine needs some room before it begins; around that many the two ways meet.
      const uint64_t budget = 1 + random.Bits() % (random.OneIn(4)   ? 8
                                                   : random.OneIn(4) ? 70
                                                                     : 400);
      const uint64_t before = fast.cpu.retired;
      const Stop a = reference.engine->Run(reference.cpu, budget);
      const Stop b = fast.engine->Run(fast.cpu, budget);
      if (break_fast && slice == 200) fast.cpu.x[9] ^= 1;
      ++stops[static_cast<size_t>(b.reason)];
      retired += fast.cpu.retired - before;
      if (break_fast && fast.cpu.x[9] != reference.cpu.x[9]) {
        *differed = true;
        return;
      }
      ASSERT_NO_FATAL_FAILURE(ExpectAlike(reference, fast, a, b))
          << "seed " << seed << " program " << program << " slice " << slice << " from " << std::hex
          << pc << " budget " << std::dec << budget << "\n"
          << Describe(reference);
    }
    ASSERT_EQ(reference.Bytes(kData, 4 * kPageBytes), fast.Bytes(kData, 4 * kPageBytes))
        << "seed " << seed;
    ASSERT_EQ(reference.Bytes(kCode, 4 * kPageBytes), fast.Bytes(kCode, 4 * kPageBytes))
        << "seed " << seed;
  }
  std::printf(
      "retired %lu; stops: budget %lu ecall %lu ebreak %lu illegal %lu fault %lu misaligned %lu\n",
      retired, stops[0], stops[1], stops[2], stops[3], stops[4], stops[5]);
  if (!break_fast) {
    for (int reason = 0; reason < 6; ++reason)
      EXPECT_GT(stops[reason], 0u) << "never stopped for reason " << reason;
  }
}

class FastEngines : public testing::TestWithParam<EngineKind> {};
INSTANTIATE_TEST_SUITE_P(All, FastEngines,
                         testing::Values(EngineKind::kFast, EngineKind::kGotos,
                                         EngineKind::kCounting));

TEST_P(FastEngines, AgreeWithTheReferenceOnRandomCodeAtRandomPositions) {
  const char* wanted = std::getenv("POLLUX_TEST_SEED");
  const uint64_t seed = wanted == nullptr ? 20250101 : std::strtoull(wanted, nullptr, 10);
  std::printf("seed %lu (POLLUX_TEST_SEED sets another)\n", seed);
  bool unused = false;
  RunRandomCode(GetParam(), seed, 1000, false, &unused);
}

// Of random code, stores to code among it: what the engine says of the next instructions is what
// each of them says for itself, just before it runs.
TEST_P(FastEngines, LookAheadAsFarAsNothingIsAccessed) {
  constexpr uint64_t kSeed = 20250102;
  RandomCode random(kSeed);
  std::array<uint64_t, 8> kinds{};
  uint64_t looks = 0, steps = 0;
  for (int program = 0; program < 300; ++program) {
    Hart reference(EngineKind::kReference), fast(GetParam());
    const std::vector<uint32_t> words = random.Words(4 * kPageBytes / 4);
    for (Hart* hart : {&reference, &fast}) {
      hart->Map(kCode, 4 * kPageBytes, memory::kProtRead | memory::kProtWrite | memory::kProtExec);
      hart->Map(kData, 4 * kPageBytes, memory::kProtRead | memory::kProtWrite);
      hart->Put(kCode, words);
    }
    for (int slice = 0; slice < 200; ++slice) {
      reference.cpu.pc = fast.cpu.pc = kCode + random.Bits() % (4 * kPageBytes) / 2 * 2;
      for (int i = 1; i < 32; ++i) reference.cpu.x[i] = fast.cpu.x[i] = random.RegisterValue();
      Stop a, b;
      for (int look = 0; look < 20 && a.reason == StopReason::kBudget; ++look) {
        const Ahead ahead = fast.engine->LookAhead(fast.cpu);
        const NextAccess next = NextAccessOf(*reference.space, reference.cpu);
        ASSERT_EQ(ahead.next.kind, next.kind) << Describe(reference);
        ASSERT_EQ(ahead.next.bytes, next.bytes) << Describe(reference);
        ASSERT_EQ(ahead.next.addr, next.addr) << Describe(reference);
        ASSERT_GE(ahead.steps, 1u);
        for (uint64_t i = 0; i < ahead.steps && a.reason == StopReason::kBudget; ++i) {
          if (i > 0) {
            ASSERT_EQ(NextAccessOf(*reference.space, reference.cpu).kind, AccessKind::kNone)
                << "program " << program << " slice " << slice << ", behind " << i << " of "
                << ahead.steps << ": " << Describe(reference);
          }
          a = reference.engine->Run(reference.cpu, 1);
        }
        b = fast.engine->Run(fast.cpu, ahead.steps);
        ASSERT_NO_FATAL_FAILURE(ExpectAlike(reference, fast, a, b)) << Describe(reference);
        ++kinds[static_cast<size_t>(next.kind)];
        ++looks;
        steps += ahead.steps;
      }
    }
  }
  for (const uint64_t kind : kinds) EXPECT_GT(kind, 0u);
  // It is worth it.
  EXPECT_GT(steps, looks * 5 / 4);
}

TEST(Engines, ADamagedRegisterWouldBeSeen) {
  bool differed = false;
  RunRandomCode(EngineKind::kFast, 1, 1, true, &differed);
  EXPECT_TRUE(differed);
}

}  // namespace
}  // namespace pollux::interp
