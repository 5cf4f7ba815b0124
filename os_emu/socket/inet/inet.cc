#include "os_emu/socket/inet/inet.h"

#include "os_emu/socket/inet/network.h"
#include "os_emu/socket/inet/tcp_socket.h"
#include "os_emu/socket/inet/udp_socket.h"

namespace pollux::os_emu {
namespace {

constexpr int kSockPacket = 10, kSockMax = 11, kMaxProtocol = 262;  // IPPROTO_MPTCP
constexpr int kIcmp = 1, kIcmpV6 = 58;

}  // namespace

Result<DescriptionRef> MakeInetSocket(Kernel& kernel, int domain, int type, int protocol,
                                      uint32_t flags) {
  if (type < 0 || type >= kSockMax) return Errno::kInval;
  if (type == kSockPacket && domain == kAfInet) return Errno::kPerm;  // Becomes PF_PACKET.
  if (protocol < 0 || protocol > kMaxProtocol) return Errno::kInval;
  switch (type) {
    case kSockStream:
      // Multipath TCP and SCTP are not offered.
      if (protocol != 0 && protocol != kSolTcp) return Errno::kProtoNoSupport;
      break;
    case kSockDgram:
      if (protocol == (domain == kAfInet ? kIcmp : kIcmpV6)) return Errno::kAcces;
      if (protocol != 0 && protocol != kSolUdp) return Errno::kProtoNoSupport;
      break;
    case kSockRaw:
      return protocol == 0 ? Errno::kProtoNoSupport : Errno::kPerm;
    default:
      return Errno::kSockTNoSupport;
  }
  Network& network = kernel.Part<Network>();
  if (!InetSocket::CanCharge(network)) return Errno::kNoBufs;
  if (type == kSockStream) return MakeDescription<TcpSocket>(network, domain, flags);
  return MakeDescription<UdpSocket>(network, domain, flags);
}

void SetTcpFaultSource(Kernel& kernel, TcpFaultSource* source) {
  kernel.Part<Network>().SetTcpFaultSource(source);
}

bool HasTcpListener(Kernel& kernel, uint16_t port) {
  const IpAddress loopback = IpAddress::LoopbackV4();
  return kernel.Part<Network>().FindListener({loopback, port}, {loopback, 0}) != nullptr;
}

}  // namespace pollux::os_emu
