// The edges of arithmetic, comparison and conversion to integers, one by one: on SoftFp and on
// HostFp, in both formats.

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "interp/fp/fp_test_support.h"
#include "interp/fp/host_fp.h"
#include "interp/fp/soft_fp.h"

namespace pollux::interp::fp {
namespace {

struct Param {
  bool host;
  int width;
};

// The constants and the operations of one format on one policy; all values as 64 bits.
class Fp : public ::testing::TestWithParam<Param> {
 protected:
  const int width = GetParam().width;
  const int fraction = width == 32 ? 23 : 52;
  const int bias = width == 32 ? 127 : 1023;
  const int min_exponent = 1 - bias;

  // 2^exponent, where that is a normal number.
  uint64_t Pow2(int exponent) const { return static_cast<uint64_t>(exponent + bias) << fraction; }
  uint64_t Minus(uint64_t a) const {
    return a ^ uint64_t { 1 } << (width - 1);
  }

  const uint64_t zero = 0;
  const uint64_t minus_zero = Minus(0);
  const uint64_t min_subnormal = 1;
  const uint64_t min_normal = uint64_t{1} << fraction;
  const uint64_t max_subnormal = min_normal - 1;
  const uint64_t half = Pow2(-1);
  const uint64_t one = Pow2(0);
  const uint64_t next_after_one = one + 1;
  const uint64_t two = Pow2(1);
  const uint64_t three = two | uint64_t{1} << (fraction - 1);
  const uint64_t half_ulp_of_one = Pow2(-fraction - 1);
  const uint64_t infinity = Pow2(bias + 1);
  const uint64_t max_finite = infinity - 1;
  const uint64_t nan = infinity | uint64_t{1} << (fraction - 1);
  const uint64_t payload_nan = Minus(nan | 0x1234);
  const uint64_t signalling_nan = infinity | 1;

  template <typename Operation>
  Outcome Run(Operation operation) const {
    return OnPolicy(GetParam().host, [&](auto fp, uint32_t* flags) -> uint64_t {
      if (width == 32) {
        return operation(fp, [](uint64_t a) { return static_cast<uint32_t>(a); }, flags);
      }
      return operation(fp, [](uint64_t a) { return a; }, flags);
    });
  }

  Outcome Add(uint64_t a, uint64_t b, RoundingMode rm = kRne) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Add(as(a), as(b), rm, f); });
  }
  Outcome Sub(uint64_t a, uint64_t b, RoundingMode rm = kRne) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Sub(as(a), as(b), rm, f); });
  }
  Outcome Mul(uint64_t a, uint64_t b, RoundingMode rm = kRne) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Mul(as(a), as(b), rm, f); });
  }
  Outcome Div(uint64_t a, uint64_t b, RoundingMode rm = kRne) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Div(as(a), as(b), rm, f); });
  }
  Outcome Sqrt(uint64_t a, RoundingMode rm = kRne) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Sqrt(as(a), rm, f); });
  }
  Outcome MulAdd(uint64_t a, uint64_t b, uint64_t c, RoundingMode rm = kRne) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.MulAdd(as(a), as(b), as(c), rm, f); });
  }
  Outcome Min(uint64_t a, uint64_t b) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Min(as(a), as(b), f); });
  }
  Outcome Max(uint64_t a, uint64_t b) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Max(as(a), as(b), f); });
  }
  Outcome Eq(uint64_t a, uint64_t b) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Eq(as(a), as(b), f); });
  }
  Outcome Lt(uint64_t a, uint64_t b) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Lt(as(a), as(b), f); });
  }
  Outcome Le(uint64_t a, uint64_t b) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.Le(as(a), as(b), f); });
  }
  Outcome Classify(uint64_t a) const {
    return Run([=](auto fp, auto as, auto*) { return fp.Classify(as(a)); });
  }
  Outcome ToInt32(uint64_t a, RoundingMode rm) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.ToInt32(as(a), rm, f); });
  }
  Outcome ToUint32(uint64_t a, RoundingMode rm) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.ToUint32(as(a), rm, f); });
  }
  Outcome ToInt64(uint64_t a, RoundingMode rm) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.ToInt64(as(a), rm, f); });
  }
  Outcome ToUint64(uint64_t a, RoundingMode rm) const {
    return Run([=](auto fp, auto as, auto* f) { return fp.ToUint64(as(a), rm, f); });
  }
};

INSTANTIATE_TEST_SUITE_P(All, Fp,
                         ::testing::Values(Param{false, 32}, Param{false, 64}, Param{true, 32},
                                           Param{true, 64}),
                         [](const ::testing::TestParamInfo<Param>& info) {
                           return (info.param.host ? std::string("Host") : std::string("Soft")) +
                                  std::to_string(info.param.width);
                         });

// Rounding.

TEST_P(Fp, TieAboveAnEvenNumber) {
  const Outcome stay{one, kFlagNx}, up{next_after_one, kFlagNx};
  EXPECT_PER_MODE(Add(one, half_ulp_of_one, rm), stay, stay, stay, up, up);
}

TEST_P(Fp, TieAboveAnOddNumber) {
  const Outcome stay{one + 1, kFlagNx}, up{one + 2, kFlagNx};
  EXPECT_PER_MODE(Add(next_after_one, half_ulp_of_one, rm), up, stay, stay, up, up);
}

TEST_P(Fp, NegativeTieIsTheMirrorImage) {
  const Outcome stay{Minus(one), kFlagNx}, away{Minus(one + 1), kFlagNx};
  EXPECT_PER_MODE(Sub(Minus(one), half_ulp_of_one, rm), stay, stay, away, stay, away);
}

TEST_P(Fp, JustBelowATie) {
  const Outcome stay{one, kFlagNx}, up{next_after_one, kFlagNx};
  EXPECT_PER_MODE(Add(one, half_ulp_of_one - 1, rm), stay, stay, stay, up, stay);
}

TEST_P(Fp, JustAboveATie) {
  const Outcome stay{one, kFlagNx}, up{next_after_one, kFlagNx};
  EXPECT_PER_MODE(Add(one, half_ulp_of_one + 1, rm), up, stay, stay, up, up);
}

TEST_P(Fp, SmallestAddendIsSticky) {
  const Outcome stay{one, kFlagNx}, up{next_after_one, kFlagNx};
  EXPECT_PER_MODE(Add(one, min_subnormal, rm), stay, stay, stay, up, stay);
}

TEST_P(Fp, SmallestSubtrahendIsSticky) {
  const Outcome stay{one, kFlagNx}, down{one - 1, kFlagNx};
  EXPECT_PER_MODE(Sub(one, min_subnormal, rm), stay, down, down, stay, stay);
}

TEST_P(Fp, RoundingCarriesIntoTheExponent) {
  const Outcome stay{two - 1, kFlagNx}, up{two, kFlagNx};
  EXPECT_PER_MODE(Add(two - 1, half_ulp_of_one, rm), up, stay, stay, up, up);
}

TEST_P(Fp, ProductTie) {
  // (1 + ulp) * 1.5 = 1.5 + 1.5 ulp, half-way between an odd and an even number.
  const uint64_t one_and_half = one | uint64_t{1} << (fraction - 1);
  const Outcome low{one_and_half + 1, kFlagNx}, high{one_and_half + 2, kFlagNx};
  EXPECT_PER_MODE(Mul(next_after_one, one_and_half, rm), high, low, low, high, high);
}

TEST_P(Fp, OneThird) {
  // 1/3 is 0.0101...: 24 bits end in 1011 after rounding up, 53 bits in 0101 after rounding down.
  const uint64_t below = width == 32 ? 0x3eaaaaaa : 0x3fd5555555555555;
  const Outcome low{below, kFlagNx}, high{below + 1, kFlagNx};
  const Outcome nearest = width == 32 ? high : low;
  EXPECT_PER_MODE(Div(one, three, rm), nearest, low, low, high, nearest);
}

TEST_P(Fp, QuotientJustAboveATie) {
  // 1 / (1 - 2^-p) = 1 + 2^-p + 2^-2p + ...: a tie but for a bit that 64 quotient bits do not
  // reach.
  const Outcome low{one, kFlagNx}, high{next_after_one, kFlagNx};
  EXPECT_PER_MODE(Div(one, one - 1, rm), high, low, low, high, high);
}

TEST_P(Fp, SquareRootBesideANumber) {
  // sqrt(1 + 2^-22) = 1 + 2^-23 - 2^-47 + 2^-70 - ...: right below a number in f32, right above one
  // in f64, there by a bit that 64 root bits do not reach. Found by the random test.
  const uint64_t below = width == 32 ? one : 0x3ff000001fffffe0;
  const Outcome low{below, kFlagNx}, high{below + 1, kFlagNx};
  const Outcome nearest = width == 32 ? high : low;
  EXPECT_PER_MODE(Sqrt(one | uint64_t{1} << (fraction - 22), rm), nearest, low, low, high, nearest);
}

TEST_P(Fp, SquareRootOfTwo) {
  const uint64_t below = width == 32 ? 0x3fb504f3 : 0x3ff6a09e667f3bcc;
  const Outcome low{below, kFlagNx}, high{below + 1, kFlagNx};
  const Outcome nearest = width == 32 ? low : high;
  EXPECT_PER_MODE(Sqrt(two, rm), nearest, low, low, high, nearest);
}

TEST_P(Fp, ExactResultsRaiseNothing) {
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(Add(one, one, rm), (Outcome{two, kNone}));
    EXPECT_EQ(Sub(three, one, rm), (Outcome{two, kNone}));
    EXPECT_EQ(Mul(three, half, rm), (Outcome{one | uint64_t{1} << (fraction - 1), kNone}));
    EXPECT_EQ(Div(two, half, rm), (Outcome{Pow2(2), kNone}));
    EXPECT_EQ(Sqrt(Pow2(2), rm), (Outcome{two, kNone}));
    EXPECT_EQ(Sqrt(Pow2(-2), rm), (Outcome{half, kNone}));
  }
}

TEST_P(Fp, CancellationIsExact) {
  // Nearly equal operands, and operands whose exponents differ by one.
  EXPECT_EQ(Sub(next_after_one, one), (Outcome{Pow2(-fraction), kNone}));
  EXPECT_EQ(Sub(two, two - 1), (Outcome{Pow2(-fraction), kNone}));
}

// Zeros.

TEST_P(Fp, ExactZeroSumIsNegativeOnlyWhenRoundingDown) {
  const Outcome plus{zero, kNone}, minus{minus_zero, kNone};
  EXPECT_PER_MODE(Sub(three, three, rm), plus, plus, minus, plus, plus);
  EXPECT_PER_MODE(Add(zero, minus_zero, rm), plus, plus, minus, plus, plus);
  EXPECT_PER_MODE(MulAdd(one, one, Minus(one), rm), plus, plus, minus, plus, plus);
}

TEST_P(Fp, ZerosOfOneSignKeepIt) {
  const Outcome plus{zero, kNone}, minus{minus_zero, kNone};
  EXPECT_PER_MODE(Add(minus_zero, minus_zero, rm), minus, minus, minus, minus, minus);
  EXPECT_PER_MODE(Add(zero, zero, rm), plus, plus, plus, plus, plus);
  EXPECT_PER_MODE(MulAdd(minus_zero, one, minus_zero, rm), minus, minus, minus, minus, minus);
}

TEST_P(Fp, ZeroProductsAndQuotientsTakeTheSigns) {
  EXPECT_EQ(Mul(minus_zero, one), (Outcome{minus_zero, kNone}));
  EXPECT_EQ(Mul(minus_zero, Minus(one)), (Outcome{zero, kNone}));
  EXPECT_EQ(Div(zero, Minus(one)), (Outcome{minus_zero, kNone}));
  EXPECT_EQ(Div(one, Minus(infinity)), (Outcome{minus_zero, kNone}));
}

TEST_P(Fp, SquareRootOfMinusZeroIsMinusZero) {
  EXPECT_EQ(Sqrt(minus_zero), (Outcome{minus_zero, kNone}));
}

// Subnormal numbers and underflow.

TEST_P(Fp, HalfOfTheSmallestNumber) {
  const Outcome gone{zero, kUnderflow}, kept{min_subnormal, kUnderflow};
  EXPECT_PER_MODE(Mul(min_subnormal, half, rm), gone, gone, gone, kept, kept);
  EXPECT_PER_MODE(Div(min_subnormal, two, rm), gone, gone, gone, kept, kept);
}

TEST_P(Fp, NegativeHalfOfTheSmallestNumber) {
  const Outcome gone{minus_zero, kUnderflow}, kept{Minus(min_subnormal), kUnderflow};
  EXPECT_PER_MODE(Mul(Minus(min_subnormal), half, rm), gone, gone, kept, gone, kept);
}

TEST_P(Fp, FarBelowTheSmallestNumber) {
  const Outcome gone{zero, kUnderflow}, kept{min_subnormal, kUnderflow};
  EXPECT_PER_MODE(Mul(min_subnormal, min_subnormal, rm), gone, gone, gone, kept, gone);
}

TEST_P(Fp, SubnormalTie) {
  // 3 * smallest / 2 lies between 1 and 2 units.
  const Outcome low{1, kUnderflow}, high{2, kUnderflow};
  EXPECT_PER_MODE(Mul(3, half, rm), high, low, low, high, high);
  const Outcome low5{2, kUnderflow}, high5{3, kUnderflow};
  EXPECT_PER_MODE(Mul(5, half, rm), low5, low5, low5, high5, high5);
}

TEST_P(Fp, ExactSubnormalResultRaisesNothing) {
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(Mul(min_normal, half, rm), (Outcome{min_normal >> 1, kNone}));
    EXPECT_EQ(Add(max_subnormal, min_subnormal, rm), (Outcome{min_normal, kNone}));
    EXPECT_EQ(Sub(min_normal, min_subnormal, rm), (Outcome{max_subnormal, kNone}));
    EXPECT_EQ(MulAdd(min_normal, half, zero, rm), (Outcome{min_normal >> 1, kNone}));
  }
}

TEST_P(Fp, SquareRootOfTheSmallestNumber) {
  // 2^-149 has an odd exponent, 2^-1074 an even one.
  const Outcome expected = width == 32 ? Outcome{0x1a3504f3, kFlagNx} : Outcome{Pow2(-537), kNone};
  EXPECT_EQ(Sqrt(min_subnormal), expected);
}

TEST_P(Fp, TinyEvenWhereTheResultIsTheSmallestNormalNumber) {
  // (1 - 2^-p) * 2^emin needs all p bits, which a subnormal lacks; an unbounded exponent would keep
  // it.
  const Outcome low{max_subnormal, kUnderflow}, high{min_normal, kUnderflow};
  EXPECT_PER_MODE(Mul(one - 1, min_normal, rm), high, low, low, high, high);
}

TEST_P(Fp, TininessIsDetectedAfterRounding) {
  // (1 - 2^-(p+1)) * 2^emin: below the smallest normal number, but p bits round it up to that.
  const Outcome low{max_subnormal, kUnderflow}, high{min_normal, kFlagNx};
  const uint64_t quarter = Pow2(-2);
  EXPECT_PER_MODE(MulAdd(Minus(min_subnormal), quarter, min_normal, rm), high, low, low, high,
                  high);
}

TEST_P(Fp, TininessAfterRoundingOfANegativeNumber) {
  const Outcome low{Minus(max_subnormal), kUnderflow}, high{Minus(min_normal), kFlagNx};
  const uint64_t quarter = Pow2(-2);
  EXPECT_PER_MODE(MulAdd(min_subnormal, quarter, Minus(min_normal), rm), high, low, high, low,
                  high);
}

// Overflow.

TEST_P(Fp, OverflowOfAPositiveNumber) {
  const Outcome inf{infinity, kOverflow}, max{max_finite, kOverflow};
  EXPECT_PER_MODE(Mul(max_finite, two, rm), inf, max, max, inf, inf);
  EXPECT_PER_MODE(Add(max_finite, max_finite, rm), inf, max, max, inf, inf);
  EXPECT_PER_MODE(Div(max_finite, min_subnormal, rm), inf, max, max, inf, inf);
  EXPECT_PER_MODE(MulAdd(max_finite, max_finite, one, rm), inf, max, max, inf, inf);
}

TEST_P(Fp, OverflowOfANegativeNumber) {
  const Outcome inf{Minus(infinity), kOverflow}, max{Minus(max_finite), kOverflow};
  EXPECT_PER_MODE(Mul(Minus(max_finite), two, rm), inf, max, inf, max, inf);
}

TEST_P(Fp, HalfAnUlpAboveTheLargestNumber) {
  // Overflow is judged after rounding: towards zero nothing has overflowed.
  const uint64_t half_ulp = Pow2(bias - fraction - 1);
  const Outcome inf{infinity, kOverflow}, max{max_finite, kFlagNx};
  EXPECT_PER_MODE(Add(max_finite, half_ulp, rm), inf, max, max, inf, inf);
}

TEST_P(Fp, LessThanHalfAnUlpAboveTheLargestNumber) {
  const uint64_t below_half_ulp = Pow2(bias - fraction - 1) - 1;
  const Outcome inf{infinity, kOverflow}, max{max_finite, kFlagNx};
  EXPECT_PER_MODE(Add(max_finite, below_half_ulp, rm), max, max, max, inf, max);
}

// NaNs, infinities, division by zero.

TEST_P(Fp, QuietNanBecomesCanonicalAndRaisesNothing) {
  const Outcome quiet{nan, kNone};
  EXPECT_EQ(Add(payload_nan, one), quiet);
  EXPECT_EQ(Add(one, payload_nan), quiet);
  EXPECT_EQ(Sub(infinity, payload_nan), quiet);
  EXPECT_EQ(Mul(payload_nan, zero), quiet);
  EXPECT_EQ(Div(payload_nan, zero), quiet);
  EXPECT_EQ(Sqrt(payload_nan), quiet);
  EXPECT_EQ(MulAdd(payload_nan, infinity, one), quiet);
  EXPECT_EQ(MulAdd(infinity, payload_nan, Minus(infinity)), quiet);
  EXPECT_EQ(MulAdd(one, one, payload_nan), quiet);
}

TEST_P(Fp, SignallingNanRaisesInvalid) {
  const Outcome invalid{nan, kFlagNv};
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(Add(signalling_nan, one, rm), invalid);
    EXPECT_EQ(Add(payload_nan, signalling_nan, rm), invalid);
    EXPECT_EQ(Sub(one, signalling_nan, rm), invalid);
    EXPECT_EQ(Mul(zero, Minus(signalling_nan), rm), invalid);
    EXPECT_EQ(Div(signalling_nan, zero, rm), invalid);
    EXPECT_EQ(Sqrt(Minus(signalling_nan), rm), invalid);
    EXPECT_EQ(MulAdd(signalling_nan, one, payload_nan, rm), invalid);
    EXPECT_EQ(MulAdd(payload_nan, signalling_nan, one, rm), invalid);
    EXPECT_EQ(MulAdd(payload_nan, one, signalling_nan, rm), invalid);
  }
}

TEST_P(Fp, InvalidOperations) {
  const Outcome invalid{nan, kFlagNv};
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(Add(infinity, Minus(infinity), rm), invalid);
    EXPECT_EQ(Sub(infinity, infinity, rm), invalid);
    EXPECT_EQ(Mul(infinity, minus_zero, rm), invalid);
    EXPECT_EQ(Mul(zero, infinity, rm), invalid);
    EXPECT_EQ(Div(zero, minus_zero, rm), invalid);
    EXPECT_EQ(Div(infinity, Minus(infinity), rm), invalid);
    EXPECT_EQ(Sqrt(Minus(one), rm), invalid);
    EXPECT_EQ(Sqrt(Minus(min_subnormal), rm), invalid);
    EXPECT_EQ(Sqrt(Minus(infinity), rm), invalid);
    EXPECT_EQ(MulAdd(infinity, one, Minus(infinity), rm), invalid);
    EXPECT_EQ(MulAdd(zero, infinity, one, rm), invalid);
  }
}

TEST_P(Fp, InfinityTimesZeroPlusQuietNanIsInvalid) {
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(MulAdd(infinity, zero, nan, rm), (Outcome{nan, kFlagNv}));
    EXPECT_EQ(MulAdd(minus_zero, infinity, payload_nan, rm), (Outcome{nan, kFlagNv}));
  }
}

TEST_P(Fp, InfinitiesPassThrough) {
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(Add(infinity, infinity, rm), (Outcome{infinity, kNone}));
    EXPECT_EQ(Add(max_finite, Minus(infinity), rm), (Outcome{Minus(infinity), kNone}));
    EXPECT_EQ(Mul(Minus(infinity), min_subnormal, rm), (Outcome{Minus(infinity), kNone}));
    EXPECT_EQ(Div(infinity, zero, rm), (Outcome{infinity, kNone}));
    EXPECT_EQ(Sqrt(infinity, rm), (Outcome{infinity, kNone}));
    // The product alone would overflow; an infinite addend hides that.
    EXPECT_EQ(MulAdd(max_finite, max_finite, Minus(infinity), rm),
              (Outcome{Minus(infinity), kNone}));
  }
}

TEST_P(Fp, DivisionByZero) {
  EXPECT_EQ(Div(one, zero), (Outcome{infinity, kFlagDz}));
  EXPECT_EQ(Div(one, minus_zero), (Outcome{Minus(infinity), kFlagDz}));
  EXPECT_EQ(Div(Minus(min_subnormal), zero, kRtz), (Outcome{Minus(infinity), kFlagDz}));
}

// Fused multiply-add.

TEST_P(Fp, MulAddRoundsOnce) {
  // (1 + ulp)^2 - (1 + 2 ulp) = ulp^2, which a rounded product would have lost.
  EXPECT_EQ(MulAdd(next_after_one, next_after_one, Minus(one + 2)),
            (Outcome{Pow2(-2 * fraction), kNone}));
}

TEST_P(Fp, MulAddAtAndBesideATie) {
  EXPECT_EQ(MulAdd(next_after_one, one, half_ulp_of_one), (Outcome{one + 2, kFlagNx}));
  EXPECT_EQ(MulAdd(next_after_one, one, half_ulp_of_one - 1), (Outcome{one + 1, kFlagNx}));
  EXPECT_EQ(MulAdd(one, half_ulp_of_one, one, kRmm), (Outcome{one + 1, kFlagNx}));
  EXPECT_EQ(MulAdd(one, half_ulp_of_one - 1, one, kRmm), (Outcome{one, kFlagNx}));
  // The exact product is just above a tie, by a bit far below the result's last.
  EXPECT_EQ(MulAdd(next_after_one, half_ulp_of_one, one), (Outcome{one + 1, kFlagNx}));
}

TEST_P(Fp, MulAddKeepsAProductFarBelowASubnormalAddend) {
  // Found by the random test: the sticky bit has to outlive the second shift, into the subnormals.
  const Outcome same{4, kUnderflow}, next{5, kUnderflow};
  EXPECT_PER_MODE(MulAdd(min_subnormal, min_subnormal, 4, rm), same, same, same, next, same);
}

TEST_P(Fp, MulAddBeyondTheRangeInBetween) {
  EXPECT_EQ(MulAdd(max_finite, two, Minus(max_finite)), (Outcome{max_finite, kNone}));
}

TEST_P(Fp, NegateFlipsTheSignOfEverything) {
  EXPECT_EQ(Negate(uint32_t{0}), 0x80000000u);
  EXPECT_EQ(Negate(uint64_t{0x8000000000000000}), 0u);
  EXPECT_EQ(Negate(kCanonicalNanF32), 0xffc00000u);
}

// Min, Max and comparisons.

TEST_P(Fp, MinAndMaxOfNumbers) {
  EXPECT_EQ(Min(one, two), (Outcome{one, kNone}));
  EXPECT_EQ(Max(one, two), (Outcome{two, kNone}));
  EXPECT_EQ(Min(Minus(one), Minus(two)), (Outcome{Minus(two), kNone}));
  EXPECT_EQ(Max(Minus(two), Minus(one)), (Outcome{Minus(one), kNone}));
  EXPECT_EQ(Min(infinity, Minus(infinity)), (Outcome{Minus(infinity), kNone}));
  EXPECT_EQ(Max(min_subnormal, Minus(infinity)), (Outcome{min_subnormal, kNone}));
  EXPECT_EQ(Min(three, three), (Outcome{three, kNone}));
}

TEST_P(Fp, MinusZeroIsLessThanZeroForMinAndMax) {
  EXPECT_EQ(Min(zero, minus_zero), (Outcome{minus_zero, kNone}));
  EXPECT_EQ(Min(minus_zero, zero), (Outcome{minus_zero, kNone}));
  EXPECT_EQ(Max(zero, minus_zero), (Outcome{zero, kNone}));
  EXPECT_EQ(Max(minus_zero, zero), (Outcome{zero, kNone}));
  EXPECT_EQ(Max(minus_zero, minus_zero), (Outcome{minus_zero, kNone}));
}

TEST_P(Fp, MinAndMaxPreferANumberToANan) {
  EXPECT_EQ(Min(nan, one), (Outcome{one, kNone}));
  EXPECT_EQ(Min(one, payload_nan), (Outcome{one, kNone}));
  EXPECT_EQ(Max(nan, Minus(infinity)), (Outcome{Minus(infinity), kNone}));
  EXPECT_EQ(Max(Minus(infinity), nan), (Outcome{Minus(infinity), kNone}));
  EXPECT_EQ(Min(signalling_nan, one), (Outcome{one, kFlagNv}));
  EXPECT_EQ(Max(one, signalling_nan), (Outcome{one, kFlagNv}));
}

TEST_P(Fp, MinAndMaxOfTwoNansAreCanonical) {
  EXPECT_EQ(Min(payload_nan, payload_nan), (Outcome{nan, kNone}));
  EXPECT_EQ(Max(payload_nan, nan), (Outcome{nan, kNone}));
  EXPECT_EQ(Min(signalling_nan, payload_nan), (Outcome{nan, kFlagNv}));
  EXPECT_EQ(Max(payload_nan, signalling_nan), (Outcome{nan, kFlagNv}));
}

TEST_P(Fp, ComparisonsOfNumbers) {
  const Outcome yes{1, kNone}, no{0, kNone};
  EXPECT_EQ(Eq(one, one), yes);
  EXPECT_EQ(Eq(one, Minus(one)), no);
  EXPECT_EQ(Lt(one, two), yes);
  EXPECT_EQ(Lt(two, one), no);
  EXPECT_EQ(Lt(one, one), no);
  EXPECT_EQ(Lt(Minus(two), Minus(one)), yes);
  EXPECT_EQ(Lt(Minus(one), Minus(two)), no);
  EXPECT_EQ(Lt(Minus(min_subnormal), min_subnormal), yes);
  EXPECT_EQ(Lt(Minus(infinity), infinity), yes);
  EXPECT_EQ(Le(one, one), yes);
  EXPECT_EQ(Le(two, one), no);
  EXPECT_EQ(Le(Minus(two), Minus(one)), yes);
  EXPECT_EQ(Le(infinity, infinity), yes);
}

TEST_P(Fp, ZerosCompareEqual) {
  const Outcome yes{1, kNone}, no{0, kNone};
  EXPECT_EQ(Eq(minus_zero, zero), yes);
  EXPECT_EQ(Lt(minus_zero, zero), no);
  EXPECT_EQ(Lt(zero, minus_zero), no);
  EXPECT_EQ(Le(zero, minus_zero), yes);
  EXPECT_EQ(Le(minus_zero, zero), yes);
}

TEST_P(Fp, ComparisonsWithNans) {
  const Outcome quiet{0, kNone}, invalid{0, kFlagNv};
  for (uint64_t number : {one, zero, infinity, payload_nan}) {
    EXPECT_EQ(Eq(payload_nan, number), quiet);
    EXPECT_EQ(Eq(number, nan), quiet);
    EXPECT_EQ(Eq(signalling_nan, number), invalid);
    EXPECT_EQ(Eq(number, signalling_nan), invalid);
    EXPECT_EQ(Lt(payload_nan, number), invalid);
    EXPECT_EQ(Lt(number, signalling_nan), invalid);
    EXPECT_EQ(Le(payload_nan, number), invalid);
    EXPECT_EQ(Le(number, signalling_nan), invalid);
  }
}

TEST_P(Fp, ClassifyKnowsAllTenClasses) {
  EXPECT_EQ(Classify(Minus(infinity)), (Outcome{1 << 0, kNone}));
  EXPECT_EQ(Classify(Minus(max_finite)), (Outcome{1 << 1, kNone}));
  EXPECT_EQ(Classify(Minus(min_normal)), (Outcome{1 << 1, kNone}));
  EXPECT_EQ(Classify(Minus(max_subnormal)), (Outcome{1 << 2, kNone}));
  EXPECT_EQ(Classify(Minus(min_subnormal)), (Outcome{1 << 2, kNone}));
  EXPECT_EQ(Classify(minus_zero), (Outcome{1 << 3, kNone}));
  EXPECT_EQ(Classify(zero), (Outcome{1 << 4, kNone}));
  EXPECT_EQ(Classify(min_subnormal), (Outcome{1 << 5, kNone}));
  EXPECT_EQ(Classify(max_subnormal), (Outcome{1 << 5, kNone}));
  EXPECT_EQ(Classify(min_normal), (Outcome{1 << 6, kNone}));
  EXPECT_EQ(Classify(max_finite), (Outcome{1 << 6, kNone}));
  EXPECT_EQ(Classify(infinity), (Outcome{1 << 7, kNone}));
  EXPECT_EQ(Classify(signalling_nan), (Outcome{1 << 8, kNone}));
  EXPECT_EQ(Classify(Minus(signalling_nan)), (Outcome{1 << 8, kNone}));
  EXPECT_EQ(Classify(nan), (Outcome{1 << 9, kNone}));
  EXPECT_EQ(Classify(payload_nan), (Outcome{1 << 9, kNone}));
}

// To integers.

TEST_P(Fp, FractionsToIntegersPerMode) {
  const uint64_t two_and_half = two | uint64_t{1} << (fraction - 2);
  const auto nx = [](int64_t value) { return Integer(value, kFlagNx); };
  EXPECT_PER_MODE(ToInt32(half, rm), nx(0), nx(0), nx(0), nx(1), nx(1));
  EXPECT_PER_MODE(ToInt32(two_and_half, rm), nx(2), nx(2), nx(2), nx(3), nx(3));
  EXPECT_PER_MODE(ToInt64(Minus(two_and_half), rm), nx(-2), nx(-2), nx(-3), nx(-2), nx(-3));
  EXPECT_PER_MODE(ToUint32(two_and_half + 1, rm), nx(3), nx(2), nx(2), nx(3), nx(3));
  EXPECT_PER_MODE(ToUint64(two_and_half - 1, rm), nx(2), nx(2), nx(2), nx(3), nx(2));
  EXPECT_PER_MODE(ToInt64(min_subnormal, rm), nx(0), nx(0), nx(0), nx(1), nx(0));
  EXPECT_PER_MODE(ToInt64(Minus(min_subnormal), rm), nx(0), nx(0), nx(-1), nx(0), nx(0));
}

TEST_P(Fp, WholeNumbersToIntegersRaiseNothing) {
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(ToInt32(Minus(three), rm), Integer(-3, kNone));
    EXPECT_EQ(ToUint32(three, rm), Integer(3, kNone));
    EXPECT_EQ(ToInt64(zero, rm), Integer(0, kNone));
    EXPECT_EQ(ToUint64(minus_zero, rm), Integer(0, kNone));
    EXPECT_EQ(ToUint32(minus_zero, rm), Integer(0, kNone));
  }
}

TEST_P(Fp, NegativeFractionsToUnsigned) {
  const Outcome inexact = Integer(0, kFlagNx), invalid = Integer(0, kFlagNv);
  EXPECT_PER_MODE(ToUint32(Minus(half), rm), inexact, inexact, invalid, inexact, invalid);
  EXPECT_PER_MODE(ToUint64(Minus(half), rm), inexact, inexact, invalid, inexact, invalid);
  EXPECT_PER_MODE(ToUint64(Minus(one - 1), rm), invalid, inexact, invalid, inexact, invalid);
  EXPECT_PER_MODE(ToUint64(Minus(one), rm), invalid, invalid, invalid, invalid, invalid);
  EXPECT_PER_MODE(ToUint32(Minus(one), rm), invalid, invalid, invalid, invalid, invalid);
}

TEST_P(Fp, PowersOfTwoAtTheLimits) {
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(ToInt32(Minus(Pow2(31)), rm), Integer(INT32_MIN, kNone));
    EXPECT_EQ(ToInt32(Pow2(31), rm), Integer(INT32_MAX, kFlagNv));
    EXPECT_EQ(ToInt32(Minus(Pow2(32)), rm), Integer(INT32_MIN, kFlagNv));
    EXPECT_EQ(ToUint32(Pow2(31), rm), Integer(0x80000000, kNone));
    EXPECT_EQ(ToUint32(Pow2(32), rm), Integer(0xffffffff, kFlagNv));
    EXPECT_EQ(ToInt64(Minus(Pow2(63)), rm), Integer(INT64_MIN, kNone));
    EXPECT_EQ(ToInt64(Pow2(63), rm), Integer(INT64_MAX, kFlagNv));
    EXPECT_EQ(ToInt64(Minus(Pow2(63) + 1), rm), Integer(INT64_MIN, kFlagNv));
    EXPECT_EQ(ToInt64(Pow2(63) - 1, rm).flags, kNone);
    EXPECT_EQ(ToUint64(Pow2(63), rm), Integer(INT64_MIN, kNone));
    EXPECT_EQ(ToUint64(Pow2(64), rm), Integer(-1, kFlagNv));
    EXPECT_EQ(ToUint64(max_finite, rm), Integer(-1, kFlagNv));
    EXPECT_EQ(ToUint64(Pow2(64) - 1, rm).value, uint64_t{0} - (uint64_t{1} << (63 - fraction)));
  }
}

TEST_P(Fp, NansAndInfinitiesToIntegers) {
  for (RoundingMode rm : kModes) {
    for (uint64_t large : {infinity, nan, payload_nan, signalling_nan, Minus(signalling_nan)}) {
      EXPECT_EQ(ToInt32(large, rm), Integer(INT32_MAX, kFlagNv));
      EXPECT_EQ(ToUint32(large, rm), Integer(0xffffffff, kFlagNv));
      EXPECT_EQ(ToInt64(large, rm), Integer(INT64_MAX, kFlagNv));
      EXPECT_EQ(ToUint64(large, rm), Integer(-1, kFlagNv));
    }
    EXPECT_EQ(ToInt32(Minus(infinity), rm), Integer(INT32_MIN, kFlagNv));
    EXPECT_EQ(ToUint32(Minus(infinity), rm), Integer(0, kFlagNv));
    EXPECT_EQ(ToInt64(Minus(infinity), rm), Integer(INT64_MIN, kFlagNv));
    EXPECT_EQ(ToUint64(Minus(infinity), rm), Integer(0, kFlagNv));
  }
}

}  // namespace
}  // namespace pollux::interp::fp
