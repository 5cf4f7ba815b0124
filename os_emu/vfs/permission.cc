#include "os_emu/vfs/permission.h"

namespace pollux::os_emu {

Result<void> CheckMode(const Caller& caller, const FileStatus& status, uint32_t wanted) {
  uint32_t granted = status.mode;
  if (caller.uid == status.uid) {
    granted >>= 6;
  } else if (caller.InGroup(status.gid)) {
    granted >>= 3;
  }
  wanted &= 7;
  if ((wanted & ~granted) == 0) return {};
  if ((status.mode & kModeTypeMask) == kModeDirectory) {
    if ((wanted & kMayWrite) == 0 && caller.Has(Capability::kDacReadSearch)) return {};
    if (caller.Has(Capability::kDacOverride)) return {};
    return Errno::kAcces;
  }
  if (wanted == kMayRead && caller.Has(Capability::kDacReadSearch)) return {};
  const bool may_be_executed = (wanted & kMayExecute) == 0 || (status.mode & 0111) != 0;
  if (may_be_executed && caller.Has(Capability::kDacOverride)) return {};
  return Errno::kAcces;
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
