// A loop as libuv's on Linux (src/unix/core.c: uv_run; src/unix/linux.c: uv__io_poll;
// src/unix/async.c; src/timer.c), as small as its protocol with the kernel allows.
//
// - Registration is lazy. Starting a watcher only queues it; the next poll makes the calls of
//   epoll_ctl for all that are queued. Stopping makes none: a descriptor that turns out to be
//   registered although nobody wants it is deleted when it is reported, and one that is started
//   again is added, refused with EEXIST, and modified. Closing deletes at once, and takes what the
//   running poll still holds of that number back.
// - All is level-triggered, and an event carries the number of its descriptor, nothing else.
// - Time stands still between two updates; timers are due by it, and those of one time run in the
//   order of their start.
//
// Everything belongs to the thread of the loop, but for Async::Send. What is started must be
// stopped or closed before it goes away.
#ifndef POLLUX_TESTSUITE_LIBUV_LOOP_H_
#define POLLUX_TESTSUITE_LIBUV_LOOP_H_

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/epoll_calls.h"
#include "testsuite/basics/tasks.h"

class Loop;

// A descriptor that is watched: uv__io_t.
struct Watcher {
  int fd = -1;
  std::function<void(uint32_t events)> callback;
  bool keeps_alive = true;  // The loop runs while such a watcher is started.
  // Of the loop:
  uint32_t wanted = 0;      // What the program wants to hear of: pevents.
  uint32_t registered = 0;  // What the loop believes the kernel to watch: events.
};

// A timer: uv_timer_t.
struct Timer {
  std::function<void()> callback;
  int64_t repeat_ms = 0;  // Not 0: starts again before each callback.
  // Of the loop:
  bool active = false;
  int64_t due_ms = 0;
  uint64_t start = 0;
};

// uv_idle_t, uv_prepare_t or uv_check_t, whichever list it is in.
struct Hook {
  std::function<void()> callback;
};

// A wake-up from any thread: uv_async_t. Sends that come before the callback are one.
struct Async {
  // Safe in every thread until Loop::Close was called, and in signal handlers.
  void Send();

  std::function<void()> callback;
  bool keeps_alive = true;
  // Of the loop:
  Loop* loop = nullptr;
  std::atomic<int> pending = 0;
  std::atomic<int> senders = 0;  // That still use this object: busy.
};

class Loop {
 public:
  enum Mode { kDefault, kOnce, kNoWait };

  Loop() : backend_(epoll_create1(EPOLL_CLOEXEC)) {
    Must(backend_ >= 0, "epoll_create1");
    UpdateTime();
  }
  ~Loop() {
    if (wake_.fd >= 0) close(wake_.fd);
    close(backend_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // uv_run: until nothing keeps the loop alive (kDefault), or one turn. Whether it is still alive.
  bool Run(Mode mode = kDefault) {
    bool alive = Alive();
    if (mode == kDefault && alive) {
      UpdateTime();
      RunTimers();
    }
    while (alive && !stopped_) {
      const bool can_sleep = idles.empty();
      RunHooks(idles);
      RunHooks(prepares);
      Poll(mode == kDefault || (mode == kOnce && can_sleep) ? BackendTimeout() : 0);
      RunHooks(checks);
      RunClosing();
      UpdateTime();
      RunTimers();
      alive = Alive();
      if (mode != kDefault) break;
    }
    stopped_ = false;
    return alive;
  }
  void Stop() { stopped_ = true; }

  void Start(Watcher& watcher, uint32_t events) {
    watcher.wanted |= events;
    watchers_.resize(std::max<size_t>(watchers_.size(), watcher.fd + 1));
    watchers_[watcher.fd] = &watcher;
    // Where the kernel knows all of it already there is nothing to be told.
    if (watcher.wanted != watcher.registered) Enqueue(watcher);
  }
  void Stop(Watcher& watcher, uint32_t events) {
    watcher.wanted &= ~events;
    if (watcher.wanted != 0) return Enqueue(watcher);
    Dequeue(watcher);
    if (Watched(watcher.fd) != &watcher) return;
    watchers_[watcher.fd] = nullptr;
    watcher.registered = 0;
  }
  // uv__io_close and close(2).
  void Close(Watcher& watcher) {
    Stop(watcher, ~0u);
    Invalidate(watcher.fd);
    Must(close(watcher.fd) == 0, "close");
    watcher.fd = -1;
  }

  void Start(Timer& timer, int64_t timeout_ms) {
    Stop(timer);
    timer.due_ms = now_ms_ + timeout_ms;
    timer.start = next_start_++;
    timer.active = true;
    timers_.insert(&timer);
  }
  void Stop(Timer& timer) {
    timers_.erase(&timer);
    std::erase(ready_timers_, &timer);
    timer.active = false;
  }

  void Start(Async& async) {
    if (wake_.fd < 0) OpenWakeUp();
    async.loop = this;
    asyncs_.push_back(&async);
  }
  // No sender uses `async` any more when this returns.
  void Close(Async& async) {
    async.pending = 1;  // From here on senders turn round at once.
    while (async.senders.load() != 0) sched_yield();
    std::erase(asyncs_, &async);
  }

  // Calls `callback` at the end of this turn: uv_close's callbacks.
  void AtEndOfTurn(std::function<void()> callback) { closing_.push_back(std::move(callback)); }

  // uv_loop_fork, in the child: what the parent's instance watches is left alone, as it is shared.
  void Fork() {
    Must(close(backend_) == 0, "close");
    backend_ = epoll_create1(EPOLL_CLOEXEC);
    Must(backend_ >= 0, "epoll_create1");
    if (wake_.fd >= 0) {
      for (Async* async : asyncs_) async->pending = async->senders = 0;
      Stop(wake_, EPOLLIN);
      Must(close(wake_.fd) == 0, "close");
      OpenWakeUp();
    }
    for (Watcher* watcher : watchers_) {
      if (watcher == nullptr || watcher->wanted == 0) continue;
      watcher->registered = 0;
      Enqueue(*watcher);
    }
  }

  // For a loop inside another: what to watch, and how long.
  int backend() const { return backend_; }
  int BackendTimeout() const {
    if (stopped_ || !Alive() || !idles.empty() || !closing_.empty()) return 0;
    if (timers_.empty()) return -1;
    return static_cast<int>(std::max<int64_t>((*timers_.begin())->due_ms - now_ms_, 0));
  }
  int64_t now_ms() const { return now_ms_; }

  std::vector<Hook*> idles, prepares, checks;
  int requests = 0;                     // Under way elsewhere; they keep the loop alive.
  const sigset_t* poll_mask = nullptr;  // UV_LOOP_BLOCK_SIGPROF.
  Watcher* signal_watcher = nullptr;    // Runs after all others of its poll.
  int interrupted = 0;                  // Polls that a signal ended.

  // The calls of epoll_ctl since the last call of this, like "ADD EEXIST MOD".
  std::string TakeControls() { return controls_.Take(); }

 private:
  friend struct Async;
  struct Earlier {
    bool operator()(const Timer* a, const Timer* b) const {
      return std::pair(a->due_ms, a->start) < std::pair(b->due_ms, b->start);
    }
  };

  Watcher* Watched(int fd) const {
    return static_cast<size_t>(fd) < watchers_.size() ? watchers_[fd] : nullptr;
  }
  void Enqueue(Watcher& watcher) {
    if (std::find(queue_.begin(), queue_.end(), &watcher) == queue_.end()) {
      queue_.push_back(&watcher);
    }
  }
  void Dequeue(Watcher& watcher) { std::erase(queue_, &watcher); }

  bool Alive() const {
    const auto counts = [](const auto* handle) { return handle != nullptr && handle->keeps_alive; };
    return requests > 0 || !timers_.empty() || !idles.empty() || !prepares.empty() ||
           !checks.empty() || !closing_.empty() ||
           std::any_of(asyncs_.begin(), asyncs_.end(), counts) ||
           std::any_of(watchers_.begin(), watchers_.end(), counts);
  }

  int Control(int op, int fd, uint32_t events) {
    return controls_.Control(backend_, op, fd, events, static_cast<uint32_t>(fd));
  }

  void Register() {
    while (!queue_.empty()) {
      Watcher& watcher = *queue_.front();
      queue_.pop_front();
      const int op = watcher.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
      watcher.registered = watcher.wanted;
      if (Control(op, watcher.fd, watcher.wanted) == 0) continue;
      Must(op == EPOLL_CTL_ADD && errno == EEXIST, "only an old registration is in the way");
      Must(Control(EPOLL_CTL_MOD, watcher.fd, watcher.wanted) == 0, "it can be modified");
    }
  }

  // The running poll forgets what it still holds for this number, which may soon be another file's.
  void Invalidate(int fd) {
    for (epoll_event& event : polled_) {
      if (event.data.fd == fd) event.data.fd = -1;
    }
    // Errors are right: most often it was not registered, or never.
    Control(EPOLL_CTL_DEL, fd, 0);
  }

  void Poll(int timeout_ms) {
    Register();
    const int64_t begin_ms = now_ms_;
    for (int left_ms = timeout_ms;;) {
      epoll_event events[1024];
      const int count = epoll_pwait(backend_, events, 1024, left_ms, poll_mask);
      const int error = errno;
      UpdateTime();
      Must(count >= 0 || error == EINTR, "epoll_pwait");
      Must(count != 0 || left_ms != -1, "a wait without end ends with an event or a signal");
      if (count < 0) ++interrupted;
      if (count > 0 && Dispatch(events, count)) return;
      if (count == 0 || left_ms == 0) return;
      if (left_ms == -1) continue;
      left_ms = static_cast<int>(timeout_ms - (now_ms_ - begin_ms));
      if (left_ms <= 0) return;
    }
  }

  // Whether somebody was told anything.
  bool Dispatch(const epoll_event* events, int count) {
    bool told = false, signals = false;
    polled_.assign(events, events + count);
    for (int i = 0; i < count; ++i) {
      const int fd = polled_[i].data.fd;
      if (fd == -1) continue;
      Watcher* watcher = Watched(fd);
      if (watcher == nullptr) {
        Control(EPOLL_CTL_DEL, fd, 0);
        continue;
      }
      uint32_t seen = polled_[i].events & (watcher->wanted | EPOLLERR | EPOLLHUP);
      // An end alone would move nobody who reads or writes.
      if (seen == EPOLLERR || seen == EPOLLHUP) seen |= watcher->wanted & (EPOLLIN | EPOLLOUT);
      if (seen == 0) continue;
      told = true;
      if (watcher == signal_watcher) {
        signals = true;
      } else {
        watcher->callback(seen);
      }
    }
    polled_.clear();
    if (signals) signal_watcher->callback(EPOLLIN);
    return told;
  }

  static void RunHooks(const std::vector<Hook*>& hooks) {
    for (Hook* hook : std::vector(hooks)) hook->callback();
  }
  void RunClosing() {
    for (const auto& callback : std::exchange(closing_, {})) callback();
  }
  void UpdateTime() { now_ms_ = Now() / kMillisecond; }
  // Those that callbacks start are for the next turn, even if they are due at once.
  void RunTimers() {
    while (!timers_.empty() && (*timers_.begin())->due_ms <= now_ms_) {
      Timer* timer = *timers_.begin();
      Stop(*timer);
      ready_timers_.push_back(timer);
    }
    while (!ready_timers_.empty()) {
      Timer* timer = ready_timers_.front();
      ready_timers_.pop_front();
      if (timer->repeat_ms != 0) Start(*timer, timer->repeat_ms);
      timer->callback();
    }
  }

  void OpenWakeUp() {
    wake_.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Must(wake_.fd >= 0, "eventfd");
    wake_.keeps_alive = false;
    wake_.callback = [this](uint32_t) { RunAsyncs(); };
    Start(wake_, EPOLLIN);
  }
  // The counter is emptied before any handle is looked at: a send that comes later makes it
  // readable again.
  void RunAsyncs() {
    uint64_t count;
    const ssize_t got = read(wake_.fd, &count, sizeof count);
    Must(got == sizeof count || errno == EAGAIN, "reading the wake-ups");
    for (Async* async : std::vector(asyncs_)) {
      if (async->pending.exchange(0) != 0) async->callback();
    }
  }

  int backend_;
  bool stopped_ = false;
  int64_t now_ms_;
  uint64_t next_start_ = 0;
  std::vector<Watcher*> watchers_;  // By number: what decides whose an event is.
  std::deque<Watcher*> queue_;
  std::vector<epoll_event> polled_;
  std::set<Timer*, Earlier> timers_;
  std::deque<Timer*> ready_timers_;
  std::vector<Async*> asyncs_;
  Watcher wake_;
  std::vector<std::function<void()>> closing_;
  EpollCalls controls_;
};

inline void Async::Send() {
  if (pending.load(std::memory_order_relaxed) != 0) return;
  senders.fetch_add(1);
  if (pending.exchange(1) == 0) {
    const uint64_t one = 1;
    const ssize_t put = TEMP_FAILURE_RETRY(write(loop->wake_.fd, &one, sizeof one));
    Must(put == sizeof one || errno == EAGAIN, "waking the loop");
  }
  senders.fetch_sub(1);
}

// A pipe whose ends never block.
struct Pipe {
  Pipe() {
    int ends[2];
    Must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    reader = ends[0];
    writer = ends[1];
  }
  void Put(char byte) const { Must(write(writer, &byte, 1) == 1, "writing to a pipe"); }
  int reader, writer;
};

// One byte as text; "" at the end, "EAGAIN" where there is none.
inline std::string ReadByte(int fd) {
  char byte = 0;
  const ssize_t got = read(fd, &byte, 1);
  return got < 0 ? ErrorName(errno) : std::string(static_cast<size_t>(got), byte);
}

#endif  // POLLUX_TESTSUITE_LIBUV_LOOP_H_
