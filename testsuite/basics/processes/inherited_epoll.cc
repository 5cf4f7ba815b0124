// inherited_epoll: an epoll instance that a child inherits is the parent's: one set of interests,
// one list of what is ready; numbers in it mean what they meant where they were added.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "testsuite/basics/tasks.h"

namespace {

int Add(int epoll, int fd, unsigned events, int data) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(data);
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void Report(const char* what, int epoll, int timeout = 0) {
  epoll_event events[8];
  const int count = epoll_wait(epoll, events, 8, timeout);
  std::printf("%s:", what);
  for (int i = 0; i < count; ++i) {
    std::printf(" %d=%x", static_cast<int>(events[i].data.u64), events[i].events);
  }
  std::printf("%s\n", count == 0 ? " nothing" : "");
}

template <typename Body>
void InChild(Body body) {
  Must(Wait(Fork([&] {
         body();
         return 0;
       })) == 0,
       "the child");
}

}  // namespace

int main() {
  const int epoll = epoll_create1(0), first = eventfd(1, 0), second = eventfd(1, 0);
  const uint64_t one = 1;
  Must(Add(epoll, first, EPOLLIN | EPOLLET, 1) == 0, "epoll_ctl");
  InChild([&] { Report("the child takes the edge", epoll); });
  Report("the parent sees none", epoll);
  InChild([&] { Must(Add(epoll, second, EPOLLIN, 2) == 0, "epoll_ctl"); });
  Report("added by the child", epoll);
  Show("it is there", Add(epoll, second, EPOLLIN, 2));
  InChild([&] {
    Must(epoll_ctl(epoll, EPOLL_CTL_DEL, second, nullptr) == 0, "EPOLL_CTL_DEL");
    Must(write(first, &one, 8) == 8, "write");
  });
  Report("taken away by the child, and an edge", epoll);

  // What only the child has open stays watched as long as it is open there.
  int ends[2];
  Must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  Gate added, close_it, closed;
  const pid_t child = Fork([&] {
    int own[2];
    Must(pipe(own) == 0, "pipe");
    Must(dup2(own[0], 70) == 70 && close(own[0]) == 0, "dup2");
    Must(Add(epoll, 70, EPOLLIN, 3) == 0, "epoll_ctl");
    Must(write(own[1], "x", 1) == 1, "write");
    added.Open();
    close_it.Pass();
    close(70);
    closed.Open();
    return 0;
  });
  added.Pass();
  Report("the child's own pipe", epoll);
  Show("by its number here", epoll_ctl(epoll, EPOLL_CTL_DEL, 70, nullptr));
  Must(dup2(ends[0], 70) == 70, "dup2");
  Show("another description at its number", epoll_ctl(epoll, EPOLL_CTL_DEL, 70, nullptr));
  Show("can be added beside it", Add(epoll, 70, EPOLLIN, 4));
  Must(write(ends[1], "y", 1) == 1, "write");
  Report("both", epoll);
  close_it.Open();
  closed.Pass();
  Report("closed in the child", epoll);
  ShowEnd("the child", child);

  // A description that both have stays when one closes it.
  InChild([&] {
    close(first);
    close(70);
    close(ends[0]);
  });
  Must(write(first, &one, 8) == 8, "write");
  Report("closed in another child", epoll);
  close(first);
  Report("closed here, too", epoll);

  // The parent waits in it while the child makes something ready; both close their numbers.
  const int third = eventfd(0, 0);
  Must(epoll_ctl(epoll, EPOLL_CTL_DEL, 70, nullptr) == 0, "EPOLL_CTL_DEL");
  Must(Add(epoll, third, EPOLLIN, 5) == 0, "epoll_ctl");
  const pid_t writer = Fork([&] {
    close(epoll);
    return write(third, &one, 8) == 8 ? 7 : 8;
  });
  Report("waited for", epoll, -1);
  ShowEnd("the writer", writer);

  // Two processes in one instance: one thing for one of them, if they take it.
  const int tokens = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), stop = eventfd(0, 0);
  const int shared = epoll_create1(0);
  Must(Add(shared, tokens, EPOLLIN, 6) == 0 && Add(shared, stop, EPOLLIN, 7) == 0, "epoll_ctl");
  int sum = 0;
  pid_t children[2];
  Gate taken;
  for (pid_t& one_of_them : children) {
    one_of_them = Fork([&] {
      for (int mine = 0;;) {
        epoll_event event;
        Must(epoll_wait(shared, &event, 1, -1) == 1, "epoll_wait");
        uint64_t value;
        if (read(tokens, &value, 8) == 8) {
          ++mine;
          taken.Open();
        } else if (event.data.u64 == 7) {
          return mine;
        }
      }
    });
  }
  for (int i = 0; i < 40; ++i) {
    Must(write(tokens, &one, 8) == 8, "write");
    taken.Pass();
  }
  Must(write(stop, &one, 8) == 8, "write");
  for (const pid_t one_of_them : children) sum += WEXITSTATUS(Wait(one_of_them));
  std::printf("tokens: %d\n", sum);
  return 0;
}
