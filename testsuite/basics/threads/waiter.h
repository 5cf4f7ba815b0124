// A thread that is known to wait in a call.
#ifndef POLLUX_TESTSUITE_BASICS_THREADS_WAITER_H_
#define POLLUX_TESTSUITE_BASICS_THREADS_WAITER_H_

#include <atomic>
#include <thread>
#include <utility>

#include "testsuite/basics/tasks.h"

// Runs `call`, the only thing that sleeps, in a thread; returns when it does.
class Waiter {
 public:
  template <typename Call>
  explicit Waiter(Call call) {
    thread_ = std::thread([this, call] {
      tid_ = Tid();
      result_ = call();
      error_ = errno;
    });
    while (tid_ == 0) sched_yield();
    UntilThreadAsleep(tid_);
  }

  // Prints "WHAT: 1" or "WHAT: EINTR" when the call has returned.
  void Join(const char* what) {
    thread_.join();
    errno = error_;
    ShowCount(what, result_);
  }

  pid_t tid() const { return tid_; }
  pthread_t handle() { return thread_.native_handle(); }

 private:
  std::atomic<pid_t> tid_ = 0;
  long result_ = -1;
  int error_ = 0;
  std::thread thread_;
};

#endif  // POLLUX_TESTSUITE_BASICS_THREADS_WAITER_H_
