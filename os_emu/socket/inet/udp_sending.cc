// UdpSocket: sending (udp_sendmsg()), with UDP_CORK and MSG_MORE, which gather several messages
// into one datagram; and the options of level IPPROTO_UDP.
#include <algorithm>
#include <cstring>
#include <utility>

#include "os_emu/socket/inet/udp_socket.h"

namespace pollux::os_emu {
namespace {

constexpr int kUdpCork = 1;
constexpr uint64_t kBegunCharge = 65536;  // The most that it may become.

// What the first of two fragments is charged, measured on Linux 6.18.
constexpr uint64_t kFirstFragmentCharge = 66313;

size_t MaxPayload(const IpAddress& to) { return to.IsV4() ? 65535 - 20 - 8 : 65535 - 8; }

}  // namespace

// __ip6_append_data(): the second fragment is refused where the first has filled the buffer twice.
bool UdpSocket::HasRoomFor(size_t bytes, const IpAddress& to) const {
  return to.IsV4() || bytes <= kOnePacketBytesV6 ||
         kFirstFragmentCharge <= 2 * uint64_t{settings().send_buffer_bytes};
}

Result<size_t> UdpSocket::Send(OutgoingMessage& message) {
  POLLUX_RETURN_IF_ERROR(AutoBind());
  memory::UserBuffer& data = *message.data;
  const bool more = corked_ || (message.flags & kMsgMore) != 0;
  if (begun_.has_value()) return GoOn(message, more);
  POLLUX_ASSIGN_OR_RETURN(const IpEndpoint target, Destination(message));
  POLLUX_ASSIGN_OR_RETURN(const Ancillary ancillary, ReadControl(message, target.address.IsV4()));
  if (target.address.IsLinkLocal() || (!target.address.IsV4() && target.address.IsMulticast())) {
    return Errno::kNetUnreach;
  }
  const IpAddress source = ancillary.has_source ? ancillary.source : address;
  POLLUX_ASSIGN_OR_RETURN(const Route route, RouteFor(target.address, source, ancillary.interface));
  if (ancillary.has_source && !ancillary.source.IsLocal()) return Errno::kInval;
  if (route.kind == RouteKind::kBroadcast && !settings().broadcast) return Errno::kAcces;
  const bool v4 = route.destination.IsV4();
  // A socket that has been connected by IPv6 sends to IPv4 from no address of its own.
  const bool has_source = (source.IsLocal() && source.IsV4() == v4);
  const size_t bytes = data.remaining();
  if (bytes > MaxPayload(route.destination)) return Errno::kMsgSize;
  // sock_alloc_send_pskb()
  if (has_error()) return *TakeError();
  if (send_shut_) return Errno::kPipe;

  Datagram datagram;
  datagram.bytes.resize(bytes);
  if (!HasRoomFor(bytes, route.destination)) {
    // The first fragment has been made, and goes again.
    if (data.CopyFrom(std::span(datagram.bytes).first(kOnePacketBytesV6)) < kOnePacketBytesV6) {
      return Errno::kFault;
    }
    WakeForSpace();
    return Errno::kNoBufs;
  }
  if (data.CopyFrom(datagram.bytes) < bytes) return Errno::kFault;
  datagram.from = {has_source ? source : route.source, port};
  datagram.to = {route.destination, target.port};
  const int level = v4 ? kSolIp : kSolIpV6;
  const int ttl_option = !v4                                   ? kIpV6UnicastHops
                         : route.kind == RouteKind::kMulticast ? kIpMulticastTtl
                                                               : kIpTtl;
  datagram.tos = static_cast<uint8_t>(
      ancillary.tos >= 0 ? ancillary.tos : options().Value(level, v4 ? kIpTos : kIpV6TClass));
  datagram.ttl =
      static_cast<uint8_t>(ancillary.ttl >= 0 ? ancillary.ttl : options().Value(level, ttl_option));
  if (more) {
    memory::MemoryBudget& budget = *network().budget();
    if (!budget.FitsObject(kBegunCharge)) {
      return Errno::kNoBufs;
    }
    budget.used_bytes += kBegunCharge;
    begun_ = std::move(datagram);
    begun_kind_ = route.kind;
  } else {
    SendOut(std::move(datagram), route.kind);
  }
  return bytes;
}

// do_append_data of udp_sendmsg(): nothing of the message counts but its bytes.
Result<size_t> UdpSocket::GoOn(OutgoingMessage& message, bool more) {
  std::vector<uint8_t>& bytes = begun_->bytes;
  const size_t before = bytes.size();
  const size_t count = message.data->remaining();
  if (count > 0xffff) return Errno::kMsgSize;
  if ((message.flags & kMsgOob) != 0) return Errno::kOpNotSupp;
  Result<size_t> result = count;
  if (before + count > MaxPayload(begun_->to.address)) {
    result = Errno::kMsgSize;
  } else if (!HasRoomFor(before + count, begun_->to.address)) {
    result = Errno::kNoBufs;
  } else {
    bytes.resize(before + count);
    if (message.data->CopyFrom(std::span(bytes).subspan(before)) < count) result = Errno::kFault;
  }
  if (!result.ok()) {
    DropBegun();
  } else if (!more) {
    Uncork();
  }
  return result;
}

// udp_flush_pending_frames()
void UdpSocket::DropBegun() {
  if (!begun_.has_value()) return;
  begun_.reset();
  network().budget()->used_bytes -= kBegunCharge;
}

void UdpSocket::Uncork() {
  if (!begun_.has_value()) return;
  Datagram datagram = *std::move(begun_);
  DropBegun();
  SendOut(std::move(datagram), begun_kind_);
}

Result<Route> UdpSocket::RouteFor(const IpAddress& to, const IpAddress& from,
                                  uint32_t interface) const {
  if (to.IsV4() && to.IsMulticast()) return multicast().RouteTo(to, from, interface);
  return RouteTo(to, from);
}

void UdpSocket::SendOut(Datagram datagram, RouteKind kind) {
  // Loopback lets go of the packet before it delivers it, and so there is room again.
  WakeForSpace();
  datagram.arrived = kernel().clock().Realtime();
  if (kind != RouteKind::kLocal) {
    // To everybody who has the port, and to nobody's regret. lo hands on what is sent to a group
    // whatever IP_MULTICAST_LOOP and the TTL say, once.
    const IpAddress& group = datagram.to.address;
    const IpAddress& from = datagram.from.address;
    const bool multicast = kind == RouteKind::kMulticast;
    if (multicast && !network().TakesGroup(group, from)) return;
    const std::vector<PortUser*>* users = network().udp_ports().Users(datagram.to.port);
    if (users == nullptr) return;
    for (PortUser* user : std::vector<PortUser*>(*users)) {
      UdpSocket& receiver = static_cast<UdpSocket&>(*user);
      if (Receives(user->address, user->v6_only, group) &&
          Network::HearsFrom(*user, datagram.from) &&
          (!multicast || receiver.HearsGroup(group, from))) {
        receiver.Deliver(datagram);
      }
    }
    return;
  }
  UdpSocket* receiver = network().FindReceiver(datagram.to, datagram.from);
  if (receiver != nullptr) {
    receiver->Deliver(std::move(datagram));
  } else {
    Refused(datagram);
  }
}

// ---- Options (udp_lib_setsockopt(), udp_lib_getsockopt()).

Result<void> UdpSocket::SetOption(int level, int name, std::span<const uint8_t> value) {
  if (level == kSolUdp) {
    int32_t number;
    if (value.size() < sizeof(number)) return Errno::kInval;
    if (name != kUdpCork) return Errno::kNoProtoOpt;
    std::memcpy(&number, value.data(), sizeof(number));
    corked_ = number != 0;
    if (!corked_) Uncork();
    return {};
  }
  POLLUX_RETURN_IF_ERROR(InetSocket::SetOption(level, name, value));
  UpdatePort();
  return {};
}

Result<std::vector<uint8_t>> UdpSocket::GetOption(int level, int name, size_t length) {
  if (level != kSolUdp) return InetSocket::GetOption(level, name, length);
  if (name != kUdpCork) return Errno::kNoProtoOpt;
  const int32_t number = corked_;
  std::vector<uint8_t> bytes(sizeof(number));
  std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}

}  // namespace pollux::os_emu
