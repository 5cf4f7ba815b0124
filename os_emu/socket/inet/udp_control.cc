// UdpSocket: what comes with a datagram beside its bytes: the control messages of ip_cmsg_recv()
// and ip6_datagram_recv_ctl(), and the error queue of IP_RECVERR.
#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "os_emu/socket/inet/udp_socket.h"

namespace pollux::os_emu {
namespace {

// struct sock_extended_err of linux/errqueue.h.
struct ExtendedError {
  uint32_t error;
  uint8_t origin;
  uint8_t type;
  uint8_t code;
  uint8_t padding;
  uint32_t info;
  uint32_t data;
};
static_assert(sizeof(ExtendedError) == 16);

constexpr uint8_t kOriginIcmp = 2, kOriginIcmpV6 = 3;      // SO_EE_ORIGIN_*
constexpr uint8_t kUnreachable = 3, kPortUnreachable = 3;  // ICMP_DEST_UNREACH, ICMP_PORT_UNREACH
constexpr uint8_t kUnreachableV6 = 1, kPortUnreachableV6 = 4;

template <typename T>
ControlMessage Control(int level, int type, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  ControlMessage control{.level = level, .type = type, .data = {}};
  control.data.resize(sizeof(T));
  std::memcpy(control.data.data(), &value, sizeof(T));
  return control;
}

}  // namespace

void UdpSocket::AddControl(const Datagram& datagram, IncomingMessage& message) const {
  AddTimestamp(datagram.arrived, message);
  const bool v4 = datagram.to.address.IsV4();
  const auto wants = [this](int level, int name) { return options().Value(level, name) != 0; };
  if (domain() == kAfInet6) {
    // Of IPv4 too, mapped.
    if (wants(kSolIpV6, kIpV6RecvPktInfo)) {
      ControlMessage control{.level = kSolIpV6, .type = kIpV6PktInfo, .data = {}};
      control.data.assign(datagram.to.address.bytes.begin(), datagram.to.address.bytes.end());
      const uint32_t interface = kLoopbackIndex;
      const auto* bytes = reinterpret_cast<const uint8_t*>(&interface);
      control.data.insert(control.data.end(), bytes, bytes + sizeof(interface));
      message.control.push_back(std::move(control));
    }
    if (!v4 && wants(kSolIpV6, kIpV6RecvHopLimit)) {
      message.control.push_back(Control(kSolIpV6, kIpV6HopLimit, int32_t{datagram.ttl}));
    }
    if (!v4 && wants(kSolIpV6, kIpV6RecvTClass)) {
      message.control.push_back(Control(kSolIpV6, kIpV6TClass, int32_t{datagram.tos}));
    }
  }
  if (!v4) return;
  if (wants(kSolIp, kIpPktInfo)) {
    // struct in_pktinfo: interface, the address that took it, the one it was sent to.
    std::array<uint8_t, 12> info{};
    const uint32_t interface = kLoopbackIndex;
    std::memcpy(info.data(), &interface, sizeof(interface));
    const IpAddress& to = datagram.to.address;
    const IpAddress took = to.IsMulticast() ? IpAddress::LoopbackV4() : to;
    std::memcpy(info.data() + 4, took.bytes.data() + 12, 4);
    std::memcpy(info.data() + 8, datagram.to.address.bytes.data() + 12, 4);
    message.control.push_back(Control(kSolIp, kIpPktInfo, info));
  }
  if (wants(kSolIp, kIpRecvTtl)) {
    message.control.push_back(Control(kSolIp, kIpTtl, int32_t{datagram.ttl}));
  }
  if (wants(kSolIp, kIpRecvTos)) {
    message.control.push_back(Control(kSolIp, kIpTos, datagram.tos));
  }
}

// ip_recv_error(): the datagram that was refused, where it was for, and who refused it.
Result<size_t> UdpSocket::ReceiveError(IncomingMessage& message) {
  message.flags |= kMsgDontWait;  // It never waits.
  if (errors_.empty()) return Errno::kAgain;
  const Datagram& error = errors_.front();
  memory::UserBuffer& data = *message.data;
  const size_t length = error.bytes.size();
  const size_t bytes = std::min<uint64_t>(length, data.remaining());
  const bool fault = data.CopyTo({error.bytes.data(), bytes}) < bytes;
  if (!fault) {
    const bool v4 = error.to.address.IsV4();
    message.out_flags |= kMsgErrQueue | (bytes < length ? kMsgTrunc : 0);
    message.from = EncodeAddress(domain(), error.to);
    ExtendedError extended{};
    extended.error = static_cast<uint32_t>(Errno::kConnRefused);
    extended.origin = v4 ? kOriginIcmp : kOriginIcmpV6;
    extended.type = v4 ? kUnreachable : kUnreachableV6;
    extended.code = v4 ? kPortUnreachable : kPortUnreachableV6;
    const SocketAddress offender = EncodeAddress(v4 ? kAfInet : kAfInet6, {error.to.address, 0});
    ControlMessage control =
        Control(v4 ? kSolIp : kSolIpV6, v4 ? kIpRecvErr : kIpV6RecvErr, extended);
    control.data.insert(control.data.end(), offender.bytes.begin(),
                        offender.bytes.begin() + offender.length);
    message.control.push_back(std::move(control));
  }
  Drop(errors_);
  // The pending error was that of the last one (sock_dequeue_err_skb()).
  if (errors_.empty()) (void)TakeError();
  if (fault) return Errno::kFault;
  return bytes;
}

}  // namespace pollux::os_emu
