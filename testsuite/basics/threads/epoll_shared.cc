// epoll_shared: several threads wait in one epoll instance, or in several that watch one
// description: who is told what, with EPOLLET, EPOLLONESHOT and EPOLLEXCLUSIVE. Each event that is
// taken once is handled once.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

constexpr int kThreads = 4;

int Add(int epoll, int fd, unsigned events, uint64_t data) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = data;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// ONESHOT: between the report and EPOLL_CTL_MOD the description is one thread's alone.
void OneShot() {
  const int epoll = epoll_create1(0), counter = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
  const int stop = eventfd(0, 0);
  Must(Add(epoll, counter, EPOLLIN | EPOLLONESHOT, 1) == 0, "epoll_ctl");
  Must(Add(epoll, stop, EPOLLIN, 2) == 0, "epoll_ctl");
  std::atomic<int> inside = 0, taken = 0;
  std::vector<std::thread> threads;
  constexpr int kTokens = 100;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (;;) {
        epoll_event event;
        Must(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
        if (event.data.u64 == 2) return;
        Must(inside.fetch_add(1) == 0, "one thread alone");
        uint64_t value;
        Must(read(counter, &value, 8) == 8, "there is something to take");
        if (++taken == kTokens) {
          value = 1;
          Must(write(stop, &value, 8) == 8, "write");
        }
        Must(inside.fetch_sub(1) == 1, "one thread alone");
        event.events = EPOLLIN | EPOLLONESHOT;
        event.data.u64 = 1;
        Must(epoll_ctl(epoll, EPOLL_CTL_MOD, counter, &event) == 0, "epoll_ctl");
      }
    });
  }
  for (int i = 0; i < kTokens; ++i) {
    const uint64_t value = 1;
    Must(write(counter, &value, 8) == 8, "write");
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("oneshot: %d taken\n", taken.load());
  close(epoll);
  close(counter);
  close(stop);
}

// ET: one edge is one thread's; the next comes when that has been taken.
void EdgeTriggered() {
  const int epoll = epoll_create1(0);
  int ends[2];
  Must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
  Must(Add(epoll, ends[0], EPOLLIN | EPOLLET, 1) == 0, "epoll_ctl");
  std::atomic<int> reports = 0, bytes = 0;
  std::vector<std::thread> threads;
  constexpr int kRounds = 100;
  Gate taken;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (;;) {
        epoll_event event;
        Must(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
        if ((event.events & EPOLLHUP) != 0) {
          // Hanging up is the last edge: pass it on to the other.
          event.events = EPOLLIN | EPOLLET;
          Must(epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], &event) == 0, "epoll_ctl");
          return;
        }
        ++reports;
        char byte;
        while (read(ends[0], &byte, 1) == 1) ++bytes;
        taken.Open();
      }
    });
  }
  for (int i = 0; i < kRounds; ++i) {
    Must(write(ends[1], "x", 1) == 1, "write");
    taken.Pass();
  }
  close(ends[1]);
  for (std::thread& thread : threads) thread.join();
  std::printf("edge-triggered: %d bytes in %d reports\n", bytes.load(), reports.load());
  close(epoll);
  close(ends[0]);
}

// LT: nobody misses what stays ready, and all of it is read.
void LevelTriggered() {
  const int epoll = epoll_create1(0), counter = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
  Must(Add(epoll, counter, EPOLLIN, 1) == 0, "epoll_ctl");
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  constexpr int kEach = 50;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int mine = 0; mine < kEach;) {
        epoll_event event;
        Must(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
        uint64_t value;
        if (read(counter, &value, 8) == 8) ++mine, ++taken;  // Or somebody else was there first.
      }
    });
  }
  const uint64_t half = kThreads * kEach / 2;
  Must(write(counter, &half, 8) == 8 && write(counter, &half, 8) == 8, "write");
  for (std::thread& thread : threads) thread.join();
  std::printf("level-triggered: %d taken\n", taken.load());
  close(epoll);
  close(counter);
}

// Each thread has an instance of its own. All see what stays; EXCLUSIVE lets one come for one
// thing at least, and nothing is left lying.
void Several(unsigned flags, const char* name) {
  const int counter = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  Gate ready, served;
  constexpr int kTokens = 60;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const int epoll = epoll_create1(0);
      Must(Add(epoll, counter, EPOLLIN | flags, 1) == 0, "epoll_ctl");
      ready.Open();
      for (;;) {
        epoll_event event;
        Must(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
        uint64_t value;
        if (taken >= kTokens) break;
        if (read(counter, &value, 8) != 8) continue;
        const int now = ++taken;
        if (now <= kTokens) served.Open();
      }
      close(epoll);
    });
  }
  for (int i = 0; i < kThreads; ++i) ready.Pass();
  const uint64_t one = 1, many = 1000;
  for (int i = 0; i < kTokens; ++i) {
    Must(write(counter, &one, 8) == 8, "write");
    served.Pass();
  }
  // Enough for everybody to see that it is over: stays ready.
  Must(write(counter, &many, 8) == 8, "write");
  for (int i = 0; i < kThreads; ++i) Must(write(counter, &one, 8) == 8, "write");
  for (std::thread& thread : threads) thread.join();
  std::printf("%s: %d served\n", name, kTokens);
  close(counter);
}

}  // namespace

int main() {
  OneShot();
  EdgeTriggered();
  LevelTriggered();
  Several(0, "an instance each");
  Several(EPOLLEXCLUSIVE, "an instance each, exclusive");
  return 0;
}
