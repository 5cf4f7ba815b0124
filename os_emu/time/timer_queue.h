// TimerQueue: the timers of one machine (Linux's hrtimer bases, kernel/time/hrtimer.c). Timer: one
// of them: a deadline, and what happens then.
//
// Timers expire in the order of their deadlines, and those of one deadline in the order in which
// they were armed. Arming, disarming and expiring cost O(log n); asking for the next deadline and
// finding that nothing is due cost O(1). A timer goes by CLOCK_MONOTONIC or by CLOCK_REALTIME; the
// latter moves when the clock is set. Single-threaded. A TimerQueue must outlive its timers.
#ifndef POLLUX_OS_EMU_TIME_TIMER_QUEUE_H_
#define POLLUX_OS_EMU_TIME_TIMER_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "abi/types.h"
#include "os_emu/time/clock.h"

namespace pollux::os_emu {

class TimerQueue;

enum class TimeBase : uint8_t { kMonotonic, kRealtime };

class Timer {
 public:
  explicit Timer(TimerQueue& queue) : queue_(queue) {}
  virtual ~Timer() { Disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Expires at `deadline` of the base's time, or with the next TimerQueue::Expire() where that has
  // passed. kNanosMax: never.
  void Arm(TimeBase base, Nanos deadline);
  // Arms again with the deadline that it has.
  void Rearm();
  // Nothing if it is not armed. The deadline stays.
  void Disarm();
  bool armed() const { return place_ != kNowhere; }

  // Sets the deadline without arming. The timer must not be armed.
  void SetDeadline(TimeBase base, Nanos deadline);
  // What is left until the deadline, also of a timer that is not armed; not positive: it has come.
  Nanos Remaining() const;
  // hrtimer_forward_now(): moves the deadline on by whole intervals until it lies ahead, and
  // returns by how many; 0: it lies ahead already. interval > 0. The timer must not be armed.
  uint64_t Forward(Nanos interval);

 protected:
  // The deadline has come; the timer is not armed any more. May arm and destroy any timer, this one
  // included.
  virtual void OnExpire() = 0;

 private:
  friend class TimerQueue;
  static constexpr size_t kNowhere = SIZE_MAX;

  TimerQueue& queue_;
  Nanos deadline_{0};   // In the base's time.
  Nanos monotonic_{0};  // The same in CLOCK_MONOTONIC, while armed.
  uint64_t sequence_ = 0;
  size_t place_ = kNowhere;  // In the queue's heap.
  TimeBase base_ = TimeBase::kMonotonic;
};

class TimerQueue {
 public:
  explicit TimerQueue(const Clock* clock) : clock_(*clock) {}
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  const Clock& clock() const { return clock_; }
  // In CLOCK_MONOTONIC; kNanosMax: none.
  Nanos NextDeadline() const { return next_deadline_; }
  // kNanosMax: there is none.
  Nanos TimeToNextDeadline() const {
    const Nanos deadline = NextDeadline();
    return deadline == kNanosMax ? kNanosMax : deadline - clock_.Monotonic();
  }
  // Lets everything that is due happen.
  void Expire() {
    if (NextDeadline() <= clock_.Monotonic()) [[unlikely]]
      ExpireDue();
  }
  // CLOCK_REALTIME was set: its timers' deadlines lie elsewhere now. O(n log n).
  void ClockWasSet();
  size_t size() const { return heap_.size(); }

 private:
  friend class Timer;
  bool IsDue() const {
    const Nanos next = NextDeadline();
    return next <= clock_.Monotonic() && next != kNanosMax;
  }
  void ExpireDue();
  static bool Before(const Timer& a, const Timer& b);
  Nanos MonotonicOf(TimeBase base, Nanos deadline) const;
  void Insert(Timer& timer);
  void Remove(Timer& timer);
  // The heap has changed.
  void NoteNext() { next_deadline_ = heap_.empty() ? kNanosMax : heap_.front()->monotonic_; }
  // Puts the timer into the heap's `place` and then where it belongs.
  void Settle(Timer& timer, size_t place);
  void Put(Timer& timer, size_t place) {
    heap_[place] = &timer;
    timer.place_ = place;
  }

  const Clock& clock_;
  std::vector<Timer*> heap_;         // A binary heap: nobody is Before() its parent.
  Nanos next_deadline_ = kNanosMax;  // Of its first: asked at every turn.
  uint64_t last_sequence_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TIME_TIMER_QUEUE_H_
