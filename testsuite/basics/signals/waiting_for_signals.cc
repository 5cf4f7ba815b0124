// waiting_for_signals: rt_sigtimedwait: what it takes, what it keeps although it is ignored, and
// what ends it.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "testsuite/basics/check.h"

namespace {

const timespec kNoTime = {0, 0}, kLong = {1000, 0};
int handled;
void Handler(int) { ++handled; }

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

void SetAlarm(long micros) {
  const itimerval setting = {{0, 0}, {0, micros}};
  Must(setitimer(ITIMER_REAL, &setting, nullptr) == 0, "setitimer");
}

void Wait(const char* what, const sigset_t& set, const timespec* time = &kLong) {
  siginfo_t info = {};
  const int signal = sigtimedwait(&set, &info, time);
  if (signal < 0) {
    std::printf("%s: %s, handled %d\n", what, ErrorName(errno), handled);
  } else {
    std::printf("%s: SIG%s code %d, handled %d\n", what, sigabbrev_np(signal), info.si_code,
                handled);
  }
  handled = 0;
}

bool Pends(int signal) {
  sigset_t set;
  Must(sigpending(&set) == 0, "sigpending");
  return sigismember(&set, signal) == 1;
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_handler = Handler;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGALRM, SIGUSR1, SIGUSR2}) {
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
  }
  const sigset_t alarm = SetOf({SIGALRM}), user = SetOf({SIGUSR1}),
                 both = SetOf({SIGUSR1, SIGUSR2});

  // A wanted signal is taken even where it is not blocked: no handler runs.
  SetAlarm(1000);
  Wait("not blocked", alarm);
  Must(sigprocmask(SIG_BLOCK, &alarm, nullptr) == 0, "sigprocmask");
  SetAlarm(1000);
  Wait("blocked", alarm);
  sigset_t mask;
  Must(sigprocmask(SIG_BLOCK, nullptr, &mask) == 0, "sigprocmask");
  std::printf("still blocked %d\n", sigismember(&mask, SIGALRM));

  // Ignored, but blocked: it is kept for whoever waits.
  signal(SIGALRM, SIG_IGN);
  SetAlarm(1000);
  Wait("blocked and ignored", alarm);
  // Ignored and not blocked: it is gone before anybody can take it.
  Must(sigprocmask(SIG_UNBLOCK, &alarm, nullptr) == 0, "sigprocmask");
  SetAlarm(1000);
  const timespec short_time = {0, 20000000};
  Wait("ignored and not blocked", alarm, &short_time);
  // Ignored by default, blocked.
  const sigset_t child = SetOf({SIGCHLD});
  Must(sigprocmask(SIG_BLOCK, &child, nullptr) == 0, "sigprocmask");
  kill(getpid(), SIGCHLD);
  Wait("SIGCHLD", child);
  Must(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");

  // Another signal with a handler ends it, whatever SA_RESTART says.
  Must(sigprocmask(SIG_BLOCK, &both, nullptr) == 0, "sigprocmask");
  SetAlarm(1000);
  Wait("another signal", user);
  // Another one that is blocked does not; the wait goes on to its end.
  Must(sigprocmask(SIG_BLOCK, &alarm, nullptr) == 0, "sigprocmask");
  SetAlarm(1000);
  Wait("another blocked signal", user, &short_time);
  std::printf("it pends %d\n", Pends(SIGALRM));
  Wait("and is taken now", alarm, &kNoTime);

  // Pending already; the lower number first; without time.
  raise(SIGUSR2);
  kill(getpid(), SIGUSR1);
  Wait("of two", both, &kNoTime);  // The thread's own first.
  Wait("of one", both, &kNoTime);
  Wait("of none", both, &kNoTime);

  // Without siginfo; out of reach: the signal is gone.
  raise(SIGUSR1);
  ShowCount("no siginfo", sigwaitinfo(&user, nullptr));
  raise(SIGUSR1);
  siginfo_t* const nowhere = reinterpret_cast<siginfo_t*>(8);
  Show("siginfo out of reach", syscall(SYS_rt_sigtimedwait, &user, nowhere, &kNoTime, 8));
  std::printf("it pends %d\n", Pends(SIGUSR1));

  // Errors.
  const timespec negative = {-1, 0}, long_nanos = {0, 1000000000};
  siginfo_t info;
  Show("size 4", syscall(SYS_rt_sigtimedwait, &user, &info, &kNoTime, 4));
  Show("set out of reach", syscall(SYS_rt_sigtimedwait, nowhere, &info, &kNoTime, 8));
  Show("time out of reach", syscall(SYS_rt_sigtimedwait, &user, &info, nowhere, 8));
  Show("negative", sigtimedwait(&user, &info, &negative));
  Show("a second of nanoseconds", sigtimedwait(&user, &info, &long_nanos));
  raise(SIGUSR1);
  Show("negative, although one pends", sigtimedwait(&user, &info, &negative));
  Show("size 4, set out of reach", syscall(SYS_rt_sigtimedwait, nowhere, &info, &kNoTime, 4));
  const sigset_t unblockable = SetOf({SIGKILL, SIGSTOP});
  Show("SIGKILL and SIGSTOP", sigtimedwait(&unblockable, &info, &kNoTime));

  // Two threads' worth of one thread: a signal to the thread and one to the process.
  Must(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1) == 0, "tgkill");
  kill(getpid(), SIGUSR1);
  Wait("first", user, &kNoTime);
  Wait("second", user, &kNoTime);
  Wait("third", user, &kNoTime);
  return 0;
}
