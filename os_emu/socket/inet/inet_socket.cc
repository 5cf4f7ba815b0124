#include "os_emu/socket/inet/inet_socket.h"

#include <cstring>

namespace pollux::os_emu {

bool InetSocket::CanCharge(Network& network) {
  return network.budget()->FitsObject(kSocketBytes);
}

InetSocket::InetSocket(Network& network, int domain, int type, int protocol, uint32_t status_flags)
    : Socket(network.kernel(), domain, type, protocol, status_flags),
      network_(network),
      multicast_(network) {
  network.budget()->used_bytes += kSocketBytes;
}

InetSocket::~InetSocket() { network_.budget()->used_bytes -= kSocketBytes; }

Result<IpEndpoint> InetSocket::CheckBind(const SocketAddress& address, bool fresh) {
  // "Compatibility games": AF_INET sockets take AF_UNSPEC with the wildcard.
  SocketAddress copy = address;
  if (domain() == kAfInet && address.length >= 16 && address.family() == kAfUnspec &&
      address.bytes[4] == 0 && address.bytes[5] == 0 && address.bytes[6] == 0 &&
      address.bytes[7] == 0) {
    copy.bytes[0] = kAfInet;
  }
  POLLUX_ASSIGN_OR_RETURN(const IpEndpoint endpoint, DecodeAddress(domain(), copy));
  const IpAddress& ip = endpoint.address;
  const bool valid_v4 = ip.IsAny() || ip.IsLocal() || ip.IsMulticast() || ip.IsBroadcast();
  if (domain() == kAfInet && !valid_v4) return Errno::kAddrNotAvail;
  if (domain() == kAfInet6 && !ip.IsV4() && ip.IsMulticast() && type() == kSockStream) {
    return Errno::kInval;
  }
  if (endpoint.port != 0 && endpoint.port < kFirstUnprivilegedPort &&
      !CallerHas(Capability::kNetBindService)) {
    return Errno::kAcces;
  }
  if (!fresh) return Errno::kInval;
  if (domain() == kAfInet) return endpoint;
  if (ip.IsV4()) {
    if (v6_only()) return Errno::kInval;
    if (!valid_v4) return Errno::kAddrNotAvail;
    return endpoint;
  }
  if (ip.IsAny()) return endpoint;
  if (ip.IsLinkLocal()) return Errno::kInval;  // Of which interface?
  if (!ip.IsLocal() && !ip.IsMulticast()) return Errno::kAddrNotAvail;
  return endpoint;
}

Result<void> InetSocket::CheckSocketControl(const ControlMessage& control) const {
  const bool privileged = CallerHas(Capability::kNetAdmin);
  int32_t number = 0;
  const bool is_number = control.data.size() == sizeof(number);
  if (is_number) std::memcpy(&number, control.data.data(), sizeof(number));
  switch (control.type) {
    case kScmRights:
    case kScmCredentials:
      return {};
    case kSoMark:
      if (!privileged) return Errno::kPerm;
      return is_number ? Result<void>() : Errno::kInval;
    case kSoPriority:
      if (!is_number) return Errno::kInval;
      return privileged || (number >= 0 && number <= 6) ? Result<void>() : Errno::kPerm;
    default:
      // Time stamps: refused.
      return Errno::kInval;
  }
}

Result<void> InetSocket::SetOption(int level, int name, std::span<const uint8_t> value) {
  if (level == kSolIp || (level == kSolIpV6 && domain() == kAfInet6)) {
    const std::optional<Result<void>> set =
        multicast_.SetOption(level, name, value, type() == kSockStream);
    if (set.has_value()) return *set;
  }
  if (level == kSolIp || level == kSolIpV6) return options_.Set(level, name, value, Facts());
  return Socket::SetOption(level, name, value);
}

std::optional<Result<std::vector<uint8_t>>> InetSocket::AskOption(int level, int name,
                                                                  std::span<const uint8_t> asked) {
  // IPv6's sockets have IPv4's options too.
  if (level == kSolIpV6 && domain() != kAfInet6) return std::nullopt;
  return multicast_.AskOption(level, name, asked);
}

Result<std::vector<uint8_t>> InetSocket::GetOption(int level, int name, size_t length) {
  if (level == kSolIp && name == kIpMulticastIf) {
    const auto& bytes = multicast_.source().bytes;
    return std::vector<uint8_t>(bytes.begin() + 12, bytes.end());
  }
  if (level == kSolIp || level == kSolIpV6) return options_.Get(level, name, length, Facts());
  if (level != kSolSocket) return Errno::kOpNotSupp;
  return Socket::GetOption(level, name, length);
}

}  // namespace pollux::os_emu
