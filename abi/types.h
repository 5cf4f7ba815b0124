// Strong types that every layer shares: guest addresses and time.
#ifndef POLLUX_ABI_TYPES_H_
#define POLLUX_ABI_TYPES_H_

#include <compare>
#include <cstdint>

namespace pollux {

// An address in a guest's address space. Any 64-bit value is allowed: it comes from the guest and
// is checked on use.
struct GuestAddr {
  uint64_t value = 0;

  friend constexpr auto operator<=>(GuestAddr, GuestAddr) = default;
  friend constexpr GuestAddr operator+(GuestAddr a, uint64_t bytes) { return {a.value + bytes}; }
  friend constexpr GuestAddr operator-(GuestAddr a, uint64_t bytes) { return {a.value - bytes}; }
  friend constexpr uint64_t operator-(GuestAddr a, GuestAddr b) { return a.value - b.value; }
  constexpr bool IsNull() const { return value == 0; }
};

// A span or a point of virtual time in nanoseconds, signed as ktime_t is.
struct Nanos {
  int64_t value = 0;

  friend constexpr auto operator<=>(Nanos, Nanos) = default;
  friend constexpr Nanos operator+(Nanos a, Nanos b) { return {a.value + b.value}; }
  friend constexpr Nanos operator-(Nanos a, Nanos b) { return {a.value - b.value}; }
};
inline constexpr Nanos kNanosMax{INT64_MAX};
inline constexpr int64_t kNanosPerSecond = 1'000'000'000;

// A thread's id as the guest sees it (gettid(2)), machine-wide. The process id is the Tid of its
// first thread.
enum class Tid : int32_t {};

}  // namespace pollux

#endif  // POLLUX_ABI_TYPES_H_
