// background: reading a terminal, or writing with TOSTOP, behind the group in front: SIGTTIN or
// SIGTTOU comes each time that the call begins again, for all of the group, until the group is in
// front; what waits already is not asked again, unless it was stopped; and a group that becomes
// orphaned meanwhile gets EIO.
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>

#include "testsuite/basics/tasks.h"

namespace {

int master, terminal;

void Front(pid_t group) {
  Block({SIGTTOU});
  Must(tcsetpgrp(terminal, group) == 0, "tcsetpgrp");
  Unblock({SIGTTOU});
}
// This one is in front again, and nothing is left to read.
void Back() {
  Front(getpid());
  Must(tcflush(terminal, TCIFLUSH) == 0, "tcflush");
}
void Type(const char* text) {
  Must(write(master, text, strlen(text)) == static_cast<ssize_t>(strlen(text)), "write");
}
void ToStop(bool on) {
  termios settings;
  Must(tcgetattr(terminal, &settings) == 0, "tcgetattr");
  settings.c_lflag = on ? settings.c_lflag | TOSTOP : settings.c_lflag & ~tcflag_t{TOSTOP};
  Must(tcsetattr(terminal, TCSANOW, &settings) == 0, "tcsetattr");
}
void ShowChange(const char* what, pid_t child) { ShowEnd(what, child, WUNTRACED); }
void Continue(pid_t group) { Must(kill(-group, SIGCONT) == 0, "kill"); }

// A child in a group of its own.
template <typename Body>
pid_t Behind(Body body) {
  const pid_t child = Fork([&] {
    Must(setpgid(0, 0) == 0, "setpgid");
    return body();
  });
  Must(setpgid(child, child) == 0 || errno == EACCES, "setpgid");
  return child;
}

int ReadByte() {
  char byte = 0;
  const ssize_t bytes = read(terminal, &byte, 1);
  return bytes == 1 ? byte : bytes == 0 ? 1 : 100 + errno;
}
int WriteByte() { return write(terminal, "w", 1) == 1 ? 2 : 100 + errno; }

void EachTime() {
  std::puts("- each time");
  pid_t child = Behind(ReadByte);
  ShowChange("reads", child);
  for (int i = 0; i < 3; ++i) {
    Continue(child);
    ShowChange("continued behind", child);
  }
  Type("A\n");  // Is there, but not for it.
  Continue(child);
  ShowChange("there is something to read", child);
  Front(child);
  Continue(child);
  ShowChange("in front", child);
  Back();

  ToStop(true);
  child = Behind(WriteByte);
  ShowChange("writes", child);
  for (int i = 0; i < 3; ++i) {
    Continue(child);
    ShowChange("continued behind", child);
  }
  ToStop(false);
  Continue(child);
  ShowChange("without TOSTOP", child);
  ToStop(true);
  child = Behind(WriteByte);
  ShowChange("writes", child);
  Front(child);
  Continue(child);
  ShowChange("in front", child);
  Front(getpid());
  ToStop(false);

  child = Behind([] {
    Must(fcntl(terminal, F_SETFL, O_RDWR | O_NONBLOCK) == 0, "fcntl");
    const int result = ReadByte();
    Must(fcntl(terminal, F_SETFL, O_RDWR) == 0, "fcntl");
    return result == 100 + EAGAIN ? 3 : 4;
  });
  ShowChange("reads without waiting", child);
  Continue(child);
  ShowChange("continued behind", child);
  Front(child);
  Continue(child);
  ShowChange("in front", child);
  Front(getpid());
}

volatile sig_atomic_t handled;
int CountUp() {
  handled = handled + 1;
  return handled;
}

void Handlers() {
  std::puts("- handlers");
  pid_t child = Behind([] {
    Handle(SIGTTIN, [](int) { CountUp(); });
    const int result = ReadByte();
    return result == 100 + EINTR ? 10 * handled : 1;
  });
  ShowChange("a handler interrupts it", child);
  // With SA_RESTART it is called until the group is in front.
  child = Behind([] {
    Handle(
        SIGTTIN,
        [](int) {
          if (CountUp() == 5) Front(getpid());
        },
        SA_RESTART);
    Type("B\n");
    const int result = ReadByte();
    return result == 'B' ? 10 * handled : 1;
  });
  ShowChange("a handler that lets it begin again", child);
  Back();
  ToStop(true);
  child = Behind([] {
    Handle(
        SIGTTOU,
        [](int) {
          if (CountUp() == 4) Front(getpid());
        },
        SA_RESTART);
    return WriteByte() == 2 ? 10 * handled : 1;
  });
  ShowChange("the same, writing", child);
  Front(getpid());
  ToStop(false);
}

// The signal is for all of the group.
void Groups() {
  std::puts("- groups");
  Gate begun;
  pid_t member = 0;
  int line[2];
  Must(pipe(line) == 0, "pipe");
  const pid_t child = Behind([&] {
    member = Fork([&] {
      begun.Open();
      pause();
      return 1;
    });
    begun.Pass();
    Must(write(line[1], &member, sizeof member) == sizeof member, "write");
    const int result = ReadByte();
    kill(member, SIGKILL);
    Wait(member);
    return result;
  });
  Must(read(line[0], &member, sizeof member) == sizeof member, "read");
  ShowChange("reads", child);
  const auto stopped = [&] {
    const std::string text = FileText(("/proc/" + std::to_string(member) + "/stat").c_str());
    return text[text.rfind(')') + 2] == 'T';
  };
  while (!stopped()) sched_yield();
  std::puts("the other member is stopped, too");
  Front(child);
  Continue(child);
  Type("C\n");
  ShowChange("in front", child);
  Back();
  close(line[0]), close(line[1]);
}

void Waiting() {
  std::puts("- waiting");
  const auto reader = [] {
    while (tcgetpgrp(terminal) != getpgrp()) sched_yield();
    return ReadByte();
  };
  pid_t child = Behind(reader);
  Front(child);
  UntilProcessAsleep(child);
  Front(getpid());
  // It waits, and is not asked again.
  std::printf("behind: %d\n", waitpid(child, nullptr, WNOHANG | WUNTRACED));
  Type("D\n");
  ShowChange("reads all the same", child);
  Back();

  child = Behind(reader);
  Front(child);
  UntilProcessAsleep(child);
  Must(kill(child, SIGSTOP) == 0, "kill");
  ShowChange("stopped while it waits", child);
  Front(getpid());
  Continue(child);
  ShowChange("continued behind", child);
  Front(child);
  Continue(child);
  Type("E\n");
  ShowChange("in front", child);
  Back();
}

// Its parent ends while it is stopped: it hears SIGHUP and SIGCONT, and nobody could bring it to
// the front.
void Orphaned() {
  std::puts("- orphaned");
  int line[2];
  Must(pipe(line) == 0, "pipe");
  const pid_t parent = Fork([&] {
    const pid_t child = Behind([&] {
      Handle(
          SIGHUP, [](int) { CountUp(); }, SA_RESTART);
      const int result = ReadByte();
      const char text[] = {static_cast<char>(result), static_cast<char>(handled)};
      Must(write(line[1], text, 2) == 2, "write");
      return 0;
    });
    ShowChange("reads", child);
    return 0;
  });
  ShowEnd("the parent", parent);
  unsigned char answer[2];
  Must(read(line[0], answer, 2) == 2, "the orphan");
  std::printf("hung up: %d, reads: %s\n", answer[1],
              answer[0] > 100 ? ErrorName(answer[0] - 100) : "something");
  close(line[0]), close(line[1]);
}

int Leader() {
  Must(setsid() == getpid(), "setsid");
  // Orphans are init's, or of another session.
  Must(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0, "PR_SET_CHILD_SUBREAPER");
  terminal = open(ptsname(master), O_RDWR);
  Must(terminal >= 0, "the terminal");
  EachTime();
  Handlers();
  Groups();
  Waiting();
  Orphaned();
  Handle(SIGHUP, SIG_IGN);
  return 0;
}

}  // namespace

int main() {
  DropRoot();
  master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  Must(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "posix_openpt");
  ShowEnd("the leader of the session", Fork(Leader));
  return 0;
}
