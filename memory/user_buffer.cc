#include "memory/user_buffer.h"

#include <algorithm>
#include <cstring>

#include "abi/check.h"

namespace pollux::memory {

UserBuffer::UserBuffer(AddressSpace* space, std::span<const Range> ranges) : space_(space) {
  POLLUX_CHECK(space != nullptr);
  if (!ranges.empty()) range_ = ranges.front();
  if (ranges.size() > 1) {
    ranges_.assign(ranges.begin(), ranges.end());
    later_ = ranges.size() - 1;
  }
  for (const Range& range : ranges) {
    remaining_ += std::min(range.bytes, UINT64_MAX - remaining_);  // Saturates.
  }
}

UserBuffer UserBuffer::Host(std::span<uint8_t> bytes) {
  UserBuffer buffer = HostConst(bytes);
  buffer.writable_ = true;
  return buffer;
}

UserBuffer UserBuffer::HostConst(std::span<const uint8_t> bytes) {
  UserBuffer buffer;
  buffer.range_ = {reinterpret_cast<uint64_t>(bytes.data()), bytes.size()};
  buffer.remaining_ = bytes.size();
  buffer.writable_ = false;
  return buffer;
}

void UserBuffer::StepForward() {
  POLLUX_CHECK(later_ > 0) << "goes over the end";
  range_ = ranges_[ranges_.size() - later_];
  offset_ = 0;
  --later_;
}

void UserBuffer::StepBack() {
  POLLUX_CHECK(later_ + 1 < ranges_.size()) << "reverts over the start";
  ++later_;
  range_ = ranges_[ranges_.size() - 1 - later_];
  offset_ = range_.bytes;
}

void UserBuffer::Advance(uint64_t bytes) {
  remaining_ -= bytes;
  while (bytes > 0) {
    const uint64_t step = std::min(bytes, range_.bytes - offset_);
    offset_ += step;
    bytes -= step;
    if (offset_ == range_.bytes && later_ > 0) StepForward();
  }
}

// Calls copy(address, offset, length), which returns how much of `length` it copied, range by
// range; stops where it copied less. Moves the position over what was copied.
template <typename Copy>
size_t UserBuffer::Walk(uint64_t bytes, Copy copy) {
  bytes = std::min(bytes, remaining_);
  uint64_t done = 0;
  while (done < bytes) {
    const uint64_t length = std::min(bytes - done, range_.bytes - offset_);
    const uint64_t start = range_.start + offset_;
    // A guest's range may wrap; what lies at its start is then above every address space.
    const uint64_t copied = length == 0 || start < range_.start ? 0 : copy(start, done, length);
    done += copied;
    if (copied < length) {
      Advance(copied);
      break;
    }
    if (length == 0) {
      StepForward();  // Over an empty range.
      continue;
    }
    Advance(copied);
  }
  return done;
}

size_t UserBuffer::CopyToRanges(std::span<const uint8_t> from) {
  POLLUX_CHECK(writable_) << "CopyTo into HostConst";
  return Walk(from.size(), [&](uint64_t address, uint64_t offset, uint64_t length) -> uint64_t {
    if (space_ != nullptr) return space_->Write(GuestAddr{address}, from.subspan(offset, length));
    std::memcpy(reinterpret_cast<void*>(address), from.data() + offset, length);
    return length;
  });
}

size_t UserBuffer::CopyFromRanges(std::span<uint8_t> to) {
  return Walk(to.size(), [&](uint64_t address, uint64_t offset, uint64_t length) -> uint64_t {
    if (space_ != nullptr) return space_->Read(GuestAddr{address}, to.subspan(offset, length));
    std::memcpy(to.data() + offset, reinterpret_cast<const void*>(address), length);
    return length;
  });
}

size_t UserBuffer::ZeroTo(uint64_t bytes) {
  POLLUX_CHECK(writable_) << "ZeroTo into HostConst";
  return Walk(bytes, [&](uint64_t address, uint64_t, uint64_t length) -> uint64_t {
    if (space_ != nullptr) return space_->Zero(GuestAddr{address}, length);
    std::memset(reinterpret_cast<void*>(address), 0, length);
    return length;
  });
}

void UserBuffer::Skip(uint64_t bytes) {
  POLLUX_CHECK(bytes <= remaining_) << bytes << " of " << remaining_;
  Advance(bytes);
}

void UserBuffer::Revert(uint64_t bytes) {
  remaining_ += bytes;
  while (bytes > offset_) {
    bytes -= offset_;
    StepBack();
  }
  offset_ -= bytes;
}

void UserBuffer::Truncate(uint64_t bytes) { remaining_ = std::min(remaining_, bytes); }

uint64_t UserBuffer::RemainingInRange() const {
  // Once it has moved, iov_iter_advance() steps over empty ranges.
  const size_t index = ranges_.size() - 1 - later_;
  if (index == 0 && range_.bytes == 0) return 0;
  uint64_t offset = offset_;
  for (size_t i = index; i < ranges_.size(); ++i, offset = 0) {
    if (ranges_[i].bytes > offset) return std::min(ranges_[i].bytes - offset, remaining_);
  }
  return 0;
}

}  // namespace pollux::memory
