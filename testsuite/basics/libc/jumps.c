// jumps: setjmp and longjmp, from deep frames, and what they keep: registers of the caller, and
// with sigsetjmp the mask.
#include <setjmp.h>
#include <signal.h>

#include "testsuite/basics/check.h"

static jmp_buf place;

static int Descend(int depth) {
  volatile char frame[100];
  frame[0] = (char)depth;
  if (depth == 0) longjmp(place, 7);
  return depth > 0 ? Descend(depth - 1) + frame[0] : 0;
}

// Enough values to need every saved register, floating-point ones too.
static double Sum(double seed) {
  const double a = seed + 1, b = seed * 2, c = seed - 3, d = seed / 4, e = a * b, f = c * d,
               g = a - d, h = b + c;
  jmp_buf here;
  volatile int turns = 0;
  if (setjmp(here) < 5) longjmp(here, ++turns);
  return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + turns;
}

static int Blocked(int signal) {
  sigset_t mask;
  Must(sigprocmask(SIG_BLOCK, NULL, &mask) == 0, "sigprocmask");
  return sigismember(&mask, signal);
}

static void Block(int signal) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, signal);
  Must(sigprocmask(SIG_BLOCK, &mask, NULL) == 0, "sigprocmask");
}

int main(void) {
  const int value = setjmp(place);
  printf("setjmp returned %d\n", value);
  if (value == 0) Descend(1000);
  const int zero = setjmp(place);
  if (zero == 0) longjmp(place, 0);
  printf("longjmp with 0 arrives as %d\n", zero);
  printf("sum %g\n", Sum(2.5));

  sigjmp_buf with_mask, without_mask;
  if (sigsetjmp(with_mask, 1) == 0) {
    Block(SIGUSR1);
    siglongjmp(with_mask, 1);
  }
  printf("saved mask: SIGUSR1 blocked %d\n", Blocked(SIGUSR1));
  if (sigsetjmp(without_mask, 0) == 0) {
    Block(SIGUSR2);
    siglongjmp(without_mask, 1);
  }
  printf("mask not saved: SIGUSR2 blocked %d\n", Blocked(SIGUSR2));
  return 0;
}
