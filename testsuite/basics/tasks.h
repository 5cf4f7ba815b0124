// Threads and processes of the programs here: how they wait for each other, and how a child ended.
//
// Nobody sleeps to be second: whoever has to come later passes a gate that the other opens.
#ifndef POLLUX_TESTSUITE_BASICS_TASKS_H_
#define POLLUX_TESTSUITE_BASICS_TASKS_H_

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

// One Open lets one Pass through, whichever comes first; across threads and across fork. Needs two
// descriptors; whoever waits is a reader of a pipe.
class Gate {
 public:
  Gate() { Must(pipe2(ends_, O_CLOEXEC) == 0, "pipe2"); }
  ~Gate() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void Open() { Must(TEMP_FAILURE_RETRY(write(ends_[1], "x", 1)) == 1, "opening a gate"); }
  void Pass() {
    char byte;
    Must(TEMP_FAILURE_RETRY(read(ends_[0], &byte, 1)) == 1, "passing a gate");
  }

 private:
  int ends_[2];
};

// Makes a child that runs `body` and exits with what it returns. Nothing is printed twice.
template <typename Body>
pid_t Fork(Body body) {
  std::fflush(stdout);
  const pid_t child = fork();
  Must(child >= 0, "fork");
  if (child == 0) {
    const int status = body();
    std::fflush(stdout);
    _exit(status);
  }
  return child;
}

// A signal's name, as far as both machines call it the same.
inline std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

// What wait(2) tells, in words. Whether a core was dumped is the host's business.
inline std::string StatusText(int status) {
  if (WIFEXITED(status)) return "exited " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return "killed by " + SignalName(WTERMSIG(status));
  if (WIFSTOPPED(status)) return "stopped by " + SignalName(WSTOPSIG(status));
  if (WIFCONTINUED(status)) return "continued";
  return "an unknown status";
}

// Waits for `child`, which there is, and returns its status.
inline int Wait(pid_t child, int options = 0) {
  int status = -1;
  Must(TEMP_FAILURE_RETRY(waitpid(child, &status, options)) == child, "waitpid");
  return status;
}

// Waits for `child` and prints "WHAT: exited 3".
inline void ShowEnd(const char* what, pid_t child, int options = 0) {
  const std::string text = StatusText(Wait(child, options));
  std::printf("%s: %s\n", what, text.c_str());
}

// Waits until the thread or process of this /proc directory sleeps in a call. Until then it must do
// nothing else that sleeps. For questions that only a waiting call can be asked.
inline void UntilAsleep(const std::string& directory) {
  const std::string path = directory + "/stat";
  for (;;) {
    const std::string text = FileText(path.c_str());
    const size_t end = text.rfind(')');
    Must(end != std::string::npos, path.c_str());
    if (text[end + 2] == 'S') return;
    sched_yield();
  }
}
inline void UntilThreadAsleep(pid_t tid) { UntilAsleep("/proc/self/task/" + std::to_string(tid)); }
inline void UntilProcessAsleep(pid_t pid) { UntilAsleep("/proc/" + std::to_string(pid)); }

inline pid_t Tid() { return static_cast<pid_t>(syscall(SYS_gettid)); }

inline int64_t Now(clockid_t clock = CLOCK_MONOTONIC) {
  timespec now;
  Must(clock_gettime(clock, &now) == 0, "clock_gettime");
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

inline timespec Time(int64_t ns) {
  return {static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};
}

constexpr int64_t kMillisecond = 1000000;

// Installs a handler of one or of three arguments.
inline void Handle(int signal, void (*handler)(int), int flags = 0) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
}
inline void Handle(int signal, void (*handler)(int, siginfo_t*, void*), int flags = 0) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = flags | SA_SIGINFO;
  Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
}

inline sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

// For the calling thread.
inline void Block(std::initializer_list<int> signals) {
  const sigset_t set = SetOf(signals);
  Must(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0, "blocking signals");
}
inline void Unblock(std::initializer_list<int> signals) {
  const sigset_t set = SetOf(signals);
  Must(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0, "unblocking signals");
}

#endif  // POLLUX_TESTSUITE_BASICS_TASKS_H_
