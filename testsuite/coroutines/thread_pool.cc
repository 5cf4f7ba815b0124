// Coroutines that change threads: `co_await pool.Schedule()` goes on in a pool, `co_await
// executor.Schedule()` comes back to the thread of the event loop (cppcoro's static_thread_pool and
// io_service, schedule_on and resume_on). A handle that has been queued may run, and its frame be
// gone, before await_suspend returns to who queued it. Between the loop and the pool there is an
// eventfd one way and a futex (the condition variable's) the other way.
#include <condition_variable>
#include <thread>

#include "testsuite/basics/net.h"
#include "testsuite/coroutines/executor.h"

namespace {

class ThreadPool {
 public:
  explicit ThreadPool(int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this] { Work(); });
    }
  }
  ~ThreadPool() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  auto Schedule() {
    struct Awaiter {
      ThreadPool* pool;
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> self) { pool->Enqueue(self); }
      void await_resume() const {}
    };
    return Awaiter{this};
  }

 private:
  void Enqueue(std::coroutine_handle<> coroutine) {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(coroutine);
    }
    changed_.notify_one();
  }
  void Work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::coroutine_handle<> next = queue_.front();
      queue_.pop_front();
      lock.unlock();
      next.resume();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::coroutine_handle<>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

struct World {
  Executor& executor;
  ThreadPool& pool;
  const pid_t loop_thread = Tid();
};

Task<uint32_t> Hash(World& world, uint32_t value) {
  co_await world.pool.Schedule();
  Must(Tid() != world.loop_thread, "computed in the pool");
  for (int i = 0; i < 50; ++i) value = (value ^ i) * 16777619;
  co_return value;  // whoever awaits it goes on in the pool too
}

// Reads numbers, has each hashed in the pool, and answers from the loop's thread.
Task<void> Serve(World& world, int fd) {
  Socket socket(world.executor, fd);
  uint32_t value;
  for (;;) {
    const ssize_t count = co_await socket.Read(&value, sizeof value);
    if (count == 0) break;
    Must(count == sizeof value, "a whole number");
    const uint32_t hash = co_await Hash(world, value);
    co_await world.executor.Schedule();
    Must(Tid() == world.loop_thread, "back in the loop");
    const ssize_t written = co_await socket.Write(&hash, sizeof hash);
    Must(written == sizeof hash, "the answer");
  }
}

Task<void> Ask(World& world, int fd, int index, uint32_t* sum) {
  Socket socket(world.executor, fd);
  for (int i = 0; i < 8; ++i) {
    const uint32_t question = index * 1000 + i;
    uint32_t answer;
    const ssize_t written = co_await socket.Write(&question, sizeof question);
    const ssize_t count = co_await socket.Read(&answer, sizeof answer);
    Must(written == sizeof question && count == sizeof answer, "question and answer");
    *sum += answer;
  }
}

Task<void> Main(World& world) {
  constexpr int kPairs = 4;
  uint32_t sums[kPairs] = {};
  Scope scope(world.executor);
  for (int i = 0; i < kPairs; ++i) {
    int ends[2];
    Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
         "socketpair");
    scope.Spawn(Serve(world, ends[0]));
    scope.Spawn(Ask(world, ends[1], i, &sums[i]));
  }
  co_await scope.Join();
  for (const uint32_t sum : sums) std::printf("sum of hashes: %u\n", sum);
}

}  // namespace

int main(int argc, char** argv) {
  Executor executor(ModeOf(argc, argv));
  {
    ThreadPool pool(3);
    World world{executor, pool};
    executor.Run(Main(world));
  }
  std::printf("frames left: %d, descriptors watched: %zu\n", TaskPromise::frames.load(),
              executor.watched());
  return 0;
}
