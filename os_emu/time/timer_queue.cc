#include "os_emu/time/timer_queue.h"

#include <utility>

#include "abi/check.h"

namespace pollux::os_emu {

// ---- Timer

void Timer::Arm(TimeBase base, Nanos deadline) {
  Disarm();
  SetDeadline(base, deadline);
  queue_.Insert(*this);
}

void Timer::Rearm() {
  Disarm();
  queue_.Insert(*this);
}

void Timer::Disarm() {
  if (armed()) queue_.Remove(*this);
}

void Timer::SetDeadline(TimeBase base, Nanos deadline) {
  POLLUX_CHECK(!armed()) << "the timer is armed";
  base_ = base;
  deadline_ = deadline;
}

Nanos Timer::Remaining() const {
  if (deadline_ == kNanosMax) return kNanosMax;
  // Neither overflows: both are less than 292 years from 0, and the clock never shows less than 0.
  const Clock& clock = queue_.clock();
  const Nanos now = base_ == TimeBase::kRealtime ? clock.Realtime() : clock.Monotonic();
  int64_t left;
  if (__builtin_sub_overflow(deadline_.value, now.value, &left)) return Nanos{INT64_MIN};
  return Nanos{left};
}

uint64_t Timer::Forward(Nanos interval) {
  POLLUX_CHECK(!armed()) << "the timer is armed";
  POLLUX_CHECK(interval.value > 0) << interval.value;
  const Nanos remaining = Remaining();
  if (remaining.value > 0) return 0;
  const uint64_t late = uint64_t{0} - static_cast<uint64_t>(remaining.value);
  const uint64_t step = static_cast<uint64_t>(interval.value);
  const uint64_t intervals = late / step + 1;
  // Ahead by at most one interval: only the end of time can be in the way.
  const uint64_t ahead = step - late % step;
  const Clock& clock = queue_.clock();
  const Nanos now = base_ == TimeBase::kRealtime ? clock.Realtime() : clock.Monotonic();
  int64_t next;
  deadline_ = __builtin_add_overflow(now.value, static_cast<int64_t>(ahead), &next) ? kNanosMax
                                                                                    : Nanos{next};
  return intervals;
}

// ---- TimerQueue

TimerQueue::~TimerQueue() { POLLUX_CHECK(heap_.empty()) << "a timer outlives its queue"; }

bool TimerQueue::Before(const Timer& a, const Timer& b) {
  if (a.monotonic_ != b.monotonic_) return a.monotonic_ < b.monotonic_;
  return a.sequence_ < b.sequence_;
}

Nanos TimerQueue::MonotonicOf(TimeBase base, Nanos deadline) const {
  return base == TimeBase::kRealtime ? clock_.MonotonicFromRealtime(deadline) : deadline;
}

void TimerQueue::Insert(Timer& timer) {
  timer.monotonic_ = MonotonicOf(timer.base_, timer.deadline_);
  timer.sequence_ = ++last_sequence_;
  heap_.push_back(nullptr);
  Settle(timer, heap_.size() - 1);
  NoteNext();
}

void TimerQueue::Remove(Timer& timer) {
  const size_t hole = timer.place_;
  timer.place_ = Timer::kNowhere;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last != &timer) Settle(*last, hole);
  NoteNext();
}

void TimerQueue::Settle(Timer& timer, size_t place) {
  while (place > 0 && Before(timer, *heap_[(place - 1) / 2])) {
    const size_t parent = (place - 1) / 2;
    Put(*heap_[parent], place);
    place = parent;
  }
  while (true) {
    size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && Before(*heap_[child + 1], *heap_[child])) ++child;
    if (!Before(*heap_[child], timer)) break;
    Put(*heap_[child], place);
    place = child;
  }
  Put(timer, place);
}

void TimerQueue::ExpireDue() {
  while (IsDue()) {
    Timer& timer = *heap_.front();
    Remove(timer);
    timer.OnExpire();  // May destroy it.
  }
}

void TimerQueue::ClockWasSet() {
  const std::vector<Timer*> timers = std::exchange(heap_, {});
  for (Timer* timer : timers) {
    timer->monotonic_ = MonotonicOf(timer->base_, timer->deadline_);
    heap_.push_back(nullptr);
    Settle(*timer, heap_.size() - 1);
  }
  NoteNext();
}

}  // namespace pollux::os_emu
