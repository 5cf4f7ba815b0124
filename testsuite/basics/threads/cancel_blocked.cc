// cancel_blocked: a thread that waits in a call is told to end, and ends: whether it has come to
// wait already or is on its way. One that waits for a mutex is not disturbed.
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <functional>

#include "testsuite/basics/tasks.h"

namespace {

sem_t begun;  // To post is no cancellation point.
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
bool cleaned, held;

void Clean(void*) { cleaned = true; }

void CleanMutex(void*) {
  cleaned = true;
  held = pthread_mutex_trylock(&mutex) == EBUSY;
  pthread_mutex_unlock(&mutex);
}

void* Run(void* argument) {
  pthread_cleanup_push(Clean, nullptr);
  sem_post(&begun);
  (*static_cast<std::function<void()>*>(argument))();
  pthread_cleanup_pop(0);
  return nullptr;
}

// On RISC-V the C library has not the tables to unwind all of its functions: `unwound` is false
// where what was pushed is left out.
void Try(const char* what, std::function<void()> body, bool unwound = true) {
  cleaned = false;
  pthread_t thread;
  Must(pthread_create(&thread, nullptr, Run, &body) == 0, "pthread_create");
  sem_wait(&begun);
  Must(pthread_cancel(thread) == 0, "pthread_cancel");
  void* value = nullptr;
  Must(pthread_join(thread, &value) == 0, "pthread_join");
  std::printf("%s: %s%s\n", what, value == PTHREAD_CANCELED ? "cancelled" : "returned",
              !unwound  ? ""
              : cleaned ? ", cleaned"
                        : ", not cleaned");
}

void WaitForCondition() {
  pthread_cond_t never = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(CleanMutex, nullptr);
  for (;;) pthread_cond_wait(&never, &mutex);
  pthread_cleanup_pop(0);
}

}  // namespace

int main() {
  Must(sem_init(&begun, 0, 0) == 0, "sem_init");
  int ends[2], pair[2], connected[2];
  Must(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "pipe, socketpair");
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, connected) == 0, "socketpair");
  const int counter = eventfd(0, 0), epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
  pollfd watched = {ends[0], POLLIN, 0};
  sem_t nothing;
  Must(sem_init(&nothing, 0, 0) == 0, "sem_init");
  char byte;
  const std::string many(1 << 20, 'x');
  const timespec long_time = {1000000, 0};

  Try("read", [&] { read(ends[0], &byte, 1); });
  Try("read of an eventfd", [&] { read(counter, pair, 8); });
  Try("write", [&] { write(ends[1], many.data(), many.size()); });
  Try("recv", [&] { recv(pair[0], &byte, 1, 0); });
  Try("send", [&] { send(connected[0], many.data(), many.size(), 0); });
  Try(
      "epoll_wait",
      [&] {
        epoll_event none;
        const int empty = epoll_create1(0);
        epoll_wait(empty, &none, 1, -1);
      },
      false);
  watched.fd = pair[0];
  Try("poll", [&] { poll(&watched, 1, -1); });
  Try("select", [&] { select(0, nullptr, nullptr, nullptr, nullptr); });
  Try("nanosleep", [&] { nanosleep(&long_time, nullptr); });
  Try("clock_nanosleep", [&] { clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, nullptr); });
  Try("pause", [] { pause(); });
  Try("sigwait", [] {
    const sigset_t set = SetOf({SIGUSR1});
    int signal;
    sigwait(&set, &signal);
  });
  Try("sem_wait", [&] { sem_wait(&nothing); });
  Try("pthread_cond_wait", WaitForCondition);
  std::printf("the mutex was held while cleaning: %d\n", held);
  Try(
      "pthread_join",
      [] {
        pthread_t sleeper;
        const auto sleep = [](void*) -> void* { return pause(), nullptr; };
        Must(pthread_create(&sleeper, nullptr, sleep, nullptr) == 0, "pthread_create");
        pthread_join(sleeper, nullptr);
      },
      false);

  // Not a cancellation point.
  pthread_mutex_lock(&mutex);
  std::function<void()> body = [] {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
  };
  pthread_t thread;
  cleaned = false;
  Must(pthread_create(&thread, nullptr, Run, &body) == 0, "pthread_create");
  sem_wait(&begun);
  Must(pthread_cancel(thread) == 0, "pthread_cancel");
  pthread_mutex_unlock(&mutex);
  void* value = PTHREAD_CANCELED;
  Must(pthread_join(thread, &value) == 0, "pthread_join");
  std::printf("pthread_mutex_lock: %s\n", value == nullptr ? "returned" : "cancelled");
  return 0;
}
