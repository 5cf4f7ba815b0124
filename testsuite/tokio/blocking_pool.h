// Tokio's pool of threads for blocking work (tokio/src/runtime/blocking/pool.rs and shutdown.rs).
//
// Threads come as tasks need them, take turns at one queue, and wait in a condition variable; a
// count of notifications keeps spurious wake-ups apart. Each holds a share of the shutdown channel:
// when the last has let go of it, whoever waits for the shutdown is woken. Shutdown waits for a
// while or not at all; the threads go on until their tasks end. Of tasks that have not begun,
// mandatory ones are run and others are cancelled.
#ifndef POLLUX_TESTSUITE_TOKIO_BLOCKING_POOL_H_
#define POLLUX_TESTSUITE_TOKIO_BLOCKING_POOL_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/tokio/sync.h"

namespace tokio {

class BlockingPool {
 public:
  // Exactly one of the two is called.
  struct Task {
    std::function<void()> run;
    std::function<void()> cancel;
    bool is_mandatory = false;
  };

  explicit BlockingPool(size_t thread_cap) : inner_(std::make_shared<Inner>(thread_cap)) {}
  ~BlockingPool() { Shutdown(std::nullopt); }

  // False: the pool is shut down, and the task was cancelled.
  bool Spawn(Task task) {
    std::unique_lock lock(inner_->mutex);
    if (inner_->is_shutdown) {
      lock.unlock();
      task.cancel();
      return false;
    }
    inner_->queue.push_back(std::move(task));
    if (inner_->idle > 0) {
      --inner_->idle;
      ++inner_->notifications;
      inner_->condvar.NotifyOne();
    } else if (threads_.size() < inner_->thread_cap) {
      threads_.emplace_back([inner = inner_, share = inner_->shutdown_share]() mutable {
        inner->Run();
        share.reset();
      });
    }
    return true;
  }

  // Waits until all threads have ended, or until `timeout` (ns); 0: does not wait. True: they have.
  bool Shutdown(std::optional<int64_t> timeout) {
    {
      const std::lock_guard lock(inner_->mutex);
      if (inner_->is_shutdown) return true;
      inner_->is_shutdown = true;
      inner_->shutdown_share.reset();
      inner_->condvar.NotifyAll();
    }
    const bool all_ended = inner_->shutdown->Wait(timeout);
    for (std::thread& thread : threads_) {
      all_ended ? thread.join() : thread.detach();
    }
    threads_.clear();
    return all_ended;
  }

 private:
  // Closes when the last share of it has gone.
  class ShutdownChannel {
   public:
    void Close() {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
      condvar_.NotifyAll();
    }
    bool Wait(std::optional<int64_t> timeout) {
      std::optional<int64_t> deadline;
      if (timeout.has_value()) deadline = Now() + *timeout;
      const std::lock_guard lock(mutex_);
      while (!is_closed_) {
        if (timeout == 0 || !condvar_.Wait(&mutex_, deadline)) return is_closed_;
      }
      return true;
    }

   private:
    Mutex mutex_;
    Condvar condvar_;
    bool is_closed_ = false;
  };

  // Of the pool and its threads, whoever is last.
  struct Inner {
    explicit Inner(size_t cap) : thread_cap(cap), shutdown(std::make_shared<ShutdownChannel>()) {
      shutdown_share =
          std::shared_ptr<void>(nullptr, [channel = shutdown](void*) { channel->Close(); });
    }

    void Run() {
      std::unique_lock lock(mutex);
      for (;;) {
        while (!queue.empty()) {
          Task task = std::move(queue.front());
          queue.pop_front();
          const bool cancelled = is_shutdown && !task.is_mandatory;
          lock.unlock();
          cancelled ? task.cancel() : task.run();
          lock.lock();
        }
        if (is_shutdown) return;
        ++idle;
        while (notifications == 0 && !is_shutdown) condvar.Wait(&mutex);
        // Who notified has counted this thread as no longer idle.
        notifications > 0 ? --notifications : --idle;
      }
    }

    const size_t thread_cap;
    Mutex mutex;
    Condvar condvar;
    std::deque<Task> queue;
    size_t idle = 0, notifications = 0;
    bool is_shutdown = false;
    std::shared_ptr<ShutdownChannel> shutdown;
    std::shared_ptr<void> shutdown_share;
  };

  std::shared_ptr<Inner> inner_;
  std::vector<std::thread> threads_;
};

}  // namespace tokio

#endif  // POLLUX_TESTSUITE_TOKIO_BLOCKING_POOL_H_
