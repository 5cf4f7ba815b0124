// When a pseudo terminal sends signals (drivers/tty/tty_io.c, n_tty.c): input that may be read,
// lines or bytes; room after a write that did not fit; and who owns a terminal that nobody gave to
// anybody: the group in front.
#include <sys/ioctl.h>
#include <termios.h>

#include <vector>

#include "testsuite/basics/signals/io_signals.h"

static int OpenMaster() {
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  Must(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "a pseudo terminal");
  return master;
}

static void MakeRaw(int fd) {
  termios settings;
  Must(tcgetattr(fd, &settings) == 0, "tcgetattr");
  cfmakeraw(&settings);
  Must(tcsetattr(fd, TCSANOW, &settings) == 0, "tcsetattr");
}

// Standard signals: how often a worker brings what was written is its business.
static void Both(int master, int slave) {
  SendSignals(master, "master", SIGUSR1);
  SendSignals(slave, "slave", SIGUSR2);
}

// A worker brings what was written, some time later.
static void UntilReadable(int fd) {
  pollfd asks = {fd, POLLIN, 0};
  Must(poll(&asks, 1, 10000) == 1, "something to read");
}

static void Read(int fd) {
  char buffer[64];
  ShowCount("read", read(fd, buffer, sizeof buffer));
}

int main() {
  BlockSignals();
  std::puts("- lines");
  int master = OpenMaster();
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  Must(slave >= 0, "the slave");
  termios settings;
  Must(tcgetattr(slave, &settings) == 0, "tcgetattr");
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  Must(tcsetattr(slave, TCSANOW, &settings) == 0, "tcsetattr");
  Both(master, slave);
  ShowCount("half a line", write(master, "ab", 2));
  Tell("  told");
  ShowCount("the other half", write(master, "c\n", 2));
  UntilReadable(slave);
  Tell("  told");
  Read(slave);
  Tell("  told");
  ShowCount("the slave writes", write(slave, "xyz", 3));
  UntilReadable(master);
  Tell("  told");
  Read(master);
  Tell("  told");
  settings.c_lflag |= ECHO;
  Must(tcsetattr(slave, TCSANOW, &settings) == 0, "tcsetattr");
  Tell("settings");
  ShowCount("with echo", write(master, "d\n", 2));
  UntilReadable(slave);
  UntilReadable(master);
  Tell("  told");
  Read(slave);
  Read(master);

  std::puts("- bytes");
  MakeRaw(slave);
  ShowCount("a byte", write(master, "a", 1));
  UntilReadable(slave);
  Tell("  told");
  Read(slave);
  Tell("  told");
  std::vector<char> buffer(4096);
  while (write(slave, buffer.data(), buffer.size()) > 0) {
  }
  UntilReadable(master);
  Tell("the slave fills it");
  Must(DropFlags(master, O_ASYNC) == 0, "F_SETFL");
  for (int tries = 0; tries < 5; ++tries) {
    while (read(master, buffer.data(), buffer.size()) > 0) tries = 0;
    usleep(1000);
  }
  Tell("the master reads all");
  Must(AddFlags(master, O_ASYNC) == 0, "F_SETFL");
  ShowCount("the slave writes", write(slave, "x", 1));
  UntilReadable(master);
  Read(master);
  Tell("what fits");

  std::puts("- ends");
  close(slave);
  Tell("the slave closes");
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  Both(master, slave);
  close(master);
  Tell("the master closes");
  const int flags = fcntl(slave, F_GETFL);
  std::printf("the slave has O_ASYNC: %d\n", (flags & O_ASYNC) != 0);
  Show("with it", fcntl(slave, F_SETFL, flags | O_ASYNC));
  Show("without it", fcntl(slave, F_SETFL, flags & ~O_ASYNC));
  close(slave);

  std::puts("- owners");
  master = OpenMaster();
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  Must(AddFlags(slave, O_ASYNC) == 0 && AddFlags(master, O_ASYNC) == 0, "F_SETFL");
  std::printf("the slave's is this process: %d\n", fcntl(slave, F_GETOWN) == getpid());
  std::printf("the master's is this process: %d\n", fcntl(master, F_GETOWN) == getpid());
  close(slave);
  Must(setsid() == getpid() || getpgrp() == getpid(), "a session");
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  if (getsid(0) == getpid() && ioctl(slave, TIOCSCTTY, 0) == 0) {
    Must(AddFlags(slave, O_ASYNC) == 0, "F_SETFL");
    std::printf("in a session it is the group in front: %d\n",
                fcntl(slave, F_GETOWN) == -getpgrp());
    DropFlags(slave, O_ASYNC);
    Must(fcntl(slave, F_SETOWN, getpid()) == 0, "F_SETOWN");
    Must(AddFlags(slave, O_ASYNC) == 0, "F_SETFL");
    std::printf("where nobody was given it: %d\n", fcntl(slave, F_GETOWN) == getpid());
    ShowCount("a line", write(master, "\n", 1));
    UntilReadable(slave);
    Tell("  told");
  }
  return 0;
}
