// Integer arithmetic of RISC-V on register values, without undefined behaviour: every function is
// total.
//
// Registers are uint64_t. The functions are named after how they read their arguments.
#ifndef POLLUX_INTERP_ISA_ARITHMETIC_H_
#define POLLUX_INTERP_ISA_ARITHMETIC_H_

#include <concepts>
#include <cstdint>
#include <limits>

namespace pollux::interp {

constexpr int64_t Signed(uint64_t value) { return static_cast<int64_t>(value); }
constexpr uint64_t Unsigned(int64_t value) { return static_cast<uint64_t>(value); }
constexpr uint32_t Low32(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr int32_t Signed32(uint64_t value) { return static_cast<int32_t>(Low32(value)); }

// The low 32 bits, sign-extended: the result of every *w instruction.
constexpr uint64_t Sext32(uint64_t value) { return Unsigned(Signed32(value)); }

// The upper 64 bits of the 128-bit product.
constexpr uint64_t MulHighSigned(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>((static_cast<__int128>(Signed(a)) * Signed(b)) >> 64);
}
constexpr uint64_t MulHighUnsigned(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(a) * b) >> 64);
}
constexpr uint64_t MulHighSignedUnsigned(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>((static_cast<__int128>(Signed(a)) * static_cast<__int128>(b)) >> 64);
}

// Division of the low bits that T has. By zero: quotient of all ones, remainder the dividend. The
// most negative number by -1: quotient the dividend, remainder 0. Signed results are sign-extended,
// unsigned ones zero-extended.
template <std::signed_integral T>
constexpr uint64_t DivSigned(uint64_t a, uint64_t b) {
  const T x = static_cast<T>(a), y = static_cast<T>(b);
  if (y == 0) return ~uint64_t{0};
  if (y == -1 && x == std::numeric_limits<T>::min()) return Unsigned(x);
  return Unsigned(x / y);
}
template <std::signed_integral T>
constexpr uint64_t RemSigned(uint64_t a, uint64_t b) {
  const T x = static_cast<T>(a), y = static_cast<T>(b);
  if (y == 0) return Unsigned(x);
  if (y == -1) return 0;
  return Unsigned(x % y);
}
template <std::unsigned_integral T>
constexpr uint64_t DivUnsigned(uint64_t a, uint64_t b) {
  const T x = static_cast<T>(a), y = static_cast<T>(b);
  return y == 0 ? std::numeric_limits<T>::max() : x / y;
}
template <std::unsigned_integral T>
constexpr uint64_t RemUnsigned(uint64_t a, uint64_t b) {
  const T x = static_cast<T>(a), y = static_cast<T>(b);
  return y == 0 ? x : x % y;
}

// Floating-point signs, on bits: no NaN is looked at and no flag raised. T is uint32_t or uint64_t.
template <std::unsigned_integral T>
inline constexpr T kSignBit = T{1} << (sizeof(T) * 8 - 1);

// The magnitude of a with the sign of b.
template <std::unsigned_integral T>
constexpr T CopySign(T a, T b) {
  return (a & ~kSignBit<T>) | (b & kSignBit<T>);
}
// a, its sign flipped if b is negative.
template <std::unsigned_integral T>
constexpr T XorSign(T a, T b) {
  return a ^ (b & kSignBit<T>);
}

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ISA_ARITHMETIC_H_
