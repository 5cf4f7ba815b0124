// groups_and_sessions: setpgid, setsid and their errors; signals to all of a group.
#include <atomic>
#include <vector>

#include "testsuite/basics/processes/self.h"

namespace {

std::atomic<int> got;
void Count(int) { ++got; }

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    // Executed by a child: says so, and stays until its input ends.
    Must(write(1, "x", 1) == 1, "write");
    char byte;
    return static_cast<int>(read(0, &byte, 1));
  }
  (void)argv;
  DropRoot();
  // A child's own affairs.
  ShowEnd("alone", Fork([] {
            Show("a group of my own", setpgid(0, 0));
            Must(getpgrp() == getpid(), "getpgrp");
            Show("again", setpgid(getpid(), getpid()));
            Show("a session, as a leader of a group", static_cast<int>(setsid()));
            Show("a group of nobody", setpgid(0, 0x3ffffff));
            Show("group -1", setpgid(0, -1));
            Show("of process -1", setpgid(-1, 0));
            Show("of nobody", setpgid(0x3ffffff, 0));
            Show("of somebody else, group -1", setpgid(getppid(), -1));
            Show("of my parent", setpgid(getppid(), 0));
            Show("back into the parent's group", setpgid(0, getpgid(getppid())));
            Show("a session", setsid() == getpid() ? 0 : -1);
            std::printf("session, group, process: %d\n",
                        getsid(0) == getpid() && getpgrp() == getpid());
            Show("a leader of a session has its group", setpgid(0, 0));
            Show("a group of another session", setpgid(0, getpgid(getppid())));
            Show("a session twice", static_cast<int>(setsid()));
            return 0;
          }));
  Show("group of nobody", getpgid(0x3ffffff));
  Show("session of nobody", getsid(0x3ffffff));
  Show("group of -1", getpgid(-1));

  // A parent and its children.
  Gate ready, end;
  const auto wait = [&] {
    ready.Open();
    end.Pass();
    return 0;
  };
  const pid_t first = Fork(wait), second = Fork(wait);
  const pid_t apart = Fork([&] {
    Must(setsid() > 0, "setsid");
    return wait();
  });
  for (int i = 0; i < 3; ++i) ready.Pass();
  Show("a child into a group of its own", setpgid(first, 0));
  Show("another with it", setpgid(second, first));
  std::printf("one group: %d\n", getpgid(second) == first);
  Show("a child of another session", setpgid(apart, 0));
  Show("into a group of another session", setpgid(second, apart));
  Show("into a child's that leads none", setpgid(first, second));
  Show("back into mine", setpgid(second, getpgrp()));
  std::printf("session of a child: %d\n", getsid(apart) == apart && getsid(first) == getsid(0));

  int in[2], out[2];
  Must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe2");
  const pid_t executed = Fork([&] {
    Must(dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1, "dup2");
    return ExecSelf({"wait"});
  });
  char byte;
  Must(read(out[0], &byte, 1) == 1, "it executes");
  Show("a child that has executed", setpgid(executed, 0));
  close(in[1]);
  ShowEnd("it ends", executed);
  for (int i = 0; i < 3; ++i) end.Open();
  ShowEnd("first", first);
  Show("a zombie no longer", setpgid(first, 0));
  ShowEnd("second", second);
  ShowEnd("apart", apart);

  // Signals to a group. The children count them, and say when they have.
  Gate counted;
  Handle(SIGUSR1, Count);
  Block({SIGUSR1});
  std::vector<pid_t> children;
  const auto count = [&] {
    const sigset_t none = SetOf({});
    for (int i = 0; i < 3; ++i) {
      while (got <= i) sigsuspend(&none);
      counted.Open();
    }
    return got.load();
  };
  for (int i = 0; i < 4; ++i) {
    children.push_back(Fork(count));
    Must(setpgid(children[static_cast<size_t>(i)], children[0]) == 0, "setpgid");
  }
  const pid_t group = children[0];
  const auto all = [&](const char* what, long result) {
    Show(what, result);
    for (int i = 0; i < 4; ++i) counted.Pass();
  };
  all("kill of a group", kill(-group, SIGUSR1));
  all("killpg", killpg(group, SIGUSR1));
  Show("signal 0 to a group", kill(-group, 0));
  Show("a group of nobody", kill(-0x3ffffff, SIGUSR1));
  Show("signal 65 to a group", kill(-group, 65));
  Show("signal 65 to a group of nobody", kill(-0x3ffffff, 65));
  Show("killpg of -1", killpg(-1, SIGUSR1));
  Show("kill of the least number", kill(INT32_MIN, SIGUSR1));
  all("kill of a group", kill(-group, SIGUSR1));
  for (const pid_t child : children) ShowEnd("a child", child);
  Show("the group has gone", kill(-group, 0));
  // kill(0) reaches the caller, too.
  ShowEnd("kill of one's own group", Fork([] {
            Must(setpgid(0, 0) == 0, "setpgid");
            const pid_t other = Fork([] { return pause(); });
            Must(kill(0, SIGTERM) == 0, "never comes here");
            return other > 0;
          }));
  return 0;
}
