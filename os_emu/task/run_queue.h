// RunQueue: the threads of a machine that can run, in the order of their tids.
//
// A thread is in it exactly while it can run: Thread keeps that so. Who runs next is not decided
// here: a scheduling strategy chooses from threads(). Single-threaded; owns nothing.
#ifndef POLLUX_OS_EMU_TASK_RUN_QUEUE_H_
#define POLLUX_OS_EMU_TASK_RUN_QUEUE_H_

#include <span>
#include <vector>

namespace pollux::os_emu {

class Thread;

class RunQueue {
 public:
  RunQueue() = default;
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // Ascending tids. Valid until a thread is added or removed.
  std::span<Thread* const> threads() const { return threads_; }
  bool empty() const { return threads_.empty(); }
  // O(log n) to find the place, and a move of the pointers behind it.
  void Add(Thread& thread);
  void Remove(Thread& thread);

 private:
  std::vector<Thread*> threads_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_RUN_QUEUE_H_
