// InetSocket: what TCP and UDP sockets share (net/ipv4/af_inet.c, net/ipv6/af_inet6.c): the checks
// of bind(2), the options of IP, and the charge for the socket itself.
#ifndef POLLUX_OS_EMU_SOCKET_INET_INET_SOCKET_H_
#define POLLUX_OS_EMU_SOCKET_INET_INET_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "os_emu/socket/inet/ip_address.h"
#include "os_emu/socket/inet/ip_options.h"
#include "os_emu/socket/inet/multicast.h"
#include "os_emu/socket/inet/network.h"
#include "os_emu/socket/socket.h"

namespace pollux::os_emu {

// SIOC* that sockets answer themselves (asm-generic/sockios.h).
inline constexpr uint32_t kSiocInq = 0x541b, kSiocOutq = 0x5411, kSiocAtMark = 0x8905;

class InetSocket : public Socket {
 public:
  // What a socket costs the host, about.
  static constexpr uint64_t kSocketBytes = 2048;
  // Whether the machine has memory for one more.
  static bool CanCharge(Network& network);

  Result<void> SetOption(int level, int name, std::span<const uint8_t> value) override;
  Result<std::vector<uint8_t>> GetOption(int level, int name, size_t length) override;
  std::optional<Result<std::vector<uint8_t>>> AskOption(int level, int name,
                                                        std::span<const uint8_t> asked) override;

 protected:
  InetSocket(Network& network, int domain, int type, int protocol, uint32_t status_flags);
  ~InetSocket() override;

  Network& network() { return network_; }
  IpOptions& options() { return options_; }
  const IpOptions& options() const { return options_; }
  const Multicast& multicast() const { return multicast_; }
  // Whether it hears what `from` sends to the IPv4 group.
  bool HearsGroup(const IpAddress& group, const IpAddress& from) const {
    return multicast_.Hears(group, from).value_or(options_.Value(kSolIp, kIpMulticastAll) != 0);
  }
  bool v6_only() const { return options_.Value(kSolIpV6, kIpV6Only) != 0; }

  // inet6_bind(): what is bound to an IPv6 address speaks IPv6 only, whatever the option said.
  bool BecomesV6Only(const IpAddress& bound) const {
    return domain() == kAfInet6 && !bound.IsV4() && bound != IpAddress();
  }
  // Whether connect(2) leaves the address that bind(2) gave: SOCK_BINDADDR_LOCK.
  bool KeepsAddress(const IpAddress& bound) const { return bound != IpAddress::AnyOf(domain()); }
  // A control message of SOL_SOCKET (__sock_cmsg_send()): rights and credentials are for other
  // families, and ignored.
  Result<void> CheckSocketControl(const ControlMessage& control) const;

  // The address that bind(2) names, after the checks of inet_bind() and inet6_bind(). `fresh`: the
  // socket is not bound and not connected yet (kInval otherwise).
  Result<IpEndpoint> CheckBind(const SocketAddress& address, bool fresh);
  // For the options that ask.
  virtual bool HasPort() const = 0;
  virtual bool IsConnected() const = 0;

 private:
  IpOptions::Facts Facts() const {
    return {.domain = domain(),
            .stream = type() == kSockStream,
            .has_port = HasPort(),
            .connected = IsConnected()};
  }

  Network& network_;
  IpOptions options_;
  Multicast multicast_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_INET_SOCKET_H_
