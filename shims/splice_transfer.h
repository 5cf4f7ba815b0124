// SpliceTransfer: one call of splice(2) and its like, as a record that can wait, and one try to
// move its bytes (fs/splice.c).
//
// A pipe refers to pages of files in memory. Other files, and the caller's memory, are copied,
// where Linux refers to them too: a change made afterwards is not seen by the pipe's reader. How
// many slots are filled, what becomes ready and what is merged is Linux's.
#ifndef POLLUX_SHIMS_SPLICE_TRANSFER_H_
#define POLLUX_SHIMS_SPLICE_TRANSFER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "abi/result.h"
#include "memory/address_space.h"
#include "os_emu/file/description.h"
#include "os_emu/pipe/pipe.h"
#include "shims/context.h"

namespace pollux::shims {

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

// One call of the family: plain data, so that it can wait.
struct SpliceTransfer {
  enum class Kind { kPipes, kTee, kFileToPipe, kPipeToFile, kMemoryToPipe, kPipeToMemory };
  Kind kind = Kind::kPipes;
  const char* name = "splice";
  bool is_sendfile = false;
  std::shared_ptr<os_emu::Pipe> from_pipe, to_pipe;
  DescriptionRef in, out;  // What keeps the pipes' ends open.
  FilePlace place;         // The file, where there is one.
  uint64_t bytes = 0;
  int64_t moved = 0;         // What a pipe gave to a file that has no room for the rest.
  bool has_waited = false;   // For that.
  bool broken = false;       // Nobody is there to read any more: SIGPIPE.
  bool nonblocking = false;  // Of the pipes.
  std::vector<GuestIovec> vectors;
  GuestAddr in_offset, out_offset;  // Where the guest wants to know the new offset. Null: nowhere.
};

// kAgain: it has to wait, and nothing was moved but what transfer.moved says. The caller raises
// SIGPIPE for kPipe of what goes to a pipe, and where transfer.broken says so.
Result<int64_t> MoveSpliced(SpliceTransfer& transfer, memory::AddressSpace& memory);
// It ends with transfer.moved, which is not 0, for another reason.
int64_t EndSpliced(SpliceTransfer& transfer);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_SPLICE_TRANSFER_H_
