// The files that every machine starts with: /tmp, /dev, /etc, /home, /root, /run, /var, /usr and
// their like in memory. /proc and /sys come from proc_fs.h.
#ifndef POLLUX_OS_EMU_VFS_DEFAULT_TREE_H_
#define POLLUX_OS_EMU_VFS_DEFAULT_TREE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "os_emu/task/random.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu {

struct TreeOptions {
  uint32_t uid = 1000, gid = 1000;  // The guest's user, who owns its home directory.
  std::string user = "user";
  std::string hostname = "pollux";
  RandomStream* random = nullptr;  // Of /dev/random and /dev/urandom; must outlive the file system.
};

// To be called once, before mounts. Fails where the machine's memory limit is too small for it.
absl::Status BuildDefaultTree(FileSystem& files, const TreeOptions& options);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_DEFAULT_TREE_H_
