// thread_queue: rt_tgsigqueueinfo sends one thread a signal with whatever it is to say of itself.
#include <signal.h>
#include <time.h>

#include "testsuite/basics/check.h"

namespace {

constexpr int kNobody = 0x3ffffff;

long Queue(pid_t process, pid_t thread, int signal, const void* info) {
  return syscall(SYS_rt_tgsigqueueinfo, process, thread, signal, info);
}

siginfo_t Info(int code, int value) {
  siginfo_t info = {};
  info.si_code = code;
  info.si_pid = 1111;
  info.si_uid = 2222;
  info.si_value.sival_int = value;
  return info;
}

void Print(const siginfo_t& info) {
  std::printf("  signal %s, code %d, from %d of %d, value %d\n",
              info.si_signo == SIGUSR1 ? "SIGUSR1" : "another", info.si_code, info.si_pid,
              info.si_uid, info.si_code == SI_USER ? 0 : info.si_value.sival_int);
}

void Handler(int, siginfo_t* info, void*) { Print(*info); }

}  // namespace

int main() {
  DropRoot();
  struct sigaction action = {};
  action.sa_sigaction = Handler;
  action.sa_flags = SA_SIGINFO;
  Must(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  const pid_t self = getpid();

  // To oneself one may say anything, even what the kernel says.
  for (const int code : {SI_QUEUE, SI_MESGQ, SI_USER, SI_TKILL}) {
    siginfo_t info = Info(code, 7);
    info.si_signo = SIGTERM;  // Does not count.
    Show("sent", Queue(self, self, SIGUSR1, &info));
  }
  siginfo_t info = Info(SI_QUEUE, 8);
  Show("signal 0", Queue(self, self, 0, &info));

  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN);
  Must(sigprocmask(SIG_BLOCK, &set, nullptr) == 0, "sigprocmask");
  Show("blocked", Queue(self, self, SIGUSR1, &info));
  info.si_value.sival_int = 9;
  Show("pending already", Queue(self, self, SIGUSR1, &info));
  for (const int value : {1, 2, 3}) {
    info = Info(SI_QUEUE, value);
    Must(Queue(self, self, SIGRTMIN, &info) == 0, "rt_tgsigqueueinfo");
  }
  const timespec at_once = {};
  siginfo_t taken;
  while (sigtimedwait(&set, &taken, &at_once) > 0) Print(taken);
  Must(sigprocmask(SIG_UNBLOCK, &set, nullptr) == 0, "sigprocmask");

  Show("no such thread", Queue(self, kNobody, SIGUSR1, &info));
  Show("a thread of another process", Queue(kNobody, self, SIGUSR1, &info));
  Show("thread 0", Queue(self, 0, SIGUSR1, &info));
  Show("process 0", Queue(0, self, SIGUSR1, &info));
  Show("process -1", Queue(-1, self, SIGUSR1, &info));
  Show("signal 65", Queue(self, self, 65, &info));
  Show("signal -1", Queue(self, self, -1, &info));
  Show("nothing to say", Queue(self, self, SIGUSR1, nullptr));
  Show("signal 0 with nothing to say", Queue(self, self, 0, nullptr));
  // Two wrong things: what only oneself may say is looked at before whether anybody is there.
  const siginfo_t forged = Info(SI_USER, 0), by_tkill = Info(SI_TKILL, 0);
  Show("as by kill, to nobody", Queue(kNobody, kNobody, SIGUSR1, &forged));
  Show("as by tkill, to nobody", Queue(kNobody, kNobody, SIGUSR1, &by_tkill));

  siginfo_t unknown = Info(-99, 11);
  Show("an unknown code", Queue(self, self, SIGUSR1, &unknown));
  return 0;
}
