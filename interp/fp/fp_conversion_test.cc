// Conversions that concern one format or both at once, flags, and NaN boxing.

#include <bit>
#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "interp/fp/fp_test_support.h"
#include "interp/fp/host_fp.h"
#include "interp/fp/soft_fp.h"

namespace pollux::interp::fp {
namespace {

// What concerns both formats at once, or one of them only: once for each policy.
class FpPolicy : public ::testing::TestWithParam<bool> {
 protected:
  template <typename Operation>
  Outcome Run(Operation operation) const {
    return OnPolicy(GetParam(), operation);
  }
  Outcome DoubleToInt32(double a, RoundingMode rm) const {
    const auto bits = std::bit_cast<uint64_t>(a);
    return Run([=](auto fp, auto* f) { return fp.ToInt32(bits, rm, f); });
  }
  Outcome DoubleToUint32(double a, RoundingMode rm) const {
    const auto bits = std::bit_cast<uint64_t>(a);
    return Run([=](auto fp, auto* f) { return fp.ToUint32(bits, rm, f); });
  }
  Outcome Narrow(uint64_t a, RoundingMode rm = kRne) const {
    return Run([=](auto fp, auto* f) { return fp.F64ToF32(a, rm, f); });
  }
  Outcome Widen(uint32_t a, RoundingMode rm = kRne) const {
    return Run([=](auto fp, auto* f) { return fp.F32ToF64(a, rm, f); });
  }
};

INSTANTIATE_TEST_SUITE_P(All, FpPolicy, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("Host") : std::string("Soft");
});

TEST_P(FpPolicy, RoundingDecidesWhetherA32BitIntegerFits) {
  const Outcome max = Integer(INT32_MAX, kFlagNx), above = Integer(INT32_MAX, kFlagNv);
  EXPECT_PER_MODE(DoubleToInt32(2147483647.5, rm), above, max, max, above, above);
  EXPECT_PER_MODE(DoubleToInt32(2147483647.25, rm), max, max, max, above, max);
  const Outcome min = Integer(INT32_MIN, kFlagNx), below = Integer(INT32_MIN, kFlagNv);
  EXPECT_PER_MODE(DoubleToInt32(-2147483648.5, rm), min, min, below, min, below);
  EXPECT_PER_MODE(DoubleToInt32(-2147483648.75, rm), below, min, below, min, below);
  const Outcome umax = Integer(UINT32_MAX, kFlagNx), uabove = Integer(UINT32_MAX, kFlagNv);
  EXPECT_PER_MODE(DoubleToUint32(4294967295.5, rm), uabove, umax, umax, uabove, uabove);
  EXPECT_PER_MODE(DoubleToUint32(4294967296.5, rm), uabove, uabove, uabove, uabove, uabove);
}

TEST_P(FpPolicy, IntegersToF32RoundPerMode) {
  // 2^24 + 1 lies half-way between two numbers of 24 bits.
  const Outcome low{0x4b800000, kFlagNx}, high{0x4b800001, kFlagNx};
  constexpr int32_t kTie = (1 << 24) + 1;
  EXPECT_PER_MODE(Run([=](auto fp, auto* f) { return fp.F32FromInt32(kTie, rm, f); }), low, low,
                  low, high, high);
  EXPECT_PER_MODE(Run([=](auto fp, auto* f) { return fp.F32FromUint32(kTie, rm, f); }), low, low,
                  low, high, high);
  const Outcome near{0xcb800000, kFlagNx}, far{0xcb800001, kFlagNx};
  EXPECT_PER_MODE(Run([=](auto fp, auto* f) { return fp.F32FromInt64(-kTie, rm, f); }), near, near,
                  far, near, far);
  // All ones: rounding carries up to 2^64.
  const Outcome below{0x5f7fffff, kFlagNx}, top{0x5f800000, kFlagNx};
  EXPECT_PER_MODE(Run([=](auto fp, auto* f) { return fp.F32FromUint64(UINT64_MAX, rm, f); }), top,
                  below, below, top, top);
}

TEST_P(FpPolicy, IntegersToF64RoundPerMode) {
  const Outcome low{0x43dfffffffffffff, kFlagNx}, high{0x43e0000000000000, kFlagNx};
  EXPECT_PER_MODE(Run([=](auto fp, auto* f) { return fp.F64FromInt64(INT64_MAX, rm, f); }), high,
                  low, low, high, high);
  const Outcome below{0x43efffffffffffff, kFlagNx}, top{0x43f0000000000000, kFlagNx};
  EXPECT_PER_MODE(Run([=](auto fp, auto* f) { return fp.F64FromUint64(UINT64_MAX, rm, f); }), top,
                  below, below, top, top);
  // 2^63 + 2^10 is a tie; one more is above it, by the bit that halving would shift out.
  const uint64_t tie = 0x8000000000000400;
  const Outcome even{0x43e0000000000000, kFlagNx}, up{0x43e0000000000001, kFlagNx};
  EXPECT_PER_MODE(Run([=](auto fp, auto* f) { return fp.F64FromUint64(tie, rm, f); }), even, even,
                  even, up, up);
  EXPECT_PER_MODE(Run([=](auto fp, auto* f) { return fp.F64FromUint64(tie + 1, rm, f); }), up, even,
                  even, up, up);
}

TEST_P(FpPolicy, IntegersThatFitAreExact) {
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(Run([=](auto fp, auto* f) { return fp.F32FromInt32(0, rm, f); }), (Outcome{0, 0}));
    EXPECT_EQ(Run([=](auto fp, auto* f) { return fp.F64FromInt32(0, rm, f); }), (Outcome{0, 0}));
    EXPECT_EQ(Run([=](auto fp, auto* f) { return fp.F64FromUint64(0, rm, f); }), (Outcome{0, 0}));
    EXPECT_EQ(Run([=](auto fp, auto* f) { return fp.F32FromInt64(INT64_MIN, rm, f); }),
              (Outcome{0xdf000000, kNone}));
    EXPECT_EQ(Run([=](auto fp, auto* f) { return fp.F64FromInt64(INT64_MIN, rm, f); }),
              (Outcome{0xc3e0000000000000, kNone}));
    EXPECT_EQ(Run([=](auto fp, auto* f) { return fp.F64FromInt32(-1, rm, f); }),
              (Outcome{0xbff0000000000000, kNone}));
    EXPECT_EQ(Run([=](auto fp, auto* f) { return fp.F64FromUint32(UINT32_MAX, rm, f); }),
              (Outcome{0x41efffffffe00000, kNone}));
    EXPECT_EQ(Run([=](auto fp, auto* f) { return fp.F32FromUint32(0x80000000, rm, f); }),
              (Outcome{0x4f000000, kNone}));
  }
}

TEST_P(FpPolicy, WideningIsExact) {
  for (RoundingMode rm : kModes) {
    EXPECT_EQ(Widen(0x3fc00000, rm), (Outcome{0x3ff8000000000000, kNone}));
    EXPECT_EQ(Widen(0x00000001, rm), (Outcome{0x36a0000000000000, kNone}));
    EXPECT_EQ(Widen(0x807fffff, rm), (Outcome{0xb80fffffc0000000, kNone}));
    EXPECT_EQ(Widen(0x80000000, rm), (Outcome{0x8000000000000000, kNone}));
    EXPECT_EQ(Widen(0xff800000, rm), (Outcome{0xfff0000000000000, kNone}));
  }
}

TEST_P(FpPolicy, FormatConversionsMakeNansCanonical) {
  EXPECT_EQ(Widen(0xffc01234), (Outcome{kCanonicalNanF64, kNone}));
  EXPECT_EQ(Widen(0x7f800001), (Outcome{kCanonicalNanF64, kFlagNv}));
  EXPECT_EQ(Narrow(0xfff8000000001234), (Outcome{kCanonicalNanF32, kNone}));
  EXPECT_EQ(Narrow(0x7ff0000000000001), (Outcome{kCanonicalNanF32, kFlagNv}));
}

TEST_P(FpPolicy, NarrowingRoundsPerMode) {
  const Outcome low{0x3f800000, kFlagNx}, high{0x3f800001, kFlagNx};
  EXPECT_PER_MODE(Narrow(0x3ff0000010000000, rm), low, low, low, high, high);
  EXPECT_PER_MODE(Narrow(0x3ff0000010000001, rm), high, low, low, high, high);
}

TEST_P(FpPolicy, NarrowingOverflowsAndUnderflows) {
  const Outcome inf{0x7f800000, kOverflow}, max{0x7f7fffff, kOverflow};
  EXPECT_PER_MODE(Narrow(0x7fefffffffffffff, rm), inf, max, max, inf, inf);
  const Outcome gone{0, kUnderflow}, kept{1, kUnderflow};
  EXPECT_PER_MODE(Narrow(0x3690000000000000, rm), gone, gone, gone, kept, kept);  // 2^-150
  EXPECT_PER_MODE(Narrow(0x0000000000000001, rm), gone, gone, gone, kept, gone);
  EXPECT_EQ(Narrow(0x36a0000000000000), (Outcome{1, kNone}));  // 2^-149
}

TEST_P(FpPolicy, NarrowingDetectsTininessAfterRounding) {
  // (1 - 2^-25) * 2^-126 is a tie of 24 bits, to be carried up to 2^-126.
  const Outcome low{0x007fffff, kUnderflow}, high{0x00800000, kFlagNx};
  EXPECT_PER_MODE(Narrow(0x380ffffff0000000, rm), high, low, low, high, high);
  // One bit less is tiny in every mode but the one that rounds up.
  const Outcome tiny{0x00800000, kUnderflow};
  EXPECT_PER_MODE(Narrow(0x380fffffefffffff, rm), tiny, low, low, high, tiny);
}

TEST_P(FpPolicy, FlagsAccumulate) {
  const uint64_t one = 0x3ff0000000000000;
  const Outcome all = Run([=](auto fp, uint32_t* f) {
    *f |= kFlagOf;
    fp.Div(one, uint64_t{0}, kRne, f);
    fp.Add(one, uint64_t{1}, kRtz, f);
    fp.Sqrt(Negate(one), kRne, f);
    return fp.Add(one, one, kRne, f);
  });
  EXPECT_EQ(all, (Outcome{0x4000000000000000, kFlagOf | kFlagDz | kFlagNx | kFlagNv}));
}

TEST(SoftFpAlone, TouchesNoHostFlags) {
  HostFpEnter();
  uint32_t flags = 0;
  SoftFp::Div(0x3f800000u, 0u, kRne, &flags);
  SoftFp::Div(0x3f800000u, 0x40400000u, kRne, &flags);
  SoftFp::Lt(kCanonicalNanF64, kCanonicalNanF64, &flags);
  EXPECT_EQ(flags, kFlagDz | kFlagNx | kFlagNv);
  EXPECT_EQ(HostFpCollect(), kNone);
}

TEST(HostFpAlone, CollectClearsWhatItReturns) {
  HostFpEnter();
  uint32_t flags = 0;
  HostFp::Div(0x3f800000u, 0u, kRne, &flags);
  EXPECT_EQ(flags | HostFpCollect(), kFlagDz);
  EXPECT_EQ(HostFpCollect(), kNone);
}

TEST(HostFpAlone, EnterForgetsFlagsFromOutside) {
  uint32_t flags = 0;
  HostFp::Div(0x3f800000u, 0u, kRne, &flags);
  HostFpEnter();
  EXPECT_EQ(HostFpCollect(), kNone);
}

#if POLLUX_HOST_FP_HARDWARE
TEST(HostFpAlone, EnterUndoesFlushToZeroAndRoundingModes) {
  _mm_setcsr(0xffc0);  // FTZ, DAZ, towards zero, all masked
  HostFpEnter();
  uint32_t flags = 0;
  EXPECT_EQ(HostFp::Mul(0x00800000u, 0x3f000000u, kRne, &flags), 0x00400000u);
  EXPECT_EQ(HostFp::Add(0x00000001u, 0x00000001u, kRne, &flags), 0x00000002u);
  EXPECT_EQ(HostFp::Div(0x3f800000u, 0x40400000u, kRne, &flags), 0x3eaaaaabu);
}
#endif

TEST(Boxing, UpperBitsAllOnes) {
  EXPECT_EQ(BoxF32(0x3f800000), 0xffffffff3f800000);
  EXPECT_EQ(UnboxF32(0xffffffff3f800000), 0x3f800000u);
  EXPECT_EQ(UnboxF32(0xffffffffff800001), 0xff800001u);
}

TEST(Boxing, UnboxedValuesReadAsCanonicalNan) {
  EXPECT_EQ(UnboxF32(0x000000003f800000), kCanonicalNanF32);
  EXPECT_EQ(UnboxF32(0xfffffffe3f800000), kCanonicalNanF32);
  EXPECT_EQ(UnboxF32(0x7fffffff3f800000), kCanonicalNanF32);
}

}  // namespace
}  // namespace pollux::interp::fp
