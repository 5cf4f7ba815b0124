// storm: five hundred threads, twenty-five at a time: each gets its argument, sees what the maker
// wrote before, and hands its value to whoever joins it; what they wrote is seen after.
#include <pthread.h>

#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

constexpr int kBatches = 20, kBatch = 25;

struct Work {
  int number = 0, before = 0, after = 0;
};

void* Run(void* argument) {
  auto* work = static_cast<Work*>(argument);
  work->after = work->before * 2;
  if (work->number % 2 == 0) pthread_exit(reinterpret_cast<void*>(intptr_t{work->number}));
  return reinterpret_cast<void*>(intptr_t{work->number});
}

}  // namespace

int main() {
  long sum = 0;
  for (int batch = 0; batch < kBatches; ++batch) {
    std::vector<Work> work(kBatch);
    std::vector<pthread_t> threads(kBatch);
    for (int i = 0; i < kBatch; ++i) {
      work[i].number = batch * kBatch + i;
      work[i].before = 3 * work[i].number;
      Must(pthread_create(&threads[i], nullptr, Run, &work[i]) == 0, "pthread_create");
    }
    // Joined in another order than made.
    for (int i = kBatch - 1; i >= 0; --i) {
      const int at = (i * 7) % kBatch;
      void* value = nullptr;
      Must(pthread_join(threads[at], &value) == 0, "pthread_join");
      Must(reinterpret_cast<intptr_t>(value) == work[at].number, "the thread's value");
      Must(work[at].after == 6 * work[at].number, "what the thread wrote");
      sum += work[at].after;
    }
  }
  std::printf("%d threads, sum %ld\n", kBatches * kBatch, sum);
  // One after another: a stack is used again.
  for (int i = 0; i < 100; ++i) {
    pthread_t thread;
    Work work = {i, i, 0};
    Must(pthread_create(&thread, nullptr, Run, &work) == 0, "pthread_create");
    Must(pthread_join(thread, nullptr) == 0 && work.after == 2 * i, "one after another");
  }
  std::printf("100 more, one after another\n");
  return 0;
}
