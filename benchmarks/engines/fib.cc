// Calls: Fibonacci numbers by their definition.
#include "benchmarks/engines/workload.h"

namespace {

[[gnu::noinline]] uint64_t Fibonacci(uint64_t n) {
  return n < 2 ? n : Fibonacci(n - 1) + Fibonacci(n - 2);
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) checksum = Mix(checksum, Fibonacci(14 + i % 7));
  return checksum;
}
