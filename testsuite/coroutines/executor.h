// C++20 coroutines on epoll: an executor of one thread, lazy tasks, and waits that end in one of
// three ways. What cppcoro, libunifex and folly::coro have in common.
//
//   Task<T>      starts when it is awaited; resumes who awaits it by symmetric transfer.
//   Executor     runs coroutines that are ready, and waits for descriptors and time when none is.
//   Executor::Wait  ends with readiness, with a deadline or with cancellation (std::stop_token):
//                whichever is first takes it from the other two, and queues its coroutine. Nothing
//                is resumed from inside an event, a timer or a request to stop.
//   Scope        owns tasks that run beside each other: it can stop them, and is joined before it
//   ends.
//
// An operation is tried before it waits, so no readiness is stored. Descriptors are watched in one
// of two ways, to be chosen by the program's argument:
//   edge    once, for everything, EPOLLET;
//   level   for what is waited for, EPOLLONESHOT, armed anew by each wait.
#ifndef POLLUX_TESTSUITE_COROUTINES_EXECUTOR_H_
#define POLLUX_TESTSUITE_COROUTINES_EXECUTOR_H_

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <unordered_map>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"

// What promises of tasks share. Counts the frames there are, of all threads.
class TaskPromise {
 public:
  TaskPromise() { frames.fetch_add(1); }
  ~TaskPromise() { frames.fetch_sub(1); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Resume {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return self.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  Resume final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { std::terminate(); }

  std::coroutine_handle<> continuation = std::noop_coroutine();

  static inline std::atomic<int> frames = 0;
};

template <typename T>
class [[nodiscard]] Task;

template <typename T>
class ValuePromise : public TaskPromise {
 public:
  Task<T> get_return_object();
  void return_value(T result) { value = std::move(result); }
  std::optional<T> value;
};
template <>
class ValuePromise<void> : public TaskPromise {
 public:
  Task<void> get_return_object();
  void return_void() {}
};

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = ValuePromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
  }

 private:
  Handle handle_;
};

template <typename T>
Task<T> ValuePromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<ValuePromise>::from_promise(*this));
}
inline Task<void> ValuePromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<ValuePromise>::from_promise(*this));
}

// A coroutine that nobody awaits: it begins at once, and its frame goes when it ends.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

enum class Mode { kEdge, kLevel };
inline Mode ModeOf(int argc, char** argv) {
  return argc > 1 && std::string(argv[1]) == "level" ? Mode::kLevel : Mode::kEdge;
}

enum Direction { kRead, kWrite };
enum class Outcome { kReady, kTimedOut, kCancelled };

class Executor {
 public:
  explicit Executor(Mode mode) : mode_(mode) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Must(epoll_ >= 0 && wake_ >= 0, "the executor's descriptors");
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = wake_;
    Must(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0, "epoll_ctl of the eventfd");
  }
  ~Executor() {
    Must(watched_.empty() && timers_.empty() && ready_.empty(), "nothing is left behind");
    close(wake_);
    close(epoll_);
  }

  // Until `task` is done.
  void Run(Task<void> task) {
    bool done = false;
    RunRoot(std::move(task), &done);
    while (!done) {
      // Only those that are ready now: who yields lets epoll have its turn.
      for (size_t count = ready_.size(); count > 0; --count) {
        const std::coroutine_handle<> next = ready_.front();
        ready_.pop_front();
        next.resume();
      }
      if (!done) Poll();
    }
  }

  // Resumes `coroutine` soon. From the executor's thread.
  void Post(std::coroutine_handle<> coroutine) { ready_.push_back(coroutine); }
  // From any thread. The eventfd is written for the first only; the rest are found with it.
  void PostFromOutside(std::coroutine_handle<> coroutine) {
    {
      std::lock_guard lock(inbox_mutex_);
      inbox_.push_back(coroutine);
      if (inbox_.size() > 1) return;
    }
    const uint64_t one = 1;
    Must(write(wake_, &one, sizeof one) == sizeof one, "waking the executor");
  }

  // co_await executor.Yield(): after the others.
  auto Yield() {
    struct Awaiter {
      Executor* executor;
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> self) { executor->Post(self); }
      void await_resume() const {}
    };
    return Awaiter{this};
  }
  // co_await executor.Schedule(): on the executor's thread, from any.
  auto Schedule() {
    struct Awaiter {
      Executor* executor;
      bool await_ready() const { return false; }
      // It may run, and be gone, before this returns.
      void await_suspend(std::coroutine_handle<> self) { executor->PostFromOutside(self); }
      void await_resume() const {}
    };
    return Awaiter{this};
  }

  // co_await WaitFor(...): for a descriptor, or without one (-1) for time alone.
  class Wait {
   public:
    Wait(Executor& executor, int fd, Direction direction, std::stop_token stop,
         std::optional<int64_t> deadline = std::nullopt)
        : executor_(executor),
          fd_(fd),
          direction_(direction),
          stop_(std::move(stop)),
          deadline_(deadline) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready() {
      if (!stop_.stop_requested()) return false;
      outcome_ = Outcome::kCancelled;
      return true;
    }
    void await_suspend(std::coroutine_handle<> self) {
      self_ = self;
      if (fd_ >= 0) executor_.Arm(fd_, direction_, this);
      if (deadline_.has_value()) timer_ = executor_.timers_.emplace(*deadline_, this);
      on_stop_.emplace(stop_, Cancel{this});
    }
    Outcome await_resume() {
      on_stop_.reset();
      return outcome_;
    }

   private:
    friend class Executor;
    struct Cancel {
      Wait* wait;
      void operator()() const { wait->Finish(Outcome::kCancelled); }
    };

    // The first of the three ends the other two.
    void Finish(Outcome outcome) {
      if (finished_) return;  // it is on its way to be resumed
      finished_ = true;
      outcome_ = outcome;
      if (fd_ >= 0) executor_.watched_.at(fd_).waits[direction_] = nullptr;
      if (deadline_.has_value()) executor_.timers_.erase(timer_);
      executor_.Post(self_);
    }

    Executor& executor_;
    const int fd_;
    const Direction direction_;
    const std::stop_token stop_;
    const std::optional<int64_t> deadline_;
    std::coroutine_handle<> self_;
    std::multimap<int64_t, Wait*>::iterator timer_;
    std::optional<std::stop_callback<Cancel>> on_stop_;
    bool finished_ = false;
    Outcome outcome_ = Outcome::kReady;
  };

  // Takes the descriptor out of epoll and closes it. Nobody waits for it any more.
  void Close(int fd) {
    const auto found = watched_.find(fd);
    if (found != watched_.end()) {
      Must(!found->second.waits[kRead] && !found->second.waits[kWrite], "nobody waits");
      Must(epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr) == 0, "EPOLL_CTL_DEL");
      watched_.erase(found);
    }
    close(fd);
  }
  size_t watched() const { return watched_.size(); }

 private:
  struct Watched {
    Wait* waits[2] = {};
  };

  Detached RunRoot(Task<void> task, bool* done) {
    co_await Yield();
    co_await task;
    *done = true;
  }

  void Arm(int fd, Direction direction, Wait* wait) {
    const auto [found, fresh] = watched_.try_emplace(fd);
    Must(found->second.waits[direction] == nullptr, "one wait for each direction");
    found->second.waits[direction] = wait;
    if (mode_ == Mode::kLevel) {
      ArmOnce(fd, found->second, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
    } else if (fresh) {
      epoll_event event = {};
      event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
      event.data.fd = fd;
      Must(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
    }
  }
  void ArmOnce(int fd, const Watched& watched, int operation) {
    epoll_event event = {};
    event.events = EPOLLONESHOT;
    if (watched.waits[kRead] != nullptr) event.events |= EPOLLIN | EPOLLRDHUP;
    if (watched.waits[kWrite] != nullptr) event.events |= EPOLLOUT;
    event.data.fd = fd;
    Must(epoll_ctl(epoll_, operation, fd, &event) == 0, "arming a descriptor");
  }

  void Poll() {
    int timeout = -1;
    if (!timers_.empty()) {
      const int64_t ns = std::max<int64_t>(timers_.begin()->first - Now(), 0);
      timeout = static_cast<int>((ns + kMillisecond - 1) / kMillisecond);
    }
    if (!ready_.empty()) timeout = 0;
    epoll_event events[64];
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll_, events, 64, timeout));
    Must(count >= 0, "epoll_wait");
    // No coroutine runs before all is told: no descriptor is closed in the middle of it.
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == wake_) {
        TakeInbox();
      } else {
        Tell(events[i].data.fd, events[i].events);
      }
    }
    while (!timers_.empty() && timers_.begin()->first <= Now()) {
      timers_.begin()->second->Finish(Outcome::kTimedOut);
    }
  }
  void Tell(int fd, uint32_t events) {
    Watched& watched = watched_.at(fd);
    const uint32_t both = EPOLLERR | EPOLLHUP;
    if (watched.waits[kRead] != nullptr && (events & (EPOLLIN | EPOLLRDHUP | both))) {
      watched.waits[kRead]->Finish(Outcome::kReady);
    }
    if (watched.waits[kWrite] != nullptr && (events & (EPOLLOUT | both))) {
      watched.waits[kWrite]->Finish(Outcome::kReady);
    }
    // The event has disarmed the direction that it did not tell of, too.
    if (mode_ == Mode::kLevel &&
        (watched.waits[kRead] != nullptr || watched.waits[kWrite] != nullptr)) {
      ArmOnce(fd, watched, EPOLL_CTL_MOD);
    }
  }
  void TakeInbox() {
    uint64_t value;
    Must(read(wake_, &value, sizeof value) == sizeof value, "read of the eventfd");
    std::lock_guard lock(inbox_mutex_);
    for (const std::coroutine_handle<> coroutine : inbox_) ready_.push_back(coroutine);
    inbox_.clear();
  }

  const Mode mode_;
  int epoll_, wake_;
  std::deque<std::coroutine_handle<>> ready_;
  std::unordered_map<int, Watched> watched_;
  std::multimap<int64_t, Wait*> timers_;
  std::mutex inbox_mutex_;
  std::vector<std::coroutine_handle<>> inbox_;
};

using WaitFor = Executor::Wait;

// A descriptor with the operations that coroutines await. Each returns what its call does, or one
// of the constants below; kFailed with errno.
class Socket {
 public:
  static constexpr ssize_t kFailed = -1, kTimedOut = -2, kCancelled = -3;

  Socket(Executor& executor, int fd) : executor_(executor), fd_(fd) {}
  ~Socket() { executor_.Close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  Task<ssize_t> Read(void* bytes, size_t count, std::stop_token stop = {},
                     std::optional<int64_t> deadline = std::nullopt) {
    for (;;) {
      const ssize_t got = read(fd_, bytes, count);
      if (got >= 0 || errno != EAGAIN) co_return got;
      const Outcome outcome = co_await WaitFor(executor_, fd_, kRead, stop, deadline);
      if (outcome != Outcome::kReady) co_return Code(outcome);
    }
  }
  Task<ssize_t> Accept(std::stop_token stop = {}) {
    for (;;) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0 || errno != EAGAIN) co_return fd;
      const Outcome outcome = co_await WaitFor(executor_, fd_, kRead, stop);
      if (outcome != Outcome::kReady) co_return Code(outcome);
    }
  }
  // All of it, or as much as was written when the wait ended otherwise.
  Task<ssize_t> Write(const void* bytes, size_t count, std::stop_token stop = {},
                      std::optional<int64_t> deadline = std::nullopt) {
    size_t done = 0;
    while (done < count) {
      const ssize_t more =
          send(fd_, static_cast<const char*>(bytes) + done, count - done, MSG_NOSIGNAL);
      if (more >= 0) {
        done += more;
        continue;
      }
      if (errno != EAGAIN) co_return kFailed;
      const Outcome outcome = co_await WaitFor(executor_, fd_, kWrite, stop, deadline);
      if (outcome != Outcome::kReady)
        co_return done > 0 ? static_cast<ssize_t>(done) : Code(outcome);
    }
    co_return static_cast<ssize_t>(done);
  }
  int fd() const { return fd_; }

 private:
  static ssize_t Code(Outcome outcome) {
    return outcome == Outcome::kTimedOut ? kTimedOut : kCancelled;
  }

  Executor& executor_;
  const int fd_;
};

inline const char* ResultName(ssize_t result) {
  if (result == Socket::kTimedOut) return "timed out";
  if (result == Socket::kCancelled) return "cancelled";
  return result == Socket::kFailed ? ErrorName(errno) : result == 0 ? "end" : "done";
}

// True if it slept to the end.
inline Task<bool> Sleep(Executor& executor, int64_t ns, std::stop_token stop = {}) {
  co_return co_await WaitFor(executor, -1, kRead, stop, Now() + ns) == Outcome::kTimedOut;
}

// Tasks that run beside each other. All are done before it goes.
class Scope {
 public:
  explicit Scope(Executor& executor) : executor_(executor) {}
  ~Scope() { Must(running_ == 0, "a scope is joined"); }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  void Spawn(Task<void> task) {
    ++running_;
    RunChild(std::move(task));
  }
  std::stop_token token() const { return stop_.get_token(); }
  void RequestStop() { stop_.request_stop(); }

  // co_await scope.Join(): until no task is running. One at a time.
  auto Join() {
    struct Awaiter {
      Scope* scope;
      bool await_ready() const { return scope->running_ == 0; }
      void await_suspend(std::coroutine_handle<> self) { scope->joining_ = self; }
      void await_resume() const {}
    };
    return Awaiter{this};
  }
  int running() const { return running_; }

 private:
  Detached RunChild(Task<void> task) {
    co_await executor_.Yield();
    {
      Task<void> own = std::move(task);  // its frame goes before the scope hears of it
      co_await own;
    }
    if (--running_ == 0 && joining_) executor_.Post(std::exchange(joining_, nullptr));
  }

  Executor& executor_;
  std::stop_source stop_;
  int running_ = 0;
  std::coroutine_handle<> joining_;
};

#endif  // POLLUX_TESTSUITE_COROUTINES_EXECUTOR_H_
