// Pipe: the buffer of a pipe or FIFO (fs/pipe.c): a ring of slots of a page each. PipeEnd: one open
// end of it.
//
// Both ends share the Pipe. Writes fill pages; a write whose odd bytes fit behind the last slot's
// data is merged there, any other takes fresh slots, so that 16 writes of one byte fit always and
// 17 writes of 4095 never. A write of up to PIPE_BUF (one page) is therefore never torn. With
// kODirect on the writing end each page is a packet: a read takes one at most, and what does not
// fit is lost. A slot of bytes that were spliced from a file may refer to the file's page. Read:
// kAgain while it is empty and has writers, 0 without writers. kFault leaves the data. Write:
// kAgain while it is full, kPipe without readers (the caller raises SIGPIPE), kNoMem at the
// machine's limit. Wake-ups are where Linux makes them: readers when a write finds the pipe empty
// (after the first poll: on each write), writers when a read frees a slot of a full one, both with
// key 0 when one side goes. Signals (O_ASYNC) are sent at the end of each read and each write,
// whatever it did.
#ifndef POLLUX_OS_EMU_PIPE_PIPE_H_
#define POLLUX_OS_EMU_PIPE_PIPE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "abi/result.h"
#include "memory/address_space.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/file_page.h"
#include "os_emu/file/file_status.h"

namespace pollux::os_emu {

class PipeEnd;

class Pipe {
 public:
  static constexpr uint32_t kSlotBytes = 4096;
  static constexpr uint32_t kDefaultSlots = 16;
  static constexpr uint32_t kMaxUnprivilegedBytes = 1048576;  // fs.pipe-max-size

  // `budget` is charged for the ring and the pages in use; may be null, else must outlive the pipe.
  // Create() gives null where it is spent.
  static std::shared_ptr<Pipe> Create(memory::MemoryBudget* budget);
  explicit Pipe(memory::MemoryBudget* budget) : slots_(kDefaultSlots), budget_(budget) {}
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // F_GETPIPE_SZ.
  uint32_t capacity_bytes() const { return static_cast<uint32_t>(slots_.size()) * kSlotBytes; }
  // F_SETPIPE_SZ: rounds up to a power of two pages and returns it. kInval: above 2^31. kPerm:
  // above kMaxUnprivilegedBytes. kBusy: more is in it. kNoMem.
  Result<uint32_t> SetCapacity(uint32_t bytes);
  // FIONREAD.
  uint64_t buffered_bytes() const;
  // ---- splice(2) and its like (fs/splice.c), which move slots. None of them waits: kAgain.
  // The caller raises SIGPIPE for kPipe. They wake as Linux does there: with key 0.

  // Moves at most `bytes` from this pipe to `to`; 0: it is empty and has no writers.
  Result<size_t> SpliceTo(Pipe& to, uint64_t bytes);
  // Copies instead (tee(2)).
  Result<size_t> TeeTo(Pipe& to, uint64_t bytes);
  // Whether splicing into it can begin: kPipe, kAgain (full).
  Result<void> CheckRoom() const;
  // A slot of its own for `bytes` (at most kSlotBytes, not 0) that is never merged into. False: it
  // is full, or the budget is spent. PutDone() wakes the readers.
  bool Put(std::span<const uint8_t> bytes);
  // The same, for `bytes` of a file's page from `within` on, as they are when they are read.
  bool PutPage(FilePageRef page, uint32_t within, uint32_t bytes);
  void PutDone() { WakeReaders(); }
  uint32_t free_slots() const { return static_cast<uint32_t>(slots_.size()) - (head_ - tail_); }
  // Gives slots, and what is left of one, to `take` until `bytes` are taken, it takes nothing or
  // fails, or the pipe is empty. kAgain: it is empty and has writers. The error of `take` if
  // nothing was taken.
  Result<size_t> Drain(uint64_t bytes,
                       const std::function<Result<size_t>(std::span<const uint8_t>)>& take);
  // Gives up to kSlotsTogether slots at once, as one span, until `bytes` are taken, it takes
  // nothing more, or the pipe is empty; with whether more of `bytes` follows. kAgain and errors as
  // Drain().
  static constexpr uint32_t kSlotsTogether = 16;
  Result<size_t> DrainTogether(
      uint64_t bytes,
      const std::function<Result<size_t>(std::span<const uint8_t>, bool more)>& take);
  WaitQueue& read_queue() { return read_queue_; }
  WaitQueue& write_queue() { return write_queue_; }

  bool empty() const { return head_ == tail_; }
  bool full() const { return head_ - tail_ >= slots_.size(); }

 private:
  friend class PipeEnd;
  struct Slot {
    // One of the two, charged all the same.
    std::unique_ptr<uint8_t[]> page;
    FilePageRef file_page;
    uint32_t offset = 0;
    uint32_t bytes = 0;
    bool packet = false;  // And so never merged into.
    bool merges = true;   // PIPE_BUF_FLAG_CAN_MERGE
  };
  Slot& SlotAt(uint32_t index) { return slots_[index & (slots_.size() - 1)]; }
  // As Put(), of the first `bytes` of another pipe's slot.
  bool PutPart(const Slot& from, uint32_t bytes);
  // The first `bytes` of a slot; `buffer` is where they are put if they have to be.
  using Buffer = std::array<uint8_t, kSlotBytes>;
  static std::span<const uint8_t> BytesOf(const Slot& slot, uint32_t bytes, Buffer& buffer);
  // The first slot is empty.
  void DropFirst();
  // `bytes` of the first slot have been read. True: that was all of it, and it is free.
  bool TakeFromFirst(uint32_t bytes);
  // False: the budget is spent.
  bool Charge(uint64_t bytes);
  void Refund(uint64_t bytes);
  // wakeup_pipe_readers(), wakeup_pipe_writers() of fs/splice.c
  void WakeReaders() {
    read_queue_.Notify(0);
    async_readers_.Signal(IoReason::kIn);
  }
  void WakeWriters() {
    write_queue_.Notify(0);
    async_writers_.Signal(IoReason::kOut);
  }
  // Null: the budget is spent.
  std::unique_ptr<uint8_t[]> TakePage();
  void GivePage(std::unique_ptr<uint8_t[]> page);

  Result<size_t> Read(memory::UserBuffer& to, bool will_wait, bool resumed);
  Result<size_t> Write(memory::UserBuffer& from, bool packets, bool will_wait, bool resumed);
  // Moves as much as fits into fresh slots.
  Result<size_t> Fill(memory::UserBuffer& from, bool packets);

  std::vector<Slot> slots_;  // A power of two.
  uint32_t head_ = 0;        // Where the next write goes; counts on, masked on use.
  uint32_t tail_ = 0;
  uint32_t readers_ = 0;
  uint32_t writers_ = 0;
  uint32_t reader_opens_ = 1;  // r_counter, w_counter: how often it was opened, for FIFOs.
  uint32_t writer_opens_ = 1;
  bool polled_ = false;  // poll_usage: somebody asked, so each write wakes.
  std::array<std::unique_ptr<uint8_t[]>, 2> spare_pages_;
  memory::MemoryBudget* budget_;
  uint64_t charged_bytes_ = 0;
  WaitQueue read_queue_;
  WaitQueue write_queue_;
  AsyncList async_readers_;
  AsyncList async_writers_;
};

class PipeEnd final : public FileDescription {
 public:
  // What stat(2) tells: an inode of pipefs, or the FIFO's.
  using Identity = std::shared_ptr<const FileStatus>;

  // Counts itself as a reader or writer or both, as the access mode in `status_flags` says. A
  // FIFO's reader that opens without a writer sees no kHup until the first one has come
  // (`quiet_until_writer`).
  PipeEnd(std::shared_ptr<Pipe> pipe, Identity identity, uint32_t status_flags,
          bool quiet_until_writer = false);

  // The pipe end behind `description`; null if it is none (F_GETPIPE_SZ: EBADF).
  static PipeEnd* From(FileDescription& description) {
    return dynamic_cast<PipeEnd*>(&description.Behind());
  }
  Pipe& pipe() { return *pipe_; }
  const std::shared_ptr<Pipe>& shared_pipe() const { return pipe_; }
  // Another end of the same pipe: open(2) of /proc/self/fd/N, which never waits. kInval: neither
  // for reading nor for writing. kNoMem.
  Result<DescriptionRef> Reopen(uint32_t status_flags) const;

  // open(2) of a FIFO with O_* `flags` (fifo_open() of fs/pipe.c). `fifo`: its buffer, empty where
  // it is not open; the buffer dies with its last end. The end that is returned may not be
  // IsOpen(). kNxio: a writer that does not wait, without reader. kInval: neither for reading nor
  // for writing. kNoMem.
  static Result<DescriptionRef> OpenFifo(std::weak_ptr<Pipe>* fifo, uint32_t flags,
                                         memory::MemoryBudget* budget);
  // ---- The wait for a partner (wait_for_partner()).
  // Whether the open is over: false of an end that waits for its partner.
  bool IsOpen() const;
  WaitQueue& PartnerQueue() { return pipe_->read_queue_; }
  // A signal ends the wait: this end never was.
  void AbandonOpen();

  Result<size_t> Read(memory::UserBuffer& to) override;
  Result<size_t> Write(memory::UserBuffer& from) override;
  Result<size_t> ResumeRead(memory::UserBuffer& to) override;
  Result<size_t> ResumeWrite(memory::UserBuffer& from) override;
  EventMask Poll() override;
  int PollQueues(WaitQueue* queues[2]) override;
  WaitQueue* ReadQueue() override { return &pipe_->read_queue_; }
  WaitQueue* WriteQueue() override { return &pipe_->write_queue_; }
  WaitMode wait_mode() const override { return WaitMode::kExclusive; }
  Result<void> Stat(FileStatus* status) override;
  // FIONREAD.
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  const char* TypeName() const override { return "pipe"; }
  std::string LinkText() const override;

 private:
  int AsyncLists(AsyncList* lists[2]) override;  // pipe_fasync()
  void OnRelease() override;

  std::shared_ptr<Pipe> pipe_;
  Identity identity_;                      // Null for a FIFO, whose place knows it.
  uint32_t quiet_until_writer_opens_ = 0;  // 0: not quiet.
  uint32_t opens_before_ = 0;  // 0: open. Else the partner's count of opens that has to change.
  bool abandoned_ = false;
};

struct PipeEnds {
  DescriptionRef reader;
  DescriptionRef writer;
};
struct PipeOptions {
  uint32_t flags = 0;  // kONonBlock, kODirect, kOCloExec (ignored here); others: kInval.
  uint64_t inode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  Nanos now;  // CLOCK_REALTIME. A pipe's times never change (measured on Linux 6.18).
  memory::MemoryBudget* budget = nullptr;
};
// pipe2(2) without the numbers. kInval: an unknown flag; kNFile: the budget is spent.
Result<PipeEnds> MakePipe(const PipeOptions& options);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_PIPE_PIPE_H_
