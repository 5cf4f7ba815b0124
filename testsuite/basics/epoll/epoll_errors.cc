// epoll_errors: the epoll calls with one wrong thing each, and which of two wrong things is found
// first.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <csignal>
#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

epoll_event event = {};

long Control(int epoll, int operation, int fd, uint32_t events = EPOLLIN) {
  event.events = events;
  return epoll_ctl(epoll, operation, fd, &event);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  WriteFile("file", "text");
  const int epoll = epoll_create1(EPOLL_CLOEXEC), other = epoll_create1(0),
            counter = eventfd(0, EFD_NONBLOCK);
  const int file = open("file", O_RDWR), directory = open(".", O_RDONLY),
            path = open("file", O_PATH);
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  std::printf("close-on-exec: %d %d\n", fcntl(epoll, F_GETFD), fcntl(other, F_GETFD));

  Show("epoll_create of 0", epoll_create(0));
  Show("epoll_create of -1", epoll_create(-1));
  Show("epoll_create of 1", epoll_create(1));
  Show("epoll_create1 with an unknown flag", epoll_create1(1));
  Show("epoll_create1 with O_NONBLOCK", epoll_create1(O_NONBLOCK));

  Show("add", Control(epoll, EPOLL_CTL_ADD, counter));
  Show("add again", Control(epoll, EPOLL_CTL_ADD, counter));
  Show("add again with other events", Control(epoll, EPOLL_CTL_ADD, counter, EPOLLOUT | EPOLLET));
  Show("modify", Control(epoll, EPOLL_CTL_MOD, counter, EPOLLOUT));
  Show("modify what is not there", Control(epoll, EPOLL_CTL_MOD, ends[0]));
  Show("delete what is not there", Control(epoll, EPOLL_CTL_DEL, ends[0]));
  Show("delete without an event", epoll_ctl(epoll, EPOLL_CTL_DEL, counter, nullptr));
  Show("delete again", Control(epoll, EPOLL_CTL_DEL, counter));
  Show("add a free number", Control(epoll, EPOLL_CTL_ADD, 12345));
  Show("add -1", Control(epoll, EPOLL_CTL_ADD, -1));
  Show("add to a free number", Control(12345, EPOLL_CTL_ADD, counter));
  Show("add to -1", Control(-1, EPOLL_CTL_ADD, counter));
  Show("add to an eventfd", Control(counter, EPOLL_CTL_ADD, ends[0]));
  Show("add to a file", Control(file, EPOLL_CTL_ADD, ends[0]));
  Show("add a file", Control(epoll, EPOLL_CTL_ADD, file));
  Show("add a directory", Control(epoll, EPOLL_CTL_ADD, directory));
  Show("add O_PATH", Control(epoll, EPOLL_CTL_ADD, path));
  Show("add the instance to itself", Control(epoll, EPOLL_CTL_ADD, epoll));
  Show("add without an event", epoll_ctl(epoll, EPOLL_CTL_ADD, counter, nullptr));
  Show("unknown operation", Control(epoll, 17, counter));
  Show("unknown operation, nothing there", Control(epoll, 0, counter));
  Show("operation -1", Control(epoll, -1, counter));
  Show("add for no event", Control(epoll, EPOLL_CTL_ADD, counter, 0));
  Must(Control(epoll, EPOLL_CTL_DEL, counter) == 0, "delete");
  Show("add for events that do not exist", Control(epoll, EPOLL_CTL_ADD, counter, 0x00ff0000));
  Must(Control(epoll, EPOLL_CTL_DEL, counter) == 0, "delete");

  Show("exclusive", Control(epoll, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE));
  Show("modify an exclusive one", Control(epoll, EPOLL_CTL_MOD, counter));
  Must(Control(epoll, EPOLL_CTL_DEL, counter) == 0, "delete");
  Show("exclusive with EPOLLONESHOT",
       Control(epoll, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
  Show("exclusive with EPOLLRDHUP",
       Control(epoll, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP));
  Show("exclusive with EPOLLET and EPOLLWAKEUP",
       Control(epoll, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET | EPOLLWAKEUP));
  Must(Control(epoll, EPOLL_CTL_DEL, counter) == 0, "delete");
  Show("exclusive with an epoll instance",
       Control(epoll, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE));
  Must(Control(epoll, EPOLL_CTL_ADD, counter) == 0, "add");
  Show("modify to exclusive", Control(epoll, EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLEXCLUSIVE));

  Show("wait on a free number", epoll_wait(12345, &event, 1, 0));
  Show("wait on an eventfd", epoll_wait(counter, &event, 1, 0));
  Show("wait on a file", epoll_wait(file, &event, 1, 0));
  Show("wait for 0 events", epoll_wait(epoll, &event, 0, 0));
  volatile int negative = -1, too_many = INT32_MAX / 8;
  Show("wait for -1 events", epoll_wait(epoll, &event, negative, 0));
  Show("wait for too many events", epoll_wait(epoll, &event, too_many, 0));
  Show("wait with a timeout of -2 where something is ready", [&] {
    const uint64_t one = 1;
    Must(write(counter, &one, sizeof one) == sizeof one, "write");
    return epoll_wait(epoll, &event, 1, -2);
  }());
  sigset_t mask;
  sigemptyset(&mask);
  Show("pwait with another size of mask", syscall(SYS_epoll_pwait, epoll, &event, 1, 0, &mask, 4));
  Show("pwait with another size of no mask",
       syscall(SYS_epoll_pwait, epoll, &event, 1, 0, nullptr, 4));

  // Two wrong things: what is checked first.
  Show("no event and a free number", epoll_ctl(epoll, EPOLL_CTL_ADD, 12345, nullptr));
  Show("no event and a free instance", epoll_ctl(12345, EPOLL_CTL_ADD, counter, nullptr));
  Show("a file to an eventfd", Control(counter, EPOLL_CTL_ADD, file));
  Show("0 events of a free number", epoll_wait(12345, &event, 0, 0));
  Show("0 events of an eventfd", epoll_wait(counter, &event, 0, 0));
  Show("unknown operation on a file", Control(epoll, 17, file));
  Show("itself, unknown operation", Control(epoll, 17, epoll));

  Show("read from an instance", read(epoll, &event, 8));
  Show("write to an instance", write(epoll, &event, 8));
  Show("lseek of an instance", lseek(epoll, 0, SEEK_SET));
  // An event that could not be told is there the next time.
  const int ready = epoll_create1(0), news = eventfd(1, EFD_NONBLOCK);
  Must(Control(ready, EPOLL_CTL_ADD, news) == 0, "EPOLL_CTL_ADD");
  void* const nowhere = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Show("an event to nowhere", epoll_wait(ready, static_cast<epoll_event*>(nowhere), 1, 0));
  ShowCount("and to a place", epoll_wait(ready, &event, 1, 0));
  return 0;
}
