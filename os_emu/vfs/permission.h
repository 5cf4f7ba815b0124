// Permission checks by mode bits (generic_permission() of fs/namei.c).
#ifndef POLLUX_OS_EMU_VFS_PERMISSION_H_
#define POLLUX_OS_EMU_VFS_PERMISSION_H_

#include <cstdint>

#include "abi/result.h"
#include "os_emu/vfs/caller.h"
#include "os_emu/vfs/inode.h"

namespace pollux::os_emu {

// Bits of what is wanted: those of access(2).
inline constexpr uint32_t kMayExecute = 1, kMayWrite = 2, kMayRead = 4;

// kRoFs: writing a file, directory or link of a read-only file system. kAcces: the mode forbids it.
// CAP_DAC_OVERRIDE passes, but needs one execute bit to execute what is not a directory.
Result<void> CheckPermission(const Caller& caller, Inode& inode, uint32_t wanted);
// The mode bits and capabilities alone.
Result<void> CheckMode(const Caller& caller, const FileStatus& status, uint32_t wanted);

// inode_owner_or_capable(): who may change mode, times and the like.
inline bool OwnsOrIsCapable(const Caller& caller, const FileStatus& status) {
  return caller.uid == status.uid || caller.Has(Capability::kFowner);
}

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_PERMISSION_H_
