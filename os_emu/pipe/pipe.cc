#include "os_emu/pipe/pipe.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "abi/check.h"

namespace pollux::os_emu {
namespace {

constexpr uint32_t kFioNRead = 0x541b;

}  // namespace

// ---- Pipe.

std::shared_ptr<Pipe> Pipe::Create(memory::MemoryBudget* budget) {
  auto pipe = std::make_shared<Pipe>(budget);
  if (!pipe->Charge(sizeof(Pipe) + pipe->slots_.size() * sizeof(Slot))) return nullptr;
  return pipe;
}

Pipe::~Pipe() { Refund(charged_bytes_); }

bool Pipe::Charge(uint64_t bytes) {
  if (budget_ == nullptr) return true;
  if (!budget_->FitsObject(bytes)) {
    return false;
  }
  budget_->used_bytes += bytes;
  charged_bytes_ += bytes;
  return true;
}

void Pipe::Refund(uint64_t bytes) {
  if (budget_ == nullptr) return;
  POLLUX_CHECK(bytes <= charged_bytes_) << "more is given back than was charged";
  budget_->used_bytes -= bytes;
  charged_bytes_ -= bytes;
}

std::unique_ptr<uint8_t[]> Pipe::TakePage() {
  for (auto& page : spare_pages_) {
    if (page != nullptr) return std::move(page);
  }
  if (!Charge(kSlotBytes)) return nullptr;
  // Uninitialised: nothing is read that was not written.
  return std::unique_ptr<uint8_t[]>(new uint8_t[kSlotBytes]);
}

void Pipe::GivePage(std::unique_ptr<uint8_t[]> page) {
  for (auto& spare : spare_pages_) {
    if (spare == nullptr) {
      spare = std::move(page);
      return;
    }
  }
  Refund(kSlotBytes);
}

std::span<const uint8_t> Pipe::BytesOf(const Slot& slot, uint32_t bytes, Buffer& buffer) {
  if (slot.file_page == nullptr) return {slot.page.get() + slot.offset, bytes};
  slot.file_page->Read(slot.offset, {buffer.data(), bytes});
  return {buffer.data(), bytes};
}

void Pipe::DropFirst() {
  Slot& slot = SlotAt(tail_);
  if (slot.page != nullptr) {
    GivePage(std::move(slot.page));
  } else {
    Refund(kSlotBytes);
  }
  slot = Slot();
  ++tail_;
}

Result<uint32_t> Pipe::SetCapacity(uint32_t bytes) {
  if (bytes > uint32_t{1} << 31) return Errno::kInval;
  const uint32_t rounded = std::bit_ceil(std::max(bytes, kSlotBytes));
  const uint32_t slots = rounded / kSlotBytes;
  if (slots > slots_.size() && rounded > kMaxUnprivilegedBytes) return Errno::kPerm;
  const uint32_t used = head_ - tail_;
  if (slots < used) return Errno::kBusy;
  const uint64_t old_bytes = slots_.size() * sizeof(Slot);
  const uint64_t new_bytes = slots * sizeof(Slot);
  if (new_bytes > old_bytes && !Charge(new_bytes - old_bytes)) return Errno::kNoMem;
  if (new_bytes < old_bytes) Refund(old_bytes - new_bytes);
  std::vector<Slot> resized(slots);
  for (uint32_t i = 0; i < used; ++i) resized[i] = std::move(SlotAt(tail_ + i));
  slots_ = std::move(resized);
  head_ = used;
  tail_ = 0;
  // Linux wakes even where the pipe has shrunk.
  write_queue_.Notify(0);
  return rounded;
}

uint64_t Pipe::buffered_bytes() const {
  uint64_t bytes = 0;
  for (uint32_t i = tail_; i != head_; ++i) bytes += slots_[i & (slots_.size() - 1)].bytes;
  return bytes;
}

Result<size_t> Pipe::Read(memory::UserBuffer& to, bool will_wait, bool resumed) {
  if (to.remaining() == 0) return size_t{0};
  if (empty()) {
    const bool ends = writers_ == 0;
    if (ends || !will_wait) async_writers_.Signal(IoReason::kOut);
    return ends ? Result<size_t>(size_t{0}) : Errno::kAgain;
  }
  bool freed_a_full_ones_slot = false;
  bool fault = false;
  size_t done = 0;
  Buffer buffer;
  while (!empty() && to.remaining() > 0) {
    Slot& slot = SlotAt(tail_);
    const uint32_t bytes = static_cast<uint32_t>(std::min<uint64_t>(slot.bytes, to.remaining()));
    const size_t copied = to.CopyTo(BytesOf(slot, bytes, buffer));
    if (copied < bytes) {
      // Some of it may have been copied, but it stays in the pipe.
      to.Revert(copied);
      fault = true;
      break;
    }
    done += bytes;
    slot.offset += bytes;
    slot.bytes -= bytes;
    const bool packet = slot.packet;
    if (packet || slot.bytes == 0) {
      freed_a_full_ones_slot |= full();
      DropFirst();
    }
    if (packet) break;
  }
  if (freed_a_full_ones_slot) write_queue_.Notify(kWritable);
  // A reader that was woken alone passes the wake-up on if it leaves data.
  if (resumed && !empty()) read_queue_.Notify(kReadable);
  async_writers_.Signal(IoReason::kOut);
  if (fault && done == 0) return Errno::kFault;
  return done;
}

Result<size_t> Pipe::Fill(memory::UserBuffer& from, bool packets) {
  size_t done = 0;
  while (from.remaining() > 0 && !full()) {
    std::unique_ptr<uint8_t[]> page = TakePage();
    if (page == nullptr) return done > 0 ? Result<size_t>(done) : Errno::kNoMem;
    const size_t bytes = std::min<uint64_t>(kSlotBytes, from.remaining());
    const size_t copied = from.CopyFrom({page.get(), bytes});
    if (copied < bytes) {
      // The page that cannot be filled is not written at all.
      from.Revert(copied);
      GivePage(std::move(page));
      return done > 0 ? Result<size_t>(done) : Errno::kFault;
    }
    SlotAt(head_) = Slot{.page = std::move(page),
                         .offset = 0,
                         .bytes = static_cast<uint32_t>(bytes),
                         .packet = packets,
                         .merges = !packets};
    ++head_;
    done += bytes;
  }
  if (done == 0) return Errno::kAgain;
  return done;
}

Result<size_t> Pipe::Write(memory::UserBuffer& from, bool packets, bool will_wait, bool resumed) {
  if (from.remaining() == 0) return size_t{0};
  if (readers_ == 0) return Errno::kPipe;
  const bool was_empty = empty();
  size_t merged = 0;
  bool fault = false;
  const uint32_t odd_bytes = from.remaining() % kSlotBytes;
  if (odd_bytes > 0 && !was_empty && !resumed) {
    // What is odd goes behind the last data if it fits there, so that the rest fills whole pages.
    Slot& last = SlotAt(head_ - 1);
    const uint32_t end = last.offset + last.bytes;
    if (!last.packet && last.merges && end + odd_bytes <= kSlotBytes) {
      const size_t copied = from.CopyFrom({last.page.get() + end, odd_bytes});
      if (copied < odd_bytes) {
        from.Revert(copied);
        fault = true;
      } else {
        last.bytes += odd_bytes;
        merged = odd_bytes;
      }
    }
  }
  Result<size_t> result = merged;
  if (fault) {
    result = Errno::kFault;
  } else if (from.remaining() > 0) {
    const Result<size_t> filled = Fill(from, packets);
    if (filled.ok()) {
      result = merged + *filled;
    } else if (merged == 0) {
      result = filled.error();
    }
  }
  // Before it waits for room a writer wakes readers only where the pipe was empty; at its end also
  // because somebody polls: "epoll nonsensically wants a wakeup whether the pipe was already empty
  // or not" (fs/pipe.c). An end without any data wakes too.
  const bool waits = will_wait && from.remaining() > 0 && full();
  if (waits && !result.ok()) {
    // Linux looks again after each wait: the pipe is full, so not empty.
    if (!resumed) async_readers_.Signal(IoReason::kIn);
    return result;
  }
  if (was_empty || (polled_ && !waits)) read_queue_.Notify(kReadable);
  async_readers_.Signal(IoReason::kIn);
  if (resumed && !full() && !waits) write_queue_.Notify(kWritable);
  return result;
}

// ---- PipeEnd.

PipeEnd::PipeEnd(std::shared_ptr<Pipe> pipe, Identity identity, uint32_t status_flags,
                 bool quiet_until_writer)
    : FileDescription(status_flags), pipe_(std::move(pipe)), identity_(std::move(identity)) {
  if (quiet_until_writer) quiet_until_writer_opens_ = pipe_->writer_opens_;
  bool first = false;
  if (readable()) {
    ++pipe_->reader_opens_;
    first |= pipe_->readers_++ == 0;
  }
  if (writable()) {
    ++pipe_->writer_opens_;
    first |= pipe_->writers_++ == 0;
  }
  // Openers of a FIFO wait for their partner on the read queue.
  if (first) pipe_->read_queue_.NotifyAll(0);
}

bool PipeEnd::IsOpen() const {
  if (opens_before_ == 0) return true;
  return opens_before_ != (readable() ? pipe_->writer_opens_ : pipe_->reader_opens_);
}

void PipeEnd::AbandonOpen() {
  abandoned_ = true;
  if (readable()) {
    if (--pipe_->readers_ == 0) pipe_->write_queue_.Notify(0);
  } else if (--pipe_->writers_ == 0) {
    pipe_->read_queue_.NotifyAll(0);
  }
}

Result<DescriptionRef> PipeEnd::Reopen(uint32_t status_flags) const {
  if ((status_flags & kOAccMode) == kOAccMode) return Errno::kInval;
  return MakeDescription<PipeEnd>(pipe_, identity_, status_flags);
}

Result<DescriptionRef> PipeEnd::OpenFifo(std::weak_ptr<Pipe>* fifo, uint32_t flags,
                                         memory::MemoryBudget* budget) {
  std::shared_ptr<Pipe> pipe = fifo->lock();
  if (pipe == nullptr) {
    pipe = Pipe::Create(budget);
    if (pipe == nullptr) return Errno::kNoMem;
    *fifo = pipe;
  }
  const uint32_t access = flags & kOAccMode;
  const bool waits = (flags & kONonBlock) == 0;
  if (access == kOAccMode) return Errno::kInval;
  if (access == kOWrOnly && !waits && pipe->readers_ == 0) return Errno::kNxio;
  const bool alone = access == kORdOnly   ? pipe->writers_ == 0
                     : access == kOWrOnly ? pipe->readers_ == 0
                                          : false;
  const DescriptionRef opened = MakeDescription<PipeEnd>(
      pipe, nullptr, flags, /*quiet_until_writer=*/alone && !waits && access == kORdOnly);
  if (alone && waits) {
    static_cast<PipeEnd&>(*opened).opens_before_ =
        access == kORdOnly ? pipe->writer_opens_ : pipe->reader_opens_;
  }
  return opened;
}

void PipeEnd::OnRelease() {
  if (abandoned_) return;
  if (readable()) --pipe_->readers_;
  if (writable()) --pipe_->writers_;
  if ((pipe_->readers_ == 0) != (pipe_->writers_ == 0)) {
    pipe_->read_queue_.NotifyAll(0);
    pipe_->write_queue_.NotifyAll(0);
    pipe_->async_readers_.Signal(IoReason::kIn);
    pipe_->async_writers_.Signal(IoReason::kOut);
  }
}

Result<size_t> PipeEnd::Read(memory::UserBuffer& to) {
  return pipe_->Read(to, !nonblocking(), false);
}
Result<size_t> PipeEnd::ResumeRead(memory::UserBuffer& to) {
  return pipe_->Read(to, !nonblocking(), true);
}

Result<size_t> PipeEnd::Write(memory::UserBuffer& from) {
  return pipe_->Write(from, (status_flags() & kODirect) != 0, !nonblocking(), false);
}

Result<size_t> PipeEnd::ResumeWrite(memory::UserBuffer& from) {
  return pipe_->Write(from, (status_flags() & kODirect) != 0, !nonblocking(), true);
}

EventMask PipeEnd::Poll() {
  Pipe& pipe = *pipe_;
  pipe.polled_ = true;
  EventMask mask = 0;
  if (readable()) {
    if (!pipe.empty()) mask |= kReadable;
    if (pipe.writers_ == 0 && quiet_until_writer_opens_ != pipe.writer_opens_) mask |= kHup;
  }
  if (writable()) {
    if (!pipe.full()) mask |= kWritable;
    if (pipe.readers_ == 0) mask |= kErr;
  }
  return mask;
}

int PipeEnd::PollQueues(WaitQueue* queues[2]) {
  int count = 0;
  if (readable()) queues[count++] = &pipe_->read_queue_;
  if (writable()) queues[count++] = &pipe_->write_queue_;
  return count;
}

int PipeEnd::AsyncLists(AsyncList* lists[2]) {
  int count = 0;
  if (readable()) lists[count++] = &pipe_->async_readers_;
  if (writable()) lists[count++] = &pipe_->async_writers_;
  return count;
}

Result<void> PipeEnd::Stat(FileStatus* status) {
  if (identity_ == nullptr) return FileDescription::Stat(status);
  *status = *identity_;
  return {};
}

Result<int64_t> PipeEnd::Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) {
  if (request != kFioNRead) return Errno::kNotTy;
  const int32_t bytes = static_cast<int32_t>(pipe_->buffered_bytes());
  POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{argument}, bytes));
  return int64_t{0};
}

std::string PipeEnd::LinkText() const {
  return identity_ == nullptr ? "pipe" : "pipe:[" + std::to_string(identity_->ino) + "]";
}

Result<PipeEnds> MakePipe(const PipeOptions& options) {
  if ((options.flags & ~(kONonBlock | kODirect | kOCloExec)) != 0) return Errno::kInval;
  FileStatus status;
  status.dev = kPipeDevice;
  status.ino = options.inode;
  status.mode = kModeFifo | 0600;
  status.uid = options.uid;
  status.gid = options.gid;
  status.atime = status.mtime = status.ctime = status.btime = options.now;
  const auto identity = std::make_shared<const FileStatus>(status);
  const std::shared_ptr<Pipe> pipe = Pipe::Create(options.budget);
  if (pipe == nullptr) return Errno::kNFile;  // What get_pipe_inode() makes of it.
  const uint32_t nonblock = options.flags & kONonBlock;
  PipeEnds ends;
  ends.writer =
      MakeDescription<PipeEnd>(pipe, identity, kOWrOnly | nonblock | (options.flags & kODirect));
  ends.reader = MakeDescription<PipeEnd>(pipe, identity, kORdOnly | nonblock);
  return ends;
}

}  // namespace pollux::os_emu
