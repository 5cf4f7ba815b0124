#include "os_emu/vfs/core_file.h"

#include <algorithm>
#include <utility>

#include "memory/user_buffer.h"
#include "os_emu/vfs/open_file.h"
#include "os_emu/vfs/process_caller.h"

namespace pollux::os_emu {
namespace {

constexpr char kName[] = "core";
constexpr uint64_t kLeastBytes = memory::kPageBytes;  // linux_binfmt::min_coredump of ELF.

}  // namespace

// coredump_skip() and coredump_file().
std::optional<CoreFile> CoreFile::Create(Thread& thread) {
  Process& process = thread.process();
  const uint64_t limit = process.rlimits[kRlimitCore].soft;
  if (process.dumpable != 1 || limit < kLeastBytes) return std::nullopt;
  FileSystem& files = process.kernel().files();
  const Caller caller = CallerOf(thread);
  // A directory stays, and then the file cannot be made.
  (void)files.Unlink(caller, {}, kName).ok();
  Result<DescriptionRef> file =
      files.Open(caller, {}, kName, kOCreat | kOExcl | kOWrOnly | kONoFollow | kOLargeFile, 0600);
  if (!file.ok()) return std::nullopt;
  FileStatus status;
  if (!(*file)->Stat(&status).ok()) return std::nullopt;
  // A umask that takes the owner's rights leaves an empty file behind (measured on Linux 6.18).
  if ((status.mode & 0677) != 0600 || status.uid != caller.uid) return std::nullopt;
  return CoreFile(*std::move(file), std::min(limit, process.kernel().budget().limit_bytes));
}

bool CoreFile::Emit(std::span<const uint8_t> bytes) {
  position_ += std::exchange(to_skip_, 0);
  if (bytes.size() > limit_ || written_ > limit_ - bytes.size()) return false;
  memory::UserBuffer from = memory::UserBuffer::HostConst(bytes);
  while (from.remaining() > 0) {
    const Result<size_t> written = file_->WriteAt(from, position_);
    if (!written.ok() || *written == 0) return false;
    position_ += *written;
    written_ += *written;
  }
  return true;
}

// do_coredump(): else the file would end before its last hole, as if it were cut.
void CoreFile::Finish() {
  if (to_skip_ == 0) return;
  --to_skip_;
  const uint8_t zero = 0;
  (void)Emit({&zero, 1});
}

}  // namespace pollux::os_emu
