#include "os_emu/eventfd/eventfd.h"

#include <span>
#include <utility>

#include "absl/strings/str_format.h"

namespace pollux::os_emu {
namespace {

constexpr size_t kValueBytes = sizeof(uint64_t);

// The bytes of a value that guest memory holds: both are little-endian.
std::span<uint8_t> BytesOf(uint64_t& value) {
  return {reinterpret_cast<uint8_t*>(&value), kValueBytes};
}

}  // namespace

Result<DescriptionRef> EventFd::Create(uint32_t initial, uint32_t flags,
                                       std::shared_ptr<EventFdIds> ids) {
  if ((flags & ~(kEfdSemaphore | kEfdNonBlock | kEfdCloExec)) != 0) return Errno::kInval;
  return MakeDescription<EventFd>(initial, (flags & kEfdSemaphore) != 0,
                                  (flags & kEfdNonBlock) != 0, std::move(ids));
}

Result<size_t> EventFd::Read(memory::UserBuffer& to) {
  if (to.remaining() < kValueBytes) return Errno::kInval;
  if (count_ == 0) return Errno::kAgain;
  uint64_t value = semaphore_ ? 1 : count_;
  count_ -= value;
  queue_.Notify(kOut);
  // Linux copies last: what an inaccessible buffer should have got is lost.
  if (to.CopyTo(BytesOf(value)) != kValueBytes) return Errno::kFault;
  return kValueBytes;
}

Result<size_t> EventFd::Write(memory::UserBuffer& from) {
  // Linux's eventfd has no write_iter: writev(2) writes each segment by itself.
  size_t total = 0;
  do {
    const Result<size_t> written = WriteValue(from);
    if (!written.ok()) return total > 0 ? Result<size_t>(total) : written;
    total += *written;
  } while (from.remaining() > 0);
  return total;
}

Result<size_t> EventFd::WriteValue(memory::UserBuffer& from) {
  if (from.remaining_in_range() != kValueBytes) return Errno::kInval;
  uint64_t value = 0;
  const size_t copied = from.CopyFrom(BytesOf(value));
  if (copied != kValueBytes) {
    from.Revert(copied);
    return Errno::kFault;
  }
  if (value == UINT64_MAX) return Errno::kInval;
  if (value > kMaxCount - count_) {
    from.Revert(kValueBytes);
    return Errno::kAgain;
  }
  count_ += value;
  queue_.Notify(kIn);
  return kValueBytes;
}

EventMask EventFd::Poll() {
  // UINT64_MAX is out of a guest's reach; in Linux only eventfd_signal() gets there.
  return (count_ > 0 ? kIn : 0) | (count_ == UINT64_MAX ? kErr : 0) |
         (count_ < kMaxCount ? kOut : 0);
}

// eventfd_show_fdinfo()
std::string EventFd::FdInfo() const {
  return absl::StrFormat("eventfd-count: %16x\neventfd-id: %d\neventfd-semaphore: %d\n", count_,
                         id_, semaphore_);
}

int EventFd::PollQueues(WaitQueue* queues[2]) {
  queues[0] = &queue_;
  return 1;
}

}  // namespace pollux::os_emu
