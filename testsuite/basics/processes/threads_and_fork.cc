// threads_and_fork: a process with several threads forks and executes: the child has the one thread
// that forked; handlers of pthread_atfork put the library in order; the heap works in the child.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/processes/self.h"

namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
std::string order;

thread_local int own = 1;

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    std::printf("executed: %d\n", getpid() == std::atoi(argv[1]));
    return 9;
  }
  Must(pthread_atfork([] { order += "1", pthread_mutex_lock(&mutex); },
                      [] { order += "p", pthread_mutex_unlock(&mutex); },
                      [] { order += "c", pthread_mutex_unlock(&mutex); }) == 0,
       "pthread_atfork");
  Must(pthread_atfork([] { order += "2"; }, [] { order += "P"; }, [] { order += "C"; }) == 0, "");

  // Others allocate and lock all the time.
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        pthread_mutex_lock(&mutex);
        std::string(1000, 'x').append("y");
        pthread_mutex_unlock(&mutex);
        void* block = std::malloc(500);
        asm volatile("" : "+r"(block));  // A compiler may do without what nobody looks at.
        std::free(block);
      }
    });
  }
  int good = 0;
  for (int i = 0; i < 20; ++i) {
    std::thread forker([&] {
      own = 100 + i;
      const pid_t child = Fork([&] {
        Must(Tid() == getpid(), "the thread that forked is the first in the child");
        Must(own == 100 + i, "its own variables");
        Must(pthread_mutex_lock(&mutex) == 0, "the mutex is free");
        std::vector<std::string> some(50, std::string(100, 'z'));
        std::thread([&] { own = 5; }).join();  // Threads can be made in the child.
        return own == 100 + i ? 7 : 8;
      });
      const int status = Wait(child);
      good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
    });
    forker.join();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  std::printf("%d children\n", good);

  order.clear();
  ShowEnd("the child", Fork([] {
            std::printf("in the child: %s\n", order.c_str());
            return 0;
          }));
  std::printf("in the parent: %s\n", order.c_str());

  // Two threads make children at the same time; each waits for its own, or for the other's.
  std::atomic<int> sum = 0;
  std::thread makers[3];
  for (std::thread& maker : makers) {
    maker = std::thread([&] {
      for (int i = 0; i < 10; ++i) Fork([i] { return i; });
      for (int i = 0; i < 10; ++i) {
        int status = 0;
        Must(wait(&status) > 0, "wait");
        sum += WEXITSTATUS(status);
      }
    });
  }
  for (std::thread& maker : makers) maker.join();
  std::printf("sum %d\n", sum.load());
  // Unless one says that it means its own alone.
  ShowEnd("the first thread's", Fork([] { return 3; }));
  const pid_t mine = Fork([] { return 4; });
  std::thread([&] {
    std::printf("another thread's child: %s\n",
                waitpid(mine, nullptr, __WNOTHREAD) < 0 ? ErrorName(errno) : "mine");
  }).join();
  ShowEnd("mine", mine);

  // Two execute at once: one of them does. Both are there before: while one executes, the kernel
  // may refuse to make a thread.
  ShowEnd("two execute", Fork([] {
            const std::string pid = std::to_string(getpid());
            std::atomic<int> there = 0;
            const auto execute = [&] {
              ++there;
              while (there < 2) sched_yield();
              ExecSelf({pid});
            };
            std::thread(execute).detach();
            std::thread(execute).detach();
            for (;;) pause();
            return 1;
          }));
  // One executes while others make threads.
  ShowEnd("one executes", Fork([] {
            const std::string pid = std::to_string(getpid());
            for (int i = 0; i < 3; ++i) {
              std::thread([] {
                for (;;) {
                  pthread_t thread;
                  const auto nothing = [](void*) -> void* { return nullptr; };
                  // The machine may be short of something for a moment.
                  if (pthread_create(&thread, nullptr, nothing, nullptr) == 0) {
                    pthread_join(thread, nullptr);
                  }
                }
              }).detach();
            }
            ExecSelf({pid});
            return 1;
          }));
  // A failing one leaves the threads alone.
  ShowEnd("execve fails", Fork([] {
            std::atomic<bool> go = false;
            int result = 1;
            std::thread waiter([&] {
              while (!go) sched_yield();
              result = 11;
            });
            char* const none[] = {nullptr};
            Must(execve("nowhere", none, none) == -1 && errno == ENOENT, "execve");
            go = true;
            waiter.join();
            return result;
          }));
  return 0;
}
