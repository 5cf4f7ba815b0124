#include "interp/bytecode/fusion.h"

#include <utility>

#include "gtest/gtest.h"
#include "interp/engine/cpu.h"
#include "interp/fp/soft_fp.h"
#include "interp/isa/instruction.h"

namespace pollux::interp {
namespace {

// What comes of the two but for what is free; kIllegal: nothing.
Bytecode Fused(const Op& first, const Op& second) {
  const Bytecode code = FusionOf(first, second);
  return IsFusion(code) && FusionOf(code).pattern == Pattern::kFree ? Bytecode::kIllegal : code;
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
  Fuse(ops);
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
      return {{.rd = 15, .rs1 = 14, .rs2 = 13, .rm = kRmDynamic},
              {.rd = 11, .rs1 = 9, .rs2 = 12, .rm = kRmDynamic}};
  }
  return {};
}

// A row behind another that takes its pairs would cost time, and nothing else.
TEST(Fusion, EveryRowFusesThePairItIsAbout) {
  for (const Fusion& row : kFusions) {
    auto [first, second] = OperandsOf(row.pattern);
    first.code = row.first;
    second.code = row.second;
    EXPECT_EQ(FusionOf(first, second), row.fused) << "row " << &row - kFusions;
  }
}

TEST(Fusion, AnotherPatternComesBeforeAFreeOne) {
  const Op add{.code = Bytecode::kAdd, .rd = 15, .rs1 = 8, .rs2 = 9};
  EXPECT_EQ(FusionOf(add, {.code = Bytecode::kLbu, .rd = 15, .rs1 = 15}),
            Bytecode::kAddThenLbuSame);
  EXPECT_EQ(FusionOf(add, {.code = Bytecode::kLbu, .rd = 14, .rs1 = 15}),
            Bytecode::kAddThenLbuFree);
}

TEST(Fusion, WhatRoundsInAWayOfItsOwnStaysByItself) {
  const Op sum{.code = Bytecode::kFaddD, .rd = 1, .rm = kRmDynamic};
  Op product{.code = Bytecode::kFmulD, .rd = 2, .rm = kRmDynamic};
  EXPECT_EQ(FusionOf(sum, product), Bytecode::kFaddDThenFmulDFree);
  product.rm = fp::kRtz;
  EXPECT_EQ(FusionOf(sum, product), Bytecode::kIllegal);
  EXPECT_EQ(FusionOf(product, sum), Bytecode::kIllegal);
}

TEST(Fusion, WhatIsFusedCostsLessThanTheTwo) {
  for (const Fusion& row : kFusions)
    EXPECT_LT(CostOf(row.fused), CostOf(row.first) + CostOf(row.second)) << &row - kFusions;
}

TEST(Series, GoesDownTheStackAsFarAsItGoes) {
  Op ops[12];
  for (int i = 0; i < 12; ++i) {
    ops[i] = {.code = Bytecode::kSd, .rs1 = kSp, .rs2 = static_cast<uint8_t>(i), .imm = 88 - 8 * i};
  }
  EXPECT_EQ(LengthOfSeries(ops, 12), kLongestSeries);
  EXPECT_EQ(LengthOfSeries(ops, 3), 3);
  ops[4].imm -= 8;
  EXPECT_EQ(LengthOfSeries(ops, 12), 4);
  ops[2].rs1 = 8;
  EXPECT_EQ(LengthOfSeries(ops, 12), 2);
  EXPECT_EQ(LengthOfSeries(ops + 2, 10), 1);
  ops[1].code = Bytecode::kSw;
  EXPECT_EQ(LengthOfSeries(ops, 12), 1);
}

TEST(Series, LoadsWhatNeitherMovesTheStackNorIsPinned) {
  const auto length = [](uint8_t rd) {
    const Op ops[] = {{.code = Bytecode::kLd, .rd = 8, .rs1 = kSp, .imm = 8},
                      {.code = Bytecode::kLd, .rd = rd, .rs1 = kSp, .imm = 0}};
    return LengthOfSeries(ops, 2);
  };
  EXPECT_EQ(length(9), 2);
  EXPECT_EQ(length(kSp), 1);
  EXPECT_EQ(length(kA5), 1);
  EXPECT_EQ(length(kSink), 1);
}

TEST(Series, EachHasACode) {
  for (const Bytecode operation : {Bytecode::kLd, Bytecode::kSd}) {
    for (int count = 2; count <= kLongestSeries; ++count) {
      const Bytecode code = CodeOfSeries({operation, count});
      EXPECT_TRUE(IsSeries(code));
      EXPECT_EQ(SeriesOf(code).operation, operation);
      EXPECT_EQ(SeriesOf(code).count, count);
      EXPECT_EQ(LengthOf(code), count);
      EXPECT_LT(CostOf(code), count * CostOf(operation));
    }
  }
}

}  // namespace
}  // namespace pollux::interp
