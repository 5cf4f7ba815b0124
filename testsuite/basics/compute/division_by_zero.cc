// division_by_zero: on RISC-V no division traps: by zero it answers all ones and the dividend, and
// where the quotient does not fit, the dividend and zero.
#include <cinttypes>
#include <cstdint>

#include "testsuite/basics/check.h"

#define DIVISION(name, instruction)                                          \
  int64_t name(int64_t a, int64_t b) {                                       \
    int64_t result;                                                          \
    asm volatile(instruction " %0, %1, %2" : "=r"(result) : "r"(a), "r"(b)); \
    return result;                                                           \
  }

namespace {
DIVISION(Div, "div")
DIVISION(Divu, "divu")
DIVISION(Rem, "rem")
DIVISION(Remu, "remu")
DIVISION(Divw, "divw")
DIVISION(Divuw, "divuw")
DIVISION(Remw, "remw")
DIVISION(Remuw, "remuw")
}  // namespace

int main() {
  const int64_t pairs[][2] = {
      {7, 0},         {-7, 0},         {0, 0},           {INT64_MIN, -1},
      {INT64_MIN, 0}, {INT32_MIN, -1}, {0x80000000, -1}, {int64_t{5} << 32, int64_t{1} << 32}};
  for (const auto& [a, b] : pairs) {
    std::printf("%" PRIx64 " %" PRIx64 ": %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64
                ", words %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n",
                a, b, Div(a, b), Divu(a, b), Rem(a, b), Remu(a, b), Divw(a, b), Divuw(a, b),
                Remw(a, b), Remuw(a, b));
  }
  return 0;
}
