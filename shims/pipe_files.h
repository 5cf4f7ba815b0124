// PipeFiles: pipes in the file system: what a FIFO's inode opens, and what opens behind
// /proc/self/fd/N of a pipe. Joins os_emu/vfs and os_emu/pipe, which do not know each other.
#ifndef POLLUX_SHIMS_PIPE_FILES_H_
#define POLLUX_SHIMS_PIPE_FILES_H_

#include <cstdint>
#include <memory>

#include "memory/address_space.h"
#include "os_emu/file/fd_table.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/vfs/proc_fs.h"
#include "os_emu/vfs/special_file.h"

namespace pollux::shims {

class PipeFiles final : public os_emu::SpecialFileOpener, public os_emu::DescriptionReopener {
 public:
  // `budget` must outlive it.
  explicit PipeFiles(memory::MemoryBudget* budget) : budget_(budget) {}

  Result<os_emu::DescriptionRef> Open(os_emu::SpecialFile& file, uint32_t flags) override;
  Result<os_emu::DescriptionRef> Reopen(os_emu::FileDescription& description,
                                        uint32_t flags) override;

 private:
  memory::MemoryBudget* budget_;
};

// What open(2) answers: `file` at the reserved number, at once or, where it is a FIFO's end that
// waits for a partner, then.
os_emu::CallResult FinishOpen(os_emu::Thread& thread, os_emu::Fd fd, os_emu::DescriptionRef file,
                              bool close_on_exec);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_PIPE_FILES_H_
