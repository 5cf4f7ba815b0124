// Multiply and add in floating point: products of matrices. Every element is a whole number that a
// double holds exactly, so a fused multiply-add, which only the guest has, gives the same sum.
#include <vector>

#include "benchmarks/engines/workload.h"

namespace {

constexpr int kSize = 48;
using Matrix = std::vector<double>;

void Multiply(const Matrix& a, const Matrix& b, Matrix& product) {
  for (int row = 0; row < kSize; ++row) {
    for (int column = 0; column < kSize; ++column) {
      double sum = 0;
      for (int k = 0; k < kSize; ++k) sum += a[row * kSize + k] * b[k * kSize + column];
      product[row * kSize + column] = sum;
    }
  }
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  Matrix a(kSize * kSize), b(kSize * kSize), product(kSize * kSize);
  Numbers numbers(3);
  for (double& element : a) element = numbers.Below(31);
  for (double& element : b) element = numbers.Below(31);
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    Multiply(a, b, product);
    double trace = 0;
    for (int k = 0; k < kSize; ++k) trace += product[k * kSize + k];
    checksum = Mix(checksum, static_cast<uint64_t>(trace));
    // The next round's factor, small again.
    for (int k = 0; k < kSize * kSize; ++k)
      a[k] = static_cast<double>((static_cast<int64_t>(product[k]) + k) & 31);
  }
  for (double element : product) checksum = Mix(checksum, static_cast<uint64_t>(element));
  return checksum;
}
