// single_wake_op: the arithmetic of FUTEX_WAKE_OP, operation by operation.
#include <linux/futex.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

uint32_t word, second;

long WakeOp(uint32_t code) {
  return syscall(SYS_futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1L, &second, code);
}

}  // namespace

int main() {
  const uint32_t operands[] = {0, 1, 5, 31, 32, 0x7ff, 0x800, 0xfff};
  for (uint32_t operation = 0; operation < 16; ++operation) {
    std::printf("operation %u:", operation);
    for (uint32_t operand : operands) {
      second = 0x12345678;
      const long result = WakeOp(operation << 28 | operand << 12);
      std::printf(" %s%x", result == 0 ? "" : ErrorName(errno), second);
    }
    std::printf("\n");
  }
  for (uint32_t comparison = 0; comparison < 16; ++comparison) {
    second = 3;
    const long result = WakeOp(FUTEX_OP_ADD << 28 | comparison << 24 | 1 << 12 | 3);
    // An unknown comparison is noticed when the word has its new value.
    std::printf("comparison %u: %s %u\n", comparison, result == 0 ? "ok" : ErrorName(errno),
                second);
  }
  return 0;
}
