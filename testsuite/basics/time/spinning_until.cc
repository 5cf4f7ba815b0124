// spinning_until: loops that do nothing but ask the time come to an end: time goes on while one
// computes, for all threads alike, and never backwards from one thread to another.
#include <sys/time.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

int main() {
  for (const clockid_t clock :
       {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
        CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID}) {
    const int64_t begin = Now(clock);
    while (Now(clock) < begin + 5 * kMillisecond) continue;
    std::printf("clock %d: five milliseconds have passed\n", clock);
  }
  timeval begin, now;
  gettimeofday(&begin, nullptr);
  do {
    gettimeofday(&now, nullptr);
  } while ((now.tv_sec - begin.tv_sec) * 1000000 + now.tv_usec - begin.tv_usec < 2000);
  std::printf("gettimeofday\n");

  // Several spin at once; while one spins, another's sleep comes to its end.
  std::atomic<bool> slept = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([] {
      const int64_t until = Now() + 5 * kMillisecond;
      while (Now() < until) continue;
    });
  }
  threads.emplace_back([&] {
    const timespec time = Time(3 * kMillisecond);
    Must(nanosleep(&time, nullptr) == 0, "nanosleep");
    slept = true;
  });
  while (!slept) continue;
  for (std::thread& thread : threads) thread.join();
  std::printf("several at once\n");

  // What one thread has seen no other sees earlier.
  std::atomic<int64_t> latest = 0;
  threads.clear();
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 300; ++k) {
        const int64_t before = latest.load();
        const int64_t mine = Now();
        Must(mine >= before, "never backwards");
        int64_t seen = latest.load();
        while (seen < mine && !latest.compare_exchange_weak(seen, mine)) continue;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("never backwards\n");
  return 0;
}
