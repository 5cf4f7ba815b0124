// forking: what a child has from its parent: a copy of the memory, the same descriptions with one
// position, its own table of numbers; and what it has not: pending signals, timers, locks of
// records, the parent's threads.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#include "testsuite/basics/tasks.h"

namespace {

int global = 1;

void NoHandler(int) {}

// What the child sees is what it prints; then the parent goes on.
template <typename Body>
void InChild(Body body) {
  const int status = Wait(Fork([&] {
    body();
    return 0;
  }));
  Must(status == 0, "the child");
}

}  // namespace

int main() {
  EnterScratchDirectory();
  const pid_t parent = getpid();
  InChild([&] {
    std::printf("ids: %d %d\n", getppid() == parent && getpid() != parent, Tid() == getpid());
    std::printf("group and session: %d\n",
                getpgrp() == getpgid(parent) && getsid(0) == getsid(parent));
  });

  // Memory.
  int local = 2;
  auto* heap = new int(3);
  constexpr size_t kBytes = 1 << 20;
  auto* large = static_cast<char*>(
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  auto* shared = static_cast<int*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  Must(large != MAP_FAILED && shared != MAP_FAILED, "mmap");
  memset(large, 'p', kBytes);
  InChild([&] {
    Must(global == 1 && local == 2 && *heap == 3 && large[kBytes - 1] == 'p',
         "the parent's values");
    global = local = *heap = 9;
    memset(large, 'c', kBytes);
    *shared = 5;
    Must(munmap(large, 4096) == 0, "munmap");
    Must(mprotect(large + 4096, 4096, PROT_NONE) == 0, "mprotect");
  });
  std::printf("memory: %d %d %d %c %c, shared %d\n", global, local, *heap, large[0], large[4096],
              *shared);

  // Descriptors: one position and one set of status flags; each its own numbers and their flags.
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(write(file, "0123456789", 10) == 10 && lseek(file, 2, SEEK_SET) == 2, "write");
  const int spare = dup(file);
  InChild([&] {
    char bytes[3];
    Must(read(file, bytes, 3) == 3 && memcmp(bytes, "234", 3) == 0, "read");
    Must(fcntl(file, F_SETFL, O_APPEND) == 0 && fcntl(file, F_SETFD, FD_CLOEXEC) == 0, "fcntl");
    Must(close(spare) == 0 && dup2(file, 50) == 50, "close, dup2");
  });
  std::printf("position %d, append %d, close-on-exec %d\n",
              static_cast<int>(lseek(file, 0, SEEK_CUR)), (fcntl(file, F_GETFL) & O_APPEND) != 0,
              fcntl(file, F_GETFD));
  Show("closed in the child alone", fcntl(spare, F_GETFD));
  Show("made in the child alone", fcntl(50, F_GETFD));

  // Directory and mask.
  Must(mkdir("below", 0700) == 0, "mkdir");
  InChild([] {
    Must(chdir("below") == 0, "chdir");
    std::printf("mask %o\n", umask(0));
  });
  std::printf("directory and mask are the parent's: %d %o\n", access("below", F_OK), umask(022));

  // Signals: mask and dispositions are inherited, what is pending is not.
  Handle(SIGUSR1, NoHandler);
  Must(signal(SIGUSR2, SIG_IGN) != SIG_ERR, "signal");
  Block({SIGUSR1, SIGTERM});
  raise(SIGUSR1);
  InChild([] {
    sigset_t pending, mask;
    struct sigaction first, second;
    Must(sigpending(&pending) == 0 && sigprocmask(SIG_BLOCK, nullptr, &mask) == 0, "signals");
    Must(sigaction(SIGUSR1, nullptr, &first) == 0 && sigaction(SIGUSR2, nullptr, &second) == 0, "");
    std::printf("pending %d, blocked %d %d, handlers %d %d\n", sigismember(&pending, SIGUSR1),
                sigismember(&mask, SIGUSR1), sigismember(&mask, SIGTERM),
                first.sa_handler == NoHandler, second.sa_handler == SIG_IGN);
  });
  sigset_t pending;
  Must(sigpending(&pending) == 0, "sigpending");
  std::printf("still pending here: %d\n", sigismember(&pending, SIGUSR1));

  // Timers.
  const itimerval hour = {{0, 0}, {3600, 0}};
  timer_t timer;
  sigevent event = {};
  event.sigev_notify = SIGEV_NONE;
  Must(setitimer(ITIMER_REAL, &hour, nullptr) == 0, "setitimer");
  Must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
  const int timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
  const itimerspec hour_too = {{0, 0}, {3600, 0}};
  Must(timerfd_settime(timer_fd, 0, &hour_too, nullptr) == 0, "timerfd_settime");
  InChild([&] {
    itimerval left;
    itimerspec rest;
    Must(getitimer(ITIMER_REAL, &left) == 0, "getitimer");
    std::printf("itimer %d, alarm %d\n", left.it_value.tv_sec != 0, alarm(0) != 0);
    Show("made timer", timer_gettime(timer, &rest));
    Must(timerfd_gettime(timer_fd, &rest) == 0, "timerfd_gettime");
    std::printf("timerfd goes on: %d\n", rest.it_value.tv_sec > 3000);
  });
  itimerval left;
  Must(getitimer(ITIMER_REAL, &left) == 0, "getitimer");
  std::printf("the parent's goes on: %d\n", left.it_value.tv_sec > 3000);

  // Limits and the name are copies.
  const rlimit limit = {30, 40};
  Must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  InChild([] {
    rlimit now;
    Must(getrlimit(RLIMIT_NOFILE, &now) == 0, "getrlimit");
    std::printf("limit %d %d\n", static_cast<int>(now.rlim_cur), static_cast<int>(now.rlim_max));
    const rlimit less = {20, 20};
    Must(setrlimit(RLIMIT_NOFILE, &less) == 0, "setrlimit");
  });
  rlimit now;
  Must(getrlimit(RLIMIT_NOFILE, &now) == 0, "getrlimit");
  std::printf("the parent's: %d\n", static_cast<int>(now.rlim_cur));
  delete heap;
  return 0;
}
