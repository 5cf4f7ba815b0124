// pending_limit: RLIMIT_SIGPENDING: how many signals may be queued for a user, timers' among them.
// Beyond it who queues gets EAGAIN; kill(2) of a real-time signal and what tgkill(2) sends as a
// standard one arrive without saying who sent them; what the kernel and kill(2) send as a standard
// signal is queued all the same.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include <string>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

sigset_t all;
const int kRt = SIGRTMIN + 3, kOther = SIGRTMIN + 5;

// Of what this user has queued, and nobody else: the first number of SigQ.
rlim_t Queued() {
  const char* line = strstr(FileText("/proc/self/status"), "SigQ:");
  Must(line != nullptr, "SigQ");
  return strtoul(line + 5, nullptr, 10);
}

void SetLimit(rlim_t soft) {
  rlimit limit;
  Must(getrlimit(RLIMIT_SIGPENDING, &limit) == 0, "getrlimit");
  limit.rlim_cur = soft;
  Must(setrlimit(RLIMIT_SIGPENDING, &limit) == 0, "setrlimit");
}

rlim_t hard_limit;
void LetAll() { SetLimit(hard_limit); }

long Queue(int signal, int value = 0) {
  sigval given = {};
  given.sival_int = value;
  return sigqueue(getpid(), signal, given);
}

std::string CodeText(int code) {
  switch (code) {
    case SI_USER:
      return "SI_USER";
    case SI_TKILL:
      return "SI_TKILL";
    case SI_QUEUE:
      return "SI_QUEUE";
    case SI_TIMER:
      return "SI_TIMER";
    case SI_KERNEL:
      return "SI_KERNEL";
    default:
      return std::to_string(code);
  }
}

// Takes all that pends.
void Tell(const char* what) {
  std::printf("%s:", what);
  siginfo_t info;
  const timespec no_time = {};
  int signal;
  while ((signal = sigtimedwait(&all, &info, &no_time)) > 0) {
    std::printf(" [%d %s", signal >= SIGRTMIN ? signal - SIGRTMIN + 100 : signal,
                CodeText(info.si_code).c_str());
    if (info.si_code == SI_QUEUE || info.si_code == SI_TIMER) {
      std::printf(" %d", info.si_value.sival_int);
    }
    if (info.si_code != SI_TIMER && info.si_code != SI_KERNEL && info.si_code <= 0) {
      std::printf(" from %s", info.si_pid == getpid() ? "me" : info.si_pid == 0 ? "0" : "another");
    }
    std::printf("]");
  }
  std::puts("");
}

void Counting() {
  std::puts("- counting");
  const rlim_t before = Queued();
  const auto more = [&](const char* what) {
    std::printf("%s: %d\n", what, static_cast<int>(Queued() - before));
  };
  Must(Queue(kRt) == 0 && Queue(kRt) == 0, "sigqueue");
  more("two are queued");
  Must(raise(SIGUSR1) == 0 && raise(SIGUSR1) == 0, "raise");
  more("and a standard one, twice");
  Must(kill(getpid(), SIGCHLD) == 0, "kill");
  more("and one that is ignored unless blocked");
  SetLimit(before + 5);
  Show("one more fits", Queue(kOther, 5));
  Show("another one does not", Queue(kOther, 6));
  SetLimit(before + 6);
  Show("now it does", Queue(kOther, 7));
  Tell("in order");
  more("nothing is left");
  LetAll();

  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = kRt;
  timer_t timer, other;
  SetLimit(before + 1);
  Show("a timer", timer_create(CLOCK_MONOTONIC, &event, &timer));
  more("counts");
  Show("one more", timer_create(CLOCK_MONOTONIC, &event, &other));
  event.sigev_notify = SIGEV_NONE;
  Show("and one without a signal", timer_create(CLOCK_MONOTONIC, &event, &other));
  Show("and a signal", Queue(kOther));
  itimerspec soon = {};
  soon.it_value.tv_nsec = 1;
  Must(timer_settime(timer, 0, &soon, nullptr) == 0, "timer_settime");
  sigset_t pending;
  do {
    Must(sigpending(&pending) == 0, "sigpending");
  } while (sigismember(&pending, kRt) == 0);
  more("its signal has no other place");
  Must(timer_delete(timer) == 0, "timer_delete");
  more("deleted, and its signal pends");
  Show("so another one", timer_create(CLOCK_MONOTONIC, &event, &other));
  Tell("it is not told");
  more("now it is gone");
  Show("and another one", timer_create(CLOCK_MONOTONIC, &event, &timer));
  Must(timer_delete(timer) == 0, "timer_delete");
  more("at the end");
  LetAll();
}

void NothingFits() {
  std::puts("- nothing fits");
  SetLimit(0);
  Show("sigqueue, real-time", Queue(kRt));
  Show("tgkill, real-time", tgkill(getpid(), gettid(), kRt));
  Show("tkill, real-time", syscall(SYS_tkill, gettid(), kRt));
  const long self = syscall(SYS_pidfd_open, getpid(), 0);
  Must(self >= 0, "pidfd_open");
  Tell("nothing");
  Show("pidfd_send_signal, real-time", syscall(SYS_pidfd_send_signal, self, kRt, nullptr, 0));
  Tell("as kill's");
  Show("kill, real-time", kill(getpid(), kRt));
  Show("kill, real-time, again", kill(getpid(), kRt));
  Tell("once");
  Show("sigqueue, standard", Queue(SIGUSR1));
  Show("sigqueue, standard, again", Queue(SIGUSR1));
  Tell("without who and what");
  Show("tgkill, standard", tgkill(getpid(), gettid(), SIGUSR1));
  Tell("without who");
  Show("kill, standard", kill(getpid(), SIGUSR1));
  Tell("all of it");
  siginfo_t made = {};
  made.si_signo = kRt;
  made.si_code = SI_KERNEL;
  Show("rt_sigqueueinfo to oneself, as if from the kernel",
       syscall(SYS_rt_sigqueueinfo, getpid(), kRt, &made));
  made.si_code = SI_USER;
  Show("as if by kill", syscall(SYS_rt_sigqueueinfo, getpid(), kRt, &made));
  Show("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), kRt, &made));
  Tell("of the thread and of the process");
  made.si_code = SI_QUEUE;
  Show("rt_tgsigqueueinfo, queued", syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), kRt, &made));

  int ends[2];
  Must(pipe(ends) == 0 && close(ends[0]) == 0, "pipe");
  ShowCount("SIGPIPE", write(ends[1], "x", 1));
  Tell("all of it");
  const itimerval soon = {{}, {0, 1}};
  Must(setitimer(ITIMER_REAL, &soon, nullptr) == 0, "setitimer");
  sigset_t pending;
  do {
    Must(sigpending(&pending) == 0, "sigpending");
  } while (sigismember(&pending, SIGALRM) == 0);
  Tell("an interval timer's");

  LetAll();
  Must(Queue(kRt, 1) == 0, "sigqueue");
  SetLimit(0);
  Show("kill, where one is queued", kill(getpid(), kRt));
  Tell("once");

  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, kRt);
  const int reader = signalfd(-1, &one, SFD_NONBLOCK);
  Must(reader >= 0, "signalfd");
  Must(kill(getpid(), kRt) == 0, "kill");
  signalfd_siginfo told;
  ShowCount("signalfd", read(reader, &told, sizeof told));
  std::printf("code %s, pid %u\n", CodeText(told.ssi_code).c_str(), told.ssi_pid);
  LetAll();
}

// The limit is that of who gets the signal; what is queued counts for the user of whom gets it.
void OfAnother() {
  std::puts("- of another process");
  int go[2];
  Must(pipe(go) == 0, "pipe");
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    Must(close(go[1]) == 0 && read(go[0], &byte, 1) == 0, "wait");
    _exit(0);
  }
  Must(close(go[0]) == 0, "close");
  const rlim_t before = Queued();
  const rlimit none = {0, hard_limit};
  Must(prlimit(child, RLIMIT_SIGPENDING, &none, nullptr) == 0, "prlimit");
  Show("the child has no room", sigqueue(child, kRt, {}));
  Show("but I have", Queue(kRt));
  const rlimit some = {hard_limit, hard_limit};
  Must(prlimit(child, RLIMIT_SIGPENDING, &some, nullptr) == 0, "prlimit");
  SetLimit(0);
  Show("the child has", sigqueue(child, kRt, {}));
  std::printf("both count: %d\n", static_cast<int>(Queued() - before));
  LetAll();
  Must(close(go[1]) == 0, "close");
  siginfo_t info;
  Must(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0, "waitid");
  std::printf("a zombie's still does: %d\n", static_cast<int>(Queued() - before));
  int status;
  Must(waitpid(child, &status, 0) == child && status == 0, "waitpid");
  sigset_t forget;
  sigemptyset(&forget);
  sigaddset(&forget, SIGCHLD);
  Must(sigtimedwait(&forget, &info, nullptr) == SIGCHLD, "SIGCHLD");
  std::printf("not after it was waited for: %d\n", static_cast<int>(Queued() - before));
  signal(kRt, SIG_IGN);
  std::printf("forgotten ones do not count: %d\n", static_cast<int>(Queued() - before));
  signal(kRt, SIG_DFL);
}

}  // namespace

int main() {
  // Where that is possible, a user whom nobody else is, or a user namespace of our own: the count is
  // one of all the user's processes there, and a shell that is about to take its SIGCHLD is one.
  if (setuid(static_cast<uid_t>(100000 + getpid())) != 0) (void)!unshare(CLONE_NEWUSER);
  DropRoot();
  rlimit limit;
  Must(getrlimit(RLIMIT_SIGPENDING, &limit) == 0, "getrlimit");
  hard_limit = limit.rlim_max;
  LetAll();
  sigfillset(&all);
  Must(sigprocmask(SIG_BLOCK, &all, nullptr) == 0, "sigprocmask");
  Counting();
  NothingFits();
  OfAnother();
  return 0;
}
