// The signal pipe of the process, in the reactors of two runtimes.
//
// The handler writes to a socket pair of which each runtime has a duplicate in its epoll instance.
// A signal wakes both drivers. One of them drains the pair and tells the listeners of both
// runtimes; the other finds nothing, or drains what a later signal wrote. Signals that come faster
// than they are handled become one, but what comes after a listener was told is told again.
//
// Each round sends SIGUSR1 to the process and waits until all listeners, two of either runtime,
// have been told; every tenth sends it to a thread, and SIGUSR2 at once. Then a runtime is dropped
// with its duplicate, and the other one's listeners hear of signals as before. At last so many
// signals come that the pair could be full, while nobody drains it.
//
// Tokio: signal/unix.rs (action), signal/registry.rs, runtime/signal/mod.rs (Driver::new, process).
#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/signals.h"
#include "testsuite/tokio/sync.h"

namespace {

constexpr int kRounds = 40;

void Await(tokio::Signal* signal) {
  tokio::BlockOn([&](const tokio::Waker& waker) {
    return signal->PollReceive(waker) ? std::optional(true) : std::nullopt;
  });
}

}  // namespace

int main() {
  auto first = std::make_unique<tokio::SignalRuntime>();
  auto second = std::make_unique<tokio::SignalRuntime>();

  // Threads of either runtime that wait in block_on, and go on together.
  constexpr int kListeners = 4;
  std::vector<std::unique_ptr<tokio::Signal>> listeners;
  for (int i = 0; i < kListeners; ++i) {
    listeners.push_back(std::make_unique<tokio::Signal>(SIGUSR1));
  }
  Gate told;
  std::vector<std::thread> threads;
  for (const auto& listener : listeners) {
    threads.emplace_back([&told, signal = listener.get()] {
      for (int i = 0; i < kRounds; ++i) {
        Await(signal);
        told.Open();
      }
    });
  }
  tokio::Signal other(SIGUSR2);
  for (int i = 0; i < kRounds; ++i) {
    if (i % 10 == 0) {
      Must(pthread_kill(threads[i / 10].native_handle(), SIGUSR1) == 0, "pthread_kill");
      Must(kill(getpid(), SIGUSR2) == 0, "kill");
    } else {
      Must(kill(getpid(), SIGUSR1) == 0, "kill");
    }
    for (int k = 0; k < kListeners; ++k) told.Pass();
    if (i % 10 == 0) Await(&other);
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%d listeners were told %d times\n", kListeners, kRounds);

  first.reset();
  std::printf("a runtime is gone\n");
  tokio::Signal listener(SIGUSR1);
  for (int i = 0; i < 5; ++i) {
    Must(kill(getpid(), SIGUSR1) == 0, "kill");
    Await(&listener);
  }
  std::printf("the other is told\n");

  second.reset();
  for (int i = 0; i < 1000; ++i) raise(SIGUSR1);
  tokio::SignalRuntime third;
  Await(&listener);
  std::printf("a new runtime finds what came while there was none\n");
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 400; ++i) raise(SIGUSR1);
    Must(kill(getpid(), SIGUSR2) == 0, "kill");
    Await(&other);
    Await(&listener);
  }
  std::printf("and has drained the pipe each time\n");
  return 0;
}
