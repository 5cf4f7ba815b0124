// CoreFile: where a process that a signal kills leaves its core, and whether it may
// (fs/coredump.c). What is in it is the business of who writes it (shims/core_dump.h).
//
// It is "core" in the working directory (/proc/sys/kernel/core_pattern), made by the thread itself:
// with its fsuid, its umask, and no more rights than it has. What has that name is unlinked first,
// whatever it is but a directory, so nobody gets the core of somebody else in a file of theirs.
// RLIMIT_CORE counts what is written, not what is skipped; the machine's memory limit does, too.
#ifndef POLLUX_OS_EMU_VFS_CORE_FILE_H_
#define POLLUX_OS_EMU_VFS_CORE_FILE_H_

#include <cstdint>
#include <optional>
#include <span>

#include "os_emu/file/description.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

class CoreFile {
 public:
  // For the process of `thread`, which is about to end. Nothing: there is to be none (RLIMIT_CORE
  // below a page, PR_SET_DUMPABLE), or it cannot be made.
  static std::optional<CoreFile> Create(Thread& thread);

  // dump_emit(): all of it or, where a limit or the file system is in the way, nothing and false;
  // then there is no use in more.
  bool Emit(std::span<const uint8_t> bytes);
  // dump_skip(): leaves a hole.
  void Skip(uint64_t bytes) { to_skip_ += bytes; }
  // Comes last: what was skipped belongs to the file.
  void Finish();

 private:
  CoreFile(DescriptionRef file, uint64_t limit) : file_(std::move(file)), limit_(limit) {}

  DescriptionRef file_;
  uint64_t limit_;
  uint64_t written_ = 0;
  uint64_t position_ = 0;
  uint64_t to_skip_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_CORE_FILE_H_
