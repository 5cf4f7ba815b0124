// triggering: what each way of watching reports, event by event: level-triggered as long as it is
// so, edge-triggered once for each change, one-shot once until it is armed again.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

namespace {

int epoll;

std::string Names(uint32_t events) {
  const struct {
    uint32_t bit;
    const char* name;
  } kNames[] = {{EPOLLIN, "IN"},         {EPOLLOUT, "OUT"},      {EPOLLERR, "ERR"},
                {EPOLLHUP, "HUP"},       {EPOLLRDHUP, "RDHUP"},  {EPOLLPRI, "PRI"},
                {EPOLLRDNORM, "RDNORM"}, {EPOLLWRNORM, "WRNORM"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if (events & bit) text += (text.empty() ? "" : "|") + std::string(name);
  }
  return text;
}

void Wait(const char* what) {
  epoll_event events[8];
  const int count = epoll_wait(epoll, events, 8, 0);
  Must(count >= 0, "epoll_wait");
  std::printf("  %s:", what);
  for (int i = 0; i < count; ++i) {
    std::printf(" %c %s", static_cast<char>(events[i].data.u32), Names(events[i].events).c_str());
  }
  std::printf(count == 0 ? " nothing\n" : "\n");
}

void Control(int operation, int fd, uint32_t events, char name) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = name;
  Must(epoll_ctl(epoll, operation, fd, &event) == 0, "epoll_ctl");
}

void Add(uint64_t value, int counter) {
  Must(write(counter, &value, sizeof value) == sizeof value, "write");
}
void Take(int counter) {
  uint64_t value;
  Must(read(counter, &value, sizeof value) == sizeof value, "read");
}

void Counter(const char* how, uint32_t events) {
  std::printf("eventfd, %s\n", how);
  epoll = epoll_create1(0);
  const int counter = eventfd(0, EFD_NONBLOCK);
  Control(EPOLL_CTL_ADD, counter, events, 'c');
  Wait("at first");
  Wait("again");
  Add(1, counter);
  Wait("written");
  Wait("again");
  Add(2, counter);
  Wait("written while ready");
  Add(0, counter);
  Wait("0 written");
  Take(counter);
  Wait("read");
  Wait("again");
  Add(1, counter);
  Take(counter);
  Wait("written and read");
  Add(1, counter);
  Control(EPOLL_CTL_MOD, counter, events, 'C');
  Wait("modified while ready");
  Wait("again");
  Add(UINT64_MAX - 2, counter);
  Wait("full");
  Take(counter);
  Wait("read when full");
  Control(EPOLL_CTL_MOD, counter, events & ~EPOLLIN, 'd');
  Add(1, counter);
  Wait("not interested in reading");
  Control(EPOLL_CTL_MOD, counter, 0, 'e');
  Wait("interested in nothing");
  close(counter);
  Wait("closed");
  close(epoll);
}

void Pipe(const char* how, uint32_t flags) {
  std::printf("pipe, %s\n", how);
  epoll = epoll_create1(0);
  int ends[2];
  Must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
  Control(EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLRDHUP | flags, 'r');
  Control(EPOLL_CTL_ADD, ends[1], EPOLLOUT | flags, 'w');
  Wait("at first");
  Wait("again");
  char bytes[4096] = "";
  Must(write(ends[1], bytes, 2) == 2, "write");
  Wait("written");
  Wait("again");
  Must(write(ends[1], bytes, 2) == 2, "write");
  Wait("more written");
  Must(read(ends[0], bytes, 1) == 1, "read");
  Wait("some read");
  Must(read(ends[0], bytes, 3) == 3, "read");
  Wait("all read");
  while (write(ends[1], bytes, sizeof bytes) > 0) {
  }
  Wait("full");
  Wait("again");
  Must(read(ends[0], bytes, 1) == 1, "read");
  Wait("a byte read when full");
  Must(read(ends[0], bytes, sizeof bytes) == sizeof bytes, "read");
  Wait("a page read");
  Wait("again");
  while (read(ends[0], bytes, sizeof bytes) > 0) {
  }
  Wait("emptied");
  Must(write(ends[1], bytes, 3) == 3, "write");
  Must(close(ends[1]) == 0, "close");
  Wait("the writer has gone");
  Wait("again");
  Must(read(ends[0], bytes, sizeof bytes) == 3, "read");
  Wait("the rest read");
  Wait("again");
  Must(close(ends[0]) == 0, "close");

  Must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
  Control(EPOLL_CTL_ADD, ends[1], EPOLLOUT | flags, 'w');
  Wait("another pipe");
  Must(close(ends[0]) == 0, "close");
  Wait("the reader has gone");
  Wait("again");
  Must(close(ends[1]) == 0, "close");
  Wait("all closed");
  close(epoll);
}

}  // namespace

int main() {
  Counter("level-triggered", EPOLLIN);
  Counter("level-triggered, both directions", EPOLLIN | EPOLLOUT);
  Counter("edge-triggered", EPOLLIN | EPOLLET);
  Counter("edge-triggered, both directions", EPOLLIN | EPOLLOUT | EPOLLET);
  Counter("one-shot", EPOLLIN | EPOLLONESHOT);
  Counter("one-shot and edge-triggered", EPOLLIN | EPOLLET | EPOLLONESHOT);
  Counter("other names of the same", EPOLLRDNORM | EPOLLWRNORM);
  Pipe("level-triggered", 0);
  Pipe("edge-triggered", EPOLLET);
  Pipe("one-shot", EPOLLONESHOT);
  return 0;
}
