// EventFd: the counter behind eventfd2(2) (fs/eventfd.c).
//
// Single-threaded. Shared by dup'd and inherited descriptors.
// Read: 8 bytes, the count (then it is 0) or, of a semaphore, 1 (then it is one less). kInval under
// 8 bytes, kAgain while it is 0. An inaccessible buffer loses what was read: kFault (measured on
// Linux 6.18). Write: exactly 8 bytes; kInval otherwise and for all ones; kAgain while the count
// would pass 2^64 - 2. Writing 0 is an edge. Wake-ups: a write notifies kIn, a read notifies kOut,
// without the RDNORM and WRNORM bits, which it never reports.
#ifndef POLLUX_OS_EMU_EVENTFD_EVENTFD_H_
#define POLLUX_OS_EMU_EVENTFD_EVENTFD_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "abi/result.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"

namespace pollux::os_emu {

// Flags of eventfd2(2).
inline constexpr uint32_t kEfdSemaphore = 1, kEfdNonBlock = kONonBlock, kEfdCloExec = kOCloExec;

// The numbers by which a machine counts its eventfds: the lowest free one, from 0 (eventfd_ida).
class EventFdIds {
 public:
  int32_t Take() {
    if (free_.empty()) return next_++;
    return free_.extract(free_.begin()).value();
  }
  void Give(int32_t id) { free_.insert(id); }

 private:
  int32_t next_ = 0;
  std::set<int32_t> free_;
};

class EventFd final : public FileDescription {
 public:
  static constexpr uint64_t kMaxCount = UINT64_MAX - 1;

  // `ids`: where its number comes from; null: it has none.
  EventFd(uint32_t initial, bool semaphore, bool nonblocking, std::shared_ptr<EventFdIds> ids = {})
      : FileDescription(kORdWr | (nonblocking ? kONonBlock : 0)),
        count_(initial),
        semaphore_(semaphore),
        ids_(std::move(ids)),
        id_(ids_ == nullptr ? -1 : ids_->Take()) {}
  ~EventFd() override {
    if (ids_ != nullptr) ids_->Give(id_);
  }
  // eventfd2(2) without the number. kInval: an unknown flag. The close-on-exec flag is the caller's
  // to keep.
  static Result<DescriptionRef> Create(uint32_t initial, uint32_t flags,
                                       std::shared_ptr<EventFdIds> ids = {});

  Result<size_t> Read(memory::UserBuffer& to) override;
  Result<size_t> Write(memory::UserBuffer& from) override;
  Result<uint64_t> Seek(int64_t, Whence) override { return uint64_t{0}; }  // noop_llseek.
  EventMask Poll() override;
  int PollQueues(WaitQueue* queues[2]) override;
  WaitMode wait_mode() const override { return WaitMode::kBack; }
  const char* TypeName() const override { return "eventfd"; }
  std::string FdInfo() const override;

  uint64_t count() const { return count_; }
  bool semaphore() const { return semaphore_; }

 private:
  // One segment.
  Result<size_t> WriteValue(memory::UserBuffer& from);

  uint64_t count_;
  bool semaphore_;
  std::shared_ptr<EventFdIds> ids_;
  int32_t id_;
  WaitQueue queue_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_EVENTFD_EVENTFD_H_
