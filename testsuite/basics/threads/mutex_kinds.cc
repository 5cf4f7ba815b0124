// mutex_kinds: what the kinds of mutexes answer to their owner and to others.
#include <pthread.h>

#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/threads/elsewhere.h"

namespace {

void Try(const char* name, int type, int protocol) {
  std::printf("%s\n", name);
  pthread_mutexattr_t attributes;
  Must(pthread_mutexattr_init(&attributes) == 0, "pthread_mutexattr_init");
  Must(pthread_mutexattr_settype(&attributes, type) == 0, "settype");
  Must(pthread_mutexattr_setprotocol(&attributes, protocol) == 0, "setprotocol");
  pthread_mutex_t mutex;
  Must(pthread_mutex_init(&mutex, &attributes) == 0, "pthread_mutex_init");

  Say("lock", pthread_mutex_lock(&mutex));
  Say("trylock elsewhere", Elsewhere([&] { return pthread_mutex_trylock(&mutex); }));
  const timespec soon = Time(Now(CLOCK_REALTIME) + 3 * kMillisecond);
  Say("timedlock elsewhere", Elsewhere([&] { return pthread_mutex_timedlock(&mutex, &soon); }));
  Must(Now(CLOCK_REALTIME) >= soon.tv_sec * 1000000000 + soon.tv_nsec, "not before the time");
  if (protocol == PTHREAD_PRIO_NONE) {
    const timespec monotonic = Time(Now() + 3 * kMillisecond);
    Say("clocklock elsewhere",
        Elsewhere([&] { return pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &monotonic); }));
  }
  const timespec wrong = {1, -1};
  Say("timedlock, negative nanoseconds elsewhere",
      Elsewhere([&] { return pthread_mutex_timedlock(&mutex, &wrong); }));
  Say("trylock again", pthread_mutex_trylock(&mutex));
  if (type == PTHREAD_MUTEX_RECURSIVE) Say("and unlock", pthread_mutex_unlock(&mutex));
  if (type != PTHREAD_MUTEX_NORMAL) {
    const int again = pthread_mutex_lock(&mutex);
    Say("lock again", again);
    if (again == 0) Say("and unlock", pthread_mutex_unlock(&mutex));
    Say("unlock elsewhere", Elsewhere([&] { return pthread_mutex_unlock(&mutex); }));
  }
  Say("still locked elsewhere", Elsewhere([&] { return pthread_mutex_trylock(&mutex); }));
  Say("unlock", pthread_mutex_unlock(&mutex));
  if (type != PTHREAD_MUTEX_NORMAL) Say("unlock twice", pthread_mutex_unlock(&mutex));
}

}  // namespace

int main() {
  for (const int protocol : {PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT}) {
    std::printf("%s\n", protocol == PTHREAD_PRIO_NONE ? "plain" : "with priority inheritance");
    Try("normal", PTHREAD_MUTEX_NORMAL, protocol);
    Try("recursive", PTHREAD_MUTEX_RECURSIVE, protocol);
    Try("errorcheck", PTHREAD_MUTEX_ERRORCHECK, protocol);
  }
  // A normal mutex that its owner locks again waits, until the time.
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  Say("lock", pthread_mutex_lock(&mutex));
  const timespec soon = Time(Now(CLOCK_REALTIME) + 3 * kMillisecond);
  Say("its owner waits", pthread_mutex_timedlock(&mutex, &soon));
  Say("unlock", pthread_mutex_unlock(&mutex));
  return 0;
}
