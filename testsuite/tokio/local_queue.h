// A worker's run queue, from which other workers steal (tokio/src/runtime/scheduler/multi_thread/
// queue.rs).
//
// A ring of fixed size. Its owner alone pushes, at the tail; the owner and one thief at a time take
// from the head. The head is two positions in one word: `real`, where the next task is taken, and
// `steal`, which lags behind it while a thief copies the tasks that it has claimed, so that the
// owner does not write over them.
#ifndef POLLUX_TESTSUITE_TOKIO_LOCAL_QUEUE_H_
#define POLLUX_TESTSUITE_TOKIO_LOCAL_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <vector>

namespace tokio {

struct Task;

class LocalQueue {
 public:
  // Tokio's has 256; this one is small so that it overflows and wraps.
  static constexpr uint32_t kCapacity = 8;

  bool IsEmpty() const {
    return Real(head_.load(std::memory_order_acquire)) == tail_.load(std::memory_order_acquire);
  }
  uint32_t Size() const {
    return tail_.load(std::memory_order_acquire) - Real(head_.load(std::memory_order_acquire));
  }

  // By the owner. Appends to `overflow` what has no room: the task alone while a thief is at work,
  // else the older half of the queue too.
  void Push(Task* task, std::vector<Task*>* overflow) {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    for (;;) {
      uint64_t head = head_.load(std::memory_order_acquire);
      if (tail - Steal(head) < kCapacity) {
        Slot(tail).store(task, std::memory_order_relaxed);
        tail_.store(tail + 1, std::memory_order_release);
        return;
      }
      if (Steal(head) != Real(head)) {
        overflow->push_back(task);
        return;
      }
      const uint32_t first = Real(head), middle = first + kCapacity / 2;
      if (!head_.compare_exchange_strong(head, Pack(middle, middle), std::memory_order_release,
                                         std::memory_order_relaxed)) {
        continue;  // A thief has made room.
      }
      for (uint32_t at = first; at != middle; ++at) {
        overflow->push_back(Slot(at).load(std::memory_order_relaxed));
      }
      overflow->push_back(task);
      return;
    }
  }

  // By the owner.
  Task* Pop() {
    uint64_t head = head_.load(std::memory_order_acquire);
    for (;;) {
      const uint32_t real = Real(head);
      if (real == tail_.load(std::memory_order_relaxed)) return nullptr;
      const uint32_t steal = Steal(head) == real ? real + 1 : Steal(head);
      if (head_.compare_exchange_weak(head, Pack(steal, real + 1), std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return Slot(real).load(std::memory_order_relaxed);
      }
    }
  }

  // By the owner of `mine`: moves half of this queue there, and returns one of them.
  Task* StealInto(LocalQueue* mine) {
    const uint32_t my_tail = mine->tail_.load(std::memory_order_relaxed);
    if (my_tail - Steal(mine->head_.load(std::memory_order_acquire)) > kCapacity / 2) {
      return nullptr;
    }
    uint64_t head = head_.load(std::memory_order_acquire);
    uint32_t first, count;
    do {
      if (Steal(head) != Real(head)) return nullptr;  // Another thief is at work.
      first = Real(head);
      const uint32_t size = tail_.load(std::memory_order_acquire) - first;
      count = size - size / 2;
      if (count == 0) return nullptr;
      // Claimed from here on; `steal` stays behind.
    } while (!head_.compare_exchange_weak(head, Pack(first, first + count),
                                          std::memory_order_acq_rel, std::memory_order_acquire));
    for (uint32_t i = 0; i < count; ++i) {
      mine->Slot(my_tail + i)
          .store(Slot(first + i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    head = head_.load(std::memory_order_acquire);
    while (!head_.compare_exchange_weak(head, Pack(Real(head), Real(head)),
                                        std::memory_order_acq_rel, std::memory_order_acquire)) {
    }
    Task* last = mine->Slot(my_tail + count - 1).load(std::memory_order_relaxed);
    if (count > 1) mine->tail_.store(my_tail + count - 1, std::memory_order_release);
    return last;
  }

 private:
  static uint64_t Pack(uint32_t steal, uint32_t real) { return uint64_t{steal} << 32 | real; }
  static uint32_t Steal(uint64_t head) { return static_cast<uint32_t>(head >> 32); }
  static uint32_t Real(uint64_t head) { return static_cast<uint32_t>(head); }
  std::atomic<Task*>& Slot(uint32_t at) { return slots_[at % kCapacity]; }

  std::atomic<uint64_t> head_ = 0;
  std::atomic<uint32_t> tail_ = 0;
  std::atomic<Task*> slots_[kCapacity] = {};
};

}  // namespace tokio

#endif  // POLLUX_TESTSUITE_TOKIO_LOCAL_QUEUE_H_
