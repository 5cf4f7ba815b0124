// timeouts_at_once: threads wait in calls of all kinds, each for a time of its own; each is told
// that its time is over, and not before; nobody's time is anybody else's.
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

struct Call {
  const char* name;
  std::function<int(int64_t ns)> call;  // Returns 0 or an error.
};

int Error(long result) { return result == 0 ? 0 : errno; }

}  // namespace

int main() {
  int pair[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  static pthread_mutex_t locked = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&locked);
  const std::vector<Call> waits = {
      {"nanosleep",
       [](int64_t ns) {
         const timespec time = Time(ns);
         return Error(nanosleep(&time, nullptr));
       }},
      {"clock_nanosleep until",
       [](int64_t ns) {
         const timespec time = Time(Now() + ns);
         return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
       }},
      {"epoll_wait",
       [](int64_t ns) {
         epoll_event event;
         return Error(epoll_wait(epoll_create1(0), &event, 1, static_cast<int>(ns / 1000000)));
       }},
      {"epoll_pwait2",
       [](int64_t ns) {
         epoll_event event;
         const timespec time = Time(ns);
         return Error(epoll_pwait2(epoll_create1(0), &event, 1, &time, nullptr));
       }},
      {"poll",
       [&](int64_t ns) {
         pollfd watched = {pair[0], POLLIN, 0};
         return Error(poll(&watched, 1, static_cast<int>(ns / 1000000)));
       }},
      {"select",
       [&](int64_t ns) {
         fd_set set;
         FD_ZERO(&set);
         FD_SET(pair[0], &set);
         timeval time = {0, static_cast<suseconds_t>(ns / 1000)};
         return Error(select(pair[0] + 1, &set, nullptr, nullptr, &time));
       }},
      {"sem_timedwait",
       [](int64_t ns) {
         sem_t semaphore;
         sem_init(&semaphore, 0, 0);
         const timespec time = Time(Now(CLOCK_REALTIME) + ns);
         return Error(sem_timedwait(&semaphore, &time));
       }},
      {"pthread_cond_clockwait",
       [](int64_t ns) {
         pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
         pthread_cond_t never = PTHREAD_COND_INITIALIZER;
         const timespec time = Time(Now() + ns);
         pthread_mutex_lock(&mutex);
         int result = 0;
         while (result == 0) {
           result = pthread_cond_clockwait(&never, &mutex, CLOCK_MONOTONIC, &time);
         }
         pthread_mutex_unlock(&mutex);
         return result;
       }},
      {"pthread_mutex_timedlock",
       [](int64_t ns) {
         const timespec time = Time(Now(CLOCK_REALTIME) + ns);
         return pthread_mutex_timedlock(&locked, &time);
       }},
      {"sigtimedwait",
       [](int64_t ns) {
         const sigset_t set = SetOf({SIGUSR2});
         const timespec time = Time(ns);
         return sigtimedwait(&set, nullptr, &time) < 0 ? errno : 0;
       }},
      {"recv with SO_RCVTIMEO",
       [&](int64_t ns) {
         char byte;
         const timeval time = {0, static_cast<suseconds_t>(ns / 1000)};
         Must(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0, "SO_RCVTIMEO");
         return recv(pair[1], &byte, 1, 0) < 0 ? errno : 0;
       }},
      {"timerfd",
       [](int64_t ns) {
         const int fd = timerfd_create(CLOCK_MONOTONIC, 0);
         const itimerspec once = {{0, 0}, Time(ns)};
         Must(timerfd_settime(fd, 0, &once, nullptr) == 0, "timerfd_settime");
         uint64_t count;
         return read(fd, &count, 8) == 8 && count == 1 ? 0 : errno;
       }},
  };
  Block({SIGUSR2});
  for (int round = 0; round < 3; ++round) {
    std::vector<int> results(waits.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < waits.size(); ++i) {
      threads.emplace_back([&, i] {
        // The last to begin are the first to end.
        const int64_t ns = static_cast<int64_t>(2 + waits.size() - i) * kMillisecond;
        const int64_t begin = Now(), begin_too = Now(CLOCK_REALTIME);
        results[i] = waits[i].call(ns);
        Must(Now() >= begin + ns || Now(CLOCK_REALTIME) >= begin_too + ns, waits[i].name);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; round == 0 && i < waits.size(); ++i) {
      std::printf("%s: %s\n", waits[i].name, results[i] == 0 ? "ok" : ErrorName(results[i]));
    }
  }
  return 0;
}
