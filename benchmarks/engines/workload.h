// What the measured programs share. Each defines Work; workload_main.cc has main().
//
//   PROGRAM [ITERATIONS]   prints a checksum of all that was computed
//
// The same ITERATIONS print the same everywhere: no time, no addresses, no order of a hash table
// that the C++ library is free to choose, no rounding that a fused multiply-add would change.
// Without ITERATIONS it is the count of workloads.bzl.
#ifndef POLLUX_BENCHMARKS_ENGINES_WORKLOAD_H_
#define POLLUX_BENCHMARKS_ENGINES_WORKLOAD_H_

#include <cstdint>

// Does the work so often; the time grows in proportion. Returns the checksum.
uint64_t Work(uint64_t iterations);

// Adds `value` to a checksum, so that the order counts too.
inline uint64_t Mix(uint64_t checksum, uint64_t value) {
  checksum = (checksum ^ value) * 0x9e3779b97f4a7c15u;
  return checksum ^ (checksum >> 29);
}

// Numbers that look random (Marsaglia's xorshift).
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(Mix(1, seed) | 1) {}
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // From 0 to limit - 1; limit is at most 2^32.
  uint32_t Below(uint64_t limit) { return static_cast<uint32_t>((Next() >> 32) * limit >> 32); }

 private:
  uint64_t state_;
};

#endif  // POLLUX_BENCHMARKS_ENGINES_WORKLOAD_H_
