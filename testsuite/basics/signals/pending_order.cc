// pending_order: the order in which signals arrive that have waited behind the mask. Those for the
// thread come before those for the process, and the lowest number first; an ordinary signal waits
// once, a real-time one as often as it was sent. Where handlers may interrupt each other, the first
// one delivered is interrupted at once by the next: it finishes last.
#include <signal.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

std::string Name(int signal) {
  if (signal >= SIGRTMIN) return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
  return std::string("SIG") + sigabbrev_np(signal);
}

void Handler(int signal, siginfo_t* info, void*) {
  std::printf("  %s, %s, from me %d\n", Name(signal).c_str(),
              info->si_code == SI_USER    ? "SI_USER"
              : info->si_code == SI_TKILL ? "SI_TKILL"
                                          : "another code",
              info->si_pid == getpid() && info->si_uid == getuid());
}

sigset_t all;

void Install(bool one_at_a_time) {
  struct sigaction action = {};
  action.sa_sigaction = Handler;
  action.sa_flags = SA_SIGINFO;
  if (one_at_a_time) action.sa_mask = all;
  for (const int signal :
       {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD, SIGRTMIN, SIGRTMIN + 1, SIGRTMIN + 5}) {
    sigaddset(&all, signal);
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
  }
}

void SendMany() {
  for (const int signal : {SIGRTMIN + 5, SIGRTMIN + 1, SIGTERM, SIGUSR1, SIGUSR1, SIGRTMIN + 1,
                           SIGRTMIN + 1, SIGHUP}) {
    Must(kill(getpid(), signal) == 0, "kill");
  }
  for (const int signal : {SIGRTMIN, SIGUSR2, SIGRTMIN, SIGUSR2}) Must(raise(signal) == 0, "raise");
}

}  // namespace

int main() {
  sigemptyset(&all);
  Install(true);  // Which also fills the set.
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
    std::printf("\n%s:\n", one_at_a_time ? "unblocked, one at a time"
                                         : "unblocked, each interrupts the one before");
    Must(sigprocmask(SIG_UNBLOCK, &all, nullptr) == 0, "sigprocmask");
    Must(sigpending(&pending) == 0 && sigisemptyset(&pending), "nothing is left");
  }

  Must(sigprocmask(SIG_BLOCK, &all, nullptr) == 0, "sigprocmask");
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
