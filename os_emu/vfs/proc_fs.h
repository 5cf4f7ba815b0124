// /proc and /sys: what libcs and runtimes read there (fs/proc). Contents are made when a file is opened for reading at
// offset 0, from the Kernel as it is then.
//   /proc/PID and self: exe cwd root fd/ fdinfo/ task/ cmdline environ comm maps status stat statm limits ...
//   /proc: cpuinfo meminfo stat uptime loadavg version mounts filesystems
//   /proc/sys: kernel/, vm/, fs/, net/ values; /sys/devices/system/cpu: online possible present
#ifndef POLLUX_OS_EMU_VFS_PROC_FS_H_
#define POLLUX_OS_EMU_VFS_PROC_FS_H_

#include "os_emu/task/kernel.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu {

// Gives the inode behind a description that has no path (a pipe) a second life through /proc/self/fd/N.
class DescriptionReopener {
 public:
  virtual ~DescriptionReopener() = default;
  // open(2) of /proc/self/fd/N for a description of another folder. kNxio: its kind cannot be opened.
  virtual Result<DescriptionRef> Reopen(FileDescription& description, uint32_t flags) = 0;
};

// Mounts /proc and /sys into kernel.files(). `reopener` may be null; must outlive the file system.
void MountProc(Kernel& kernel, DescriptionReopener* reopener = nullptr);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_PROC_FS_H_
