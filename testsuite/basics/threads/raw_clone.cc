// raw_clone: threads made by clone(2) itself: where the kernel writes the thread's id and when, and
// that it zeroes the word and wakes a futex there when the thread ends. Nothing of the C library
// runs in them, for it does not know them.
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>

#include <atomic>

#include "testsuite/basics/tasks.h"

namespace {

constexpr int kThread =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
constexpr size_t kStackBytes = 256 << 10;

std::atomic<int> set_by_child, zeroed, go, seen_process, seen_thread, seen_child_word, value;
int child_word;
pid_t parent_word;

int Body(void*) {
  seen_process = getpid();
  seen_thread = static_cast<int>(syscall(SYS_gettid));
  seen_child_word = child_word;
  value = 42;
  while (go == 0) syscall(SYS_sched_yield);
  return 0;
}

int Quick(void*) {
  ++value;
  return 0;
}

void* NewStack() {
  void* stack =
      mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Must(stack != MAP_FAILED, "mmap");
  return stack;
}

// Waits until the kernel zeroes the word.
void UntilZero(int* word) {
  for (;;) {
    const int now = std::atomic_ref<int>(*word).load();
    if (now == 0) return;
    syscall(SYS_futex, word, FUTEX_WAIT, now, nullptr);
  }
}

}  // namespace

int main() {
  char* stack = static_cast<char*>(NewStack());
  int clear_word = -1;
  const pid_t tid = clone(Body, stack + kStackBytes,
                          kThread | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
                          nullptr, &parent_word, nullptr, &child_word);
  Show("clone", tid);
  std::printf("the parent's word is set when clone returns: %d\n", parent_word == tid);
  while (value != 42) sched_yield();
  std::printf("same process: %d, its id: %d, in the child's word when it begins: %d\n",
              seen_process == getpid(), seen_thread == tid, seen_child_word == tid);
  Show("it is there", static_cast<int>(syscall(SYS_tgkill, getpid(), tid, 0)));
  std::printf("no child of anybody's: %s\n",
              waitpid(-1, nullptr, __WALL) == -1 ? ErrorName(errno) : "one");
  go = 1;
  UntilZero(&child_word);
  std::printf("the child's word at its end: %d\n", child_word);

  // Without CLEARTID the word stays; set_tid_address sets another for whoever calls it.
  value = 0;
  for (int i = 0; i < 100; ++i) {
    clear_word = -1;
    // The stack is free when the word is zero.
    Must(clone(Quick, stack + kStackBytes, kThread | CLONE_CHILD_CLEARTID, nullptr, nullptr,
               nullptr, &clear_word) > 0,
         "clone");
    UntilZero(&clear_word);
  }
  std::printf("one after another on one stack: %d\n", value.load());
  std::printf("set_tid_address answers the thread's id: %d\n",
              syscall(SYS_set_tid_address, &clear_word) == Tid());

  // Words that nobody can write do not matter to whoever is made or ends.
  auto* nowhere = reinterpret_cast<pid_t*>(8);
  value = 0;
  Must(clone(Quick, stack + kStackBytes, kThread | CLONE_CHILD_CLEARTID, nullptr, nullptr, nullptr,
             nowhere) > 0,
       "clone");
  while (value == 0) sched_yield();
  std::printf("a word out of reach\n");

  constexpr struct {
    const char* what;
    int flags;
  } kWrong[] = {
      {"CLONE_THREAD without CLONE_SIGHAND", CLONE_THREAD | CLONE_VM},
      {"CLONE_SIGHAND without CLONE_VM", CLONE_SIGHAND},
      {"CLONE_FS with CLONE_NEWNS", CLONE_FS | CLONE_NEWNS},
      {"CLONE_THREAD with CLONE_NEWPID", kThread | CLONE_NEWPID},
      {"CLONE_PIDFD with CLONE_DETACHED", CLONE_PIDFD | 0x00400000},
      {"CLONE_PIDFD with CLONE_PARENT_SETTID", CLONE_PIDFD | CLONE_PARENT_SETTID},
  };
  char* other = static_cast<char*>(NewStack());
  for (const auto& [what, flags] : kWrong) {
    Show(what, clone(Quick, other + kStackBytes, flags, nullptr, &parent_word, nullptr, nullptr));
  }
  return 0;
}
