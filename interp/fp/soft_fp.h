// SoftFp: RISC-V binary32 and binary64 arithmetic (extensions F and D) in integer code only.
//
// This is the truth of the reference step: same answer on every host, no host floating point
// touched. HostFp (host_fp.h) is the quick variant with the same member names; generated
// instruction code takes either as a policy class.
//
// Values are raw bits: uint32_t is binary32, uint64_t is binary64; the argument type picks the
// format. `rm` is an already resolved rounding mode: the caller has replaced DYN by fcsr.frm and
// has rejected the reserved encodings (5, 6 and a 7 in frm). `flags` points to fflags bits, into
// which the raised exceptions are ORed; nothing ever clears them.
//
// What RISC-V fixes and IEEE 754 leaves open (unprivileged manual, chapters "F" and "D"):
//  - every NaN result is the canonical NaN, payloads are not propagated;
//  - tininess is detected after rounding, and underflow is raised only with inexact;
//  - inf * 0 + NaN raises NV even where the NaN is quiet;
//  - float to integer saturates, NaN gives the largest value; NV then comes without NX;
//  - Min and Max are IEEE 754-2019 minimumNumber and maximumNumber.
#ifndef POLLUX_INTERP_FP_SOFT_FP_H_
#define POLLUX_INTERP_FP_SOFT_FP_H_

#include <concepts>
#include <cstdint>

namespace pollux::interp::fp {

// The encodings of the rm field and of fcsr.frm.
enum RoundingMode : uint8_t {
  kRne = 0,  // to nearest, ties to even
  kRtz = 1,  // towards zero
  kRdn = 2,  // down, towards minus infinity
  kRup = 3,  // up, towards plus infinity
  kRmm = 4,  // to nearest, ties away from zero ("max magnitude")
};

// The bits of fcsr.fflags.
inline constexpr uint32_t kFlagNx = 1;   // inexact
inline constexpr uint32_t kFlagUf = 2;   // underflow
inline constexpr uint32_t kFlagOf = 4;   // overflow
inline constexpr uint32_t kFlagDz = 8;   // division by zero
inline constexpr uint32_t kFlagNv = 16;  // invalid operation

// What Classify returns: one of these bits, as fclass does.
inline constexpr uint64_t kClassNegativeInfinity = 1 << 0;
inline constexpr uint64_t kClassNegativeNormal = 1 << 1;
inline constexpr uint64_t kClassNegativeSubnormal = 1 << 2;
inline constexpr uint64_t kClassNegativeZero = 1 << 3;
inline constexpr uint64_t kClassPositiveZero = 1 << 4;
inline constexpr uint64_t kClassPositiveSubnormal = 1 << 5;
inline constexpr uint64_t kClassPositiveNormal = 1 << 6;
inline constexpr uint64_t kClassPositiveInfinity = 1 << 7;
inline constexpr uint64_t kClassSignallingNan = 1 << 8;
inline constexpr uint64_t kClassQuietNan = 1 << 9;

inline constexpr uint32_t kCanonicalNanF32 = 0x7fc00000;
inline constexpr uint64_t kCanonicalNanF64 = 0x7ff8000000000000;

template <typename T>
concept FpBits = std::same_as<T, uint32_t> || std::same_as<T, uint64_t>;

// A binary32 value in a 64-bit register has all upper bits set; anything else there reads as NaN.
constexpr uint64_t BoxF32(uint32_t bits) { return 0xffffffff00000000 | bits; }
constexpr uint32_t UnboxF32(uint64_t reg) {
  return (reg >> 32) == 0xffffffff ? static_cast<uint32_t>(reg) : kCanonicalNanF32;
}

// -a as a sign flip, NaNs included: makes the fmsub, fnmsub and fnmadd forms out of MulAdd.
//   fmadd   a*b + c      MulAdd(a, b, c)
//   fmsub   a*b - c      MulAdd(a, b, Negate(c))
//   fnmsub  -(a*b) + c   MulAdd(Negate(a), b, c)
//   fnmadd  -(a*b) - c   MulAdd(Negate(a), b, Negate(c))
template <FpBits Bits>
constexpr Bits Negate(Bits a) {
  return a ^ (Bits{1} << (sizeof(Bits) * 8 - 1));
}

struct SoftFp {
  template <FpBits Bits>
  static Bits Add(Bits a, Bits b, RoundingMode rm, uint32_t* flags);
  template <FpBits Bits>
  static Bits Sub(Bits a, Bits b, RoundingMode rm, uint32_t* flags);
  template <FpBits Bits>
  static Bits Mul(Bits a, Bits b, RoundingMode rm, uint32_t* flags);
  template <FpBits Bits>
  static Bits Div(Bits a, Bits b, RoundingMode rm, uint32_t* flags);
  template <FpBits Bits>
  static Bits Sqrt(Bits a, RoundingMode rm, uint32_t* flags);
  // a * b + c, rounded once.
  template <FpBits Bits>
  static Bits MulAdd(Bits a, Bits b, Bits c, RoundingMode rm, uint32_t* flags);

  // The smaller (larger) number; -0 < +0. A NaN loses against a number; a signalling one raises NV.
  template <FpBits Bits>
  static Bits Min(Bits a, Bits b, uint32_t* flags);
  template <FpBits Bits>
  static Bits Max(Bits a, Bits b, uint32_t* flags);

  // False where an operand is NaN. Eq raises NV for signalling NaNs only, Lt and Le for any.
  template <FpBits Bits>
  static bool Eq(Bits a, Bits b, uint32_t* flags);
  template <FpBits Bits>
  static bool Lt(Bits a, Bits b, uint32_t* flags);
  template <FpBits Bits>
  static bool Le(Bits a, Bits b, uint32_t* flags);

  template <FpBits Bits>
  static uint64_t Classify(Bits a);

  // To integers. The caller sign-extends 32-bit results into the register, ToUint32's too.
  template <FpBits Bits>
  static int32_t ToInt32(Bits a, RoundingMode rm, uint32_t* flags);
  template <FpBits Bits>
  static uint32_t ToUint32(Bits a, RoundingMode rm, uint32_t* flags);
  template <FpBits Bits>
  static int64_t ToInt64(Bits a, RoundingMode rm, uint32_t* flags);
  template <FpBits Bits>
  static uint64_t ToUint64(Bits a, RoundingMode rm, uint32_t* flags);

  // From integers. The ones that are always exact take `rm` and `flags` too, so that all look
  // alike.
  static uint32_t F32FromInt32(int32_t value, RoundingMode rm, uint32_t* flags);
  static uint32_t F32FromUint32(uint32_t value, RoundingMode rm, uint32_t* flags);
  static uint32_t F32FromInt64(int64_t value, RoundingMode rm, uint32_t* flags);
  static uint32_t F32FromUint64(uint64_t value, RoundingMode rm, uint32_t* flags);
  static uint64_t F64FromInt32(int32_t value, RoundingMode rm, uint32_t* flags);
  static uint64_t F64FromUint32(uint32_t value, RoundingMode rm, uint32_t* flags);
  static uint64_t F64FromInt64(int64_t value, RoundingMode rm, uint32_t* flags);
  static uint64_t F64FromUint64(uint64_t value, RoundingMode rm, uint32_t* flags);

  // Between the formats. F32ToF64 is exact; it raises NV for a signalling NaN.
  static uint64_t F32ToF64(uint32_t a, RoundingMode rm, uint32_t* flags);
  static uint32_t F64ToF32(uint64_t a, RoundingMode rm, uint32_t* flags);
};

}  // namespace pollux::interp::fp

#endif  // POLLUX_INTERP_FP_SOFT_FP_H_
