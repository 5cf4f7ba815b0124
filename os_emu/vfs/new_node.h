// NodeFor: what a new file in a directory is like (inode_init_owner() of fs/inode.c).
#ifndef POLLUX_OS_EMU_VFS_NEW_NODE_H_
#define POLLUX_OS_EMU_VFS_NEW_NODE_H_

#include <cstdint>

#include "abi/result.h"
#include "os_emu/vfs/caller.h"
#include "os_emu/vfs/inode.h"

namespace pollux::os_emu {

// `mode` with the type, the umask applied. A set-group-id directory hands on its group and, to
// directories, that bit.
Result<NewNode> NodeFor(const Caller& caller, Inode& directory, uint32_t mode);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_NEW_NODE_H_
