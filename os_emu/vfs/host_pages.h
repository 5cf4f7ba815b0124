// HostPages: the pages of a mounted host file while guests map it: pollux's page cache.
//
// The host's file itself is never mapped: its end may be cut off at any time by another program,
// and then an access would raise SIGBUS in pollux, not in the guest. So a page is copied when a
// guest first touches it. write(2) and truncation through pollux change both the file and the
// pages. What guests store is brought to the file by msync(2), fsync(2), before a read(2) through
// pollux, and when the last mapping goes (munmap(2), exit, the end of the machine). What other
// programs of the host write meanwhile is not seen in pages that were touched already; where the
// file has become shorter, what lies beyond is not written back.
#ifndef POLLUX_OS_EMU_VFS_HOST_PAGES_H_
#define POLLUX_OS_EMU_VFS_HOST_PAGES_H_

#include <cstdint>
#include <memory>
#include <span>

#include "abi/result.h"
#include "memory/shared_object.h"
#include "os_emu/vfs/host_inode.h"

namespace pollux::os_emu {

class HostPages final : public memory::SharedObject {
 public:
  // Of the file that `fd` has open for reading; kNoMem, what fstat(2) says. `writable`: for
  // writing, too.
  static Result<std::shared_ptr<HostPages>> Create(memory::MemoryBudget* budget, HostFd fd,
                                                   bool writable);
  HostPages(memory::MemoryBudget* budget, std::shared_ptr<memory::SharedStore> store,
            uint64_t size_bytes, HostFd fd, bool writable);
  ~HostPages() override;

  bool writable() const { return writable_; }
  // From now on written back through `fd`.
  void MakeWritable(HostFd fd);
  // The file was written or truncated through pollux: mappings end where it does.
  void SizeMayHaveChanged();

  // As if the host's page cache held all of the file.
  bool IsInCore(uint64_t) const override { return true; }
  Result<void> WriteBack() override;
  Result<void> PunchHole(uint64_t offset, uint64_t bytes) override;

 private:
  void Load(uint64_t page, std::span<uint8_t> to) override;

  HostFd fd_;
  bool writable_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_HOST_PAGES_H_
