// full_stack_dies: without an alternate stack, a handler for SIGSEGV does not help where the stack
// is full.
#include <signal.h>

#include "testsuite/basics/check.h"

static void OnFault(int signal) {
  (void)signal;
  _exit(0);
}

static volatile int depth;
__attribute__((noinline)) static int Recurse(volatile char* above) {
  volatile char frame[2000];
  frame[0] = above != NULL ? above[0] : 0;
  depth = depth + 1;
  return depth == -1 ? 0 : Recurse(frame) + frame[0];
}

int main(void) {
  Must(signal(SIGSEGV, OnFault) != SIG_ERR, "signal");
  printf("going down\n");
  fflush(stdout);
  return Recurse(NULL);
}
