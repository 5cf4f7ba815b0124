#include "shims/splice_transfer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "os_emu/file/file_status.h"
#include "os_emu/socket/socket.h"
#include "os_emu/vfs/open_file.h"

namespace pollux::shims {
namespace {

using memory::UserBuffer;
using os_emu::FileDescription;
using os_emu::Pipe;
using Transfer = SpliceTransfer;

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

// One try to give the file what is left, as far as it takes it. `stopped`: what it gave at last,
// where that was an error.
Result<size_t> DrainTo(FileDescription& file, Transfer& transfer, std::optional<Errno>* stopped) {
  const uint64_t left = transfer.bytes - static_cast<uint64_t>(transfer.moved);
  const auto note = [&](const Result<size_t>& taken) {
    if (!taken.ok()) *stopped = taken.error();
    return taken;
  };
  if (os_emu::Socket* const socket = os_emu::Socket::From(file)) {
    return transfer.from_pipe->DrainTogether(left, [&](std::span<const uint8_t> bytes, bool more) {
      UserBuffer buffer = UserBuffer::HostConst(bytes);
      return note(socket->Splice(buffer, more, transfer.has_waited));
    });
  }
  return transfer.from_pipe->Drain(left, [&](std::span<const uint8_t> bytes) -> Result<size_t> {
    POLLUX_ASSIGN_OR_RETURN(const uint64_t at, transfer.place.Now());
    UserBuffer buffer = UserBuffer::HostConst(bytes);
    const Result<size_t> written =
        note(transfer.place.has_positions ? file.WriteAt(buffer, at) : file.Write(buffer));
    if (written.ok()) transfer.place.Advance(*written);
    return written;
  });
}

// iter_file_splice_write() and splice_to_socket(): a file that waits gets all that the pipe has;
// the pipe is waited for only while nothing was moved.
Result<int64_t> PipeToFile(Transfer& transfer) {
  if (transfer.moved > 0 && transfer.from_pipe->empty()) return EndSpliced(transfer);
  FileDescription& file = *transfer.place.file;
  std::optional<Errno> stopped;
  const Result<size_t> done = DrainTo(file, transfer, &stopped);
  if (done.ok()) transfer.moved += static_cast<int64_t>(*done);
  // sock_alloc_send_pskb(), which waits, sends no SIGPIPE.
  const os_emu::Socket* const socket = os_emu::Socket::From(file);
  const bool quiet =
      transfer.has_waited && !done.ok() && socket != nullptr && socket->domain() == os_emu::kAfUnix;
  if (stopped == Errno::kPipe && !quiet) transfer.broken = true;
  if (stopped == Errno::kAgain && !file.nonblocking()) {
    transfer.has_waited = true;
    return Errno::kAgain;
  }
  if (transfer.moved > 0) return EndSpliced(transfer);
  if (!done.ok()) return done.error();
  return int64_t{0};
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

}  // namespace

int64_t EndSpliced(SpliceTransfer& transfer) {
  NoteMove(transfer);
  return transfer.moved;
}

Result<int64_t> MoveSpliced(SpliceTransfer& transfer, memory::AddressSpace& memory) {
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

}  // namespace pollux::shims
