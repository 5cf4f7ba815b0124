// UnixNodes: the nodes of AF_UNIX sockets in the file system. unix/ knows no file system; who joins
// the two implements this (shims/socket_factory.cc).
#ifndef POLLUX_OS_EMU_SOCKET_UNIX_NODES_H_
#define POLLUX_OS_EMU_SOCKET_UNIX_NODES_H_

#include <cstdint>
#include <string_view>

#include "abi/result.h"
#include "os_emu/file/description.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

// A node: `place` keeps its inode, and so its number, in being.
struct UnixNode {
  DescriptionRef place;
  uint64_t device = 0;
  uint64_t inode = 0;
};

class UnixNodes {
 public:
  virtual ~UnixNodes() = default;
  // mknod(2) of a socket at `path`, relative to the thread's working directory, with the
  // permissions that its umask leaves. kExist and all that a path can come to.
  virtual Result<UnixNode> Make(Thread& thread, std::string_view path) const = 0;
  // Takes back what Make() made last.
  virtual void Remove(Thread& thread, std::string_view path) const = 0;
  // The socket at `path`, links followed. kAcces: not writable; kConnRefused: no socket's node.
  virtual Result<UnixNode> Find(Thread& thread, std::string_view path) const = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_UNIX_NODES_H_
