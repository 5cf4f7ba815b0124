// pool_notify: how threads of nginx's pool tell the worker that a task is done (src/core/
// ngx_thread_pool.c: ngx_thread_pool_cycle, ngx_thread_pool_handler; ngx_epoll_notify). The task
// goes into a list under a spin lock, and then one is added to an eventfd. That is watched
// edge-triggered and not read, but once in 2^32 events: each write is an edge of its own, and edges
// that come before the worker looks are one. The handler takes the whole list.
#include <sys/eventfd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "testsuite/nginx/cycle.h"

namespace {

constexpr int kThreads = 3;
constexpr int kTasks = 36;

class ThreadPool {
 public:
  explicit ThreadPool(Cycle& cycle) : notify_(eventfd(0, 0)) {
    Connection& connection = cycle.Get(notify_);
    cycle.AddRead(connection, EPOLLET);
    connection.read.handler = [this](Connection&) { FinishTasks(); };
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Serve(); });
  }
  ~ThreadPool() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    posted_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    close(notify_);
  }

  void Post(int task) {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(task);
    }
    posted_.notify_one();
  }

  std::function<void(int task)> finished;  // In the worker.

 private:
  void Serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      posted_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const int task = tasks_.front();
      tasks_.pop_front();
      lock.unlock();
      while (done_lock_.test_and_set(std::memory_order_acquire)) sched_yield();
      done_.push_back(task);
      done_lock_.clear(std::memory_order_release);
      const uint64_t one = 1;
      Must(write(notify_, &one, sizeof one) == sizeof one, "telling the worker");
    }
  }
  void FinishTasks() {
    while (done_lock_.test_and_set(std::memory_order_acquire)) sched_yield();
    std::deque<int> tasks;
    tasks.swap(done_);
    done_lock_.clear(std::memory_order_release);
    for (const int task : tasks) finished(task);
  }

  const int notify_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<int> tasks_;
  bool ending_ = false;
  std::atomic_flag done_lock_;
  std::deque<int> done_;
  std::vector<std::thread> threads_;
};

}  // namespace

int main() {
  Cycle cycle(1);
  ThreadPool pool(cycle);
  int posted = 0, finished = 0;
  bool seen[kTasks] = {};
  // A few at a time, so the worker sleeps and is told often.
  const auto post_next = [&] {
    if (posted < kTasks) pool.Post(posted++);
  };
  pool.finished = [&](int task) {
    Must(!seen[task], "each task ends once");
    seen[task] = true;
    ++finished;
    post_next();
  };
  for (int i = 0; i < kThreads; ++i) post_next();
  while (finished < kTasks) cycle.ProcessEvents(-1);
  std::printf("%d tasks\n", finished);
  return 0;
}
