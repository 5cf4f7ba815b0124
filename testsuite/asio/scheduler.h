// Threads that run handlers and one reactor between them, as Asio's scheduler and epoll_reactor do
// (asio/detail/impl/scheduler.ipp, epoll_reactor.ipp).
//
// - The queue holds handlers and a marker, the task. Whoever takes the marker runs the reactor, and
//   blocks in epoll_wait only if nothing else was queued; the others run handlers, or sleep.
// - Posting wakes a sleeping thread. Where none sleeps and one may be blocked in the reactor, it is
//   interrupted: by a modification of the interrupter's registration. That descriptor has been
//   readable since the start and nobody reads it; it is watched edge-triggered, and a modification
//   must look at it anew.
// - Timers are one timerfd, level-triggered. As in Asio its read blocks if another thread sets it
//   between the report and the read, until it expires again.
//
// Run returns when no work is left. Everything else may be called from every thread, before Run and
// in handlers.
#ifndef POLLUX_TESTSUITE_ASIO_SCHEDULER_H_
#define POLLUX_TESTSUITE_ASIO_SCHEDULER_H_

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"

using Handler = std::function<void()>;

class Scheduler {
 public:
  Scheduler()
      : epoll_(epoll_create1(EPOLL_CLOEXEC)),
        interrupter_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    Must(epoll_ >= 0 && interrupter_ >= 0 && timer_ >= 0, "the reactor's descriptors");
    Control(EPOLL_CTL_ADD, interrupter_, EPOLLIN | EPOLLERR | EPOLLET);
    // Readable from here on.
    const uint64_t one = 1;
    Must(write(interrupter_, &one, sizeof one) == sizeof one, "write");
    Control(EPOLL_CTL_ADD, timer_, EPOLLIN | EPOLLERR);
    queue_.push_back({});
  }
  ~Scheduler() {
    close(timer_);
    close(interrupter_);
    close(epoll_);
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // In the calling thread; how many handlers ran.
  int Run() {
    int ran = 0;
    if (work_ == 0) Stop();
    std::unique_lock lock(mutex_);
    while (!stopped_) {
      if (queue_.empty()) {
        ++sleeping_;
        wakeup_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
        --sleeping_;
        continue;
      }
      const Handler handler = std::move(queue_.front());
      queue_.pop_front();
      const bool more = !queue_.empty();
      if (!handler) {
        interrupted_ = more;
        if (more && sleeping_ > 0) wakeup_.notify_one();
        lock.unlock();
        std::vector<Handler> ready = React(/*block=*/!more);
        lock.lock();
        interrupted_ = true;  // Nobody is in the reactor.
        for (Handler& next : ready) queue_.push_back(std::move(next));
        queue_.push_back({});
      } else {
        if (more) WakeOne();
        lock.unlock();
        handler();
        ++ran;
        if (--work_ == 0) Stop();
        lock.lock();
      }
    }
    return ran;
  }

  void Post(Handler handler) {
    ++work_;
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(handler));
    WakeOne();
  }

  // Calls `handler` once, when CLOCK_MONOTONIC has reached `at_ns`.
  void At(int64_t at_ns, Handler handler) {
    ++work_;
    std::lock_guard lock(timers_mutex_);
    const auto added = timers_.emplace(at_ns, std::move(handler));
    if (added == timers_.begin()) SetTimer();
  }

  // All threads return from Run, whatever work is left.
  void Stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    wakeup_.notify_all();
    if (!interrupted_) {
      interrupted_ = true;
      Interrupt();
    }
  }

  int interrupts() const { return interrupts_; }

 private:
  void Control(int op, int fd, uint32_t events) {
    epoll_event event = {};
    event.events = events;
    event.data.fd = fd;
    Must(epoll_ctl(epoll_, op, fd, &event) == 0, "epoll_ctl");
  }
  void Interrupt() {
    ++interrupts_;
    Control(EPOLL_CTL_MOD, interrupter_, EPOLLIN | EPOLLERR | EPOLLET);
  }
  // With mutex_.
  void WakeOne() {
    if (sleeping_ > 0) {
      wakeup_.notify_one();
    } else if (!interrupted_) {
      interrupted_ = true;
      Interrupt();
    }
  }

  std::vector<Handler> React(bool block) {
    epoll_event events[128];
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll_, events, 128, block ? -1 : 0));
    Must(count >= 0, "epoll_wait");
    std::vector<Handler> ready;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd != timer_) continue;  // The interrupter stays readable.
      uint64_t expirations;
      Must(read(timer_, &expirations, sizeof expirations) == sizeof expirations,
           "reading the timer");
      std::lock_guard lock(timers_mutex_);
      while (!timers_.empty() && timers_.begin()->first <= Now()) {
        ready.push_back(std::move(timers_.begin()->second));
        timers_.erase(timers_.begin());
      }
      SetTimer();
    }
    return ready;
  }
  // With timers_mutex_.
  void SetTimer() {
    // Without a timer in five minutes, as Asio's longest wait; what is due already expires at once.
    int64_t left_ns = 300000 * kMillisecond;
    if (!timers_.empty()) left_ns = std::min(left_ns, timers_.begin()->first - Now());
    const bool due = left_ns <= 0;
    const itimerspec setting = {.it_interval = {}, .it_value = Time(due ? 1 : left_ns)};
    Must(timerfd_settime(timer_, due ? TFD_TIMER_ABSTIME : 0, &setting, nullptr) == 0,
         "timerfd_settime");
  }

  const int epoll_, interrupter_, timer_;
  std::mutex mutex_;
  std::condition_variable wakeup_;
  std::deque<Handler> queue_;  // An empty one is the task.
  int sleeping_ = 0;
  bool stopped_ = false;
  bool interrupted_ = true;  // Nobody blocks in the reactor, or somebody has been interrupted.
  std::atomic<int> work_ = 0, interrupts_ = 0;
  std::mutex timers_mutex_;
  std::multimap<int64_t, Handler> timers_;
};

// Handlers that are posted to a strand run one after the other in the order of their posting, in
// any thread (strand_executor_service.hpp). The first takes the strand's lock, and with it the duty
// to put the strand into the scheduler; others wait in a second queue, which is looked at when the
// ready ones are done.
class Strand {
 public:
  explicit Strand(Scheduler& scheduler) : scheduler_(scheduler) {}

  void Post(Handler handler) {
    {
      std::lock_guard lock(mutex_);
      if (locked_) {
        waiting_.push_back(std::move(handler));
        return;
      }
      locked_ = true;
    }
    ready_.push_back(std::move(handler));  // Whoever has locked the strand owns this queue.
    scheduler_.Post([this] { Invoke(); });
  }

 private:
  void Invoke() {
    while (!ready_.empty()) {
      const Handler handler = std::move(ready_.front());
      ready_.pop_front();
      handler();
    }
    {
      std::lock_guard lock(mutex_);
      ready_.swap(waiting_);
      locked_ = !ready_.empty();
      if (!locked_) return;
    }
    scheduler_.Post([this] { Invoke(); });
  }

  Scheduler& scheduler_;
  std::mutex mutex_;
  bool locked_ = false;
  std::deque<Handler> ready_, waiting_;
};

// Runs `scheduler` in so many threads until no work is left; how many handlers ran.
inline int RunIn(Scheduler& scheduler, int threads) {
  std::atomic<int> ran = 0;
  std::vector<std::thread> runners;
  for (int i = 0; i < threads; ++i) runners.emplace_back([&] { ran += scheduler.Run(); });
  for (std::thread& runner : runners) runner.join();
  return ran;
}

#endif  // POLLUX_TESTSUITE_ASIO_SCHEDULER_H_
