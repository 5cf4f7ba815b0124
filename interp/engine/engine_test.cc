// Both engines on the same code: hand-made programs for the stops, and random ones for everything
// else.
#include "interp/engine/engine.h"

#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "interp/engine/fast.h"
#include "interp/engine/next_access.h"
#include "interp/isa/decoder.h"
#include "interp/isa/disassembler.h"
#include "interp/isa/opcode_info.h"
#include "memory/address_space.h"

namespace pollux::interp {
namespace {

using memory::Access;
using memory::AddressSpace;
using memory::FaultKind;
using memory::kPageBytes;

constexpr uint64_t kCode = 0x100000, kData = 0x200000;

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

class EngineTest : public testing::TestWithParam<EngineKind> {
 protected:
  EngineTest() : hart_(GetParam()) {
    hart_.Map(kCode, 4 * kPageBytes, memory::kProtRead | memory::kProtWrite | memory::kProtExec);
    hart_.Map(kData, 4 * kPageBytes, memory::kProtRead | memory::kProtWrite);
  }
  Hart hart_;
};

INSTANTIATE_TEST_SUITE_P(All, EngineTest,
                         testing::Values(EngineKind::kReference, EngineKind::kFast,
                                         EngineKind::kGotos, EngineKind::kCounting),
                         [](const auto& info) {
                           return info.param == EngineKind::kReference ? "Reference"
                                  : info.param == EngineKind::kFast    ? "Fast"
                                  : info.param == EngineKind::kGotos   ? "Gotos"
                                                                       : "Counting";
                         });

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
constexpr uint32_t kRetBits = 0x8067, kEcallBits = 0x73, kEbreakBits = 0x100073,
                   kFenceIBits = 0x100f;
constexpr uint32_t kLrW = 0x1000202f | 10 << 15 | 11 << 7;             // lr.w x11,(x10)
constexpr uint32_t kScW = 0x1800202f | 12 << 20 | 10 << 15 | 13 << 7;  // sc.w x13,x12,(x10)

// Of memory that has ended, another object may have the place.
TEST_P(EngineTest, TouchesNothingOfAMemoryThatItWasDetachedFrom) {
  class Listener final : public memory::CodeListener {
   public:
    void OnCodeChanged(uint64_t, uint64_t) override { ++changes; }
    int changes = 0;
  };
  Hart hart(GetParam());
  hart.Map(kCode, kPageBytes, memory::kProtRead | memory::kProtWrite | memory::kProtExec);
  hart.engine->Detach();
  Listener listener;
  hart.space->SetCodeListener(&listener);
  hart.engine.reset();
  hart.space->MarkHoldsCode(kCode / kPageBytes);
  hart.Put(kCode, {0x13});
  EXPECT_EQ(listener.changes, 1) << "who listens now is still heard";
  hart.space->SetCodeListener(nullptr);
}

TEST_P(EngineTest, EcallIsRetiredAndThePcIsBehindIt) {
  hart_.Put(kCode, {Addi(10, 0, 7), kEcallBits, Addi(10, 10, 1)});
  const Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kEcall);
  EXPECT_EQ(hart_.cpu.pc, kCode + 8);
  EXPECT_EQ(hart_.cpu.retired, 2u);
  EXPECT_EQ(hart_.cpu.x[10], 7u);
}

TEST_P(EngineTest, EbreakIsNotRetired) {
  hart_.Put(kCode, {Addi(10, 0, 7), kEbreakBits});
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kEbreak);
  EXPECT_EQ(hart_.cpu.pc, kCode + 4);
  EXPECT_EQ(hart_.cpu.retired, 1u);
}

TEST_P(EngineTest, AnIllegalInstructionStopsBeforeItWithItsBits) {
  hart_.Put(kCode, {Addi(10, 0, 7), 0xffffffff});
  const Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kIllegal);
  EXPECT_EQ(stop.bits, 0xffffffffu);
  EXPECT_EQ(hart_.cpu.pc, kCode + 4);
}

TEST_P(EngineTest, AStoreToAnUnmappedPageStopsAtItWithTheAddress) {
  hart_.cpu.x[5] = 0x900000;
  hart_.Put(kCode, {Addi(10, 0, 7), Sd(10, 5, 16), Addi(10, 0, 8)});
  const Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kFault);
  EXPECT_EQ(stop.access, Access::kStore);
  EXPECT_EQ(stop.fault.addr.value, 0x900010u);
  EXPECT_EQ(stop.fault.kind, FaultKind::kNotMapped);
  EXPECT_EQ(hart_.cpu.pc, kCode + 4);
  EXPECT_EQ(hart_.cpu.x[10], 7u);
}

TEST_P(EngineTest, AnAccessAcrossAPageFaultsAtTheFirstByteThatIsMissing) {
  hart_.cpu.x[5] = kData + 4 * kPageBytes - 3;
  hart_.Put(kCode, {Ld(10, 5, 0)});
  const Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kFault);
  EXPECT_EQ(stop.fault.addr.value, kData + 4 * kPageBytes);
}

TEST_P(EngineTest, AddressesBeyondTheAddressSpaceFaultAndDoNotWrap) {
  for (const uint64_t addr :
       {uint64_t{1} << 38, (uint64_t{1} << 38) - 4, ~uint64_t{0} - 3, uint64_t{1} << 63}) {
    hart_.cpu.pc = kCode;
    hart_.cpu.x[5] = addr;
    hart_.Put(kCode, {Ld(10, 5, 0)});
    EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kFault) << std::hex << addr;
  }
}

TEST_P(EngineTest, JumpingToDataFaultsAtTheTarget) {
  hart_.cpu.pc = kData;
  const Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kFault);
  EXPECT_EQ(stop.access, Access::kFetch);
  EXPECT_EQ(stop.fault.addr.value, kData);
  EXPECT_EQ(stop.fault.kind, FaultKind::kProtection);
}

TEST_P(EngineTest, JumpingBelowAddressZeroFaultsThere) {
  constexpr uint64_t kLow = 0x10000;
  hart_.Map(kLow, kPageBytes, memory::kProtRead | memory::kProtWrite | memory::kProtExec);
  hart_.Put(kLow, {Jal(0, -0x20000)});
  hart_.cpu.pc = kLow;
  const Stop stop = hart_.engine->Run(hart_.cpu, 100);
  EXPECT_EQ(stop.reason, StopReason::kFault);
  EXPECT_EQ(hart_.cpu.pc, -uint64_t{0x10000});
  EXPECT_EQ(stop.fault.addr.value, -uint64_t{0x10000});
  EXPECT_EQ(hart_.cpu.retired, 1u);
}

TEST_P(EngineTest, AnInstructionWhoseSecondHalfIsMissingFaultsAtThatHalf) {
  const uint64_t last = kCode + 4 * kPageBytes - 2;
  const uint16_t half = 0x0013;  // The lower half of an addi.
  ASSERT_EQ(hart_.space->WriteForced({last}, {reinterpret_cast<const uint8_t*>(&half), 2}), 2u);
  hart_.cpu.pc = last;
  const Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kFault);
  EXPECT_EQ(stop.access, Access::kFetch);
  EXPECT_EQ(stop.fault.addr.value, last + 2);
  EXPECT_EQ(hart_.cpu.pc, last);
}

TEST_P(EngineTest, StopsAtExactlyTheBudgetWhereverThatFalls) {
  // A loop of three instructions.
  hart_.Put(kCode, {Addi(10, 10, 1), Addi(11, 11, 2), Bne(10, 0, -8)});
  uint64_t retired = 0;
  for (const uint64_t budget : {1u, 2u, 3u, 5u, 100u, 1000u, 4001u, 77u}) {
    const Stop stop = hart_.engine->Run(hart_.cpu, budget);
    retired += budget;
    EXPECT_EQ(stop.reason, StopReason::kBudget);
    EXPECT_EQ(hart_.cpu.retired, retired);
    EXPECT_EQ(hart_.cpu.pc, kCode + 4 * (retired % 3));
    EXPECT_EQ(hart_.cpu.x[10], (retired + 2) / 3);
  }
}

TEST_P(EngineTest, AStoreToTheNextInstructionTakesEffectAtOnce) {
  // x5 = address of the instruction to be replaced; x6 = the new instruction.
  hart_.cpu.x[5] = kCode + 12;
  hart_.cpu.x[6] = Addi(10, 0, 2);
  hart_.cpu.x[7] = 2;
  // Twice round: once as it stands, then replaced from within.
  hart_.Put(kCode, {Addi(7, 7, -1), Addi(0, 0, 0), Addi(0, 0, 0), Addi(10, 0, 1), Sw(6, 5, 0),
                    Bne(7, 0, -20), kEcallBits});
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kEcall);
  EXPECT_EQ(hart_.cpu.x[10], 2u);
}

TEST_P(EngineTest, ChangingTheSecondOfTwoLikelyFusedInstructionsOnTheNextPageTakesEffect) {
  hart_.Put(kCode + kPageBytes - 4, {Addi(10, 0, 1), Addi(11, 0, 1), kEcallBits});
  for (const int expected : {1, 2}) {
    if (expected == 2) hart_.Put(kCode + kPageBytes, {Addi(11, 0, 2)});
    hart_.cpu.pc = kCode + kPageBytes - 4;
    EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kEcall);
    EXPECT_EQ(hart_.cpu.x[11], static_cast<uint64_t>(expected));
  }
}

TEST_P(EngineTest, ChangingTheSecondHalfOfAnInstructionOnTheNextPageTakesEffect) {
  // addi x10,x0,imm straddles: its upper halfword, with the immediate, begins the second page.
  const uint64_t start = kCode + kPageBytes - 2;
  for (const int immediate : {5, 6}) {
    hart_.cpu.pc = start;
    if (immediate == 5) hart_.Put(start, {Addi(10, 0, 5), kEcallBits});
    if (immediate == 6) hart_.Put(kCode + kPageBytes, {(Addi(10, 0, 6) >> 16) | kEcallBits << 16});
    EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kEcall);
    EXPECT_EQ(hart_.cpu.x[10], static_cast<uint64_t>(immediate));
  }
}

TEST_P(EngineTest, AnIndirectJumpFindsCodeThatWasChanged) {
  // x5 = the callee; jalr x1,0(x5) twice, the callee changed in between.
  constexpr uint32_t kCallX5 = 0x000280e7, kReturn = 0x00008067;
  hart_.cpu.x[5] = kCode + kPageBytes;
  hart_.Put(kCode, {kCallX5, kCallX5, kEcallBits});
  for (const int immediate : {1, 2}) {
    hart_.Put(kCode + kPageBytes, {Addi(10, 0, immediate), kReturn});
    hart_.cpu.pc = kCode;
    EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kEcall);
    EXPECT_EQ(hart_.cpu.x[10], static_cast<uint64_t>(immediate));
  }
}

TEST_P(EngineTest, CodeWrittenFromOutsideRunsAfterFenceI) {
  hart_.Put(kCode, {Addi(10, 0, 1), kEcallBits});
  hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(hart_.cpu.x[10], 1u);
  hart_.Put(kCode, {Addi(10, 0, 9), kFenceIBits, kEcallBits});
  hart_.cpu.pc = kCode;
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kEcall);
  EXPECT_EQ(hart_.cpu.x[10], 9u);
}

TEST_P(EngineTest, CodeThatIsUnmappedOrProtectedIsGone) {
  hart_.Put(kCode, {Addi(10, 0, 1), kEcallBits});
  hart_.engine->Run(hart_.cpu, 1000);
  hart_.cpu.pc = kCode;
  ASSERT_TRUE(hart_.space->Protect({kCode}, kPageBytes, memory::kProtRead).ok());
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).fault.kind, FaultKind::kProtection);
  ASSERT_TRUE(hart_.space->Unmap({kCode}, kPageBytes).ok());
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).fault.kind, FaultKind::kNotMapped);
}

TEST_P(EngineTest, AnInvalidFrmMakesDynamicRoundingIllegalAndStaticRoundingNot) {
  constexpr uint32_t kFaddDynamic = 0x02007053, kFaddRne = 0x02000053;  // fadd.d f0,f0,f0
  hart_.cpu.frm = 5;
  hart_.Put(kCode, {kFaddRne, kFaddDynamic});
  const Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kIllegal);
  EXPECT_EQ(hart_.cpu.pc, kCode + 4);
}

TEST_P(EngineTest, FlagsAreThereWhenTheyAreRead) {
  // fdiv.d f2,f0,f1 = 1/0; csrrs x10,fflags,x0; ecall
  hart_.cpu.f[0] = 0x3ff0000000000000;
  hart_.cpu.f[1] = 0;
  hart_.Put(kCode, {0x1a107153, 0x00102573, kEcallBits});
  hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(hart_.cpu.x[10], 8u);  // DZ
  EXPECT_EQ(hart_.cpu.f[2], 0x7ff0000000000000u);
}

TEST_P(EngineTest, FlagsThatAreWrittenTakeThePlaceOfThoseRaised) {
  constexpr uint32_t kFdivD = 0x1a107053 | 2 << 7;  // fdiv.d f2,f0,f1
  constexpr uint32_t kFrflags = 0x00102073, kFsflags = 0x00101073, kFsflagsi = 0x00105073;
  hart_.cpu.f[0] = 0x3ff0000000000000;  // 1 / 0: DZ.
  hart_.cpu.x[12] = 0xfff;
  hart_.Put(kCode, {kFdivD, kFrflags | 10 << 7, kFsflagsi, kFrflags | 11 << 7,
                    kFsflags | 12 << 15 | 13 << 7, kFrflags | 14 << 7, kFsflagsi | 2 << 15, kFdivD,
                    kFrflags | 15 << 7, kFsflagsi | 1 << 15, kEcallBits});
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 100).reason, StopReason::kEcall);
  EXPECT_EQ(hart_.cpu.x[10], 8u);
  EXPECT_EQ(hart_.cpu.x[11], 0u) << "cleared";
  EXPECT_EQ(hart_.cpu.x[13], 0u);
  EXPECT_EQ(hart_.cpu.x[14], 0x1fu) << "five bits";
  EXPECT_EQ(hart_.cpu.x[15], 10u) << "OF as written, DZ as raised";
  EXPECT_EQ(hart_.cpu.fflags, 1u);
}

TEST_P(EngineTest, CallsNestAsDeepAsTheyLike) {
  // The first calls itself until x10 is 0, and each adds 1 to x12 when it returns.
  hart_.Put(kCode, {Jal(kRa, 8), kEcallBits, Addi(kSp, kSp, -16), Sd(kRa, kSp, 0), Addi(10, 10, -1),
                    Bne(10, 0, 8), Jal(0, 8), Jal(kRa, -20), Ld(kRa, kSp, 0), Addi(kSp, kSp, 16),
                    Addi(12, 12, 1), kRetBits});
  hart_.cpu.x[10] = 150;
  hart_.cpu.x[kSp] = kData + 2 * kPageBytes;
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 10000).reason, StopReason::kEcall);
  EXPECT_EQ(hart_.cpu.x[12], 150u);
  EXPECT_EQ(hart_.cpu.x[kSp], kData + 2 * kPageBytes);
  EXPECT_EQ(hart_.cpu.retired, 2 + 150u * 9);
}

TEST_P(EngineTest, OneJumpGoesManyWays) {
  constexpr int kTargets = 100, kRounds = 4;
  constexpr uint32_t kJalrX5X10 = 10 << 15 | 5 << 7 | 0x67;
  // x10 goes through the targets, each of which adds its number to x12.
  std::vector<uint32_t> code = {Addi(10, 10, 8), Bne(10, 13, 8), kEcallBits, kJalrX5X10};
  for (int i = 0; i < kTargets; ++i) {
    const int at = static_cast<int>(code.size()) * 4;
    code.push_back(Addi(12, 12, i));
    code.push_back(Jal(0, -at - 4));
  }
  hart_.Put(kCode, code);
  const uint64_t first = kCode + 16;
  for (int round = 1; round <= kRounds; ++round) {
    hart_.cpu.pc = kCode;
    hart_.cpu.x[10] = first - 8;
    hart_.cpu.x[13] = first + 8 * kTargets;
    EXPECT_EQ(hart_.engine->Run(hart_.cpu, 10000).reason, StopReason::kEcall);
    EXPECT_EQ(hart_.cpu.x[12], static_cast<uint64_t>(round * kTargets * (kTargets - 1) / 2));
    EXPECT_EQ(hart_.cpu.x[5], kCode + 16);
  }
  // Another target takes the place of one.
  hart_.Put(first + 8 * 7, {Addi(12, 0, 0)});
  hart_.cpu.pc = kCode;
  hart_.cpu.x[10] = first - 8;
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 10000).reason, StopReason::kEcall);
  EXPECT_EQ(hart_.cpu.x[12], static_cast<uint64_t>(kTargets * (kTargets - 1) / 2 - 7 * 8 / 2));
}

TEST_P(EngineTest, AReturnGoesWhereRaSaysAndNotWhereTheCallWas) {
  hart_.Put(kCode,
            {Jal(kRa, 16), kEbreakBits, kEcallBits, kEbreakBits, Addi(kRa, kRa, 4), kRetBits});
  for (int i = 0; i < 3; ++i) {
    hart_.cpu.pc = kCode;
    EXPECT_EQ(hart_.engine->Run(hart_.cpu, 100).reason, StopReason::kEcall);
    EXPECT_EQ(hart_.cpu.pc, kCode + 12);
  }
}

TEST_P(EngineTest, CountersCountThisInstructionToo) {
  // addi; rdinstret x10; ecall: the value is the count before the instruction itself.
  hart_.Put(kCode, {Addi(9, 0, 0), Addi(9, 0, 0), 0xc0202573, kEcallBits});
  hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(hart_.cpu.x[10], 2u);
}

TEST_P(EngineTest, WritingACounterIsIllegal) {
  hart_.Put(kCode, {0xc0251573});  // csrrw x10,instret,x10
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kIllegal);
}

TEST_P(EngineTest, ScSucceedsOnceAfterLr) {
  hart_.cpu.x[10] = kData;
  hart_.cpu.x[12] = 42;
  hart_.Put(kCode, {kLrW, kScW, kEcallBits, kScW, kEcallBits});
  hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(hart_.cpu.x[13], 0u);
  EXPECT_EQ(hart_.Bytes(kData, 1)[0], 42);
  hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(hart_.cpu.x[13], 1u);
}

TEST_P(EngineTest, AReservationSurvivesAStopForTheBudget) {
  hart_.cpu.x[10] = kData;
  hart_.Put(kCode, {kLrW, Addi(0, 0, 0), kScW, kEcallBits});
  hart_.engine->Run(hart_.cpu, 2);
  hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(hart_.cpu.x[13], 0u);
}

TEST_P(EngineTest, AMisalignedAtomicIsNamed) {
  hart_.cpu.x[10] = kData + 2;
  hart_.Put(kCode, {kLrW});
  const Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kMisaligned);
  EXPECT_EQ(stop.fault.addr.value, kData + 2);
}

// ---- Random code
// -------------------------------------------------------------------------------------------------------

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
  // Mostly addresses in data or code, sometimes numbers.
  uint64_t RegisterValue() {
    switch (Bits() % 8) {
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
    std::vector<uint32_t> words(4 * kPageBytes / 4);
    for (uint32_t& word : words) word = random.Word();
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
    std::vector<uint32_t> words(4 * kPageBytes / 4);
    for (uint32_t& word : words) word = random.Word();
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

// Five turns of addi x10,x10,-1 and bne x10,x0, which are one operation; then addi, frrm x11, of
// which there is no operation, addi and ecall.
void RunForCounts(Hart& hart, uint64_t slice) {
  constexpr uint32_t kFrrm = 0x002025f3;
  hart.Map(kCode, kPageBytes, memory::kProtRead | memory::kProtExec);
  hart.Put(kCode,
           {Addi(10, 10, -1), Bne(10, 0, -4), Addi(12, 12, 1), kFrrm, Addi(13, 14, 1), kEcallBits});
  hart.cpu.x[10] = 5;
  Stop stop;
  while (stop.reason == StopReason::kBudget) stop = hart.engine->Run(hart.cpu, slice);
  EXPECT_EQ(stop.reason, StopReason::kEcall);
  EXPECT_EQ(hart.cpu.retired, 14u);
}

TEST(CountingEngine, CountsAFusionAsOneAndTheReferenceByItself) {
  Hart hart(EngineKind::kCounting);
  RunForCounts(hart, 1000);
  EXPECT_EQ(hart.counters.operations, 7u);
  EXPECT_EQ(hart.counters.reference_steps, 1u);
}

TEST(CountingEngine, AFusionThatABudgetPartsIsTwo) {
  Hart hart(EngineKind::kCounting);
  RunForCounts(hart, 1);
  EXPECT_EQ(hart.counters.operations, 12u);
  EXPECT_EQ(hart.counters.reference_steps, 1u);
}

TEST(CountingEngine, NobodyElseCounts) {
  for (const EngineKind kind : {EngineKind::kReference, EngineKind::kFast, EngineKind::kGotos}) {
    Hart hart(kind);
    RunForCounts(hart, 1000);
    EXPECT_EQ(hart.counters.operations, 0u);
    EXPECT_EQ(hart.counters.reference_steps, 0u);
  }
}

TEST(FastEngine, IndirectJumpsAreRightAfterItsArenaWasFull) {
  // Calls x5, whose page returns, after each of many pages of straight code: the arena holds only a
  // few of them.
  Hart hart(EngineKind::kReference);
  hart.engine = std::make_unique<FastEngine>(*hart.space, hart.counters, FastEngine::BestDispatch(),
                                             3 * CodeCache::kRunOps);
  constexpr int kBlocks = 40;
  constexpr uint32_t kCallX5 = 0x000280e7, kReturn = 0x00008067, kCountX11 = Addi(11, 11, 1);
  hart.Map(kCode, (kBlocks + 1) * kPageBytes, memory::kProtRead | memory::kProtExec);
  hart.Map(kData, kPageBytes, memory::kProtRead | memory::kProtExec);
  hart.Put(kData, {kCountX11, kReturn});
  std::vector<uint32_t> words;
  for (int block = 0; block < kBlocks; ++block) {
    words.insert(words.end(), 1000, Addi(10, 10, 1));
    words.push_back(kCallX5);
  }
  words.push_back(kEcallBits);
  hart.Put(kCode, words);
  hart.cpu.x[5] = kData;
  EXPECT_EQ(hart.engine->Run(hart.cpu, 1 << 20).reason, StopReason::kEcall);
  EXPECT_EQ(hart.cpu.x[10], kBlocks * 1000u);
  EXPECT_EQ(hart.cpu.x[11], static_cast<uint64_t>(kBlocks));
  EXPECT_EQ(hart.cpu.retired, kBlocks * 1003u + 1);
}

TEST(FastEngine, GoesOnAfterItsArenaWasFull) {
  // Code that is larger than the smallest arena: addi x10,x10,1 over many pages, then ecall.
  Hart reference(EngineKind::kReference), fast(EngineKind::kFast);
  constexpr uint64_t kInstructions = 20000;
  for (Hart* hart : {&reference, &fast}) {
    hart->Map(kCode, 32 * kPageBytes, memory::kProtRead | memory::kProtExec);
    std::vector<uint32_t> words(kInstructions, Addi(10, 10, 1));
    words.push_back(kEcallBits);
    hart->Put(kCode, words);
    EXPECT_EQ(hart->engine->Run(hart->cpu, 1 << 20).reason, StopReason::kEcall);
    EXPECT_EQ(hart->cpu.x[10], kInstructions);
    EXPECT_EQ(hart->cpu.retired, kInstructions + 1);
  }
}

}  // namespace
}  // namespace pollux::interp
