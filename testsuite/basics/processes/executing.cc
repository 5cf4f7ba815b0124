// executing: what a process keeps when it executes another program and what it loses: arguments,
// environment, descriptors, signals, timers, ids, directory, memory.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <thread>

#include "testsuite/basics/processes/self.h"

namespace {

void Handler(int) {}

int PrintArguments(int argc, char** argv) {
  std::printf("  %d arguments:", argc);
  for (int i = 0; i < argc; ++i) std::printf(" [%s]", argv[i]);
  std::printf("\n  environment:");
  for (char** variable = environ; *variable != nullptr; ++variable) std::printf(" [%s]", *variable);
  std::printf("\n");
  return argc;
}

// What has stayed, in the new program.
int PrintState(const char* pid, const char* parent) {
  std::printf("same process: %d, same parent: %d, one thread: %d\n", getpid() == std::atoi(pid),
              getppid() == std::atoi(parent), Tid() == getpid());
  std::printf("descriptors: %d %d, position %d\n", fcntl(20, F_GETFD), fcntl(21, F_GETFD) >= 0,
              static_cast<int>(lseek(20, 0, SEEK_CUR)));
  struct sigaction handled, ignored, child;
  sigset_t mask, pending;
  stack_t stack;
  Must(sigaction(SIGUSR1, nullptr, &handled) == 0 && sigaction(SIGUSR2, nullptr, &ignored) == 0 &&
           sigaction(SIGCHLD, nullptr, &child) == 0,
       "sigaction");
  Must(sigprocmask(SIG_BLOCK, nullptr, &mask) == 0 && sigpending(&pending) == 0, "signals");
  Must(sigaltstack(nullptr, &stack) == 0, "sigaltstack");
  std::printf("handled: %d, flags %x; ignored: %d; SIGCHLD ignored: %d; stack for signals: %d\n",
              handled.sa_handler == SIG_DFL, handled.sa_flags & ~0x04000000,
              ignored.sa_handler == SIG_IGN, child.sa_handler == SIG_IGN,
              (stack.ss_flags & SS_DISABLE) == 0);
  std::printf("blocked %d %d, pending %d %d\n", sigismember(&mask, SIGTERM),
              sigismember(&mask, SIGHUP), sigismember(&pending, SIGTERM),
              sigismember(&pending, SIGHUP));
  itimerval left;
  Must(getitimer(ITIMER_REAL, &left) == 0, "getitimer");
  std::printf("alarm: %d\n", left.it_value.tv_sec > 1000);
  itimerspec rest;
  Show("made timer", syscall(SYS_timer_gettime, 0, &rest));
  std::printf("mask of files %o, directory %d\n", umask(022), access("made_before", F_OK));
  rlimit limit;
  Must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  std::printf("limit %d\n", static_cast<int>(limit.rlim_cur));
  char name[16];
  Must(prctl(PR_GET_NAME, name) == 0, "PR_GET_NAME");
  std::printf("name %s, text of comm %s", name, FileText("/proc/self/comm"));
  int subreaper = -1;
  Must(prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0, "PR_GET_CHILD_SUBREAPER");
  std::printf("subreaper %d\n", subreaper);
  return 0;
}

// Execs with all kinds of state, some of it in another thread.
int Prepare(bool in_thread) {
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(write(file, "0123456789", 10) == 10 && lseek(file, 4, SEEK_SET) == 4, "write");
  Must(dup2(file, 20) == 20 && dup3(file, 21, O_CLOEXEC) == 21, "dup");
  Handle(SIGUSR1, Handler, SA_RESTART);
  Must(signal(SIGUSR2, SIG_IGN) != SIG_ERR && signal(SIGCHLD, SIG_IGN) != SIG_ERR, "signal");
  Block({SIGTERM, SIGHUP});
  Must(kill(getpid(), SIGTERM) == 0 && raise(SIGHUP) == 0, "kill");
  stack_t stack = {};
  stack.ss_size = 65536;
  stack.ss_sp = std::malloc(stack.ss_size);
  Must(sigaltstack(&stack, nullptr) == 0, "sigaltstack");
  alarm(5000);
  timer_t timer;
  sigevent event = {};
  event.sigev_notify = SIGEV_NONE;
  Must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
  umask(077);
  const rlimit limit = {100, 200};
  Must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  Must(prctl(PR_SET_NAME, "old name") == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "prctl");
  const std::string pid = std::to_string(getpid()), parent = std::to_string(getppid());
  if (!in_thread) return ExecSelf({"state", pid, parent});
  // The others, the first thread too, do not come along.
  std::thread([] {
    for (;;) sched_yield();
  }).detach();
  std::thread([&] { ExecSelf({"state", pid, parent}); }).detach();
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string part = argc > 1 ? argv[1] : "";
  if (part == "state") return PrintState(argv[2], argv[3]);
  if (part == "chain") {
    const int left = std::atoi(argv[2]);
    if (left > 0) return ExecSelf({"chain", std::to_string(left - 1), argv[3]});
    return std::to_string(getpid()) == argv[3] ? 77 : 1;
  }
  if (part != "") return PrintArguments(argc, argv);
  EnterScratchDirectory();
  WriteFile("made_before", "");
  ShowEnd("arguments", SpawnSelf({"args", "", "two words", "\n"}, {"A=1", "B=", "C"}));
  ShowEnd("no environment", SpawnSelf({"args"}));
  std::string long_one(100000, 'x');
  ShowEnd("a long argument", Fork([&] {
            const int out = open("long", O_WRONLY | O_CREAT, 0600);
            Must(dup2(out, 1) == 1, "dup2");
            return ExecSelf({"args", long_one});
          }));
  struct stat status;
  Must(stat("long", &status) == 0, "stat");
  std::printf("printed %d bytes\n", static_cast<int>(status.st_size));
  ShowEnd("state", Fork([] { return Prepare(false); }));
  ShowEnd("state, from another thread", Fork([] { return Prepare(true); }));
  ShowEnd("a chain", Fork([] { return ExecSelf({"chain", "10", std::to_string(getpid())}); }));
  return 0;
}
