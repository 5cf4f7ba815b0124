// block_on of smol's async-io (src/driver.rs): threads that run futures take turns at polling the
// reactor. A token goes round a ring of threads; the thread that holds the reactor's lock waits in
// epoll_wait for all, wakes the one whose socket has become readable, and that one sends it on. A
// thread that finishes while others wait hands the reactor to the "async-io" thread.
#include <array>
#include <thread>
#include <vector>

#include "testsuite/basics/net.h"
#include "testsuite/smol/reactor.h"

int main() {
  constexpr int kThreads = 4, kRounds = 15;
  Driver driver;
  // Thread i reads from ring[i][0] and writes to ring[i + 1][1].
  std::array<int[2], kThreads> ring;
  for (auto& link : ring) {
    Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, link) == 0,
         "socketpair");
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Async from(driver, ring[i][0]), to(driver, ring[(i + 1) % kThreads][1]);
      for (int round = 0; round < kRounds; ++round) {
        int token = 0;
        ssize_t count = 0;
        if (i != 0 || round != 0) {
          driver.BlockOn([&](const Waker& waker) {
            return from.PollRead(waker, &token, sizeof token, &count);
          });
          Must(count == sizeof token, "a whole token");
        }
        Must(token == round * kThreads + i, "the token has been everywhere");
        ++token;
        driver.BlockOn(
            [&](const Waker& waker) { return to.PollWrite(waker, &token, sizeof token, &count); });
      }
      if (i != 0) return;
      // The last token comes home; the others may have gone by now, and nobody else polls.
      int token = 0;
      ssize_t count = 0;
      driver.BlockOn(
          [&](const Waker& waker) { return from.PollRead(waker, &token, sizeof token, &count); });
      std::printf("steps of the token: %d\n", token);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}
