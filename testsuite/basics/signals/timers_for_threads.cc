// timers_for_threads: timers that signal one thread, or begin one, or the process; one that
// interrupts a loop that never calls the kernel.
#include <sys/time.h>

#include <atomic>
#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

std::atomic<int> fired;
std::atomic<pid_t> fired_on;

void Handler(int, siginfo_t* info, void*) {
  fired_on = Tid();
  if (info->si_code == SI_TIMER) fired += info->si_value.sival_int;
  if (info->si_code == SI_KERNEL) ++fired;
}

itimerspec Every(int64_t ns) { return {Time(ns), Time(ns)}; }

}  // namespace

int main() {
  Handle(SIGUSR1, Handler);
  Handle(SIGALRM, Handler);
  timer_t timer;
  sigevent event = {};
  event.sigev_signo = SIGUSR1;
  event.sigev_value.sival_int = 1;
  event.sigev_notify = SIGEV_THREAD_ID;
  const itimerspec often = Every(2 * kMillisecond), off = {};

  // To the thread that is named, though the first one blocks nothing.
  std::atomic<pid_t> tid = 0;
  std::thread worker([&] {
    tid = Tid();
    while (fired < 5) continue;
  });
  while (tid == 0) sched_yield();
  event._sigev_un._tid = tid;
  Must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
  Must(timer_settime(timer, 0, &often, nullptr) == 0, "timer_settime");
  worker.join();
  std::printf("a thread's timer: on that thread: %d\n", fired_on == tid);
  Must(timer_settime(timer, 0, &off, nullptr) == 0 && timer_delete(timer) == 0, "timer_delete");
  event._sigev_un._tid = 0x3ffffff;
  Show("a timer for nobody", timer_create(CLOCK_MONOTONIC, &event, &timer));

  // The C library makes a thread of it.
  static std::atomic<int> calls;
  event = {};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_value.sival_int = 7;
  event.sigev_notify_function = [](sigval value) { calls += value.sival_int; };
  Must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
  const itimerspec once = {{0, 0}, Time(2 * kMillisecond)};
  for (int i = 1; i <= 3; ++i) {
    Must(timer_settime(timer, 0, &once, nullptr) == 0, "timer_settime");
    while (calls < 7 * i) sched_yield();
  }
  std::printf("SIGEV_THREAD: %d\n", calls.load());
  Must(timer_delete(timer) == 0, "timer_delete");

  // The process's alarm reaches a thread that computes when the first one blocks it.
  fired = 0;
  Block({SIGALRM});
  std::thread computing([] {
    Unblock({SIGALRM});
    while (fired < 3) continue;
    Must(fired_on == Tid(), "on this thread");
  });
  const itimerval alarms = {{0, 2000}, {0, 2000}};
  Must(setitimer(ITIMER_REAL, &alarms, nullptr) == 0, "setitimer");
  computing.join();
  const itimerval none = {};
  Must(setitimer(ITIMER_REAL, &none, nullptr) == 0, "setitimer");
  std::printf("the alarm of the process: on the thread that does not block it\n");
  const timespec at_once = {};
  const sigset_t set = SetOf({SIGALRM});
  sigtimedwait(&set, nullptr, &at_once);
  Unblock({SIGALRM});

  // A loop that never calls the kernel is interrupted all the same, each time.
  fired = 0;
  Must(setitimer(ITIMER_REAL, &alarms, nullptr) == 0, "setitimer");
  while (fired < 5) continue;
  Must(setitimer(ITIMER_REAL, &none, nullptr) == 0, "setitimer");
  std::printf("a loop is interrupted\n");
  return 0;
}
