// SpecialFileOpener: what lives behind a FIFO, a socket or a device node. The file system knows
// only that such an inode is there; who brings the descriptions registers an opener for it
// (FileSystem::SetFifoOpener, SetDeviceOpener).
#ifndef POLLUX_OS_EMU_VFS_SPECIAL_FILE_H_
#define POLLUX_OS_EMU_VFS_SPECIAL_FILE_H_

#include <cstdint>
#include <memory>

#include "abi/result.h"
#include "os_emu/file/description.h"

namespace pollux::os_emu {

// What all descriptions of one inode share (a FIFO's buffer). Lives as long as the inode does.
class SpecialFileState {
 public:
  virtual ~SpecialFileState() = default;
};

// The inode as an opener sees it.
struct SpecialFile {
  uint32_t mode = 0;
  uint64_t device = 0;
  std::unique_ptr<SpecialFileState> state;  // The opener's own; null at first.
};

class SpecialFileOpener {
 public:
  virtual ~SpecialFileOpener() = default;
  // open(2) of the file with O_* `flags`; permissions have been checked. The file system wraps the
  // description in one that answers fstat(2) and /proc/self/fd with the file's own inode and path
  // and passes everything else on.
  virtual Result<DescriptionRef> Open(SpecialFile& file, uint32_t flags) = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_SPECIAL_FILE_H_
