// child_signals: SIGCHLD: what it says, when it is sent, and what becomes of children whose parent
// does not care: SIG_IGN, SA_NOCLDWAIT, SA_NOCLDSTOP, another signal than SIGCHLD.
#include <atomic>

#include "testsuite/basics/tasks.h"

namespace {

std::atomic<int> handled;

void Count(int) { ++handled; }

void Take(const char* what) {
  const sigset_t set = SetOf({SIGCHLD, SIGUSR1});
  siginfo_t info;
  const int signal = TEMP_FAILURE_RETRY(sigwaitinfo(&set, &info));
  Must(signal > 0, "sigwaitinfo");
  std::printf("%s: SIG%s code %d, status %d, uid %d\n", what, sigabbrev_np(signal), info.si_code,
              info.si_status, info.si_uid == getuid());
}

void None(const char* what) {
  const sigset_t set = SetOf({SIGCHLD, SIGUSR1});
  const timespec at_once = {};
  Show(what, sigtimedwait(&set, nullptr, &at_once));
}

}  // namespace

int main() {
  DropRoot();
  Block({SIGCHLD, SIGUSR1});
  Gate gate;
  pid_t child = Fork([] { return 7; });
  Take("exits");
  ShowEnd("the child", child);
  child = Fork([] { return raise(SIGTERM); });
  Take("killed");
  ShowEnd("the child", child);

  // Pending once, however many ended.
  for (int i = 0; i < 3; ++i) Fork([] { return 0; });
  for (int i = 0; i < 3; ++i) {
    siginfo_t info;
    Must(waitid(P_ALL, 0, &info, WEXITED) == 0, "waitid");
  }
  Take("three have ended");
  None("no more");

  child = Fork([&] {
    raise(SIGSTOP);
    gate.Pass();
    return 0;
  });
  Take("stopped");
  Must(kill(child, SIGCONT) == 0, "kill");
  Take("continued");
  gate.Open();
  Take("exits");
  ShowEnd("the child", child);

  Handle(SIGCHLD, Count, SA_NOCLDSTOP);
  child = Fork([&] {
    raise(SIGSTOP);
    gate.Pass();
    return 0;
  });
  Must(WIFSTOPPED(Wait(child, WUNTRACED)), "stopped");
  None("stopped, SA_NOCLDSTOP");
  Must(kill(child, SIGCONT) == 0 && WIFCONTINUED(Wait(child, WCONTINUED)), "continued");
  None("continued, SA_NOCLDSTOP");
  gate.Open();
  Take("exits, SA_NOCLDSTOP");
  ShowEnd("the child", child);

  // Nobody waits for these: they leave no zombie, and a wait sees none but ends with the last.
  Handle(SIGCHLD, Count, SA_NOCLDWAIT);
  for (int i = 0; i < 3; ++i) Fork([] { return 0; });
  Show("wait, SA_NOCLDWAIT", waitpid(-1, nullptr, 0));
  Take("but a signal");
  Handle(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 3; ++i) Fork([] { return 0; });
  Show("wait, SIG_IGN", wait(nullptr));
  None("and no signal");
  // Ignored by default is not the same.
  Handle(SIGCHLD, SIG_DFL);
  child = Fork([] { return 1; });
  ShowEnd("SIG_DFL", child);
  Take("pending where it is blocked");
  Unblock({SIGCHLD});
  for (int i = 0; i < 3; ++i) ShowEnd("not blocked", Fork([] { return 2; }));

  // A handler that takes all there are misses none.
  Handle(SIGCHLD, [](int) {
    const int error = errno;
    while (waitpid(-1, nullptr, WNOHANG) > 0) ++handled;
    errno = error;
  });
  for (int i = 0; i < 10; ++i) Fork([] { return 0; });
  Block({SIGCHLD});
  const sigset_t none = SetOf({});
  while (handled < 10) sigsuspend(&none);
  std::printf("taken in the handler: %d\n", handled.load());
  Handle(SIGCHLD, SIG_DFL);

  std::fflush(stdout);
  child = static_cast<pid_t>(syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0));
  if (child == 0) _exit(9);
  Take("by another signal");
  ShowEnd("waited for with __WALL", child, __WALL);
  None("no more");
  return 0;
}
