// who_wakes: which of several waiting threads one event wakes. Of the waiters of one instance the
// last that came; the others too where the event is level-triggered, because it stays. Of the
// instances that watch exclusively the first that has a waiter. And how many ways one wake-up may
// have to go before the kernel refuses.
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"

namespace {

constexpr uint32_t kNews = 1, kStop = 2;

void Add(int epoll, int fd, uint32_t events, uint32_t data = kNews) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = data;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

void Signal(int counter) {
  const uint64_t one = 1;
  Must(write(counter, &one, sizeof one) == sizeof one, "write");
}

// A thread that waits once.
class Waiter {
 public:
  explicit Waiter(int epoll) {
    thread_ = std::thread([this, epoll] {
      tid_ = Tid();
      epoll_event event = {};
      Must(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
      got_ = event.data.u32;
    });
    while (tid_ == 0) sched_yield();
    UntilThreadAsleep(tid_);
  }
  ~Waiter() { thread_.join(); }
  bool woken() const { return got_ == kNews; }

 private:
  std::thread thread_;
  std::atomic<pid_t> tid_ = 0;
  std::atomic<uint32_t> got_ = 0;
};

// Two instances that watch one counter, and waiters of them, in this order; so many shall wake.
void Ask(const char* what, uint32_t events, std::initializer_list<int> waits_for, int wakes) {
  const int counter = eventfd(0, EFD_NONBLOCK), stop = eventfd(0, EFD_NONBLOCK);
  int epolls[2];
  for (int& epoll : epolls) {
    epoll = epoll_create1(0);
    Add(epoll, counter, events);
    Add(epoll, stop, EPOLLIN, kStop);
  }
  {
    std::vector<std::unique_ptr<Waiter>> waiters;
    for (const int which : waits_for) waiters.push_back(std::make_unique<Waiter>(epolls[which]));
    Signal(counter);
    const auto woken = [&] {
      int count = 0;
      for (const auto& waiter : waiters) count += waiter->woken();
      return count;
    };
    // A busy machine takes its time; and nobody can be asked whether one more will wake.
    for (int i = 0; i < 100 && woken() < wakes; ++i) poll(nullptr, 0, 50);
    poll(nullptr, 0, 50);
    std::printf("%s:", what);
    for (size_t i = 0; i < waiters.size(); ++i) {
      if (waiters[i]->woken()) std::printf(" %zu", i + 1);
    }
    std::printf("\n");
    Signal(stop);
  }
  for (const int fd : {counter, stop, epolls[0], epolls[1]}) close(fd);
}

// So many instances watch the counter and are watched themselves.
void Paths() {
  const int counter = eventfd(0, EFD_NONBLOCK), outer = epoll_create1(0);
  int count = 0;
  for (; count < 600; ++count) {
    const int inner = epoll_create1(0);
    Must(inner >= 0, "epoll_create1");
    Add(inner, counter, EPOLLIN);
    epoll_event event = {};
    if (epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event) != 0) break;
  }
  std::printf("%d ways of two steps, then %s\n", count, ErrorName(errno));
}

}  // namespace

int main() {
  Ask("waiters of one instance, edge-triggered", EPOLLIN | EPOLLET, {0, 0, 0}, 1);
  Ask("waiters of one instance, level-triggered", EPOLLIN, {0, 0, 0}, 3);
  Ask("one-shot", EPOLLIN | EPOLLONESHOT, {0, 0, 0}, 1);
  Ask("two instances", EPOLLIN | EPOLLET, {0, 1}, 2);
  Ask("exclusively", EPOLLIN | EPOLLEXCLUSIVE, {0, 1}, 1);
  Ask("exclusively, and the first has no waiter", EPOLLIN | EPOLLEXCLUSIVE, {1}, 1);
  Ask("exclusively, two waiters each", EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, {0, 0, 1, 1}, 1);
  Paths();
  return 0;
}
