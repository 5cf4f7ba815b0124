// pending_order: the order in which signals arrive that have waited behind the mask. The lowest number comes first; an ordinary
// signal waits once, real-time signals queue with their values. Where handlers may interrupt each other the first one
// delivered is interrupted at once by the next: it finishes last.
#include <signal.h>
#include <time.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

std::string Name(int signal) {
  if (signal >= SIGRTMIN) return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
  return std::string("SIG") + sigabbrev_np(signal);
}

void Handler(int signal, siginfo_t* info, void*) {
  std::printf("  %s, %s, value %d, from me %d\n", Name(signal).c_str(),
              info->si_code == SI_QUEUE   ? "SI_QUEUE"
              : info->si_code == SI_USER  ? "SI_USER"
              : info->si_code == SI_TKILL ? "SI_TKILL"
                                          : "another code",
              info->si_code == SI_QUEUE ? info->si_value.sival_int : 0,
              info->si_pid == getpid() && info->si_uid == getuid());
}

sigset_t all;

void Install(bool one_at_a_time) {
  struct sigaction action = {};
  action.sa_sigaction = Handler;
  action.sa_flags = SA_SIGINFO;
  if (one_at_a_time) action.sa_mask = all;
  for (const int signal : {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD, SIGRTMIN, SIGRTMIN + 1, SIGRTMIN + 5}) {
    sigaddset(&all, signal);
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
  }
}

void Queue(int signal, int value) {
  sigval data = {};
  data.sival_int = value;
  Must(sigqueue(getpid(), signal, data) == 0, "sigqueue");
}

void SendMany() {
  Queue(SIGRTMIN + 5, 1);
  Queue(SIGRTMIN + 1, 2);
  Must(kill(getpid(), SIGTERM) == 0, "kill");
  Must(raise(SIGUSR2) == 0, "raise");
  Must(kill(getpid(), SIGUSR1) == 0, "kill");
  Must(kill(getpid(), SIGUSR1) == 0, "kill");
  Queue(SIGRTMIN + 1, 3);
  Queue(SIGUSR1, 4);
  Queue(SIGRTMIN + 1, 4);
  Must(raise(SIGRTMIN) == 0, "raise");
  Must(kill(getpid(), SIGHUP) == 0, "kill");
}

}  // namespace

int main() {
  sigemptyset(&all);
  Install(true);
  Install(true);
  for (const bool one_at_a_time : {true, false}) {
    Install(one_at_a_time);
    Must(sigprocmask(SIG_BLOCK, &all, nullptr) == 0, "sigprocmask");
    SendMany();
    sigset_t pending;
    Must(sigpending(&pending) == 0, "sigpending");
    std::printf("pending:");
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
      if (sigismember(&pending, signal) == 1) std::printf(" %s", Name(signal).c_str());
    }
    std::printf("\n%s:\n", one_at_a_time ? "unblocked, one at a time" : "unblocked, each interrupts the one before");
    Must(sigprocmask(SIG_UNBLOCK, &all, nullptr) == 0, "sigprocmask");
    Must(sigpending(&pending) == 0 && sigisemptyset(&pending), "nothing is left");
  }

  std::printf("taken by sigtimedwait:\n");
  Must(sigprocmask(SIG_BLOCK, &all, nullptr) == 0, "sigprocmask");
  SendMany();
  siginfo_t info;
  const timespec no_time = {};
  int signal;
  while ((signal = sigtimedwait(&all, &info, &no_time)) > 0) Handler(signal, &info, nullptr);
  std::printf("  then %s\n", ErrorName(errno));

  std::printf("only some are unblocked:\n");
  SendMany();
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGTERM);
  Must(sigprocmask(SIG_UNBLOCK, &some, nullptr) == 0, "sigprocmask");
  std::printf("the others:\n");
  Install(true);
  Must(sigprocmask(SIG_UNBLOCK, &all, nullptr) == 0, "sigprocmask");
  return 0;
}
