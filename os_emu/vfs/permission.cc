#include "os_emu/vfs/permission.h"

namespace pollux::os_emu {

Result<void> CheckMode(const Caller& caller, const FileStatus& status, uint32_t wanted) {
  if (caller.uid == 0) {
    const bool directory = (status.mode & kModeTypeMask) == kModeDirectory;
    if ((wanted & kMayExecute) == 0 || directory || (status.mode & 0111) != 0) return {};
    return Errno::kAcces;
  }
  uint32_t granted = status.mode;
  if (caller.uid == status.uid) {
    granted >>= 6;
  } else if (caller.InGroup(status.gid)) {
    granted >>= 3;
  }
  if ((wanted & ~granted & 7) != 0) return Errno::kAcces;
  return {};
}

Result<void> CheckPermission(const Caller& caller, Inode& inode, uint32_t wanted) {
  const uint32_t type = inode.type();
  if ((wanted & kMayWrite) != 0 && inode.super().read_only() &&
      (type == kModeRegular || type == kModeDirectory || type == kModeLink)) {
    return Errno::kRoFs;
  }
  POLLUX_ASSIGN_OR_RETURN(const FileStatus status, inode.GetStatus());
  return CheckMode(caller, status, wanted);
}

}  // namespace pollux::os_emu
