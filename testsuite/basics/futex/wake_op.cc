// wake_op: FUTEX_WAKE_OP: changes a second word by each operation, wakes at the first, and at the
// second too if what was there compares as is asked.
#include <memory>
#include <vector>

#include "testsuite/basics/futex/futex.h"

namespace {

Word first = 1, second = 0;

uint32_t Encode(int op, int op_argument, int compare, int compare_argument) {
  return static_cast<uint32_t>(FUTEX_OP(op, op_argument, compare, compare_argument));
}

long WakeOp(int wake, int64_t wake2, uint32_t code) {
  return Futex(&first, FUTEX_WAKE_OP_PRIVATE, static_cast<uint32_t>(wake), wake2, &second, code);
}

}  // namespace

int main() {
  constexpr struct {
    const char* name;
    int op;
  } kOps[] = {{"set", FUTEX_OP_SET},
              {"add", FUTEX_OP_ADD},
              {"or", FUTEX_OP_OR},
              {"andn", FUTEX_OP_ANDN},
              {"xor", FUTEX_OP_XOR}};
  for (const auto& [name, op] : kOps) {
    std::printf("%s:", name);
    for (const int argument : {0, 5, 0x7ff, -1, -2048}) {
      second = 12;
      Must(WakeOp(1, 1, Encode(op, argument, FUTEX_OP_CMP_EQ, 0)) == 0, "nobody waits");
      std::printf(" %x", second.load());
    }
    // The argument as the number of a bit.
    for (const int argument : {0, 3, 31}) {
      second = 12;
      Must(WakeOp(1, 1, Encode(op | FUTEX_OP_OPARG_SHIFT, argument, FUTEX_OP_CMP_EQ, 0)) == 0, "");
      std::printf(" <<%x", second.load());
    }
    std::printf("\n");
  }

  // Comparisons are of the old value, with sign; whoever waits at the second word tells.
  constexpr struct {
    const char* name;
    int compare;
  } kCompares[] = {{"==", FUTEX_OP_CMP_EQ}, {"!=", FUTEX_OP_CMP_NE}, {"<", FUTEX_OP_CMP_LT},
                   {"<=", FUTEX_OP_CMP_LE}, {">", FUTEX_OP_CMP_GT},  {">=", FUTEX_OP_CMP_GE}};
  second = 7;
  auto waiter =
      std::make_unique<FutexWaiter>(&second, [] { return Futex(&second, FUTEX_WAIT_PRIVATE, 7); });
  for (const auto& [name, compare] : kCompares) {
    std::printf("%s:", name);
    for (const auto& [old, argument] : {std::pair(7, 7), {7, 8}, {8, 7}, {-5, 3}, {3, -5}}) {
      second = static_cast<uint32_t>(old);
      const long woken = WakeOp(1, 1, Encode(FUTEX_OP_SET, 7, compare, argument));
      std::printf(" %ld", woken);
      if (woken == 1) {
        Must(strcmp(waiter->Result(), "ok") == 0, "woken");
        waiter = std::make_unique<FutexWaiter>(
            &second, [] { return Futex(&second, FUTEX_WAIT_PRIVATE, 7); });
      }
    }
    std::printf("\n");
  }
  Must(Wake(&second, 1) == 1, "the last");
  waiter->Result();

  // As many as is asked for, at both.
  std::vector<std::unique_ptr<FutexWaiter>> waiters;
  for (int i = 0; i < 3; ++i) {
    for (Word* word : {&first, &second}) {
      waiters.push_back(std::make_unique<FutexWaiter>(
          word, [=] { return Futex(word, FUTEX_WAIT_PRIVATE, word == &first ? 1 : 7); }));
    }
  }
  ShowCount("two and one", WakeOp(2, 1, Encode(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 7)));
  std::printf("waiting %ld %ld, the word %u\n", Waiting(&first), Waiting(&second), second.load());
  ShowCount("not the second", WakeOp(2, 1, Encode(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 7)));
  std::printf("waiting %ld %ld, the word %u\n", Waiting(&first), Waiting(&second), second.load());
  ShowCount("none and all", WakeOp(0, INT_MAX, Encode(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_NE, 7)));
  for (auto& one : waiters) Must(strcmp(one->Result(), "ok") == 0, "woken");

  const uint32_t before = second;
  Show("unknown operation", WakeOp(1, 1, 7u << 28));
  Show("unknown comparison", WakeOp(1, 1, Encode(FUTEX_OP_ADD, 1, 9, 0)));
  std::printf("the word has changed by %u\n", second - before);
  auto* odd = reinterpret_cast<Word*>(reinterpret_cast<char*>(&second) + 1);
  auto* nowhere = reinterpret_cast<Word*>(8);
  Show("odd second", Futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, int64_t{1}, odd, 0));
  Show("second out of reach", Futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, int64_t{1}, nowhere, 0));
  Show("odd first", Futex(odd, FUTEX_WAKE_OP_PRIVATE, 1, int64_t{1}, &second, 0));
  ShowCount("first out of reach", Futex(nowhere, FUTEX_WAKE_OP_PRIVATE, 1, int64_t{1}, &second, 0));
  return 0;
}
