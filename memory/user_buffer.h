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

#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/check.h"
#include "abi/types.h"
#include "absl/container/inlined_vector.h"
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
      : space_(space), ranges_{{start.value, bytes}}, remaining_(bytes) {
    POLLUX_CHECK(space != nullptr);
  }
  UserBuffer(AddressSpace* space, std::span<const Range> ranges);
  // Host memory. For tests and library users.
  static UserBuffer Host(std::span<uint8_t> bytes);
  static UserBuffer HostConst(std::span<const uint8_t> bytes);  // Only ever the source of CopyFrom.

  uint64_t remaining() const { return remaining_; }
  // Of those, the bytes of the range that the position is in: one segment of writev(2). An empty
  // range is one at the very start only.
  uint64_t remaining_in_range() const;

  // host -> user, at the position. Returns the bytes copied (less than from.size(): the end, or an
  // inaccessible byte).
  size_t CopyTo(std::span<const uint8_t> from) {
    if (!LiesInLastRange(from.size())) return CopyToRanges(from);
    return Moved(space_->Write(GuestAddr{ranges_[index_].start + offset_}, from));
  }
  // user -> host, at the position.
  size_t CopyFrom(std::span<uint8_t> to) {
    if (!LiesInLastRange(to.size())) return CopyFromRanges(to);
    return Moved(space_->Read(GuestAddr{ranges_[index_].start + offset_}, to));
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
    if (space_ == nullptr || index_ + 1 != ranges_.size() || bytes > remaining_) return false;
    const Range& range = ranges_[index_];
    return bytes <= range.bytes - offset_ && range.start + offset_ >= range.start;
  }
  size_t Moved(size_t bytes) {
    offset_ += bytes;
    remaining_ -= bytes;
    return bytes;
  }
  size_t CopyToRanges(std::span<const uint8_t> from);
  size_t CopyFromRanges(std::span<uint8_t> to);
  template <typename Copy>
  size_t Walk(uint64_t bytes, Copy copy);
  void Advance(uint64_t bytes);

  AddressSpace* space_ = nullptr;
  absl::InlinedVector<Range, 1> ranges_;
  size_t index_ = 0;     // The range of the position.
  uint64_t offset_ = 0;  // Within that range.
  uint64_t remaining_ = 0;
  bool writable_ = true;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_USER_BUFFER_H_
