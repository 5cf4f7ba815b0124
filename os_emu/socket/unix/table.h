// UnixTable: what AF_UNIX keeps once a machine: bound names and nodes, and the descriptions in
// flight (net/unix/garbage.c).
//
// A socket that is referenced from messages in sockets' queues only, and those sockets in turn only
// from such messages, can never be received: Collect() finds such cycles and empties their queues.
// Linux does the same when an AF_UNIX socket is released while anything is in flight, in a work
// queue a little later; here it is done at once.
#ifndef POLLUX_OS_EMU_SOCKET_UNIX_TABLE_H_
#define POLLUX_OS_EMU_SOCKET_UNIX_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "os_emu/file/description.h"
#include "os_emu/socket/address.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

class UnixSocket;

class UnixTable {
 public:
  explicit UnixTable(Kernel&) {}
  // Of what the last processes left in flight nobody is interested any more.
  ~UnixTable() { Collect(); }

  // ---- Abstract names: each type has its own name space, as its own part of Linux's hash.
  UnixSocket* FindName(const SocketAddress& name, int type) const;
  // The name must be free.
  void AddName(const SocketAddress& name, int type, UnixSocket& socket);
  void RemoveName(const SocketAddress& name, int type);
  // ---- Nodes of the file system, by device and inode number.
  UnixSocket* FindNode(uint64_t device, uint64_t inode) const;
  void AddNode(uint64_t device, uint64_t inode, UnixSocket& socket);
  void RemoveNode(uint64_t device, uint64_t inode);

  // ---- In flight.
  // A right of `uid` enters (1) or leaves (-1) a queue.
  void InFlight(FileDescription& right, uint32_t uid, int change);
  uint64_t InFlightOf(uint32_t uid) const;
  void Collect();

 private:
  struct Candidate;

  std::map<std::pair<int, std::string>, UnixSocket*> names_;
  std::map<std::pair<uint64_t, uint64_t>, UnixSocket*> nodes_;
  std::map<uint32_t, uint64_t> by_uid_;
  // By inode number, so that the order of what Collect() does is the order of making.
  std::map<uint64_t, std::pair<UnixSocket*, uint32_t>> sockets_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_UNIX_TABLE_H_
