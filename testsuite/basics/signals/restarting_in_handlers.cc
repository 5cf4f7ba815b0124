// restarting_in_handlers: restart_syscall goes on with a sleep, or a wait with a time, that the
// handler which makes it has interrupted; until some handler returns. Whatever came of that, the
// interrupted call itself is EINTR.
#include <linux/futex.h>
#include <sys/time.h>
#include <time.h>

#include <functional>
#include <utility>

#include "testsuite/basics/tasks.h"

namespace {

long Restart() { return syscall(SYS_restart_syscall); }
void ShowRestart(const char* what) { Show(what, Restart()); }

// What the handlers do; each runs once.
std::function<void()> outer, inner;
void Outer(int) {
  if (outer) std::exchange(outer, nullptr)();
}
void Inner(int) {
  if (inner) std::exchange(inner, nullptr)();
}

// Sends `signal` to this thread in so many milliseconds of real time. What shall come while a
// handler waits is set by that handler: a busy host may be late with everything.
class Alarm {
 public:
  Alarm(int signal, int64_t ms) {
    struct sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = signal;
    Must(timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0, "timer_create");
    const itimerspec when = {{0, 0}, Time(ms * kMillisecond)};
    Must(timer_settime(timer_, 0, &when, nullptr) == 0, "timer_settime");
  }
  ~Alarm() { timer_delete(timer_); }

 private:
  timer_t timer_;
};

int64_t began;
void Begin() { began = Now(); }
void ShowPassed(const char* what, int64_t least_ms) {
  std::printf("%s: %s\n", what, Now() - began >= least_ms * kMillisecond ? "all of it" : "less");
}

constexpr int64_t kLong = 100;  // Milliseconds.

void Sleep(const char* what) {
  const timespec time = Time(kLong * kMillisecond);
  timespec left = {-1, -1};
  Begin();
  Show(what, syscall(SYS_nanosleep, &time, &left));
  std::printf("some was left: %d\n", left.tv_sec == 0 && left.tv_nsec > 0);
}

void Sleeping() {
  std::puts("- a sleep");
  outer = [] {
    ShowRestart("in the handler");
    ShowPassed("slept", kLong);
    ShowRestart("again");
  };
  {
    const Alarm alarm(SIGUSR1, 10);
    Sleep("nanosleep");
  }
  ShowRestart("after it");

  std::puts("- interrupted again, and gone on with");
  outer = [] {
    const Alarm second(SIGUSR2, 20);
    ShowRestart("in the handler");
    ShowPassed("slept", kLong);
    ShowRestart("again");
  };
  inner = [] { ShowRestart("in the one within"); };
  {
    const Alarm alarm(SIGUSR1, 10);
    Sleep("nanosleep");
  }

  std::puts("- interrupted again, and let go");
  outer = [] {
    const Alarm second(SIGUSR2, 20);
    ShowRestart("in the handler");
    ShowPassed("slept", kLong);
    ShowRestart("again");
  };
  inner = [] { std::puts("within"); };
  {
    const Alarm alarm(SIGUSR1, 10);
    Sleep("nanosleep");
  }

  std::puts("- a handler has returned before");
  outer = [] {
    raise(SIGUSR2);
    ShowRestart("in the handler");
  };
  {
    const Alarm alarm(SIGUSR1, 10);
    Sleep("nanosleep");
  }

  std::puts("- another sleep before");
  outer = [] {
    const timespec shortly = Time(kMillisecond);
    Show("nanosleep in the handler", syscall(SYS_nanosleep, &shortly, nullptr));
    ShowRestart("restart_syscall");
    ShowPassed("slept", kLong);
  };
  {
    const Alarm alarm(SIGUSR1, 10);
    Sleep("nanosleep");
  }

  std::puts("- by clock_nanosleep");
  const timespec time = Time(kLong * kMillisecond);
  outer = [] {
    ShowRestart("in the handler");
    ShowPassed("slept", kLong);
  };
  {
    const Alarm alarm(SIGUSR1, 10);
    Begin();
    Show("relative", syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &time, nullptr));
  }
  outer = [] { ShowRestart("in the handler"); };
  {
    const Alarm alarm(SIGUSR1, 10);
    const timespec end = Time(Now() + kLong * kMillisecond);
    Show("until then", syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr));
  }
}

uint32_t word = 1;

void Waiting() {
  std::puts("- a futex");
  const timespec time = Time(kLong * kMillisecond);
  const auto wait = [](const char* what, const timespec* limit) {
    const Alarm alarm(SIGUSR1, 10);
    Begin();
    Show(what, syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, limit, nullptr, 0));
  };
  outer = [] {
    ShowRestart("in the handler");
    ShowPassed("waited", kLong);
    ShowRestart("again");
  };
  wait("FUTEX_WAIT", &time);
  outer = [] {
    word = 2;
    ShowRestart("in the handler");
    ShowRestart("again");
    word = 1;
  };
  wait("the word has changed", &time);
  outer = [] { ShowRestart("in the handler"); };
  inner = [] { ShowRestart("in the one within"); };
  {
    const Alarm second(SIGUSR2, 30);
    wait("interrupted again", &time);
  }
  outer = [] { ShowRestart("in the handler"); };
  wait("without a time", nullptr);
}

void Others() {
  std::puts("- other calls");
  int ends[2];
  Must(pipe2(ends, 0) == 0, "pipe2");
  outer = [] { ShowRestart("in the handler"); };
  {
    const Alarm alarm(SIGUSR1, 10);
    char byte;
    Show("read", read(ends[0], &byte, 1));
  }
  outer = [] { ShowRestart("in the handler"); };
  const timespec time = Time(kLong * kMillisecond);
  {
    const Alarm alarm(SIGUSR1, 10);
    Show("ppoll", syscall(SYS_ppoll, nullptr, 0, &time, nullptr, 8));
  }
}

}  // namespace

int main() {
  Handle(SIGUSR1, Outer);
  Handle(SIGUSR2, Inner);
  Sleeping();
  Waiting();
  Others();
  return 0;
}
