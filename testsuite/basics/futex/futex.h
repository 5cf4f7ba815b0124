// futex(2) itself, and threads that are known to wait in it.
#ifndef POLLUX_TESTSUITE_BASICS_FUTEX_FUTEX_H_
#define POLLUX_TESTSUITE_BASICS_FUTEX_FUTEX_H_

#include <linux/futex.h>
#include <sched.h>

#include <atomic>
#include <climits>
#include <cstdint>
#include <thread>

#include "testsuite/basics/tasks.h"

// Of uapi/linux/futex.h, which older systems do not have in full.
constexpr int kLockPi2 = 13;

using Word = std::atomic<uint32_t>;

// `value2` is a timeout or a number, as the operation has it.
inline long Futex(Word* word, int operation, uint32_t value, const void* value2 = nullptr,
                  Word* word2 = nullptr, uint32_t value3 = 0) {
  return syscall(SYS_futex, word, operation, value, value2, word2, value3);
}
inline long Futex(Word* word, int operation, uint32_t value, int64_t value2, Word* word2,
                  uint32_t value3) {
  return syscall(SYS_futex, word, operation, value, value2, word2, value3);
}

inline long Wake(Word* word, int count, int flags = FUTEX_PRIVATE_FLAG) {
  return Futex(word, FUTEX_WAKE | flags, static_cast<uint32_t>(count));
}

// How many wait: a requeue from a word to itself counts them and moves nobody.
inline long Waiting(Word* word, int flags = FUTEX_PRIVATE_FLAG) {
  return Futex(word, FUTEX_CMP_REQUEUE | flags, 0, INT_MAX, word, word->load());
}
inline void UntilWaiting(Word* word, long count, int flags = FUTEX_PRIVATE_FLAG) {
  while (Waiting(word, flags) != count) sched_yield();
}

// A thread that makes one call, which waits on `word`; there is one more there when this returns.
class FutexWaiter {
 public:
  template <typename Call>
  FutexWaiter(Word* word, Call call, int flags = FUTEX_PRIVATE_FLAG) {
    const long before = Waiting(word, flags);
    thread_ = std::thread([this, call] {
      result_ = call();
      error_ = errno;
      done_ = true;
    });
    while (Waiting(word, flags) != before + 1) {
      Must(!done_, "it waits");
      sched_yield();
    }
  }

  // "ok" or the error, when the call has returned.
  const char* Result() {
    thread_.join();
    return result_ >= 0 ? "ok" : ErrorName(error_);
  }
  bool done() const { return done_; }

 private:
  std::thread thread_;
  long result_ = -1;
  int error_ = 0;
  std::atomic<bool> done_ = false;
};

#endif  // POLLUX_TESTSUITE_BASICS_FUTEX_FUTEX_H_
