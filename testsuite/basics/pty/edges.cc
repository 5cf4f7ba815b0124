// edges: when epoll reports the two sides of a pseudo terminal, edge- and level-triggered: each
// write is an OUT edge for its writer, each read one for the other side, and a change of the
// settings is one, too. m is the master, s the slave.
#include <signal.h>
#include <sys/epoll.h>

#include "testsuite/basics/pty/pair.h"

namespace {

int epoll;

void Wait(const char* what) {
  Settle();
  epoll_event events[4];
  const int count = epoll_wait(epoll, events, 4, 0);
  Must(count >= 0, "epoll_wait");
  // The order depends on when the worker runs.
  uint32_t master = 0, slave = 0;
  for (int i = 0; i < count; ++i) (events[i].data.u32 == 'm' ? master : slave) = events[i].events;
  std::printf("  %s:", what);
  if (master != 0) std::printf(" m %x", master);
  if (slave != 0) std::printf(" s %x", slave);
  std::printf("\n");
}

void Add(int fd, uint32_t events, char name) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = name;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

void Read(int fd, size_t room = 4000) {
  char bytes[4000];
  Must(read(fd, bytes, room) >= 0, "read");
}

void Triggering(const char* how, uint32_t events) {
  std::printf("%s\n", how);
  Pair pty;
  epoll = epoll_create1(0);
  Add(pty.master, events, 'm');
  Add(pty.slave, events, 's');
  Wait("at first");
  Wait("again");
  pty.Type("ab");
  Wait("a part of a line typed");
  pty.Type("c\n");
  Wait("a line typed");
  Read(pty.slave, 1);
  Wait("a byte of it read");
  Read(pty.slave);
  Wait("the rest read");
  Read(pty.master, 1);
  Wait("a byte of the echo read");
  Read(pty.master);
  Wait("the rest of the echo read");
  Must(write(pty.slave, "out", 3) == 3, "write");
  Wait("the slave wrote");
  Must(write(pty.slave, "out", 3) == 3, "write");
  Wait("again");
  Read(pty.master);
  Wait("the master read");
  pty.Type("\x04");
  Wait("end of file typed");
  Read(pty.slave);
  Wait("end of file read");
  termios settings = pty.Settings();
  pty.Set(settings);
  Wait("settings set to what they are");
  Must(tcsetattr(pty.slave, TCSAFLUSH, &settings) == 0, "tcsetattr");
  Wait("settings set and flushed");
  Must(tcflush(pty.slave, TCIFLUSH) == 0, "tcflush");
  Wait("input flushed");
  Must(tcflush(pty.slave, TCOFLUSH) == 0, "tcflush");
  Wait("output flushed");
  Must(tcflow(pty.slave, TCOOFF) == 0, "tcflow");
  Wait("output suspended");
  Must(tcflow(pty.slave, TCOON) == 0, "tcflow");
  Wait("output resumed");
  Must(tcflow(pty.slave, TCIOFF) == 0, "tcflow");
  Wait("STOP sent");
  Read(pty.master);
  Wait("STOP read");
  winsize window = {3, 4, 0, 0};
  Must(ioctl(pty.master, TIOCSWINSZ, &window) == 0, "TIOCSWINSZ");
  Wait("another window");
  settings.c_lflag &= ~ICANON;
  pty.Set(settings);
  Wait("without lines");
  pty.Type("a");
  Wait("a byte typed");
  pty.Type("b");
  Wait("another");
  Read(pty.slave, 1);
  Wait("one read");
  Read(pty.slave, 1);
  Wait("the other read");
  Read(pty.master);
  Wait("the echo read");
  const int second = pty.OpenSlave();
  Wait("a second slave");
  Must(close(second) == 0, "close");
  Wait("which closes");
  Must(close(pty.slave) == 0, "close");
  Wait("the last slave closes");
  pty.slave = pty.OpenSlave();
  Wait("opened again");
  Add(pty.slave, events, 's');
  Wait("added");
  Must(close(pty.master) == 0, "close");
  Wait("the master closes");
  Wait("again");
  pty.master = dup(pty.slave);
  Must(close(epoll) == 0, "close");
}

}  // namespace

int main() {
  signal(SIGHUP, SIG_IGN);
  Triggering("edge-triggered", EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET);
  Triggering("edge-triggered, reading", EPOLLIN | EPOLLET);
  Triggering("level-triggered", EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI);
  Triggering("level-triggered, reading", EPOLLIN);
  Triggering("one-shot", EPOLLIN | EPOLLONESHOT);
  return 0;
}
