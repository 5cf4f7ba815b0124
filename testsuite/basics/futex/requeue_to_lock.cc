// requeue_to_lock: FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: who waits at a word comes to own
// a lock or to wait for it; and what becomes of those who wait for locks when others ask otherwise.
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

constexpr uint32_t kTid = FUTEX_TID_MASK, kWaiters = FUTEX_WAITERS;

using Word = std::atomic<uint32_t>;
Word word = 0, lock = 0, another_lock = 0;

uint32_t Me() { return static_cast<uint32_t>(Tid()); }

long Futex(Word* at, int op, uint32_t value, const void* time = nullptr, Word* second = nullptr,
           uint32_t third = 0) {
  return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, value, time, second, third);
}
long Lock() { return Futex(&lock, FUTEX_LOCK_PI, 0); }
long Unlock() { return Futex(&lock, FUTEX_UNLOCK_PI, 0); }
long Requeue(long move, uint32_t wake = 1, Word* to = &lock) {
  return Futex(&word, FUTEX_CMP_REQUEUE_PI, wake, reinterpret_cast<void*>(move), to, 0);
}

// A thread that makes one call, and is seen to wait in it.
class Waiter {
 public:
  template <typename Call>
  explicit Waiter(Call call) {
    thread_ = std::thread([this, call] {
      tid_ = Me();
      result_ = call();
      error_ = errno;
      done_ = true;
      while (!may_end_) sched_yield();
      if ((lock & kTid) == Me()) Must(Unlock() == 0, "unlock");
    });
    while (tid_ == 0) sched_yield();
    UntilThreadAsleep(static_cast<pid_t>(tid_.load()));
  }
  uint32_t tid() const { return tid_; }
  bool done() const { return done_; }
  pthread_t handle() { return thread_.native_handle(); }
  // Sleeps meanwhile: it may be a time that it waits for.
  void UntilDone() {
    while (!done_) usleep(500);
  }
  // Lets it end, and give back what it has.
  void Show(const char* what) {
    UntilDone();
    const bool has = (lock & kTid) == tid_;
    std::printf("%s: %s%s\n", what, result_ >= 0 ? "ok" : ErrorName(error_),
                has ? ", has the lock" : "");
    may_end_ = true;
    thread_.join();
  }

 private:
  std::thread thread_;
  std::atomic<uint32_t> tid_ = 0;
  std::atomic<bool> done_ = false, may_end_ = false;
  long result_ = 0;
  int error_ = 0;
};

std::unique_ptr<Waiter> ToBeMoved(const void* time = nullptr) {
  return std::make_unique<Waiter>(
      [time] { return Futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, time, &lock); });
}
std::unique_ptr<Waiter> Plain(Word* at) {
  return std::make_unique<Waiter>([at] { return Futex(at, FUTEX_WAIT, at->load()); });
}
std::unique_ptr<Waiter> ForLock() { return std::make_unique<Waiter>(Lock); }

void PrintLock(const char* what) {
  std::printf("%s: %s%s\n", what,
              (lock & kTid) == Me() ? "mine"
              : (lock & kTid) == 0  ? "free"
                                    : "another's",
              (lock & kWaiters) != 0 ? ", waiters" : "");
}

void OnSignal(int) {}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  Must(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");

  std::printf("a free lock\n");
  auto a = ToBeMoved(), b = ToBeMoved(), c = ToBeMoved();
  ShowCount("requeue 1", Requeue(1));
  a->UntilDone();
  PrintLock("the lock");
  std::printf("done: %d %d %d\n", a->done(), b->done(), c->done());
  a->Show("first");
  b->UntilDone();
  std::printf("done: %d %d\n", b->done(), c->done());
  b->Show("second");
  PrintLock("the lock");
  ShowCount("requeue 0", Requeue(0));
  c->UntilDone();
  PrintLock("the lock");
  c->Show("third");

  std::printf("a lock that is held\n");
  Must(Lock() == 0, "lock");
  a = ToBeMoved();
  b = ToBeMoved();
  ShowCount("requeue 0", Requeue(0));
  PrintLock("the lock");
  ShowCount("requeue 5", Requeue(5));
  std::printf("done: %d %d\n", a->done(), b->done());
  Show("unlock", Unlock());
  a->Show("first");
  b->Show("second");

  std::printf("what does not go together\n");
  a = ToBeMoved();
  ShowCount("wake", Futex(&word, FUTEX_WAKE, 1));
  ShowCount("requeue, plain", Futex(&word, FUTEX_REQUEUE, 1, (void*)1, &another_lock));
  ShowCount("to another lock", Requeue(1, 1, &another_lock));
  ShowCount("two to wake", Requeue(1, 2));
  ShowCount("wake_op", Futex(&word, FUTEX_WAKE_OP, 1, (void*)1, &another_lock, 0));
  ShowCount("requeue", Requeue(0));
  a->Show("it");
  a = Plain(&word);
  ShowCount("requeue of a plain waiter", Requeue(1));
  ShowCount("wake", Futex(&word, FUTEX_WAKE, 1));
  a->Show("it");
  Must(Lock() == 0, "lock");
  a = ForLock();
  ShowCount("wake of who waits for a lock", Futex(&lock, FUTEX_WAKE, 1));
  ShowCount("requeue of who waits for a lock",
            Futex(&lock, FUTEX_REQUEUE, 1, (void*)1, &another_lock));
  ShowCount("wake_op of who waits for a lock",
            Futex(&another_lock, FUTEX_WAKE_OP, 1, (void*)1, &lock,
                  FUTEX_OP_ADD << 28 | FUTEX_OP_CMP_NE << 24));
  const uint32_t value = lock;
  lock = 0x3ffffff | kWaiters;
  std::thread([] { Show("lock of another's, who waits disagree", Lock()); }).join();
  lock = value;
  std::thread([] { Show("trylock", Futex(&lock, FUTEX_TRYLOCK_PI, 0)); }).join();
  Must(Unlock() == 0, "unlock");
  a->Show("it");
  lock = Me();
  a = Plain(&lock);
  Show("unlock of what a plain waiter waits at", Unlock());
  std::thread([] { Show("lock of what a plain waiter waits at", Lock()); }).join();
  ShowCount("wake", Futex(&lock, FUTEX_WAKE, 1));
  lock = 0;
  a->Show("it");

  std::printf("a waiter that owns the lock\n");
  a = ToBeMoved();
  lock = a->tid();
  ShowCount("requeue", Requeue(1));
  lock = 0;
  ShowCount("requeue", Requeue(0));
  a->Show("it");

  std::printf("signals and times\n");
  a = ToBeMoved();
  Must(pthread_kill(a->handle(), SIGUSR1) == 0, "pthread_kill");
  UntilThreadAsleep(static_cast<pid_t>(a->tid()));
  Must(Lock() == 0, "lock");
  // Begun again, so that it is to be moved still; perhaps not yet.
  long moved;
  while ((moved = Requeue(1)) == 0) sched_yield();
  ShowCount("requeue", moved);
  Must(pthread_kill(a->handle(), SIGUSR1) == 0, "pthread_kill");
  a->Show("interrupted when moved");
  a = ForLock();
  for (int i = 0; i < 3; ++i) Must(pthread_kill(a->handle(), SIGUSR1) == 0, "pthread_kill");
  timespec soon;
  Must(clock_gettime(CLOCK_MONOTONIC, &soon) == 0, "clock_gettime");
  soon.tv_sec += 1;
  b = ToBeMoved(&soon);
  while ((moved = Requeue(1)) == 0) sched_yield();
  ShowCount("requeue", moved);
  b->Show("moved, with a time");
  Show("unlock", Unlock());
  a->Show("interrupted lock");
  return 0;
}
