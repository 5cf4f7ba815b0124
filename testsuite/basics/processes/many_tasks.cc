// A thousand threads that all wait at one barrier, and two hundred processes that all wait for one pipe to close.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "testsuite/basics/check.h"

namespace {

constexpr int kThreads = 1000, kProcesses = 200;

pthread_barrier_t barrier;

void* WaitAtBarrier(void*) {
  return reinterpret_cast<void*>(pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
}

void Threads() {
  pthread_attr_t attributes;
  Must(pthread_attr_init(&attributes) == 0, "attributes");
  Must(pthread_attr_setstacksize(&attributes, 64 << 10) == 0, "small stacks");
  Must(pthread_barrier_init(&barrier, nullptr, kThreads) == 0, "barrier");
  std::vector<pthread_t> threads(kThreads);
  for (pthread_t& thread : threads)
    Must(pthread_create(&thread, &attributes, WaitAtBarrier, nullptr) == 0, "pthread_create");
  long serial = 0;
  for (const pthread_t thread : threads) {
    void* result = nullptr;
    Must(pthread_join(thread, &result) == 0, "pthread_join");
    serial += reinterpret_cast<long>(result);
  }
  printf("%d threads met, one of them was told so: %ld\n", kThreads, serial);
}

void Processes() {
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = fork();
    Must(child >= 0, "fork");
    if (child == 0) {
      char byte;
      close(ends[1]);
      _exit(read(ends[0], &byte, 1) == 0 ? 1 : 2);
    }
  }
  close(ends[1]);
  int sum = 0, status = 0, ended = 0;
  while (wait(&status) > 0) {
    ++ended;
    sum += WEXITSTATUS(status);
  }
  printf("%d processes ended, and saw the end of the pipe: %d\n", ended, sum);
}

}  // namespace

int main() {
  Threads();
  fflush(stdout);
  Processes();
  return 0;
}
