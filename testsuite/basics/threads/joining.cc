// joining: who can be joined, when, how often, and for how long one waits: join, tryjoin,
// timedjoin, clockjoin, detached threads.
#include <pthread.h>
#include <semaphore.h>

#include "testsuite/basics/tasks.h"

namespace {

sem_t ended;

void* PassAndReturn(void* gate) {
  static_cast<Gate*>(gate)->Pass();
  return gate;
}

void* DetachMyself(void*) {
  Must(pthread_detach(pthread_self()) == 0, "pthread_detach");
  sem_post(&ended);
  return nullptr;
}

void* Post(void*) {
  sem_post(&ended);
  return nullptr;
}

void Say(const char* what, int error) { std::printf("%s: %s\n", what, ErrorName(error)); }

}  // namespace

int main() {
  Must(sem_init(&ended, 0, 0) == 0, "sem_init");
  Gate& gate = *new Gate;  // A detached thread may come late.
  pthread_t thread;
  void* value = nullptr;
  Must(pthread_create(&thread, nullptr, PassAndReturn, &gate) == 0, "pthread_create");
  Say("tryjoin of one that runs", pthread_tryjoin_np(thread, &value));
  const timespec passed = {1, 0}, soon = Time(Now(CLOCK_REALTIME) + 2 * kMillisecond),
                 soon_too = Time(Now() + 2 * kMillisecond);
  Say("timedjoin until a time that has passed", pthread_timedjoin_np(thread, &value, &passed));
  Say("timedjoin", pthread_timedjoin_np(thread, &value, &soon));
  Say("clockjoin", pthread_clockjoin_np(thread, &value, CLOCK_MONOTONIC, &soon_too));
  Must(Now() >= soon_too.tv_sec * 1000000000 + soon_too.tv_nsec, "not before the time");
  gate.Open();
  Say("join", pthread_join(thread, &value));
  std::printf("its value: %d\n", value == &gate);

  Must(pthread_create(&thread, nullptr, PassAndReturn, &gate) == 0, "pthread_create");
  gate.Open();
  int tries = 0;
  while (pthread_tryjoin_np(thread, &value) == EBUSY) sched_yield(), ++tries;
  std::printf("tryjoin until it has ended: %d\n", value == &gate && tries >= 0);

  Say("join of oneself", pthread_join(pthread_self(), nullptr));

  pthread_attr_t detached;
  Must(pthread_attr_init(&detached) == 0, "pthread_attr_init");
  Must(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) == 0, "setdetachstate");
  Must(pthread_create(&thread, &detached, PassAndReturn, &gate) == 0, "pthread_create");
  Say("join of a detached one", pthread_join(thread, nullptr));
  Say("detach of a detached one", pthread_detach(thread));
  gate.Open();
  for (int i = 0; i < 50; ++i) {
    Must(pthread_create(&thread, &detached, Post, nullptr) == 0, "pthread_create");
    Must(pthread_create(&thread, nullptr, DetachMyself, nullptr) == 0, "pthread_create");
    Must(pthread_create(&thread, nullptr, Post, nullptr) == 0, "pthread_create");
    Must(pthread_detach(thread) == 0, "pthread_detach");
  }
  for (int i = 0; i < 150; ++i) Must(sem_wait(&ended) == 0, "sem_wait");
  std::printf("150 detached threads\n");
  return 0;
}
