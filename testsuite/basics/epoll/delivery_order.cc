// delivery_order: which events come when more are ready than there is room for. In the order in
// which they became ready; level-triggered ones go to the end of the line, so that everyone has a
// turn.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

int epoll;
int counters[10];

void Wait(const char* what, int room) {
  epoll_event events[16];
  const int count = epoll_wait(epoll, events, room, 0);
  Must(count >= 0, "epoll_wait");
  std::printf("%s:", what);
  for (int i = 0; i < count; ++i) std::printf(" %u", events[i].data.u32);
  std::printf(count == 0 ? " nothing\n" : "\n");
}

void Control(int operation, uint32_t which, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = which;
  Must(epoll_ctl(epoll, operation, counters[which], &event) == 0, "epoll_ctl");
}

void Signal(std::initializer_list<int> which) {
  const uint64_t one = 1;
  for (const int i : which) Must(write(counters[i], &one, sizeof one) == sizeof one, "write");
}

void Drain(int which) {
  uint64_t value;
  Must(read(counters[which], &value, sizeof value) == sizeof value, "read");
}

void Run(const char* how, uint32_t trigger) {
  std::printf("-- %s\n", how);
  epoll = epoll_create1(0);
  for (int i = 0; i < 10; ++i) {
    counters[i] = eventfd(0, EFD_NONBLOCK);
    Control(EPOLL_CTL_ADD, i, EPOLLIN | trigger);
  }
  Signal({7, 3, 9, 1});
  Wait("in the order of the signals", 16);
  Wait("again", 16);
  Signal({2, 3, 0});
  Wait("more of them", 16);
  Signal({9, 8, 7, 6, 5});
  Wait("room for two", 2);
  Signal({4});
  Wait("room for two", 2);
  Wait("room for two", 2);
  Wait("room for two", 2);
  Wait("the others", 16);
  Control(EPOLL_CTL_MOD, 5, EPOLLIN | trigger);
  Control(EPOLL_CTL_MOD, 2, EPOLLIN | trigger);
  Wait("two modified", 16);
  Drain(7);
  Drain(3);
  Wait("two drained", 16);
  Signal({3, 7});
  Wait("and back", 16);
  for (const int counter : counters) close(counter);
  close(epoll);
}

}  // namespace

int main() {
  Run("level-triggered", 0);
  Run("edge-triggered", EPOLLET);
  Run("one-shot", EPOLLONESHOT);

  // Ready before they are added.
  epoll = epoll_create1(0);
  for (int i = 0; i < 10; ++i) counters[i] = eventfd(1, 0);
  for (const int i : {4, 2, 8}) Control(EPOLL_CTL_ADD, i, EPOLLIN);
  Wait("ready before they were added", 16);
  return 0;
}
