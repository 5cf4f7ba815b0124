// made_timers: timer_create(2): whom they signal, what they count, what becomes of a signal whose
// timer was set anew or deleted.
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

constexpr long kMilli = 1000000;
const timespec kNoTime = {};
siginfo_t last;
volatile sig_atomic_t handled;

void Handler(int, siginfo_t* info, void*) {
  handled = handled + 1;
  last = *info;
}

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

// The system calls themselves: the C library's timer_t is its own.
int Create(int clock, int notify, int signal, int value, int tid = 0) {
  sigevent event = {};
  event.sigev_notify = notify;
  event.sigev_signo = signal;
  event.sigev_value.sival_int = value;
  event._sigev_un._tid = tid;
  int id = -1;
  if (syscall(SYS_timer_create, clock, &event, &id) != 0) return -1;
  return id;
}

int Made(int clock, int notify, int signal, int value, int tid = 0) {
  const int id = Create(clock, notify, signal, value, tid);
  Must(id >= 0, "timer_create");
  return id;
}

void Set(int id, long value, long interval, int flags = 0, itimerspec* old = nullptr) {
  const itimerspec setting = {{interval / 1000000000, interval % 1000000000},
                              {value / 1000000000, value % 1000000000}};
  Must(syscall(SYS_timer_settime, id, flags, &setting, old) == 0, "timer_settime");
}

long Nanos(const timespec& time) { return time.tv_sec * 1000000000 + time.tv_nsec; }

void Sleep(long span) {
  timespec time = {span / 1000000000, span % 1000000000};
  while (nanosleep(&time, &time) != 0) continue;
}

void Tell(const char* what, int id) {
  itimerspec now;
  Must(syscall(SYS_timer_gettime, id, &now) == 0, "timer_gettime");
  std::printf("%s: %s, interval %ld\n", what, Nanos(now.it_value) > 0 ? "runs" : "off",
              Nanos(now.it_interval));
}

bool Pends(int signal) {
  sigset_t set;
  Must(sigpending(&set) == 0, "sigpending");
  return sigismember(&set, signal) == 1;
}

// Takes a signal of `set` and prints it; the number of the timer only as "this one".
void Take(const char* what, const sigset_t& set, int id, bool show_overrun = true) {
  siginfo_t info = {};
  const int signal = sigtimedwait(&set, &info, &kNoTime);
  if (signal < 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
    return;
  }
  std::printf("%s: SIG%s code %d value %d, this one %d, overrun %d\n", what, sigabbrev_np(signal),
              info.si_code, info.si_value.sival_int,
              info.si_code == SI_TIMER && info.si_timerid == id,
              info.si_code == SI_TIMER && show_overrun ? info.si_overrun : 0);
  if (!show_overrun) Must(info.si_overrun >= 5, "many intervals");
}

}  // namespace

int main() {
  DropRoot();
  struct sigaction action = {};
  action.sa_sigaction = Handler;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : {SIGUSR1, SIGALRM, SIGRTMIN}) {
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
  }

  // The default is SIGALRM, with the number as value.
  int id = -1;
  Must(syscall(SYS_timer_create, CLOCK_MONOTONIC, nullptr, &id) == 0, "timer_create");
  Tell("new", id);
  Set(id, kMilli, 0);
  while (handled == 0) pause();
  std::printf("default: SIG%s code %d, value is the number %d\n", sigabbrev_np(last.si_signo),
              last.si_code, last.si_value.sival_int == id && last.si_timerid == id);
  Tell("after one shot", id);
  ShowCount("overrun", syscall(SYS_timer_getoverrun, id));
  Show("delete", syscall(SYS_timer_delete, id));
  Show("delete again", syscall(SYS_timer_delete, id));

  // To one thread; by a real-time signal; repeated.
  id = Made(CLOCK_REALTIME, SIGEV_THREAD_ID, SIGRTMIN, 77, static_cast<int>(syscall(SYS_gettid)));
  handled = 0;
  Set(id, kMilli, kMilli);
  while (handled < 3) pause();
  Set(id, 0, 0);
  std::printf("repeated: value %d code %d\n", last.si_value.sival_int, last.si_code);
  Tell("switched off", id);
  Must(syscall(SYS_timer_delete, id) == 0, "timer_delete");

  // Absolute, in the past: at once.
  id = Made(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 5);
  handled = 0;
  Set(id, 1, 0, TIMER_ABSTIME);
  while (handled == 0) sched_yield();
  std::printf("in the past: value %d overrun %d\n", last.si_value.sival_int, last.si_overrun);
  itimerspec old;
  Set(id, 500000 * kMilli, 3 * kMilli);
  Set(id, 0, 4 * kMilli, 0, &old);
  Must(Nanos(old.it_value) > 0 && Nanos(old.it_value) <= 500000 * kMilli, "what was left");
  std::printf("old interval %ld\n", Nanos(old.it_interval));
  Tell("no value", id);

  // Blocked: intervals that go by are counted when it is taken.
  const sigset_t user = SetOf({SIGUSR1});
  Must(sigprocmask(SIG_BLOCK, &user, nullptr) == 0, "sigprocmask");
  Set(id, kMilli, kMilli);
  Sleep(10 * kMilli);
  std::printf("pends %d\n", Pends(SIGUSR1));
  Tell("blocked", id);
  Take("taken", user, id, false);
  Must(syscall(SYS_timer_getoverrun, id) >= 5, "timer_getoverrun");
  Set(id, 0, 0);
  ShowCount("overrun after it was set", syscall(SYS_timer_getoverrun, id));

  // A signal whose timer was set anew is dropped.
  Set(id, 1, 0);
  Sleep(kMilli);
  std::printf("pends %d\n", Pends(SIGUSR1));
  Set(id, 0, 0);
  std::printf("disarmed, pends %d\n", Pends(SIGUSR1));
  Take("after disarming", user, id);
  Set(id, 1, 0);
  Sleep(kMilli);
  Set(id, 1, 0);
  Sleep(kMilli);
  Take("expired twice", user, id);
  Take("expired twice", user, id);
  // One whose timer was deleted is dropped, too.
  Set(id, 1, 0);
  Sleep(kMilli);
  const int other = Made(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 6);
  Set(other, 1, 0);
  Sleep(kMilli);
  Must(syscall(SYS_timer_delete, id) == 0, "timer_delete");
  std::printf("deleted, pends %d\n", Pends(SIGUSR1));
  Take("deleted", user, other);
  Take("deleted", user, other);

  // Each timer has a signal of its own; one that is sent has none if the number pends.
  id = Made(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 8);
  Set(id, 1, 0);
  Sleep(kMilli);
  Set(other, 1, 0);
  Sleep(kMilli);
  kill(getpid(), SIGUSR1);
  Take("first", user, id);
  Take("second", user, other);
  Take("third", user, other);
  kill(getpid(), SIGUSR1);
  Set(id, 1, 0);
  Sleep(kMilli);
  Take("sent before", user, id);
  Take("sent before", user, id);

  // Ignored: it stands still until it is not.
  Must(sigprocmask(SIG_UNBLOCK, &user, nullptr) == 0, "sigprocmask");
  signal(SIGUSR1, SIG_IGN);
  Set(id, kMilli, kMilli);
  Sleep(10 * kMilli);
  Tell("ignored", id);
  handled = 0;
  Must(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  std::printf("not ignored any more: handled %d\n", handled >= 1);
  Tell("it runs again", id);
  Must(syscall(SYS_timer_delete, id) == 0, "timer_delete");

  // SIGEV_NONE: only to be asked.
  id = Made(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
  Tell("none, new", id);
  Set(id, kMilli, 0);
  Sleep(2 * kMilli);
  Tell("none, expired", id);
  Set(id, kMilli, 1000 * kMilli);
  Sleep(2 * kMilli);
  Tell("none, with an interval", id);
  ShowCount("overrun", syscall(SYS_timer_getoverrun, id));
  Must(syscall(SYS_timer_delete, id) == 0, "timer_delete");

  // Errors.
  for (const int clock : {CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
                          CLOCK_BOOTTIME, CLOCK_TAI, 10, 12}) {
    Show(("clock " + std::to_string(clock)).c_str(), Create(clock, SIGEV_SIGNAL, SIGUSR1, 0));
  }
  Show("signal 0", Create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, 0));
  Show("signal 65", Create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 65, 0));
  Show("SIGEV_THREAD", Create(CLOCK_MONOTONIC, SIGEV_THREAD, SIGUSR1, 0));
  Show("unknown notification", Create(CLOCK_MONOTONIC, 8, SIGUSR1, 0));
  Show("no such thread", Create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, 0, 0x3ffffff));
  void* const nowhere = reinterpret_cast<void*>(8);
  int made = -1;
  Show("event out of reach", syscall(SYS_timer_create, CLOCK_MONOTONIC, nowhere, &made));
  Show("number out of reach", syscall(SYS_timer_create, CLOCK_MONOTONIC, nullptr, nowhere));
  const itimerspec good = {{0, 0}, {1, 0}}, negative = {{0, 0}, {-1, 0}},
                   bad = {{0, 1000000000}, {}};
  Show("settime, no value", syscall(SYS_timer_settime, other, 0, nullptr, nullptr));
  Show("settime, out of reach", syscall(SYS_timer_settime, other, 0, nowhere, nullptr));
  Show("settime, negative", syscall(SYS_timer_settime, other, 0, &negative, nullptr));
  Show("settime, bad interval", syscall(SYS_timer_settime, other, 0, &bad, nullptr));
  Show("settime, unknown timer", syscall(SYS_timer_settime, 12345, 0, &good, nullptr));
  Show("settime, unknown flags", syscall(SYS_timer_settime, other, 0xfe, &good, nullptr));
  Show("settime, old value out of reach", syscall(SYS_timer_settime, other, 0, &good, nowhere));
  Show("gettime, unknown timer", syscall(SYS_timer_gettime, 12345, &old));
  Show("gettime, out of reach", syscall(SYS_timer_gettime, other, nowhere));
  Show("getoverrun, unknown timer", syscall(SYS_timer_getoverrun, -1));
  Show("delete, unknown timer", syscall(SYS_timer_delete, 12345));
  Show("clock 10, event out of reach", syscall(SYS_timer_create, 10, nowhere, &made));
  Show("clock 9, signal 0", Create(CLOCK_BOOTTIME_ALARM, SIGEV_SIGNAL, 0, 0));
  Show("settime, unknown timer, negative",
       syscall(SYS_timer_settime, 12345, 0, &negative, nullptr));
  return 0;
}
