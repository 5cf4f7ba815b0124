// robust_list: the list of locks that a thread gives the kernel: when it ends, each word that holds
// its id gets FUTEX_OWNER_DIED, keeps FUTEX_WAITERS, and one waiter is woken. Made by hand.
#include <sys/mman.h>

#include "testsuite/basics/futex/futex.h"

namespace {

// A lock in memory that outlives its owner. The list's pointers are those of the dying process.
struct Lock {
  robust_list list;
  Word word;
};

struct Shared {
  robust_list_head head;
  Lock locks[6];
  Word ready;
};

Shared* shared;

void Register(size_t bytes = sizeof(robust_list_head)) {
  Show("set_robust_list", syscall(SYS_set_robust_list, &shared->head, bytes));
}

// Puts the first `count` locks on the list.
void Link(int count) {
  robust_list* last = &shared->head.list;
  for (int i = 0; i < count; ++i) {
    last->next = &shared->locks[i].list;
    last = last->next;
  }
  last->next = &shared->head.list;
  shared->head.futex_offset = offsetof(Lock, word) - offsetof(Lock, list);
  shared->head.list_op_pending = nullptr;
}

void Print(const char* what, int index, pid_t owner) {
  const uint32_t value = shared->locks[index].word;
  std::printf("  %s: owner %s, waiters %d, died %d\n", what,
              (value & FUTEX_TID_MASK) == static_cast<uint32_t>(owner) ? "it"
              : (value & FUTEX_TID_MASK) == 0                          ? "nobody"
                                                                       : "another",
              (value & FUTEX_WAITERS) != 0, (value & FUTEX_OWNER_DIED) != 0);
}

}  // namespace

int main() {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Must(memory != MAP_FAILED, "mmap");
  shared = new (memory) Shared;

  std::printf("a process ends\n");
  pid_t child = Fork([] {
    const auto me = static_cast<uint32_t>(Tid());
    Link(4);
    Register();
    shared->locks[0].word = me;                  // Nobody waits.
    shared->locks[1].word = me | FUTEX_WAITERS;  // Somebody does.
    shared->locks[2].word = 12345;               // Another's: is left alone.
    shared->locks[3].word = 0;                   // Free: is left alone.
    shared->locks[4].word = me | FUTEX_WAITERS;  // Being taken or given back: not yet on the list.
    shared->locks[5].word = me;                  // Not on the list.
    shared->head.list_op_pending = &shared->locks[4].list;
    shared->ready = 1;
    while (shared->ready == 1) sched_yield();
    return 3;
  });
  while (shared->ready == 0) sched_yield();
  const uint32_t taken = shared->locks[1].word, pending = shared->locks[4].word;
  FutexWaiter first(
      &shared->locks[1].word, [=] { return Futex(&shared->locks[1].word, FUTEX_WAIT, taken); }, 0);
  FutexWaiter second(
      &shared->locks[1].word, [=] { return Futex(&shared->locks[1].word, FUTEX_WAIT, taken); }, 0);
  FutexWaiter third(
      &shared->locks[4].word, [=] { return Futex(&shared->locks[4].word, FUTEX_WAIT, pending); },
      0);
  shared->ready = 2;
  ShowEnd("  the child", child);
  Print("nobody waited", 0, child);
  Print("somebody waited", 1, child);
  Print("another's", 2, 12345);
  Print("free", 3, child);
  Print("pending", 4, child);
  Print("not on the list", 5, child);
  std::printf("  woken: %s", first.Result());
  std::printf(", pending: %s\n", third.Result());
  ShowCount("  one goes on waiting", Wake(&shared->locks[1].word, INT_MAX, 0));
  std::printf("  the other: %s\n", second.Result());

  std::printf("a process executes\n");
  child = Fork([] {
    Link(1);
    Register();
    shared->locks[0].word = static_cast<uint32_t>(Tid());
    char name[] = "self";
    char* const argv[] = {name, nullptr};
    execve("/nowhere", argv, argv);
    Must((shared->locks[0].word & FUTEX_OWNER_DIED) == 0, "a failing execve leaves it alone");
    return 4;
  });
  ShowEnd("  the child", child);
  Print("its lock", 0, child);

  std::printf("killed\n");
  child = Fork([] {
    Link(2);
    Register();
    for (int i = 0; i < 2; ++i) shared->locks[i].word = static_cast<uint32_t>(Tid());
    return raise(SIGKILL);
  });
  ShowEnd("  the child", child);
  Print("its first", 0, child);
  Print("its second", 1, child);

  std::printf("a thread ends\n");
  for (int i = 0; i < 2; ++i) shared->locks[i].word = 0;
  pid_t tid = 0;
  std::thread([&] {
    tid = Tid();
    Link(2);
    Register();
    for (int i = 0; i < 2; ++i) shared->locks[i].word = static_cast<uint32_t>(tid);
    syscall(SYS_exit, 0);
  }).detach();
  while ((shared->locks[1].word & FUTEX_OWNER_DIED) == 0 || tid == 0) sched_yield();
  Print("its first", 0, tid);
  Print("its second", 1, tid);

  std::printf("lists that are not in order\n");
  const auto broken = [](const char* what, auto damage) {
    const pid_t its = Fork([&] {
      Link(3);
      for (int i = 0; i < 3; ++i) shared->locks[i].word = static_cast<uint32_t>(Tid());
      damage();
      Must(syscall(SYS_set_robust_list, &shared->head, sizeof shared->head) == 0, "");
      return 5;
    });
    ShowEnd(what, its);
    int died = 0;
    for (int i = 0; i < 3; ++i) died += (shared->locks[i].word & FUTEX_OWNER_DIED) != 0;
    std::printf("  %d marked\n", died);
  };
  broken("a circle", [] { shared->locks[2].list.next = &shared->locks[1].list; });
  broken("out of reach",
         [] { shared->locks[0].list.next = reinterpret_cast<robust_list*>(8 << 4); });
  broken("a head out of reach",
         [] { shared->head.list.next = reinterpret_cast<robust_list*>(8 << 4); });
  broken("odd words", [] { ++shared->head.futex_offset; });
  Show("a wrong size", syscall(SYS_set_robust_list, &shared->head, sizeof shared->head - 1));
  robust_list_head* head = nullptr;
  size_t bytes = 0;
  Must(syscall(SYS_get_robust_list, 0, &head, &bytes) == 0, "get_robust_list");
  std::printf("the C library's own: %d, %zu\n", head != nullptr, bytes);
  Show("get_robust_list of nobody", syscall(SYS_get_robust_list, 0x3ffffff, &head, &bytes));
  Show("get_robust_list, out of reach", syscall(SYS_get_robust_list, 0, 8, &bytes));
  return 0;
}
