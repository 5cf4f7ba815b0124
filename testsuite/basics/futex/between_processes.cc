// between_processes: a word in memory that processes have in common is one futex, wherever each has
// mapped it; a word in private memory is another in each, and a private operation finds no other's.
#include <sys/mman.h>

#include "testsuite/basics/futex/futex.h"

namespace {

constexpr size_t kBytes = 8192;

Word* Map(int fd, int flags, off_t offset = 0) {
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, flags, fd, offset);
  Must(memory != MAP_FAILED, "mmap");
  return static_cast<Word*>(memory);
}

// A child that waits at its word until it is woken.
pid_t Waiter(Word* word, int flags) {
  return Fork([=] { return Futex(word, FUTEX_WAIT | flags, 0) == 0 ? 7 : 8; });
}

// Wakes the child through `mine`, when it waits.
void Try(const char* what, Word* its, Word* mine) {
  const pid_t child = Waiter(its, 0);
  UntilWaiting(mine, 1, 0);
  ShowCount(what, Wake(mine, 1, 0));
  ShowEnd("  the child", child);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Word* shared = Map(-1, MAP_SHARED | MAP_ANONYMOUS);
  Try("anonymous", shared, shared);
  const int memory = memfd_create("words", MFD_CLOEXEC);
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(ftruncate(memory, 3 * kBytes) == 0 && ftruncate(file, kBytes) == 0, "ftruncate");
  Word *first = Map(memory, MAP_SHARED), *second = Map(memory, MAP_SHARED);
  Try("a memfd, mapped twice", first, second);
  Word* later = Map(memory, MAP_SHARED, 4096);
  Try("from another offset", first + 1024 + 3, later + 3);
  Word *of_file = Map(file, MAP_SHARED), *again = Map(open("file", O_RDWR), MAP_SHARED);
  Try("a file, opened twice", of_file, again);

  // Words beside each other, and at the same place of another file, are others.
  const pid_t child = Waiter(first, 0);
  UntilWaiting(second, 1, 0);
  ShowCount("the next word", Wake(second + 1, 1, 0));
  ShowCount("another file", Wake(of_file, 1, 0));
  ShowCount("a private operation", Wake(second, 1));
  ShowCount("a private mapping of the same file", Wake(Map(memory, MAP_PRIVATE), 1, 0));
  // The value was looked at when it began to wait, not when it is woken.
  *second = 99;
  ShowCount("the word itself", Wake(second, 1, 0));
  ShowEnd("the child", child);
  *second = 0;

  // Private memory: the parent's word and the child's are two.
  Word* own = Map(-1, MAP_PRIVATE | MAP_ANONYMOUS);
  const pid_t apart = Fork([&] {
    std::atomic<bool> woken = false;
    std::thread waiter([&] {
      Must(Futex(own, FUTEX_WAIT, 0) == 0, "FUTEX_WAIT");
      woken = true;
    });
    UntilWaiting(own, 1, 0);
    *shared = 1;
    while (*shared == 1) sched_yield();
    Must(!woken, "not by another process");
    Must(Wake(own, 1, 0) == 1, "but by this one");
    waiter.join();
    return 9;
  });
  while (*shared == 0) sched_yield();
  ShowCount("private memory", Wake(own, 1, 0));
  *shared = 2;
  ShowEnd("a child", apart);

  // Requeued from one word to another, across processes.
  const pid_t third = Waiter(first, 0), fourth = Waiter(first, 0);
  UntilWaiting(second, 2, 0);
  ShowCount("requeue", Futex(second, FUTEX_CMP_REQUEUE, 1, int64_t{1}, of_file, 0));
  ShowCount("wake in the file", Wake(again, INT_MAX, 0));
  Must(Wait(third) == Wait(fourth), "both were woken");

  // A PI lock, and one whose owner dies.
  *shared = 0;
  const pid_t owner = Fork([=] {
    Must(Futex(shared, FUTEX_LOCK_PI, 0) == 0, "FUTEX_LOCK_PI");
    while ((*shared & FUTEX_WAITERS) == 0) sched_yield();
    return Futex(shared, FUTEX_UNLOCK_PI, 0) == 0 ? 11 : 12;
  });
  while (*shared == 0) sched_yield();
  Show("lock_pi", Futex(shared, FUTEX_LOCK_PI, 0));
  ShowEnd("its owner before", owner);
  Show("unlock_pi", Futex(shared, FUTEX_UNLOCK_PI, 0));

  // A ping-pong of two processes, nothing lost.
  Word* turn = shared + 1;
  const auto play = [=](uint32_t me) {
    for (int i = 0; i < 200; ++i) {
      for (uint32_t seen = *turn; seen % 2 != me; seen = *turn) Futex(turn, FUTEX_WAIT, seen);
      ++*turn;
      Wake(turn, 1, 0);
    }
    return 13;
  };
  const pid_t other = Fork([=] { return play(1); });
  play(0);
  ShowEnd("the other player", other);
  std::printf("turns: %u\n", turn->load());
  return 0;
}
