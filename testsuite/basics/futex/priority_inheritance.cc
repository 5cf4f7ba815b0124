// priority_inheritance: the locks that the kernel keeps: FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI,
// FUTEX_UNLOCK_PI, FUTEX_LOCK_PI2: the owner's id is the value; who waits is marked by a bit.
#include <memory>
#include <vector>

#include "testsuite/basics/futex/futex.h"

namespace {

Word word = 0;

long Lock(Word* lock = &word) { return Futex(lock, FUTEX_LOCK_PI_PRIVATE, 0); }
long Trylock() { return Futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0); }
long Unlock(Word* lock = &word) { return Futex(lock, FUTEX_UNLOCK_PI_PRIVATE, 0); }

void Print(const char* what) {
  const uint32_t value = word;
  std::printf("%s: owner %s, waiters %d, died %d\n", what,
              (value & FUTEX_TID_MASK) == static_cast<uint32_t>(Tid()) ? "me"
              : (value & FUTEX_TID_MASK) == 0                          ? "nobody"
                                                                       : "another",
              (value & FUTEX_WAITERS) != 0, (value & FUTEX_OWNER_DIED) != 0);
}

// Waits until somebody waits for the lock.
void UntilWanted() {
  while ((word & FUTEX_WAITERS) == 0) sched_yield();
}

}  // namespace

int main() {
  Show("lock", Lock());
  Print("locked");
  Show("lock again", Lock());
  Show("trylock again", Trylock());
  Show("unlock", Unlock());
  Print("unlocked");
  Show("unlock again", Unlock());
  Show("trylock", Trylock());
  std::thread([] {
    Show("trylock elsewhere", Trylock());
    Show("unlock elsewhere", Unlock());
  }).join();
  // Locked by the C library's way, without the kernel.
  Must(Unlock() == 0, "unlock");
  word = static_cast<uint32_t>(Tid());
  Show("lock of what I took myself", Lock());
  Show("unlock", Unlock());
  Print("unlocked");

  // One waits and has it when it is given away.
  Must(Lock() == 0, "lock");
  std::atomic<int> state = 0;
  std::thread waiter([&] {
    Must(Lock() == 0, "lock");
    state = 1;
    while (state == 1) sched_yield();
    Must(Unlock() == 0, "unlock");
  });
  UntilWanted();
  Print("one waits");
  Show("unlock", Unlock());
  while (state != 1) sched_yield();
  Print("it has it");
  Show("trylock", Trylock());
  Show("unlock of another's", Unlock());
  state = 2;
  waiter.join();
  Print("at the end");

  // The same for FUTEX_LOCK_PI2.
  Show("lock_pi2", Futex(&word, kLockPi2 | FUTEX_PRIVATE_FLAG, 0));
  std::thread second([] {
    Must(Futex(&word, kLockPi2 | FUTEX_PRIVATE_FLAG, 0) == 0, "lock_pi2");
    Must(Unlock() == 0, "unlock");
  });
  UntilWanted();
  Must(Unlock() == 0, "unlock");
  second.join();

  // Two wait for each other: the one that closes the circle is told.
  Word other = 0;
  Must(Lock() == 0, "lock");
  std::atomic<pid_t> has_other = 0;
  std::thread third([&] {
    Must(Lock(&other) == 0, "lock");
    has_other = Tid();
    Must(Lock() == 0, "lock");
    Must(Unlock() == 0 && Unlock(&other) == 0, "unlock");
  });
  while (has_other == 0) sched_yield();
  UntilThreadAsleep(has_other);
  Show("a circle", Lock(&other));
  Must(Unlock() == 0, "unlock");
  third.join();

  // Not a thread's id; one that has gone.
  word = 0x3fffffff;
  Show("locked by nobody that there is", Lock());
  Show("trylock of it", Trylock());
  pid_t gone = 0;
  std::thread([&] { gone = Tid(); }).join();
  while (syscall(SYS_tgkill, getpid(), gone, 0) == 0) sched_yield();
  word = static_cast<uint32_t>(gone);
  Show("locked by one that has gone", Lock());
  word = FUTEX_WAITERS;
  Show("waiters of nobody", Lock());
  Print("taken");
  Show("unlock", Unlock());
  word = FUTEX_OWNER_DIED;
  Show("of one that died", Lock());
  Print("taken");
  Show("unlock", Unlock());
  Print("unlocked");
  // Its owner ends without giving it back: known to the kernel only if somebody waits.
  std::thread dying([first_thread = Tid()] {
    Must(Lock() == 0, "lock");
    UntilWanted();
    UntilThreadAsleep(first_thread);
  });
  while (word == 0) sched_yield();
  Show("lock of one that ends", Lock());
  dying.join();
  Print("taken");
  Show("unlock", Unlock());

  // One who waits with FUTEX_WAIT is no PI waiter.
  word = 7;
  FutexWaiter plain(&word, [] { return Futex(&word, FUTEX_WAIT_PRIVATE, 7); });
  word = static_cast<uint32_t>(Tid()) | FUTEX_WAITERS;
  Show("unlock of what others wait for otherwise", Unlock());
  ShowCount("wake", Wake(&word, 1));
  std::printf("%s\n", plain.Result());
  word = 0;

  // Counting, one at a time.
  long count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) {
        Must(Lock() == 0, "lock");
        ++count;
        Must(Unlock() == 0, "unlock");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("counted %ld, the word %u\n", count, word.load());
  auto* nowhere = reinterpret_cast<Word*>(8);
  auto* odd = reinterpret_cast<Word*>(reinterpret_cast<char*>(&word) + 1);
  Show("lock out of reach", Lock(nowhere));
  Show("unlock out of reach", Unlock(nowhere));
  Show("lock of an odd address", Lock(odd));
  Show("unlock of an odd address", Unlock(odd));
  return 0;
}
