// Caller: on whose behalf a path is resolved: the identity that permissions are checked for, the
// working directory, and the umask (Linux's cred and fs_struct). Made anew for each call from the
// calling process (process_caller.h).
#ifndef POLLUX_OS_EMU_VFS_CALLER_H_
#define POLLUX_OS_EMU_VFS_CALLER_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "abi/types.h"
#include "os_emu/file/description.h"
#include "os_emu/task/credentials.h"

namespace pollux::os_emu {

struct Caller {
  uint32_t uid = 0;              // fsuid
  uint32_t gid = 0;              // fsgid
  std::vector<uint32_t> groups;  // Supplementary ones.
  uint32_t umask = 022;
  DescriptionRef cwd;  // A directory; empty: the root.
  Tid pid{0};          // Whose /proc/self it is; 0: nobody's.
  Tid tid{0};          // /proc/thread-self

  // The effective ones; nothing: all of them where `uid` is 0, else none.
  std::optional<uint64_t> capabilities;

  bool Has(Capability capability) const {
    if (!capabilities.has_value()) return uid == 0;
    return ((*capabilities >> static_cast<int>(capability)) & 1) != 0;
  }
  bool InGroup(uint32_t group) const {
    return gid == group || std::find(groups.begin(), groups.end(), group) != groups.end();
  }
};

// Who sets up a machine's files: root, whose files get just the mode that is asked for.
inline Caller RootCaller() {
  Caller root;
  root.umask = 0;
  return root;
}

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_CALLER_H_
