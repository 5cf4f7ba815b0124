// PortTable: which sockets have which port of one protocol (net/ipv4/inet_hashtables.c,
// inet_connection_sock.c, udp.c). PortUser: one of them, or a connection in TIME_WAIT.
//
// The rules of bind(2) are here: who may share a port. The order of a port's users is the order in
// which they came, so that nothing depends on hashing.
#ifndef POLLUX_OS_EMU_SOCKET_INET_PORT_TABLE_H_
#define POLLUX_OS_EMU_SOCKET_INET_PORT_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "os_emu/socket/inet/ip_address.h"
#include "os_emu/task/random.h"

namespace pollux::os_emu {

// net.ipv4.ip_local_port_range and ip_unprivileged_port_start.
inline constexpr uint16_t kFirstEphemeralPort = 32768, kLastEphemeralPort = 60999;
inline constexpr uint16_t kFirstUnprivilegedPort = 1024;

class PortTable;

struct PortUser {
  IpAddress address;  // Bound to; the wildcard: to all.
  IpEndpoint remote;  // Port 0: none.
  // Of an AF_INET6 UDP socket: where it was connected last. It hears no other IPv6 address even
  // when it has been disconnected: __udp_disconnect() leaves sk_v6_daddr.
  IpAddress last_remote;
  uint16_t port = 0;  // 0: in no table.
  int family = kAfInet;
  bool v6_only = false;
  bool reuse_address = false;
  bool reuse_port = false;
  bool listening = false;
  bool time_wait = false;
  bool bound = false;  // By bind(2), and not by connect(2) alone.
  uint32_t uid = 0;
};

class PortTable {
 public:
  enum class Protocol { kTcp, kUdp };
  // `random`: which ephemeral ports are tried first.
  PortTable(Protocol protocol, RandomStream random) : protocol_(protocol), random_(random) {}
  PortTable(const PortTable&) = delete;
  PortTable& operator=(const PortTable&) = delete;

  // bind(2): gives `user`, whose other fields are set, `port`, or a free one where that is 0.
  // kAddrInUse.
  Result<void> Bind(PortUser& user, uint16_t port);
  // Gives `user` an ephemeral port from which nobody is connected to `user.remote`. kAddrNotAvail.
  Result<void> BindForConnect(PortUser& user,
                              const std::function<bool(const PortUser&)>& may_replace);
  // The check of listen(2) again, now that `user.listening` is set: only SO_REUSEPORT shares with
  // another listener. kAddrInUse.
  Result<void> CheckListener(const PortUser& user) const;
  // Adds `user`, whose port is set, without a check: a connection that a listener made, TIME_WAIT.
  void Add(PortUser& user);
  // Takes it out and sets its port to 0. Nothing if it is in no table.
  void Remove(PortUser& user);

  // Those with `port`, the oldest first. Null: none.
  const std::vector<PortUser*>* Users(uint16_t port) const;
  // The one that is bound or connected to exactly these. Null: none.
  PortUser* Find(const IpEndpoint& local, const IpEndpoint& remote) const;

 private:
  bool Conflicts(const PortUser& user, const PortUser& other, bool chosen) const;
  bool CanBind(const PortUser& user, uint16_t port, bool chosen) const;

  Protocol protocol_;
  RandomStream random_;
  std::map<uint16_t, std::vector<PortUser*>> users_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_PORT_TABLE_H_
