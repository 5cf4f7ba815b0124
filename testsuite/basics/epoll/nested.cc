// nested: epoll instances within epoll instances, as deep as Linux allows, with loops refused.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdint>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

long Add(int epoll, int fd, uint32_t events = EPOLLIN, uint32_t data = 0) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = data;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void Wait(const char* what, int epoll) {
  epoll_event events[8];
  const int count = epoll_wait(epoll, events, 8, 0);
  std::printf("%s:", what);
  for (int i = 0; i < count; ++i) std::printf(" (%u, %x)", events[i].data.u32, events[i].events);
  std::printf(count <= 0 ? " nothing\n" : "\n");
}

void Signal(int counter) {
  const uint64_t one = 1;
  Must(write(counter, &one, sizeof one) == sizeof one, "write");
}
void Drain(int counter) {
  uint64_t value;
  Must(read(counter, &value, sizeof value) == sizeof value, "read");
}

}  // namespace

int main() {
  const int counter = eventfd(0, EFD_NONBLOCK);
  const int inner = epoll_create1(0), middle = epoll_create1(0), outer = epoll_create1(0);
  Must(Add(inner, counter, EPOLLIN, 1) == 0 && Add(middle, inner, EPOLLIN, 2) == 0 &&
           Add(outer, middle, EPOLLIN, 3) == 0,
       "add");
  Wait("nothing yet", outer);
  Signal(counter);
  Wait("outer", outer);
  Wait("outer again", outer);
  Wait("middle", middle);
  Wait("inner", inner);
  pollfd watched = {outer, POLLIN | POLLOUT, 0};
  ShowCount("poll", poll(&watched, 1, 0));
  std::printf("revents %x\n", watched.revents);
  Drain(counter);
  Wait("drained, outer", outer);
  ShowCount("poll", poll(&watched, 1, 0));

  // Edge-triggered on the inner instance.
  const int edges = epoll_create1(0);
  Must(Add(edges, inner, EPOLLIN | EPOLLET, 4) == 0, "add");
  Signal(counter);
  Wait("an edge", edges);
  Wait("no edge", edges);
  Signal(counter);
  Wait("another edge", edges);
  Wait("inner takes its events", inner);
  Wait("no edge", edges);
  Drain(counter);
  Signal(counter);
  Wait("an edge again", edges);
  Must(Add(edges, outer, EPOLLOUT, 5) == 0, "add");
  Wait("an instance is never writable", edges);

  // The inner instance is closed; its interest goes with it.
  Must(close(inner) == 0, "close");
  Wait("inner closed, middle", middle);
  Wait("inner closed, outer", outer);

  // Loops.
  const int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0);
  Show("a watches b", Add(a, b));
  Show("b watches c", Add(b, c));
  Show("c watches a", Add(c, a));
  Show("b watches a", Add(b, a));
  Show("a watches c too", Add(a, c));
  Show("a watches itself", Add(a, a));
  const int a_too = dup(a);
  Show("a watches a duplicate of itself", Add(a, a_too));
  Show("c watches a duplicate of a", Add(c, a_too));

  // Depth.
  std::vector<int> chain = {epoll_create1(0)};
  Must(Add(chain[0], counter) == 0, "add");
  for (int depth = 1; depth <= 7; ++depth) {
    const int next = epoll_create1(0);
    std::printf("depth %d: ", depth);
    if (Show("wrapped", Add(next, chain.back())) < 0) break;
    chain.push_back(next);
  }
  Wait("through the deepest", chain.back());
  // The other way: from outside to inside.
  std::vector<int> down = {epoll_create1(0)};
  for (int depth = 1; depth <= 7; ++depth) {
    const int next = epoll_create1(0);
    std::printf("depth %d: ", depth);
    if (Show("extended", Add(down.back(), next)) < 0) break;
    down.push_back(next);
  }
  Show("an eventfd at the end", Add(down.back(), counter));
  Wait("from the top", down[0]);
  return 0;
}
