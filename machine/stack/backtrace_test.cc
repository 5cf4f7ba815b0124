// Stacks of code without any file: what the code alone says of its frames.
#include "machine/stack/backtrace.h"

#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "machine/stack/code_walk.h"
#include "memory/address_space_fixture.h"

namespace pollux::machine {
namespace {

using memory::AddressSpaceTest;
using memory::kBase;
using memory::kPage;

constexpr uint64_t kCode = kBase, kStack = kBase + 64 * kPage;
constexpr int kRa = 1, kSp = 2, kS1 = 9;

// Instructions, as the assembler encodes them.
constexpr uint32_t IType(uint32_t opcode, int rd, int funct3, int rs1, int imm) {
  return opcode | static_cast<uint32_t>(rd) << 7 | static_cast<uint32_t>(funct3) << 12 |
         static_cast<uint32_t>(rs1) << 15 | static_cast<uint32_t>(imm) << 20;
}
constexpr uint32_t Addi(int rd, int rs1, int imm) { return IType(0x13, rd, 0, rs1, imm); }
constexpr uint32_t Ld(int rd, int rs1, int imm) { return IType(0x03, rd, 3, rs1, imm); }
constexpr uint32_t Sd(int rs2, int rs1, int imm) {
  return 0x23u | (static_cast<uint32_t>(imm) & 31) << 7 | 3u << 12 |
         static_cast<uint32_t>(rs1) << 15 | static_cast<uint32_t>(rs2) << 20 |
         (static_cast<uint32_t>(imm) >> 5 & 127) << 25;
}
constexpr uint32_t Jalr(int rd, int rs1) { return IType(0x67, rd, 0, rs1, 0); }
constexpr uint32_t kRet = Jalr(0, kRa), kCall = Jalr(kRa, 15), kNop = Addi(0, 0, 0);
// sub sp, sp, a1
constexpr uint32_t kTakeA1 = 0x40b10133;
// beq a0, x0, +offset
constexpr uint32_t Beqz(int offset) {
  const auto bits = static_cast<uint32_t>(offset);
  return 0x63u | 10u << 15 | (bits >> 11 & 1) << 7 | (bits >> 1 & 15) << 8 |
         (bits >> 5 & 63) << 25 | (bits >> 12 & 1) << 31;
}
constexpr uint32_t kEcall = 0x73;

class BacktraceTest : public AddressSpaceTest {
 protected:
  void SetUp() override {
    AddressSpaceTest::SetUp();
    MapAt(kStack, 16 * kPage, memory::kRw);
    cpu_.x[kSp] = kStack + 8 * kPage;
  }

  void SetCode(std::initializer_list<uint32_t> words) {
    MapAt(kCode, 4 * kPage, memory::kRx);
    uint64_t at = kCode;
    for (const uint32_t word : words) {
      uint8_t bytes[4];
      std::memcpy(bytes, &word, sizeof(word));
      ASSERT_EQ(space_->WriteForced(GuestAddr{at}, bytes), 4u);
      at += 4;
    }
  }
  static constexpr uint64_t Word(int index) { return kCode + 4 * static_cast<uint64_t>(index); }
  // `offset` from the innermost frame's stack pointer.
  void Put(uint64_t offset, uint64_t value) {
    ASSERT_TRUE(space_->WriteObject(GuestAddr{cpu_.x[kSp] + offset}, value).ok());
  }
  std::vector<uint64_t> Pcs() {
    Backtracer tracer(*space_, [](const memory::Mapping&) { return std::string(); });
    std::vector<uint64_t> pcs;
    for (const Frame& frame : tracer.StackOf(cpu_)) {
      pcs.push_back(frame.kind == Frame::Kind::kSignalHandler ? 0 : frame.pc);
    }
    return pcs;
  }

  // The caller's pc and how far its sp is above, from a known start of the function; 0, 0: none.
  std::pair<uint64_t, uint64_t> CallerFrom(uint64_t start, bool innermost = true) {
    Registers registers;
    registers.pc = cpu_.pc;
    for (int number = 1; number < 32; ++number) registers.Set(number, cpu_.x[number]);
    const std::optional<Registers> caller =
        UnwindByCode(*space_, start, innermost ? cpu_.pc : cpu_.pc - 1, registers, innermost,
                     [this](uint64_t pc) { return FollowsCall(*space_, pc); });
    if (!caller.has_value()) return {0, 0};
    return {caller->pc, caller->x[kSp] - cpu_.x[kSp]};
  }

  interp::Cpu cpu_;
};

using Caller = std::pair<uint64_t, uint64_t>;

TEST_F(BacktraceTest, TheWayToAPlaceDecidesWhatIsOnTheStack) {
  SetCode({kCall, kNop,
           // From word 2: without a frame; from word 5: with one; word 9: in the loop that both
           // come to.
           Beqz(12), kEcall, kRet, Addi(kSp, kSp, -48), Sd(kRa, kSp, 40), kCall, kNop, kEcall,
           Ld(kRa, kSp, 40), Addi(kSp, kSp, 48), kRet});
  cpu_.x[kRa] = Word(1);
  Put(40, Word(1));
  cpu_.pc = Word(4);
  EXPECT_EQ(CallerFrom(Word(2)), Caller(Word(1), 0));
  cpu_.x[kRa] = Word(8);
  for (const int place : {7, 8, 10}) {
    cpu_.pc = Word(place);
    EXPECT_EQ(CallerFrom(Word(2)), Caller(Word(1), 48)) << place;
  }
  cpu_.pc = Word(8);
  EXPECT_EQ(CallerFrom(Word(2), false), Caller(Word(1), 48));
  // Restored: what is on the stack does not count any more.
  cpu_.x[kRa] = Word(1);
  cpu_.x[kSp] += 48;
  Put(static_cast<uint64_t>(-8), 0);
  cpu_.pc = Word(12);
  EXPECT_EQ(CallerFrom(Word(2)), Caller(Word(1), 0));
}

TEST_F(BacktraceTest, ATableOfCasesKeepsTheFrame) {
  SetCode({kCall, kNop,
           // From word 2; word 5 is a case.
           Addi(kSp, kSp, -16), Sd(kRa, kSp, 8), Jalr(0, 15), kEcall, kNop});
  cpu_.pc = Word(6);
  Put(8, Word(1));
  EXPECT_EQ(CallerFrom(Word(2)), Caller(Word(1), 16));
}

TEST_F(BacktraceTest, LargeFramesAreTakenWithARegister) {
  SetCode({kCall, kNop,
           // From word 2: addi sp, sp, -2032; sd ra; lui t0, -2; addi t0, t0, 16; add sp, sp, t0
           Addi(kSp, kSp, -2032), Sd(kRa, kSp, 2024), 0xffffe2b7, Addi(5, 5, 16), 0x00510133,
           kEcall, kNop});
  cpu_.pc = Word(8);
  Put(8176 + 2024, Word(1));
  EXPECT_EQ(CallerFrom(Word(2)), Caller(Word(1), 8176 + 2032));
}

using Addresses = std::vector<uint64_t>;

TEST_F(BacktraceTest, ReturnAddressesAreFoundWhereThePrologueHasPutThem) {
  SetCode({Addi(kSp, kSp, -32), Sd(kRa, kSp, 24), kCall, Ld(kRa, kSp, 24), Addi(kSp, kSp, 32), kRet,
           // From word 6:
           Addi(kSp, kSp, -16), Sd(kRa, kSp, 8), kCall, kEcall, kRet});
  cpu_.pc = Word(10);  // Behind the ecall.
  Put(8, Word(3));
  Put(16 + 24, 0);
  EXPECT_EQ(Pcs(), (Addresses{Word(10), Word(3)}));
}

TEST_F(BacktraceTest, AFunctionThatHasSavedNothingYetReturnsToRa) {
  SetCode({Addi(kSp, kSp, -32), Sd(kRa, kSp, 24), kCall, kRet, kNop, kEcall, kNop, kRet});
  cpu_.pc = Word(6);
  cpu_.x[kRa] = Word(3);
  EXPECT_EQ(Pcs(), (Addresses{Word(6), Word(3)}));
}

TEST_F(BacktraceTest, EachWayThroughAFunctionHasItsOwnFrame) {
  // The fast way has no frame; the slow way behind its return has one.
  SetCode({kCall, kNop, kNop, kRet,
           // From word 4:
           Beqz(8), kRet, Addi(kSp, kSp, -48), Sd(kS1, kSp, 32), Sd(kRa, kSp, 40), kCall, kNop});
  cpu_.pc = Word(10);
  cpu_.x[kRa] = Word(10);  // Of the call that was made.
  Put(40, Word(1));
  EXPECT_EQ(Pcs(), (Addresses{Word(10), Word(1)}));
}

TEST_F(BacktraceTest, S0IsTrustedWhereTheSizeOfTheFrameIsNotKnown) {
  SetCode({kCall, kNop, kRet,
           // From word 3:
           Addi(kSp, kSp, -32), Sd(kRa, kSp, 24), Sd(kS0, kSp, 16), Addi(kS0, kSp, 32), kTakeA1,
           kCall, kNop});
  cpu_.pc = Word(9);
  cpu_.x[kS0] = cpu_.x[kSp] + 512;
  Put(512 - 8, Word(1));
  EXPECT_EQ(Pcs(), (Addresses{Word(9), Word(1)}));
}

TEST_F(BacktraceTest, ACallOfNothingStillHasACaller) {
  SetCode({kCall, kNop});
  cpu_.pc = 0;
  cpu_.x[kRa] = Word(1);
  EXPECT_EQ(Pcs(), (Addresses{0, Word(1)}));
}

TEST_F(BacktraceTest, WhatFollowsNoCallIsNoReturnAddress) {
  SetCode({kNop, kNop});
  cpu_.pc = 0;
  cpu_.x[kRa] = Word(1);
  EXPECT_EQ(Pcs(), (Addresses{0}));
}

TEST_F(BacktraceTest, AHandlersCallerIsWhatTheSignalInterrupted) {
  // Word 0: the trampoline; word 2: the handler; word 3: who calls; word 4: who was interrupted.
  SetCode({0x08b00893, kEcall, kNop, kCall, kNop});
  const uint64_t interrupted_stack = kStack + kPage;  // Below: the handler has a stack of its own.
  cpu_.pc = Word(2);
  cpu_.x[kRa] = Word(0);
  Put(304, 0x123);  // pc: no code.
  Put(304 + 8 * kRa, Word(4));
  Put(304 + 8 * kSp, interrupted_stack);
  EXPECT_EQ(Pcs(), (Addresses{Word(2), 0, 0x123, Word(4)}));
}

TEST_F(BacktraceTest, FramesThatDoNotMoveUpEndTheStack) {
  SetCode({Addi(kSp, kSp, -16), Sd(kRa, kSp, 8), kCall, kNop});
  cpu_.pc = Word(3);
  // Recursion to the end of the mapping is bounded; each frame is 16 bytes.
  for (uint64_t at = 8; at < 8 * kPage; at += 16) Put(at, Word(3));
  EXPECT_EQ(Pcs(), Addresses(kMostFunctions, Word(3)));
  // A handler whose interrupted code is that handler's return, and so on.
  SetCode({0x08b00893, kEcall});
  cpu_.pc = Word(0);
  Put(304, Word(0));
  Put(304 + 8 * kSp, cpu_.x[kSp]);
  EXPECT_EQ(Pcs(), Addresses(kMostFunctions, 0));
}

TEST_F(BacktraceTest, RandomCodeAndStacksEnd) {
  uint64_t state = 88172645463325252;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
  };
  for (int round = 0; round < 200; ++round) {
    MapAt(kCode, 4 * kPage, memory::kRx);
    // Half of the words are what stacks are made of.
    const uint32_t likely[] = {
        Addi(kSp, kSp, -32), Sd(kRa, kSp, 24),  kCall, kRet, Beqz(-64), kTakeA1, Addi(kS0, kSp, 32),
        Jalr(0, 15),         Addi(kSp, kSp, 32)};
    for (int i = 0; i < 1024; ++i) {
      uint32_t word =
          next() % 2 == 0 ? likely[next() % std::size(likely)] : static_cast<uint32_t>(next());
      uint8_t bytes[4];
      std::memcpy(bytes, &word, sizeof(word));
      ASSERT_EQ(space_->WriteForced(GuestAddr{Word(i)}, bytes), 4u);
    }
    for (uint64_t at = 0; at < kPage; at += 8)
      Put(at, next() % 4 == 0 ? next() : Word(static_cast<int>(next() % 1024)));
    cpu_.pc = Word(static_cast<int>(next() % 1024)) + next() % 3;
    for (int number = 3; number < 32; ++number)
      cpu_.x[number] = next() % 2 == 0 ? next() : cpu_.x[kSp] + next() % 4096;
    cpu_.x[kRa] = Word(static_cast<int>(next() % 1024));
    EXPECT_LE(Pcs().size(), kMostFunctions);
  }
}

}  // namespace
}  // namespace pollux::machine
