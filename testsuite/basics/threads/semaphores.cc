// semaphores: a buffer of four places between three who fill and three who empty it, and what a
// semaphore answers when there is nothing to take.
#include <pthread.h>
#include <semaphore.h>

#include <climits>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

constexpr int kPlaces = 4, kEach = 200, kSides = 3;

sem_t places, items, one;
int buffer[kPlaces], head, tail;

void Fill(int me) {
  for (int i = 0; i < kEach; ++i) {
    sem_wait(&places);
    sem_wait(&one);
    buffer[head++ % kPlaces] = me * kEach + i;
    sem_post(&one);
    sem_post(&items);
  }
}

void Empty(long* sum) {
  for (int i = 0; i < kEach; ++i) {
    sem_wait(&items);
    sem_wait(&one);
    *sum += buffer[tail++ % kPlaces];
    sem_post(&one);
    sem_post(&places);
  }
}

}  // namespace

int main() {
  Must(sem_init(&places, 0, kPlaces) == 0 && sem_init(&items, 0, 0) == 0, "sem_init");
  Must(sem_init(&one, 0, 1) == 0, "sem_init");
  std::vector<std::thread> threads;
  long sums[kSides] = {}, sum = 0;
  for (int i = 0; i < kSides; ++i) {
    threads.emplace_back(Fill, i);
    threads.emplace_back(Empty, &sums[i]);
  }
  for (std::thread& thread : threads) thread.join();
  for (const long part : sums) sum += part;
  int left = -1;
  Must(sem_getvalue(&places, &left) == 0, "sem_getvalue");
  std::printf("sum %ld, %d places left\n", sum, left);

  Show("trywait", sem_trywait(&items));
  const int64_t then = Now(CLOCK_REALTIME) + 3 * kMillisecond, monotonic = Now() + 3 * kMillisecond;
  const timespec soon = Time(then), soon_too = Time(monotonic), passed = {1, 0}, wrong = {1, -1};
  Show("timedwait", sem_timedwait(&items, &soon));
  Must(Now(CLOCK_REALTIME) >= then, "not before the time");
  Show("clockwait", sem_clockwait(&items, CLOCK_MONOTONIC, &soon_too));
  Must(Now() >= monotonic, "not before the time");
  Show("a time that has passed", sem_timedwait(&items, &passed));
  Show("negative nanoseconds", sem_timedwait(&items, &wrong));
  Must(sem_post(&items) == 0, "sem_post");
  Show("a time that has passed, and one item", sem_timedwait(&items, &passed));
  Must(sem_post(&items) == 0, "sem_post");
  Show("negative nanoseconds, and one item", sem_timedwait(&items, &wrong));
  sem_t full;
  Show("more than fits", sem_init(&full, 0, unsigned{SEM_VALUE_MAX} + 1));
  Must(sem_init(&full, 0, SEM_VALUE_MAX) == 0, "sem_init");
  Show("post of a full one", sem_post(&full));
  return 0;
}
