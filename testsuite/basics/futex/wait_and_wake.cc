// wait_and_wake: FUTEX_WAIT and FUTEX_WAKE: the value decides whether one waits, as many are woken
// as is asked for, the first first; the word itself is left alone.
#include <sys/mman.h>

#include <memory>
#include <vector>

#include "testsuite/basics/futex/futex.h"

int main() {
  Word word = 5;
  const timespec none = {}, wrong = {0, 1000000000}, negative = {-1, 0};
  Show("another value", Futex(&word, FUTEX_WAIT_PRIVATE, 4));
  Show("no time", Futex(&word, FUTEX_WAIT_PRIVATE, 5, &none));
  Show("too many nanoseconds", Futex(&word, FUTEX_WAIT_PRIVATE, 5, &wrong));
  Show("negative seconds", Futex(&word, FUTEX_WAIT_PRIVATE, 5, &negative));
  Show("another value, too many nanoseconds", Futex(&word, FUTEX_WAIT_PRIVATE, 4, &wrong));
  Show("another value, time out of reach",
       Futex(&word, FUTEX_WAIT_PRIVATE, 4, reinterpret_cast<void*>(8)));
  auto* odd = reinterpret_cast<Word*>(reinterpret_cast<char*>(&word) + 1);
  auto* nowhere = reinterpret_cast<Word*>(8);
  Show("odd address", Futex(odd, FUTEX_WAIT_PRIVATE, 5));
  Show("out of reach", Futex(nowhere, FUTEX_WAIT_PRIVATE, 5));
  Show("out of reach, too many nanoseconds", Futex(nowhere, FUTEX_WAIT_PRIVATE, 5, &wrong));
  Show("odd address, too many nanoseconds", Futex(odd, FUTEX_WAIT_PRIVATE, 5, &wrong));
  Show("unknown operation", Futex(&word, 100, 5));
  Show("unknown operation, odd address", Futex(odd, 100, 5));
  Show("the address of nothing", Futex(nullptr, FUTEX_WAIT_PRIVATE, 5));
  ShowCount("wake nobody", Wake(&word, 1));
  Show("wake, odd address", Wake(odd, 1));
  ShowCount("wake, private, out of reach", Wake(nowhere, 1));
  ShowCount("wake, shared, out of reach", Wake(nowhere, 1, 0));
  void* page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ShowCount("wake, private, not to be read", Wake(static_cast<Word*>(page), 1));
  ShowCount("wake, shared, not to be read", Wake(static_cast<Word*>(page), 1, 0));
  Show("wait, not to be read", Futex(static_cast<Word*>(page), FUTEX_WAIT_PRIVATE, 0));
  Must(mprotect(page, 4096, PROT_READ) == 0, "mprotect");
  Show("wait, to be read only", Futex(static_cast<Word*>(page), FUTEX_WAIT_PRIVATE, 0, &none));
  ShowCount("wake, shared, to be read only", Wake(static_cast<Word*>(page), 1, 0));

  for (const int flags : {FUTEX_PRIVATE_FLAG, 0}) {
    std::printf("%s\n", flags != 0 ? "private" : "shared");
    std::vector<std::unique_ptr<FutexWaiter>> waiters;
    for (int i = 0; i < 6; ++i) {
      waiters.push_back(std::make_unique<FutexWaiter>(
          &word, [&, flags] { return Futex(&word, FUTEX_WAIT | flags, 5); }, flags));
    }
    ShowCount("  waiting", Waiting(&word, flags));
    ShowCount("  woken one", Wake(&word, 1, flags));
    std::printf("  the first: %s\n", waiters[0]->Result());
    ShowCount("  woken two", Wake(&word, 2, flags));
    std::printf("  %s, %s\n", waiters[1]->Result(), waiters[2]->Result());
    ShowCount("  waiting", Waiting(&word, flags));
    // Zero is one: always was.
    ShowCount("  woken none", Wake(&word, 0, flags));
    std::printf("  the fourth: %s\n", waiters[3]->Result());
    ShowCount("  woken, a negative number", Wake(&word, -1, flags));
    std::printf("  the fifth: %s\n", waiters[4]->Result());
    word = 6;
    ShowCount("  woken all", Wake(&word, INT_MAX, flags));
    std::printf("  the last, whatever the value is now: %s\n", waiters[5]->Result());
    ShowCount("  waiting", Waiting(&word, flags));
    word = 5;
  }
  // Who waits as private is not found by a shared wake, and the other way round.
  FutexWaiter waiter(&word, [&] { return Futex(&word, FUTEX_WAIT_PRIVATE, 5); });
  ShowCount("shared wake of a private wait", Wake(&word, 1, 0));
  ShowCount("private wake", Wake(&word, 1));
  std::printf("%s\n", waiter.Result());
  std::printf("the word: %u\n", word.load());
  return 0;
}
