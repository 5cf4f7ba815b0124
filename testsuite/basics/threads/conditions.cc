// conditions: condition variables: signal wakes one that waits, broadcast all; a wait gives the
// mutex away and has it again, also when the time is over; both clocks.
#include <pthread.h>

#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
int waiting, tickets, served;

void Waiter() {
  pthread_mutex_lock(&mutex);
  ++waiting;
  while (tickets == 0) pthread_cond_wait(&changed, &mutex);
  --tickets;
  ++served;
  pthread_mutex_unlock(&mutex);
}

// All wait when this returns: each has counted itself and given the mutex away since.
void UntilAllWait(int count) {
  for (;;) {
    pthread_mutex_lock(&mutex);
    const bool all = waiting == count;
    pthread_mutex_unlock(&mutex);
    if (all) return;
    sched_yield();
  }
}

void TimedWaits() {
  pthread_condattr_t attributes;
  pthread_cond_t monotonic, realtime = PTHREAD_COND_INITIALIZER;
  Must(pthread_condattr_init(&attributes) == 0, "pthread_condattr_init");
  Must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0, "setclock");
  Must(pthread_cond_init(&monotonic, &attributes) == 0, "pthread_cond_init");
  pthread_mutex_lock(&mutex);
  const auto until = [](const char* what, clockid_t clock, auto wait) {
    const int64_t then = Now(clock) + 3 * kMillisecond;
    const timespec time = Time(then);
    int result = 0;
    // It may wake for no reason.
    while (result == 0) result = wait(&time);
    std::printf("%s: %s, %s, %s\n", what, ErrorName(result), Now(clock) >= then ? "late" : "early",
                pthread_mutex_trylock(&mutex) == EBUSY ? "locked" : "not locked");
  };
  until("timedwait, CLOCK_REALTIME", CLOCK_REALTIME,
        [&](const timespec* time) { return pthread_cond_timedwait(&realtime, &mutex, time); });
  until("timedwait, CLOCK_MONOTONIC", CLOCK_MONOTONIC,
        [&](const timespec* time) { return pthread_cond_timedwait(&monotonic, &mutex, time); });
  until("clockwait, CLOCK_MONOTONIC", CLOCK_MONOTONIC, [&](const timespec* time) {
    return pthread_cond_clockwait(&realtime, &mutex, CLOCK_MONOTONIC, time);
  });
  const timespec passed = {1, 0}, wrong = {1, 1000000000};
  std::printf("a time that has passed: %s\n",
              ErrorName(pthread_cond_timedwait(&realtime, &mutex, &passed)));
  std::printf("too many nanoseconds: %s\n",
              ErrorName(pthread_cond_timedwait(&realtime, &mutex, &wrong)));
  pthread_mutex_unlock(&mutex);
  pthread_cond_destroy(&monotonic);
}

}  // namespace

int main() {
  Must(pthread_cond_signal(&changed) == 0 && pthread_cond_broadcast(&changed) == 0, "to nobody");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(Waiter);
  UntilAllWait(8);
  for (int i = 0; i < 3; ++i) {
    pthread_mutex_lock(&mutex);
    ++tickets;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
  }
  // One signal, one served, though nothing else is ever signalled.
  for (;;) {
    pthread_mutex_lock(&mutex);
    const int now = served;
    pthread_mutex_unlock(&mutex);
    if (now == 3) break;
    sched_yield();
  }
  std::printf("three signals, three served\n");
  pthread_mutex_lock(&mutex);
  tickets = 5;
  pthread_mutex_unlock(&mutex);
  pthread_cond_broadcast(&changed);
  for (std::thread& thread : threads) thread.join();
  std::printf("a broadcast: %d served\n", served);
  pthread_cond_destroy(&changed);
  TimedWaits();

  // Ping-pong: a lost wake-up would end it.
  pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
  int turn = 0, rounds = 0;
  const auto play = [&](int me) {
    for (int i = 0; i < 500; ++i) {
      pthread_mutex_lock(&mutex);
      while (turn != me) pthread_cond_wait(&turn_changed, &mutex);
      ++rounds;
      turn = 1 - me;
      pthread_cond_signal(&turn_changed);
      pthread_mutex_unlock(&mutex);
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  std::printf("%d rounds\n", rounds);
  return 0;
}
