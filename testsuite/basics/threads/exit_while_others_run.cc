// exit_while_others_run: one thread calls exit: the process ends with its status, whatever the
// others do: wait in calls, wait for mutexes, compute. Handlers of atexit run first, in that
// thread.
#include <pthread.h>
#include <sys/epoll.h>

#include <atomic>
#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_t exiting;
std::atomic<long> spins;

void AtExit() {
  std::printf("atexit in the thread that exits: %d\n", pthread_equal(exiting, pthread_self()) != 0);
}

}  // namespace

int main() {
  Must(std::atexit(AtExit) == 0, "atexit");
  pthread_mutex_lock(&mutex);
  Gate gate;
  std::thread([] {
    for (;;) ++spins;
  }).detach();
  std::thread([] { pthread_mutex_lock(&mutex); }).detach();
  std::thread([] {
    epoll_event event;
    epoll_wait(epoll_create1(0), &event, 1, -1);
  }).detach();
  std::thread([] { pause(); }).detach();
  std::thread([&] { gate.Pass(); }).detach();
  std::thread([] {
    exiting = pthread_self();
    while (spins == 0) sched_yield();
    std::printf("exits with 7\n");
    std::exit(7);
  }).detach();
  for (;;) pause();
  return 0;
}
