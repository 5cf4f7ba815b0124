// A waker whose eventfd is never read.
//
// Each write to an eventfd is an edge for EPOLLET, whatever the counter was. So mio's Waker writes
// and nobody reads: no system call is spent on it by the polling thread. Wake-ups between two polls
// are one event; a wake-up before a poll ends that poll at once; and there is one event for all,
// not one for each. When the counter is full the writer gets EAGAIN, reads it to reset it, and
// writes again; several writers may do so at a time, and the poll is woken all the same.
//
// mio: sys/unix/waker/eventfd.rs (wake, reset).
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/mio/mio.h"

namespace {

constexpr mio::Token kToken = 10;

int Count(mio::Poll* poll, int timeout) {
  mio::Events events(8);
  poll->WaitOn(&events, timeout);
  for (const epoll_event& event : events) {
    Must(event.data.u64 == kToken && event.events == EPOLLIN, "the waker's event");
  }
  return events.size();
}

// Threads wake and wait until they were heard, with nothing but the waker between them and the
// poll.
void FromThreads() {
  constexpr int kThreads = 3, kRounds = 50;
  mio::Poll poll;
  mio::Waker waker(poll.registry(), kToken);
  std::atomic<int> asked[kThreads] = {}, heard[kThreads] = {};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 1; i <= kRounds; ++i) {
        asked[t].store(i);
        waker.Wake();
        heard[t].wait(i - 1);
      }
    });
  }
  for (int total = 0; total < kThreads * kRounds;) {
    Must(Count(&poll, -1) == 1, "one event for all");
    for (int t = 0; t < kThreads; ++t) {
      const int now = asked[t].load();
      if (now == heard[t].load()) continue;
      ++total;
      heard[t].store(now);
      heard[t].notify_one();
    }
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%d threads were heard %d times each\n", kThreads, kRounds);
}

// Threads that find the counter full.
void Full() {
  constexpr int kThreads = 3;
  mio::Poll poll;
  mio::Waker waker(poll.registry(), kToken);
  const uint64_t almost_all = UINT64_MAX - 1;
  for (int round = 0; round < 20; ++round) {
    // Someone may just have reset it: fill it whatever it holds.
    uint64_t rest;
    if (read(waker.fd(), &rest, sizeof rest) < 0) Must(errno == EAGAIN, "emptying");
    Must(write(waker.fd(), &almost_all, sizeof almost_all) == sizeof almost_all, "filling");
    Count(&poll, 0);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) threads.emplace_back([&] { waker.Wake(); });
    Must(Count(&poll, -1) == 1, "it is woken");
    for (std::thread& thread : threads) thread.join();
    Count(&poll, 0);
    uint64_t count;
    Must(read(waker.fd(), &count, sizeof count) == sizeof count, "the counter");
    Must(count >= 1 && count <= kThreads, "it was reset");
  }
  std::printf("full: reset, and woken\n");
}

}  // namespace

int main() {
  mio::Poll poll;
  mio::Waker waker(poll.registry(), kToken);
  std::printf("not woken: %d\n", Count(&poll, 0));
  waker.Wake();
  std::printf("woken before: %d\n", Count(&poll, -1));
  std::printf("polled again: %d\n", Count(&poll, 0));
  for (int i = 0; i < 5; ++i) waker.Wake();
  std::printf("woken five times: %d\n", Count(&poll, -1));
  std::printf("polled again: %d\n", Count(&poll, 0));
  uint64_t count;
  Must(read(waker.fd(), &count, sizeof count) == sizeof count && count == 6, "all were counted");
  std::printf("reading it is no event: %d\n", Count(&poll, 0));
  FromThreads();
  Full();
  return 0;
}
