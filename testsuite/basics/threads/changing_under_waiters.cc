// changing_under_waiters: while a thread waits in epoll_wait another adds, changes and takes away
// what is watched: what is ready already when it is added or changed wakes the one that waits.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/threads/waiter.h"

namespace {

int Control(int epoll, int operation, int fd, unsigned events, uint64_t data) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = data;
  return epoll_ctl(epoll, operation, fd, &event);
}

}  // namespace

int main() {
  const int epoll = epoll_create1(0), empty = eventfd(0, EFD_NONBLOCK), full = eventfd(5, 0);
  const uint64_t one = 1;
  uint64_t value;
  epoll_event got = {};
  const auto wait = [&] { return epoll_wait(epoll, &got, 1, -1); };
  const auto print = [&] {
    std::printf("  events %x, data %d\n", got.events, static_cast<int>(got.data.u64));
  };
  {
    Waiter waiter(wait);
    Must(Control(epoll, EPOLL_CTL_ADD, empty, EPOLLIN, 1) == 0, "nothing to report");
    Must(Control(epoll, EPOLL_CTL_ADD, full, EPOLLIN | EPOLLET, 2) == 0, "EPOLL_CTL_ADD");
    waiter.Join("added ready");
    print();
  }
  {
    Waiter waiter(wait);
    Must(Control(epoll, EPOLL_CTL_MOD, full, 0, 3) == 0, "nothing to report");
    Must(Control(epoll, EPOLL_CTL_MOD, empty, EPOLLIN, 4) == 0, "nothing to report");
    Must(Control(epoll, EPOLL_CTL_MOD, full, EPOLLOUT | EPOLLET, 5) == 0, "EPOLL_CTL_MOD");
    waiter.Join("changed to what is ready");
    print();
  }
  {
    Waiter waiter(wait);
    Must(Control(epoll, EPOLL_CTL_MOD, full, EPOLLIN | EPOLLET, 6) == 0, "the same edge again");
    waiter.Join("changed, edge-triggered");
    print();
  }
  {
    Waiter waiter(wait);
    Must(write(full, &one, 8) == 8, "write");
    waiter.Join("an edge");
    print();
  }
  {
    Waiter waiter(wait);
    Must(Control(epoll, EPOLL_CTL_DEL, full, 0, 0) == 0, "EPOLL_CTL_DEL");
    Must(write(full, &one, 8) == 8, "not watched any more");
    Must(write(empty, &one, 8) == 8, "write");
    waiter.Join("another after one was taken away");
    print();
    Must(read(empty, &value, 8) == 8, "read");
  }
  {
    Must(Control(epoll, EPOLL_CTL_MOD, empty, EPOLLIN | EPOLLONESHOT, 7) == 0, "EPOLL_CTL_MOD");
    Waiter waiter(wait);
    Must(write(empty, &one, 8) == 8, "write");
    waiter.Join("oneshot");
    print();
  }
  {
    Waiter waiter(wait);
    Must(write(empty, &one, 8) == 8, "it is disarmed");
    Must(Control(epoll, EPOLL_CTL_MOD, empty, EPOLLIN | EPOLLONESHOT, 8) == 0, "EPOLL_CTL_MOD");
    waiter.Join("armed again");
    print();
  }
  {
    // An instance in an instance.
    const int outer = epoll_create1(0);
    Must(Control(outer, EPOLL_CTL_ADD, epoll, EPOLLIN, 9) == 0, "EPOLL_CTL_ADD");
    Waiter waiter([&] { return epoll_wait(outer, &got, 1, -1); });
    Must(Control(epoll, EPOLL_CTL_MOD, empty, EPOLLIN, 10) == 0, "EPOLL_CTL_MOD");
    waiter.Join("through an outer instance");
    print();
  }
  {
    // Two wait; one thing wakes one of them, the next the other.
    const int shared = epoll_create1(0);
    int pairs[2][2];
    epoll_event events[2] = {};
    for (auto& pair : pairs) {
      Must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
      Must(Control(shared, EPOLL_CTL_ADD, pair[0], EPOLLIN | EPOLLET, &pair - pairs) == 0, "ADD");
    }
    Waiter first([&] { return epoll_wait(shared, &events[0], 1, -1); });
    Waiter second([&] { return epoll_wait(shared, &events[1], 1, -1); });
    Must(write(pairs[0][1], "x", 1) == 1 && write(pairs[1][1], "y", 1) == 1, "write");
    first.Join("the first that waits");
    second.Join("the second");
    std::printf("  data sum %d\n", static_cast<int>(events[0].data.u64 + events[1].data.u64));
  }
  return 0;
}
