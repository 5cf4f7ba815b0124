// opening: how a pseudo terminal comes and goes: /dev/ptmx, locked and unlocked slaves, the C
// library's functions, names, and what both sides are told when the other one closes.
#include <signal.h>
#include <sys/sysmacros.h>

#include "testsuite/basics/pty/pair.h"

int main() {
  DropRoot();
  signal(SIGHUP, SIG_IGN);
  const int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  Must(master >= 0, "/dev/ptmx");
  int number = -1, lock = -1;
  Show("TIOCGPTN", ioctl(master, TIOCGPTN, &number));
  const std::string name = "/dev/pts/" + std::to_string(number);
  Must(name == ptsname(master), "ptsname");
  struct stat status;
  Must(stat(name.c_str(), &status) == 0, "stat");
  std::printf("slave: type %o, major %d, its own number %d, mine %d\n", status.st_mode & S_IFMT,
              static_cast<int>(major(status.st_rdev)),
              static_cast<int>(minor(status.st_rdev)) == number % 256, status.st_uid == getuid());
  Must(fstat(master, &status) == 0, "fstat");
  std::printf("master: type %o, device %d:%d\n", status.st_mode & S_IFMT,
              static_cast<int>(major(status.st_rdev)), static_cast<int>(minor(status.st_rdev)));
  std::printf("isatty: %d\n", isatty(master));
  char link[64] = "";
  Must(readlink(("/proc/self/fd/" + std::to_string(master)).c_str(), link, sizeof link - 1) > 0,
       "readlink");
  std::printf("%s\n", link);
  Must(ioctl(master, TIOCGPTLCK, &lock) == 0, "TIOCGPTLCK");
  std::printf("locked: %d\n", lock);
  Show("open of the locked slave", open(name.c_str(), O_RDWR | O_NOCTTY));
  Show("TIOCGPTPEER of it", ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  ShowPoll("master before any slave", master);
  ShowRead("master before any slave", master);
  ShowCount("write before any slave", write(master, "early\n", 6));
  Show("grantpt", grantpt(master));
  Show("unlockpt", unlockpt(master));
  const int slave = open(name.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
  Show("open of the slave", slave);
  Settle();
  ShowRead("what was written early", slave);
  ShowRead("its echo", master);
  std::printf("isatty: %d, ttyname %d\n", isatty(slave),
              ttyname(slave) != nullptr && name == ttyname(slave));
  const int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  Show("TIOCGPTPEER", peer);
  std::printf("close-on-exec %d, its name %d\n", fcntl(peer, F_GETFD),
              ttyname(peer) != nullptr && name == ttyname(peer));
  Must(close(peer) == 0, "close");
  Show("TIOCGPTPEER of the slave", ioctl(slave, TIOCGPTPEER, O_RDWR));
  Show("TIOCGPTN of the slave", ioctl(slave, TIOCGPTN, &number));
  Show("TIOCSPTLCK of the slave", ioctl(slave, TIOCSPTLCK, &lock));
  Show("lseek", lseek(slave, 0, SEEK_SET));
  char byte;
  Show("pread", pread(slave, &byte, 1, 0));
  Show("ftruncate", ftruncate(slave, 0));
  Show("an unknown request", ioctl(slave, 0x12345678, &byte));
  Show("TIOCMGET", ioctl(slave, TIOCMGET, &number));
  Show("fsync", fsync(slave));
  Must(ioctl(slave, TIOCEXCL) == 0, "TIOCEXCL");
  Show("open of an exclusive one", open(name.c_str(), O_RDWR | O_NOCTTY));
  Must(ioctl(slave, TIOCNXCL) == 0, "TIOCNXCL");

  std::printf("-- the slave closes\n");
  Must(write(slave, "last", 4) == 4, "write");
  const int copy = dup(slave), second = open(name.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
  Must(close(slave) == 0 && close(copy) == 0, "close");
  ShowPoll("another is open", master);
  Must(close(second) == 0, "close");
  Settle();
  ShowPoll("the last has closed", master);
  ShowRead("what was left", master);
  ShowRead("and then", master);
  ShowPoll("and then", master);
  ShowCount("write to nobody", write(master, "more\n", 5));
  Settle();
  ShowRead("its echo", master);
  const int again = open(name.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
  Show("open again", again);
  ShowPoll("opened again", master);
  ShowRead("opened again", master);
  ShowRead("what was written to nobody", again);

  std::printf("-- the master closes\n");
  Must(write(master, "left\n", 5) == 5, "write");
  Settle();
  Must(close(master) == 0, "close");
  Settle();
  ShowPoll("slave", again);
  ShowRead("slave", again);
  ShowCount("write", write(again, "x", 1));
  ShowCount("write of nothing", write(again, "x", 0));
  termios settings;
  Show("tcgetattr", tcgetattr(again, &settings));
  Show("FIONREAD", ioctl(again, FIONREAD, &number));
  Show("TIOCSPGRP", ioctl(again, TIOCSPGRP, &number));
  std::printf("isatty: %d\n", isatty(again));
  Show("open", open(name.c_str(), O_RDWR | O_NOCTTY));
  Show("stat", stat(name.c_str(), &status));
  return 0;
}
