// interval_timer: setitimer(ITIMER_REAL): alarms that come, that repeat, that are late because they
// are blocked, and that end because they are ignored; under a program that computes, and one that
// waits.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "testsuite/basics/check.h"

namespace {

volatile sig_atomic_t alarms;
siginfo_t last;

void Handler(int, siginfo_t* info, void*) {
  alarms = alarms + 1;
  last = *info;
}

long Micros(const timeval& time) { return time.tv_sec * 1000000L + time.tv_usec; }

void Set(long value, long interval, itimerval* old = nullptr) {
  const itimerval setting = {{interval / 1000000, interval % 1000000},
                             {value / 1000000, value % 1000000}};
  Must(setitimer(ITIMER_REAL, &setting, old) == 0, "setitimer");
}

void Sleep(long micros) {
  timespec time = {micros / 1000000, micros % 1000000 * 1000};
  while (nanosleep(&time, &time) != 0) continue;
}

void Mask(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  Must(sigprocmask(how, &set, nullptr) == 0, "sigprocmask");
}

bool Pends() {
  sigset_t set;
  Must(sigpending(&set) == 0, "sigpending");
  return sigismember(&set, SIGALRM) == 1;
}

// Prints what is set, in words.
void Tell(const char* what) {
  itimerval now;
  Must(getitimer(ITIMER_REAL, &now) == 0, "getitimer");
  std::printf("%s: %s, interval %ld us\n", what, Micros(now.it_value) > 0 ? "runs" : "off",
              Micros(now.it_interval));
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_sigaction = Handler;
  action.sa_flags = SA_SIGINFO;
  Must(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");

  Tell("never set");
  Set(1000, 0);
  pause();
  std::printf("one shot: alarms %d, code %d, from %d\n", alarms, last.si_code, last.si_pid);
  Tell("after it");

  // Under a program that makes no call.
  Set(1000, 0);
  while (alarms == 1) continue;
  std::printf("while computing: alarms %d\n", alarms);

  alarms = 0;
  Set(1000, 2000);
  while (alarms < 4) pause();
  Set(0, 0);
  std::printf("repeated: %d\n", alarms >= 4);
  alarms = 0;
  Sleep(5000);
  std::printf("switched off: alarms %d\n", alarms);

  // What was set before is told.
  itimerval old;
  Set(5000000, 7000000);
  Set(1000000, 3000000, &old);
  Must(Micros(old.it_value) > 0 && Micros(old.it_value) <= 5000000, "what was left");
  std::printf("old interval %ld\n", Micros(old.it_interval));
  // A value of 0 switches off, and forgets the interval.
  Set(0, 9000000);
  Tell("interval without value");
  std::printf("alarm(100): %u\n", alarm(100));
  std::printf("alarm(0): %d\n", alarm(0) > 90);
  Tell("after alarm");

  // Blocked: it pends, and the next interval begins when it is taken.
  Mask(SIG_BLOCK);
  Set(1000, 1000);
  Sleep(10000);
  std::printf("blocked: pends %d\n", Pends());
  Tell("blocked");
  alarms = 0;
  Mask(SIG_UNBLOCK);
  std::printf("let through: alarms %d\n", alarms >= 1);
  Tell("let through");
  Set(0, 0);

  // Ignored: nobody takes it, so it does not come again.
  signal(SIGALRM, SIG_IGN);
  Set(1000, 1000);
  Sleep(10000);
  Tell("ignored");
  Must(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");
  alarms = 0;
  Sleep(5000);
  std::printf("not ignored any more: alarms %d\n", alarms);
  Set(0, 0);

  // Errors.
  const itimerval good = {{0, 0}, {1, 0}}, negative = {{0, 0}, {-1, 0}},
                  long_micros = {{0, 0}, {0, 1000000}}, bad_interval = {{0, -1}, {1, 0}};
  itimerval* const nowhere = reinterpret_cast<itimerval*>(8);
  const auto which = static_cast<__itimer_which_t>(3);
  Show("unknown timer", setitimer(which, &good, nullptr));
  Show("ask for an unknown timer", getitimer(which, &old));
  Show("negative", setitimer(ITIMER_REAL, &negative, nullptr));
  Show("a second of microseconds", setitimer(ITIMER_REAL, &long_micros, nullptr));
  Show("bad interval", setitimer(ITIMER_REAL, &bad_interval, nullptr));
  Show("out of reach", syscall(SYS_setitimer, ITIMER_REAL, nowhere, nullptr));
  Show("ask, out of reach", syscall(SYS_getitimer, ITIMER_REAL, nowhere));
  Show("old value out of reach", syscall(SYS_setitimer, ITIMER_REAL, &good, nowhere));
  Tell("set all the same");
  Show("unknown timer, out of reach", syscall(SYS_setitimer, 3, nowhere, nullptr));
  Show("unknown timer, negative", setitimer(which, &negative, nullptr));
  Show("no new value", syscall(SYS_setitimer, ITIMER_REAL, nullptr, &old));
  Tell("off by no new value");
  Show("another timer that is off", getitimer(ITIMER_PROF, &old));
  std::printf("%ld %ld\n", Micros(old.it_value), Micros(old.it_interval));
  return 0;
}
