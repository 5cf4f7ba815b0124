// robust_mutex: a thread dies with mutexes: the next one is told, makes the state whole or not.
#include <pthread.h>

#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/threads/elsewhere.h"

namespace {

void Make(pthread_mutex_t* mutex, int type, int protocol) {
  pthread_mutexattr_t attributes;
  Must(pthread_mutexattr_init(&attributes) == 0, "pthread_mutexattr_init");
  Must(pthread_mutexattr_settype(&attributes, type) == 0, "settype");
  Must(pthread_mutexattr_setprotocol(&attributes, protocol) == 0, "setprotocol");
  Must(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0, "setrobust");
  Must(pthread_mutex_init(mutex, &attributes) == 0, "pthread_mutex_init");
}

void Try(const char* name, int type, int protocol) {
  std::printf("%s\n", name);
  pthread_mutex_t mutex, second;
  Make(&mutex, type, protocol);
  Make(&second, type, protocol);
  Say("a thread dies with two",
      Elsewhere([&] { return pthread_mutex_lock(&mutex) | pthread_mutex_lock(&second); }));
  Say("trylock", pthread_mutex_trylock(&mutex));
  Say("trylock of one told elsewhere", Elsewhere([&] { return pthread_mutex_trylock(&mutex); }));
  Say("consistent", pthread_mutex_consistent(&mutex));
  Say("consistent twice", pthread_mutex_consistent(&mutex));
  Say("unlock", pthread_mutex_unlock(&mutex));
  Say("as ever",
      Elsewhere([&] { return pthread_mutex_lock(&mutex) | pthread_mutex_unlock(&mutex); }));
  Say("the second", pthread_mutex_lock(&second));
  Say("left as it is", pthread_mutex_unlock(&second));
  Say("nobody gets it any more", pthread_mutex_lock(&second));
  Say("nor elsewhere", Elsewhere([&] { return pthread_mutex_trylock(&second); }));
  Say("it is not consistent", pthread_mutex_consistent(&second));
  Say("destroy", pthread_mutex_destroy(&second));

  // Whoever waits already is woken. It sees the death whether it waited before or comes later.
  Gate locked, asked;
  std::thread owner([&] {
    Must(pthread_mutex_lock(&mutex) == 0, "lock");
    locked.Open();
    asked.Pass();
  });
  locked.Pass();
  int seen[3];
  std::thread waiters[3];
  for (int i = 0; i < 3; ++i) {
    waiters[i] = std::thread([&, i] {
      seen[i] = pthread_mutex_lock(&mutex);
      if (seen[i] == EOWNERDEAD) Must(pthread_mutex_consistent(&mutex) == 0, "consistent");
      Must(pthread_mutex_unlock(&mutex) == 0, "unlock");
    });
  }
  asked.Open();
  owner.join();
  int told = 0, fine = 0;
  for (int i = 0; i < 3; ++i) {
    waiters[i].join();
    told += seen[i] == EOWNERDEAD;
    fine += seen[i] == 0;
  }
  std::printf("  three wait for one that dies: %d is told, %d are not\n", told, fine);
}

}  // namespace

int main() {
  Try("normal", PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE);
  Try("recursive", PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE);
  Try("errorcheck", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE);
  Try("normal with priority inheritance", PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT);
  Try("errorcheck with priority inheritance", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_INHERIT);
  return 0;
}
