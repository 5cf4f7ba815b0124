// raw: without lines: VMIN and VTIME, blocking and not; switching back and forth; what output
// processing does.
#include <time.h>

#include "testsuite/basics/pty/pair.h"

namespace {

long Milliseconds() {
  timespec now;
  Must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void SetBlocking(int fd, bool blocking) {
  const int flags = fcntl(fd, F_GETFL);
  Must(fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0, "F_SETFL");
}

}  // namespace

int main() {
  Pair pty;
  const termios cooked = pty.Settings();
  pty.Type("held");
  pty.SetRaw();
  pty.Show("what was typed before");
  pty.Type("x\r\n\x03\x04\x7f\x13");
  pty.Show("raw");
  termios settings = pty.Settings();
  settings.c_lflag |= ECHO;
  pty.Set(settings);
  pty.Type("a\n\x01");
  pty.Show("with echo");
  pty.SetRaw();
  pty.Type("back");
  pty.Set(cooked);
  ShowPoll("back to lines", pty.slave);
  pty.Show("back to lines");

  pty.SetRaw(3);
  pty.Type("ab");
  ShowPoll("VMIN 3, two typed", pty.slave);
  int count = -1;
  Must(ioctl(pty.slave, FIONREAD, &count) == 0, "FIONREAD");
  std::printf("FIONREAD %d\n", count);
  ShowRead("VMIN 3, not blocking", pty.slave);
  pty.Type("abcd");
  ShowPoll("VMIN 3, four typed", pty.slave);
  SetBlocking(pty.slave, true);
  ShowRead("VMIN 3, blocking", pty.slave);
  pty.Type("ab");
  ShowRead("VMIN 3, room for two", pty.slave, 2);
  pty.Type("abcdef");
  ShowRead("VMIN 3, room for four", pty.slave, 4);
  SetBlocking(pty.slave, false);
  ShowRead("the rest", pty.slave);

  pty.SetRaw(0);
  ShowPoll("VMIN 0", pty.slave);
  ShowRead("VMIN 0, nothing there", pty.slave);
  pty.Type("a");
  ShowPoll("VMIN 0, one typed", pty.slave);
  ShowRead("VMIN 0", pty.slave);
  pty.SetRaw(0, 2);
  ShowRead("VMIN 0, VTIME 2, not blocking", pty.slave);
  SetBlocking(pty.slave, true);
  long before = Milliseconds();
  ShowRead("VMIN 0, VTIME 2, blocking", pty.slave);
  std::printf("it took at least its time: %d\n", Milliseconds() - before >= 190);
  pty.Type("ab");
  ShowRead("VMIN 0, VTIME 2, two typed", pty.slave);
  pty.SetRaw(3, 2);
  pty.Type("ab");
  ShowPoll("VMIN 3, VTIME 2, two typed", pty.slave);
  before = Milliseconds();
  ShowRead("VMIN 3, VTIME 2, two typed", pty.slave);
  std::printf("it took at least its time: %d\n", Milliseconds() - before >= 190);
  pty.Type("abcd");
  ShowRead("VMIN 3, VTIME 2, four typed", pty.slave);
  SetBlocking(pty.slave, false);
  pty.Type("abc");
  ShowCount("to nowhere", read(pty.slave, reinterpret_cast<char*>(16) + count, 3));
  ShowRead("which lost it", pty.slave);
  ShowCount("nothing asked for", read(pty.slave, &count, 0));

  pty.Set(cooked);
  Must(write(pty.slave, "a\nb\tc\r\nd\b\a", 10) == 10, "write");
  Settle();
  ShowRead("output", pty.master);
  const struct {
    const char* name;
    tcflag_t off, on;
  } kOutputs[] = {{"no OPOST", OPOST, 0},      {"no ONLCR", ONLCR, 0},    {"OCRNL", 0, OCRNL},
                  {"ONOCR", 0, ONOCR},         {"ONLRET", ONLCR, ONLRET}, {"OLCUC", 0, OLCUC},
                  {"tabs to spaces", 0, XTABS}};
  for (const auto& [name, off, on] : kOutputs) {
    settings = cooked;
    settings.c_oflag = (cooked.c_oflag & ~off) | on;
    pty.Set(settings);
    Must(write(pty.slave, "\rab\tc\n\rd\xe4\r\n\t.\n", 14) == 14, "write");
    Settle();
    ShowRead(name, pty.master);
  }
  pty.Set(cooked);

  // How much fits differs; that it ends, and goes on, does not.
  pty.SetRaw();
  static char many[200000];
  ssize_t total = 0, size;
  while ((size = write(pty.slave, many, sizeof many)) > 0) {
    total += size;
    Settle();
  }
  std::printf("full: %s, more than a page %d\n", ErrorName(errno), total > 4096);
  ShowPoll("full", pty.slave);
  ShowCount("the master reads", read(pty.master, many, 100));
  Settle();
  ShowPoll("some read", pty.slave);
  total -= 100;
  // A call gives a page less one; more where Linux's worker brings more while it runs.
  while ((size = read(pty.master, many, 4095)) > 0) {
    total -= size;
    Settle();
  }
  std::printf("all came: %d\n", total == 0);
  total = 0;
  while ((size = write(pty.master, many, sizeof many)) > 0) {
    total += size;
    Settle();
  }
  std::printf("full the other way: %s, more than a page %d\n", ErrorName(errno), total > 4096);
  ShowPoll("full", pty.master);
  while ((size = read(pty.slave, many, 4095)) > 0) {
    total -= size;
    Settle();
  }
  std::printf("all came: %d\n", total == 0);
  ShowPoll("empty", pty.master);
  return 0;
}
