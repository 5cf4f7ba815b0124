// atomic_waits: C++20's ways to wait: atomic wait and notify, latch, barrier with a completion,
// counting and binary semaphores, atomic_flag, atomic_ref, atomic shared_ptr.
#include <atomic>
#include <barrier>
#include <chrono>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

template <typename Body>
void InThreads(int count, Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// A ring: each waits for its number and sets the next. T of four bytes is a futex, others are not.
template <typename T>
void Ring(const char* name) {
  std::atomic<T> turn = 0;
  int rounds = 0;
  InThreads(4, [&](int me) {
    for (int i = 0; i < 50; ++i) {
      for (T seen = turn.load(); seen != static_cast<T>(me); seen = turn.load()) turn.wait(seen);
      ++rounds;
      turn.store(static_cast<T>((me + 1) % 4));
      turn.notify_all();
    }
  });
  std::printf("ring of %s: %d\n", name, rounds);
}

}  // namespace

int main() {
  Ring<int>("int");
  Ring<unsigned char>("unsigned char");
  Ring<long>("long");

  std::latch latch(5);
  int before[5] = {};
  InThreads(5, [&](int me) {
    before[me] = me + 1;
    latch.arrive_and_wait();
    int sum = 0;
    for (const int value : before) sum += value;
    Must(sum == 15, "all have arrived");
  });
  std::printf("latch: %d\n", latch.try_wait());

  int completions = 0, inside = 0;
  std::barrier barrier(4, [&]() noexcept { completions += inside == 0; });
  InThreads(4, [&](int me) {
    for (int i = 0; i < 40; ++i) barrier.arrive_and_wait();
    if (me == 0) return barrier.arrive_and_drop();
    for (int i = 0; i < 11; ++i) barrier.arrive_and_wait();
  });
  std::printf("barrier: %d completions\n", completions);

  std::counting_semaphore<3> three(3);
  std::atomic<int> now = 0, most = 0;
  InThreads(8, [&](int) {
    for (int i = 0; i < 20; ++i) {
      three.acquire();
      const int count = ++now;
      int seen = most.load();
      while (seen < count && !most.compare_exchange_weak(seen, count)) continue;
      std::this_thread::yield();
      --now;
      three.release();
    }
  });
  std::printf("semaphore: at most three at once: %d, left %d\n", most <= 3, now.load());
  std::printf("all three are there:");
  for (int i = 0; i < 4; ++i) std::printf(" %d", three.try_acquire());
  std::printf("\n");
  std::printf("try_acquire_for: %d\n", three.try_acquire_for(std::chrono::milliseconds(3)));
  std::binary_semaphore ping(0), pong(0);
  std::thread player([&] {
    for (int i = 0; i < 100; ++i) ping.acquire(), pong.release();
  });
  for (int i = 0; i < 100; ++i) ping.release(), pong.acquire();
  player.join();
  std::printf("binary semaphores: 100 rounds\n");

  std::atomic_flag flag = ATOMIC_FLAG_INIT;
  int answer = 0;
  std::thread waiter([&] {
    flag.wait(false);
    Must(answer == 42, "what was written before");
  });
  answer = 42;
  flag.test_and_set();
  flag.notify_one();
  waiter.join();

  long plain = 0;
  double sum = 0;
  InThreads(4, [&](int) {
    for (int i = 0; i < 250; ++i) {
      ++std::atomic_ref<long>(plain);
      std::atomic_ref<double>(sum) += 0.5;
    }
  });
  std::printf("atomic_ref: %ld, %.1f\n", plain, sum);

  std::atomic<std::shared_ptr<int>> shared = std::make_shared<int>(0);
  InThreads(4, [&](int) {
    for (int i = 0; i < 50; ++i) {
      std::shared_ptr<int> old = shared.load();
      while (!shared.compare_exchange_weak(old, std::make_shared<int>(*old + 1))) continue;
    }
  });
  std::printf("atomic shared_ptr: %d\n", *shared.load());
  return 0;
}
