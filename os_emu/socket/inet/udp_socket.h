// UdpSocket: the description of a UDP socket (net/ipv4/udp.c, net/ipv6/udp.c).
//
// A datagram has arrived when the call that sends it returns: in the queue of the socket that has
// the port, or back as a refusal (ECONNREFUSED for a connected sender, or one with IP_RECVERR), or
// nowhere, where the receiver's buffer is full. Each send wakes the sender's own pollers with
// OUT|WRNORM|WRBAND, as Linux does when loopback lets go of the packet.
#ifndef POLLUX_OS_EMU_SOCKET_INET_UDP_SOCKET_H_
#define POLLUX_OS_EMU_SOCKET_INET_UDP_SOCKET_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "os_emu/socket/inet/inet_socket.h"

namespace pollux::os_emu {

class UdpSocket final : public InetSocket, public PortUser {
 public:
  UdpSocket(Network& network, int domain, uint32_t status_flags);
  ~UdpSocket() override;

  Result<void> Bind(const SocketAddress& address) override;
  Result<void> Connect(const SocketAddress& address, bool may_wait) override;
  Result<SocketAddress> Name() override;
  Result<SocketAddress> PeerName() override;
  Result<void> Shutdown(int how) override;
  Result<size_t> Send(OutgoingMessage& message) override;
  Result<size_t> Receive(IncomingMessage& message) override;
  WaitPlan ReadWait() override;
  EventMask Poll() override;
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  Result<void> SetOption(int level, int name, std::span<const uint8_t> value) override;
  Result<std::vector<uint8_t>> GetOption(int level, int name, size_t length) override;

 private:
  struct Datagram {
    IpEndpoint from;
    IpEndpoint to;
    uint8_t tos = 0;
    uint8_t ttl = 64;
    Nanos arrived;  // CLOCK_REALTIME
    std::vector<uint8_t> bytes;
    uint64_t charge = 0;  // To the budget and to the receive buffer.
  };
  // What sendmsg(2)'s control messages ask for.
  struct Ancillary {
    IpAddress source;
    bool has_source = false;
    uint32_t interface = 0;
    int32_t tos = -1;
    int32_t ttl = -1;
  };

  bool HasPort() const override { return port != 0; }
  // Perhaps to port 0, which getpeername(2) does not tell.
  bool IsConnected() const override { return !remote.address.IsAny(); }
  bool HasPeekOffset() const override { return true; }
  void OnRelease() override;
  // SO_SNDBUF: sock_def_write_space(), whatever it was before.
  void OnSettingChanged(int name) override;

  void UpdatePort();
  Result<void> AutoBind();
  void Disconnect();
  Result<IpEndpoint> Destination(const OutgoingMessage& message) const;
  Result<IpEndpoint> DestinationV4(const OutgoingMessage& message, const SocketAddress* to) const;
  Result<Ancillary> ReadControl(const OutgoingMessage& message, bool v4) const;
  // A message that belongs to begun_.
  Result<size_t> GoOn(OutgoingMessage& message, bool more);
  // Forgets begun_, or sends it, if there is one.
  void DropBegun();
  void Uncork();
  Result<Route> RouteFor(const IpAddress& to, const IpAddress& from, uint32_t interface) const;
  void SendOut(Datagram datagram, RouteKind kind);
  // False: the receive buffer or the machine's memory is full, it is dropped.
  bool Deliver(Datagram datagram);
  // Nobody has the port that `datagram` of this socket was for (__udp4_lib_err()).
  void Refused(const Datagram& datagram);
  Result<size_t> ReceiveError(IncomingMessage& message);
  void AddControl(const Datagram& datagram, IncomingMessage& message) const;
  bool WantsErrors(const IpAddress& to) const;
  void Drop(std::deque<Datagram>& queue);
  // What a datagram is charged to a receive buffer.
  static uint64_t TrueSize(size_t bytes, bool v4);
  // The reader takes all that has come, if it has nothing (udp_sk(sk)->reader_queue).
  void LookAtQueue() {
    if (readers_datagrams_ == 0) readers_datagrams_ = datagrams_.size();
  }
  // A datagram of the reader has been read.
  void GiveBack(uint64_t charge);
  void WakeForSpace() { NotifySpace(); }
  // The most that one packet for IPv6 takes on lo, whose MTU is 65536. More is two fragments.
  static constexpr size_t kOnePacketBytesV6 = 65536 - 40 - 8;
  // False: a packet for `to` would be refused (kNoBufs) with these bytes of payload.
  bool HasRoomFor(size_t bytes, const IpAddress& to) const;

  // By bind(2): kept when it is disconnected.
  bool address_chosen_ = false;
  bool port_chosen_ = false;
  bool receive_shut_ = false;
  bool send_shut_ = false;
  bool corked_ = false;            // UDP_CORK
  std::optional<Datagram> begun_;  // More of it comes.
  RouteKind begun_kind_ = RouteKind::kLocal;
  uint64_t queued_charge_ = 0;  // sk_rmem_alloc
  uint64_t read_charge_ = 0;    // Of it, what has been read (forward_deficit).
  std::deque<Datagram> datagrams_;
  size_t readers_datagrams_ = 0;  // The first ones of them.
  std::deque<Datagram> errors_;   // Of IP_RECVERR: what was refused.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_UDP_SOCKET_H_
