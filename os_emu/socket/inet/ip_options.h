// IpOptions: the socket options of the levels IPPROTO_IP and IPPROTO_IPV6 (net/ipv4/ip_sockglue.c,
// net/ipv6/ipv6_sockglue.c). Values, ranges and errors were measured on Linux 6.18.
//
// What has an effect here is asked for by name; what only marks packets (IP_TOS, IP_TTL) is kept,
// and seen by whoever asks for it with a received datagram. What joins groups is Multicast's;
// source routes, firewalls and bound devices are refused: kNoProtoOpt.
#ifndef POLLUX_OS_EMU_SOCKET_INET_IP_OPTIONS_H_
#define POLLUX_OS_EMU_SOCKET_INET_IP_OPTIONS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/result.h"

namespace pollux::os_emu {

inline constexpr int kSolIp = 0, kSolTcp = 6, kSolUdp = 17, kSolIpV6 = 41;
inline constexpr int kIpTos = 1, kIpTtl = 2, kIpRecvOpts = 6, kIpPktInfo = 8, kIpMtuDiscover = 10,
                     kIpRecvErr = 11, kIpRecvTtl = 12, kIpRecvTos = 13, kIpMtu = 14,
                     kIpBindAddressNoPort = 24, kIpMulticastIf = 32, kIpMulticastTtl = 33,
                     kIpMulticastLoop = 34, kIpMulticastAll = 49;
inline constexpr int kIpV6UnicastHops = 16, kIpV6MulticastIf = 17, kIpV6MulticastHops = 18,
                     kIpV6MulticastLoop = 19, kIpV6MulticastAll = 29, kIpV6MtuDiscover = 23,
                     kIpV6Mtu = 24, kIpV6RecvErr = 25, kIpV6Only = 26, kIpV6RecvPktInfo = 49,
                     kIpV6PktInfo = 50, kIpV6RecvHopLimit = 51, kIpV6HopLimit = 52,
                     kIpV6DontFrag = 62, kIpV6RecvTClass = 66, kIpV6TClass = 67,
                     kIpV6AutoFlowLabel = 70;

class IpOptions {
 public:
  IpOptions();

  // What the socket is, for the options that ask for it.
  struct Facts {
    int domain;
    bool stream;
    bool has_port;
    bool connected;
  };
  Result<void> Set(int level, int name, std::span<const uint8_t> value, const Facts& facts);
  Result<std::vector<uint8_t>> Get(int level, int name, size_t length, const Facts& facts) const;

  // The value of an option that is known.
  int32_t Value(int level, int name) const;
  void SetV6Only(bool only);

 private:
  static constexpr size_t kRows = 28;
  std::array<int32_t, kRows> values_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_IP_OPTIONS_H_
