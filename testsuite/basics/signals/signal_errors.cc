// signal_errors: the calls about signals with one wrong thing each.
#include <signal.h>
#include <sys/syscall.h>

#include "testsuite/basics/check.h"

namespace {
void Handler(int) {}
}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_handler = Handler;
  Show("sigaction of SIGUSR1", sigaction(SIGUSR1, &action, nullptr));
  Show("sigaction of SIGKILL", sigaction(SIGKILL, &action, nullptr));
  Show("sigaction of SIGSTOP", sigaction(SIGSTOP, &action, nullptr));
  Show("question about SIGKILL", sigaction(SIGKILL, nullptr, &action));
  Show("sigaction of 0", sigaction(0, nullptr, nullptr));
  Show("sigaction of 65", sigaction(65, nullptr, nullptr));
  Show("sigaction of -1", sigaction(-1, nullptr, nullptr));
  Show("rt_sigaction with another size of set",
       syscall(SYS_rt_sigaction, SIGUSR1, nullptr, nullptr, 4));
  Show("rt_sigprocmask with another size of set",
       syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, nullptr, 16));
  sigset_t set;
  sigemptyset(&set);
  Show("sigprocmask, how is wrong", sigprocmask(17, &set, nullptr));
  Show("sigprocmask, how is wrong but there is no set", sigprocmask(17, nullptr, &set));
  Show("sigpending", sigpending(&set));
  Show("rt_sigpending with a larger size", syscall(SYS_rt_sigpending, &set, 16));

  Show("kill, signal 0 to myself", kill(getpid(), 0));
  Show("kill, signal 65", kill(getpid(), 65));
  Show("kill, signal -1", kill(getpid(), -1));
  Show("kill, nobody there", kill(0x3ffffff, 0));
  Show("kill, no such group", kill(-0x3ffffff, 0));
  Show("tgkill, myself", tgkill(getpid(), gettid(), 0));
  Show("tgkill, no such thread", tgkill(getpid(), 0x3ffffff, 0));
  Show("tgkill, thread 0", tgkill(getpid(), 0, 0));
  Show("tgkill, process 0", tgkill(0, gettid(), 0));
  Show("tgkill, signal 65", tgkill(getpid(), gettid(), 65));
  Show("tkill, thread -1", syscall(SYS_tkill, -1, 0));
  Show("raise of 0", raise(0));
  Show("sigaddset of 65", sigaddset(&set, 65));
  Show("sigismember of 0", sigismember(&set, 0));
  return 0;
}
