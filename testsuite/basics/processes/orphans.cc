// orphans: whose child one is when the parent has gone: the nearest subreaper's; PR_SET_PDEATHSIG;
// stopped processes whose group nobody is left to look after get SIGHUP and SIGCONT.
#include <sys/prctl.h>

#include "testsuite/basics/tasks.h"

namespace {

int Subreaper(int on) { return prctl(PR_SET_CHILD_SUBREAPER, on); }

}  // namespace

int main() {
  DropRoot();
  Must(Subreaper(1) == 0, "PR_SET_CHILD_SUBREAPER");
  int is = -1;
  Must(prctl(PR_GET_CHILD_SUBREAPER, &is) == 0, "PR_GET_CHILD_SUBREAPER");
  std::printf("subreaper %d, a child %s\n", is,
              WEXITSTATUS(Wait(Fork([] {
                int its = -1;
                prctl(PR_GET_CHILD_SUBREAPER, &its);
                return its;
              }))) == 0
                  ? "is none"
                  : "is one");

  // A grandchild comes to the subreaper, and says who its parent is.
  const pid_t me = getpid();
  Gate gone;
  int ends[2];
  Must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  pid_t child = Fork([&] {
    const pid_t grandchild = Fork([&] {
      gone.Pass();
      return getppid() == me ? 21 : 20;
    });
    Must(write(ends[1], &grandchild, sizeof grandchild) == sizeof grandchild, "write");
    return 1;
  });
  pid_t grandchild;
  Must(read(ends[0], &grandchild, sizeof grandchild) == sizeof grandchild, "read");
  ShowEnd("the child", child);
  gone.Open();
  ShowEnd("the grandchild", grandchild);

  // One that is a zombie already comes, too.
  child = Fork([&] {
    grandchild = Fork([] { return 22; });
    siginfo_t info;
    Must(waitid(P_PID, static_cast<id_t>(grandchild), &info, WEXITED | WNOWAIT) == 0, "waitid");
    Must(write(ends[1], &grandchild, sizeof grandchild) == sizeof grandchild, "write");
    return 2;
  });
  Must(read(ends[0], &grandchild, sizeof grandchild) == sizeof grandchild, "read");
  ShowEnd("the child", child);
  ShowEnd("a grandchild that had ended", grandchild);

  // The nearest subreaper has it: here one between.
  child = Fork([&] {
    Must(Subreaper(1) == 0, "PR_SET_CHILD_SUBREAPER");
    const pid_t middle = getpid();
    const pid_t below = Fork([&] {
      Fork([&] {
        while (getppid() != middle) sched_yield();
        return 23;
      });
      return 3;
    });
    ShowEnd("below", below);
    int status = 0;
    Must(wait(&status) > 0, "wait");
    std::printf("it came to the nearest: %s\n", StatusText(status).c_str());
    return 4;
  });
  ShowEnd("the one between", child);

  // A parent's death as a signal.
  Block({SIGUSR1});
  child = Fork([&] {
    Gate set;
    Fork([&] {
      Must(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0, "PR_SET_PDEATHSIG");
      set.Open();
      const sigset_t usr1 = SetOf({SIGUSR1});
      siginfo_t info;
      Must(sigwaitinfo(&usr1, &info) == SIGUSR1, "sigwaitinfo");
      return getppid() == me ? 24 : 20;
    });
    set.Pass();
    return 5;
  });
  ShowEnd("the parent of one that wants to know", child);
  int status = 0;
  Must(wait(&status) > 0, "wait");
  std::printf("told: %s\n", StatusText(status).c_str());
  std::printf("unknown signal: %s\n", prctl(PR_SET_PDEATHSIG, 65) != 0 ? ErrorName(errno) : "ok");
  int signal = -1;
  Must(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && prctl(PR_GET_PDEATHSIG, &signal) == 0, "");
  const int inherited = WEXITSTATUS(Wait(Fork([] {
    int its = -1;
    prctl(PR_GET_PDEATHSIG, &its);
    return its;
  })));
  std::printf("set to %d, a child's is %d\n", signal, inherited);
  Must(prctl(PR_SET_PDEATHSIG, 0) == 0, "PR_SET_PDEATHSIG");

  // A session of its own, in it a group that is stopped when its last relation ends.
  child = Fork([&] {
    Must(setsid() == getpid(), "setsid");
    const pid_t member = Fork([] {
      Must(setpgid(0, 0) == 0, "setpgid");
      Block({SIGHUP});
      raise(SIGSTOP);
      const sigset_t hup = SetOf({SIGHUP});
      int which = 0;
      Must(sigwait(&hup, &which) == 0, "sigwait");
      return which == SIGHUP ? 25 : 20;
    });
    Must(WIFSTOPPED(Wait(member, WUNTRACED)), "it has stopped");
    return 6;
  });
  ShowEnd("the leader of the session", child);
  Must(wait(&status) > 0, "wait");
  std::printf("the stopped one was continued: %s\n", StatusText(status).c_str());

  // One that is not stopped is left alone; and without a handler SIGHUP kills.
  child = Fork([&] {
    Must(setsid() == getpid(), "setsid");
    const pid_t member = Fork([] {
      Must(setpgid(0, 0) == 0, "setpgid");
      return raise(SIGSTOP) + 20;
    });
    Must(WIFSTOPPED(Wait(member, WUNTRACED)), "it has stopped");
    return 7;
  });
  ShowEnd("the leader of the session", child);
  Must(wait(&status) > 0, "wait");
  std::printf("without a handler: %s\n", StatusText(status).c_str());
  // An orphaned group does not stop for the terminal's signals, but for SIGSTOP it does.
  child = Fork([] {
    Must(setsid() == getpid(), "setsid");
    raise(SIGTSTP);
    raise(SIGTTIN);
    raise(SIGTTOU);
    raise(SIGSTOP);
    return 8;
  });
  const int first = Wait(child, WUNTRACED);
  std::printf("in an orphaned group: %s\n", StatusText(first).c_str());
  Must(kill(child, SIGCONT) == 0, "kill");
  ShowEnd("continued", child);
  return 0;
}
