// ReleaseWait: what a call waits for before it returns, because it has let go of the last reference
// to a description that is not done with its end: a TCP socket with SO_LINGER.
//
// fput() leaves the end of a file to task_work_run(), on the way back to user mode, and that may
// sleep: any call can be the one, close(2), dup2(2), execve(2), or a recv(2) whose number another
// thread has closed meanwhile. What else the call has let go of is released when the wait is over,
// and may have to be waited for in turn. A signal that a handler takes, or a stop, ends all of
// that: the rest is released at once, and the call's result stays what it was. So it is at the end
// of the process, which waits for nothing (PF_EXITING).
#ifndef POLLUX_OS_EMU_TASK_RELEASE_WAIT_H_
#define POLLUX_OS_EMU_TASK_RELEASE_WAIT_H_

#include <cstdint>
#include <memory>

#include "abi/types.h"
#include "os_emu/file/description.h"
#include "os_emu/file/wait_queue.h"

namespace pollux::os_emu {

class BlockedCall;
class Kernel;
class Thread;

class ReleaseWait {
 public:
  // `span`: at most so long; kNanosMax: without limit.
  explicit ReleaseWait(Nanos span) : span_(span) {}
  virtual ~ReleaseWait() = default;
  ReleaseWait(const ReleaseWait&) = delete;
  ReleaseWait& operator=(const ReleaseWait&) = delete;

  virtual bool Over() const = 0;
  // Notified when it may be over.
  virtual WaitQueue& queue() = 0;
  Nanos span() const { return span_; }

  PostponedReleases rest;  // What comes after it.

 private:
  Nanos span_;
};

// For OnRelease(): the call that runs waits for `wait` before it returns; nobody does where none
// runs, where a signal is there already, or where its process ends.
void AwaitBeforeReturn(Kernel& kernel, std::unique_ptr<ReleaseWait> wait);

// The next of the waits of `thread`'s call, which has come to `value`, as a call that ends with
// `value`. Null: there is none left, or a signal is there already.
std::unique_ptr<BlockedCall> NextReleaseWait(Thread& thread, int64_t value);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_RELEASE_WAIT_H_
