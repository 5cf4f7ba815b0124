// processor_clocks: the clocks of processor time by their numbers: which there are, and what
// timers, sleeps and limits on them answer.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <atomic>
#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

constexpr int kProf = 0, kVirt = 1, kSched = 2, kDevice = 3, kThread = 4;

// What clock_getcpuclockid(3) and pthread_getcpuclockid(3) make.
clockid_t ClockOf(pid_t id, int what) { return static_cast<clockid_t>(~id * 8 | what); }

// The system calls themselves: the library answers some of these alone.
long Sleep(clockid_t clock, int flags, const timespec* time, timespec* left = nullptr) {
  return syscall(SYS_clock_nanosleep, clock, flags, time, left);
}
long Create(clockid_t clock, int* timer, int notify = SIGEV_NONE, int signal = 0) {
  sigevent event = {};
  event.sigev_notify = notify;
  event.sigev_signo = signal;
  return syscall(SYS_timer_create, clock, &event, timer);
}
const timespec* Nowhere() { return reinterpret_cast<const timespec*>(8); }

void ShowClocks() {
  constexpr struct {
    const char* name;
    clockid_t clock;
  } kClocks[] = {
      {"process", CLOCK_PROCESS_CPUTIME_ID},
      {"thread", CLOCK_THREAD_CPUTIME_ID},
      {"own process", ~0 * 8 | kSched},
      {"own thread", ~0 * 8 | kSched | kThread},
      {"own process, in ticks", ~0 * 8 | kVirt},
      {"own thread, in ticks", ~0 * 8 | kProf | kThread},
      {"a device's", ~0 * 8 | kDevice},
      {"none", ~0 * 8 | kDevice | kThread},
      {"nobody's", ~0x3ffffff * 8 | kSched},
      {"nobody's thread", ~0x3ffffff * 8 | kSched | kThread},
  };
  for (const auto& [name, clock] : kClocks) {
    std::printf("%s\n", name);
    timespec time = {};
    Show("  its time", syscall(SYS_clock_gettime, clock, &time));
    const long known = syscall(SYS_clock_getres, clock, &time);
    std::printf("  its grain: %ld\n", known == 0 ? time.tv_nsec : -errno);
    Show("  set", syscall(SYS_clock_settime, clock, &time));
    Show("  set from nowhere", syscall(SYS_clock_settime, clock, Nowhere()));
    int timer = 0;
    Show("  a timer", Create(clock, &timer));
    const timespec none = {}, past = {0, 1};
    Show("  no sleep", Sleep(clock, 0, &none));
    // In ticks there may be no time yet.
    if (known < 0 || time.tv_nsec == 1)
      Show("  a sleep that is over", Sleep(clock, TIMER_ABSTIME, &past));
    Show("  a sleep from nowhere", Sleep(clock, 0, Nowhere()));
  }
  const pid_t pid = getpid();
  std::printf("by the own number\n");
  const timespec none = {};
  Show("  a sleep on the process", Sleep(ClockOf(pid, kSched), 0, &none));
  Show("  a sleep on the thread", Sleep(ClockOf(pid, kSched | kThread), 0, &none));
}

void SleepWhileAnotherComputes() {
  std::atomic<bool> end = false;
  std::atomic<pid_t> tid = 0;
  std::thread other([&] {
    tid = Tid();
    while (!end) continue;
  });
  while (tid == 0) sched_yield();
  for (const clockid_t clock : {clockid_t{CLOCK_PROCESS_CPUTIME_ID}, ClockOf(getpid(), kSched),
                                ClockOf(tid, kSched | kThread)}) {
    const int64_t before = Now(clock);
    const timespec time = Time(2 * kMillisecond), until = Time(before + 5 * kMillisecond);
    const long slept = Sleep(clock, 0, &time);
    std::printf("slept: %ld, long enough: %d\n", slept, Now(clock) >= before + 2 * kMillisecond);
    const long waited = Sleep(clock, TIMER_ABSTIME, &until);
    std::printf("waited: %ld, long enough: %d\n", waited, Now(clock) >= before + 5 * kMillisecond);
  }
  end = true;
  other.join();
}

// Nobody computes: only a signal ends it.
void SleepInterrupted() {
  const pid_t idle = Fork([] { return pause(); });
  UntilProcessAsleep(idle);
  Handle(SIGALRM, [](int) {});
  const timespec time = {1000, 0};
  timespec left = {};
  const itimerval often = {{0, 20000}, {0, 20000}}, never = {};
  Must(setitimer(ITIMER_REAL, &often, nullptr) == 0, "setitimer");
  Show("a sleep on a process that sleeps", Sleep(ClockOf(idle, kSched), 0, &time, &left));
  Must(setitimer(ITIMER_REAL, &never, nullptr) == 0, "setitimer");
  std::printf("left: %d\n", left.tv_sec >= 999 && left.tv_sec <= 1000);

  // Its timers, as long as it is there.
  int timer = 0, none = 0;
  Show("a timer on another process", Create(ClockOf(idle, kSched), &timer));
  Show("on a thread of another process", Create(ClockOf(idle, kSched | kThread), &none));
  const itimerspec setting = {{0, 5000}, {10, 0}};
  itimerspec now = {};
  Show("set", syscall(SYS_timer_settime, timer, 0, &setting, nullptr));
  Must(kill(idle, SIGKILL) == 0, "kill");
  siginfo_t info;
  Must(waitid(P_PID, static_cast<id_t>(idle), &info, WEXITED | WNOWAIT) == 0, "waitid");
  Show("of a zombie", syscall(SYS_timer_gettime, timer, &now));
  std::printf("interval %ld, left %d\n", now.it_interval.tv_nsec,
              now.it_value.tv_sec == 9 || now.it_value.tv_sec == 10);
  Show("set", syscall(SYS_timer_settime, timer, 0, &setting, nullptr));
  Show("the zombie's time", clock_gettime(ClockOf(idle, kSched), &left));
  Must(Wait(idle) == SIGKILL, "wait");
  Show("of nobody", syscall(SYS_timer_gettime, timer, &now));
  std::printf("interval %ld, left %ld\n", now.it_interval.tv_nsec, now.it_value.tv_sec);
  Show("set", syscall(SYS_timer_settime, timer, 0, &setting, nullptr));
  Show("deleted", syscall(SYS_timer_delete, timer));
}

std::atomic<int> fired;

// A point of time that has passed has come, although nobody computes on that clock.
void PastTimer() {
  const pid_t idle = Fork([] { return pause(); });
  UntilProcessAsleep(idle);
  Handle(SIGUSR1, [](int) { ++fired; });
  int timer = 0;
  Must(Create(ClockOf(idle, kSched), &timer, SIGEV_SIGNAL, SIGUSR1) == 0, "timer_create");
  const itimerspec past = {{0, 0}, {0, 1}};
  Must(syscall(SYS_timer_settime, timer, TIMER_ABSTIME, &past, nullptr) == 0, "timer_settime");
  std::printf("fired: %d\n", fired.load());
  itimerspec now = {{1, 1}, {1, 1}};
  Must(syscall(SYS_timer_gettime, timer, &now) == 0, "timer_gettime");
  std::printf("left: %ld %ld\n", now.it_value.tv_sec, now.it_value.tv_nsec);
  Must(kill(idle, SIGKILL) == 0 && Wait(idle) == SIGKILL, "kill");
}

void IntervalTimers() {
  itimerval now = {{1, 1}, {1, 1}};
  const itimerval hour = {{0, 0}, {3600, 0}}, interval = {{0, 3000}, {0, 0}};
  for (const auto which : {ITIMER_VIRTUAL, ITIMER_PROF}) {
    Must(getitimer(which, &now) == 0, "getitimer");
    std::printf("off: %ld %ld\n", now.it_value.tv_sec, now.it_value.tv_usec);
    Must(setitimer(which, &hour, nullptr) == 0 && getitimer(which, &now) == 0, "setitimer");
    std::printf("an hour: %d\n", now.it_value.tv_sec >= 3599);
    ShowEnd("a child has none", Fork([=] {
              itimerval its = {};
              Must(getitimer(which, &its) == 0, "getitimer");
              return its.it_value.tv_sec == 0 && its.it_value.tv_usec == 0 ? 5 : 6;
            }));
    Must(setitimer(which, &interval, &now) == 0, "setitimer");
    std::printf("the old one: %d\n", now.it_value.tv_sec >= 3599);
    Must(getitimer(which, &now) == 0, "getitimer");
    std::printf("an interval alone: %ld, %ld\n", now.it_value.tv_usec, now.it_interval.tv_usec);
  }
}

// A limit that has been passed counts at once.
int Limited() {
  static std::atomic<int> warned;
  Handle(SIGXCPU, [](int) { ++warned; });
  rlimit limit = {0, 5};
  Must(setrlimit(RLIMIT_CPU, &limit) == 0, "setrlimit");
  while (warned == 0) continue;
  Must(getrlimit(RLIMIT_CPU, &limit) == 0, "getrlimit");
  std::printf("the limit moves on: %d\n", static_cast<int>(limit.rlim_cur));
  std::fflush(stdout);
  limit = {0, 0};
  Must(setrlimit(RLIMIT_CPU, &limit) == 0, "setrlimit");
  // Not an empty loop without end: a compiler may leave that out.
  for (;;) (void)warned.load();
}

}  // namespace

int main() {
  ShowClocks();
  SleepWhileAnotherComputes();
  SleepInterrupted();
  PastTimer();
  IntervalTimers();
  ShowEnd("limited", Fork(Limited));
  return 0;
}
