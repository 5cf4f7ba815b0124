// UserBuffer: the bytes that a read(2) fills or a write(2) takes, wherever they are: a scatter list
// over guest memory (decoded from iovec) or over host memory (library users, tests). Linux's
// iov_iter.
//
// A position moves forward with each copy. Copies stop early at the first guest byte that may not
// be accessed; the caller turns "nothing copied" into EFAULT and "something copied" into a short
// count, as Linux does. Does not own the memory. Plain data: copying a UserBuffer copies its
// position.
#ifndef POLLUX_MEMORY_USER_BUFFER_H_
#define POLLUX_MEMORY_USER_BUFFER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/check.h"
#include "abi/types.h"
#include "memory/address_space.h"

namespace pollux::memory {

class UserBuffer {
 public:
  struct Range {
    uint64_t start;  // Guest address, or host address if there is no AddressSpace.
    uint64_t bytes;
  };

  UserBuffer() = default;
  // One range of guest memory. `space` must outlive the buffer.
  UserBuffer(AddressSpace* space, GuestAddr start, uint64_t bytes)
      : space_(space), range_{start.value, bytes}, remaining_(bytes) {
    POLLUX_CHECK(space != nullptr);
  }
  UserBuffer(AddressSpace* space, std::span<const Range> ranges);
  // Host memory. For tests and library users.
  static UserBuffer Host(std::span<uint8_t> bytes);
  static UserBuffer HostConst(std::span<const uint8_t> bytes);  // Only ever the source of CopyFrom.

  uint64_t remaining() const { return remaining_; }
  // Of those, the bytes of the range that the position is in: one segment of writev(2). An empty
  // range is one at the very start only.
  uint64_t remaining_in_range() const {
    if (later_ != 0) return RemainingInRange();
    return std::min(range_.bytes - offset_, remaining_);
  }

  // host -> user, at the position. Returns the bytes copied (less than from.size(): the end, or an
  // inaccessible byte). Inline, like CopyFrom(): most callers know how many bytes they copy.
  [[gnu::always_inline]] size_t CopyTo(std::span<const uint8_t> from) {
    if (!LiesInLastRange(from.size())) return CopyToRanges(from);
    return Moved(space_->Write(GuestAddr{range_.start + offset_}, from));
  }
  // user -> host, at the position.
  [[gnu::always_inline]] size_t CopyFrom(std::span<uint8_t> to) {
    if (!LiesInLastRange(to.size())) return CopyFromRanges(to);
    return Moved(space_->Read(GuestAddr{range_.start + offset_}, to));
  }
  // As CopyTo with zeros.
  size_t ZeroTo(uint64_t bytes);
  // Moves without copying. bytes <= remaining().
  void Skip(uint64_t bytes);
  // Steps back over bytes that were copied last but not used. bytes <= what was moved over.
  void Revert(uint64_t bytes);
  // Cuts the end off so that at most `bytes` remain.
  void Truncate(uint64_t bytes);

 private:
  // Whether the next bytes are guest memory, within the last range, and do not wrap.
  bool LiesInLastRange(uint64_t bytes) const {
    if (space_ == nullptr || later_ != 0 || bytes > remaining_) return false;
    return bytes <= range_.bytes - offset_ && range_.start + offset_ >= range_.start;
  }
  size_t Moved(size_t bytes) {
    offset_ += bytes;
    remaining_ -= bytes;
    return bytes;
  }
  uint64_t RemainingInRange() const;
  size_t CopyToRanges(std::span<const uint8_t> from);
  size_t CopyFromRanges(std::span<uint8_t> to);
  template <typename Copy>
  size_t Walk(uint64_t bytes, Copy copy);
  void Advance(uint64_t bytes);
  // The position goes to the start of the next range, which there is; to the end of the one before.
  void StepForward();
  void StepBack();

  AddressSpace* space_ = nullptr;
  Range range_{};        // That of the position.
  uint64_t offset_ = 0;  // Within that range.
  uint64_t remaining_ = 0;
  size_t later_ = 0;           // How many ranges come behind it.
  std::vector<Range> ranges_;  // All; empty where there is one only.
  bool writable_ = true;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_USER_BUFFER_H_
