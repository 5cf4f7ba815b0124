// lines: canonical mode: what a program reads and what the screen shows of what is typed, for each
// key that edits, and with each setting of the echo.
#include "testsuite/basics/pty/pair.h"

int main() {
  Pair pty;
  termios cooked = pty.Settings();
  std::printf("settings %x %x %x %x, speed %d\n", cooked.c_iflag, cooked.c_oflag, cooked.c_cflag,
              cooked.c_lflag, cfgetospeed(&cooked) == B38400);
  for (const int c : {VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSTART, VSTOP, VSUSP, VEOL,
                      VREPRINT, VWERASE, VLNEXT, VEOL2}) {
    std::printf("%d ", cooked.c_cc[c]);
  }
  std::printf("\n");
  termios master;
  Must(tcgetattr(pty.master, &master) == 0, "tcgetattr");
  std::printf("the master tells the slave's: %d\n", master.c_lflag == cooked.c_lflag);

  pty.Type("abc");
  ShowPoll("a part of a line", pty.slave);
  int count = -1;
  Must(ioctl(pty.slave, FIONREAD, &count) == 0, "FIONREAD");
  std::printf("FIONREAD %d\n", count);
  pty.Show("a part of a line");
  pty.Type("\n");
  pty.Show("the line");
  pty.Type("one\ntwo\r");
  Must(ioctl(pty.slave, FIONREAD, &count) == 0, "FIONREAD");
  std::printf("FIONREAD %d\n", count);
  ShowRead("two bytes", pty.slave, 2);
  ShowRead("the rest of the line", pty.slave);
  pty.Show("the other line");
  pty.Type("abcd\x04");
  ShowRead("end of file after four bytes", pty.slave, 4);
  pty.Show("it went along");
  pty.Type("\x04");
  ShowPoll("end of file", pty.slave);
  pty.Show("end of file");
  pty.Show("once");
  pty.Type(
      "ab\x04"
      "cd\n");
  pty.Show("end of file in a line");
  pty.Show("the rest");

  pty.Type(
      "abx\x7f"
      "c\n");
  pty.Show("erase");
  pty.Type(
      "\x7f\x7f"
      "a\x7f\x7f\n");
  pty.Show("erase of nothing");
  pty.Type("gone\x15kept\n");
  pty.Show("kill");
  pty.Type(
      "two words  \x17\x17"
      "x\n");
  pty.Show("word erase");
  pty.Type("a_b.c-d\x17\n");
  pty.Show("word erase stops");
  pty.Type("\x16\x03\x16\x7f\x16\n\n");
  pty.Show("literal next");
  pty.Type(
      "ab\x12"
      "c\n");
  pty.Show("reprint");
  pty.Type(
      "a\x01\x1b[A\x7f\x7f\x7f\x7f"
      "b\n");
  pty.Show("erase of control characters");
  pty.Type(
      "ab\tc\x7f\x7f"
      "d\te\t\x7f\x7f\x7f\n");
  pty.Show("erase of tabs");
  pty.Type("\xc3\xa4\x7f\n");
  pty.Show("erase of a byte of two");
  termios settings = cooked;
  settings.c_iflag |= IUTF8;
  pty.Set(settings);
  pty.Type("\xc3\xa4x\x7f\x7f\n");
  pty.Show("erase with IUTF8");

  const struct {
    const char* name;
    tcflag_t off, on;
  } kEchoes[] = {
      {"no ECHO", ECHO, 0},    {"ECHONL alone", ECHO, ECHONL}, {"no ECHOE", ECHOE, 0},
      {"no ECHOK", ECHOK, 0},  {"no ECHOKE", ECHOKE, 0},       {"no ECHOCTL", ECHOCTL, 0},
      {"ECHOPRT", 0, ECHOPRT}, {"no IEXTEN", IEXTEN, 0},       {"no ISIG", ISIG, 0}};
  for (const auto& [name, off, on] : kEchoes) {
    settings = cooked;
    settings.c_lflag = (cooked.c_lflag & ~off) | on;
    pty.Set(settings);
    pty.Type(
        "abc\x7f\x01"
        "d\x7f\x7fz w\x17\x16\x18\n");
    pty.Show(name);
    pty.Type(
        "killed\x15"
        "e\n");
    pty.Show("kill");
  }
  const struct {
    const char* name;
    tcflag_t off, on;
  } kInputs[] = {{"no ICRNL", ICRNL, 0}, {"IGNCR", 0, IGNCR}, {"INLCR", ICRNL, INLCR},
                 {"ISTRIP", 0, ISTRIP},  {"IUCLC", 0, IUCLC}, {"PARMRK", 0, PARMRK}};
  for (const auto& [name, off, on] : kInputs) {
    settings = cooked;
    settings.c_iflag = (cooked.c_iflag & ~off) | on;
    pty.Set(settings);
    pty.Type("a\rB\xe1\xff\n");
    pty.Show(name);
    pty.Show("more");
    pty.Type("\x15\n");
    pty.Show("the end");
  }
  settings = cooked;
  settings.c_cc[VEOL] = ';';
  settings.c_cc[VEOL2] = ',';
  settings.c_cc[VERASE] = '#';
  settings.c_cc[VKILL] = _POSIX_VDISABLE;
  pty.Set(settings);
  pty.Type("a;b,cx#\x15\n");
  pty.Show("other keys");
  pty.Show("the second");
  pty.Show("the third");
  pty.Set(cooked);
  pty.Type(std::string(5000, 'x'));
  char bytes[8192];
  std::printf("echo of an endless line: %d\n", read(pty.master, bytes, sizeof bytes) > 4000);
  while (read(pty.master, bytes, sizeof bytes) > 0) {
  }
  pty.Type("\n");
  ShowCount("an endless line", read(pty.slave, bytes, sizeof bytes));
  std::printf("ends with a newline: %d\n", bytes[4095] == '\n');
  return 0;
}
