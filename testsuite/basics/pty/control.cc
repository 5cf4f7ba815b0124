// control: flushing, stopping and starting, packet mode, the window's size, signals from the
// keyboard, the controlling terminal.
#include <signal.h>
#include <sys/wait.h>

#include "testsuite/basics/pty/pair.h"

namespace {

volatile sig_atomic_t last_signal;
void Note(int signal) { last_signal = signal; }
void ShowSignal(const char* what) {
  std::printf("%s: %s\n", what, last_signal == 0 ? "none" : sigabbrev_np(last_signal));
  last_signal = 0;
}

}  // namespace

int main() {
  DropRoot();
  Pair pty;
  pty.Type("typed\n");
  Show("tcflush of the input", tcflush(pty.slave, TCIFLUSH));
  pty.Show("flushed");
  Must(write(pty.slave, "out", 3) == 3, "write");
  Settle();
  Show("tcflush of the output", tcflush(pty.slave, TCOFLUSH));
  ShowRead("the master has it already", pty.master);
  Must(write(pty.slave, "out", 3) == 3, "write");
  Settle();
  Show("tcflush by the master", tcflush(pty.master, TCIFLUSH));
  ShowRead("gone", pty.master);
  Show("tcflush of something else", tcflush(pty.slave, 17));
  termios settings = pty.Settings();
  pty.Type("typed\n");
  Show("tcsetattr that flushes", tcsetattr(pty.slave, TCSAFLUSH, &settings));
  pty.Show("flushed");
  pty.Type("typed\n");
  Show("tcsetattr that drains", tcsetattr(pty.slave, TCSADRAIN, &settings));
  pty.Show("kept");
  Show("tcdrain", tcdrain(pty.slave));
  Show("tcsendbreak", tcsendbreak(pty.slave, 0));

  Show("tcflow: suspend", tcflow(pty.slave, TCOOFF));
  ShowCount("write", write(pty.slave, "st", 2));
  ShowPoll("suspended", pty.slave);
  Show("tcflow: resume", tcflow(pty.slave, TCOON));
  ShowPoll("resumed", pty.slave);
  ShowCount("write", write(pty.slave, "go", 2));
  Settle();
  ShowRead("written", pty.master);
  Show("tcflow: send STOP", tcflow(pty.slave, TCIOFF));
  Settle();
  ShowRead("STOP", pty.master);
  Show("tcflow: send START", tcflow(pty.slave, TCION));
  Settle();
  ShowRead("START", pty.master);
  Show("tcflow of something else", tcflow(pty.slave, 17));
  pty.Type("\x13");
  ShowCount("write after ^S", write(pty.slave, "xo", 2));
  ShowPoll("after ^S", pty.slave);
  pty.Type("ab\n");
  pty.Show("the echo waits, too");
  pty.Type("\x11");
  ShowPoll("after ^Q", pty.slave);
  ShowRead("the echo", pty.master);
  settings.c_iflag |= IXANY;
  pty.Set(settings);
  pty.Type(
      "\x13"
      "any\n");
  pty.Show("IXANY");
  settings.c_iflag &= ~IXANY;
  pty.Set(settings);
  pty.Type("\x13");
  settings.c_iflag &= ~IXON;
  pty.Set(settings);
  ShowPoll("without IXON nothing is stopped", pty.slave);
  settings.c_iflag |= IXON;
  pty.Set(settings);

  std::printf("-- packet mode\n");
  int on = 1, value = -1;
  Show("TIOCPKT", ioctl(pty.master, TIOCPKT, &on));
  Must(ioctl(pty.master, TIOCGPKT, &value) == 0, "TIOCGPKT");
  std::printf("on: %d\n", value);
  Must(write(pty.slave, "data", 4) == 4, "write");
  Settle();
  ShowPoll("data", pty.master);
  ShowRead("data", pty.master);
  Must(tcflush(pty.slave, TCIFLUSH) == 0, "tcflush");
  ShowPoll("flushed", pty.master);
  ShowRead("flushed", pty.master);
  ShowRead("then", pty.master);
  Must(tcflow(pty.slave, TCOOFF) == 0, "tcflow");
  ShowRead("stopped", pty.master);
  Must(tcflow(pty.slave, TCOON) == 0, "tcflow");
  ShowRead("started", pty.master);
  on = 0;
  Show("TIOCPKT off", ioctl(pty.master, TIOCPKT, &on));
  Show("TIOCPKT of the slave", ioctl(pty.slave, TIOCPKT, &on));

  std::printf("-- window\n");
  winsize window = {};
  Must(ioctl(pty.slave, TIOCGWINSZ, &window) == 0, "TIOCGWINSZ");
  std::printf("%d x %d\n", window.ws_row, window.ws_col);
  window = {24, 80, 1, 2};
  Show("TIOCSWINSZ", ioctl(pty.master, TIOCSWINSZ, &window));
  window = {};
  Must(ioctl(pty.slave, TIOCGWINSZ, &window) == 0, "TIOCGWINSZ");
  std::printf("%d x %d, %d, %d\n", window.ws_row, window.ws_col, window.ws_xpixel,
              window.ws_ypixel);
  int discipline = -1;
  Must(ioctl(pty.slave, TIOCGETD, &discipline) == 0, "TIOCGETD");
  std::printf("discipline %d\n", discipline);

  std::printf("-- a terminal that controls nobody\n");
  Show("TIOCGPGRP of the slave", ioctl(pty.slave, TIOCGPGRP, &value));
  Show("TIOCGPGRP of the master", ioctl(pty.master, TIOCGPGRP, &value));
  std::printf("group %d\n", value);
  Show("TIOCGSID of the slave", ioctl(pty.slave, TIOCGSID, &value));
  Show("TIOCGSID of the master", ioctl(pty.master, TIOCGSID, &value));
  Show("TIOCSPGRP", ioctl(pty.slave, TIOCSPGRP, &value));
  Show("TIOCNOTTY", ioctl(pty.slave, TIOCNOTTY));
  Show("/dev/tty", open("/dev/tty", O_RDWR));
  Show("tcgetsid", tcgetsid(pty.slave));
  signal(SIGINT, Note);
  pty.Type("ab\x03");
  ShowSignal("^C");
  pty.Show("^C drops what was typed");
  return 0;
}
