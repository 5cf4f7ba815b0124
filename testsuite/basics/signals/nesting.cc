// nesting: which signals wait while a handler runs: its own unless SA_NODEFER, and those of
// sa_mask; SA_RESETHAND makes a handler serve once. Afterwards the mask is what it was.
#include <signal.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

int depth;
std::string indent() { return std::string(2 * depth, ' '); }

const char* Name(int signal) {
  static std::string name;
  name = std::string("SIG") + sigabbrev_np(signal);
  return name.c_str();
}

void ShowMask() {
  sigset_t mask;
  Must(sigprocmask(SIG_BLOCK, nullptr, &mask) == 0, "sigprocmask");
  std::printf("%sblocked:", indent().c_str());
  for (int signal = 1; signal < 32; ++signal) {
    if (sigismember(&mask, signal) == 1) std::printf(" %s", Name(signal));
  }
  std::printf("\n");
}

// SIGUSR1's handler raises SIGUSR2 and itself, once.
int rounds;
void Outer(int signal) {
  std::printf("%s%s enters\n", indent().c_str(), Name(signal));
  ++depth;
  ShowMask();
  if (rounds-- > 0) {
    std::printf("%sraising SIGUSR2\n", indent().c_str());
    raise(SIGUSR2);
    std::printf("%sraising SIGUSR1\n", indent().c_str());
    raise(SIGUSR1);
  }
  --depth;
  std::printf("%s%s leaves\n", indent().c_str(), Name(signal));
}

void Inner(int signal) {
  std::printf("%s%s enters\n", indent().c_str(), Name(signal));
  ++depth;
  ShowMask();
  --depth;
}

void Install(int signal, void (*handler)(int), int flags, std::initializer_list<int> blocked) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  for (const int other : blocked) sigaddset(&action.sa_mask, other);
  Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
}

void Round(const char* what, int flags, std::initializer_list<int> blocked) {
  std::printf("-- %s\n", what);
  Install(SIGUSR1, Outer, flags, blocked);
  Install(SIGUSR2, Inner, 0, {SIGTERM});
  rounds = 1;
  raise(SIGUSR1);
  ShowMask();
}

}  // namespace

int main() {
  Round("plain", 0, {});
  Round("SIGUSR2 in the mask", 0, {SIGUSR2, SIGHUP});
  Round("SA_NODEFER", SA_NODEFER, {});
  Round("SA_NODEFER, itself in the mask all the same", SA_NODEFER, {SIGUSR1});
  Round("SIGKILL in the mask is left out", 0, {SIGKILL, SIGSTOP, SIGINT});

  std::printf("-- SA_RESETHAND\n");
  Install(SIGUSR1, Inner, SA_RESETHAND, {});
  raise(SIGUSR1);
  struct sigaction now;
  Must(sigaction(SIGUSR1, nullptr, &now) == 0, "sigaction");
  std::printf("default again: %d, flags kept: %d\n", now.sa_handler == SIG_DFL,
              (now.sa_flags & SA_RESETHAND) != 0);
  Install(SIGUSR1, Outer, SA_RESETHAND | SA_NODEFER, {});
  Install(SIGUSR2, Inner, 0, {});
  rounds = 0;
  raise(SIGUSR1);

  std::printf("-- ignored\n");
  signal(SIGUSR1, SIG_IGN);
  raise(SIGUSR1);
  sigset_t mask, pending;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigprocmask(SIG_BLOCK, &mask, nullptr);
  raise(SIGUSR1);
  sigpending(&pending);
  std::printf("blocked and ignored, pending: %d\n", sigismember(&pending, SIGUSR1));
  signal(SIGUSR1, Inner);
  raise(SIGUSR1);
  sigpending(&pending);
  std::printf("blocked and handled, pending: %d\n", sigismember(&pending, SIGUSR1));
  signal(SIGUSR1, SIG_IGN);
  sigpending(&pending);
  std::printf("ignoring it discards it, pending: %d\n", sigismember(&pending, SIGUSR1));
  return 0;
}
