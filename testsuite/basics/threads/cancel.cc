// cancel: a thread is told to end: at its next cancellation point, at once, or not as long as it
// does not allow it; what it has pushed is popped, and its objects are destroyed.
#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <string>

#include "testsuite/basics/tasks.h"

namespace {

std::string text;        // Written by one thread at a time.
sem_t begun, cancelled;  // To post is no cancellation point.
std::atomic<long> spins;

struct Object {
  ~Object() { text += " ~Object"; }
};

void Say(void* word) { text += std::string(" ") + static_cast<const char*>(word); }
char outer[] = "outer", inner[] = "inner", popped[] = "popped", dropped[] = "dropped";

void* Deferred(void*) {
  Object object;
  pthread_cleanup_push(Say, outer);
  pthread_cleanup_push(Say, dropped);
  pthread_cleanup_pop(0);
  pthread_cleanup_push(Say, popped);
  pthread_cleanup_pop(1);
  pthread_cleanup_push(Say, inner);
  sem_post(&begun);
  while (spins.load() == 0) sched_yield();
  text += " still here";
  pthread_testcancel();
  text += " never";
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return nullptr;
}

// No cancellation point in sight. In a function of its own, which has nothing to undo: what is
// thrown between the calls of one that has, a compiler need not expect.
void Spin() {
  spins = 1;
  for (;;) spins.fetch_add(1, std::memory_order_relaxed);
}
void (*volatile spin)() = Spin;  // As far as a compiler knows, it may throw.

void* Asynchronous(void*) {
  int old = -1;
  pthread_cleanup_push(Say, outer);
  Must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old) == 0, "setcanceltype");
  Must(old == PTHREAD_CANCEL_DEFERRED, "what it was");
  spin();
  pthread_cleanup_pop(0);
  return nullptr;
}

void* Disabled(void*) {
  int old = -1;
  Must(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) == 0, "setcancelstate");
  Must(old == PTHREAD_CANCEL_ENABLE, "what it was");
  sem_post(&begun);
  sem_wait(&cancelled);
  pthread_testcancel();
  text += " not yet";
  Must(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr) == 0, "setcancelstate");
  pthread_testcancel();
  text += " never";
  return nullptr;
}

void* Itself(void*) {
  Object object;
  Must(pthread_cancel(pthread_self()) == 0, "pthread_cancel");
  text += " goes on";
  pthread_testcancel();
  return nullptr;
}

void* Exits(void*) {
  Object object;
  pthread_cleanup_push(Say, outer);
  pthread_exit(outer);
  pthread_cleanup_pop(0);
}

void* AlreadyOver(void*) { return nullptr; }

void End(const char* what, pthread_t thread) {
  void* value = nullptr;
  Must(pthread_join(thread, &value) == 0, "pthread_join");
  std::printf("%s:%s, %s\n", what, text.c_str(),
              value == PTHREAD_CANCELED ? "cancelled"
              : value == outer          ? "its own value"
                                        : "another value");
  text.clear();
}

}  // namespace

int main() {
  Must(sem_init(&begun, 0, 0) == 0 && sem_init(&cancelled, 0, 0) == 0, "sem_init");
  pthread_t thread;
  Must(pthread_create(&thread, nullptr, Deferred, nullptr) == 0, "pthread_create");
  sem_wait(&begun);
  Must(pthread_cancel(thread) == 0, "pthread_cancel");
  spins = 1;
  End("deferred", thread);

  spins = 0;
  Must(pthread_create(&thread, nullptr, Asynchronous, nullptr) == 0, "pthread_create");
  while (spins.load() == 0) sched_yield();
  Must(pthread_cancel(thread) == 0, "pthread_cancel");
  End("asynchronous", thread);

  Must(pthread_create(&thread, nullptr, Disabled, nullptr) == 0, "pthread_create");
  sem_wait(&begun);
  Must(pthread_cancel(thread) == 0, "pthread_cancel");
  sem_post(&cancelled);
  End("disabled", thread);

  Must(pthread_create(&thread, nullptr, Itself, nullptr) == 0, "pthread_create");
  End("itself", thread);
  Must(pthread_create(&thread, nullptr, Exits, nullptr) == 0, "pthread_create");
  End("pthread_exit", thread);
  Must(pthread_create(&thread, nullptr, AlreadyOver, nullptr) == 0, "pthread_create");
  End("returns", thread);
  return 0;
}
