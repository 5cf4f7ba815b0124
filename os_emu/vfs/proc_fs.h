// /proc and /sys: what libcs and runtimes read there (fs/proc). Contents are made when a file is
// read from its start, out of the Kernel as it is then; what is read on comes from the same
// contents.
//   /proc/PID, self, thread-self, PID/task/TID: cmdline comm cwd environ exe fd/ fdinfo/ limits
//   maps mountinfo mounts
//       oom_score oom_score_adj root stat statm status task/
//   /proc: cpuinfo filesystems loadavg meminfo mounts stat uptime version; sys/: fs, kernel, net,
//   vm /sys: devices/system/cpu, kernel/mm/transparent_hugepage
// All of it is read-only (kPerm), but comm. Another user's process shows what Linux shows to
// strangers.
#ifndef POLLUX_OS_EMU_VFS_PROC_FS_H_
#define POLLUX_OS_EMU_VFS_PROC_FS_H_

#include "os_emu/task/kernel.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu {

// The kernel that pollux emulates, for /proc and for uname(2).
inline constexpr char kKernelRelease[] = "6.18.0";
inline constexpr char kKernelVersion[] = "#1 SMP PREEMPT_DYNAMIC";

// Gives what is behind a description without a path (a pipe) a second description through
// /proc/self/fd/N.
class DescriptionReopener {
 public:
  virtual ~DescriptionReopener() = default;
  // open(2) of /proc/self/fd/N. kNxio: its kind cannot be opened.
  virtual Result<DescriptionRef> Reopen(FileDescription& description, uint32_t flags) = 0;
};

// Mounts /proc and /sys into kernel.files(), of which `kernel` must be the owner. `reopener` may be
// null: every such open is kNxio; must outlive the file system. Fails where the machine's memory
// limit is too small.
absl::Status MountProc(Kernel& kernel, DescriptionReopener* reopener = nullptr);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_PROC_FS_H_
