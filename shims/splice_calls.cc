// splice(2), tee(2), vmsplice(2), and sendfile(2) to a pipe (fs/splice.c).
//
// A pipe refers to pages of files in memory. Other files, and the caller's memory, are copied,
// where Linux refers to them too: a change made afterwards is not seen by the pipe's reader. How
// many slots are filled, what becomes ready and what is merged is Linux's.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "os_emu/file/file_status.h"
#include "os_emu/pipe/pipe.h"
#include "os_emu/socket/socket.h"
#include "os_emu/task/calls.h"
#include "os_emu/vfs/open_file.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using memory::UserBuffer;
using os_emu::FileDescription;
using os_emu::Pipe;
using os_emu::PipeEnd;
using os_emu::Thread;
using os_emu::WaitPlan;

constexpr uint32_t kSpliceNonBlock = 2, kSpliceAll = 15;

// Where one of the calls is in a file: at the guest's offset, or at the file's own position.
struct FilePlace {
  DescriptionRef file;
  std::optional<uint64_t> offset;
  bool has_positions = false;

  Result<uint64_t> Now() const {
    if (offset.has_value()) return *offset;
    if (!has_positions) return uint64_t{0};
    return file->Seek(0, os_emu::Whence::kCurrent);
  }
  void Advance(uint64_t bytes) {
    if (offset.has_value()) {
      *offset += bytes;
    } else if (has_positions) {
      (void)file->Seek(static_cast<int64_t>(bytes), os_emu::Whence::kCurrent).ok();
    }
  }
};

bool HasPositions(FileDescription& file) {
  UserBuffer nothing;
  const Result<size_t> result = file.ReadAt(nothing, 0);
  return result.ok() || result.error() != Errno::kSPipe;
}

// One call of the family: plain data, so that it can wait.
struct Transfer {
  enum class Kind { kPipes, kTee, kFileToPipe, kPipeToFile, kMemoryToPipe, kPipeToMemory };
  Kind kind = Kind::kPipes;
  const char* name = "splice";
  bool is_sendfile = false;
  std::shared_ptr<Pipe> from_pipe, to_pipe;
  DescriptionRef in, out;  // What keeps the pipes' ends open.
  FilePlace place;         // The file, where there is one.
  uint64_t bytes = 0;
  bool nonblocking = false;
  std::vector<GuestIovec> vectors;
  GuestAddr in_offset, out_offset;  // Where the guest wants to know the new offset. Null: nowhere.
};

// Tells watchers. do_splice() tells of the destination first, do_tee() and do_sendfile() of the
// source.
void NoteMove(Transfer& transfer) {
  if (transfer.kind != Transfer::Kind::kTee && !transfer.is_sendfile) {
    transfer.out->NoteModify();
    transfer.in->NoteAccess();
  } else {
    transfer.in->NoteAccess();
    transfer.out->NoteModify();
  }
}

// copy_splice_read(): what one read of as much as the pipe has room for gives.
Result<int64_t> ReadToPipe(Transfer& transfer, bool moves) {
  Pipe& pipe = *transfer.to_pipe;
  std::vector<uint8_t> bytes(
      std::min<uint64_t>(transfer.bytes, uint64_t{pipe.free_slots()} * Pipe::kSlotBytes));
  UserBuffer buffer = UserBuffer::Host(bytes);
  FileDescription& file = *transfer.place.file;
  POLLUX_ASSIGN_OR_RETURN(const uint64_t at, transfer.place.Now());
  POLLUX_ASSIGN_OR_RETURN(
      const size_t got, transfer.place.has_positions ? file.ReadAt(buffer, at) : file.Read(buffer));
  size_t done = 0;
  while (done < got) {
    const size_t piece = std::min<size_t>(got - done, Pipe::kSlotBytes);
    if (!pipe.Put(std::span(bytes).subspan(done, piece))) break;
    done += piece;
  }
  if (done == 0 && got > 0) return Errno::kNoMem;
  if (moves) transfer.place.Advance(done);
  if (done > 0) {
    pipe.PutDone();
    NoteMove(transfer);
  }
  return static_cast<int64_t>(done);
}

// Regular files and streams have a splice_read() that goes by pages; everything else is read at
// once.
bool GoesByPages(FileDescription& file) {
  if (dynamic_cast<os_emu::RegularFile*>(&file.Behind()) != nullptr) return true;
  const os_emu::Socket* socket = os_emu::Socket::From(file);
  return socket != nullptr && socket->type() == os_emu::kSockStream;
}

// As the socket's Read(), but for splice(2).
Result<size_t> ReceiveFor(os_emu::Socket& socket, UserBuffer& to) {
  os_emu::IncomingMessage message;
  message.data = &to;
  message.flags = os_emu::kMsgSplicePages;
  if (!socket.MayWaitToReceive(0)) message.flags |= os_emu::kMsgDontWait;
  return socket.Receive(message);
}

// wait_for_space() and do_splice_read(): a slot holds bytes of one page of the file.
Result<int64_t> FileToPipe(Transfer& transfer) {
  Pipe& pipe = *transfer.to_pipe;
  POLLUX_RETURN_IF_ERROR(pipe.CheckRoom());
  if (transfer.bytes == 0) return int64_t{0};
  FileDescription& file = *transfer.place.file;
  os_emu::FileStatus status;
  const bool moves =
      file.Stat(&status).ok() && (status.mode & os_emu::kModeTypeMask) != os_emu::kModeCharacter;
  if (!GoesByPages(file)) return ReadToPipe(transfer, moves);
  int64_t done = 0;
  uint64_t left = transfer.bytes;
  while (left > 0 && !pipe.full()) {
    POLLUX_ASSIGN_OR_RETURN(const uint64_t at, transfer.place.Now());
    std::array<uint8_t, Pipe::kSlotBytes> page;
    const uint64_t wanted = std::min<uint64_t>(left, page.size() - at % page.size());
    UserBuffer buffer = UserBuffer::Host({page.data(), wanted});
    os_emu::Socket* const socket = os_emu::Socket::From(file);
    const Result<size_t> got = transfer.place.has_positions ? file.ReadAt(buffer, at)
                               : socket != nullptr          ? ReceiveFor(*socket, buffer)
                                                            : file.Read(buffer);
    if (!got.ok()) {
      if (done > 0) break;
      return got.error();
    }
    if (*got == 0) break;
    os_emu::RegularFile* const regular = dynamic_cast<os_emu::RegularFile*>(&file.Behind());
    os_emu::FilePageRef in_file = regular != nullptr ? regular->PageAt(at) : nullptr;
    const bool is_put = in_file != nullptr ? pipe.PutPage(std::move(in_file),
                                                          static_cast<uint32_t>(at % page.size()),
                                                          static_cast<uint32_t>(*got))
                                           : pipe.Put({page.data(), *got});
    if (!is_put) {
      if (done > 0) break;
      return Errno::kNoMem;
    }
    // /dev/zero is read from the same place again and again.
    if (moves) transfer.place.Advance(*got);
    done += static_cast<int64_t>(*got);
    left -= *got;
    if (*got < wanted) break;
  }
  if (done > 0) {
    pipe.PutDone();
    NoteMove(transfer);
  }
  return done;
}

Result<int64_t> PipeToSocket(Transfer& transfer, os_emu::Socket& socket) {
  POLLUX_ASSIGN_OR_RETURN(
      const size_t done,
      transfer.from_pipe->DrainTogether(
          transfer.bytes, [&](std::span<const uint8_t> bytes, bool more) -> Result<size_t> {
            UserBuffer buffer = UserBuffer::HostConst(bytes);
            return socket.Splice(buffer, more);
          }));
  if (done > 0) NoteMove(transfer);
  return static_cast<int64_t>(done);
}

// iter_file_splice_write()
Result<int64_t> PipeToFile(Transfer& transfer) {
  FileDescription& file = *transfer.place.file;
  if (os_emu::Socket* socket = os_emu::Socket::From(file)) return PipeToSocket(transfer, *socket);
  POLLUX_ASSIGN_OR_RETURN(
      const size_t done, transfer.from_pipe->Drain(
                             transfer.bytes, [&](std::span<const uint8_t> bytes) -> Result<size_t> {
                               POLLUX_ASSIGN_OR_RETURN(const uint64_t at, transfer.place.Now());
                               UserBuffer buffer = UserBuffer::HostConst(bytes);
                               POLLUX_ASSIGN_OR_RETURN(const size_t written,
                                                       transfer.place.has_positions
                                                           ? file.WriteAt(buffer, at)
                                                           : file.Write(buffer));
                               transfer.place.Advance(written);
                               return written;
                             }));
  if (done > 0) NoteMove(transfer);
  return static_cast<int64_t>(done);
}

// iter_to_pipe(): a slot holds bytes of one page of memory.
Result<int64_t> MemoryToPipe(Transfer& transfer, memory::AddressSpace& memory) {
  Pipe& pipe = *transfer.to_pipe;
  POLLUX_RETURN_IF_ERROR(pipe.CheckRoom());
  int64_t done = 0;
  Errno error = Errno::kFault;
  const auto put = [&](GuestAddr from, uint64_t bytes) {
    std::array<uint8_t, Pipe::kSlotBytes> page;
    error = Errno::kFault;
    if (memory.Read(from, {page.data(), bytes}) != bytes) return false;
    error = pipe.full() ? Errno::kAgain : Errno::kNoMem;
    if (!pipe.Put({page.data(), bytes})) return false;
    done += static_cast<int64_t>(bytes);
    return true;
  };
  bool goes_on = true;
  for (const GuestIovec& vector : transfer.vectors) {
    for (uint64_t at = 0; goes_on && at < vector.bytes;) {
      const GuestAddr from{vector.start + at};
      const uint64_t bytes =
          std::min<uint64_t>(vector.bytes - at, Pipe::kSlotBytes - from.value % Pipe::kSlotBytes);
      goes_on = put(from, bytes);
      at += bytes;
    }
  }
  if (done == 0 && !goes_on) return error;
  if (done > 0) {
    pipe.PutDone();
    transfer.out->NoteModify();
  }
  return done;
}

Result<int64_t> PipeToMemory(Transfer& transfer, memory::AddressSpace& memory) {
  std::vector<UserBuffer::Range> ranges;
  uint64_t bytes = 0;
  for (const GuestIovec& vector : transfer.vectors) {
    if (vector.bytes > 0) ranges.push_back({vector.start, vector.bytes});
    bytes += vector.bytes;
  }
  UserBuffer to(&memory, ranges);
  POLLUX_ASSIGN_OR_RETURN(
      const size_t done,
      transfer.from_pipe->Drain(bytes, [&](std::span<const uint8_t> from) -> Result<size_t> {
        // pipe_to_user(): all or nothing of a slot.
        if (to.CopyTo(from) < from.size()) return Errno::kFault;
        return from.size();
      }));
  if (done > 0) transfer.in->NoteAccess();
  return static_cast<int64_t>(done);
}

Result<int64_t> Move(Transfer& transfer, memory::AddressSpace& memory) {
  switch (transfer.kind) {
    case Transfer::Kind::kPipes:
    case Transfer::Kind::kTee: {
      POLLUX_ASSIGN_OR_RETURN(
          const size_t done, transfer.kind == Transfer::Kind::kTee
                                 ? transfer.from_pipe->TeeTo(*transfer.to_pipe, transfer.bytes)
                                 : transfer.from_pipe->SpliceTo(*transfer.to_pipe, transfer.bytes));
      if (done > 0) NoteMove(transfer);
      return static_cast<int64_t>(done);
    }
    case Transfer::Kind::kFileToPipe:
      return FileToPipe(transfer);
    case Transfer::Kind::kPipeToFile:
      return PipeToFile(transfer);
    case Transfer::Kind::kMemoryToPipe:
      return MemoryToPipe(transfer, memory);
    case Transfer::Kind::kPipeToMemory:
      return PipeToMemory(transfer, memory);
  }
  return Errno::kInval;
}

// One try, with what belongs to its end: SIGPIPE, the guest's offsets. kAgain: nothing was moved.
Result<int64_t> Try(Thread& thread, Transfer& transfer) {
  memory::AddressSpace& memory = *thread.process().memory;
  const Result<int64_t> done = Move(transfer, memory);
  if (!done.ok()) {
    if (done.error() == Errno::kPipe) os_emu::RaiseSigPipe(thread);
    return done;
  }
  for (const GuestAddr to : {transfer.in_offset, transfer.out_offset}) {
    if (!to.IsNull())
      POLLUX_RETURN_IF_ERROR(memory.WriteObject(to, static_cast<int64_t>(*transfer.place.offset)));
  }
  return done;
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

  Result<int64_t> Resume(Thread& thread, bool) override {
    const Result<int64_t> done = Try(thread, transfer_);
    if (done.ok() || done.error() != Errno::kAgain) return done;
    waiter_->Leave();
    Join();
    return done;
  }
  void Park(Thread& thread) override {
    waiter_.emplace(thread, os_emu::EventMask{0}, os_emu::ThreadWaiter::OnWake::kLeave);
    Join();
  }
  void Unpark() override { waiter_.reset(); }
  const char* TypeName() const override { return transfer_.name; }

 private:
  void Join() {
    const WaitPlan plan = WaitFor(transfer_);
    POLLUX_CHECK(plan.queue != nullptr) << transfer_.name << " waits for nothing";
    plan.queue->Add(*waiter_, plan.mode);
  }

  Transfer transfer_;
  std::optional<os_emu::ThreadWaiter> waiter_;
};

CallResult Start(SyscallContext& context, Transfer transfer) {
  const Result<int64_t> done = Try(context.thread(), transfer);
  if (done.ok() || done.error() != Errno::kAgain || transfer.nonblocking) return done;
  if (WaitFor(transfer).queue == nullptr) return done;
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
  place.has_positions = HasPositions(*place.file);
  if (!offset.has_value()) return place;
  if (!place.has_positions || *offset < 0) return Errno::kInval;
  place.offset = static_cast<uint64_t>(*offset);
  return place;
}

Result<std::optional<int64_t>> OffsetAt(SyscallContext& context, int i) {
  if (context.Addr(i).IsNull()) return std::optional<int64_t>();
  POLLUX_ASSIGN_OR_RETURN(const int64_t offset, context.In<int64_t>(context.Addr(i)));
  return std::optional<int64_t>(offset);
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
  const Result<std::optional<int64_t>> out_offset = OffsetAt(context, 3);
  if (!out_offset.ok()) return out_offset.error();
  const Result<std::optional<int64_t>> in_offset = OffsetAt(context, 1);
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
