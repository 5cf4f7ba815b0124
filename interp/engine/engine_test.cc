// Hand-made programs on each engine: every way to stop, and what is particular to bytecode.
#include "interp/engine/engine.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "interp/engine/engine_test_support.h"
#include "interp/engine/fast.h"
#include "memory/address_space.h"

namespace pollux::interp {
namespace {

using memory::Access;
using memory::FaultKind;

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

TEST_P(EngineTest, CallsThroughARegisterReturnWhereTheyCameFrom) {
  constexpr uint32_t kCallX5 = 5 << 15 | kRa << 7 | 0x67;
  // main calls x5 twice; that calls the last function, which adds 1 to x12 and returns, as does it.
  hart_.Put(kCode, {kCallX5, kCallX5, kEcallBits, Addi(14, kRa, 0), Jal(kRa, 12), Addi(kRa, 14, 0),
                    kRetBits, Addi(12, 12, 1), kRetBits});
  hart_.cpu.x[5] = kCode + 12;
  for (uint64_t i = 1; i <= 3; ++i) {
    hart_.cpu.pc = kCode;
    EXPECT_EQ(hart_.engine->Run(hart_.cpu, 100).reason, StopReason::kEcall);
    EXPECT_EQ(hart_.cpu.pc, kCode + 12);
    EXPECT_EQ(hart_.cpu.x[12], 2 * i);
    EXPECT_EQ(hart_.cpu.retired, 15 * i);
  }
}

TEST_P(EngineTest, WhatIsSavedAndRestoredIsAllThere) {
  std::vector<uint32_t> code;
  for (int i = 0; i < 10; ++i) code.push_back(Sd(16 + i, kSp, 72 - 8 * i));
  for (int i = 0; i < 10; ++i) code.push_back(Ld(22 + i, kSp, 72 - 8 * i));
  code.push_back(kEcallBits);
  hart_.Put(kCode, code);
  // At the beginning of a page, in its middle, and across the end of one.
  for (const uint64_t sp : {kData, kData + 0x800, kData + kPageBytes - 40}) {
    for (uint64_t i = 0; i < 16; ++i) hart_.cpu.x[16 + i] = 100 + i;
    hart_.cpu.x[kSp] = sp;
    hart_.cpu.pc = kCode;
    EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kEcall);
    for (uint64_t i = 0; i < 10; ++i) EXPECT_EQ(hart_.cpu.x[22 + i], 100 + i) << i;
  }
}

TEST_P(EngineTest, SavingStopsAtTheFirstThatFaults) {
  std::vector<uint32_t> code;
  for (int i = 0; i < 8; ++i) code.push_back(Sd(16 + i, kSp, 56 - 8 * i));
  code.push_back(kEcallBits);
  hart_.Put(kCode, code);
  for (int i = 0; i < 8; ++i) hart_.cpu.x[16 + i] = 100 + i;
  // The last three are below the mapping.
  hart_.cpu.x[kSp] = kData - 24;
  Stop stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kFault);
  EXPECT_EQ(stop.fault.addr.value, kData - 8);
  EXPECT_EQ(hart_.cpu.pc, kCode + 5 * 4);
  EXPECT_EQ(hart_.Bytes(kData, 1)[0], 104);
  // All are within the mapping, whose last page is stored to from then on; then the first five are
  // beyond it, and the last three within.
  hart_.cpu.pc = kCode;
  hart_.cpu.x[kSp] = kData + 4 * kPageBytes - 64;
  EXPECT_EQ(hart_.engine->Run(hart_.cpu, 1000).reason, StopReason::kEcall);
  hart_.cpu.pc = kCode;
  hart_.cpu.x[kSp] = kData + 4 * kPageBytes - 24;
  stop = hart_.engine->Run(hart_.cpu, 1000);
  EXPECT_EQ(stop.reason, StopReason::kFault);
  EXPECT_EQ(hart_.cpu.pc, kCode);
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
