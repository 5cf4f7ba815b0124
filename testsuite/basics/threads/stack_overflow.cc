// stack_overflow: a thread runs into the guard below its stack, which kills the process; with a
// stack for signals a handler hears of it.
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>

#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

thread_local sigjmp_buf back;
thread_local volatile char* guard_end;

int Deep(int depth) {
  volatile char some[2000];
  some[depth % 2000] = 1;
  return depth < 0 ? 0 : Deep(depth + 1) + some[0];
}

void Handler(int, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  const auto end = reinterpret_cast<uintptr_t>(guard_end);
  siglongjmp(back, address < end && address >= end - 65536 ? 1 : 2);
}

void Overflow(int* result) {
  pthread_attr_t attributes;
  void* lowest;
  size_t bytes, guard;
  Must(pthread_getattr_np(pthread_self(), &attributes) == 0, "pthread_getattr_np");
  Must(pthread_attr_getstack(&attributes, &lowest, &bytes) == 0, "pthread_attr_getstack");
  Must(pthread_attr_getguardsize(&attributes, &guard) == 0, "pthread_attr_getguardsize");
  pthread_attr_destroy(&attributes);
  // Some versions of the C library count the guard to the stack.
  guard_end = static_cast<volatile char*>(lowest) + guard;
  stack_t stack = {};
  stack.ss_size = 65536;
  stack.ss_sp = std::malloc(stack.ss_size);
  Must(sigaltstack(&stack, nullptr) == 0, "sigaltstack");
  *result = sigsetjmp(back, 1);
  if (*result == 0) Deep(0);
  stack.ss_flags = SS_DISABLE;
  Must(sigaltstack(&stack, nullptr) == 0, "sigaltstack");
  std::free(stack.ss_sp);
}

}  // namespace

int main() {
  Handle(SIGSEGV, Handler, SA_ONSTACK);
  int results[4] = {};
  std::thread threads[4];
  for (int i = 0; i < 4; ++i) threads[i] = std::thread(Overflow, &results[i]);
  for (std::thread& thread : threads) thread.join();
  std::printf("four threads at once: %d %d %d %d\n", results[0], results[1], results[2],
              results[3]);
  // Without a stack of its own for signals the handler has no place to run.
  std::printf("and one more\n");
  std::fflush(stdout);
  std::thread([] { Deep(0); }).join();
  std::printf("never printed\n");
  return 0;
}
