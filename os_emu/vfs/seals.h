// F_SEAL_* of fcntl(2): what nobody may do any more with a file of memfd_create(2)
// (uapi/linux/fcntl.h).
#ifndef POLLUX_OS_EMU_VFS_SEALS_H_
#define POLLUX_OS_EMU_VFS_SEALS_H_

#include <cstdint>

namespace pollux::os_emu {

inline constexpr uint32_t kSealSeal = 1, kSealShrink = 2, kSealGrow = 4, kSealWrite = 8,
                          kSealFutureWrite = 16, kSealExec = 32, kAllSeals = 63;

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_SEALS_H_
