// barriers: nobody leaves a barrier before all have come, round after round, and one is told that
// it was the one.
#include <pthread.h>

#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

int main() {
  constexpr int kThreads = 5, kRounds = 100;
  pthread_barrier_t barrier;
  std::printf("of nobody: %s\n", ErrorName(pthread_barrier_init(&barrier, nullptr, 0)));
  Must(pthread_barrier_init(&barrier, nullptr, kThreads) == 0, "pthread_barrier_init");
  // Not atomic: the barrier alone keeps them apart.
  int marks[kThreads] = {}, chosen[kThreads] = {}, odd = 0;
  std::vector<std::thread> threads;
  for (int me = 0; me < kThreads; ++me) {
    threads.emplace_back([&, me] {
      for (int round = 1; round <= kRounds; ++round) {
        marks[me] = round;
        const int result = pthread_barrier_wait(&barrier);
        if (result == PTHREAD_BARRIER_SERIAL_THREAD) {
          ++chosen[me];
        } else {
          Must(result == 0, "pthread_barrier_wait");
        }
        for (const int mark : marks) Must(mark == round, "all have come");
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD && round % 2 == 1)
          ++odd;
      }
    });
  }
  int sum = 0;
  for (std::thread& thread : threads) thread.join();
  for (const int count : chosen) sum += count;
  std::printf("%d rounds, one chosen in %d, one in %d odd ones\n", kRounds, sum, odd);
  Must(pthread_barrier_destroy(&barrier) == 0, "pthread_barrier_destroy");

  // Of one: never waits.
  Must(pthread_barrier_init(&barrier, nullptr, 1) == 0, "pthread_barrier_init");
  std::printf("alone: %d\n", pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
  return 0;
}
