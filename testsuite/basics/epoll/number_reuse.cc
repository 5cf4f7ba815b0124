// number_reuse: an interest belongs to a description, and is found by the number that it was added
// with. It outlives that number as long as a duplicate lives, a number used again is a different
// interest, and it dies with its description.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

int epoll;

void Wait(const char* what) {
  epoll_event events[8];
  const int count = epoll_wait(epoll, events, 8, 0);
  Must(count >= 0, "epoll_wait");
  std::printf("%s:", what);
  for (int i = 0; i < count; ++i) std::printf(" %u", events[i].data.u32);
  std::printf(count == 0 ? " nothing\n" : "\n");
}

long Control(int operation, int fd, uint32_t data) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u32 = data;
  return epoll_ctl(epoll, operation, fd, &event);
}

}  // namespace

int main() {
  epoll = epoll_create1(0);
  const int first = eventfd(1, 0);
  Must(Control(EPOLL_CTL_ADD, first, 1) == 0, "add");
  const int copy = dup(first);
  Wait("registered");
  Show("the duplicate is another key", Control(EPOLL_CTL_ADD, copy, 2));
  Wait("both");
  Show("delete by the duplicate", Control(EPOLL_CTL_DEL, copy, 0));
  Must(close(first) == 0, "close");
  Wait("the number is closed, the description lives");
  Show("delete by the closed number", Control(EPOLL_CTL_DEL, first, 0));
  Show("delete by the duplicate", Control(EPOLL_CTL_DEL, copy, 0));
  Show("modify by the duplicate", Control(EPOLL_CTL_MOD, copy, 0));

  const int second = eventfd(1, 0);
  Must(second == first, "the number is used again");
  Show("modify by the number used again", Control(EPOLL_CTL_MOD, second, 7));
  Show("delete by the number used again", Control(EPOLL_CTL_DEL, second, 7));
  Show("add by the number used again", Control(EPOLL_CTL_ADD, second, 3));
  Wait("two interests, one number");
  uint64_t value;
  Must(read(second, &value, sizeof value) == sizeof value, "read");
  Wait("the second is not ready");
  Must(read(copy, &value, sizeof value) == sizeof value, "read");
  Wait("neither is");
  const uint64_t one = 1;
  Must(write(copy, &one, sizeof one) == sizeof one, "write");
  Wait("the first is, through its duplicate");
  Must(dup2(copy, first) == first, "dup2");
  Wait("the second was closed by dup2");
  Show("and by its old number the first can be reached", Control(EPOLL_CTL_MOD, first, 4));
  Wait("modified");
  Must(close(copy) == 0, "close");
  Wait("one number left");
  Must(close(first) == 0, "close");
  Wait("none left");

  // Three duplicates are three interests, and go one by one.
  const int counter = eventfd(1, 0), twin = dup(counter), triplet = dup(counter);
  Must(Control(EPOLL_CTL_ADD, counter, 10) == 0 && Control(EPOLL_CTL_ADD, twin, 11) == 0 &&
           Control(EPOLL_CTL_ADD, triplet, 12) == 0,
       "add");
  Wait("three");
  Must(close(twin) == 0, "close");
  Wait("still three");
  Must(Control(EPOLL_CTL_DEL, triplet, 0) == 0, "delete");
  Wait("two");
  Must(close(counter) == 0 && close(triplet) == 0, "close");
  Wait("none");

  // Many times over: nothing is left behind.
  for (int i = 0; i < 2000; ++i) {
    const int brief = eventfd(1, 0);
    Must(Control(EPOLL_CTL_ADD, brief, 1000 + i) == 0 && close(brief) == 0, "add and close");
  }
  Wait("after 2000 that were closed");
  return 0;
}
