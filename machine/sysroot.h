// A sysroot: files of a host directory that a dynamically linked guest needs (--root=DIR): its
// dynamic linker and libraries.
#ifndef POLLUX_MACHINE_SYSROOT_H_
#define POLLUX_MACHINE_SYSROOT_H_

#include <string>

#include "absl/status/status.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::machine {

// Shows what is in the host directory `root` below the guest's "/", read-only, beside what the
// guest has there: a directory that the guest lacks, or has empty, is mounted, links are made
// again, single files are copied into memory; where both have a directory its entries are shown the
// same way. What the guest has of its own stays, and all of its /dev, /proc, /sys and /tmp.
// kInvalidArgument: why not.
absl::Status ShowSysroot(os_emu::FileSystem& files, const std::string& root, uint32_t uid,
                         uint32_t gid);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_SYSROOT_H_
