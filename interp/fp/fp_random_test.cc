// Random operands: SoftFp against HostFp in all modes, against the host's hardware in the four
// modes that it has, and for the fifth (RMM) against exact big-number arithmetic.
//
// The seed is gtest's (--gtest_random_seed=N, 0 by default) and is printed first.

#include <algorithm>
#include <array>
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <type_traits>

#include "gtest/gtest.h"
#include "interp/fp/fp_test_support.h"
#include "interp/fp/host_fp.h"
#include "interp/fp/soft_fp.h"

namespace pollux::interp::fp {
namespace {

template <FpBits Bits>
using Float = std::conditional_t<sizeof(Bits) == 4, float, double>;
template <FpBits Bits>
constexpr Bits kSignBit = Bits{1} << (sizeof(Bits) * 8 - 1);
template <FpBits Bits>
constexpr int kFractionBits = std::numeric_limits<Float<Bits>>::digits - 1;
template <FpBits Bits>
constexpr Bits kCanonicalNan =
    sizeof(Bits) == 4 ? static_cast<Bits>(kCanonicalNanF32) : static_cast<Bits>(kCanonicalNanF64);

uint64_t PrintedSeed() {
  const auto seed = static_cast<uint64_t>(GTEST_FLAG_GET(random_seed));
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

// Operands.

template <FpBits Bits>
struct Operands {
  Bits a, b, c;
  uint64_t integer;
};

template <FpBits Bits>
class OperandSource {
 public:
  explicit OperandSource(uint64_t seed) : random_(seed) {}

  Operands<Bits> Next() {
    Operands<Bits> o{Value(), Value(), Value(), IntegerValue()};
    // Operands that have to do with each other: near cancellation, near ties.
    switch (Below(6)) {
      case 0:
        o.b = Near(o.a);
        break;
      case 1:
        o.c = Near(static_cast<Bits>(ProductEstimate(o.a, o.b)));
        break;
      case 2:
        o.b = WithExponentNear(o.a, kFractionBits<Bits> + 3);
        o.c = WithExponentNear(static_cast<Bits>(ProductEstimate(o.a, o.b)), 110);
        break;
      default:
        break;
    }
    return o;
  }

 private:
  static constexpr Bits kFraction = (Bits{1} << kFractionBits<Bits>)-1;
  static constexpr Bits kExponents = (kSignBit<Bits> - 1) >> kFractionBits<Bits>;
  static constexpr Bits kBias = kExponents / 2;

  uint64_t Below(uint64_t limit) { return random_() % limit; }

  Bits Fraction() {
    const auto bits = static_cast<Bits>(random_());
    switch (Below(7)) {
      case 0:
        return 0;
      case 1:
        return Below(3);  // right above a power of two
      case 2:
        return kFraction - Below(3);  // right below one
      case 3:
        return Bits{1} << Below(kFractionBits<Bits>);
      case 4:
        return bits & kFraction & ~((Bits{1} << Below(kFractionBits<Bits>)) - 1);  // zeros behind
      case 5:
        return (Bits{1} << (kFractionBits<Bits> - 1)) + Below(3) - 1;
      default:
        return bits & kFraction;
    }
  }

  Bits Exponent() {
    switch (Below(8)) {
      case 0:
        return Below(3);
      case 1:
        return kExponents - Below(3);  // infinities and NaNs among them
      case 2:
        return kBias / 2 + Below(kFractionBits<Bits> * 2);  // products near the smallest number
      case 3:
        return kBias + Below(66);  // limits of integers
      case 4:
      case 5:
        return kBias + Below(5) - 2;
      default:
        return Below(kExponents + 1);
    }
  }

  Bits Value() {
    const Bits sign = Below(2) * kSignBit<Bits>;
    if (Below(16) == 0) return sign;
    return sign | Exponent() << kFractionBits<Bits> | Fraction();
  }

  Bits Near(Bits a) {
    return (a + static_cast<Bits>(Below(9)) - 4) ^ static_cast<Bits>(Below(2) * kSignBit<Bits>);
  }

  Bits WithExponentNear(Bits a, uint64_t distance) {
    const Bits exponent = (a >> kFractionBits<Bits> & kExponents) + Below(2 * distance) - distance;
    return Below(2) * kSignBit<Bits> | (exponent & kExponents) << kFractionBits<Bits> | Fraction();
  }

  static Bits ProductEstimate(Bits a, Bits b) {
    return std::bit_cast<Bits>(std::bit_cast<Float<Bits>>(a) * std::bit_cast<Float<Bits>>(b));
  }

  uint64_t IntegerValue() {
    const uint64_t bits = random_();
    switch (Below(6)) {
      case 0:
        return Below(5) - 2;
      case 1:
        return (uint64_t{1} << Below(64)) + Below(5) - 2;
      case 2:
        return ~(bits >> Below(64));
      case 3:
        return bits & ~((uint64_t{1} << Below(64)) - 1);
      case 4:
        return (uint64_t{1} << Below(64)) + (uint64_t{1} << Below(64)) + Below(3) - 1;
      default:
        return bits >> Below(64);
    }
  }

  std::mt19937_64 random_;
};

// Operations, on a policy and on the hardware.

enum class Op {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kSqrt,
  kMulAdd,
  kMin,
  kMax,
  kEq,
  kLt,
  kLe,
  kClassify,
  kToInt32,
  kToUint32,
  kToInt64,
  kToUint64,
  kFromInt32,
  kFromUint32,
  kFromInt64,
  kFromUint64,
  kConvert,
};
constexpr Op kLastOp = Op::kConvert;

template <typename Fp, FpBits Bits>
Outcome Perform(Op op, const Operands<Bits>& o, RoundingMode rm) {
  uint32_t flags = 0;
  uint32_t* const f = &flags;
  constexpr bool kIsF32 = sizeof(Bits) == 4;
  const uint64_t value = [&]() -> uint64_t {
    const auto i32 = static_cast<int32_t>(o.integer);
    const auto u32 = static_cast<uint32_t>(o.integer);
    const auto i64 = static_cast<int64_t>(o.integer);
    switch (op) {
      case Op::kAdd:
        return Fp::Add(o.a, o.b, rm, f);
      case Op::kSub:
        return Fp::Sub(o.a, o.b, rm, f);
      case Op::kMul:
        return Fp::Mul(o.a, o.b, rm, f);
      case Op::kDiv:
        return Fp::Div(o.a, o.b, rm, f);
      case Op::kSqrt:
        return Fp::Sqrt(o.a, rm, f);
      case Op::kMulAdd:
        return Fp::MulAdd(o.a, o.b, o.c, rm, f);
      case Op::kMin:
        return Fp::Min(o.a, o.b, f);
      case Op::kMax:
        return Fp::Max(o.a, o.b, f);
      case Op::kEq:
        return Fp::Eq(o.a, o.b, f);
      case Op::kLt:
        return Fp::Lt(o.a, o.b, f);
      case Op::kLe:
        return Fp::Le(o.a, o.b, f);
      case Op::kClassify:
        return Fp::Classify(o.a);
      case Op::kToInt32:
        return static_cast<uint64_t>(Fp::ToInt32(o.a, rm, f));
      case Op::kToUint32:
        return Fp::ToUint32(o.a, rm, f);
      case Op::kToInt64:
        return static_cast<uint64_t>(Fp::ToInt64(o.a, rm, f));
      case Op::kToUint64:
        return Fp::ToUint64(o.a, rm, f);
      case Op::kFromInt32:
        return kIsF32 ? Fp::F32FromInt32(i32, rm, f) : Fp::F64FromInt32(i32, rm, f);
      case Op::kFromUint32:
        return kIsF32 ? Fp::F32FromUint32(u32, rm, f) : Fp::F64FromUint32(u32, rm, f);
      case Op::kFromInt64:
        return kIsF32 ? Fp::F32FromInt64(i64, rm, f) : Fp::F64FromInt64(i64, rm, f);
      case Op::kFromUint64:
        return kIsF32 ? Fp::F32FromUint64(o.integer, rm, f) : Fp::F64FromUint64(o.integer, rm, f);
      case Op::kConvert:
        if constexpr (kIsF32) return Fp::F32ToF64(o.a, rm, f);
        return Fp::F64ToF32(o.a, rm, f);
    }
    std::abort();
  }();
  return {value, flags};
}

template <FpBits Bits>
Outcome OnHostFp(Op op, const Operands<Bits>& o, RoundingMode rm) {
  HostFpEnter();
  Outcome outcome = Perform<HostFp>(op, o, rm);
  outcome.flags |= HostFpCollect();
  return outcome;
}

// Prints what is needed to turn a finding into a named test.
template <FpBits Bits>
std::string Describe(Op op, const Operands<Bits>& o, RoundingMode rm, const Outcome& soft,
                     const Outcome& other) {
  std::ostringstream out;
  out << "op " << static_cast<int>(op) << " width " << sizeof(Bits) * 8 << " rm " << int{rm}
      << std::hex << " a 0x" << o.a << " b 0x" << o.b << " c 0x" << o.c << " integer 0x"
      << o.integer << "\n  SoftFp " << soft << "\n  other  " << other;
  return out.str();
}

template <FpBits Bits>
void ExpectSame(Op op, const Operands<Bits>& o, RoundingMode rm, const Outcome& soft,
                const Outcome& other) {
  if (soft == other) return;
  ADD_FAILURE() << Describe(op, o, rm, soft, other);
}

constexpr int kBatch = 256;

template <FpBits Bits>
void CompareSoftWithHost(int batches) {
  OperandSource<Bits> source(PrintedSeed() + sizeof(Bits));
  for (int i = 0; i < batches * kBatch && !::testing::Test::HasFailure(); ++i) {
    const Operands<Bits> o = source.Next();
    for (int op = 0; op <= static_cast<int>(kLastOp); ++op) {
      for (RoundingMode rm : kModes) {
        const Outcome soft = Perform<SoftFp>(static_cast<Op>(op), o, rm);
        ExpectSame(static_cast<Op>(op), o, rm, soft, OnHostFp(static_cast<Op>(op), o, rm));
      }
    }
  }
}

TEST(FpRandom, HostFpIsSoftFpInF32) { CompareSoftWithHost<uint32_t>(60); }
TEST(FpRandom, HostFpIsSoftFpInF64) { CompareSoftWithHost<uint64_t>(60); }

#if POLLUX_HOST_FP_HARDWARE

uint32_t RaisedFlags() {
  const int raised = std::fetestexcept(FE_ALL_EXCEPT);
  return (raised & FE_INEXACT ? kFlagNx : 0) | (raised & FE_UNDERFLOW ? kFlagUf : 0) |
         (raised & FE_OVERFLOW ? kFlagOf : 0) | (raised & FE_DIVBYZERO ? kFlagDz : 0) |
         (raised & FE_INVALID ? kFlagNv : 0);
}

template <typename F>
uint64_t CanonicalBits(F x) {
  using Bits = std::conditional_t<sizeof(F) == 4, uint32_t, uint64_t>;
  return std::isnan(x) ? kCanonicalNan<Bits> : std::bit_cast<Bits>(x);
}

// libm's own functions. Inlined by the compiler rint would take round to nearest for granted.
template <typename F>
F (*volatile LibraryRint)(F) = nullptr;
template <>
float (*volatile LibraryRint<float>)(float) = rintf;
template <>
double (*volatile LibraryRint<double>)(double) = rint;
template <typename F>
F (*volatile LibraryFma)(F, F, F) = nullptr;
template <>
float (*volatile LibraryFma<float>)(float, float, float) = fmaf;
template <>
double (*volatile LibraryFma<double>)(double, double, double) = fma;

// Rounds in the current mode, then RISC-V's range check.
template <typename Int, typename F>
Outcome HardwareToInteger(volatile F& x) {
  using Limits = std::numeric_limits<Int>;
  volatile F rounded = LibraryRint<F>(x);
  const uint32_t flags = RaisedFlags();
  const F whole = rounded;
  const F above_max = std::ldexp(F{1}, Limits::digits);
  if (std::isnan(whole) || whole >= above_max) {
    return {static_cast<uint64_t>(Limits::max()), kFlagNv};
  }
  if (whole < static_cast<F>(Limits::min())) return {static_cast<uint64_t>(Limits::min()), kFlagNv};
  return {static_cast<uint64_t>(static_cast<Int>(whole)), flags};
}

// Integers of 63 bits, for the compilers' own code for 64 unsigned bits errs at 0 when rounding
// down.
template <typename F>
F HardwareFromUint64(uint64_t value) {
  if (value <= INT64_MAX) {
    volatile auto low = static_cast<int64_t>(value);
    return static_cast<F>(low);
  }
  volatile auto halved = static_cast<int64_t>(value >> 1 | (value & 1));
  volatile F half = static_cast<F>(halved);
  return half + half;
}

// In the rounding mode that fesetround has set. Only for what rounds.
template <FpBits Bits>
Outcome OnHardware(Op op, const Operands<Bits>& o) {
  using F = Float<Bits>;
  volatile F a = std::bit_cast<F>(o.a), b = std::bit_cast<F>(o.b), c = std::bit_cast<F>(o.c);
  volatile int64_t integer = 0;
  volatile F result = 0;
  std::feclearexcept(FE_ALL_EXCEPT);
  switch (op) {
    case Op::kAdd:
      result = a + b;
      break;
    case Op::kSub:
      result = a - b;
      break;
    case Op::kMul:
      result = a * b;
      break;
    case Op::kDiv:
      result = a / b;
      break;
    case Op::kSqrt:
      result = std::sqrt(a);
      break;
    case Op::kMulAdd:
      result = LibraryFma<F>(a, b, c);
      break;
    case Op::kToInt32:
      return HardwareToInteger<int32_t>(a);
    case Op::kToUint32:
      return HardwareToInteger<uint32_t>(a);
    case Op::kToInt64:
      return HardwareToInteger<int64_t>(a);
    case Op::kToUint64:
      return HardwareToInteger<uint64_t>(a);
    case Op::kFromInt32:
      integer = static_cast<int32_t>(o.integer);
      result = static_cast<F>(integer);
      break;
    case Op::kFromUint32:
      integer = static_cast<uint32_t>(o.integer);
      result = static_cast<F>(integer);
      break;
    case Op::kFromInt64:
      integer = static_cast<int64_t>(o.integer);
      result = static_cast<F>(integer);
      break;
    case Op::kFromUint64:
      result = HardwareFromUint64<F>(o.integer);
      break;
    case Op::kConvert: {
      volatile std::conditional_t<sizeof(Bits) == 4, double, float> converted = a;
      const uint32_t flags = RaisedFlags();
      return {CanonicalBits(+converted), flags};
    }
    default:
      std::abort();
  }
  uint32_t flags = RaisedFlags();
  // The one place where x86 differs: inf * 0 + quiet NaN raises nothing there.
  const bool infinity_times_zero = (std::isinf(+a) && b == 0) || (a == 0 && std::isinf(+b));
  if (op == Op::kMulAdd && infinity_times_zero) flags |= kFlagNv;
  return {CanonicalBits(+result), flags};
}

constexpr Op kRoundingOps[] = {Op::kAdd,       Op::kSub,        Op::kMul,       Op::kDiv,
                               Op::kSqrt,      Op::kMulAdd,     Op::kToInt32,   Op::kToUint32,
                               Op::kToInt64,   Op::kToUint64,   Op::kFromInt32, Op::kFromUint32,
                               Op::kFromInt64, Op::kFromUint64, Op::kConvert};

struct HardwareMode {
  RoundingMode rm;
  int fe;
};
constexpr HardwareMode kHardwareModes[] = {
    {kRne, FE_TONEAREST}, {kRtz, FE_TOWARDZERO}, {kRdn, FE_DOWNWARD}, {kRup, FE_UPWARD}};

// Changing the mode is slow, hence whole batches a mode.
template <FpBits Bits>
void CompareSoftWithHardware(int batches) {
  OperandSource<Bits> source(PrintedSeed() + 100 + sizeof(Bits));
  std::array<Operands<Bits>, kBatch> operands;
  std::array<Outcome, kBatch> hardware;
  for (int batch = 0; batch < batches && !::testing::Test::HasFailure(); ++batch) {
    for (auto& o : operands) o = source.Next();
    for (Op op : kRoundingOps) {
      for (const HardwareMode& mode : kHardwareModes) {
        std::fesetround(mode.fe);
        for (int i = 0; i < kBatch; ++i) hardware[i] = OnHardware(op, operands[i]);
        std::fesetround(FE_TONEAREST);
        for (int i = 0; i < kBatch; ++i) {
          const Outcome soft = Perform<SoftFp>(op, operands[i], mode.rm);
          ExpectSame(op, operands[i], mode.rm, soft, hardware[i]);
        }
      }
    }
  }
}

TEST(FpRandom, SoftFpIsTheHardwareInF32) { CompareSoftWithHardware<uint32_t>(150); }
TEST(FpRandom, SoftFpIsTheHardwareInF64) { CompareSoftWithHardware<uint64_t>(150); }

#endif  // POLLUX_HOST_FP_HARDWARE

// What does not round, against the language's own classification and comparison.

template <FpBits Bits>
bool IsSignalling(Bits a) {
  return std::isnan(std::bit_cast<Float<Bits>>(a)) && (a >> (kFractionBits<Bits> - 1) & 1) == 0;
}

template <FpBits Bits>
void CheckOrderAndClass(const Operands<Bits>& o) {
  const auto x = std::bit_cast<Float<Bits>>(o.a), y = std::bit_cast<Float<Bits>>(o.b);
  const bool any_nan = std::isnan(x) || std::isnan(y);
  const uint32_t nv_if_signalling = IsSignalling(o.a) || IsSignalling(o.b) ? kFlagNv : 0;
  const uint32_t nv_if_nan = any_nan ? kFlagNv : 0;
  const auto expect = [&](Op op, uint64_t value, uint32_t flags) {
    ExpectSame(op, o, kRne, Perform<SoftFp>(op, o, kRne), Outcome{value, flags});
  };
  expect(Op::kEq, !any_nan && !std::islessgreater(x, y), nv_if_signalling);
  expect(Op::kLt, std::isless(x, y), nv_if_nan);
  expect(Op::kLe, std::islessequal(x, y), nv_if_nan);

  Bits min = o.a | o.b, max = o.a & o.b;  // of equal numbers, which differ in a zero's sign at most
  if (std::isless(x, y)) min = o.a, max = o.b;
  if (std::isgreater(x, y)) min = o.b, max = o.a;
  if (std::isnan(x)) min = max = o.b;
  if (std::isnan(y)) min = max = std::isnan(x) ? kCanonicalNan<Bits> : o.a;
  expect(Op::kMin, min, nv_if_signalling);
  expect(Op::kMax, max, nv_if_signalling);

  int bit = 0;
  switch (std::fpclassify(x)) {
    case FP_INFINITE:
      bit = 7;
      break;
    case FP_NORMAL:
      bit = 6;
      break;
    case FP_SUBNORMAL:
      bit = 5;
      break;
    case FP_ZERO:
      bit = 4;
      break;
    default:
      bit = IsSignalling(o.a) ? 8 : 9;
      break;
  }
  if (!std::isnan(x) && std::signbit(x)) bit = 7 - bit;
  expect(Op::kClassify, uint64_t{1} << bit, 0);
}

template <FpBits Bits>
void CheckOrderAndClassRandomly() {
  OperandSource<Bits> source(PrintedSeed() + 200 + sizeof(Bits));
  for (int i = 0; i < 50'000 && !::testing::Test::HasFailure(); ++i)
    CheckOrderAndClass(source.Next());
}

TEST(FpRandom, OrderAndClassInF32) { CheckOrderAndClassRandomly<uint32_t>(); }
TEST(FpRandom, OrderAndClassInF64) { CheckOrderAndClassRandomly<uint64_t>(); }

// RMM, which no hardware here has. The exact result lies between two neighbours, SoftFp's results
// in modes RDN and RUP (checked against the hardware above). On which side of their middle it lies,
// or right there, is found with an integer wide enough for any sum of products of doubles.

class ExactSum {
 public:
  // Adds sign * x * y * 2^exponent.
  void Add(int sign, double x, double y, int exponent = 0) {
    int x_exponent = 0, y_exponent = 0;
    const auto p = static_cast<int64_t>(std::ldexp(std::frexp(x, &x_exponent), 53));
    const auto q = static_cast<int64_t>(std::ldexp(std::frexp(y, &y_exponent), 53));
    if (p == 0 || q == 0) return;
    const bool negative = ((p < 0) != (q < 0)) != (sign < 0);
    __extension__ using Uint128 = unsigned __int128;
    const Uint128 product =
        Uint128{static_cast<uint64_t>(std::abs(p))} * static_cast<uint64_t>(std::abs(q));
    const int position = x_exponent + y_exponent - 106 + exponent + kBinaryPoint;
    const Uint128 low = product << (position % 32), word_mask = 0xffffffff;
    uint64_t carry = 0;
    for (int i = 0; i < kWords - position / 32; ++i) {
      // 106 bits moved by up to 31 may need a little more than 128.
      const auto digit = i < 4 ? static_cast<uint64_t>(low >> (32 * i) & word_mask)
                         : i > 4 || position % 32 == 0
                             ? 0
                             : static_cast<uint64_t>(product >> (128 - position % 32));
      uint64_t& word = words_[position / 32 + i];
      const uint64_t next = negative ? word - digit - carry : word + digit + carry;
      carry = next >> 32 & 1;
      word = next & 0xffffffff;
    }
  }

  // -1, 0 or 1. The number is in two's complement.
  int Sign() const {
    if (words_[kWords - 1] >> 31 != 0) return -1;
    return std::any_of(words_.begin(), words_.end(), [](uint64_t w) { return w != 0; }) ? 1 : 0;
  }

 private:
  static constexpr int kBinaryPoint =
      2300;  // the smallest product is 2^-2148, with 106 bits before
  static constexpr int kWords = (kBinaryPoint + 2200) / 32;
  std::array<uint64_t, kWords> words_ = {};  // 32 bits each
};

// The sign of (exact result of op) - (down + up) / 2; exact zero is a tie. Nothing for other ops.
int SideOfMiddle(Op op, double a, double b, double c, double down, double up) {
  ExactSum twice;
  switch (op) {
    case Op::kAdd:
    case Op::kSub:
      twice.Add(1, a, 2);
      twice.Add(op == Op::kAdd ? 1 : -1, b, 2);
      break;
    case Op::kMul:
    case Op::kMulAdd:
      twice.Add(1, a, b, 1);
      if (op == Op::kMulAdd) twice.Add(1, c, 2);
      break;
    case Op::kDiv: {
      // a/b > middle means a > middle * b, or a < middle * b for a negative b.
      twice.Add(1, a, 2);
      twice.Add(-1, down, b);
      twice.Add(-1, up, b);
      return b < 0 ? -twice.Sign() : twice.Sign();
    }
    case Op::kConvert:
      twice.Add(1, a, 2);
      break;
    default:
      std::abort();
  }
  twice.Add(-1, down, 1);
  twice.Add(-1, up, 1);
  return twice.Sign();
}

template <FpBits Result>
Outcome ExactRmm(Op op, double a, double b, double c, const Outcome& rne, const Outcome& rdn,
                 const Outcome& rup) {
  const auto value = [](const Outcome& o) -> double {
    return std::bit_cast<Float<Result>>(static_cast<Result>(o.value));
  };
  const double down = value(rdn), up = value(rup);
  // Exact, invalid, or beyond the range (where a tie goes up in RNE too, being above an odd
  // number).
  if (rdn.value == rup.value || !std::isfinite(down) || !std::isfinite(up)) return rne;
  if ((rne.flags & kFlagNx) == 0) return rne;  // zeros of both signs
  const int side = SideOfMiddle(op, a, b, c, down, up);
  const bool negative = down < 0;
  const bool take_up = side > 0 || (side == 0 && !negative);
  // NX, UF and OF do not depend on which way a tie goes: the one below a power of two is odd.
  return {take_up ? rup.value : rdn.value, rne.flags};
}

template <FpBits Bits>
void CompareRmmWithExact(int count) {
  OperandSource<Bits> source(PrintedSeed() + 300 + sizeof(Bits));
  int ties = 0;
  for (int i = 0; i < count && !::testing::Test::HasFailure(); ++i) {
    const Operands<Bits> o = source.Next();
    const double a = std::bit_cast<Float<Bits>>(o.a), b = std::bit_cast<Float<Bits>>(o.b),
                 c = std::bit_cast<Float<Bits>>(o.c);
    for (Op op : {Op::kAdd, Op::kSub, Op::kMul, Op::kDiv, Op::kMulAdd, Op::kConvert}) {
      const Outcome rne = Perform<SoftFp>(op, o, kRne), rdn = Perform<SoftFp>(op, o, kRdn),
                    rup = Perform<SoftFp>(op, o, kRup), rmm = Perform<SoftFp>(op, o, kRmm);
      using Other = std::conditional_t<sizeof(Bits) == 4, uint64_t, uint32_t>;
      const Outcome expected = op == Op::kConvert ? ExactRmm<Other>(op, a, b, c, rne, rdn, rup)
                                                  : ExactRmm<Bits>(op, a, b, c, rne, rdn, rup);
      ExpectSame(op, o, kRmm, rmm, expected);
      ties += rmm.value != rne.value;
    }
    // No square root is a tie: its square would need twice the bits, and an odd last one.
    ExpectSame(Op::kSqrt, o, kRmm, Perform<SoftFp>(Op::kSqrt, o, kRmm),
               Perform<SoftFp>(Op::kSqrt, o, kRne));
  }
  EXPECT_GT(ties, count / 100) << "the operands hardly ever meet what this test is about";
}

TEST(FpRandom, RmmIsExactInF32) { CompareRmmWithExact<uint32_t>(100'000); }
TEST(FpRandom, RmmIsExactInF64) { CompareRmmWithExact<uint64_t>(100'000); }

}  // namespace
}  // namespace pollux::interp::fp
