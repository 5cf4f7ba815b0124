// shared_memory: memory that processes have in common: anonymous, of a file, of a memfd; atomics,
// mutexes, semaphores and conditions in it; what is private and what is not.
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

#include <atomic>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

struct Shared {
  std::atomic<long> counter = 0;
  std::atomic<int> turn = 0;
  long plain = 0;
  pthread_mutex_t mutex, robust;
  pthread_cond_t changed;
  pthread_barrier_t barrier;
  sem_t semaphore;
};

constexpr int kChildren = 4, kRounds = 200;
constexpr size_t kBytes = 8192;

void* Map(int fd, int flags) {
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  Must(memory != MAP_FAILED, "mmap");
  return memory;
}

template <typename Body>
void InChildren(Body body) {
  std::vector<pid_t> children;
  for (int i = 0; i < kChildren; ++i) children.push_back(Fork([=] { return body(i), 0; }));
  for (const pid_t child : children) Must(Wait(child) == 0, "a child");
}

void Try(const char* name, void* memory) {
  auto* shared = new (memory) Shared;
  pthread_mutexattr_t mutex;
  pthread_condattr_t condition;
  pthread_barrierattr_t barrier;
  Must(pthread_mutexattr_init(&mutex) == 0 &&
           pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_mutex_init(&shared->mutex, &mutex) == 0 &&
           pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST) == 0 &&
           pthread_mutex_init(&shared->robust, &mutex) == 0,
       "mutexes");
  Must(pthread_condattr_init(&condition) == 0 &&
           pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_cond_init(&shared->changed, &condition) == 0,
       "condition");
  Must(pthread_barrierattr_init(&barrier) == 0 &&
           pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_barrier_init(&shared->barrier, &barrier, kChildren) == 0,
       "barrier");
  Must(sem_init(&shared->semaphore, 1, 1) == 0, "semaphore");

  std::printf("%s\n", name);
  InChildren([=](int) {
    for (int i = 0; i < kRounds; ++i) ++shared->counter;
  });
  std::printf("  atomic: %ld\n", shared->counter.load());
  InChildren([=](int) {
    for (int i = 0; i < kRounds; ++i) {
      pthread_mutex_lock(&shared->mutex);
      ++shared->plain;
      pthread_mutex_unlock(&shared->mutex);
    }
  });
  InChildren([=](int) {
    for (int i = 0; i < kRounds; ++i) {
      sem_wait(&shared->semaphore);
      ++shared->plain;
      sem_post(&shared->semaphore);
    }
  });
  std::printf("  mutex and semaphore: %ld\n", shared->plain);
  InChildren([=](int me) {
    for (int i = 0; i < 20; ++i) {
      pthread_mutex_lock(&shared->mutex);
      while (shared->turn != me) pthread_cond_wait(&shared->changed, &shared->mutex);
      shared->turn = (me + 1) % kChildren;
      ++shared->plain;
      pthread_cond_broadcast(&shared->changed);
      pthread_mutex_unlock(&shared->mutex);
      if (pthread_barrier_wait(&shared->barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
        ++shared->counter;
      }
    }
  });
  std::printf("  condition and barrier: %ld %ld\n", shared->plain, shared->counter.load());
  ShowEnd("  dies with a mutex", Fork([=] { return pthread_mutex_lock(&shared->robust); }));
  std::printf("  lock: %s\n", ErrorName(pthread_mutex_lock(&shared->robust)));
  Must(pthread_mutex_consistent(&shared->robust) == 0, "consistent");
  Must(pthread_mutex_unlock(&shared->robust) == 0, "unlock");
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Try("anonymous", Map(-1, MAP_SHARED | MAP_ANONYMOUS));
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(ftruncate(file, kBytes) == 0, "ftruncate");
  Try("a file", Map(file, MAP_SHARED));
  const int memory = memfd_create("shared", MFD_CLOEXEC);
  Must(ftruncate(memory, kBytes) == 0, "ftruncate");
  Try("a memfd", Map(memory, MAP_SHARED));

  // One file, mapped in two ways by two processes, read by a third.
  auto* shared = static_cast<char*>(Map(file, MAP_SHARED));
  auto* own = static_cast<char*>(Map(file, MAP_PRIVATE));
  memset(shared, 0, kBytes);
  ShowEnd("a child writes", Fork([&] {
            shared[0] = 's', own[1] = 'p';
            auto* again = static_cast<char*>(Map(open("file", O_RDWR), MAP_SHARED));
            again[2] = 'a';
            Must(munmap(shared, kBytes) == 0, "munmap");
            return own[0] == 's' ? 1 : 2;
          }));
  std::printf("seen here: %d %d %d\n", shared[0] == 's', shared[1] == 'p', shared[2] == 'a');
  char bytes[3] = {};
  Must(pread(file, bytes, 3, 0) == 3, "pread");
  std::printf("in the file: %d %d %d\n", bytes[0] == 's', bytes[1] == 'p', bytes[2] == 'a');
  own[100] = 'x';
  ShowEnd("a private page is copied", Fork([&] {
            shared[200] = 'y';
            own[100] = 'z';
            return own[200] == 0 ? 3 : 4;
          }));
  std::printf("mine stays: %c\n", own[100]);
  return 0;
}
