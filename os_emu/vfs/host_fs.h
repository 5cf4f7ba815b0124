// HostFs: a directory of the host, mounted into the guest's tree (--dir).
//
// Nothing outside of that directory can be reached:
//   - the host is only ever given single names, relative to a directory that is held open; never
//   "..", never a path, and every
//     look at a name is openat(O_PATH | O_NOFOLLOW), which opens nothing;
//   - symbolic links are read and resolved in the guest's tree: an absolute target begins at the
//   guest's root;
//   - what was looked at is what is opened: through /proc/self/fd of the descriptor held, so that a
//   name that is swapped in
//     between leads nowhere else. Only regular files and directories are opened: a FIFO or device
//     of the host is kAcces, a socket kNxio. Making them is kPerm;
//   - procfs, sysfs and other windows into the host's kernel that are mounted below the directory
//   are kAcces: they would show the
//     memory of pollux itself;
//   - set-user-id and set-group-id are neither shown nor set.
// What is the machine's and what is the host's: inode numbers are given in the order in which the
// machine first sees a file, listings are sorted by name, st_blksize is 4096, st_blocks follows
// from the size, a directory has size 4096 and one link (as on btrfs), and all files belong to the
// mount's uid and gid. Contents, permission bits, link counts and times are the host's. Changing
// the owner to anyone else is kPerm. `read_only`: kRoFs. A directory or file that is in use costs a
// host descriptor or two; kNFile where too many are.
#ifndef POLLUX_OS_EMU_VFS_HOST_FS_H_
#define POLLUX_OS_EMU_VFS_HOST_FS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "os_emu/vfs/inode.h"

namespace pollux::os_emu {

// The root of a new HostFs. Fails where `host_path` is not a directory that can be read, or lies in
// procfs and the like.
absl::StatusOr<InodeRef> OpenHostDirectory(FileSystem* files, const std::string& host_path,
                                           bool read_only, uint32_t uid, uint32_t gid);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_HOST_FS_H_
