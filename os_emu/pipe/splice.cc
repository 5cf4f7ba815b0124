// splice(2), tee(2) and vmsplice(2) as a pipe sees them (fs/splice.c).
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "os_emu/pipe/pipe.h"

namespace pollux::os_emu {

Result<void> Pipe::CheckRoom() const {
  if (readers_ == 0) return Errno::kPipe;
  if (full()) return Errno::kAgain;
  return {};
}

bool Pipe::Put(std::span<const uint8_t> bytes) {
  if (full()) return false;
  std::unique_ptr<uint8_t[]> page = TakePage();
  if (page == nullptr) return false;
  std::memcpy(page.get(), bytes.data(), bytes.size());
  SlotAt(head_) = Slot{.page = std::move(page),
                       .offset = 0,
                       .bytes = static_cast<uint32_t>(bytes.size()),
                       .packet = false,
                       .merges = false};
  ++head_;
  return true;
}

bool Pipe::PutPage(FilePageRef page, uint32_t within, uint32_t bytes) {
  if (full() || !Charge(kSlotBytes)) return false;
  SlotAt(head_) = Slot{.file_page = std::move(page),
                       .offset = within,
                       .bytes = bytes,
                       .packet = false,
                       .merges = false};
  ++head_;
  return true;
}

bool Pipe::PutPart(const Slot& from, uint32_t bytes) {
  const bool done = from.file_page != nullptr ? PutPage(from.file_page, from.offset, bytes)
                                              : Put({from.page.get() + from.offset, bytes});
  if (done) SlotAt(head_ - 1).packet = from.packet;
  return done;
}

// ipipe_prep(), opipe_prep() and splice_pipe_to_pipe(). A slot that goes as a whole keeps what it
// is; a part of one is never merged into.
Result<size_t> Pipe::SpliceTo(Pipe& to, uint64_t bytes) {
  if (empty() && writers_ > 0) return Errno::kAgain;
  // opipe_prep() looks at the readers of a full pipe only.
  if (to.full() && to.readers_ > 0) return Errno::kAgain;
  size_t done = 0;
  bool took_slots = false;
  Errno error = Errno::kAgain;
  while (bytes > 0) {
    if (to.readers_ == 0) {
      if (done == 0) return Errno::kPipe;
      break;
    }
    if (empty() || to.full()) break;
    Slot& slot = SlotAt(tail_);
    const uint32_t moved = static_cast<uint32_t>(std::min<uint64_t>(bytes, slot.bytes));
    if (moved == slot.bytes) {
      // The page goes to the other pipe's account.
      if (!to.Charge(kSlotBytes)) {
        error = Errno::kNoMem;
        break;
      }
      Refund(kSlotBytes);
      to.SlotAt(to.head_++) = std::exchange(slot, Slot());
      ++tail_;
      took_slots = true;
    } else {
      if (!to.PutPart(slot, moved)) {
        error = Errno::kNoMem;
        break;
      }
      slot.offset += moved;
      slot.bytes -= moved;
    }
    done += moved;
    bytes -= moved;
  }
  if (done > 0) to.WakeReaders();
  if (took_slots) WakeWriters();
  if (done == 0 && error == Errno::kNoMem) return error;
  return done;
}

// link_pipe()
Result<size_t> Pipe::TeeTo(Pipe& to, uint64_t bytes) {
  if (empty() && writers_ > 0) return Errno::kAgain;
  if (to.full() && to.readers_ > 0) return Errno::kAgain;
  size_t done = 0;
  for (uint32_t i = tail_; bytes > 0; ++i) {
    if (to.readers_ == 0) {
      if (done == 0) return Errno::kPipe;
      break;
    }
    if (i == head_ || to.full()) break;
    const Slot& slot = SlotAt(i);
    const uint32_t copied = static_cast<uint32_t>(std::min<uint64_t>(bytes, slot.bytes));
    if (!to.PutPart(slot, copied)) {
      if (done == 0) return Errno::kNoMem;
      break;
    }
    done += copied;
    bytes -= copied;
  }
  if (done > 0) to.PutDone();
  return done;
}

// splice_from_pipe_next() and splice_from_pipe_feed().
Result<size_t> Pipe::Drain(uint64_t bytes,
                           const std::function<Result<size_t>(std::span<const uint8_t>)>& take) {
  if (empty()) {
    if (writers_ == 0) return size_t{0};
    return Errno::kAgain;
  }
  size_t done = 0;
  bool took_slots = false;
  Result<void> failed;
  Buffer buffer;
  while (bytes > 0 && !empty()) {
    Slot& slot = SlotAt(tail_);
    const uint32_t offered = static_cast<uint32_t>(std::min<uint64_t>(bytes, slot.bytes));
    const Result<size_t> taken = take(BytesOf(slot, offered, buffer));
    if (!taken.ok()) {
      failed = taken.error();
      break;
    }
    done += *taken;
    bytes -= *taken;
    took_slots |= TakeFromFirst(static_cast<uint32_t>(*taken));
    if (*taken == 0) break;
  }
  if (took_slots) WakeWriters();
  if (done == 0 && !failed.ok()) return failed.error();
  return done;
}

bool Pipe::TakeFromFirst(uint32_t bytes) {
  Slot& slot = SlotAt(tail_);
  slot.offset += bytes;
  slot.bytes -= bytes;
  if (slot.bytes > 0) return false;
  DropFirst();
  return true;
}

// splice_to_socket()
Result<size_t> Pipe::DrainTogether(
    uint64_t bytes,
    const std::function<Result<size_t>(std::span<const uint8_t>, bool more)>& take) {
  if (empty()) {
    if (writers_ == 0) return size_t{0};
    return Errno::kAgain;
  }
  size_t done = 0;
  bool took_slots = false;
  Result<void> failed;
  std::vector<uint8_t> together;
  Buffer buffer;
  while (bytes > 0 && !empty()) {
    together.clear();
    uint32_t slots = 0;
    for (uint32_t i = tail_; i != head_ && slots < kSlotsTogether && together.size() < bytes; ++i) {
      const Slot& slot = SlotAt(i);
      const uint64_t offered = std::min<uint64_t>(bytes - together.size(), slot.bytes);
      const std::span<const uint8_t> piece = BytesOf(slot, static_cast<uint32_t>(offered), buffer);
      together.insert(together.end(), piece.begin(), piece.end());
      ++slots;
    }
    const Result<size_t> taken = take(together, slots == kSlotsTogether && together.size() < bytes);
    if (!taken.ok() || *taken == 0) {
      if (!taken.ok()) failed = taken.error();
      break;
    }
    done += *taken;
    bytes -= *taken;
    for (size_t left = *taken; left > 0;) {
      const uint32_t of_first = static_cast<uint32_t>(std::min<size_t>(left, SlotAt(tail_).bytes));
      took_slots |= TakeFromFirst(of_first);
      left -= of_first;
    }
  }
  if (took_slots) WakeWriters();
  if (done == 0 && !failed.ok()) return failed.error();
  return done;
}

}  // namespace pollux::os_emu
