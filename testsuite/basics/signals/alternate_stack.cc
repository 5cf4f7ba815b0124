// alternate_stack: a stack that is full can only be noticed on another one. Unbounded recursion is
// caught on the alternate stack, again and again; and sigaltstack refuses what it should.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"

namespace {

alignas(16) char other_stack[65536];
sigjmp_buf back;
bool was_on_other_stack, said_so;

bool OnOtherStack(const void* local) {
  return local >= other_stack && local < other_stack + sizeof other_stack;
}

void OnOverflow(int, siginfo_t*, void*) {
  int local = 0;
  was_on_other_stack = OnOtherStack(&local);
  stack_t now;
  said_so = sigaltstack(nullptr, &now) == 0 && (now.ss_flags & SS_ONSTACK);
  siglongjmp(back, 1);
}

volatile int depth;
__attribute__((noinline)) int Recurse(volatile char* above) {
  volatile char frame[2000];
  frame[0] = above != nullptr ? above[0] : 0;
  depth = depth + 1;
  return depth == -1 ? 0 : Recurse(frame) + frame[0];
}

void OnSignal(int) {
  int local = 0;
  was_on_other_stack = OnOtherStack(&local);
  stack_t stack = {};
  stack.ss_flags = SS_DISABLE;
  Show("changing it while it is in use", was_on_other_stack ? sigaltstack(&stack, nullptr) : 0);
}

}  // namespace

int main() {
  stack_t stack = {};
  Must(sigaltstack(nullptr, &stack) == 0, "sigaltstack");
  std::printf("at first: disabled %d\n", stack.ss_flags == SS_DISABLE);
  stack.ss_sp = other_stack;
  stack.ss_size = 100;
  stack.ss_flags = 0;
  Show("too small", sigaltstack(&stack, nullptr));
  stack.ss_size = sizeof other_stack;
  stack.ss_flags = 0x10;
  Show("unknown flag", sigaltstack(&stack, nullptr));
  stack.ss_flags = 0;
  Show("fine", sigaltstack(&stack, nullptr));
  stack_t old = {};
  Must(sigaltstack(nullptr, &old) == 0 && old.ss_sp == other_stack &&
           old.ss_size == sizeof other_stack,
       "read back");
  std::printf("flags %d\n", old.ss_flags);

  struct sigaction action = {};
  action.sa_sigaction = OnOverflow;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  Must(sigaction(SIGSEGV, &action, nullptr) == 0, "sigaction");
  for (int i = 0; i < 3; ++i) {
    depth = 0;
    if (sigsetjmp(back, 1) == 0) Recurse(nullptr);
    Must(depth > 1000, "the stack held more than 1000 frames");
    std::printf("overflow caught: on the other stack %d, SS_ONSTACK %d\n", was_on_other_stack,
                said_so);
  }

  action.sa_handler = OnSignal;
  action.sa_flags = SA_ONSTACK;
  Must(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  raise(SIGUSR1);
  std::printf("SA_ONSTACK: on the other stack %d\n", was_on_other_stack);
  action.sa_flags = 0;
  Must(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  raise(SIGUSR1);
  std::printf("without it: on the other stack %d\n", was_on_other_stack);

  stack.ss_flags = SS_DISABLE;
  Must(sigaltstack(&stack, nullptr) == 0, "disable");
  action.sa_flags = SA_ONSTACK;
  Must(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  raise(SIGUSR1);
  std::printf("disabled: on the other stack %d\n", was_on_other_stack);
  return 0;
}
