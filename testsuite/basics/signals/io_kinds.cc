// O_ASYNC of each kind of file: who keeps it, who drops it in silence (file_operations without
// fasync), and what FIOASYNC and FIOSETOWN say; that open(2) takes the flag and registers nothing;
// and /proc/PID/fdinfo.
#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "testsuite/basics/signals/io_signals.h"

#ifndef FIOSETOWN
#define FIOSETOWN 0x8901
#define SIOCSPGRP 0x8902
#define FIOGETOWN 0x8903
#define SIOCGPGRP 0x8904
#endif

static const char* HasFlag(int fd) {
  return (fcntl(fd, F_GETFL) & O_ASYNC) != 0 ? "has it" : "has it not";
}

static bool InfoHasFlag(int fd) {
  const std::string text = FileText(("/proc/self/fdinfo/" + std::to_string(fd)).c_str());
  const size_t at = text.find("flags:\t");
  Must(at != std::string::npos, "flags in fdinfo");
  return (std::stoul(text.substr(at + 7), nullptr, 8) & O_ASYNC) != 0;
}

static void Ask(const char* kind, int fd) {
  Must(fd >= 0, kind);
  std::printf("- %s\n", kind);
  Show("F_SETFL", AddFlags(fd, O_ASYNC));
  std::printf("  %s; in fdinfo: %d\n", HasFlag(fd), InfoHasFlag(fd));
  Show("F_SETFL without", DropFlags(fd, O_ASYNC));
  std::printf("  %s\n", HasFlag(fd));
  int on = 1;
  Show("FIOASYNC", ioctl(fd, FIOASYNC, &on));
  std::printf("  %s\n", HasFlag(fd));
  Show("FIOASYNC again", ioctl(fd, FIOASYNC, &on));
  on = 0;
  Show("FIOASYNC without", ioctl(fd, FIOASYNC, &on));
  std::printf("  %s\n", HasFlag(fd));
  Show("FIOASYNC from nowhere", ioctl(fd, FIOASYNC, 8));
  int owner = getpid();
  Show("FIOSETOWN", ioctl(fd, FIOSETOWN, &owner));
  Show("SIOCSPGRP", ioctl(fd, SIOCSPGRP, &owner));
  owner = -7;
  Show("FIOGETOWN", ioctl(fd, FIOGETOWN, &owner));
  std::printf("  this process: %d\n", owner == getpid());
  Show("SIOCGPGRP from nowhere", ioctl(fd, SIOCGPGRP, 8));
  Show("F_SETOWN", fcntl(fd, F_SETOWN, getpid()));
  std::printf("  this process: %d\n", fcntl(fd, F_GETOWN) == getpid());
  Show("F_SETSIG", fcntl(fd, F_SETSIG, SIGUSR1));
  ShowCount("F_GETSIG", fcntl(fd, F_GETSIG));
  close(fd);
}

int main() {
  BlockSignals();
  EnterScratchDirectory();
  WriteFile("file", "text");
  Must(mkfifo("fifo", 0600) == 0, "mkfifo");
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  Ask("a pipe's reader", ends[0]);
  Ask("a pipe's writer", ends[1]);
  Ask("a FIFO", open("fifo", O_RDWR));
  Ask("an AF_UNIX stream", socket(AF_UNIX, SOCK_STREAM, 0));
  Ask("an AF_UNIX datagram", socket(AF_UNIX, SOCK_DGRAM, 0));
  Ask("TCP", socket(AF_INET, SOCK_STREAM, 0));
  Ask("UDP", socket(AF_INET6, SOCK_DGRAM, 0));
  Ask("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  Must(grantpt(master) == 0 && unlockpt(master) == 0, "a pseudo terminal");
  Ask("a terminal", open(ptsname(master), O_RDWR | O_NOCTTY));
  Ask("its master", master);
  Ask("inotify", inotify_init());
  Ask("/dev/urandom", open("/dev/urandom", O_RDONLY));
  Ask("/dev/null", open("/dev/null", O_RDWR));
  Ask("a file", open("file", O_RDWR));
  Ask("a directory", open(".", O_RDONLY));
  Ask("/proc", open("/proc/self/status", O_RDONLY));
  Ask("eventfd", eventfd(0, 0));
  Ask("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
  sigset_t none;
  sigemptyset(&none);
  Ask("signalfd", signalfd(-1, &none, 0));
  Ask("epoll", epoll_create1(0));
  Ask("a pidfd", static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  const int path = open("file", O_PATH);
  std::puts("- a path");
  Show("F_SETFL", fcntl(path, F_SETFL, O_ASYNC));
  Show("F_SETOWN", fcntl(path, F_SETOWN, getpid()));
  Show("F_GETSIG", fcntl(path, F_GETSIG));

  std::puts("- opened with O_ASYNC");
  const int file = open("file", O_RDWR | O_ASYNC);
  std::printf("a file %s\n", HasFlag(file));
  Show("F_SETFL without", DropFlags(file, O_ASYNC));
  std::printf("  it %s\n", HasFlag(file));
  const int fifo = open("fifo", O_RDWR | O_NONBLOCK | O_ASYNC);
  FileNames()[fifo] = "fifo";
  std::printf("a FIFO %s\n", HasFlag(fifo));
  Must(fcntl(fifo, F_SETOWN, getpid()) == 0, "F_SETOWN");
  ShowCount("write", write(fifo, "x", 1));
  Tell("  told");
  Show("F_SETFL with", AddFlags(fifo, O_ASYNC));
  ShowCount("write", write(fifo, "x", 1));
  Tell("  told");
  Show("F_SETFL without", DropFlags(fifo, O_ASYNC));
  std::printf("  it %s\n", HasFlag(fifo));
  return 0;
}
