// BlockedCall: the record of a system call that waits.
//
// It holds strong references to the descriptions (resolved once, when the call entered), an
// absolute deadline and its progress. The scheduler parks the thread on the wait queues that the
// record names and tries it again after a wake-up: numbers are never decoded again, deadlines never
// restart, partial writes are not repeated.
#ifndef POLLUX_OS_EMU_TASK_BLOCKED_CALL_H_
#define POLLUX_OS_EMU_TASK_BLOCKED_CALL_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "abi/result.h"
#include "abi/types.h"
#include "os_emu/file/wait_queue.h"

namespace pollux::os_emu {

class CallResult;
class Thread;

// The hook of a blocked thread in a wait queue: makes the thread runnable when a key it cares for
// arrives. Takes a wake-up only if the thread sleeps (as try_to_wake_up() does), so that an
// exclusive one is not spent on a thread that runs already.
class ThreadWaiter final : public Waiter {
 public:
  // What happens to the hook when it has woken the thread.
  enum class OnWake {
    kStay,   // poll(2)'s hooks stay until the call ends.
    kLeave,  // autoremove_wake_function: it leaves, and the call joins again if it has to go on
             // waiting.
    kAlwaysLeave,  // epoll_wait's: it leaves even where the thread was awake already.
  };
  // `wanted` 0: any key.
  ThreadWaiter(Thread& thread, EventMask wanted, OnWake on_wake = OnWake::kStay)
      : thread_(thread), wanted_(wanted), on_wake_(on_wake) {}
  bool OnNotify(EventMask key) override;

 private:
  Thread& thread_;
  EventMask wanted_;
  OnWake on_wake_;
};

// What ends a call that a signal interrupts.
enum class OnSignal {
  kRestart,  // ERESTARTSYS: begun again if the handler has SA_RESTART, else EINTR (read, write,
             // wait4, accept ...).
  kNoIntr,   // ERESTARTNOINTR: begun again whatever the handler says (FUTEX_LOCK_PI).
  // EINTR whatever the handler says. Which of them differs only where no handler runs, and in what
  // the tracer shows:
  kEintr,         // EINTR itself (epoll_wait, rt_sigtimedwait ...).
  kNoHandler,     // ERESTARTNOHAND (select, ppoll, pause ...).
  kRestartBlock,  // ERESTART_RESTARTBLOCK (nanosleep, futex with a timeout ...).
};

class BlockedCall {
 public:
  virtual ~BlockedCall() = default;

  // Tries to finish after a wake-up. kAgain: still waiting (on the queues again), and nothing that
  // ends the call was done. Any other error or a value ends the call. `timed_out`: the deadline has
  // passed; whatever is returned ends the call.
  virtual Result<int64_t> Resume(Thread& thread, bool timed_out) = 0;
  // Puts the thread on the wait queues, once, after the first kAgain. Undone by Unpark() and by the
  // destructor.
  virtual void Park(Thread& thread) = 0;
  virtual void Unpark() = 0;
  // What the call returns where a signal with a handler arrives; may have finished in part (a short
  // write).
  virtual Result<int64_t> Interrupt() { return Errno::kIntr; }
  virtual OnSignal on_signal() const { return OnSignal::kRestart; }

  // restart_syscall(2) of a call with kRestartBlock, by the handler that has interrupted it: waits
  // on, until the same time (restart_block::fn).
  virtual CallResult Restart(Thread& thread);

  // TASK_KILLABLE: only a signal that ends the process interrupts it (vfork(2)).
  virtual bool only_killable() const { return false; }

  // A fault (shims/faults.h): a wake-up that was meant for somebody else comes. False: what is
  // waited for knows none.
  virtual bool WakeInVain(Thread&) { return false; }

  // What it waits for, for reports: "read", "epoll_wait", "futex".
  virtual const char* TypeName() const = 0;

  // In CLOCK_MONOTONIC; kNanosMax: none.
  Nanos deadline() const { return deadline_; }
  void set_deadline(Nanos deadline) { deadline_ = deadline; }

 private:
  Nanos deadline_ = kNanosMax;
};

// What a system call answers: a value, an Errno, or a record to be resumed.
class CallResult {
 public:
  CallResult(int64_t value) : value_(value) {}                       // NOLINT: implicit by intent.
  CallResult(Errno error) : value_(-static_cast<int64_t>(error)) {}  // NOLINT: implicit by intent.
  CallResult(std::unique_ptr<BlockedCall> blocked)
      : blocked_(std::move(blocked)) {}  // NOLINT: implicit by intent.
  template <typename T>
  CallResult(const Result<T>& result)  // NOLINT: implicit by intent.
      : value_(result.ok() ? static_cast<int64_t>(*result)
                           : -static_cast<int64_t>(result.error())) {}
  CallResult(const Result<void>& result)  // NOLINT: implicit by intent.
      : value_(result.ok() ? 0 : -static_cast<int64_t>(result.error())) {}

  bool blocked() const { return blocked_ != nullptr; }
  std::unique_ptr<BlockedCall> TakeBlocked() { return std::move(blocked_); }
  // What goes into a0: the value, or the negated error number.
  int64_t value() const { return value_; }

 private:
  int64_t value_ = 0;
  std::unique_ptr<BlockedCall> blocked_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_BLOCKED_CALL_H_
