// Guests that hang or die where a stack is worth looking at. Compiled with -g, stripped, and
// without.
//
//   stacks deadlock     two threads, each waits for the other's mutex
//   stacks fault        a store to address 8, three calls deep
//   stacks handler      a handler that aborts, called within a handler, called within a library
//   stacks null         a call of a null function pointer
//   stacks recursion    calls itself until the stack is used up
//   stacks circle       return addresses and frame pointers that lead in a circle
//   stacks wild         sp is no address
//   stacks exit         nothing
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace {

pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
sem_t has_first, has_second;

__attribute__((always_inline)) inline void Take(pthread_mutex_t* mutex) {
  pthread_mutex_lock(mutex);  // line of Take
  asm volatile("" ::: "memory");
}

__attribute__((noinline)) void TakeSecondThenFirst() {
  Take(&second);
  sem_post(&has_second);
  sem_wait(&has_first);
  Take(&first);  // line of TakeSecondThenFirst
  asm volatile("" ::: "memory");
}

void* Worker(void*) {
  TakeSecondThenFirst();  // line of Worker
  asm volatile("" ::: "memory");
  return nullptr;
}

int* const kBad = reinterpret_cast<int*>(8);

__attribute__((noinline)) void Store(int* where) {
  *where = 1;  // line of Store
}

struct Counter {
  __attribute__((noinline)) void Add(int by) {
    Store(by > 0 ? kBad : nullptr);  // line of Add
    asm volatile("" ::: "memory");
  }
};

__attribute__((noinline)) void Outer() {
  Counter counter;
  counter.Add(3);  // line of Outer
  asm volatile("" ::: "memory");
}

void OnSegv(int) {
  abort();  // line of OnSegv
}

int Compare(const void*, const void*) {
  raise(SIGUSR1);  // line of Compare
  asm volatile("" ::: "memory");
  return 0;
}

void OnUser(int) {
  Outer();  // line of OnUser
  asm volatile("" ::: "memory");
}

__attribute__((noinline)) int Recurse(volatile int* above) {
  volatile int here = *above + 1;
  return here < 0 ? 0 : Recurse(&here) + here;  // line of Recurse
}

void (*volatile nothing)() = nullptr;

}  // namespace

int main(int argc, char** argv) {
  const char* what = argc < 2 ? "" : argv[1];
  if (strcmp(what, "deadlock") == 0) {
    sem_init(&has_first, 0, 0);
    sem_init(&has_second, 0, 0);
    pthread_t worker;
    pthread_create(&worker, nullptr, Worker, nullptr);
    Take(&first);
    sem_post(&has_first);
    sem_wait(&has_second);
    Take(&second);  // line of main, deadlock
    asm volatile("" ::: "memory");
  } else if (strcmp(what, "fault") == 0) {
    Outer();
  } else if (strcmp(what, "handler") == 0) {
    signal(SIGSEGV, OnSegv);
    signal(SIGUSR1, OnUser);
    int numbers[] = {3, 2, 1};
    qsort(numbers, 3, sizeof(int), Compare);
  } else if (strcmp(what, "null") == 0) {
    nothing();  // line of main, null
    asm volatile("" ::: "memory");
  } else if (strcmp(what, "recursion") == 0) {
    volatile int zero = 0;
    return Recurse(&zero);
  } else if (strcmp(what, "circle") == 0) {
#ifdef __riscv
    // The caller's frame is this one: s0 and ra on the stack lead to the same place again.
    asm volatile(
        "addi sp, sp, -64\n"
        "addi s0, sp, 16\n"
        "la ra, 1f\n"
        "sd s0, -16(s0)\n"
        "sd ra, -8(s0)\n"
        "sd s0, 0(sp)\n"
        "sd ra, 8(sp)\n"
        "jal 1f\n"
        "1: la ra, 1b\n"
        "sd zero, 8(zero)\n"
        :
        :
        : "ra", "memory");
#endif
  } else if (strcmp(what, "wild") == 0) {
#ifdef __riscv
    asm volatile("li sp, -8\n li s0, -16\n sd zero, 8(zero)\n");
#endif
  }
  return 0;
}
