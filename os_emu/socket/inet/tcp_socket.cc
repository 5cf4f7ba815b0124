#include "os_emu/socket/inet/tcp_socket.h"

#include <algorithm>
#include <utility>

#include "abi/check.h"
#include "os_emu/task/release_wait.h"

namespace pollux::os_emu {
namespace {

constexpr int kMaxBacklog = 4096;  // net.core.somaxconn
// net.ipv4.tcp_wmem and tcp_rmem.
constexpr uint32_t kFirstSendBufferBytes = 16384, kFirstReceiveBufferBytes = 131072;
// What the send buffer of a connection over lo grows to at once (tcp_sndbuf_expand()).
constexpr uint32_t kGrownSendBufferBytes = 2626560;

// sk_stream_wait_close(): until the peer has acknowledged everything and the end.
class LingerWait final : public ReleaseWait {
 public:
  LingerWait(std::shared_ptr<TcpEndpoint> endpoint, Nanos span)
      : ReleaseWait(span), endpoint_(std::move(endpoint)) {}
  bool Over() const override { return !endpoint_->IsClosing(); }
  WaitQueue& queue() override { return endpoint_->closing_queue(); }

 private:
  std::shared_ptr<TcpEndpoint> endpoint_;
};

}  // namespace

TcpSocket::TcpSocket(Network& network, int domain, uint32_t status_flags)
    : InetSocket(network, domain, kSockStream, kSolTcp, status_flags),
      endpoint_(std::make_shared<TcpEndpoint>(network, static_cast<TcpOwner*>(this))) {
  settings().send_buffer_bytes = kFirstSendBufferBytes;
  settings().receive_buffer_bytes = kFirstReceiveBufferBytes;
  endpoint_->family = domain;
  endpoint_->address = IpAddress::AnyOf(domain);
  endpoint_->uid = CurrentCredentials().uid;
  name_.address = endpoint_->address;
  UpdateEndpoint();
}

void TcpSocket::UpdateEndpoint() {
  endpoint_->reuse_address = settings().reuse_address;
  endpoint_->reuse_port = settings().reuse_port;
  endpoint_->v6_only = v6_only();
  TcpEndpoint::Limits& limits = endpoint_->limits();
  limits.send_bytes = settings().send_buffer_bytes;
  limits.receive_bytes = settings().receive_buffer_bytes;
  limits.low_water = static_cast<size_t>(settings().receive_low_water);
  limits.urgent_inline = settings().oob_inline;
}

// ---- Names.

Result<void> TcpSocket::Bind(const SocketAddress& address) {
  const bool fresh = endpoint_->state() == TcpState::kClose && endpoint_->port == 0;
  POLLUX_ASSIGN_OR_RETURN(const IpEndpoint local, CheckBind(address, fresh));
  UpdateEndpoint();
  endpoint_->address = local.address;
  const bool was_v6_only = v6_only();
  if (BecomesV6Only(local.address)) options().SetV6Only(true);
  endpoint_->v6_only = v6_only();
  const bool port_later = local.port == 0 && options().Value(kSolIp, kIpBindAddressNoPort) != 0;
  if (!port_later) {
    endpoint_->bound = true;
    if (Result<void> bound = network().tcp_ports().Bind(*endpoint_, local.port); !bound.ok()) {
      endpoint_->bound = false;
      endpoint_->address = IpAddress::AnyOf(domain());
      options().SetV6Only(was_v6_only);
      endpoint_->v6_only = was_v6_only;
      return bound;
    }
  }
  address_bound_ = KeepsAddress(local.address);
  endpoint_->keep_port(local.port != 0);
  name_ = {local.address, endpoint_->port};
  return {};
}

Result<SocketAddress> TcpSocket::Name() { return EncodeAddress(domain(), name_); }

Result<SocketAddress> TcpSocket::PeerName() {
  const TcpState state = endpoint_->state();
  if (remote_.port == 0 || state == TcpState::kClose || state == TcpState::kSynSent) {
    return Errno::kNotConn;
  }
  return EncodeAddress(domain(), remote_);
}

// ---- Listening.

Result<void> TcpSocket::Listen(int backlog) {
  if (progress_ != Progress::kUnconnected) return Errno::kInval;
  const TcpState state = endpoint_->state();
  if (state != TcpState::kClose && state != TcpState::kListen) return Errno::kInval;
  // As an unsigned number: a negative one is the most.
  backlog_ = backlog < 0 ? kMaxBacklog : std::min(backlog, kMaxBacklog);
  if (state == TcpState::kListen) return {};
  endpoint_->StartListening();
  PortTable& ports = network().tcp_ports();
  Result<void> result;
  if (endpoint_->port == 0) {
    endpoint_->bound = true;
    result = ports.Bind(*endpoint_, 0);
  } else {
    result = ports.CheckListener(*endpoint_);
  }
  if (!result.ok()) {
    endpoint_->StopListening();
    return result;
  }
  name_.port = endpoint_->port;
  return {};
}

bool TcpSocket::OnSyn(TcpEndpoint& client) {
  if (accept_queue_.size() + deferred_.size() > static_cast<size_t>(backlog_)) return false;
  if (!CanCharge(network())) return false;
  DescriptionRef description = MakeDescription<TcpSocket>(network(), domain(), 0u);
  TcpSocket& child = static_cast<TcpSocket&>(*description);
  child.InheritSettings(*this);
  child.options() = options();
  child.tcp_ = tcp_;
  child.send_buffer_set_ = send_buffer_set_;
  child.progress_ = Progress::kConnected;
  child.endpoint_->limits() = endpoint_->limits();
  child.endpoint_->uid = endpoint_->uid;
  child.endpoint_->address = client.remote.address;
  child.endpoint_->remote = {client.address, client.port};
  child.endpoint_->port = client.remote.port;
  child.UpdateEndpoint();
  child.name_ = client.remote;
  child.remote_ = child.endpoint_->remote;
  network().tcp_ports().Add(*child.endpoint_);
  child.endpoint_->AcceptSyn(client, *endpoint_);
  if (tcp_.defer_accept_seconds > 0) {
    child.deferring_listener_ = this;
    child.endpoint_->DeferFor(Nanos{tcp_.defer_accept_seconds * kNanosPerSecond});
    deferred_.push_back(std::move(description));
    return true;
  }
  accept_queue_.push_back(std::move(description));
  WakeForData();
  return true;
}

void TcpSocket::OnFirstData() {
  if (deferring_listener_ == nullptr) return;
  TcpSocket* listener = std::exchange(deferring_listener_, nullptr);
  listener->MoveToAcceptQueue(*this);
}

void TcpSocket::MoveToAcceptQueue(TcpSocket& child) {
  const auto found = std::find_if(deferred_.begin(), deferred_.end(),
                                  [&](const DescriptionRef& ref) { return ref.get() == &child; });
  POLLUX_CHECK(found != deferred_.end()) << "it was not deferred here";
  accept_queue_.push_back(std::move(*found));
  deferred_.erase(found);
  WakeForData();
}

Result<DescriptionRef> TcpSocket::Accept(uint32_t flags) {
  if (endpoint_->state() != TcpState::kListen) return Errno::kInval;
  if (accept_queue_.empty()) return Errno::kAgain;
  DescriptionRef accepted = std::move(accept_queue_.front());
  accept_queue_.pop_front();
  accepted->set_status_flags(kORdWr | (flags & kONonBlock));
  return accepted;
}

// inet_csk_listen_stop(): those that nobody accepted are reset.
void TcpSocket::DropQueues() {
  for (std::deque<DescriptionRef>* queue : {&accept_queue_, &deferred_}) {
    std::deque<DescriptionRef> dropped;
    dropped.swap(*queue);
    for (const DescriptionRef& description : dropped) {
      TcpSocket& child = static_cast<TcpSocket&>(*description);
      child.deferring_listener_ = nullptr;
      child.endpoint_->Disconnect();
    }
  }
}

// sk_stream_write_space()
void TcpSocket::WakeForSpace() {
  queue().Notify(kOut | kWrNorm | kWrBand);
  if (!endpoint_->send_shut()) SignalSpace();
}

// ---- Connecting (__inet_stream_connect()).

Result<void> TcpSocket::Connect(const SocketAddress& address, bool may_wait) {
  if (address.length < 2) return Errno::kInval;
  if (address.family() == kAfUnspec) {
    Disconnect();
    return {};
  }
  switch (progress_) {
    case Progress::kConnected:
      return Errno::kIsConn;
    case Progress::kConnecting:
      connect_pending_ = Errno::kAlready;
      return FinishConnect(may_wait, Errno::kAlready);
    case Progress::kDisconnecting:
      return Errno::kInval;
    case Progress::kUnconnected:
      break;
  }
  if (endpoint_->state() != TcpState::kClose) return Errno::kIsConn;
  POLLUX_RETURN_IF_ERROR(StartConnect(address));
  progress_ = Progress::kConnecting;
  connect_pending_ = Errno::kInProgress;
  // The answer has come already, but Linux sees it only after the call of a non-blocking socket.
  if (!may_wait) return Errno::kInProgress;
  return FinishConnect(may_wait, Errno::kInProgress);
}

Result<void> TcpSocket::ResumeConnect(const SocketAddress&) {
  return FinishConnect(true, connect_pending_);
}

Result<void> TcpSocket::FinishConnect(bool may_wait, Errno pending) {
  if (endpoint_->state() == TcpState::kSynSent) return may_wait ? Errno::kAgain : pending;
  if (endpoint_->state() == TcpState::kClose) {
    const Errno error = TakeError().value_or(Errno::kConnAborted);
    Disconnect();
    // tcp_disconnect() of a connection that never was leaves no error.
    return error;
  }
  progress_ = Progress::kConnected;
  return {};
}

Result<void> TcpSocket::StartConnect(const SocketAddress& address) {
  POLLUX_ASSIGN_OR_RETURN(IpEndpoint remote, DecodeAddress(domain(), address));
  const IpAddress bound = endpoint_->address;
  // tcp_v6_connect(): the wildcard is this host, by the family that the socket is bound to.
  if (remote.address == IpAddress() && bound.IsV4()) remote.address = IpAddress::LoopbackV4();
  if (domain() == kAfInet6 && remote.address.IsV4() && v6_only()) return Errno::kNetUnreach;
  POLLUX_ASSIGN_OR_RETURN(const Route route, RouteTo(remote.address, bound));
  if (route.kind == RouteKind::kBroadcast) return Errno::kNetUnreach;
  if (!bound.IsAny() && bound.IsV4() != route.destination.IsV4()) return Errno::kNetUnreach;
  UpdateEndpoint();
  endpoint_->remote = {route.destination, remote.port};
  if (bound.IsAny()) endpoint_->address = route.source;
  const Result<void> claimed = endpoint_->port == 0 ? network().BindForConnect(*endpoint_)
                                                    : network().ClaimConnection(*endpoint_);
  if (!claimed.ok()) {
    endpoint_->remote = {};
    endpoint_->address = bound;
    return claimed;
  }
  name_ = {endpoint_->address, endpoint_->port};
  remote_ = endpoint_->remote;
  // tcp_connect_init() forgets what an earlier connection left.
  (void)TakeError();
  endpoint_->SendSyn();
  return {};
}

void TcpSocket::OnEstablished() {
  if (!send_buffer_set_) {
    settings().send_buffer_bytes = kGrownSendBufferBytes;
    endpoint_->limits().send_bytes = kGrownSendBufferBytes;
  }
}

void TcpSocket::Disconnect() {
  if (IsListening()) DropQueues();
  if (endpoint_->Disconnect()) SetError(Errno::kConnReset);
  progress_ = Progress::kUnconnected;
  remote_ = {};
  if (endpoint_->port == 0) endpoint_->bound = false;
  if (!address_bound_) {
    endpoint_->address = IpAddress::AnyOf(domain());
    name_.address = endpoint_->address;
  }
  WakeForError();
}

// ---- Ending.

Result<void> TcpSocket::Shutdown(int how) {
  const bool receive = how != kShutWr, send = how != kShutRd;
  Result<void> result;
  if (progress_ == Progress::kConnecting) {
    // inet_shutdown(): a connect(2) that has failed, and whose error nobody took, is given up.
    const bool failed = endpoint_->state() == TcpState::kClose;
    if (failed) progress_ = Progress::kDisconnecting;
    if (!failed && endpoint_->state() != TcpState::kSynSent) progress_ = Progress::kConnected;
  }
  switch (endpoint_->state()) {
    case TcpState::kListen:
      if (receive) Disconnect();
      break;
    case TcpState::kSynSent:
      Disconnect();
      break;
    case TcpState::kClose:
      result = Errno::kNotConn;
      // It is marked all the same, and those who poll are told.
      [[fallthrough]];
    default:
      if (receive) endpoint_->ShutReceive();
      if (send) endpoint_->ShutSend();
      break;
  }
  WakeForState();
  return result;
}

void TcpSocket::OnRelease() {
  deferring_listener_ = nullptr;
  if (IsListening()) {
    endpoint_->StopListening();
    DropQueues();
  }
  const bool lingers = settings().linger;
  endpoint_->Close(lingers && settings().linger_seconds == 0);
  if (lingers && endpoint_->IsClosing()) {
    // A negative number is a very large one (sk_setsockopt()).
    const int32_t seconds = settings().linger_seconds;
    const Nanos span = seconds < 0 ? kNanosMax : Nanos{seconds * kNanosPerSecond};
    AwaitBeforeReturn(kernel(), std::make_unique<LingerWait>(endpoint_, span));
  }
}

// ---- Readiness (tcp_poll()).

EventMask TcpSocket::Poll() {
  TcpEndpoint& endpoint = *endpoint_;
  const TcpState state = endpoint.state();
  if (state == TcpState::kListen) return accept_queue_.empty() ? 0 : kReadable;
  EventMask mask = 0;
  const bool both_shut = endpoint.receive_shut() && endpoint.send_shut();
  if (both_shut || state == TcpState::kClose) mask |= kHup;
  if (endpoint.receive_shut()) mask |= kReadable | kRdHup;
  if (state != TcpState::kSynSent) {
    if (endpoint.Readable(endpoint.PollTarget()) ||
        (endpoint.received().size() >= endpoint.limits().receive_bytes)) {
      mask |= kReadable;
    }
    if (endpoint.send_shut() || endpoint.Writable()) {
      mask |= kWritable;
    } else {
      endpoint.WantSpace();
      WantSpaceSignal(true);
    }
    if (endpoint.urgent() == TcpEndpoint::Urgent::kValid) mask |= kPri;
  }
  if (has_error()) mask |= kErr;
  return mask;
}

}  // namespace pollux::os_emu
