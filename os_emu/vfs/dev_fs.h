// The character devices of a machine (drivers/char/mem.c, drivers/char/random.c): null, zero, full,
// random and urandom; and tty, which no process has (kNxio).
//   null    reads: the end. Writes: taken.                zero  reads: zeros. Writes: taken.
//   full    reads: zeros. Writes: kNoSpc.                 random, urandom  reads: the world's
//   random stream. Writes: taken.
// They are always ready; epoll takes random alone, the others are EPERM as files are.
#ifndef POLLUX_OS_EMU_VFS_DEV_FS_H_
#define POLLUX_OS_EMU_VFS_DEV_FS_H_

#include "absl/status/status.h"
#include "os_emu/task/random.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu {

// Mounts /dev. `random` must outlive the file system; null: /dev/random and /dev/urandom are kNxio.
absl::Status MountDev(FileSystem& files, RandomStream* random);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_DEV_FS_H_
