#include "os_emu/file/fd_table.h"

#include <algorithm>
#include <bit>

#include "abi/check.h"

namespace pollux::os_emu {

// dup_fd()
FdTable::FdTable(const FdTable& other)
    : slots_(other.slots_),
      close_listener_(other.close_listener_),
      open_(other.open_),
      lowest_free_(other.lowest_free_),
      limit_(other.limit_) {
  for (size_t number = 0; number < slots_.size(); ++number) {
    if (!slots_[number].reserved) continue;
    slots_[number] = Slot();
    open_[number / 64] &= ~(uint64_t{1} << (number % 64));
    lowest_free_ = std::min(lowest_free_, static_cast<int32_t>(number));
  }
}

int32_t FdTable::LowestFree(int32_t from) const {
  from = std::max(from, lowest_free_);
  for (size_t word = from / 64; word < open_.size(); ++word) {
    uint64_t free = ~open_[word];
    if (word == static_cast<size_t>(from) / 64) free &= ~uint64_t{0} << (from % 64);
    if (free != 0) return static_cast<int32_t>(word * 64 + std::countr_zero(free));
  }
  return std::max(from, static_cast<int32_t>(open_.size() * 64));
}

DescriptionRef FdTable::Exchange(int32_t number, DescriptionRef description, bool close_on_exec) {
  POLLUX_CHECK(number >= 0 && number < kMaxOpen) << number;
  const size_t index = number;
  if (index >= slots_.size()) {
    if (!description) return {};
    // Doubled by hand: resize() alone may grow to the exact size each time.
    if (index >= slots_.capacity()) slots_.reserve(std::max(index + 1, slots_.capacity() * 2));
    slots_.resize(index + 1);
    open_.resize(index / 64 + 1);
  }
  const uint64_t bit = uint64_t{1} << (index % 64);
  if (description) {
    open_[index / 64] |= bit;
  } else {
    open_[index / 64] &= ~bit;
    lowest_free_ = std::min(lowest_free_, number);
  }
  slots_[index].close_on_exec = close_on_exec;
  DescriptionRef old = std::exchange(slots_[index].description, std::move(description));
  if (close_listener_ != nullptr && old) close_listener_->OnClose(*this, *old);
  return old;
}

Result<Fd> FdTable::Install(DescriptionRef description, bool close_on_exec, int32_t from) {
  POLLUX_CHECK(description) << "nothing to install";
  const int32_t limit = std::min(limit_, kMaxOpen);
  // Only F_DUPFD names a start; without one a limit of 0 is EMFILE (alloc_fd() of fs/file.c).
  if (from < 0 || (from > 0 && from >= limit)) return Errno::kInval;
  const int32_t number = LowestFree(from);
  if (number >= limit) return Errno::kMFile;
  if (from <= lowest_free_) lowest_free_ = number + 1;
  Exchange(number, std::move(description), close_on_exec);
  return static_cast<Fd>(number);
}

Result<Fd> FdTable::Reserve() {
  POLLUX_RETURN_IF_ERROR(CheckRoom());
  const int32_t number = LowestFree(0);
  const size_t index = number;
  if (index >= slots_.size()) {
    if (index >= slots_.capacity()) slots_.reserve(std::max(index + 1, slots_.capacity() * 2));
    slots_.resize(index + 1);
    open_.resize(index / 64 + 1);
  }
  lowest_free_ = number + 1;
  open_[index / 64] |= uint64_t{1} << (index % 64);
  slots_[index].reserved = true;
  return static_cast<Fd>(number);
}

void FdTable::Fill(Fd fd, DescriptionRef description, bool close_on_exec) {
  Slot& slot = slots_[static_cast<int32_t>(fd)];
  POLLUX_CHECK(slot.reserved) << "nobody has reserved the number";
  slot = Slot{std::move(description), close_on_exec, false};
}

void FdTable::Cancel(Fd fd) {
  const int32_t number = static_cast<int32_t>(fd);
  if (!slots_[number].reserved) return;  // The process has ended meanwhile.
  slots_[number].reserved = false;
  Exchange(number, {}, false);
}

Result<void> FdTable::CheckRoom() const {
  if (LowestFree(0) >= std::min(limit_, kMaxOpen)) return Errno::kMFile;
  return {};
}

Result<void> FdTable::InstallAt(Fd fd, DescriptionRef description, bool close_on_exec) {
  POLLUX_CHECK(description) << "nothing to install";
  const int32_t number = static_cast<int32_t>(fd);
  if (number < 0 || number >= std::min(limit_, kMaxOpen)) return Errno::kBadF;
  if (static_cast<size_t>(number) < slots_.size() && slots_[number].reserved) return Errno::kBusy;
  DescriptionRef old = Exchange(number, std::move(description), close_on_exec);
  return {};
}

Result<DescriptionRef> FdTable::Remove(Fd fd) {
  if (!IsOpen(fd)) return Errno::kBadF;
  return Exchange(static_cast<int32_t>(fd), {}, false);
}

Result<bool> FdTable::CloseOnExec(Fd fd) const {
  if (!IsOpen(fd)) return Errno::kBadF;
  return slots_[static_cast<int32_t>(fd)].close_on_exec;
}

Result<void> FdTable::SetCloseOnExec(Fd fd, bool close_on_exec) {
  if (!IsOpen(fd)) return Errno::kBadF;
  slots_[static_cast<int32_t>(fd)].close_on_exec = close_on_exec;
  return {};
}

void FdTable::CloseForExec() {
  const ReleaseBatch batch;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].close_on_exec) Exchange(static_cast<int32_t>(i), {}, false);
  }
}

void FdTable::CloseAll() {
  const ReleaseBatch batch;
  for (size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].reserved = false;
    Exchange(static_cast<int32_t>(i), {}, false);
  }
}

std::vector<Fd> FdTable::OpenNumbers() const {
  std::vector<Fd> numbers;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].description) numbers.push_back(static_cast<Fd>(i));
  }
  return numbers;
}

}  // namespace pollux::os_emu
