#include "os_emu/epoll/interest.h"

namespace pollux::os_emu {

// A registration costs at most 256 bytes with its place in the table (which holds a pointer and a
// control byte, and is at least 7/16 full), also where an arena rounds it up and keeps the smaller
// tables of before.
static_assert(sizeof(EpollInterest) <= 176);

EpollInterest::EpollInterest(EpollInstance& instance, FileDescription& target, FdLabel label,
                             EventMask events, uint64_t data, uint64_t age)
    : DescriptionWatch(target),
      label(label),
      events(events),
      data(data),
      age(age),
      instance_(instance),
      identity_(&target),
      hook_(*this) {}

EpollInterest::~EpollInterest() {
  if (Witness* const witness = Witness::Present()) witness->OnInterestGone(this);
  Unlink();
}

void EpollInterest::Hook() {
  WaitQueue* queues[2];
  const int count = target()->PollQueues(queues);
  const WaitMode mode = (events & kExclusive) != 0 ? WaitMode::kExclusive : WaitMode::kFront;
  if (count > 0) queues[0]->Add(hook_, mode);
  if (count > 1) {
    second_hook_ = std::make_unique<QueueHook>(*this);
    queues[1]->Add(*second_hook_, mode);
  }
}

bool EpollInterest::QueueHook::OnNotify(EventMask key) {
  return interest_.instance_.OnTargetNotified(interest_, key);
}

void EpollInterest::OnTargetReleased() { instance_.Erase(*this); }

}  // namespace pollux::os_emu
