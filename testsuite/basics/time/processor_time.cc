// processor_time: the time that threads and processes compute: their clocks, what a parent learns
// of its children, and timers that run on it.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

#include <atomic>
#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

std::atomic<int> fired;

void Handler(int) { ++fired; }

void Compute(int64_t ns) {
  const int64_t until = Now(CLOCK_THREAD_CPUTIME_ID) + ns;
  while (Now(CLOCK_THREAD_CPUTIME_ID) < until) continue;
}

int64_t Used(int who) {
  rusage usage;
  Must(getrusage(who, &usage) == 0, "getrusage");
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * int64_t{1000000000} +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * int64_t{1000};
}

}  // namespace

int main() {
  Compute(5 * kMillisecond);
  // Read in this order the second is the later one.
  const int64_t thread = Now(CLOCK_THREAD_CPUTIME_ID), process = Now(CLOCK_PROCESS_CPUTIME_ID);
  std::printf("a thread's time is part of the process's: %d\n",
              thread >= 5 * kMillisecond && process >= thread);
  const int64_t before = Now(CLOCK_PROCESS_CPUTIME_ID);
  std::thread([] {
    Must(Now(CLOCK_THREAD_CPUTIME_ID) < Now(CLOCK_PROCESS_CPUTIME_ID), "a new thread has little");
    Compute(5 * kMillisecond);
  }).join();
  std::printf("what a thread used is the process's: %d\n",
              Now(CLOCK_PROCESS_CPUTIME_ID) - before >= 5 * kMillisecond);

  // Another thread's clock, by its handle.
  std::atomic<bool> end = false;
  std::thread other([&] {
    while (!end) continue;
  });
  clockid_t its;
  Must(pthread_getcpuclockid(other.native_handle(), &its) == 0, "pthread_getcpuclockid");
  const int64_t begin = Now(its);
  while (Now(its) < begin + 3 * kMillisecond) sched_yield();
  end = true;
  other.join();
  std::printf("another thread's clock goes on\n");
  clockid_t of_parent;
  Must(clock_getcpuclockid(0, &of_parent) == 0, "clock_getcpuclockid");
  std::printf("the process's by its id: %d\n", Now(of_parent) >= before);
  std::printf("of nobody: %s\n", ErrorName(clock_getcpuclockid(0x3ffffff, &its)));

  std::printf("children: %d", Used(RUSAGE_CHILDREN) == 0);
  Must(Wait(Fork([] {
         Compute(30 * kMillisecond);
         return 0;
       })) == 0,
       "a child");
  std::printf(" %d\n", Used(RUSAGE_CHILDREN) >= 10 * kMillisecond);
  // Two ticks or more, since user and system time are each counted in whole ones.
  while (Now(CLOCK_PROCESS_CPUTIME_ID) < 40 * kMillisecond) continue;
  struct tms ticks;
  Must(times(&ticks) != static_cast<clock_t>(-1), "times");
  std::printf("times: %d\n", ticks.tms_utime + ticks.tms_stime >= 1);

  // Timers of the time that is computed.
  constexpr struct {
    const char* name;
    __itimer_which which;
    int signal;
  } kTimers[] = {{"ITIMER_VIRTUAL", ITIMER_VIRTUAL, SIGVTALRM},
                 {"ITIMER_PROF", ITIMER_PROF, SIGPROF}};
  for (const auto& [name, which, signal] : kTimers) {
    Handle(signal, Handler);
    fired = 0;
    const itimerval often = {{0, 5000}, {0, 5000}}, none = {};
    Must(setitimer(which, &often, nullptr) == 0, "setitimer");
    while (fired < 3) continue;
    itimerval left;
    Must(setitimer(which, &none, &left) == 0, "setitimer");
    std::printf("%s: fired, interval %d\n", name,
                static_cast<int>(left.it_interval.tv_usec) >= 4000);
  }
  for (const clockid_t clock : {CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID}) {
    fired = 0;
    timer_t timer;
    sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGPROF;
    Must(timer_create(clock, &event, &timer) == 0, "timer_create");
    const itimerspec often = {{0, 4000000}, {0, 4000000}};
    Must(timer_settime(timer, 0, &often, nullptr) == 0, "timer_settime");
    while (fired < 3) continue;
    Must(timer_delete(timer) == 0, "timer_delete");
    std::printf("a timer on the clock %d: fired\n", clock);
  }
  return 0;
}
