#include "os_emu/socket/inet/ip_address.h"

#include <algorithm>
#include <cstring>

namespace pollux::os_emu {
namespace {

constexpr size_t kSockaddrInBytes = 16;      // struct sockaddr_in
constexpr size_t kSockaddrIn6Bytes = 28;     // struct sockaddr_in6
constexpr size_t kOldSockaddrIn6Bytes = 24;  // Without sin6_scope_id: SIN6_LEN_RFC2133.
constexpr uint32_t kLoopbackBroadcast = 0x7fffffff;

uint16_t PortAt2(const SocketAddress& address) {
  return static_cast<uint16_t>(address.bytes[2] << 8 | address.bytes[3]);
}

}  // namespace

IpAddress IpAddress::V4(uint32_t host_order) {
  IpAddress address;
  address.bytes[10] = address.bytes[11] = 0xff;
  for (int i = 0; i < 4; ++i) {
    address.bytes[12 + i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
  }
  return address;
}

IpAddress IpAddress::LoopbackV6() {
  IpAddress address;
  address.bytes[15] = 1;
  return address;
}

bool IpAddress::IsV4() const {
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](uint8_t byte) { return byte == 0; }) &&
         bytes[10] == 0xff && bytes[11] == 0xff;
}

uint32_t IpAddress::v4() const {
  return uint32_t{bytes[12]} << 24 | uint32_t{bytes[13]} << 16 | uint32_t{bytes[14]} << 8 |
         bytes[15];
}

bool IpAddress::IsMulticast() const {
  return IsV4() ? (v4() & 0xf0000000) == 0xe0000000 : bytes[0] == 0xff;
}

bool IpAddress::IsLinkLocal() const {
  return !IsV4() && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool IpAddress::IsLocal() const {
  if (IsV4()) return v4() >> 24 == 127 && v4() != kLoopbackBroadcast;
  return *this == LoopbackV6();
}

bool IpAddress::IsBroadcast() const {
  return IsV4() && (v4() == UINT32_MAX || v4() == kLoopbackBroadcast);
}

Result<Route> RouteTo(const IpAddress& to, const IpAddress& from) {
  const IpAddress loopback = IpAddress::LoopbackV4();
  if (to == IpAddress()) {
    return Route{RouteKind::kLocal, IpAddress::LoopbackV6(), IpAddress::LoopbackV6()};
  }
  if (to == IpAddress::V4(0)) {
    const IpAddress& here = from.IsLocal() && from.IsV4() ? from : loopback;
    return Route{RouteKind::kLocal, here, here};
  }
  if (to.IsLocal()) {
    // ip6_dst_lookup_tail()
    if (!to.IsV4() && from.IsV4()) return Errno::kAfNoSupport;
    // The local table's entry for 127.0.0.0/8 says "src 127.0.0.1".
    return Route{RouteKind::kLocal, to, to.IsV4() ? loopback : to};
  }
  if (to == IpAddress::V4(kLoopbackBroadcast)) return Route{RouteKind::kBroadcast, to, loopback};
  return Errno::kNetUnreach;
}

Result<IpEndpoint> DecodeAddress(int domain, const SocketAddress& address) {
  if (domain == kAfInet) {
    if (address.length < kSockaddrInBytes) return Errno::kInval;
    if (address.family() != kAfInet) return Errno::kAfNoSupport;
    uint32_t v4 = 0;
    for (int i = 0; i < 4; ++i) v4 = v4 << 8 | address.bytes[4 + i];
    return IpEndpoint{IpAddress::V4(v4), PortAt2(address)};
  }
  if (address.length < kOldSockaddrIn6Bytes) return Errno::kInval;
  if (address.family() != kAfInet6) return Errno::kAfNoSupport;
  IpEndpoint endpoint;
  std::memcpy(endpoint.address.bytes.data(), address.bytes.data() + 8, 16);
  endpoint.port = PortAt2(address);
  return endpoint;
}

SocketAddress EncodeAddress(int domain, const IpEndpoint& endpoint) {
  SocketAddress address;
  address.bytes[0] = static_cast<uint8_t>(domain);
  address.bytes[2] = static_cast<uint8_t>(endpoint.port >> 8);
  address.bytes[3] = static_cast<uint8_t>(endpoint.port);
  if (domain == kAfInet) {
    std::memcpy(address.bytes.data() + 4, endpoint.address.bytes.data() + 12, 4);
    address.length = kSockaddrInBytes;
  } else {
    std::memcpy(address.bytes.data() + 8, endpoint.address.bytes.data(), 16);
    address.length = kSockaddrIn6Bytes;
  }
  return address;
}

bool AddressesOverlap(const IpAddress& a, bool a_v6_only, const IpAddress& b, bool b_v6_only) {
  if (a.IsV4() && b.IsV4()) return a == b || a.IsAny() || b.IsAny();
  if (a == b) return true;
  const IpAddress any6;
  return (a == any6 && !(a_v6_only && b.IsV4())) || (b == any6 && !(b_v6_only && a.IsV4()));
}

bool Receives(const IpAddress& bound, bool v6_only, const IpAddress& to) {
  if (bound == to) return true;
  if (bound == IpAddress()) return !(v6_only && to.IsV4());
  return bound == IpAddress::V4(0) && to.IsV4();
}

}  // namespace pollux::os_emu
