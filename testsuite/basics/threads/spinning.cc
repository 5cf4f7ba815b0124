// spinning: locks that wait by asking again and again, with sched_yield and without: they come to
// an end on any scheduler that lets everybody run at some time.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

constexpr int kThreads = 3, kRounds = 100;

template <typename Lock, typename Unlock>
void Try(const char* name, Lock lock, Unlock unlock) {
  long first = 0, second = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kRounds; ++k) {
        lock();
        Must(first == second, "one at a time");
        ++first;
        if (k % 25 == 0) sched_yield();
        ++second;
        unlock();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%s: %ld\n", name, second);
}

}  // namespace

int main() {
  std::atomic_flag flag = ATOMIC_FLAG_INIT;
  const auto clear = [&] { flag.clear(std::memory_order_release); };
  Try(
      "test-and-set, yielding",
      [&] {
        while (flag.test_and_set()) sched_yield();
      },
      clear);
  Try(
      "test-and-set",
      [&] {
        while (flag.test_and_set(std::memory_order_acquire)) continue;
      },
      clear);

  std::atomic<int> word = 0;
  Try(
      "test, then compare-and-swap",
      [&] {
        for (;;) {
          int expected = 0;
          if (word.load(std::memory_order_relaxed) == 0 &&
              word.compare_exchange_weak(expected, 1)) {
            return;
          }
        }
      },
      [&] { word.store(0, std::memory_order_release); });

  std::atomic<unsigned> next = 0, serving = 0;
  Try(
      "tickets, yielding",
      [&] {
        const unsigned mine = next.fetch_add(1);
        while (serving.load(std::memory_order_acquire) != mine) sched_yield();
      },
      [&] { serving.fetch_add(1, std::memory_order_release); });

  pthread_spinlock_t spin;
  Must(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE) == 0, "pthread_spin_init");
  Try(
      "pthread_spin_lock", [&] { pthread_spin_lock(&spin); }, [&] { pthread_spin_unlock(&spin); });
  pthread_spin_lock(&spin);
  std::printf("trylock of a locked one: %s\n", ErrorName(pthread_spin_trylock(&spin)));

  // Without an atomic read-modify-write: two flags and whose turn it is, which need sequential
  // consistency.
  std::atomic<bool> wants[2] = {};
  std::atomic<int> turn = 0;
  long count = 0;
  const auto run = [&](int me) {
    for (int i = 0; i < kRounds; ++i) {
      wants[me] = true;
      turn = 1 - me;
      while (wants[1 - me] && turn == 1 - me) continue;
      const long seen = count;
      if (i % 25 == 0) sched_yield();
      count = seen + 1;
      wants[me] = false;
    }
  };
  std::thread other(run, 1);
  run(0);
  other.join();
  std::printf("two flags and a turn: %ld\n", count);
  return 0;
}
