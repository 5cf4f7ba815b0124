// reservations: lr reserves a word, sc stores to it if nobody else has. A thread that is preempted
// between the two keeps its reservation unless another stores to what it has reserved: then sc
// fails, also when the word has its old value again, which a compare and swap would not notice.
// Lock-free code on RISC-V counts on both. On other processors there is nothing to see.
#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

#if __riscv

struct alignas(4096) Page {
  std::atomic<int> value;
};
Page watched, started, finished, stopping;

// Stores what is there already, or if not `to_watched` to another page, again and again.
template <bool to_watched>
void* Store(void*) {
  while (stopping.value.load() == 0) {
    started.value.store(started.value.load() + 1);
    if (to_watched) watched.value.store(0);
    finished.value.store(finished.value.load() + 1);
    // Longer than a window: most of them see no store.
    for (int i = 0; i < 300; ++i) asm volatile("");
  }
  return nullptr;
}

struct Counts {
  int failed = 0;        // sc stored nothing,
  int interrupted = 0;   // or stored after others had run,
  int over_a_store = 0;  // or after a store that began and ended in between.
};

Counts TryWindows(void* (*others)(void*)) {
  Counts counts;
  pthread_t thread;
  stopping.value.store(0);
  Must(pthread_create(&thread, nullptr, others, nullptr) == 0, "a thread");
  for (int i = 0; i < 4000; ++i) {
    int began = 0, ended_before = 0, ended_after = 0, failed = 1;
    // The word keeps its value, so only the reservation can tell.
    asm volatile(
        "lr.w t0, (%[word])\n"
        "lw %[before], (%[finished])\n"
        "lw %[began], (%[started])\n"
        "li t1, 30\n"
        "1: addi t1, t1, -1\n"
        "bnez t1, 1b\n"
        "lw %[after], (%[finished])\n"
        "sc.w %[failed], t0, (%[word])\n"
        : [before] "=&r"(ended_before), [began] "=&r"(began), [after] "=&r"(ended_after),
          [failed] "=&r"(failed)
        : [word] "r"(&watched.value), [finished] "r"(&finished.value), [started] "r"(&started.value)
        : "t0", "t1", "memory");
    if (failed != 0) {
      ++counts.failed;
    } else if (ended_after != ended_before) {
      ++counts.interrupted;
      // The other was not in the middle of a store when this began.
      if (began == ended_before) ++counts.over_a_store;
    }
  }
  stopping.value.store(1);
  pthread_join(thread, nullptr);
  return counts;
}

void Try() {
  const Counts elsewhere = TryWindows(Store<false>);
  Must(elsewhere.failed == 0, "sc fails though nobody stored");
  Must(elsewhere.interrupted > 0, "nobody ran between lr and sc");
  const Counts same = TryWindows(Store<true>);
  Must(same.over_a_store == 0, "sc stores over a store");
  Must(same.failed > 0, "no store fell between lr and sc");
}

#else

void Try() {}

#endif

}  // namespace

int main() {
  Try();
  std::printf("a reservation is lost to a store, and to nothing else\n");
  return 0;
}
