// edges: a timerfd in epoll instances, edge- and level-triggered, next to each other; and what dup
// and close in any order leave.
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

constexpr long kMilli = 1000000;
int level, edge, once;

int MakeInstance(int timer, uint32_t events) {
  const int instance = epoll_create1(0);
  Must(instance >= 0, "epoll_create1");
  epoll_event event = {};
  event.events = events;
  Must(epoll_ctl(instance, EPOLL_CTL_ADD, timer, &event) == 0, "epoll_ctl");
  return instance;
}

void Wait(const char* name, int instance, int timeout) {
  epoll_event event = {};
  const int count = epoll_wait(instance, &event, 1, timeout);
  Must(count >= 0, "epoll_wait");
  std::printf(" %s %x", name, count == 0 ? 0 : event.events);
}

void WaitAll(const char* what, int timeout = 0) {
  std::printf("%s:", what);
  Wait("level", level, timeout);
  Wait("edge", edge, timeout);
  Wait("once", once, timeout);
  std::printf("\n");
}

void Set(int timer, long value, long interval) {
  const itimerspec setting = {{0, interval}, {0, value}};
  Must(timerfd_settime(timer, 0, &setting, nullptr) == 0, "timerfd_settime");
}

void Sleep(long span) {
  const timespec time = {0, span};
  Must(nanosleep(&time, nullptr) == 0, "nanosleep");
}

uint64_t Read(int timer) {
  uint64_t count = 0;
  return read(timer, &count, sizeof count) == sizeof count ? count : 0;
}

}  // namespace

int main() {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  Must(timer >= 0, "timerfd_create");
  level = MakeInstance(timer, EPOLLIN | EPOLLOUT);
  edge = MakeInstance(timer, EPOLLIN | EPOLLOUT | EPOLLET);
  once = MakeInstance(timer, EPOLLIN | EPOLLONESHOT);
  WaitAll("not set");
  Set(timer, 300 * kMilli, 0);
  WaitAll("not yet");
  WaitAll("expired", 10000);
  WaitAll("still not read");
  Must(Read(timer) == 1, "one");
  WaitAll("read");

  // The next edge comes with the next expiry; once is disarmed.
  Set(timer, kMilli, 0);
  Sleep(3 * kMilli);
  WaitAll("expired again");

  // With an interval it stands still until it is read: one edge, however long it takes.
  Set(timer, kMilli, kMilli);
  Sleep(10 * kMilli);
  WaitAll("many intervals");
  Sleep(5 * kMilli);
  WaitAll("more intervals");
  Must(Read(timer) >= 10, "counted");
  Sleep(5 * kMilli);
  WaitAll("after a read");
  Set(timer, 0, 0);
  WaitAll("disarmed");

  // Setting the number is an edge.
  uint64_t ticks = 2;
  Must(ioctl(timer, _IOW('T', 0, uint64_t), &ticks) == 0, "TFD_IOC_SET_TICKS");
  WaitAll("ticks set");
  WaitAll("and again");
  Must(ioctl(timer, _IOW('T', 0, uint64_t), &ticks) == 0, "TFD_IOC_SET_TICKS");
  WaitAll("set once more");
  Must(Read(timer) == 2, "two");

  // EPOLL_CTL_MOD looks again.
  Set(timer, 1, 0);
  Sleep(kMilli);
  WaitAll("expired");
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  Must(epoll_ctl(edge, EPOLL_CTL_MOD, timer, &event) == 0, "MOD");
  event.events = EPOLLIN | EPOLLONESHOT;
  Must(epoll_ctl(once, EPOLL_CTL_MOD, timer, &event) == 0, "MOD");
  WaitAll("modified");

  // A duplicate keeps the timer, and the interests.
  const int other = dup(timer);
  close(timer);
  Must(Read(other) == 1, "through the duplicate");
  Set(other, kMilli, 0);
  WaitAll("the number is closed", 10);
  close(other);
  WaitAll("all numbers are closed", 5);

  // An instance goes first, the timer expires, all is well.
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  const int watcher = MakeInstance(timer, EPOLLIN);
  Set(timer, kMilli, 0);
  close(watcher);
  Sleep(2 * kMilli);
  Must(Read(timer) == 1, "expired without a watcher");
  // A closed timer does not expire.
  const int survivor = MakeInstance(timer, EPOLLIN);
  Set(timer, kMilli, 0);
  close(timer);
  std::printf("closed while it runs:");
  Wait("level", survivor, 5);
  std::printf("\n");
  return 0;
}
