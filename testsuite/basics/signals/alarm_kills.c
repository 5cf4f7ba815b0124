// alarm_kills: an alarm without a handler ends a program that makes no call.
#include <signal.h>
#include <sys/time.h>

#include "testsuite/basics/check.h"

int main(void) {
  const struct itimerval soon = {{0, 0}, {0, 2000}};
  puts("before");
  fflush(stdout);
  Must(setitimer(ITIMER_REAL, &soon, NULL) == 0, "setitimer");
  for (volatile int always = 1; always;) continue;
  puts("never");
  return 0;
}
