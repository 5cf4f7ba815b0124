#include "os_emu/socket/inet/udp_socket.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "abi/check.h"

namespace pollux::os_emu {
namespace {

constexpr size_t kMaxErrors = 64;

}  // namespace

UdpSocket::UdpSocket(Network& network, int domain, uint32_t status_flags)
    : InetSocket(network, domain, kSockDgram, kSolUdp, status_flags) {
  family = domain;
  address = IpAddress::AnyOf(domain);
  uid = CurrentCredentials().uid;
  bound = true;
}

UdpSocket::~UdpSocket() = default;

// skb->truesize of a datagram that __ip_append_data() has made for lo, whose MTU is 65536: a head
// for the headers and all bytes, in the sizes that kmalloc() gives, or pages beside it. Measured
// for each length on Linux 6.18, by SO_MEMINFO.
uint64_t UdpSocket::TrueSize(size_t bytes, bool v4) {
  constexpr uint64_t kSkBuff = 256, kSharedInfo = 320, kSmallHead = 576;
  const uint64_t head = bytes + (v4 ? 59 : 72);
  if (head <= kSmallHead - kSharedInfo) return kSkBuff + kSmallHead;
  if (head < 16384 - kSharedInfo) return kSkBuff + std::bit_ceil(head + kSharedInfo);
  // Over IPv6 the largest are two fragments.
  const bool two = !v4 && bytes > kOnePacketBytesV6;
  return bytes + kSkBuff + kSmallHead + (two ? 823 : 0);
}

void UdpSocket::Drop(std::deque<Datagram>& queue) {
  network().budget()->used_bytes -= queue.front().charge;
  queue.pop_front();
}

void UdpSocket::OnSettingChanged(int name) {
  if (name == kSoSndBuf) NotifySpace();
}

void UdpSocket::OnRelease() {
  network().udp_ports().Remove(*this);
  DropBegun();
  while (!datagrams_.empty()) Drop(datagrams_);
  while (!errors_.empty()) Drop(errors_);
}

void UdpSocket::UpdatePort() {
  PortUser::v6_only = InetSocket::v6_only();
  reuse_address = settings().reuse_address;
  reuse_port = settings().reuse_port;
}

// ---- Names.

Result<void> UdpSocket::Bind(const SocketAddress& to) {
  POLLUX_ASSIGN_OR_RETURN(const IpEndpoint local, CheckBind(to, !IsConnected() && port == 0));
  const bool was_v6_only = InetSocket::v6_only();
  if (BecomesV6Only(local.address)) options().SetV6Only(true);
  UpdatePort();
  address = local.address;
  if (Result<void> result = network().udp_ports().Bind(*this, local.port); !result.ok()) {
    address = IpAddress::AnyOf(domain());
    options().SetV6Only(was_v6_only);
    return result;
  }
  if (KeepsAddress(local.address)) address_chosen_ = true;
  if (local.port != 0) port_chosen_ = true;
  return {};
}

Result<void> UdpSocket::AutoBind() {
  if (port != 0) return {};
  UpdatePort();
  if (!network().udp_ports().Bind(*this, 0).ok()) return Errno::kAgain;
  return {};
}

Result<void> UdpSocket::Connect(const SocketAddress& to, bool) {
  if (to.length < 2) return Errno::kInval;
  if (to.family() == kAfUnspec) {
    Disconnect();
    return {};
  }
  POLLUX_RETURN_IF_ERROR(AutoBind());
  // An AF_INET6 socket may be connected to an AF_INET address.
  const bool plain_v4 = domain() == kAfInet6 && to.family() == kAfInet;
  if (plain_v4 && InetSocket::v6_only()) return Errno::kAfNoSupport;
  POLLUX_ASSIGN_OR_RETURN(IpEndpoint target, DecodeAddress(plain_v4 ? kAfInet : domain(), to));
  IpAddress& ip = target.address;
  // __ip6_datagram_connect(): this host, by the family that the socket has an address of.
  if (ip == IpAddress() && address.IsV4()) ip = IpAddress::LoopbackV4();
  if (domain() == kAfInet6 && ip.IsV4() && InetSocket::v6_only()) return Errno::kNetUnreach;
  if (ip.IsLinkLocal()) return Errno::kInval;
  if (!ip.IsV4() && ip.IsMulticast()) {
    // A group of a link or an interface: of which?
    const int scope = ip.bytes[1] & 0xf;
    const bool unclear =
        (scope == 1 || scope == 2) && options().Value(kSolIpV6, kIpV6MulticastIf) == 0;
    return unclear ? Errno::kInval : Errno::kNetUnreach;
  }
  POLLUX_ASSIGN_OR_RETURN(const Route route, RouteFor(ip, address, 0));
  if (route.kind == RouteKind::kBroadcast && !settings().broadcast) return Errno::kAcces;
  remote = {route.destination, target.port};
  if (domain() == kAfInet6) last_remote = remote.address;
  // It keeps that of an earlier connection.
  if (address.IsAny()) address = route.source;
  return {};
}

// __udp_disconnect()
void UdpSocket::Disconnect() {
  remote = {};
  if (!address_chosen_) address = IpAddress::AnyOf(domain());
  if (!port_chosen_) network().udp_ports().Remove(*this);
}

Result<SocketAddress> UdpSocket::Name() { return EncodeAddress(domain(), {address, port}); }

Result<SocketAddress> UdpSocket::PeerName() {
  if (remote.port == 0) return Errno::kNotConn;
  return EncodeAddress(domain(), remote);
}

Result<void> UdpSocket::Shutdown(int how) {
  if (how != kShutWr) receive_shut_ = true;
  if (how != kShutRd) send_shut_ = true;
  queue().NotifyAll(0);
  // Marked all the same (inet_shutdown()).
  if (!IsConnected()) return Errno::kNotConn;
  return {};
}

// ---- Sending (udp_sendmsg()).

// What udp_sendmsg() asks first, also of an AF_INET6 socket's message for IPv4.
Result<IpEndpoint> UdpSocket::DestinationV4(const OutgoingMessage& message,
                                            const SocketAddress* to) const {
  if (message.data->remaining() > 0xffff) return Errno::kMsgSize;
  if ((message.flags & kMsgOob) != 0) return Errno::kOpNotSupp;
  if (to == nullptr) {
    if (!IsConnected()) return Errno::kDestAddrReq;
    return remote;
  }
  SocketAddress copy = *to;
  if (to->length >= 16 && to->family() == kAfUnspec) copy.bytes[0] = kAfInet;
  POLLUX_ASSIGN_OR_RETURN(const IpEndpoint endpoint, DecodeAddress(kAfInet, copy));
  if (endpoint.port == 0) return Errno::kInval;
  return endpoint;
}

Result<IpEndpoint> UdpSocket::Destination(const OutgoingMessage& message) const {
  const SocketAddress* to = message.to;
  if (domain() == kAfInet) return DestinationV4(message, to);
  // udpv6_sendmsg()
  if (to != nullptr && to->length < 2) return Errno::kInval;
  if (to != nullptr && to->family() == kAfUnspec) to = nullptr;
  if (to != nullptr && to->family() == kAfInet) {
    if (InetSocket::v6_only()) return Errno::kNetUnreach;
    return DestinationV4(message, to);
  }
  IpEndpoint endpoint = remote;
  if (to != nullptr) {
    if (to->family() != kAfInet6) return Errno::kInval;
    POLLUX_ASSIGN_OR_RETURN(endpoint, DecodeAddress(kAfInet6, *to));
    if (endpoint.address == IpAddress() && address.IsV4()) {
      endpoint.address = IpAddress::LoopbackV4();
    }
  } else if (!IsConnected()) {
    return Errno::kDestAddrReq;
  }
  if (endpoint.address.IsV4()) {
    if (InetSocket::v6_only()) return Errno::kNetUnreach;
    // Handed on by its name, and so port 0 is refused, even that of a connection.
    const SocketAddress name = EncodeAddress(kAfInet, endpoint);
    return DestinationV4(message, &name);
  }
  if (to != nullptr && endpoint.port == 0) return Errno::kInval;
  return endpoint;
}

Result<UdpSocket::Ancillary> UdpSocket::ReadControl(const OutgoingMessage& message, bool v4) const {
  Ancillary ancillary;
  for (const ControlMessage& control : message.control) {
    if (control.level == kSolSocket) {
      POLLUX_RETURN_IF_ERROR(CheckSocketControl(control));
      continue;
    }
    // ip_cmsg_send() passes over what is not its level's, and so does ip6_datagram_send_ctl().
    const bool own_level = control.level == (v4 ? kSolIp : kSolIpV6);
    const bool mapped_info =
        domain() == kAfInet6 && control.level == kSolIpV6 && control.type == kIpV6PktInfo;
    if (control.level != kSolUdp && !own_level && !mapped_info) continue;
    int32_t number = 0;
    const bool is_number = control.data.size() == sizeof(number);
    if (control.data.size() >= sizeof(number)) {
      std::memcpy(&number, control.data.data(), sizeof(number));
    }
    if (control.level == kSolIp && control.type == kIpPktInfo) {
      // struct in_pktinfo: interface, ipi_spec_dst, ipi_addr.
      if (control.data.size() != 12) return Errno::kInval;
      if (number != 0 && number != static_cast<int32_t>(kLoopbackIndex)) return Errno::kNoDev;
      ancillary.interface = static_cast<uint32_t>(number);
      uint32_t v4 = 0;
      for (int i = 0; i < 4; ++i) v4 = v4 << 8 | control.data[4 + i];
      if (v4 != 0) {
        ancillary.source = IpAddress::V4(v4);
        ancillary.has_source = true;
      }
    } else if (mapped_info) {
      // struct in6_pktinfo: address, interface.
      if (control.data.size() < 20) return Errno::kInval;
      IpAddress source;
      std::memcpy(source.bytes.data(), control.data.data(), 16);
      if (v4 && !source.IsV4()) return Errno::kInval;
      ancillary.source = source;
      ancillary.has_source = !source.IsAny();
    } else if (control.level == kSolIp && control.type == kIpTtl) {
      if (!is_number || number < 1 || number > 255) return Errno::kInval;
      ancillary.ttl = number;
    } else if (control.level == kSolIp && control.type == kIpTos) {
      if (control.data.empty() || (control.data.size() != 1 && !is_number)) return Errno::kInval;
      ancillary.tos = control.data.size() == 1 ? control.data[0] : number;
      if (ancillary.tos < 0 || ancillary.tos > 255) return Errno::kInval;
    } else if (control.level == kSolIpV6 &&
               (control.type == kIpV6HopLimit || control.type == kIpV6TClass)) {
      if (!is_number || number < -1 || number > 255) return Errno::kInval;
      (control.type == kIpV6HopLimit ? ancillary.ttl : ancillary.tos) = number;
    } else {
      // Routes, GSO: refused.
      return Errno::kInval;
    }
  }
  if (message.control_error.has_value()) return *message.control_error;
  return ancillary;
}

bool UdpSocket::Deliver(Datagram datagram) {
  datagram.charge = TrueSize(datagram.bytes.size(), datagram.to.address.IsV4());
  memory::MemoryBudget& budget = *network().budget();
  // __udp_enqueue_schedule_skb(): an empty buffer takes one, however large.
  if (queued_charge_ > 0 && queued_charge_ + datagram.charge > settings().receive_buffer_bytes) {
    return false;
  }
  if (!budget.Fits(datagram.charge)) return false;
  budget.used_bytes += datagram.charge;
  queued_charge_ += datagram.charge;
  datagrams_.push_back(std::move(datagram));
  NotifyData();
  return true;
}

bool UdpSocket::WantsErrors(const IpAddress& to) const {
  return options().Value(to.IsV4() ? kSolIp : kSolIpV6, to.IsV4() ? kIpRecvErr : kIpV6RecvErr) != 0;
}

void UdpSocket::Refused(const Datagram& datagram) {
  // The refusal finds the socket by both endpoints: one that is connected elsewhere is not found.
  if (!Network::HearsFrom(*this, datagram.to)) return;
  if (!Receives(address, PortUser::v6_only, datagram.from.address)) return;
  const bool wants_errors = WantsErrors(datagram.to.address);
  if (!wants_errors && !IsConnected()) return;
  if (wants_errors && errors_.size() < kMaxErrors) {
    Datagram error = datagram;
    error.charge = TrueSize(error.bytes.size(), error.to.address.IsV4());
    network().budget()->used_bytes += error.charge;
    errors_.push_back(std::move(error));
    // sock_queue_err_skb() reports by itself.
    NotifyError();
  }
  SetError(Errno::kConnRefused);
  NotifyError();
}

// ---- Receiving (udp_recvmsg()).

WaitPlan UdpSocket::ReadWait() {
  return {.queue = &queue(), .mode = WaitMode::kExclusive, .limit = receive_timeout()};
}

Result<size_t> UdpSocket::Receive(IncomingMessage& message) {
  if ((message.flags & kMsgErrQueue) != 0) return ReceiveError(message);
  memory::UserBuffer& data = *message.data;
  // __skb_recv_udp(): the pending error comes first.
  if (has_error()) return *TakeError();
  if (datagrams_.empty()) {
    if (receive_shut_ && MayWaitToReceive(message.flags)) return size_t{0};
    return Errno::kAgain;
  }
  const bool peek = (message.flags & kMsgPeek) != 0;
  LookAtQueue();
  Datagram& datagram = datagrams_.front();
  const size_t length = datagram.bytes.size();
  const size_t bytes = std::min<uint64_t>(length, data.remaining());
  if (bytes < length) message.out_flags |= kMsgTrunc;
  const bool fault = data.CopyTo({datagram.bytes.data(), bytes}) < bytes;
  if (!fault) {
    message.from = domain() == kAfInet6 ? EncodeAddress(kAfInet6, datagram.from)
                                        : EncodeAddress(kAfInet, datagram.from);
    NoteReceived(datagram.arrived);
    AddControl(datagram, message);
  }
  if (!peek) {
    const uint64_t charge = datagram.charge;
    Drop(datagrams_);
    --readers_datagrams_;
    GiveBack(charge);
  }
  if (fault) return Errno::kFault;
  return (message.flags & kMsgTrunc) != 0 ? length : bytes;
}

// udp_rmem_release(): while its reader has more, what was read is given back in larger amounts.
// Then the reader takes the rest, too.
void UdpSocket::GiveBack(uint64_t charge) {
  read_charge_ += charge;
  if (read_charge_ < settings().receive_buffer_bytes / 4 && readers_datagrams_ > 0) return;
  queued_charge_ -= std::exchange(read_charge_, 0);
  readers_datagrams_ = datagrams_.size();
}

EventMask UdpSocket::Poll() {
  EventMask mask = kWritable | kWrBand;
  if (has_error() || !errors_.empty()) mask |= kErr;
  if (receive_shut_) mask |= kRdHup | kReadable;
  if (receive_shut_ && send_shut_) mask |= kHup;
  if (!datagrams_.empty()) {
    mask |= kReadable;
    // udp_poll() looks for one whose checksum is right.
    if (!nonblocking() && !receive_shut_) LookAtQueue();
  }
  return mask;
}

Result<int64_t> UdpSocket::Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) {
  int32_t value = 0;
  switch (request) {
    case kSiocInq:
      LookAtQueue();
      value = datagrams_.empty() ? 0 : static_cast<int32_t>(datagrams_.front().bytes.size());
      break;
    case kSiocOutq:
      break;
    case kSiocGstamp:
    case kSiocGstampNs:
    case kSiocGstampNew:
    case kSiocGstampNsNew:
      return TellTimestamp(request, GuestAddr{argument}, space);
    default:
      return InetSocket::Ioctl(request, argument, space);
  }
  POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{argument}, value));
  return int64_t{0};
}

}  // namespace pollux::os_emu
