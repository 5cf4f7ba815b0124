#include "os_emu/epoll/epoll.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "abi/check.h"
#include "absl/strings/str_format.h"
#include "os_emu/epoll/interest.h"
#include "os_emu/epoll/nesting.h"
#include "os_emu/file/file_status.h"

namespace pollux::os_emu {
namespace {

// The bits of an interest that are not events (EP_PRIVATE_BITS).
constexpr EventMask kPrivateBits = kWakeup | kOneShot | kEdge | kExclusive;
// What may stand beside kExclusive (EPOLLEXCLUSIVE_OK_BITS).
constexpr EventMask kExclusiveOkBits = kIn | kOut | kErr | kHup | kWakeup | kEdge | kExclusive;

}  // namespace

EpollInstance::Key EpollInstance::KeyOf(const EpollInterest* interest) { return interest->key(); }

void ReadyLink::Unlink() {
  previous->next = next;
  next->previous = previous;
  previous = this;
  next = this;
}

void ReadyLink::InsertBefore(ReadyLink& position) {
  POLLUX_CHECK(!linked()) << "it is in a list already";
  previous = position.previous;
  next = &position;
  previous->next = this;
  next->previous = this;
}

void ReadyLink::SpliceAfter(ReadyLink& list) {
  if (!list.linked()) return;
  ReadyLink* first = list.next;
  ReadyLink* last = list.previous;
  list.next = &list;
  list.previous = &list;
  last->next = next;
  next->previous = last;
  next = first;
  first->previous = this;
}

EpollInstance::~EpollInstance() {
  POLLUX_CHECK(interests_.empty()) << "an epoll instance was destroyed with interests";
}

Result<void> EpollInstance::Control(FileDescription& epoll, int op, FileDescription& target,
                                    FdLabel label, EventMask events, uint64_t data) {
  if (!target.CanBeWatched()) return Errno::kPerm;
  const bool has_event = op != kEpollCtlDel;
  // Guests cannot keep the machine from going to sleep (CAP_BLOCK_SUSPEND).
  events &= ~kWakeup;
  EpollInstance* instance = From(epoll);
  if (&epoll == &target || instance == nullptr) return Errno::kInval;
  EpollInstance* target_instance = From(target);
  if (has_event && (events & kExclusive) != 0) {
    if (op == kEpollCtlMod) return Errno::kInval;
    if (op == kEpollCtlAdd && (target_instance != nullptr || (events & ~kExclusiveOkBits) != 0)) {
      return Errno::kInval;
    }
  }

  // The graph is checked before the interest is looked up: kLoop comes before kExist.
  NestingCheck nesting(*instance);
  const bool check_nesting =
      op == kEpollCtlAdd && (target_instance != nullptr || instance->IsWatched());
  if (check_nesting && target_instance != nullptr) {
    POLLUX_RETURN_IF_ERROR(nesting.CheckLoop(*target_instance));
  }

  const auto found = instance->interests_.find(Key(&target, label));
  EpollInterest* interest = found == instance->interests_.end() ? nullptr : *found;
  switch (op) {
    case kEpollCtlAdd:
      if (interest != nullptr) return Errno::kExist;
      return instance->Add(target, label, events | kErr | kHup, data,
                           check_nesting ? &nesting : nullptr);
    case kEpollCtlDel:
      if (interest == nullptr) return Errno::kNoEnt;
      instance->Erase(*interest);
      return {};
    case kEpollCtlMod:
      if (interest == nullptr) return Errno::kNoEnt;
      if ((interest->events & kExclusive) != 0) return Errno::kInval;
      instance->Modify(*interest, events | kErr | kHup, data);
      return {};
    default:
      return Errno::kInval;
  }
}

Result<void> EpollInstance::Add(FileDescription& target, FdLabel label, EventMask events,
                                uint64_t data, NestingCheck* nesting) {
  if (watches_quota_ != nullptr) POLLUX_RETURN_IF_ERROR(watches_quota_->Charge());
  auto* interest = new EpollInterest(*this, target, label, events, data, next_age_++);
  interests_.insert(interest);
  if (nesting != nullptr) {
    if (From(target) == nullptr) nesting->NoteLeaf(target);
    if (const Result<void> paths = nesting->CheckPaths(); !paths.ok()) {
      Erase(*interest);
      return paths;
    }
  }
  // On the queues first, then the question, as vfs_poll() does.
  if (Witness* const witness = Witness::Present()) witness->OnInterestSet(interest->facts());
  interest->Hook();
  if (interest->ReadyEvents() != 0) MakeReady(*interest);
  return {};
}

void EpollInstance::Modify(EpollInterest& interest, EventMask events, uint64_t data) {
  interest.events = events;
  interest.data = data;
  if (Witness* const witness = Witness::Present()) witness->OnInterestSet(interest.facts());
  if (interest.ReadyEvents() != 0) MakeReady(interest);
}

void EpollInstance::MakeReady(EpollInterest& interest) {
  if (interest.linked()) return;
  if (Witness* const witness = Witness::Present()) witness->OnInterestReady(&interest, 0);
  interest.InsertBefore(ready_);
  wait_queue_.Notify(0);
  poll_queue_.Notify(kIn);
}

void EpollInstance::Erase(EpollInterest& interest) {
  interests_.erase(&interest);
  delete &interest;
  if (watches_quota_ != nullptr) watches_quota_->Release();
}

bool EpollInstance::OnTargetNotified(EpollInterest& interest, EventMask key) {
  const bool exclusive = (interest.events & kExclusive) != 0;
  // Disabled: a one-shot interest that has fired.
  if ((interest.events & ~kPrivateBits) == 0) return !exclusive;
  if (key != 0 && (key & interest.events) == 0) return !exclusive;

  if (Witness* const witness = Witness::Present()) witness->OnInterestReady(&interest, key);
  if (!interest.linked()) interest.InsertBefore(ready_);
  // An exclusive interest takes the wake-up only if a thread waits here that the event can be meant
  // for.
  bool taken = false;
  if (!wait_queue_.empty()) {
    const EventMask in_out = key & (kIn | kOut);
    taken = in_out == 0 || (in_out != (kIn | kOut) && (interest.events & in_out) != 0);
    wait_queue_.Notify(0);
  }
  poll_queue_.Notify(kIn);
  return !exclusive || taken;
}

Result<size_t> EpollInstance::Collect(size_t max, Sink& sink) {
  ReadyLink batch;
  batch.SpliceAfter(ready_);
  size_t count = 0;
  bool fault = false;
  while (batch.linked() && count < max) {
    EpollInterest& interest = *static_cast<EpollInterest*>(batch.next);
    interest.Unlink();
    const EventMask ready = interest.ReadyEvents();
    if (ready == 0) continue;
    if (!sink.Put({ready, interest.data})) {
      interest.InsertBefore(*batch.next);
      fault = true;
      break;
    }
    ++count;
    if (Witness* const witness = Witness::Present()) witness->OnDelivered(interest.facts(), ready);
    if ((interest.events & kOneShot) != 0) {
      interest.events &= kPrivateBits;
    } else if ((interest.events & kEdge) == 0) {
      // Level-triggered: asked again next time, after all others.
      interest.InsertBefore(ready_);
    }
  }
  EndScan(batch);
  if (fault && count == 0) return Errno::kFault;
  return count;
}

// What was not looked at goes back to the front; if anything is left, the next waiter has a look.
void EpollInstance::EndScan(ReadyLink& batch) {
  ready_.SpliceAfter(batch);
  if (ready_.linked()) wait_queue_.Notify(0);
}

EventMask EpollInstance::Poll() {
  ReadyLink batch;
  batch.SpliceAfter(ready_);
  EventMask mask = 0;
  while (batch.linked()) {
    EpollInterest& interest = *static_cast<EpollInterest*>(batch.next);
    if (interest.ReadyEvents() != 0) {
      mask = kReadable;
      break;
    }
    interest.Unlink();
  }
  EndScan(batch);
  return mask;
}

int EpollInstance::PollQueues(WaitQueue* queues[2]) {
  queues[0] = &poll_queue_;
  return 1;
}

void EpollInstance::OnRelease() {
  poll_queue_.Notify(kIn);
  // The order does not show: an interest that goes tells nobody.
  // The table looks at none of them any more.
  for (EpollInterest* const interest : std::exchange(interests_, {})) {
    delete interest;
    if (watches_quota_ != nullptr) watches_quota_->Release();
  }
}

std::string EpollInstance::FdInfo() const {
  std::string text;
  for (const InterestReport& interest : Interests()) {
    FileStatus status;
    (void)interest.target->Stat(&status).ok();
    const Result<uint64_t> position = interest.target->Seek(0, Whence::kCurrent);
    absl::StrAppendFormat(&text, "tfd: %8s events: %8x data: %16x  pos:%d ino:%x sdev:%x\n",
                          interest.label.Text(), interest.events, interest.data,
                          position.ok() ? *position : 0, status.ino, KernelDevice(status.dev));
  }
  return text;
}

std::vector<EpollInstance::InterestReport> EpollInstance::Interests() const {
  std::vector<const EpollInterest*> sorted;
  sorted.reserve(interests_.size());
  for (const EpollInterest* interest : interests_) sorted.push_back(interest);
  std::sort(sorted.begin(), sorted.end(), [](const EpollInterest* a, const EpollInterest* b) {
    return std::tie(a->label, a->age) < std::tie(b->label, b->age);
  });
  std::vector<InterestReport> reports;
  reports.reserve(sorted.size());
  for (const EpollInterest* interest : sorted) {
    reports.push_back({interest->label, interest->events, interest->data, interest->target(),
                       interest->linked()});
  }
  return reports;
}

}  // namespace pollux::os_emu
