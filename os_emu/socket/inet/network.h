// Network: the loopback network of one machine: who has which TCP and UDP port, and connections in
// TIME_WAIT. A part of the Kernel: kernel.Part<Network>().
//
// Delivery is synchronous, as on Linux's loopback device: what is sent has arrived, and woken
// whoever waits for it, when the call that sends it returns; but for faults, which are those of
// other networks (TcpFault). Ephemeral ports come from a stream of
// their own, split from the world's, so that the same seed gives the same ports.
#ifndef POLLUX_OS_EMU_SOCKET_INET_NETWORK_H_
#define POLLUX_OS_EMU_SOCKET_INET_NETWORK_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "os_emu/socket/inet/inet.h"
#include "os_emu/socket/inet/port_table.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

class Multicast;
class TcpEndpoint;
class UdpSocket;

class Network {
 public:
  explicit Network(Kernel& kernel);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  Kernel& kernel() { return kernel_; }
  memory::MemoryBudget* budget() { return &kernel_.budget(); }

  // ---- TCP. The callers take part in the table by their PortUser.
  PortTable& tcp_ports();
  // The listener that a SYN from `from` to `to` reaches. Null: none. Of a SO_REUSEPORT group the
  // one that the two endpoints' hash chooses.
  TcpEndpoint* FindListener(const IpEndpoint& to, const IpEndpoint& from);
  // An ephemeral port for a connection to user.remote, from which none is there, but for one that
  // has been in TIME_WAIT for a second (net.ipv4.tcp_tw_reuse = 2). kAddrNotAvail.
  Result<void> BindForConnect(PortUser& user);
  // The same where the port was bound before; TIME_WAIT is in nobody's way then (measured).
  Result<void> ClaimConnection(const PortUser& user);
  // The connection of `user` stays in its place for kTimeWait.
  void EnterTimeWait(const PortUser& user);

  void SetTcpFaultSource(TcpFaultSource* source) { tcp_fault_source_ = source; }
  bool Happens(TcpFault fault) {
    return tcp_fault_source_ != nullptr && tcp_fault_source_->Happens(fault);
  }

  // Those that have something under way.
  void AddUnderWay(TcpEndpoint& endpoint) { under_way_.push_back(&endpoint); }
  void RemoveUnderWay(TcpEndpoint& endpoint) { std::erase(under_way_, &endpoint); }

  // ---- UDP.
  PortTable& udp_ports() { return udp_ports_; }
  // Who gets a datagram (udp4_lib_lookup2()). Null: nobody, so it is refused.
  UdpSocket* FindReceiver(const IpEndpoint& to, const IpEndpoint& from);
  // Whether a UDP socket, if it is connected, is connected to `from`; to port 0: to all ports.
  static bool HearsFrom(const PortUser& user, const IpEndpoint& from);

  // Of a socket's, while it has joined anything.
  void AddMember(Multicast& member) { members_.push_back(&member); }
  void RemoveMember(Multicast& member) { std::erase(members_, &member); }
  // Whether lo takes what `from` sends to the IPv4 group, for anybody (ip_check_mc_rcu()).
  bool TakesGroup(const IpAddress& group, const IpAddress& from) const;

  static constexpr Nanos kTimeWait{60'000'000'000};  // TCP_TIMEWAIT_LEN
  static constexpr Nanos kTimeWaitReuse{1'000'000'000};
  static constexpr size_t kMaxTimeWaits = 16384;  // Older ones make room.

 private:
  struct TimeWait : PortUser {
    Nanos since;
  };
  void DropOldTimeWaits();
  bool MayReplace(const PortUser& user) const;
  void DropTimeWait(const PortUser& user);
  // A number below `count` that depends on the two endpoints only.
  size_t ChooseOf(size_t count, const IpEndpoint& to, const IpEndpoint& from) const;

  Kernel& kernel_;
  uint64_t group_secret_;
  PortTable tcp_ports_;
  PortTable udp_ports_;
  TcpFaultSource* tcp_fault_source_ = nullptr;
  std::vector<TcpEndpoint*> under_way_;
  std::vector<Multicast*> members_;
  std::deque<std::unique_ptr<TimeWait>> time_waits_;  // The oldest first.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_NETWORK_H_
