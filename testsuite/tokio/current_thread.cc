// The current-thread scheduler: one thread runs tasks and waits in epoll_wait(2), and everybody
// else reaches it through the inject queue and the eventfd.
//
// Three threads wake tasks of the runtime from outside, each waiting for what its last wake-up did
// before the next one: the task is pushed to the inject queue, then the driver is woken. Meanwhile
// a fourth thread sends bytes over a pipe that a task reads. The scheduler looks at its queues,
// then at the events, then waits; what comes in between must not be lost, and the eventfd, which
// nobody reads, is what sees to that: each write to it is an edge.
//
// Tokio: scheduler/current_thread/mod.rs (block_on, park, Handle::schedule).
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace {

class CurrentThread {
 public:
  using TaskBody = std::function<void()>;

  CurrentThread() : handle_(&driver_) {}

  tokio::Handle* handle() { return &handle_; }

  // Runs `body` once in the runtime's thread.
  void Schedule(TaskBody body) {
    if (std::this_thread::get_id() == owner_) {
      local_.push_back(std::move(body));
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      inject_.push_back(std::move(body));
    }
    handle_.Unpark();
  }

  void RunUntil(const bool* done) {
    while (!*done) {
      int budget = kEventInterval;
      while (!*done && budget > 0) {
        std::optional<TaskBody> body = NextTask();
        if (!body.has_value()) break;
        (*body)();
        --budget;
      }
      // Without work it waits for events; with work it looks for them now and then.
      if (!*done) driver_.Turn(&handle_, budget > 0 ? -1 : 0);
    }
  }

 private:
  static constexpr int kEventInterval = 61;

  std::optional<TaskBody> NextTask() {
    if (local_.empty()) {
      const std::lock_guard lock(mutex_);
      local_.swap(inject_);
    }
    if (local_.empty()) return std::nullopt;
    TaskBody body = std::move(local_.front());
    local_.pop_front();
    return body;
  }

  const std::thread::id owner_ = std::this_thread::get_id();
  tokio::Driver driver_;
  tokio::Handle handle_;
  std::deque<TaskBody> local_;  // Of the runtime's thread alone.
  tokio::Mutex mutex_;
  std::deque<TaskBody> inject_;
};

constexpr int kThreads = 3;
constexpr int kWakeUps = 60;
constexpr int kBytes = 60;

}  // namespace

int main() {
  CurrentThread runtime;
  bool done = false;
  int woken = 0, received = 0, running = kThreads + 1;
  const auto one_ended = [&] { done = --running == 0; };

  int ends[2];
  Must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
  std::optional<tokio::PollEvented> pipe;
  pipe.emplace(runtime.handle(), ends[0], mio::kReadable);
  Gate received_one;
  std::function<void()> read_pipe = [&] {
    for (;;) {
      char byte;
      const std::optional<ssize_t> count = pipe->PollIo(
          tokio::kReadSide, [&] { runtime.Schedule(read_pipe); },
          [&] { return read(pipe->fd(), &byte, 1); });
      if (!count.has_value()) return;
      if (*count == 0) return one_ended();
      ++received;
      received_one.Open();
    }
  };
  runtime.Schedule(read_pipe);

  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      Gate ran;
      for (int k = 0; k < kWakeUps; ++k) {
        runtime.Schedule([&] {
          // By way of a second task, which is in the queue of the runtime's own thread.
          runtime.Schedule([&] {
            ++woken;
            ran.Open();
          });
        });
        ran.Pass();
      }
      runtime.Schedule(one_ended);
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < kBytes; ++i) {
      Must(write(ends[1], "x", 1) == 1, "write");
      received_one.Pass();
    }
    close(ends[1]);
  });

  runtime.RunUntil(&done);
  for (std::thread& thread : threads) thread.join();
  Must(woken == kThreads * kWakeUps && received == kBytes, "everything came");
  pipe.reset();

  uint64_t wakes = 0;
  Must(read(runtime.handle()->waker().fd(), &wakes, sizeof wakes) == sizeof wakes, "the counter");
  Must(wakes == kThreads * kWakeUps + kThreads, "each wake-up from outside was a write");
  std::printf("%d tasks woken from outside, %d bytes received\n", woken, received);
  std::printf("the waker's counter, never read: %d\n", static_cast<int>(wakes));
  return 0;
}
