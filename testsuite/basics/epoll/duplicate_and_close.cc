// duplicate_and_close: the epoll instance is the description, not the number. Its number is
// duplicated, the first number closed; what happens then is seen through the duplicate, for every
// kind of trigger, and registrations can still be changed. (An emulator that keeps its instances by
// number loses the wake-up here: rust-lang/miri#3858.)
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

void Wait(const char* what, int epoll, int timeout_ms = 0) {
  epoll_event events[8];
  const int count = epoll_wait(epoll, events, 8, timeout_ms);
  std::printf("%s:", what);
  if (count < 0) std::printf(" %s", ErrorName(errno));
  for (int i = 0; i < count; ++i) std::printf(" (%u, %x)", events[i].data.u32, events[i].events);
  std::printf(count == 0 ? " nothing\n" : "\n");
}

void Watch(int epoll, int fd, uint32_t events, uint32_t data) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = data;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

void Signal(int counter) {
  const uint64_t one = 1;
  Must(write(counter, &one, sizeof one) == sizeof one, "write");
}

}  // namespace

int main() {
  for (const uint32_t trigger : {uint32_t{0}, uint32_t{EPOLLET}, uint32_t{EPOLLONESHOT}}) {
    std::printf("-- trigger %x\n", trigger);
    const int epoll = epoll_create1(EPOLL_CLOEXEC), counter = eventfd(0, EFD_NONBLOCK);
    const int second = eventfd(3, EFD_NONBLOCK);
    Watch(epoll, counter, EPOLLIN | trigger, 1);
    const int duplicate = dup(epoll);
    Must(duplicate >= 0 && close(epoll) == 0, "dup and close");
    Wait("the first number", epoll);
    Wait("nothing yet", duplicate);
    Signal(counter);
    Wait("waiting for ever on the duplicate", duplicate, -1);
    Wait("again", duplicate);

    // The instance can still be changed, and added to.
    epoll_event event = {};
    event.events = EPOLLIN | trigger;
    event.data.u32 = 2;
    Show("modify through the duplicate", epoll_ctl(duplicate, EPOLL_CTL_MOD, counter, &event));
    Wait("modified", duplicate);
    Watch(duplicate, second, EPOLLIN | trigger, 3);
    Wait("added", duplicate);

    // The number of the first is used again, by something else, and by another instance.
    const int reused = eventfd(0, 0);
    Must(reused == epoll, "the lowest number is free");
    Wait("the number is an eventfd now", reused);
    Must(close(reused) == 0, "close");
    const int another = epoll_create1(0);
    Must(another == epoll, "the lowest number is free");
    Signal(counter);
    Signal(second);
    Wait("another instance has nothing", another);
    Wait("the duplicate", duplicate);

    // Through three numbers, made in three ways.
    const int third = fcntl(duplicate, F_DUPFD_CLOEXEC, 0);
    Must(third >= 0 && dup2(third, another) == another && close(duplicate) == 0,
         "F_DUPFD and dup2");
    Show("add again through another number", epoll_ctl(another, EPOLL_CTL_ADD, counter, &event));
    Signal(second);
    Signal(counter);
    Wait("the third", third);
    Wait("the fourth", another);
    Must(close(third) == 0, "close");
    Show("delete through the last", epoll_ctl(another, EPOLL_CTL_DEL, counter, nullptr));
    Signal(counter);
    Wait("the last", another);
    Must(close(another) == 0 && close(counter) == 0 && close(second) == 0, "close");
  }
  return 0;
}
