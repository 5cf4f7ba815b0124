// Division of 64-bit numbers and carries: digits of pi by Machin's formula, greatest common
// divisors, and powers modulo a 64-bit number, with their 128-bit products.
#include <cstddef>
#include <numeric>
#include <vector>

#include "benchmarks/engines/workload.h"

namespace {

// A fixed-point number from 0 to 10^9: whole, then nine decimal digits a limb.
using Limbs = std::vector<uint64_t>;
constexpr uint64_t kBase = 1'000'000'000;

void Divide(Limbs& limbs, uint64_t divisor) {
  uint64_t rest = 0;
  for (uint64_t& limb : limbs) {
    const uint64_t value = rest * kBase + limb;
    limb = value / divisor;
    rest = value % divisor;
  }
}

void Add(Limbs& sum, const Limbs& summand) {
  uint64_t carry = 0;
  for (size_t i = sum.size(); i-- > 0;) {
    const uint64_t limb = sum[i] + summand[i] + carry;
    carry = limb >= kBase;
    sum[i] = limb - carry * kBase;
  }
}

void Subtract(Limbs& difference, const Limbs& subtrahend) {
  uint64_t borrow = 0;
  for (size_t i = difference.size(); i-- > 0;) {
    const uint64_t taken = subtrahend[i] + borrow;
    borrow = difference[i] < taken;
    difference[i] += borrow * kBase - taken;
  }
}

bool IsZero(const Limbs& limbs) {
  for (uint64_t limb : limbs)
    if (limb != 0) return false;
  return true;
}

// factor * arctan(1 / number)
Limbs ArcTangent(uint64_t factor, uint64_t number, size_t size) {
  Limbs power(size);
  power[0] = factor;
  Divide(power, number);
  Limbs sum = power;
  for (uint64_t k = 3; !IsZero(power); k += 2) {
    Divide(power, number * number);
    Limbs term = power;
    Divide(term, k);
    k % 4 == 3 ? Subtract(sum, term) : Add(sum, term);
  }
  return sum;
}

uint64_t Power(uint64_t base, uint64_t exponent, uint64_t modulus) {
  using Wide = unsigned __int128;
  uint64_t result = 1;
  for (base %= modulus; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = static_cast<uint64_t>(Wide{result} * base % modulus);
    base = static_cast<uint64_t>(Wide{base} * base % modulus);
  }
  return result;
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  Numbers numbers(11);
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    Limbs pi = ArcTangent(16, 5, 8 + i % 8);
    Subtract(pi, ArcTangent(4, 239, pi.size()));
    for (uint64_t limb : pi) checksum = Mix(checksum, limb);
    for (int k = 0; k < 20; ++k) {
      const uint64_t one = numbers.Next() >> 8, other = numbers.Next() >> 16;
      checksum = Mix(checksum, std::gcd(one, other));
    }
    const uint64_t base = numbers.Next(), exponent = numbers.Next() >> 32;
    checksum = Mix(checksum, Power(base, exponent, numbers.Next() | 1));
  }
  return checksum;
}
