// signals_as_bytes: a signalfd gives away the signals that pend: which, in which order, and what it
// says of them; its mask can be changed; SIGKILL is never in it.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include <string>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

std::string Name(int signal) {
  if (signal >= SIGRTMIN) return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
  return std::string("SIG") + sigabbrev_np(signal);
}

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

void Queue(int signal, int value) {
  sigval data = {};
  data.sival_int = value;
  Must(sigqueue(getpid(), signal, data) == 0, "sigqueue");
}

void Print(const signalfd_siginfo& info) {
  const int code = static_cast<int>(info.ssi_code);
  std::printf("  %s code %d errno %d, from me %d, int %d, ptr %llx, tid %u, overrun %u, rest %d\n",
              Name(static_cast<int>(info.ssi_signo)).c_str(), code, info.ssi_errno,
              info.ssi_pid == static_cast<uint32_t>(getpid()) && info.ssi_uid == getuid(),
              info.ssi_int, static_cast<unsigned long long>(info.ssi_ptr), info.ssi_tid,
              info.ssi_overrun,
              info.ssi_fd != 0 || info.ssi_band != 0 || info.ssi_trapno != 0 ||
                  info.ssi_status != 0 || info.ssi_utime != 0 || info.ssi_stime != 0 ||
                  info.ssi_addr != 0 || info.ssi_addr_lsb != 0);
}

// Reads at most `most` at once and prints them.
void Read(const char* what, int number, size_t most) {
  std::vector<signalfd_siginfo> infos(most);
  const ssize_t bytes = read(number, infos.data(), most * sizeof infos[0]);
  ShowCount(what, bytes);
  for (ssize_t i = 0; i < bytes / static_cast<ssize_t>(sizeof infos[0]); ++i) Print(infos[i]);
}

bool Readable(int number) {
  pollfd entry = {number, POLLIN | POLLOUT | POLLRDNORM, 0};
  Must(poll(&entry, 1, 0) >= 0, "poll");
  Must(entry.revents == 0 || entry.revents == POLLIN, "POLLIN or nothing");
  return entry.revents != 0;
}

int handled;
void Handler(int) { ++handled; }

}  // namespace

int main() {
  const sigset_t blocked =
      SetOf({SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM, SIGTERM, SIGSEGV, SIGRTMIN, SIGRTMIN + 3});
  Must(sigprocmask(SIG_BLOCK, &blocked, nullptr) == 0, "sigprocmask");
  const sigset_t wanted =
      SetOf({SIGUSR1, SIGCHLD, SIGALRM, SIGSEGV, SIGRTMIN, SIGRTMIN + 3, SIGKILL, SIGSTOP});
  const int number = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  Must(number >= 0, "signalfd");
  std::printf("readable %d\n", Readable(number));

  kill(getpid(), SIGUSR2);
  std::printf("another signal pends: readable %d\n", Readable(number));
  Read("nothing", number, 1);
  kill(getpid(), SIGUSR1);
  std::printf("kill: readable %d\n", Readable(number));
  Read("kill", number, 2);
  std::printf("read: readable %d\n", Readable(number));

  // Signals of the thread come before those of the process, and low numbers first; a standard
  // signal pends once.
  Queue(SIGRTMIN + 3, 1);
  Queue(SIGRTMIN, 2);
  Queue(SIGRTMIN + 3, 3);
  kill(getpid(), SIGCHLD);
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  Must(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + 3) == 0, "tgkill");
  raise(SIGUSR1);
  Read("three", number, 3);
  Read("the rest", number, 10);
  Read("nothing is left", number, 10);

  // Synchronous ones before all.
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGSEGV);
  Read("SIGSEGV first", number, 2);

  // A timer.
  const itimerval soon = {{0, 0}, {0, 1}};
  Must(setitimer(ITIMER_REAL, &soon, nullptr) == 0, "setitimer");
  pollfd entry = {number, POLLIN, 0};
  Must(poll(&entry, 1, 10000) == 1, "poll");
  Read("SIGALRM", number, 1);

  // A size that is no multiple takes whole ones.
  raise(SIGUSR1);
  Queue(SIGRTMIN, 7);
  char bytes[2 * sizeof(signalfd_siginfo) - 1];
  ShowCount("a size between", read(number, bytes, sizeof bytes));
  Read("the other", number, 1);

  // The mask changes.
  raise(SIGTERM);
  std::printf("SIGTERM: readable %d\n", Readable(number));
  const sigset_t other = SetOf({SIGTERM});
  std::printf("the same number: %d\n", signalfd(number, &other, 0) == number);
  std::printf("SIGTERM wanted: readable %d\n", Readable(number));
  raise(SIGUSR1);
  Read("only SIGTERM", number, 5);

  // Two signalfds, one signal; a handler gets what nobody has read.
  const int second = signalfd(-1, &blocked, SFD_NONBLOCK);
  raise(SIGTERM);
  std::printf("both readable: %d %d\n", Readable(number), Readable(second));
  Read("second", second, 1);
  Read("first", number, 1);
  Read("second has the rest", second, 5);
  struct sigaction action = {};
  action.sa_handler = Handler;
  Must(sigaction(SIGTERM, &action, nullptr) == 0, "sigaction");
  raise(SIGTERM);
  Must(sigprocmask(SIG_UNBLOCK, &other, nullptr) == 0, "sigprocmask");
  std::printf("handled %d, readable %d\n", handled, Readable(number));

  // A signal that is ignored by default is kept while it is blocked.
  const sigset_t child = SetOf({SIGCHLD});
  signalfd(number, &child, 0);
  kill(getpid(), SIGCHLD);
  Read("SIGCHLD", number, 1);
  signal(SIGCHLD, SIG_IGN);
  kill(getpid(), SIGCHLD);
  Read("SIGCHLD, ignored and blocked", number, 1);
  Must(sigprocmask(SIG_UNBLOCK, &child, nullptr) == 0, "sigprocmask");
  kill(getpid(), SIGCHLD);
  Read("SIGCHLD, ignored", number, 1);
  return 0;
}
