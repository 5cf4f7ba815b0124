#include "interp/bytecode/variant.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace pollux::interp {
namespace {

TEST(Variant, SaysWhereTheOperandsAre) {
  const Op op{.code = Bytecode::kAdd, .rd = kA5, .rs1 = kA0, .rs2 = kSp};
  const Variant variant = VariantOf(static_cast<unsigned>(VariantFor(&op)));
  EXPECT_EQ(variant.code, Bytecode::kAdd);
  EXPECT_EQ(variant.rd, Place::kA5);
  EXPECT_EQ(variant.rs1, Place::kA0);
  EXPECT_EQ(variant.rs2, Place::kMemory);
}

TEST(Variant, X0IsAPlaceWhereItIsOftenNamed) {
  const Op branch{.code = Bytecode::kBne, .rs1 = kA4, .rs2 = 0};
  EXPECT_EQ(VariantOf(static_cast<unsigned>(VariantFor(&branch))).rs2, Place::kZero);
  // Elsewhere the register file has a zero.
  const Op add{.code = Bytecode::kAdd, .rd = kA5, .rs1 = kA4, .rs2 = 0};
  EXPECT_EQ(VariantOf(static_cast<unsigned>(VariantFor(&add))).rs2, Place::kMemory);
  const Op sink{.code = Bytecode::kLd, .rd = kSink, .rs1 = kA4};
  EXPECT_EQ(VariantOf(static_cast<unsigned>(VariantFor(&sink))).rd, Place::kMemory);
}

TEST(Variant, RoundingIsPartOfIt) {
  const auto rounding_of = [](uint8_t rm) {
    const Op op{.code = Bytecode::kFaddD, .rm = rm};
    return VariantOf(static_cast<unsigned>(VariantFor(&op))).rounding;
  };
  EXPECT_EQ(rounding_of(kRmDynamic), Rounding::kDynamic);
  EXPECT_EQ(rounding_of(fp::kRne), Rounding::kNearestEven);
  EXPECT_EQ(rounding_of(fp::kRtz), Rounding::kTowardZero);
  EXPECT_EQ(rounding_of(fp::kRup), Rounding::kAny);
}

TEST(Variant, OfAFusionIsWhereTheSecondsOwnOperandIs) {
  Op ops[] = {{.code = Bytecode::kAddi, .rd = kA3, .rs1 = kA3, .imm = 1},
              {.code = Bytecode::kBne, .rs1 = kA3, .rs2 = kA4}};
  Fuse(ops);
  const Variant variant = VariantOf(static_cast<unsigned>(VariantFor(ops)));
  EXPECT_EQ(variant.code, Bytecode::kAddiThenBneCount);
  EXPECT_EQ(variant.rd, Place::kA3);
  EXPECT_EQ(variant.other, Place::kA4);
}

TEST(Variant, AFreeFusionReadsMemoryUnlessARegisterIsChangedInPlace) {
  const auto variant_of = [](Op first, Op second) {
    Op ops[] = {first, second};
    Fuse(ops);
    const Variant variant = VariantOf(static_cast<unsigned>(VariantFor(ops)));
    EXPECT_EQ(variant.code, Bytecode::kAddiThenAddFree);
    EXPECT_EQ(variant.rs2, Place::kMemory);
    return variant;
  };
  const Variant in_place = variant_of({.code = Bytecode::kAddi, .rd = kA3, .rs1 = kA3},
                                      {.code = Bytecode::kAdd, .rd = kA0, .rs1 = kA0, .rs2 = kA3});
  EXPECT_EQ(in_place.rd, Place::kA3);
  EXPECT_EQ(in_place.rs1, Place::kA3);
  EXPECT_EQ(in_place.other, Place::kA0);
  EXPECT_EQ(in_place.other_rs1, Place::kA0);
  const Variant elsewhere = variant_of({.code = Bytecode::kAddi, .rd = kA3, .rs1 = kA4},
                                       {.code = Bytecode::kAdd, .rd = kSp, .rs1 = kA0});
  EXPECT_EQ(elsewhere.rd, Place::kA3);
  EXPECT_EQ(elsewhere.rs1, Place::kMemory);
  EXPECT_EQ(elsewhere.other, Place::kMemory);
  EXPECT_EQ(elsewhere.other_rs1, Place::kMemory);
}

TEST(Variant, EachHasACodeOfItsOwnAndIsFoundAgain) {
  // A register for each place.
  const std::vector<uint8_t> registers = {kSp, kA5, kA4, kA3, kA0, 0};
  std::set<unsigned> codes;
  for (unsigned code = 0; code < static_cast<unsigned>(Bytecode::kCount); ++code) {
    for (const uint8_t rd : registers) {
      for (const uint8_t rs1 : registers) {
        for (const uint8_t rs2 : registers) {
          const Op ops[] = {{.code = static_cast<Bytecode>(code), .rd = rd, .rs1 = rs1, .rs2 = rs2},
                            {.rd = rs2, .rs1 = rs2, .rs2 = rs2}};
          const auto found = static_cast<unsigned>(VariantFor(ops));
          ASSERT_LT(found, kCodes);
          ASSERT_EQ(static_cast<unsigned>(VariantOf(found).code), code);
          codes.insert(found);
        }
      }
    }
  }
  EXPECT_GT(codes.size(), 3000u);
}

}  // namespace
}  // namespace pollux::interp
