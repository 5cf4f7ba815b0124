// What a signal of a file tells: SIGIO of itself nothing; F_SETSIG's which number and why; signals
// that have codes of their own only the number; as signalfd(2) and handlers see it; and that where
// the queue of a real-time signal is full SIGIO comes instead.
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "testsuite/basics/signals/io_signals.h"

static volatile sig_atomic_t handled;
static siginfo_t handled_info;

static void Handle(int, siginfo_t* info, void*) {
  handled_info = *info;
  handled = 1;
}

int main() {
  BlockSignals();
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  const auto write_one = [&] { Must(write(ends[1], "x", 1) == 1, "write"); };
  sigset_t all;
  sigfillset(&all);
  Must(sigprocmask(SIG_BLOCK, &all, nullptr) == 0, "sigprocmask");
  for (const int signal : {0, SIGIO, SIGURG, SIGUSR1, SIGCHLD, SIGTRAP, SIGSYS, SIGSEGV, SIGTERM,
                           SIGCONT, kIoSignal}) {
    SendSignals(ends[0], "reader", signal);
    write_one();
    Tell(("F_SETSIG " + std::to_string(signal)).c_str());
  }
  SendSignals(ends[0], "reader", SIGUSR1);
  write_one();
  write_one();
  Tell("twice, a standard signal");
  SendSignals(ends[0], "reader");
  write_one();
  write_one();
  Tell("twice, one that queues");

  std::puts("- as signalfd tells");
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, kIoSignal);
  const int reader = signalfd(-1, &wanted, SFD_NONBLOCK);
  write_one();
  signalfd_siginfo told = {};
  ShowCount("read", read(reader, &told, sizeof told));
  std::printf("signal %u, code %d, the number: %d, band %s, pid %u, uid %u, error %d\n",
              told.ssi_signo, told.ssi_code, told.ssi_fd == ends[0],
              BandText(told.ssi_band).c_str(), told.ssi_pid, told.ssi_uid, told.ssi_errno);

  std::puts("- in a handler");
  struct sigaction action = {};
  action.sa_sigaction = Handle;
  action.sa_flags = SA_SIGINFO;
  Must(sigaction(kIoSignal, &action, nullptr) == 0, "sigaction");
  Must(sigprocmask(SIG_UNBLOCK, &wanted, nullptr) == 0, "sigprocmask");
  write_one();
  std::printf("it ran: %d, with %s\n", handled, InfoText(handled_info).c_str());
  Must(sigprocmask(SIG_BLOCK, &wanted, nullptr) == 0, "sigprocmask");

  std::puts("- the queue is full");
  rlimit limit;
  Must(getrlimit(RLIMIT_SIGPENDING, &limit) == 0, "getrlimit");
  const sigval value = {};
  int queued = 0;
  while (sigqueue(getpid(), SIGRTMAX, value) == 0) ++queued;
  ShowCount("sigqueue", -1);
  std::printf("many were queued: %d\n", queued > 100);
  write_one();
  siginfo_t info;
  sigset_t io;
  sigemptyset(&io);
  sigaddset(&io, SIGIO);
  sigaddset(&io, kIoSignal);
  const timespec no_time = {0, 0};
  while (sigtimedwait(&io, &info, &no_time) > 0) std::printf("told: %s\n", InfoText(info).c_str());
  sigset_t last;
  sigemptyset(&last);
  sigaddset(&last, SIGRTMAX);
  for (int i = 0; i < queued; ++i) {
    Must(sigtimedwait(&last, &info, &no_time) == SIGRTMAX, "what was queued");
  }
  write_one();
  Tell("when there is room again");
  Must(signal(SIGIO, SIG_IGN) != SIG_ERR && signal(kIoSignal, SIG_IGN) != SIG_ERR, "signal");
  Must(sigprocmask(SIG_UNBLOCK, &io, nullptr) == 0, "sigprocmask");
  write_one();
  Tell("ignored");
  return 0;
}
