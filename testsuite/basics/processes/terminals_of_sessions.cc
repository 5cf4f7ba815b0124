// terminals_of_sessions: who has a terminal: how a session gets it, who inherits it, how it is
// lost, and what those may do whom nobody could bring to the front.
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>

#include "testsuite/basics/tasks.h"

namespace {

int OpenMaster() {
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  Must(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "posix_openpt");
  return master;
}

void Own(const char* what) {
  const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  Show(what, fd);
  if (fd >= 0) close(fd);
}

int Taking() {
  const int master = OpenMaster(), other_master = OpenMaster();
  const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
  const int writer = open(ptsname(master), O_WRONLY | O_NOCTTY);
  const int other = open(ptsname(other_master), O_RDWR | O_NOCTTY);
  Show("taken without a session", ioctl(terminal, TIOCSCTTY, 0));
  Must(setsid() == getpid(), "setsid");
  Own("O_NOCTTY gives none");
  pid_t group = 7;
  Show("front of another's", ioctl(terminal, TIOCGPGRP, &group));
  Show("front, asked at the master", ioctl(master, TIOCGPGRP, &group));
  std::printf("nobody: %d\n", group);
  Show("session of none", ioctl(master, TIOCGSID, &group));
  Show("taken by who only writes", ioctl(writer, TIOCSCTTY, 0));
  Show("taken", ioctl(terminal, TIOCSCTTY, 0));
  Show("again", ioctl(terminal, TIOCSCTTY, 0));
  Show("again, at the master", ioctl(master, TIOCSCTTY, 0));
  Show("a second one", ioctl(other, TIOCSCTTY, 0));
  Own("its own now");
  Show("front", ioctl(terminal, TIOCGPGRP, &group));
  std::printf("is the leader: %d\n", group == getpid());
  Show("front at the master", ioctl(master, TIOCGPGRP, &group));
  Show("given back at the master", ioctl(master, TIOCNOTTY));
  ShowEnd("a child", Fork([&] {
            Own("inherited");
            Show("given back by one", ioctl(terminal, TIOCNOTTY));
            Own("it has none");
            Show("front", ioctl(terminal, TIOCGPGRP, &group));
            Show("taken by one that does not lead", ioctl(terminal, TIOCSCTTY, 0));
            return 0;
          }));
  ShowEnd("a child with a session of its own", Fork([&] {
            Must(setsid() == getpid(), "setsid");
            Own("lost");
            Show("taken from another session", ioctl(terminal, TIOCSCTTY, 0));
            Show("by force, without privileges", ioctl(terminal, TIOCSCTTY, 1));
            const int opened = open(ptsname(master), O_RDWR);
            Own("opened, but it is another's");
            close(opened);
            return 0;
          }));
  Own("others have it still");
  Handle(SIGHUP, SIG_IGN);
  Gate gate;
  const pid_t member = Fork([&] {
    gate.Pass();
    Own("who has inherited it has it no more");
    return 0;
  });
  Show("given back by the leader", ioctl(terminal, TIOCNOTTY));
  Own("nobody has it");
  gate.Open();
  ShowEnd("a member", member);
  Show("front", ioctl(master, TIOCGPGRP, &group));
  std::printf("nobody: %d\n", group);
  Show("the second one now", ioctl(other, TIOCSCTTY, 0));
  return 0;
}

// Members from before the leader took the terminal do not have it.
int Before() {
  const int master = OpenMaster();
  Must(setsid() == getpid(), "setsid");
  Gate gate;
  const pid_t earlier = Fork([&] {
    gate.Pass();
    Own("born before");
    const int opened = open(ptsname(master), O_RDWR);
    Own("it opens one, and does not lead");
    close(opened);
    return 0;
  });
  Must(open(ptsname(master), O_RDWR) >= 0, "open");
  gate.Open();
  ShowEnd("born before", earlier);
  ShowEnd("born after", Fork([] {
            Own("born after");
            return 0;
          }));
  return 0;
}

// In a background group whose parents are gone nobody can be brought to the front.
int Orphans() {
  const int master = OpenMaster();
  Must(setsid() == getpid(), "setsid");
  Must(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0, "PR_SET_CHILD_SUBREAPER");
  const int terminal = open(ptsname(master), O_RDWR);
  Must(terminal >= 0, "open");
  Gate over;
  Must(Wait(Fork([&] {
         Must(setpgid(0, 0) == 0, "setpgid");
         const pid_t parent = getpid();
         Fork([&] {
           while (getppid() == parent) sched_yield();
           char byte;
           termios settings;
           Show("reads", read(terminal, &byte, 1));
           Show("reads nothing", read(terminal, &byte, 0));
           Show("asks", tcgetattr(terminal, &settings));
           Show("changes", tcsetattr(terminal, TCSANOW, &settings));
           Show("flushes", tcflush(terminal, TCIFLUSH));
           const pid_t group = getpgrp();
           Show("to the front", ioctl(terminal, TIOCSPGRP, &group));
           Show("writes", write(terminal, "x", 1));
           settings.c_lflag |= TOSTOP;
           Handle(SIGTTOU, SIG_IGN);
           Show("changes, SIGTTOU ignored", tcsetattr(terminal, TCSANOW, &settings));
           Show("writes, SIGTTOU ignored", write(terminal, "x", 1));
           Handle(SIGTTOU, SIG_DFL);
           Show("writes", write(terminal, "x", 1));
           Block({SIGTTOU});
           Show("writes, SIGTTOU blocked", write(terminal, "x", 1));
           std::fflush(stdout);
           over.Open();
           return 0;
         });
         return 0;
       })) == 0,
       "the parent");
  over.Pass();
  return 0;
}

// The master goes: the leader hears it, and who was in front when the leader ends.
int HungUp() {
  const int master = OpenMaster();
  Must(setsid() == getpid(), "setsid");
  const int terminal = open(ptsname(master), O_RDWR);
  Must(terminal >= 0, "open");
  Gate gate;
  const pid_t front = Fork([&] {
    close(master);
    Must(setpgid(0, 0) == 0, "setpgid");
    Block({SIGHUP});
    gate.Open();
    const sigset_t hup = SetOf({SIGHUP});
    int signal = 0;
    Must(sigwait(&hup, &signal) == 0, "sigwait");
    return signal == SIGHUP ? 9 : 10;
  });
  gate.Pass();
  Must(tcsetpgrp(terminal, front) == 0, "tcsetpgrp");
  static volatile sig_atomic_t heard;
  Handle(SIGHUP, [](int) { heard = 1; });
  close(master);
  std::printf("the leader hears it: %d\n", static_cast<int>(heard));
  Own("it has none");
  pid_t group;
  Show("front", ioctl(terminal, TIOCGPGRP, &group));
  std::printf("the front has not heard it: %d\n", waitpid(front, nullptr, WNOHANG));
  return 8;
}

}  // namespace

int main() {
  DropRoot();
  ShowEnd("taking", Fork(Taking));
  ShowEnd("before", Fork(Before));
  ShowEnd("orphans", Fork(Orphans));
  Must(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "PR_SET_CHILD_SUBREAPER");
  ShowEnd("hung up", Fork(HungUp));
  int status = 0;
  Must(wait(&status) > 0, "wait");
  std::printf("the group that was in front: %s\n", StatusText(status).c_str());
  return 0;
}
