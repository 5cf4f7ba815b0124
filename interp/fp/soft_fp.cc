#include "interp/fp/soft_fp.h"

#include <bit>
#include <limits>
#include <type_traits>
#include <utility>

// How it works: Unpack turns bits into a Number, an operation computes a Number that is exact but
// for a sticky last bit, and Pack rounds that once into either format. So each operation exists
// once, for both formats and for their mixtures, and rounding, overflow and underflow are in Pack
// alone.

namespace pollux::interp::fp {
namespace {

__extension__ using Uint128 = unsigned __int128;

template <FpBits T>
struct Format {
  using Bits = T;
  static constexpr int kFractionBits = sizeof(Bits) == 4 ? 23 : 52;
  static constexpr int kMaxExponent = sizeof(Bits) == 4 ? 255 : 2047;  // of infinities and NaNs
  static constexpr int kBias = kMaxExponent / 2;
  static constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1);
  static constexpr Bits kInfinity = Bits{kMaxExponent} << kFractionBits;
  static constexpr Bits kQuiet = Bits{1} << (kFractionBits - 1);
  static constexpr Bits kCanonicalNan = kInfinity | kQuiet;
  static constexpr Bits kFraction = (Bits{1} << kFractionBits) - 1;
};

template <FpBits Bits>
bool IsNan(Bits a) {
  return (a & ~Format<Bits>::kSign) > Format<Bits>::kInfinity;
}

template <FpBits Bits>
bool IsSignallingNan(Bits a) {
  return IsNan(a) && (a & Format<Bits>::kQuiet) == 0;
}

enum class Kind : uint8_t { kFinite, kInfinity, kNan };

// A finite Number is (-1)^negative * significand * 2^(exponent - 127). The significand has bit 127
// set, unless it is zero. Its last bit may be sticky: set where the exact value has ones further
// down.
struct Number {
  Kind kind;
  bool negative;
  int exponent;
  Uint128 significand;
};

// Zero's exponent is below all others, so that comparing and aligning need no case for it.
constexpr int kZeroExponent = -1'000'000;

Number Zero(bool negative) { return {Kind::kFinite, negative, kZeroExponent, 0}; }
Number Infinity(bool negative) { return {Kind::kInfinity, negative, 0, 0}; }
Number Nan() { return {Kind::kNan, false, 0, 0}; }

Number Invalid(uint32_t* flags) {
  *flags |= kFlagNv;
  return Nan();
}

bool IsZero(const Number& n) { return n.kind == Kind::kFinite && n.significand == 0; }

int LeadingZeros(Uint128 value) {
  const auto high = static_cast<uint64_t>(value >> 64);
  return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(value));
}

// `exponent` is the weight of bit 127; the significand's leading one may be anywhere below.
Number Normalised(bool negative, int exponent, Uint128 significand) {
  if (significand == 0) return Zero(negative);
  const int shift = LeadingZeros(significand);
  return {Kind::kFinite, negative, exponent - shift, significand << shift};
}

// value >> distance; what falls out stays visible in the last bit.
Uint128 ShiftRightSticky(Uint128 value, int distance) {
  if (distance == 0) return value;
  if (distance >= 128) return value != 0;
  const bool lost = (value << (128 - distance)) != 0;
  return (value >> distance) | lost;
}

// Whether a magnitude goes one up: `rest` is what lies below its last kept bit, `half` half of that
// bit.
bool RoundsUp(RoundingMode rm, bool negative, bool odd, Uint128 rest, Uint128 half) {
  switch (rm) {
    case kRne:
      return rest > half || (rest == half && odd);
    case kRtz:
      return false;
    case kRdn:
      return negative && rest != 0;
    case kRup:
      return !negative && rest != 0;
    case kRmm:
      return rest >= half;
  }
  return false;
}

struct Rounded {
  uint64_t kept;
  bool inexact;
};

// Rounds away the `drop` last bits, 64 <= drop < 128.
Rounded Round(RoundingMode rm, bool negative, Uint128 significand, int drop) {
  const auto kept = static_cast<uint64_t>(significand >> drop);
  const Uint128 rest = significand & ((Uint128{1} << drop) - 1);
  const bool up = RoundsUp(rm, negative, kept & 1, rest, Uint128{1} << (drop - 1));
  return {kept + up, rest != 0};
}

template <FpBits Bits>
Number Unpack(Bits a, uint32_t* flags) {
  using F = Format<Bits>;
  if (IsSignallingNan(a)) return Invalid(flags);
  if (IsNan(a)) return Nan();
  const bool negative = (a & F::kSign) != 0;
  const int biased = static_cast<int>(a >> F::kFractionBits) & F::kMaxExponent;
  if (biased == F::kMaxExponent) return Infinity(negative);
  const Uint128 fraction = a & F::kFraction;
  // The leading one of a normal number goes to bit 127; a subnormal one has exponent 1 and lacks
  // it.
  const Uint128 leading = biased == 0 ? 0 : Uint128{1} << F::kFractionBits;
  const int exponent = (biased == 0 ? 1 : biased) - F::kBias;
  return Normalised(negative, exponent, (leading | fraction) << (127 - F::kFractionBits));
}

template <FpBits Bits>
Bits PackOverflow(bool negative, RoundingMode rm, uint32_t* flags) {
  using F = Format<Bits>;
  *flags |= kFlagOf | kFlagNx;
  const bool to_infinity = rm == kRne || rm == kRmm || rm == (negative ? kRdn : kRup);
  const Bits magnitude = to_infinity ? F::kInfinity : F::kInfinity - 1;
  return (negative ? F::kSign : Bits{0}) | magnitude;
}

template <FpBits Bits>
Bits Pack(const Number& n, RoundingMode rm, uint32_t* flags) {
  using F = Format<Bits>;
  if (n.kind == Kind::kNan) return F::kCanonicalNan;
  const Bits sign = n.negative ? F::kSign : Bits{0};
  if (n.kind == Kind::kInfinity) return sign | F::kInfinity;
  if (n.significand == 0) return sign;

  constexpr int kDrop = 127 - F::kFractionBits;
  int biased = n.exponent + F::kBias;
  Uint128 significand = n.significand;
  bool tiny = false;
  if (biased <= 0) {
    // Tiny after rounding: full precision and an unbounded exponent would still not give the
    // smallest normal number. Only a value right below that can be carried up to it.
    const Rounded unbounded = Round(rm, n.negative, significand, kDrop);
    tiny = biased < 0 || (unbounded.kept >> (F::kFractionBits + 1)) == 0;
    significand = ShiftRightSticky(significand, 1 - biased);
    biased = 1;
  }
  if (biased >= F::kMaxExponent) return PackOverflow<Bits>(n.negative, rm, flags);

  // The leading one, where there is one, is added into the exponent field, hence biased - 1; a
  // carry out of the fraction goes the same way, from the largest subnormal and up to infinity.
  const Rounded rounded = Round(rm, n.negative, significand, kDrop);
  const Bits magnitude =
      (static_cast<Bits>(biased - 1) << F::kFractionBits) + static_cast<Bits>(rounded.kept);
  if (magnitude >= F::kInfinity) return PackOverflow<Bits>(n.negative, rm, flags);
  if (rounded.inexact) *flags |= tiny ? kFlagNx | kFlagUf : kFlagNx;
  return sign | magnitude;
}

bool MagnitudeLess(const Number& a, const Number& b) {
  if (a.exponent != b.exponent) return a.exponent < b.exponent;
  return a.significand < b.significand;
}

// The operands are exact and at most 106 bits wide, so the last 22 bits of each significand are
// zero: one bit can be given up for the carry, and alignment by fewer than 22 places loses nothing.
// Alignment by more leaves a difference at most one place shorter, far above the sticky bit.
Number Sum(Number a, Number b, RoundingMode rm, uint32_t* flags) {
  if (a.kind == Kind::kNan || b.kind == Kind::kNan) return Nan();
  const bool opposite = a.negative != b.negative;
  if (a.kind == Kind::kInfinity && b.kind == Kind::kInfinity && opposite) return Invalid(flags);
  if (a.kind == Kind::kInfinity) return a;
  if (b.kind == Kind::kInfinity) return b;

  if (MagnitudeLess(a, b)) std::swap(a, b);
  const Uint128 larger = a.significand >> 1;
  const Uint128 smaller = ShiftRightSticky(b.significand, 1 + a.exponent - b.exponent);
  const Uint128 sum = opposite ? larger - smaller : larger + smaller;
  if (sum == 0) return Zero(opposite ? rm == kRdn : a.negative);
  return Normalised(a.negative, a.exponent + 1, sum);
}

uint64_t High(const Number& n) { return static_cast<uint64_t>(n.significand >> 64); }

Number Product(const Number& a, const Number& b, uint32_t* flags) {
  if (a.kind == Kind::kNan || b.kind == Kind::kNan) return Nan();
  const bool negative = a.negative != b.negative;
  if (a.kind == Kind::kInfinity || b.kind == Kind::kInfinity) {
    return IsZero(a) || IsZero(b) ? Invalid(flags) : Infinity(negative);
  }
  return Normalised(negative, a.exponent + b.exponent + 1, Uint128{High(a)} * High(b));
}

Number Quotient(const Number& a, const Number& b, uint32_t* flags) {
  if (a.kind == Kind::kNan || b.kind == Kind::kNan) return Nan();
  const bool negative = a.negative != b.negative;
  if (a.kind == Kind::kInfinity) {
    return b.kind == Kind::kInfinity ? Invalid(flags) : Infinity(negative);
  }
  if (b.kind == Kind::kInfinity) return Zero(negative);
  if (IsZero(b)) {
    if (IsZero(a)) return Invalid(flags);
    *flags |= kFlagDz;
    return Infinity(negative);
  }
  if (IsZero(a)) return Zero(negative);

  // Both have their leading one at bit 63, so the quotient has it at bit 62 or 63: bits enough.
  const Uint128 dividend = Uint128{High(a)} << 63;
  const Uint128 quotient = dividend / High(b);
  const bool sticky = quotient * High(b) != dividend;
  return Normalised(negative, a.exponent - b.exponent, (quotient << 64) | sticky);
}

Number SquareRoot(const Number& a, uint32_t* flags) {
  if (a.kind == Kind::kNan || IsZero(a)) return a;
  if (a.negative) return Invalid(flags);
  if (a.kind == Kind::kInfinity) return a;

  // a = radicand * 2^(2 * (root_exponent - 63)), so floor(sqrt(radicand)) is a 64-bit significand.
  const bool odd = (a.exponent & 1) != 0;
  const Uint128 radicand = odd ? a.significand : a.significand >> 1;
  const int root_exponent = odd ? (a.exponent - 1) / 2 : a.exponent / 2;
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 63; bit != 0; bit >>= 1) {
    const uint64_t candidate = root | bit;
    if (Uint128{candidate} * candidate <= radicand) root = candidate;
  }
  const bool sticky = Uint128{root} * root != radicand;
  return Normalised(false, root_exponent, (Uint128{root} << 64) | sticky);
}

template <typename Int>
Int ToInteger(const Number& n, RoundingMode rm, uint32_t* flags) {
  using Limits = std::numeric_limits<Int>;
  const Int saturated = n.negative ? Limits::min() : Limits::max();  // a NaN is not negative
  if (n.kind != Kind::kFinite || n.exponent > 63) {
    *flags |= kFlagNv;
    return saturated;
  }
  // Binary point after `whole`; `rest` is the fraction with weight 1/2 at bit 127.
  const bool below_one = n.exponent < 0;
  const Uint128 whole = below_one ? 0 : n.significand >> (127 - n.exponent);
  const Uint128 rest = below_one ? ShiftRightSticky(n.significand, -1 - n.exponent)
                                 : n.significand << (n.exponent + 1);
  const Uint128 magnitude = whole + RoundsUp(rm, n.negative, whole & 1, rest, Uint128{1} << 127);

  const uint64_t limit = n.negative ? uint64_t{0} - static_cast<uint64_t>(Limits::min())
                                    : static_cast<uint64_t>(Limits::max());
  if (magnitude > limit) {
    *flags |= kFlagNv;
    return saturated;
  }
  if (rest != 0) *flags |= kFlagNx;
  const auto low = static_cast<uint64_t>(magnitude);
  return static_cast<Int>(n.negative ? uint64_t{0} - low : low);
}

template <typename Int>
Number FromInteger(Int value) {
  const bool negative = value < 0;
  const auto low = static_cast<uint64_t>(value);  // sign-extends
  return Normalised(negative, 127, negative ? uint64_t{0} - low : low);
}

// Orders all but NaNs as integers, -0 right below +0.
template <FpBits Bits>
auto OrderKey(Bits a) {
  using Signed = std::make_signed_t<Bits>;
  return static_cast<Signed>((a & Format<Bits>::kSign) != 0 ? a ^ ~Format<Bits>::kSign : a);
}

template <FpBits Bits>
bool BothZero(Bits a, Bits b) {
  return ((a | b) & ~Format<Bits>::kSign) == 0;
}

// Min and Max: a number wins against a NaN, and among numbers OrderKey decides.
template <FpBits Bits>
Bits SelectNumber(Bits a, Bits b, bool want_smaller, uint32_t* flags) {
  if (IsSignallingNan(a) || IsSignallingNan(b)) *flags |= kFlagNv;
  if (IsNan(a)) return IsNan(b) ? Format<Bits>::kCanonicalNan : b;
  if (IsNan(b)) return a;
  return (OrderKey(a) < OrderKey(b)) == want_smaller ? a : b;
}

}  // namespace

template <FpBits Bits>
Bits SoftFp::Add(Bits a, Bits b, RoundingMode rm, uint32_t* flags) {
  return Pack<Bits>(Sum(Unpack(a, flags), Unpack(b, flags), rm, flags), rm, flags);
}

template <FpBits Bits>
Bits SoftFp::Sub(Bits a, Bits b, RoundingMode rm, uint32_t* flags) {
  return Add(a, Negate(b), rm, flags);
}

template <FpBits Bits>
Bits SoftFp::Mul(Bits a, Bits b, RoundingMode rm, uint32_t* flags) {
  return Pack<Bits>(Product(Unpack(a, flags), Unpack(b, flags), flags), rm, flags);
}

template <FpBits Bits>
Bits SoftFp::Div(Bits a, Bits b, RoundingMode rm, uint32_t* flags) {
  return Pack<Bits>(Quotient(Unpack(a, flags), Unpack(b, flags), flags), rm, flags);
}

template <FpBits Bits>
Bits SoftFp::Sqrt(Bits a, RoundingMode rm, uint32_t* flags) {
  return Pack<Bits>(SquareRoot(Unpack(a, flags), flags), rm, flags);
}

template <FpBits Bits>
Bits SoftFp::MulAdd(Bits a, Bits b, Bits c, RoundingMode rm, uint32_t* flags) {
  // The product raises NV for inf * 0 before anybody looks at c: RISC-V wants it so.
  const Number product = Product(Unpack(a, flags), Unpack(b, flags), flags);
  return Pack<Bits>(Sum(product, Unpack(c, flags), rm, flags), rm, flags);
}

template <FpBits Bits>
Bits SoftFp::Min(Bits a, Bits b, uint32_t* flags) {
  return SelectNumber(a, b, /*want_smaller=*/true, flags);
}

template <FpBits Bits>
Bits SoftFp::Max(Bits a, Bits b, uint32_t* flags) {
  return SelectNumber(a, b, /*want_smaller=*/false, flags);
}

template <FpBits Bits>
bool SoftFp::Eq(Bits a, Bits b, uint32_t* flags) {
  if (IsSignallingNan(a) || IsSignallingNan(b)) *flags |= kFlagNv;
  if (IsNan(a) || IsNan(b)) return false;
  return a == b || BothZero(a, b);
}

template <FpBits Bits>
bool SoftFp::Lt(Bits a, Bits b, uint32_t* flags) {
  if (IsNan(a) || IsNan(b)) {
    *flags |= kFlagNv;
    return false;
  }
  return OrderKey(a) < OrderKey(b) && !BothZero(a, b);
}

template <FpBits Bits>
bool SoftFp::Le(Bits a, Bits b, uint32_t* flags) {
  if (IsNan(a) || IsNan(b)) {
    *flags |= kFlagNv;
    return false;
  }
  return OrderKey(a) <= OrderKey(b) || BothZero(a, b);
}

template <FpBits Bits>
uint64_t SoftFp::Classify(Bits a) {
  using F = Format<Bits>;
  if (IsNan(a)) return IsSignallingNan(a) ? kClassSignallingNan : kClassQuietNan;
  const bool negative = (a & F::kSign) != 0;
  const Bits magnitude = a & ~F::kSign;
  if (magnitude == F::kInfinity) return negative ? kClassNegativeInfinity : kClassPositiveInfinity;
  if (magnitude == 0) return negative ? kClassNegativeZero : kClassPositiveZero;
  if (magnitude <= F::kFraction) {
    return negative ? kClassNegativeSubnormal : kClassPositiveSubnormal;
  }
  return negative ? kClassNegativeNormal : kClassPositiveNormal;
}

template <FpBits Bits>
int32_t SoftFp::ToInt32(Bits a, RoundingMode rm, uint32_t* flags) {
  return ToInteger<int32_t>(Unpack(a, flags), rm, flags);
}

template <FpBits Bits>
uint32_t SoftFp::ToUint32(Bits a, RoundingMode rm, uint32_t* flags) {
  return ToInteger<uint32_t>(Unpack(a, flags), rm, flags);
}

template <FpBits Bits>
int64_t SoftFp::ToInt64(Bits a, RoundingMode rm, uint32_t* flags) {
  return ToInteger<int64_t>(Unpack(a, flags), rm, flags);
}

template <FpBits Bits>
uint64_t SoftFp::ToUint64(Bits a, RoundingMode rm, uint32_t* flags) {
  return ToInteger<uint64_t>(Unpack(a, flags), rm, flags);
}

uint32_t SoftFp::F32FromInt32(int32_t value, RoundingMode rm, uint32_t* flags) {
  return Pack<uint32_t>(FromInteger(value), rm, flags);
}

uint32_t SoftFp::F32FromUint32(uint32_t value, RoundingMode rm, uint32_t* flags) {
  return Pack<uint32_t>(FromInteger(value), rm, flags);
}

uint32_t SoftFp::F32FromInt64(int64_t value, RoundingMode rm, uint32_t* flags) {
  return Pack<uint32_t>(FromInteger(value), rm, flags);
}

uint32_t SoftFp::F32FromUint64(uint64_t value, RoundingMode rm, uint32_t* flags) {
  return Pack<uint32_t>(FromInteger(value), rm, flags);
}

uint64_t SoftFp::F64FromInt32(int32_t value, RoundingMode rm, uint32_t* flags) {
  return Pack<uint64_t>(FromInteger(value), rm, flags);
}

uint64_t SoftFp::F64FromUint32(uint32_t value, RoundingMode rm, uint32_t* flags) {
  return Pack<uint64_t>(FromInteger(value), rm, flags);
}

uint64_t SoftFp::F64FromInt64(int64_t value, RoundingMode rm, uint32_t* flags) {
  return Pack<uint64_t>(FromInteger(value), rm, flags);
}

uint64_t SoftFp::F64FromUint64(uint64_t value, RoundingMode rm, uint32_t* flags) {
  return Pack<uint64_t>(FromInteger(value), rm, flags);
}

uint64_t SoftFp::F32ToF64(uint32_t a, RoundingMode rm, uint32_t* flags) {
  return Pack<uint64_t>(Unpack(a, flags), rm, flags);
}

uint32_t SoftFp::F64ToF32(uint64_t a, RoundingMode rm, uint32_t* flags) {
  return Pack<uint32_t>(Unpack(a, flags), rm, flags);
}

#define POLLUX_INSTANTIATE_SOFT_FP(Bits)                                   \
  template Bits SoftFp::Add(Bits, Bits, RoundingMode, uint32_t*);          \
  template Bits SoftFp::Sub(Bits, Bits, RoundingMode, uint32_t*);          \
  template Bits SoftFp::Mul(Bits, Bits, RoundingMode, uint32_t*);          \
  template Bits SoftFp::Div(Bits, Bits, RoundingMode, uint32_t*);          \
  template Bits SoftFp::Sqrt(Bits, RoundingMode, uint32_t*);               \
  template Bits SoftFp::MulAdd(Bits, Bits, Bits, RoundingMode, uint32_t*); \
  template Bits SoftFp::Min(Bits, Bits, uint32_t*);                        \
  template Bits SoftFp::Max(Bits, Bits, uint32_t*);                        \
  template bool SoftFp::Eq(Bits, Bits, uint32_t*);                         \
  template bool SoftFp::Lt(Bits, Bits, uint32_t*);                         \
  template bool SoftFp::Le(Bits, Bits, uint32_t*);                         \
  template uint64_t SoftFp::Classify(Bits);                                \
  template int32_t SoftFp::ToInt32(Bits, RoundingMode, uint32_t*);         \
  template uint32_t SoftFp::ToUint32(Bits, RoundingMode, uint32_t*);       \
  template int64_t SoftFp::ToInt64(Bits, RoundingMode, uint32_t*);         \
  template uint64_t SoftFp::ToUint64(Bits, RoundingMode, uint32_t*)

POLLUX_INSTANTIATE_SOFT_FP(uint32_t);
POLLUX_INSTANTIATE_SOFT_FP(uint64_t);
#undef POLLUX_INSTANTIATE_SOFT_FP

}  // namespace pollux::interp::fp
