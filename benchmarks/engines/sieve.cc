// Stores in strides: the sieve of Eratosthenes, one byte a number.
#include <cstring>
#include <vector>

#include "benchmarks/engines/workload.h"

uint64_t Work(uint64_t iterations) {
  constexpr uint64_t kMost = 1 << 17;
  std::vector<unsigned char> composite(kMost + 1);
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    const uint64_t last = kMost - i % 1000;
    std::memset(composite.data(), 0, composite.size());
    for (uint64_t factor = 2; factor * factor <= last; ++factor) {
      if (composite[factor]) continue;
      for (uint64_t multiple = factor * factor; multiple <= last; multiple += factor)
        composite[multiple] = 1;
    }
    uint64_t primes = 0, largest = 0;
    for (uint64_t number = 2; number <= last; ++number) {
      if (composite[number]) continue;
      ++primes;
      largest = number;
    }
    checksum = Mix(Mix(checksum, primes), largest);
  }
  return checksum;
}
