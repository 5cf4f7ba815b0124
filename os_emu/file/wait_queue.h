// WaitQueue: who wants to know when the state of something changes (Linux's wait_queue_head,
// kernel/sched/wait.c). Waiter: one entry of one queue; an epoll interest's hook or a blocked
// thread's.
//
// Order is Linux's: ordinary waiters are added at the front, exclusive ones at the back (or the
// front, for epoll's own waiters); Notify walks from the front and stops after the wanted number of
// exclusive waiters took the wake-up. Single-threaded. Neither owns the other: a Waiter leaves its
// queue when it is destroyed, and a WaitQueue must outlive its waiters or detaches them when it is
// destroyed.
#ifndef POLLUX_OS_EMU_FILE_WAIT_QUEUE_H_
#define POLLUX_OS_EMU_FILE_WAIT_QUEUE_H_

#include "os_emu/file/events.h"

namespace pollux::os_emu {

class WaitQueue;

class Waiter {
 public:
  Waiter() = default;
  virtual ~Waiter() { Leave(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // The queue was notified. `key` says which events happened; 0 means "anything may have changed".
  // Returns whether the wake-up was taken: only then does it count against the number of exclusive
  // waiters. May make itself and other waiters leave.
  virtual bool OnNotify(EventMask key) = 0;

  bool waiting() const { return queue_ != nullptr; }
  // Leaves the queue; nothing where it is in none.
  void Leave();

 private:
  friend class WaitQueue;
  WaitQueue* queue_ = nullptr;
  Waiter* previous_ = nullptr;
  Waiter* next_ = nullptr;
  bool exclusive_ = false;
};

// How a blocked thread joins a queue: which function of WaitQueue.
enum class WaitMode { kFront, kBack, kExclusive, kExclusiveFront };

class WaitQueue {
 public:
  WaitQueue() = default;
  ~WaitQueue();
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // The waiter must be in no queue.
  void Add(Waiter& waiter);           // add_wait_queue: at the front, not exclusive.
  void AddBack(Waiter& waiter);       // __add_wait_queue_entry_tail: at the back, not exclusive.
  void AddExclusive(Waiter& waiter);  // add_wait_queue_exclusive: at the back.
  void AddExclusiveFront(
      Waiter& waiter);  // __add_wait_queue_exclusive: epoll's waiters are last in, first out.
  void Add(Waiter& waiter, WaitMode mode);

  // Wakes every non-exclusive waiter met before `exclusive` exclusive ones have taken the wake-up
  // (wake_up_poll). A waiter that leaves, and a waiter that is added at the front meanwhile, do not
  // disturb the walk.
  void Notify(EventMask key, int exclusive = 1) {
    if (!empty()) NotifyWaiters(key, exclusive);
  }
  void NotifyAll(EventMask key);

  bool empty() const { return first_ == nullptr; }

 private:
  friend class Waiter;
  // A Notify under way.
  struct Walk {
    Waiter* next;
    Walk* outer;
  };
  void NotifyWaiters(EventMask key, int exclusive);
  void InsertFront(Waiter& waiter, bool exclusive);
  void InsertBack(Waiter& waiter, bool exclusive);

  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  Walk* walk_ = nullptr;  // The innermost.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_WAIT_QUEUE_H_
