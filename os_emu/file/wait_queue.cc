#include "os_emu/file/wait_queue.h"

#include <limits>

#include "abi/check.h"

namespace pollux::os_emu {

void Waiter::Leave() {
  if (queue_ == nullptr) return;
  for (WaitQueue::Walk* walk = queue_->walk_; walk != nullptr; walk = walk->outer) {
    if (walk->next == this) walk->next = next_;
  }
  (previous_ != nullptr ? previous_->next_ : queue_->first_) = next_;
  (next_ != nullptr ? next_->previous_ : queue_->last_) = previous_;
  queue_ = nullptr;
  previous_ = nullptr;
  next_ = nullptr;
}

WaitQueue::~WaitQueue() {
  POLLUX_CHECK(walk_ == nullptr) << "a wait queue was destroyed while it notifies";
  while (first_ != nullptr) first_->Leave();
}

void WaitQueue::InsertFront(Waiter& waiter, bool exclusive) {
  POLLUX_CHECK(waiter.queue_ == nullptr) << "the waiter is in a queue already";
  waiter.queue_ = this;
  waiter.exclusive_ = exclusive;
  waiter.next_ = first_;
  (first_ != nullptr ? first_->previous_ : last_) = &waiter;
  first_ = &waiter;
}

void WaitQueue::InsertBack(Waiter& waiter, bool exclusive) {
  POLLUX_CHECK(waiter.queue_ == nullptr) << "the waiter is in a queue already";
  waiter.queue_ = this;
  waiter.exclusive_ = exclusive;
  waiter.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &waiter;
  last_ = &waiter;
}

void WaitQueue::Add(Waiter& waiter) { InsertFront(waiter, false); }
void WaitQueue::AddBack(Waiter& waiter) { InsertBack(waiter, false); }
void WaitQueue::AddExclusive(Waiter& waiter) { InsertBack(waiter, true); }
void WaitQueue::AddExclusiveFront(Waiter& waiter) { InsertFront(waiter, true); }

void WaitQueue::Add(Waiter& waiter, WaitMode mode) {
  switch (mode) {
    case WaitMode::kFront:
      return Add(waiter);
    case WaitMode::kBack:
      return AddBack(waiter);
    case WaitMode::kExclusive:
      return AddExclusive(waiter);
    case WaitMode::kExclusiveFront:
      return AddExclusiveFront(waiter);
  }
}

void WaitQueue::NotifyWaiters(EventMask key, int exclusive) {
  // One alone: nothing is looked at after it.
  if (first_ == last_) {
    first_->OnNotify(key);
    return;
  }
  // An OnNotify may make waiters leave this queue: Leave() moves the walk past them.
  Walk walk{first_, walk_};
  walk_ = &walk;
  while (walk.next != nullptr) {
    Waiter* waiter = walk.next;
    walk.next = waiter->next_;
    const bool counts = waiter->exclusive_;
    if (waiter->OnNotify(key) && counts && --exclusive == 0) break;
  }
  walk_ = walk.outer;
}

void WaitQueue::NotifyAll(EventMask key) { Notify(key, std::numeric_limits<int>::max()); }

}  // namespace pollux::os_emu
