// bitsets: FUTEX_WAIT_BITSET and FUTEX_WAKE_BITSET: who waits says for which bits, who wakes says
// whom.
#include <memory>
#include <vector>

#include "testsuite/basics/futex/futex.h"

namespace {

Word word = 1;

long WaitFor(uint32_t bits) {
  return Futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, nullptr, nullptr, bits);
}
long WakeBits(int count, uint32_t bits) {
  return Futex(&word, FUTEX_WAKE_BITSET_PRIVATE, static_cast<uint32_t>(count), nullptr, nullptr,
               bits);
}

}  // namespace

int main() {
  std::vector<std::unique_ptr<FutexWaiter>> waiters;
  for (const uint32_t bits : {1u, 2u, 4u, 3u, 0xffffffffu, 0x80000000u}) {
    waiters.push_back(std::make_unique<FutexWaiter>(&word, [=] { return WaitFor(bits); }));
  }
  ShowCount("nobody has bit 3 alone", WakeBits(0, 8) == 1 ? 1 : 0);
  std::printf("but who waits for all: %s\n", waiters[4]->Result());
  ShowCount("now nobody", WakeBits(INT_MAX, 8));
  ShowCount("bit 1, one", WakeBits(1, 2));
  std::printf("the first that has it: %s\n", waiters[1]->Result());
  ShowCount("bits 0 and 1", WakeBits(INT_MAX, 3));
  std::printf("%s, %s\n", waiters[0]->Result(), waiters[3]->Result());
  ShowCount("waiting", Waiting(&word));
  ShowCount("the highest bit", WakeBits(INT_MAX, 0x80000000u));
  std::printf("%s\n", waiters[5]->Result());
  ShowCount("FUTEX_WAKE is for all bits", Wake(&word, 1));
  std::printf("%s\n", waiters[2]->Result());
  Show("wait for no bits", WaitFor(0));
  Show("wake no bits", WakeBits(1, 0));
  word = 2;
  Show("another value, no bits", WaitFor(0));
  Show("another value", WaitFor(1));
  return 0;
}
