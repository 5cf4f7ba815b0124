// FileStatus: what stat(2) tells of a file, before the system-call ABI packs it into struct stat or
// struct statx.
#ifndef POLLUX_OS_EMU_FILE_FILE_STATUS_H_
#define POLLUX_OS_EMU_FILE_FILE_STATUS_H_

#include <cstdint>

#include "abi/types.h"

namespace pollux::os_emu {

// File types and permission bits of st_mode (uapi/linux/stat.h).
inline constexpr uint32_t kModeTypeMask = 0170000, kModeSocket = 0140000, kModeLink = 0120000,
                          kModeRegular = 0100000, kModeBlock = 0060000, kModeDirectory = 0040000,
                          kModeCharacter = 0020000, kModeFifo = 0010000;
inline constexpr uint32_t kModeSetUid = 04000, kModeSetGid = 02000, kModeSticky = 01000,
                          kModePermissions = 0777;

// A device number as stat(2) gives it: new_encode_dev() of include/linux/kdev_t.h.
constexpr uint64_t MakeDevice(uint32_t major, uint32_t minor) {
  return (minor & 0xff) | (uint64_t{major & 0xfff} << 8) | (uint64_t{minor & ~0xffu} << 12);
}

// The same as the kernel keeps it and prints it: major << 20 | minor.
constexpr uint64_t KernelDevice(uint64_t device) {
  return (device >> 8 & 0xfff) << 20 | (device & 0xff) | (device >> 12 & 0xfff00);
}

// Of file systems that have no device: what st_dev names.
inline constexpr uint64_t kPipeDevice = MakeDevice(0, 15), kAnonymousDevice = MakeDevice(0, 16);
// The one inode that eventfds, epoll instances, timers and their like share (fs/anon_inodes.c).
inline constexpr uint64_t kAnonymousInode = 1038;

struct FileStatus {
  uint64_t dev = 0;  // MakeDevice().
  uint64_t ino = 0;
  uint32_t mode = 0;  // Type and permissions.
  uint32_t nlink = 1;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t rdev = 0;  // Of a device node.
  uint64_t size = 0;
  uint32_t blksize = 4096;
  uint64_t blocks = 0;  // Of 512 bytes.
  // Since 1970-01-01T00:00:00Z.
  Nanos atime;
  Nanos mtime;
  Nanos ctime;
  Nanos btime;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_FILE_STATUS_H_
