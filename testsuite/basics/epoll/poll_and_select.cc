// poll_and_select: poll, ppoll, select and pselect see of every kind of description what epoll
// sees.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include <csignal>
#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

namespace {

constexpr short kAll =
    POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND;

std::string Names(short events) {
  const struct {
    short bit;
    const char* name;
  } kNames[] = {{POLLIN, "IN"},         {POLLOUT, "OUT"},       {POLLPRI, "PRI"},
                {POLLERR, "ERR"},       {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"},
                {POLLRDHUP, "RDHUP"},   {POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"},
                {POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if (events & bit) text += (text.empty() ? "" : "|") + std::string(name);
  }
  return text.empty() ? "nothing" : text;
}

void See(const char* what, int fd) {
  pollfd all = {fd, kAll, 0}, none = {fd, 0, 0};
  const int count = poll(&all, 1, 0), silent = poll(&none, 1, 0);
  std::printf("%s: poll %d %s, without interest %d %s", what, count, Names(all.revents).c_str(),
              silent, Names(none.revents).c_str());
  fd_set in, out, exceptional;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&exceptional);
  FD_SET(fd, &in);
  FD_SET(fd, &out);
  FD_SET(fd, &exceptional);
  timeval no_time = {};
  const int selected = select(fd + 1, &in, &out, &exceptional, &no_time);
  if (selected < 0) {
    std::printf(", select %s", ErrorName(errno));
  } else {
    std::printf(", select %d%s%s%s", selected, FD_ISSET(fd, &in) ? " in" : "",
                FD_ISSET(fd, &out) ? " out" : "", FD_ISSET(fd, &exceptional) ? " exceptional" : "");
  }
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = static_cast<uint16_t>(kAll);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
    std::printf(", epoll %s\n", ErrorName(errno));
  } else {
    const int ready = epoll_wait(epoll, &event, 1, 0);
    std::printf(", epoll %d %s\n", ready,
                Names(ready > 0 ? static_cast<short>(event.events) : 0).c_str());
  }
  close(epoll);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  WriteFile("file", "text");
  const int counter = eventfd(0, EFD_NONBLOCK), epoll = epoll_create1(0);
  int ends[2], broken[2], hung_up[2];
  Must(pipe2(ends, O_NONBLOCK) == 0 && pipe2(broken, O_NONBLOCK) == 0 &&
           pipe2(hung_up, O_NONBLOCK) == 0,
       "pipe2");

  See("eventfd of 0", counter);
  uint64_t value = 1;
  Must(write(counter, &value, sizeof value) == sizeof value, "write");
  See("eventfd of 1", counter);
  value = UINT64_MAX - 2;
  Must(write(counter, &value, sizeof value) == sizeof value, "write");
  See("full eventfd", counter);
  See("reader of an empty pipe", ends[0]);
  See("writer of an empty pipe", ends[1]);
  char bytes[4096] = "";
  Must(write(ends[1], bytes, 1) == 1, "write");
  See("reader of a pipe", ends[0]);
  while (write(ends[1], bytes, sizeof bytes) > 0) {
  }
  See("writer of a full pipe", ends[1]);
  Must(close(broken[0]) == 0, "close");
  See("writer without reader", broken[1]);
  Must(write(hung_up[1], bytes, 1) == 1 && close(hung_up[1]) == 0, "close");
  See("reader without writer, a byte left", hung_up[0]);
  Must(read(hung_up[0], bytes, 1) == 1, "read");
  See("reader without writer", hung_up[0]);
  See("epoll instance", epoll);
  See("file", open("file", O_RDONLY));
  See("directory", open(".", O_RDONLY));
  See("/dev/null", open("/dev/null", O_RDWR));
  // select looks at no more numbers than Linux's table has room for, 64 at first.
  See("a number that is free", 60);
  const int path = open("file", O_PATH);
  See("O_PATH", path);

  pollfd many[4] = {{counter, POLLIN, 0}, {-5, POLLIN, 7}, {60, POLLIN, 0}, {ends[1], POLLOUT, 0}};
  ShowCount("poll of several", poll(many, 4, -1));
  for (const pollfd& one : many) std::printf("%s\n", Names(one.revents).c_str());
  timespec no_time = {};
  ShowCount("ppoll", ppoll(many, 4, &no_time, nullptr));
  ShowCount("pselect of nothing", pselect(0, nullptr, nullptr, nullptr, &no_time, nullptr));
  ShowCount("select with a negative number", select(-1, nullptr, nullptr, nullptr, nullptr));
  struct rlimit limit;
  Must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = 100;
  Must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  static pollfd too_many[101];
  for (pollfd& one : too_many) one.fd = -1;
  ShowCount("poll of as many as allowed", poll(too_many, 100, 0));
  ShowCount("poll of more than allowed", poll(too_many, 101, 0));
  sigset_t mask;
  sigemptyset(&mask);
  ShowCount("ppoll with another size of mask", syscall(SYS_ppoll, many, 4, &no_time, &mask, 4));
  return 0;
}
