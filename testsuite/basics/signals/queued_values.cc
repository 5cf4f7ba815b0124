// queued_values: signals that are sent with a value, and taken without a handler: sigqueue,
// sigtimedwait, sigwaitinfo.
#include <signal.h>
#include <time.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

sigset_t all;

std::string Name(int signal) {
  if (signal >= SIGRTMIN) return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
  return std::string("SIG") + sigabbrev_np(signal);
}

void Queue(int signal, int value) {
  sigval data = {};
  data.sival_int = value;
  Must(sigqueue(getpid(), signal, data) == 0, "sigqueue");
}

void Print(int signal, const siginfo_t& info) {
  std::printf("  %s, %s, value %d, from me %d\n", Name(signal).c_str(),
              info.si_code == SI_QUEUE  ? "SI_QUEUE"
              : info.si_code == SI_USER ? "SI_USER"
                                        : "another code",
              info.si_code == SI_QUEUE ? info.si_value.sival_int : 0,
              info.si_pid == getpid() && info.si_uid == getuid());
}

void Handler(int signal, siginfo_t* info, void*) { Print(signal, *info); }

void SendMany() {
  Queue(SIGRTMIN + 5, 1);
  Queue(SIGRTMIN + 1, 2);
  Must(kill(getpid(), SIGTERM) == 0, "kill");
  Must(kill(getpid(), SIGUSR1) == 0, "kill");
  Queue(SIGRTMIN + 1, 3);
  Queue(SIGUSR1, 4);  // Is pending already: lost, with its value.
  Queue(SIGRTMIN + 1, 5);
}

}  // namespace

int main() {
  const timespec no_time = {}, three_ms = {0, 3000000}, bad_time = {0, 1000000000},
                 negative = {-1, 0};
  sigemptyset(&all);
  struct sigaction action = {};
  action.sa_sigaction = Handler;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : {SIGUSR1, SIGTERM, SIGRTMIN + 1, SIGRTMIN + 5}) sigaddset(&all, signal);
  action.sa_mask = all;
  for (const int signal : {SIGUSR1, SIGTERM, SIGRTMIN + 1, SIGRTMIN + 5}) {
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
  }
  Must(sigprocmask(SIG_BLOCK, &all, nullptr) == 0, "sigprocmask");

  std::printf("handled:\n");
  SendMany();
  Must(sigprocmask(SIG_UNBLOCK, &all, nullptr) == 0, "sigprocmask");
  Must(sigprocmask(SIG_BLOCK, &all, nullptr) == 0, "sigprocmask");

  std::printf("taken by sigtimedwait:\n");
  SendMany();
  siginfo_t info;
  int signal;
  while ((signal = sigtimedwait(&all, &info, &no_time)) > 0) Print(signal, info);
  std::printf("  then %s\n", ErrorName(errno));
  Queue(SIGTERM, 8);
  std::printf("taken by sigwaitinfo:\n");
  signal = sigwaitinfo(&all, &info);
  Must(signal > 0, "sigwaitinfo");
  Print(signal, info);
  Queue(SIGTERM, 9);
  Must(sigwait(&all, &signal) == 0, "sigwait");
  std::printf("taken by sigwait: %s\n", Name(signal).c_str());
  Show("nothing comes", sigtimedwait(&all, nullptr, &three_ms));

  sigval value = {};
  Show("sigqueue, signal 0", sigqueue(getpid(), 0, value));
  Show("sigqueue, signal 65", sigqueue(getpid(), 65, value));
  Show("sigqueue, nobody there", sigqueue(0x3ffffff, SIGUSR1, value));
  Show("sigtimedwait, too many nanoseconds", sigtimedwait(&all, nullptr, &bad_time));
  Show("sigtimedwait, negative time", sigtimedwait(&all, nullptr, &negative));
  sigset_t other;
  sigemptyset(&other);
  Show("sigtimedwait for nothing", sigtimedwait(&other, nullptr, &no_time));
  return 0;
}
