// deaths: how a program ends otherwise: by each way that the argument names. What was flushed
// before is seen.
#include <signal.h>
#include <sys/syscall.h>

#include <exception>
#include <stdexcept>
#include <string>

#include "testsuite/basics/check.h"

namespace {

volatile int zero = 0;
int* volatile nowhere = nullptr;

void OnAbort(int) {
  std::printf("SIGABRT was handled, abort goes on\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Must(argc == 2, "one argument");
  const std::string way = argv[1];
  std::printf("dying by %s\n", argv[1]);
  std::fflush(stdout);
  if (way == "return_300") return 300 + zero;
  if (way == "_exit") {
    std::printf("never flushed");
    _exit(3);
  }
  if (way == "exit_of_the_thread") syscall(SYS_exit, 9);
  if (way == "abort") std::abort();
  if (way == "abort_handled") {
    signal(SIGABRT, OnAbort);
    std::abort();
  }
  if (way == "abort_blocked") {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    std::abort();
  }
  if (way == "uncaught_exception") throw std::runtime_error("nobody catches this");
  if (way == "raise_sigterm") raise(SIGTERM);
  if (way == "raise_sigkill") raise(SIGKILL);
  if (way == "raise_sigfpe") raise(SIGFPE);
  if (way == "raise_realtime") raise(SIGRTMIN + 3);
  if (way == "raise_ignored") {
    for (const int harmless : {SIGCHLD, SIGURG, SIGWINCH, SIGCONT}) raise(harmless);
    std::printf("still alive\n");
    return 0;
  }
  if (way == "null_pointer") *nowhere = 1;
  if (way == "trap") __builtin_trap();
  if (way == "sigpipe") {
    signal(SIGPIPE, SIG_DFL);
    int ends[2];
    Must(pipe(ends) == 0 && close(ends[0]) == 0, "pipe");
    if (write(ends[1], "x", 1) < 0) return 1;
  }
  return 2;
}
