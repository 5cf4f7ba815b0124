// HostFp: SoftFp's interface on the host's floating-point hardware, for the fast engine.
//
// Same results bit for bit as SoftFp, and the same flags, but these arrive by two ways: operations
// that run on the hardware leave theirs sticky in the host's floating-point environment, all others
// OR them into *flags. The engine therefore brackets guest code:
//
//   HostFpEnter();                        // host flags clear, round to nearest, no flush to zero
//   ... HostFp::Add(a, b, rm, &fflags) ...
//   fflags |= HostFpCollect();            // before anybody looks at fflags, and when guest code
//   ends
//
// In between no other code may change the host's rounding mode; other host arithmetic would leak
// its flags into the guest. The environment is the host thread's: collect on the thread that
// entered.
//
// On hardware runs what rounds to nearest even (kRne), conversion to integers for kRtz, and
// comparing; the rest is SoftFp. Only x86-64 is known to agree with RISC-V in everything that
// matters (tininess after rounding, five sticky flags); on other hosts HostFp is SoftFp
// (POLLUX_HOST_FP_HARDWARE is 0).
#ifndef POLLUX_INTERP_FP_HOST_FP_H_
#define POLLUX_INTERP_FP_HOST_FP_H_

#include <bit>
#include <cstdint>
#include <type_traits>

#include "interp/fp/soft_fp.h"

#if defined(__x86_64__) && defined(__SSE2_MATH__) && (defined(__GNUC__) || defined(__clang__))
#define POLLUX_HOST_FP_HARDWARE 1
#include <emmintrin.h>
#else
#define POLLUX_HOST_FP_HARDWARE 0
#endif

namespace pollux::interp::fp {

// Makes the host's floating-point environment the one that HostFp needs.
void HostFpEnter();

// Returns the fflags bits raised on the hardware since HostFpEnter or the last HostFpCollect.
uint32_t HostFpRaised();

// Returns them, and clears them, which takes as long as dozens of operations.
uint32_t HostFpCollect();

// Stands in for SoftFp where calling it would cost those who need it not: an operation that is not
// for the hardware is not done, and says so.
struct DeferredFp {
  // In *flags: the result means nothing, and must be had from HostFp.
  static constexpr uint32_t kDeferred = uint32_t{1} << 31;

  template <FpBits Bits>
  static uint64_t Classify(Bits a) {
    return SoftFp::Classify(a);
  }
#define DEFERRED(name)                         \
  template <typename... Operands>              \
  static uint32_t name(Operands... operands) { \
    return Defer(operands...);                 \
  }
  DEFERRED(Add)
  DEFERRED(Sub)
  DEFERRED(Mul)
  DEFERRED(Div)
  DEFERRED(Sqrt)
  DEFERRED(MulAdd)
  DEFERRED(Min)
  DEFERRED(Max)
  DEFERRED(Eq)
  DEFERRED(Lt)
  DEFERRED(Le)
  DEFERRED(ToInt32)
  DEFERRED(ToUint32)
  DEFERRED(ToInt64)
  DEFERRED(ToUint64)
  DEFERRED(F32FromInt32)
  DEFERRED(F32FromUint32)
  DEFERRED(F32FromInt64)
  DEFERRED(F32FromUint64)
  DEFERRED(F64FromInt32)
  DEFERRED(F64FromUint32)
  DEFERRED(F64FromInt64)
  DEFERRED(F64FromUint64)
  DEFERRED(F32ToF64)
  DEFERRED(F64ToF32)
#undef DEFERRED

 private:
  static uint32_t Defer(uint32_t* flags) {
    *flags |= kDeferred;
    return 0;
  }
  template <typename First, typename... Rest>
  static uint32_t Defer(First, Rest... rest) {
    return Defer(rest...);
  }
};

#if !POLLUX_HOST_FP_HARDWARE

struct HostFp : SoftFp {};
struct InlineHostFp : DeferredFp {};

#else

// True where the host has fused multiply-add instructions (FMA3), else HostFp::MulAdd is SoftFp's.
extern const bool g_host_has_fma;

// On the hardware where that does, else as Rest. What it does not name here (Classify) is Rest's
// own.
template <typename Rest>
struct OnHardware : Rest {
  template <FpBits Bits>
  static Bits Add(Bits a, Bits b, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne) [[unlikely]] {
      return Rest::Add(a, b, rm, flags);
    }
    return Result(Operand(a) + Operand(b));
  }

  template <FpBits Bits>
  static Bits Sub(Bits a, Bits b, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne) [[unlikely]] {
      return Rest::Sub(a, b, rm, flags);
    }
    return Result(Operand(a) - Operand(b));
  }

  template <FpBits Bits>
  static Bits Mul(Bits a, Bits b, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne) [[unlikely]] {
      return Rest::Mul(a, b, rm, flags);
    }
    return Result(Operand(a) * Operand(b));
  }

  template <FpBits Bits>
  static Bits Div(Bits a, Bits b, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne) [[unlikely]] {
      return Rest::Div(a, b, rm, flags);
    }
    return Result(Operand(a) / Operand(b));
  }

  template <FpBits Bits>
  static Bits Sqrt(Bits a, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne) [[unlikely]] {
      return Rest::Sqrt(a, rm, flags);
    }
    return Result(SquareRoot(Operand(a)));
  }

  template <FpBits Bits>
  static Bits MulAdd(Bits a, Bits b, Bits c, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne || !HasFma()) [[unlikely]] {
      return Rest::MulAdd(a, b, c, rm, flags);
    }
    const Float<Bits> result = Pin(FusedMulAdd(Operand(a), Operand(b), Operand(c)));
    // x86 is silent about inf * 0 + NaN where RISC-V raises NV.
    if (result != result) [[unlikely]] {
      return Rest::MulAdd(a, b, c, rm, flags);
    }
    return std::bit_cast<Bits>(result);
  }

  template <FpBits Bits>
  static Bits Min(Bits a, Bits b, uint32_t* flags) {
    const Float<Bits> x = Operand(a), y = Operand(b);
    if (__builtin_isless(x, y)) return a;
    if (__builtin_isgreater(x, y)) return b;
    return Rest::Min(a, b, flags);  // equal, zeros, or NaN
  }

  template <FpBits Bits>
  static Bits Max(Bits a, Bits b, uint32_t* flags) {
    const Float<Bits> x = Operand(a), y = Operand(b);
    if (__builtin_isgreater(x, y)) return a;
    if (__builtin_isless(x, y)) return b;
    return Rest::Max(a, b, flags);
  }

  // The host's quiet comparison raises NV for signalling NaNs alone, as Eq must.
  template <FpBits Bits>
  static bool Eq(Bits a, Bits b, uint32_t*) {
    return Pin(static_cast<int32_t>(Operand(a) == Operand(b))) != 0;
  }

  template <FpBits Bits>
  static bool Lt(Bits a, Bits b, uint32_t* flags) {
    const Float<Bits> x = Operand(a), y = Operand(b);
    if (__builtin_isunordered(x, y)) [[unlikely]] {
      return Unordered(flags);
    }
    return __builtin_isless(x, y);
  }

  template <FpBits Bits>
  static bool Le(Bits a, Bits b, uint32_t* flags) {
    const Float<Bits> x = Operand(a), y = Operand(b);
    if (__builtin_isunordered(x, y)) [[unlikely]] {
      return Unordered(flags);
    }
    return __builtin_islessequal(x, y);
  }

  // Where the value does not fit the host answers INT_MIN and raises NV alone, as RISC-V does: only
  // the result is left to be found.
  template <FpBits Bits>
  static int32_t ToInt32(Bits a, RoundingMode rm, uint32_t* flags) {
    if (rm == kRtz) [[likely]] {
      const int32_t result = Pin(TruncateToInt32(Operand(a)));
      if (result != INT32_MIN) [[likely]] {
        return result;
      }
    }
    return Rest::ToInt32(a, rm, flags);
  }

  template <FpBits Bits>
  static int64_t ToInt64(Bits a, RoundingMode rm, uint32_t* flags) {
    if (rm == kRtz) [[likely]] {
      const int64_t result = Pin(TruncateToInt64(Operand(a)));
      if (result != INT64_MIN) [[likely]] {
        return result;
      }
    }
    return Rest::ToInt64(a, rm, flags);
  }

  // The host has signed conversions only: the range comes first, lest a value too large raises NX.
  template <FpBits Bits>
  static uint32_t ToUint32(Bits a, RoundingMode rm, uint32_t* flags) {
    const Float<Bits> x = Operand(a);
    if (rm == kRtz && __builtin_isgreater(x, Float<Bits>{-1}) &&
        __builtin_isless(x, Float<Bits>{0x1p32})) [[likely]] {
      return static_cast<uint32_t>(Pin(TruncateToInt64(Operand(a))));
    }
    return Rest::ToUint32(a, rm, flags);
  }

  template <FpBits Bits>
  static uint64_t ToUint64(Bits a, RoundingMode rm, uint32_t* flags) {
    const Float<Bits> x = Operand(a);
    if (rm == kRtz && __builtin_isgreater(x, Float<Bits>{-1}) &&
        __builtin_isless(x, Float<Bits>{0x1p63})) [[likely]] {
      return static_cast<uint64_t>(Pin(TruncateToInt64(Operand(a))));
    }
    return Rest::ToUint64(a, rm, flags);
  }

  static uint32_t F32FromInt32(int32_t value, RoundingMode rm, uint32_t* flags) {
    return F32FromInt64(value, rm, flags);
  }
  static uint32_t F32FromUint32(uint32_t value, RoundingMode rm, uint32_t* flags) {
    return F32FromInt64(value, rm, flags);
  }
  static uint32_t F32FromInt64(int64_t value, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne) [[unlikely]] {
      return Rest::F32FromInt64(value, rm, flags);
    }
    return Result(static_cast<float>(Pin(value)));
  }
  static uint32_t F32FromUint64(uint64_t value, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne || value > INT64_MAX) [[unlikely]] {
      return Rest::F32FromUint64(value, rm, flags);
    }
    return Result(static_cast<float>(Pin(static_cast<int64_t>(value))));
  }
  static uint64_t F64FromInt32(int32_t value, RoundingMode, uint32_t*) {
    return Result(static_cast<double>(Pin(value)));
  }
  static uint64_t F64FromUint32(uint32_t value, RoundingMode, uint32_t*) {
    return Result(static_cast<double>(Pin(int64_t{value})));
  }
  static uint64_t F64FromInt64(int64_t value, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne) [[unlikely]] {
      return Rest::F64FromInt64(value, rm, flags);
    }
    return Result(static_cast<double>(Pin(value)));
  }
  static uint64_t F64FromUint64(uint64_t value, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne || value > INT64_MAX) [[unlikely]] {
      return Rest::F64FromUint64(value, rm, flags);
    }
    return Result(static_cast<double>(Pin(static_cast<int64_t>(value))));
  }

  static uint64_t F32ToF64(uint32_t a, RoundingMode, uint32_t*) {
    return Result(static_cast<double>(Operand(a)));
  }
  static uint32_t F64ToF32(uint64_t a, RoundingMode rm, uint32_t* flags) {
    if (rm != kRne) [[unlikely]] {
      return Rest::F64ToF32(a, rm, flags);
    }
    return Result(static_cast<float>(Operand(a)));
  }

 private:
  template <FpBits Bits>
  using Float = std::conditional_t<sizeof(Bits) == 4, float, double>;

  // Who defers asks the host before, once (InlineHostFp).
  static bool HasFma() { return std::is_same_v<Rest, DeferredFp> || g_host_has_fma; }

  // A value that the compiler may neither know nor move: not across other Pins, nor across the
  // calls of HostFpEnter and HostFpCollect. An operation between two Pins happens there and then,
  // for the compiler would otherwise fold, fuse, repeat or move it without a thought for the host's
  // flags.
  static float Pin(float x) {
    asm volatile("" : "+x"(x));
    return x;
  }
  static double Pin(double x) {
    asm volatile("" : "+x"(x));
    return x;
  }
  static int32_t Pin(int32_t x) {
    asm volatile("" : "+r"(x));
    return x;
  }
  static int64_t Pin(int64_t x) {
    asm volatile("" : "+r"(x));
    return x;
  }

  // The Pin keeps this a branch, so that the comparison before it stays where it is.
  static bool Unordered(uint32_t* flags) {
    *flags |= kFlagNv;
    return Pin(int32_t{0}) != 0;
  }

  static float Operand(uint32_t bits) { return Pin(std::bit_cast<float>(bits)); }
  static double Operand(uint64_t bits) { return Pin(std::bit_cast<double>(bits)); }

  static uint32_t Result(float x) {
    const float pinned = Pin(x);
    if (pinned != pinned) [[unlikely]] {
      return kCanonicalNanF32;
    }
    return std::bit_cast<uint32_t>(pinned);
  }
  static uint64_t Result(double x) {
    const double pinned = Pin(x);
    if (pinned != pinned) [[unlikely]] {
      return kCanonicalNanF64;
    }
    return std::bit_cast<uint64_t>(pinned);
  }

  // Instructions by name, where the language's own form would call the library or check errno.
  static float SquareRoot(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
  static double SquareRoot(double x) {
    const __m128d v = _mm_set_sd(x);
    return _mm_cvtsd_f64(_mm_sqrt_sd(v, v));
  }
  static float FusedMulAdd(float a, float b, float c) {
    asm volatile("vfmadd213ss %2, %1, %0" : "+x"(a) : "x"(b), "x"(c));
    return a;
  }
  static double FusedMulAdd(double a, double b, double c) {
    asm volatile("vfmadd213sd %2, %1, %0" : "+x"(a) : "x"(b), "x"(c));
    return a;
  }
  static int32_t TruncateToInt32(float x) { return _mm_cvttss_si32(_mm_set_ss(x)); }
  static int32_t TruncateToInt32(double x) { return _mm_cvttsd_si32(_mm_set_sd(x)); }
  static int64_t TruncateToInt64(float x) { return _mm_cvttss_si64(_mm_set_ss(x)); }
  static int64_t TruncateToInt64(double x) { return _mm_cvttsd_si64(_mm_set_sd(x)); }
};

using HostFp = OnHardware<SoftFp>;
// Calls nothing: what is not for the hardware is deferred (DeferredFp). For hosts with FMA3.
using InlineHostFp = OnHardware<DeferredFp>;

#endif  // POLLUX_HOST_FP_HARDWARE

}  // namespace pollux::interp::fp

#endif  // POLLUX_INTERP_FP_HOST_FP_H_
