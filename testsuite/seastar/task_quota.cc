// The task quota of a Seastar core on epoll (src/core/reactor_backend.cc:
// task_quota_timer_thread_fn, start_tick, stop_tick; src/core/reactor.cc, around sleep). A thread
// beside the core, with all signals blocked, reads a periodic timerfd and each time asks the core
// to stop what it is doing; long tasks look at that flag and go to the end of the queue. The core
// stops the timer while it sleeps and starts it again when it wakes; at the end a timer that fires
// at once gets the thread out of its read.
#include <sys/timerfd.h>

#include "testsuite/seastar/reactor.h"

namespace {

class TaskQuota {
 public:
  TaskQuota() {
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    Must(timer_ >= 0, "timerfd_create");
    thread_ = std::thread([this] {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);
      while (!dying_.load(std::memory_order_relaxed)) {
        uint64_t expirations;
        Must(
            read(timer_, &expirations, sizeof expirations) == sizeof expirations && expirations > 0,
            "read of the timer");
        need_preempt_.store(true, std::memory_order_relaxed);
      }
    });
    Arm();
  }
  ~TaskQuota() {
    dying_.store(true, std::memory_order_relaxed);
    Set(1, kMillisecond);
    thread_.join();
    close(timer_);
  }
  void Arm() { Set(kMillisecond / 2, kMillisecond / 2); }
  void Disarm() { Set(0, 0); }
  // True once for each tick.
  bool NeedPreempt() {
    return need_preempt_.load(std::memory_order_relaxed) &&
           need_preempt_.exchange(false, std::memory_order_relaxed);
  }

 private:
  void Set(int64_t first, int64_t interval) {
    itimerspec spec = {};
    spec.it_value = Time(first);
    spec.it_interval = Time(interval);
    Must(timerfd_settime(timer_, 0, &spec, nullptr) == 0, "timerfd_settime");
  }

  int timer_;
  std::atomic<bool> dying_ = false, need_preempt_ = false;
  std::thread thread_;
};

// A task of many steps, which yields when it is asked to, and at last anyway.
struct Work {
  void Run() {
    for (int slice = 0; slice < 2000; ++slice) {
      if (steps_left-- == 0) return done();
      sum = sum * 31 + steps_left;
      if (quota->NeedPreempt()) break;
    }
    Reactor::Current().AddTask([this] { Run(); });
  }
  TaskQuota* quota;
  int steps_left;
  Task done;
  uint32_t sum = 0;
};

}  // namespace

int main() {
  Smp smp(1);
  TaskQuota quota;
  Reactor& core = *smp.cores[0];
  core.before_sleep = [&] { quota.Disarm(); };
  core.after_sleep = [&] { quota.Arm(); };

  constexpr int kTasks = 3;
  std::vector<Work> works(kTasks);
  int left = kTasks;
  for (int i = 0; i < kTasks; ++i) {
    works[i].quota = &quota;
    works[i].steps_left = 10000 * (i + 1);
    works[i].done = [&] {
      if (--left > 0) return;
      // Nothing to do until a timer's signal: the core sleeps with its ticks stopped.
      core.ArmTimer(Now() + 3 * kMillisecond, [&] { smp.Stop(); });
    };
  }
  smp.Run([&] {
    for (Work& work : works) core.AddTask([&work] { work.Run(); });
  });
  for (const Work& work : works) std::printf("sum %u\n", work.sum);
  return 0;
}
