// readers_and_writers: a read-write lock lets many readers in at once and a writer alone.
#include <pthread.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/threads/elsewhere.h"

namespace {

pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

void Answers() {
  const timespec soon = Time(Now(CLOCK_REALTIME) + 3 * kMillisecond);
  const timespec monotonic = Time(Now() + 3 * kMillisecond);
  Say("read", pthread_rwlock_rdlock(&lock));
  Say("read elsewhere",
      Elsewhere([] { return pthread_rwlock_tryrdlock(&lock) | pthread_rwlock_unlock(&lock); }));
  Say("write elsewhere", Elsewhere([] { return pthread_rwlock_trywrlock(&lock); }));
  Say("write in time", Elsewhere([&] { return pthread_rwlock_timedwrlock(&lock, &soon); }));
  Say("write in monotonic time",
      Elsewhere([&] { return pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &monotonic); }));
  Say("unlock", pthread_rwlock_unlock(&lock));
  Say("write", pthread_rwlock_wrlock(&lock));
  Say("read elsewhere", Elsewhere([] { return pthread_rwlock_tryrdlock(&lock); }));
  Say("read in time", Elsewhere([&] { return pthread_rwlock_timedrdlock(&lock, &soon); }));
  Say("write again", pthread_rwlock_wrlock(&lock));
  Say("read what one writes", pthread_rwlock_rdlock(&lock));
  Say("unlock", pthread_rwlock_unlock(&lock));
}

// All readers are inside at the same time, or they would wait for each other for ever.
void Together() {
  pthread_barrier_t inside;
  Must(pthread_barrier_init(&inside, nullptr, 6) == 0, "pthread_barrier_init");
  std::vector<std::thread> readers;
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back([&] {
      pthread_rwlock_rdlock(&lock);
      pthread_barrier_wait(&inside);
      pthread_rwlock_unlock(&lock);
    });
  }
  for (std::thread& reader : readers) reader.join();
  pthread_barrier_destroy(&inside);
  std::printf("six readers at once\n");
}

void Mixed(int kind) {
  pthread_rwlockattr_t attributes;
  pthread_rwlock_t mixed;
  Must(pthread_rwlockattr_init(&attributes) == 0, "pthread_rwlockattr_init");
  Must(pthread_rwlockattr_setkind_np(&attributes, kind) == 0, "setkind");
  Must(pthread_rwlock_init(&mixed, &attributes) == 0, "pthread_rwlock_init");
  long first = 0, second = 0;
  std::atomic<int> inside = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        pthread_rwlock_wrlock(&mixed);
        Must(inside.fetch_add(1) == 0, "a writer is alone");
        ++first;
        if (k % 50 == 0) sched_yield();
        ++second;
        inside.fetch_sub(1);
        pthread_rwlock_unlock(&mixed);
      }
    });
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        pthread_rwlock_rdlock(&mixed);
        Must(first == second, "nobody writes while one reads");
        pthread_rwlock_unlock(&mixed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("written %ld times\n", second);
}

}  // namespace

int main() {
  Answers();
  Together();
  Mixed(PTHREAD_RWLOCK_PREFER_READER_NP);
  Mixed(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  return 0;
}
