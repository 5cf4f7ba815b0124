// splice(2), tee(2), vmsplice(2), and sendfile(2) to a pipe: arguments, and waiting (fs/splice.c).
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "os_emu/pipe/pipe.h"
#include "os_emu/task/calls.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/splice_transfer.h"

namespace pollux::shims {
namespace {

using memory::UserBuffer;
using os_emu::FileDescription;
using os_emu::Pipe;
using os_emu::PipeEnd;
using os_emu::Thread;
using os_emu::WaitPlan;
using Transfer = SpliceTransfer;

constexpr uint32_t kSpliceNonBlock = 2, kSpliceAll = 15;

// What belongs to its end: SIGPIPE, the guest's offsets.
Result<int64_t> End(Thread& thread, Transfer& transfer, const Result<int64_t>& done) {
  const bool to_pipe = transfer.kind != Transfer::Kind::kPipeToFile;
  if (transfer.broken || (to_pipe && !done.ok() && done.error() == Errno::kPipe))
    os_emu::RaiseSigPipe(thread);
  if (!done.ok()) return done;
  memory::AddressSpace& memory = *thread.process().memory;
  for (const GuestAddr to : {transfer.in_offset, transfer.out_offset}) {
    if (!to.IsNull())
      POLLUX_RETURN_IF_ERROR(memory.WriteObject(to, static_cast<int64_t>(*transfer.place.offset)));
  }
  return done;
}

// One try, and its end unless that is kAgain.
Result<int64_t> Try(Thread& thread, Transfer& transfer) {
  // What a message held is released behind the wake-ups: fput() leaves it to the call's end.
  const os_emu::ReleaseBatch batch;
  const Result<int64_t> done = MoveSpliced(transfer, *thread.process().memory);
  if (!done.ok() && done.error() == Errno::kAgain) return done;
  return End(thread, transfer, done);
}

// What the call waits for after kAgain.
WaitPlan WaitFor(Transfer& transfer) {
  WaitPlan plan;
  plan.mode = os_emu::WaitMode::kExclusive;
  if (transfer.from_pipe != nullptr && transfer.from_pipe->empty()) {
    plan.queue = &transfer.from_pipe->read_queue();
  } else if (transfer.to_pipe != nullptr && transfer.to_pipe->full()) {
    plan.queue = &transfer.to_pipe->write_queue();
  } else if (transfer.kind == Transfer::Kind::kFileToPipe) {
    plan = transfer.place.file->ReadWait();
  } else if (transfer.kind == Transfer::Kind::kPipeToFile) {
    plan = transfer.place.file->WriteWait();
  }
  return plan;
}

class SpliceCall final : public os_emu::BlockedCall {
 public:
  explicit SpliceCall(Transfer transfer) : transfer_(std::move(transfer)) {}

  Result<int64_t> Resume(Thread& thread, bool timed_out) override {
    reads_.reset();
    const int64_t before = transfer_.moved;
    const Result<int64_t> done = Try(thread, transfer_);
    if (done.ok() || done.error() != Errno::kAgain) return done;
    if (timed_out && transfer_.moved > 0) return EndHere();
    waiter_->Leave();
    Join(transfer_.moved > before);
    return done;
  }
  void Park(Thread& thread) override {
    thread_ = &thread;
    waiter_.emplace(thread, os_emu::EventMask{0}, os_emu::ThreadWaiter::OnWake::kLeave);
    Join(true);
  }
  void Unpark() override { waiter_.reset(); }
  Result<int64_t> Interrupt() override { return transfer_.moved > 0 ? EndHere() : Errno::kIntr; }
  os_emu::OnSignal on_signal() const override {
    return limited_ ? os_emu::OnSignal::kEintr : os_emu::OnSignal::kRestart;
  }
  const char* TypeName() const override { return transfer_.name; }

 private:
  Result<int64_t> EndHere() { return End(*thread_, transfer_, EndSpliced(transfer_)); }
  void Join(bool begins) {
    const WaitPlan plan = WaitFor(transfer_);
    POLLUX_CHECK(plan.queue != nullptr) << transfer_.name << " waits for nothing";
    plan.queue->Add(*waiter_, plan.mode);
    // The limit is that of each sendmsg(2) or recvmsg(2) within.
    limited_ = plan.limit != kNanosMax && !plan.limit_restarts;
    if (begins) set_deadline(DeadlineOf(plan));
    const bool reads = transfer_.kind == Transfer::Kind::kFileToPipe && !transfer_.to_pipe->full();
    if (reads) reads_.emplace(*transfer_.place.file);
  }

  Nanos DeadlineOf(const WaitPlan& plan) {
    if (!limited_) return kNanosMax;
    return os_emu::DeadlineAfter(thread_->process().kernel().clock(), plan.limit);
  }

  Transfer transfer_;
  Thread* thread_ = nullptr;
  bool limited_ = false;
  std::optional<os_emu::ReaderWait> reads_;
  std::optional<os_emu::ThreadWaiter> waiter_;
};

CallResult Start(SyscallContext& context, Transfer transfer) {
  const Result<int64_t> done = Try(context.thread(), transfer);
  if (done.ok() || done.error() != Errno::kAgain) return done;
  // A file that takes what a pipe has goes by its own flag alone.
  const bool for_file =
      transfer.kind == Transfer::Kind::kPipeToFile && !transfer.from_pipe->empty();
  if (for_file ? transfer.place.file->nonblocking() : transfer.nonblocking) return done;
  if (WaitFor(transfer).queue == nullptr) {
    return transfer.moved > 0 ? End(context.thread(), transfer, EndSpliced(transfer)) : done;
  }
  return std::unique_ptr<os_emu::BlockedCall>(std::make_unique<SpliceCall>(std::move(transfer)));
}

// get_pipe_info(); null: it is no pipe.
std::shared_ptr<Pipe> PipeOf(FileDescription& file) {
  PipeEnd* end = PipeEnd::From(file);
  return end == nullptr ? nullptr : end->shared_pipe();
}

// rw_verify_area() of a file that is not open at the guest's place.
Result<FilePlace> PlaceIn(DescriptionRef file, std::optional<int64_t> offset) {
  FilePlace place{std::move(file), std::nullopt, false};
  place.has_positions = place.file->HasPositions();
  if (!offset.has_value()) return place;
  if (!place.has_positions || *offset < 0) return Errno::kInval;
  place.offset = static_cast<uint64_t>(*offset);
  return place;
}

}  // namespace

// __do_splice() and do_splice()
CallResult SysSplice(SyscallContext& context) {
  if (context.Arg(4) == 0) return 0;
  const uint32_t flags = context.UInt(5);
  if ((flags & ~kSpliceAll) != 0) return Errno::kInval;
  Result<DescriptionRef> in = context.File(0);
  if (!in.ok()) return in.error();
  Result<DescriptionRef> out = context.File(2);
  if (!out.ok()) return out.error();
  Transfer transfer;
  transfer.from_pipe = PipeOf(**in);
  transfer.to_pipe = PipeOf(**out);
  if (transfer.from_pipe != nullptr && !context.Addr(1).IsNull()) return Errno::kSPipe;
  if (transfer.to_pipe != nullptr && !context.Addr(3).IsNull()) return Errno::kSPipe;
  const Result<std::optional<int64_t>> out_offset = context.OffsetAt(3);
  if (!out_offset.ok()) return out_offset.error();
  const Result<std::optional<int64_t>> in_offset = context.OffsetAt(1);
  if (!in_offset.ok()) return in_offset.error();
  if (!(*in)->readable() || !(*out)->writable()) return Errno::kBadF;

  transfer.bytes = std::min(context.Arg(4), kMaxTransfer);
  transfer.nonblocking = (flags & kSpliceNonBlock) != 0;
  transfer.in = *in;
  transfer.out = *out;
  if (transfer.from_pipe != nullptr && transfer.to_pipe != nullptr) {
    if (transfer.from_pipe == transfer.to_pipe) return Errno::kInval;
    transfer.nonblocking |= (*in)->nonblocking() || (*out)->nonblocking();
    transfer.kind = Transfer::Kind::kPipes;
  } else if (transfer.from_pipe != nullptr) {
    if (((*out)->status_flags() & os_emu::kOAppend) != 0) return Errno::kInval;
    Result<FilePlace> place = PlaceIn(*out, *out_offset);
    if (!place.ok()) return place.error();
    if (!(*out)->CanSpliceTo()) return Errno::kInval;
    transfer.place = *std::move(place);
    transfer.nonblocking |= (*in)->nonblocking();
    transfer.out_offset = context.Addr(3);
    transfer.kind = Transfer::Kind::kPipeToFile;
  } else if (transfer.to_pipe != nullptr) {
    Result<FilePlace> place = PlaceIn(*in, *in_offset);
    if (!place.ok()) return place.error();
    transfer.place = *std::move(place);
    transfer.nonblocking |= (*out)->nonblocking();
    transfer.in_offset = context.Addr(1);
    transfer.kind = Transfer::Kind::kFileToPipe;
    if (!(*in)->CanSpliceFrom()) {
      // Only once there is room.
      const Result<void> room = transfer.to_pipe->CheckRoom();
      if (room.ok()) return Errno::kInval;
    }
  } else {
    return Errno::kInval;
  }
  return Start(context, std::move(transfer));
}

CallResult SysTee(SyscallContext& context) {
  const uint32_t flags = context.UInt(3);
  if ((flags & ~kSpliceAll) != 0) return Errno::kInval;
  if (context.Arg(2) == 0) return 0;
  Result<DescriptionRef> in = context.File(0);
  if (!in.ok()) return in.error();
  Result<DescriptionRef> out = context.File(1);
  if (!out.ok()) return out.error();
  if (!(*in)->readable() || !(*out)->writable()) return Errno::kBadF;
  Transfer transfer;
  transfer.kind = Transfer::Kind::kTee;
  transfer.name = "tee";
  transfer.from_pipe = PipeOf(**in);
  transfer.to_pipe = PipeOf(**out);
  if (transfer.from_pipe == nullptr || transfer.to_pipe == nullptr ||
      transfer.from_pipe == transfer.to_pipe) {
    return Errno::kInval;
  }
  transfer.bytes = context.Arg(2);
  transfer.nonblocking =
      (flags & kSpliceNonBlock) != 0 || (*in)->nonblocking() || (*out)->nonblocking();
  transfer.in = *std::move(in);
  transfer.out = *std::move(out);
  return Start(context, std::move(transfer));
}

// The descriptor's own O_NONBLOCK does not count.
CallResult SysVmsplice(SyscallContext& context) {
  const uint32_t flags = context.UInt(3);
  if ((flags & ~kSpliceAll) != 0) return Errno::kInval;
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (!(*file)->writable() && !(*file)->readable()) return Errno::kBadF;
  const Result<UserBuffer> checked = context.Vectors(context.Addr(1), context.Arg(2));
  if (!checked.ok()) return checked.error();
  if (checked->remaining() == 0) return 0;
  Transfer transfer;
  transfer.name = "vmsplice";
  uint64_t left = checked->remaining();
  for (uint64_t i = 0; i < context.Arg(2) && left > 0; ++i) {
    Result<GuestIovec> vector = context.In<GuestIovec>(context.Addr(1) + i * sizeof(GuestIovec));
    if (!vector.ok()) return vector.error();
    vector->bytes = std::min(vector->bytes, left);
    left -= vector->bytes;
    transfer.vectors.push_back(*vector);
  }
  transfer.nonblocking = (flags & kSpliceNonBlock) != 0;
  std::shared_ptr<Pipe> pipe = PipeOf(**file);
  if (pipe == nullptr) return Errno::kBadF;
  if ((*file)->writable()) {
    transfer.kind = Transfer::Kind::kMemoryToPipe;
    transfer.to_pipe = std::move(pipe);
    transfer.out = *std::move(file);
  } else {
    transfer.kind = Transfer::Kind::kPipeToMemory;
    transfer.from_pipe = std::move(pipe);
    transfer.in = *std::move(file);
  }
  return Start(context, std::move(transfer));
}

// do_sendfile() to a pipe: splice_file_to_pipe(), which ends when the pipe is full.
CallResult SendfileToPipe(SyscallContext& context, DescriptionRef in, DescriptionRef out,
                          std::optional<uint64_t> offset, bool has_positions, uint64_t bytes) {
  Transfer transfer;
  transfer.kind = Transfer::Kind::kFileToPipe;
  transfer.name = "sendfile";
  transfer.is_sendfile = true;
  transfer.to_pipe = PipeOf(*out);
  transfer.nonblocking = out->nonblocking();
  transfer.bytes = bytes;
  transfer.place = {in, offset, has_positions};
  if (offset.has_value()) transfer.in_offset = context.Addr(2);
  if (bytes != 0 && !in->CanSpliceFrom() && transfer.to_pipe->CheckRoom().ok()) {
    return Errno::kInval;  // Only once there is room.
  }
  transfer.in = std::move(in);
  transfer.out = std::move(out);
  return Start(context, std::move(transfer));
}

}  // namespace pollux::shims
