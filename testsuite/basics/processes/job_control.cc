// job_control: a session with a terminal: who is in front, what becomes of those who are not and
// read or write, the keys that send signals, and the end of the session's leader.
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>

#include "testsuite/basics/tasks.h"

namespace {

int master;

// Has a session of its own with the terminal.
int Leader() {
  Must(setsid() == getpid(), "setsid");
  Show("no terminal yet", open("/dev/tty", O_RDWR));
  const int terminal = open(ptsname(master), O_RDWR);
  Must(terminal >= 0, "the first terminal that it opens is its own");
  Show("its own now", open("/dev/tty", O_RDWR));
  std::printf("session and front: %d %d\n", tcgetsid(terminal) == getpid(),
              tcgetpgrp(terminal) == getpid());
  Gate gate;

  // In the background: reading stops the group; so does writing, if the terminal says TOSTOP.
  pid_t child = Fork([&] {
    Must(setpgid(0, 0) == 0, "setpgid");
    char byte = 0;
    return read(terminal, &byte, 1) == 1 ? byte : 1;
  });
  Must(setpgid(child, child) == 0 || errno == EACCES, "setpgid");
  std::printf("reads in the background: %s\n", StatusText(Wait(child, WUNTRACED)).c_str());
  // Brought to the front and continued, it reads.
  Show("to the front", tcsetpgrp(terminal, child));
  std::printf("in front: %d\n", tcgetpgrp(terminal) == child);
  Must(kill(-child, SIGCONT) == 0 && write(master, "A\n", 2) == 2, "continued");
  ShowEnd("reads", child);
  // Now this one is not in front, and may change that only if it ignores or blocks SIGTTOU.
  Must(signal(SIGTTOU, SIG_IGN) != SIG_ERR, "signal");
  Show("back to the front", tcsetpgrp(terminal, getpid()));
  Must(signal(SIGTTOU, SIG_DFL) != SIG_ERR, "signal");
  Must(tcflush(terminal, TCIFLUSH) == 0, "tcflush");

  child = Fork([&] {
    Must(setpgid(0, 0) == 0, "setpgid");
    Must(write(terminal, "w", 1) == 1, "writes all the same");
    termios settings;
    Must(tcgetattr(terminal, &settings) == 0, "asks all the same");
    Show("changes: interrupted, after it was continued", [&] {
      Handle(SIGTTOU, [](int) {});
      return tcsetattr(terminal, TCSANOW, &settings);
    }());
    Handle(SIGTTOU, SIG_DFL);
    return tcsetattr(terminal, TCSANOW, &settings) + 3;
  });
  // A handler interrupts the call each time; the default stops it.
  std::printf("changes in the background: %s\n", StatusText(Wait(child, WUNTRACED)).c_str());
  Must(tcsetpgrp(terminal, child) == 0, "tcsetpgrp");
  Must(kill(child, SIGCONT) == 0, "kill");
  ShowEnd("in front it may", child);
  Handle(SIGTTOU, SIG_IGN);
  Must(tcsetpgrp(terminal, getpid()) == 0, "tcsetpgrp");
  Handle(SIGTTOU, SIG_DFL);

  termios settings;
  Must(tcgetattr(terminal, &settings) == 0, "tcgetattr");
  settings.c_lflag |= TOSTOP;
  Must(tcsetattr(terminal, TCSANOW, &settings) == 0, "tcsetattr");
  child = Fork([&] {
    Must(setpgid(0, 0) == 0, "setpgid");
    return static_cast<int>(write(terminal, "w", 1)) + 3;
  });
  std::printf("writes in the background, TOSTOP: %s\n", StatusText(Wait(child, WUNTRACED)).c_str());
  Must(kill(child, SIGKILL) == 0, "kill");
  ShowEnd("a stopped one can be killed", child);
  for (const int signal : {SIGTTIN, SIGTTOU}) {
    child = Fork([&] {
      Must(setpgid(0, 0) == 0, "setpgid");
      Handle(signal, SIG_IGN);
      char byte = 0;
      errno = 0;
      const auto result = signal == SIGTTIN ? read(terminal, &byte, 1) : write(terminal, &byte, 1);
      return result < 0 && errno == EIO ? 5 : 6;
    });
    ShowEnd(signal == SIGTTIN ? "reads, SIGTTIN ignored" : "writes, SIGTTOU ignored", child);
  }

  // Keys: to all of the group in front, and to no other.
  for (const char* key : {"\003", "\034", "\032"}) {
    const pid_t front = Fork([&] {
      Must(setpgid(0, 0) == 0, "setpgid");
      gate.Open();
      return pause();
    });
    const pid_t behind = Fork([&] {
      Must(setpgid(0, 0) == 0, "setpgid");
      gate.Open();
      return pause();
    });
    gate.Pass();
    gate.Pass();
    Must(tcsetpgrp(terminal, front) == 0, "tcsetpgrp");
    Must(write(master, key, 1) == 1, "write");
    std::printf("key %d: %s", key[0], StatusText(Wait(front, WUNTRACED)).c_str());
    std::printf(", behind: %d\n", waitpid(behind, nullptr, WNOHANG | WUNTRACED));
    kill(front, SIGKILL);
    kill(behind, SIGKILL);
    while (wait(nullptr) > 0) continue;
    Handle(SIGTTOU, SIG_IGN);
    Must(tcsetpgrp(terminal, getpid()) == 0, "tcsetpgrp");
    Handle(SIGTTOU, SIG_DFL);
  }

  Show("a group of nobody to the front", tcsetpgrp(terminal, 0x3ffffff));
  Show("a group of another session", tcsetpgrp(terminal, getpgid(getppid())));
  Show("group -1", tcsetpgrp(terminal, -1));
  // When the leader ends, the group in front hears it.
  child = Fork([&] {
    Must(setpgid(0, 0) == 0, "setpgid");
    Block({SIGHUP});
    gate.Open();
    const sigset_t hup = SetOf({SIGHUP});
    int signal = 0;
    Must(sigwait(&hup, &signal) == 0, "sigwait");
    return signal == SIGHUP ? 9 : 10;
  });
  gate.Pass();
  Must(tcsetpgrp(terminal, child) == 0, "tcsetpgrp");
  return 8;
}

}  // namespace

int main() {
  DropRoot();
  master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  Must(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "posix_openpt");
  Must(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "PR_SET_CHILD_SUBREAPER");
  const pid_t leader = Fork(Leader);
  ShowEnd("the leader of the session", leader);
  int status = 0;
  Must(wait(&status) > 0, "wait");
  std::printf("the group in front hears it: %s\n", StatusText(status).c_str());
  return 0;
}
