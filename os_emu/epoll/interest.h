// EpollInterest: one registration in an EpollInstance: an edge from the instance to a description,
// held weakly. Owned by the instance, which deletes it at EPOLL_CTL_DEL and at its own release;
// deletes itself when the description goes.
#ifndef POLLUX_OS_EMU_EPOLL_INTEREST_H_
#define POLLUX_OS_EMU_EPOLL_INTEREST_H_

#include <cstdint>
#include <memory>

#include "os_emu/epoll/epoll.h"
#include "os_emu/file/description.h"
#include "os_emu/file/fd_label.h"
#include "os_emu/file/wait_queue.h"
#include "os_emu/file/witness.h"

namespace pollux::os_emu {

class EpollInterest final : public DescriptionWatch, public ReadyLink {
 public:
  EpollInterest(EpollInstance& instance, FileDescription& target, FdLabel label, EventMask events,
                uint64_t data, uint64_t age);
  ~EpollInterest() override;

  // Joins the queues of the target; exclusively where the events say so.
  void Hook();

  EpollInstance& instance() { return instance_; }
  // What is ready of what is wanted. May run the target's own scan, if that is an instance.
  EventMask ReadyEvents() { return target()->PollFor(events) & events; }
  InterestFacts facts() const {
    return {.interest = this,
            .instance = &instance_,
            .target = target(),
            .label = label,
            .events = events,
            .data = data};
  }
  EpollInstance::Key key() const { return {identity_, label}; }

  const FdLabel label;
  EventMask events;
  uint64_t data;
  const uint64_t age;  // Counts the interests of the instance.

 private:
  class QueueHook final : public Waiter {
   public:
    explicit QueueHook(EpollInterest& interest) : interest_(interest) {}
    bool OnNotify(EventMask key) override;

   private:
    EpollInterest& interest_;
  };

  void OnTargetReleased() override;

  EpollInstance& instance_;
  const void* identity_;  // The target's address, for the key when target() is null already.
  QueueHook hook_;
  std::unique_ptr<QueueHook>
      second_hook_;  // Of descriptions with two queues: FIFOs open both ways.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_EPOLL_INTEREST_H_
