// once: what is to happen once happens once, whoever comes first, and has happened for all who
// come: pthread_once, std::call_once, with an exception too, and local statics.
#include <pthread.h>

#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

pthread_once_t control = PTHREAD_ONCE_INIT;
int by_pthread, by_call_once, by_static, attempts;
std::once_flag flag, failing;

struct Lazy {
  Lazy() : value(42) {
    sched_yield();
    ++by_static;
  }
  int value;
};

int Value() {
  static Lazy lazy;
  return lazy.value;
}

template <typename Body>
void InThreads(Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 10; ++i) threads.emplace_back(body);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
  InThreads([] {
    pthread_once(&control, [] {
      sched_yield();
      ++by_pthread;
    });
    Must(by_pthread == 1, "pthread_once has happened");
  });
  InThreads([] {
    std::call_once(flag, [] {
      sched_yield();
      ++by_call_once;
    });
    Must(by_call_once == 1, "call_once has happened");
  });
  InThreads([] { Must(Value() == 42, "the static is made"); });
  std::printf("%d %d %d\n", by_pthread, by_call_once, by_static);

  // Those whose attempt throws leave it to the next; the fourth has done it.
  std::mutex mutex;
  int thrown = 0;
  InThreads([&] {
    try {
      std::call_once(failing, [] {
        if (++attempts < 4) throw std::runtime_error("not yet");
      });
    } catch (const std::runtime_error&) {
      const std::lock_guard<std::mutex> lock(mutex);
      ++thrown;
    }
  });
  std::printf("%d attempts, %d thrown\n", attempts, thrown);
  return 0;
}
