#include "interp/bytecode/fusion.h"

#include <utility>

#include "gtest/gtest.h"

namespace pollux::interp {
namespace {

// Fuses the two, and says what came of it; kIllegal: nothing.
Bytecode Fused(Op first, Op second, bool free = false) {
  Op ops[] = {first, second};
  return Fuse(ops, free) ? ops[0].code : Bytecode::kIllegal;
}

TEST(Fusion, ASumIsTheAddressOfALoadIntoTheSameRegister) {
  const Op add{.code = Bytecode::kAdd, .rd = 15, .rs1 = 8, .rs2 = 9};
  EXPECT_EQ(Fused(add, {.code = Bytecode::kLd, .rd = 15, .rs1 = 15}), Bytecode::kAddThenLdSame);
  EXPECT_EQ(Fused(add, {.code = Bytecode::kLd, .rd = 14, .rs1 = 15}), Bytecode::kIllegal);
  EXPECT_EQ(Fused(add, {.code = Bytecode::kLd, .rd = 15, .rs1 = 14}), Bytecode::kIllegal);
}

TEST(Fusion, TheSecondMayNotReadWhatIsNotWritten) {
  const Op shift{.code = Bytecode::kSlli, .rd = 15, .rs1 = 14, .imm = 3};
  EXPECT_EQ(Fused(shift, {.code = Bytecode::kAdd, .rd = 15, .rs1 = 15, .rs2 = 8}),
            Bytecode::kSlliThenAddSame);
  EXPECT_EQ(Fused(shift, {.code = Bytecode::kAdd, .rd = 15, .rs1 = 15, .rs2 = 15}),
            Bytecode::kIllegal);
}

TEST(Fusion, OperandsAreExchangedWhereTheirOrderDoesNotMatter) {
  Op ops[] = {{.code = Bytecode::kSlli, .rd = 15, .rs1 = 14, .imm = 3},
              {.code = Bytecode::kAdd, .rd = 15, .rs1 = 8, .rs2 = 15}};
  ASSERT_TRUE(Fuse(ops, false));
  EXPECT_EQ(ops[0].code, Bytecode::kSlliThenAddSame);
  EXPECT_EQ(ops[1].rs1, 15);
  EXPECT_EQ(ops[1].rs2, 8);
  EXPECT_EQ(ops[1].code, Bytecode::kAdd) << "for those who jump there";

  // A comparison by size has an order.
  const Op ten{.code = Bytecode::kConstant, .rd = 15, .imm = 10};
  EXPECT_EQ(Fused(ten, {.code = Bytecode::kBltu, .rs1 = 14, .rs2 = 15}),
            Bytecode::kConstantThenBltuReversedTest);
  EXPECT_EQ(Fused(ten, {.code = Bytecode::kBltu, .rs1 = 15, .rs2 = 14}),
            Bytecode::kConstantThenBltuTest);
  EXPECT_EQ(Fused(ten, {.code = Bytecode::kBltu, .rs1 = 13, .rs2 = 14}), Bytecode::kIllegal);
}

TEST(Fusion, ALoopCountsInPlace) {
  const Op branch{.code = Bytecode::kBne, .rs1 = 15, .rs2 = 14};
  EXPECT_EQ(Fused({.code = Bytecode::kAddi, .rd = 15, .rs1 = 15, .imm = 1}, branch),
            Bytecode::kAddiThenBneCount);
  EXPECT_EQ(Fused({.code = Bytecode::kAddi, .rd = 15, .rs1 = 13, .imm = 1}, branch),
            Bytecode::kIllegal);
}

TEST(Fusion, LoadsNeedTheirBaseTwice) {
  const Op second{.code = Bytecode::kLd, .rd = 9, .rs1 = 2, .imm = 8};
  EXPECT_EQ(Fused({.code = Bytecode::kLd, .rd = 8, .rs1 = 2}, second), Bytecode::kLdThenLdLoads);
  EXPECT_EQ(Fused({.code = Bytecode::kLd, .rd = 2, .rs1 = 2}, second), Bytecode::kIllegal);
  EXPECT_EQ(Fused({.code = Bytecode::kLd, .rd = 8, .rs1 = 3}, second), Bytecode::kIllegal);
}

// Operands that `pattern` is about: those of the first, and of the second.
std::pair<Op, Op> OperandsOf(Pattern pattern) {
  const Op first{.rd = 15, .rs1 = 14, .rs2 = 13};
  switch (pattern) {
    case Pattern::kSame:
      return {first, {.rd = 15, .rs1 = 15, .rs2 = 12}};
    case Pattern::kCount:
      return {{.rd = 15, .rs1 = 15, .rs2 = 13}, {.rs1 = 15, .rs2 = 12}};
    case Pattern::kTest:
      return {first, {.rs1 = 15, .rs2 = 12}};
    case Pattern::kReversedTest:
      return {first, {.rs1 = 12, .rs2 = 15}};
    case Pattern::kTestOfZero:
      return {first, {.rs1 = 15, .rs2 = 0}};
    case Pattern::kStep:
      return {first, {.rd = 12, .rs1 = 12}};
    case Pattern::kLoads:
      return {first, {.rd = 11, .rs1 = 14}};
    case Pattern::kStores:
      return {first, {.rs1 = 14, .rs2 = 12}};
    case Pattern::kJump:
    case Pattern::kElse:
      return {first, {}};
    case Pattern::kFree:
      return {first, {.rd = 11, .rs1 = 9, .rs2 = 12}};
  }
  return {};
}

// A row behind another that takes its pairs would cost time, and nothing else.
TEST(Fusion, EveryRowFusesThePairItIsAbout) {
  for (const Fusion& row : kFusions) {
    auto [first, second] = OperandsOf(row.pattern);
    first.code = row.first;
    second.code = row.second;
    const bool free = row.pattern == Pattern::kFree;
    EXPECT_EQ(Fused(first, second, free), row.fused) << "row " << &row - kFusions;
    if (free) EXPECT_EQ(Fused(first, second), Bytecode::kIllegal) << "row " << &row - kFusions;
  }
}

TEST(Fusion, WhatIsFusedIsNotFusedAgain) {
  Op ops[] = {{.code = Bytecode::kSlli, .rd = 15, .rs1 = 14, .imm = 3},
              {.code = Bytecode::kAdd, .rd = 15, .rs1 = 15, .rs2 = 8}};
  ASSERT_TRUE(Fuse(ops, false));
  EXPECT_FALSE(Fuse(ops, false));
}

}  // namespace
}  // namespace pollux::interp
