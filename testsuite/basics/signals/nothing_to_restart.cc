// nothing_to_restart: restart_syscall is the kernel's own, for a call that a stop interrupted; who
// makes it without one gets EINTR, even after a sleep that a handler has ended.
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "testsuite/basics/check.h"

namespace {

void Handler(int) { Show("in a handler", syscall(SYS_restart_syscall)); }
void Interrupt(int) {}

}  // namespace

int main() {
  Show("at first", syscall(SYS_restart_syscall));
  Show("again", syscall(SYS_restart_syscall));
  struct sigaction action = {};
  action.sa_handler = Handler;
  Must(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  action.sa_handler = Interrupt;
  Must(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");
  Must(raise(SIGUSR1) == 0, "raise");
  const itimerval often = {{0, 20000}, {0, 1000}}, never = {};
  Must(setitimer(ITIMER_REAL, &often, nullptr) == 0, "setitimer");
  const timespec minute = {60, 0};
  Show("a sleep that a signal ends", nanosleep(&minute, nullptr));
  Must(setitimer(ITIMER_REAL, &never, nullptr) == 0, "setitimer");
  Show("after it", syscall(SYS_restart_syscall));
  return 0;
}
