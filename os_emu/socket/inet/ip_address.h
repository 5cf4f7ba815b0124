// IpAddress: an IPv4 or IPv6 address in 16 bytes; IPv4 as IPv6 maps it (::ffff:a.b.c.d), so that a
// dual-stack socket and an IPv4 one speak of the same. IpEndpoint: with a port.
//
// A machine has one interface, lo, with 127.0.0.0/8 and ::1: RouteTo() is its routing table
// (measured in a fresh network namespace of Linux 6.18 whose lo is up).
#ifndef POLLUX_OS_EMU_SOCKET_INET_IP_ADDRESS_H_
#define POLLUX_OS_EMU_SOCKET_INET_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>

#include "abi/result.h"
#include "os_emu/socket/address.h"

namespace pollux::os_emu {

inline constexpr uint32_t kLoopbackIndex = 1;  // if_nametoindex("lo")
inline constexpr uint32_t kLoopbackMtu = 65536;

struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // Default: ::

  static IpAddress V4(uint32_t host_order);
  static IpAddress AnyOf(int domain) { return domain == kAfInet ? V4(0) : IpAddress(); }
  static IpAddress LoopbackV4() { return V4(0x7f000001); }
  static IpAddress LoopbackV6();

  bool IsV4() const;    // Mapped.
  uint32_t v4() const;  // Host order; of a mapped one.
  bool IsAny() const { return *this == IpAddress() || *this == V4(0); }
  bool IsMulticast() const;
  bool IsLinkLocal() const;  // fe80::/10
  // Somebody here may have it: 127.0.0.0/8 (but for its broadcast address), ::1.
  bool IsLocal() const;
  bool IsBroadcast() const;  // 255.255.255.255, 127.255.255.255.

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

struct IpEndpoint {
  IpAddress address;
  uint16_t port = 0;

  friend auto operator<=>(const IpEndpoint&, const IpEndpoint&) = default;
};

// Where a datagram or SYN for `to` goes.
enum class RouteKind { kLocal, kBroadcast, kMulticast };
struct Route {
  RouteKind kind = RouteKind::kLocal;
  IpAddress destination;  // `to`, or this host where that was the wildcard.
  IpAddress source;       // For a socket that is bound to none.
};
// `from`: what the socket is bound to; the IPv4 wildcard is that host then (ip_route_output_key()).
// kNetUnreach: not here, and groups, which Multicast knows the way to. kAfNoSupport: IPv6 from an
// IPv4 address.
Result<Route> RouteTo(const IpAddress& to, const IpAddress& from = {});

// The addresses of bind(2), connect(2) and sendto(2) for a socket of `domain`.
// kInval: too short; kAfNoSupport: another family. For an AF_INET6 socket an AF_INET6 address.
Result<IpEndpoint> DecodeAddress(int domain, const SocketAddress& address);
// What getsockname(2) gives: for AF_INET6 with IPv4 mapped.
SocketAddress EncodeAddress(int domain, const IpEndpoint& endpoint);

// Whether sockets that are bound to these addresses receive the same packets: a wildcard matches
// all of its family, the IPv6 one also IPv4 unless it is IPV6_V6ONLY (ipv6_rcv_saddr_equal()).
bool AddressesOverlap(const IpAddress& a, bool a_v6_only, const IpAddress& b, bool b_v6_only);
// Whether a socket bound to `bound` receives what is sent to `to`.
bool Receives(const IpAddress& bound, bool v6_only, const IpAddress& to);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_IP_ADDRESS_H_
