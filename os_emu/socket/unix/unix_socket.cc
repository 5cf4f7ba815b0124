// Making, naming, connecting and releasing AF_UNIX sockets. Data: stream.cc, datagram.cc.
#include "os_emu/socket/unix/unix_socket.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "abi/check.h"

namespace pollux::os_emu {
namespace {

// net.unix.max_dgram_qlen
constexpr int64_t kMaxDatagrams = 10;
// struct sockaddr_un
constexpr uint32_t kPathOffset = 2, kMaxNameBytes = 110;
// What one socket costs the host, with its queues' first blocks.
constexpr uint64_t kSocketBytes = 2560;

constexpr uint32_t kSiocInq = 0x541b, kSiocOutq = 0x5411, kSiocAtMark = 0x8905;

// unix_validate_addr()
Result<void> Validate(const SocketAddress& address) {
  if (address.length <= kPathOffset || address.length > kMaxNameBytes) return Errno::kInval;
  if (address.family() != kAfUnix) return Errno::kInval;
  return {};
}

bool IsAbstract(const SocketAddress& address) { return address.bytes[kPathOffset] == 0; }

std::string_view PathOf(const SocketAddress& address) {
  const char* path = reinterpret_cast<const char*>(address.bytes.data()) + kPathOffset;
  return {path, strnlen(path, address.length - kPathOffset)};
}

SocketAddress NameOf(std::string_view path_or_name, uint32_t length) {
  SocketAddress name;
  name.bytes[0] = kAfUnix;
  std::memcpy(name.bytes.data() + kPathOffset, path_or_name.data(), path_or_name.size());
  name.length = length;
  return name;
}

// What a socket without a name has: its family alone.
SocketAddress Nameless() { return NameOf("", kPathOffset); }

bool Charge(Kernel& kernel) {
  memory::MemoryBudget& budget = kernel.budget();
  if (!budget.FitsObject(kSocketBytes)) {
    return false;
  }
  budget.used_bytes += kSocketBytes;
  return true;
}

}  // namespace

Result<DescriptionRef> MakeUnixSocket(Kernel& kernel, const UnixNodes& nodes, int type,
                                      int protocol, uint32_t flags) {
  if (protocol != 0 && protocol != kAfUnix) return Errno::kProtoNoSupport;
  // BSD has raw ones, unix_create() says, though nothing uses them.
  if (type == kSockRaw) type = kSockDgram;
  if (type != kSockStream && type != kSockDgram && type != kSockSeqPacket) {
    return Errno::kSockTNoSupport;
  }
  if (!Charge(kernel)) return Errno::kNFile;
  return MakeDescription<UnixSocket>(kernel, nodes, type, flags);
}

void ConnectUnixPair(FileDescription& first, FileDescription& second) {
  UnixSocket* const a = dynamic_cast<UnixSocket*>(&first);
  UnixSocket* const b = dynamic_cast<UnixSocket*>(&second);
  POLLUX_CHECK(a != nullptr && b != nullptr) << "not AF_UNIX sockets";
  a->JoinWith(*b);
}

UnixSocket::UnixSocket(Kernel& kernel, const UnixNodes& nodes, int type, uint32_t status_flags)
    : Socket(kernel, kAfUnix, type, 0, status_flags),
      nodes_(nodes),
      table_(kernel.Part<UnixTable>()),
      anchor_(std::make_shared<UnixAnchor>()),
      backlog_(kMaxDatagrams),
      peer_wake_(*this) {
  anchor_->socket = this;
}

UnixSocket::~UnixSocket() { kernel().budget().used_bytes -= kSocketBytes; }

void UnixSocket::JoinWith(UnixSocket& other) {
  for (auto [socket, peer] : {std::pair(this, &other), std::pair(&other, this)}) {
    socket->peer_ = peer->anchor_;
    socket->state_ = State::kEstablished;
    socket->peer_credentials_ = CurrentCredentials();
  }
}

// ---- Names.

Thread* UnixSocket::CallingThread() {
  if (kernel().current() != nullptr) return kernel().current();
  auto& processes = kernel().processes();
  if (processes.empty() || processes.begin()->second->threads.empty()) return nullptr;
  return processes.begin()->second->threads.begin()->second.get();
}

Result<void> UnixSocket::Bind(const SocketAddress& address) {
  if (address.length == kPathOffset && address.family() == kAfUnix) return Autobind();
  POLLUX_RETURN_IF_ERROR(Validate(address));
  if (!IsAbstract(address)) return BindNode(PathOf(address));
  if (anchor_->name != nullptr) return Errno::kInval;
  if (table_.FindName(address, type()) != nullptr) return Errno::kAddrInUse;
  anchor_->name = std::make_shared<const SocketAddress>(address);
  table_.AddName(address, type(), *this);
  abstract_ = true;
  return {};
}

// unix_autobind(): five hexadecimal digits, from a random start.
Result<void> UnixSocket::Autobind() {
  if (anchor_->name != nullptr) return {};
  constexpr uint32_t kNumbers = 0x100000;
  const uint32_t start = static_cast<uint32_t>(kernel().world_random().Next());
  for (uint32_t i = 1; i <= kNumbers; ++i) {
    const uint32_t number = (start + i) % kNumbers;
    std::string text(1, '\0');
    for (int shift = 16; shift >= 0; shift -= 4) text += "0123456789abcdef"[number >> shift & 15];
    const SocketAddress name = NameOf(text, kPathOffset + static_cast<uint32_t>(text.size()));
    if (table_.FindName(name, type()) != nullptr) continue;
    anchor_->name = std::make_shared<const SocketAddress>(name);
    table_.AddName(name, type(), *this);
    abstract_ = true;
    return {};
  }
  return Errno::kNoSpc;
}

// unix_bind_bsd(): the node is made first, and taken back where the socket has a name already.
Result<void> UnixSocket::BindNode(std::string_view path) {
  Thread* const thread = CallingThread();
  if (thread == nullptr) return Errno::kNoEnt;
  Result<UnixNode> node = nodes_.Make(*thread, path);
  if (!node.ok()) return node.error() == Errno::kExist ? Errno::kAddrInUse : node.error();
  if (anchor_->name != nullptr) {
    nodes_.Remove(*thread, path);
    return Errno::kInval;
  }
  anchor_->name = std::make_shared<const SocketAddress>(
      NameOf(path, kPathOffset + static_cast<uint32_t>(path.size()) + 1));
  table_.AddNode(node->device, node->inode, *this);
  place_ = node->place;
  node_ = *std::move(node);
  return {};
}

// unix_find_other()
Result<UnixSocket*> UnixSocket::Find(const SocketAddress& address) {
  if (IsAbstract(address)) {
    UnixSocket* const found = table_.FindName(address, type());
    if (found == nullptr) return Errno::kConnRefused;
    return found;
  }
  Thread* const thread = CallingThread();
  if (thread == nullptr) return Errno::kNoEnt;
  POLLUX_ASSIGN_OR_RETURN(const UnixNode node, nodes_.Find(*thread, PathOf(address)));
  UnixSocket* const found = table_.FindNode(node.device, node.inode);
  if (found == nullptr) return Errno::kConnRefused;
  if (found->type() != type()) return Errno::kProtoType;
  return found;
}

Result<SocketAddress> UnixSocket::Name() {
  return anchor_->name != nullptr ? *anchor_->name : Nameless();
}

Result<SocketAddress> UnixSocket::PeerName() {
  if (peer_ == nullptr) return Errno::kNotConn;
  return peer_->name != nullptr ? *peer_->name : Nameless();
}

// ---- Connections.

Result<void> UnixSocket::Listen(int backlog) {
  if (!is_connection()) return Errno::kOpNotSupp;
  if (anchor_->name == nullptr) return Errno::kInval;
  if (state_ == State::kEstablished) return Errno::kInval;
  if (backlog > backlog_) peer_wait_.NotifyAll(0);
  backlog_ = backlog;
  state_ = State::kListen;
  peer_credentials_ = CurrentCredentials();
  return {};
}

Result<void> UnixSocket::Connect(const SocketAddress& address, bool may_wait) {
  if (!is_connection()) {
    if (address.length < kPathOffset) return Errno::kInval;
    std::shared_ptr<UnixAnchor> other;
    if (address.family() != kAfUnspec) {
      POLLUX_RETURN_IF_ERROR(Validate(address));
      if (settings().pass_credentials) POLLUX_RETURN_IF_ERROR(Autobind());
      POLLUX_ASSIGN_OR_RETURN(UnixSocket* const found, Find(address));
      // unix_may_send()
      if (found->peer_ != nullptr && found->peer_ != anchor_) return Errno::kPerm;
      other = found->anchor_;
      state_ = State::kEstablished;
      found->state_ = State::kEstablished;
    }
    const std::shared_ptr<UnixAnchor> old_peer = std::exchange(peer_, other);
    if (old_peer == nullptr) return {};
    if (other == nullptr) state_ = State::kClosed;
    StopWakingMe();
    queue().Notify(kSpaceKey);
    if (other != old_peer) Disconnected(old_peer);
    return {};
  }

  POLLUX_RETURN_IF_ERROR(Validate(address));
  if (settings().pass_credentials) POLLUX_RETURN_IF_ERROR(Autobind());
  POLLUX_ASSIGN_OR_RETURN(UnixSocket* const other, Find(address));
  if (other->state_ != State::kListen || (other->shutdown_ & kReceiveShutdown) != 0) {
    return Errno::kConnRefused;
  }
  if (other->QueueIsFull()) {
    if (may_wait) waits_for_ = other->anchor_;
    return Errno::kAgain;
  }
  if (state_ != State::kClosed) {
    return state_ == State::kEstablished ? Errno::kIsConn : Errno::kInval;
  }
  if (!Charge(kernel())) return Errno::kNoMem;
  DescriptionRef made = MakeDescription<UnixSocket>(kernel(), nodes_, type(), 0u);
  UnixSocket& embryo = static_cast<UnixSocket&>(*made);
  embryo.embryo_ = true;
  embryo.peer_ = anchor_;
  embryo.state_ = State::kEstablished;
  embryo.settings().pass_credentials = other->settings().pass_credentials;
  embryo.settings().pass_rights = other->settings().pass_rights;
  embryo.peer_credentials_ = CurrentCredentials();
  embryo.anchor_->name = other->anchor_->name;
  embryo.place_ = other->place_;
  peer_credentials_ = other->peer_credentials_;
  state_ = State::kEstablished;
  peer_ = embryo.anchor_;
  other->pending_.push_back(std::move(made));
  other->WakeReaders();
  return {};
}

WaitPlan UnixSocket::ConnectWait() {
  const std::shared_ptr<UnixAnchor> target = std::exchange(waits_for_, nullptr);
  // Who has gone meanwhile wakes nobody any more: the wait is over.
  if (target == nullptr || target->socket == nullptr) return Socket::ConnectWait();
  return {
      .queue = &target->socket->peer_wait_, .mode = WaitMode::kExclusive, .limit = send_timeout()};
}

WaitPlan UnixSocket::AcceptWait() { return ReadWait(); }

Result<DescriptionRef> UnixSocket::Accept(uint32_t flags) {
  if (!is_connection()) return Errno::kOpNotSupp;
  if (state_ != State::kListen) return Errno::kInval;
  if (const std::optional<Errno> error = TakeError()) return *error;
  if (pending_.empty()) {
    // A blocking accept(2) sees the shutdown, another one does not (skb_recv_datagram()).
    if ((shutdown_ & kReceiveShutdown) != 0 && MayWaitToReceive(0)) return Errno::kInval;
    return Errno::kAgain;
  }
  DescriptionRef accepted = std::move(pending_.front());
  pending_.pop_front();
  peer_wait_.Notify(0);
  static_cast<UnixSocket&>(*accepted).embryo_ = false;
  accepted->set_status_flags(accepted->status_flags() | (flags & kONonBlock));
  return accepted;
}

Result<void> UnixSocket::Shutdown(int how) {
  // SHUT_RD is RCV_SHUTDOWN, SHUT_WR is SEND_SHUTDOWN, SHUT_RDWR is both.
  const int mode = how + 1;
  shutdown_ |= mode;
  queue().NotifyAll(0);
  UnixSocket* const other = peer();
  if (other == nullptr || !is_connection()) return {};
  int peer_mode = 0;
  if ((mode & kReceiveShutdown) != 0) peer_mode |= kSendShutdown;
  if ((mode & kSendShutdown) != 0) peer_mode |= kReceiveShutdown;
  other->shutdown_ |= peer_mode;
  other->queue().NotifyAll(0);
  if (peer_mode == kBothShutdown) {
    other->SignalData(IoReason::kHangUp);
  } else if ((peer_mode & kReceiveShutdown) != 0) {
    other->SignalData(IoReason::kIn);
  }
  return {};
}

// unix_release_sock()
void UnixSocket::OnRelease() {
  if (abstract_) table_.RemoveName(*anchor_->name, type());
  if (node_.has_value()) table_.RemoveNode(node_->device, node_->inode);
  anchor_->socket = nullptr;
  shutdown_ = kBothShutdown;
  state_ = State::kClosed;
  oob_ = nullptr;
  const std::shared_ptr<UnixAnchor> old_peer = std::exchange(peer_, nullptr);
  peer_wait_.NotifyAll(0);
  if (UnixSocket* const other = old_peer == nullptr ? nullptr : old_peer->socket;
      other != nullptr && is_connection()) {
    // A message without bytes (a read out-of-band one) in front does not count.
    const size_t empty_ones = !messages_.empty() && messages_[0]->left() == 0 ? 1 : 0;
    const bool unread = messages_.size() > empty_ones;
    other->shutdown_ = kBothShutdown;
    if (unread || embryo_) other->SetError(Errno::kConnReset);
    other->queue().NotifyAll(0);
    other->SignalData(IoReason::kHangUp);
  }
  StopWakingMe();
  while (!messages_.empty()) Unlink(0);
  // Who has connected learns of it now, even where it is about to be released itself.
  while (!pending_.empty()) {
    DescriptionRef waiting = std::move(pending_.front());
    pending_.pop_front();
    ReleasePart(waiting);
  }
  place_ = DescriptionRef();
  node_.reset();
  table_.Collect();
}

void UnixSocket::GiveUpQueue(std::deque<std::unique_ptr<UnixMessage>>& to) {
  ForEachQueue([&](UnixSocket& socket) {
    socket.oob_ = nullptr;
    while (!socket.messages_.empty()) {
      to.push_back(std::move(socket.messages_.front()));
      socket.messages_.pop_front();
    }
  });
}

// ---- Room and readiness.

bool UnixSocket::IsWritable(uint32_t extra) const {
  // sk_wmem_alloc counts from 1.
  return state_ != State::kListen &&
         (uint64_t{send_bytes_} + 1 + extra) * 4 <= settings().send_buffer_bytes;
}

void UnixSocket::WakeWriters(uint32_t extra) {
  if (IsWritable(extra)) NotifySpace();
}

void UnixSocket::RefundSend(uint32_t bytes) {
  send_bytes_ -= bytes;
  // sock_wfree() keeps one byte until the wake-up is done.
  WakeWriters(1);
}

void UnixSocket::OnSettingChanged(int name) {
  if (name == kSoSndBuf) WakeWriters(0);
}

// unix_show_fdinfo(): what travels to this socket.
std::string UnixSocket::FdInfo() const {
  size_t count = 0;
  const auto add = [&count](const UnixSocket& socket) {
    for (const auto& message : socket.messages_) count += message->rights().size();
  };
  add(*this);
  for (const DescriptionRef& waiting : pending_) add(static_cast<const UnixSocket&>(*waiting));
  return "scm_fds: " + std::to_string(count) + "\n";
}

EventMask UnixSocket::PollFor(EventMask wanted) {
  EventMask mask = 0;
  if (has_error()) mask |= kErr;
  if (shutdown_ == kBothShutdown) mask |= kHup;
  if ((shutdown_ & kReceiveShutdown) != 0) mask |= kRdHup | kReadable;
  if (!queue_empty()) mask |= kReadable;
  if (oob_ != nullptr) mask |= kPri;
  if (is_connection() && state_ == State::kClosed) mask |= kHup;
  // unix_dgram_poll() asks about room only where somebody wants to know.
  if (type() != kSockStream && (wanted & kSpaceKey) == 0) return mask;
  bool writable = IsWritable();
  if (writable && type() != kSockStream) {
    UnixSocket* const other = peer();
    if (other != nullptr && other->peer_ != anchor_ && other->QueueIsFull() && WakeMe(*other)) {
      writable = false;
    }
  }
  if (writable) {
    mask |= kSpaceKey;
  } else if (type() != kSockStream) {
    WantSpaceSignal(true);  // unix_dgram_poll()
  }
  return mask;
}

bool UnixSocket::PeerWake::OnNotify(EventMask key) {
  Leave();
  owner_.queue().Notify(key);
  return false;
}

bool UnixSocket::WakeMe(UnixSocket& other) {
  const bool joined = !peer_wake_.waiting();
  if (joined) other.peer_wait_.Add(peer_wake_);
  if (other.QueueIsFull()) return true;
  if (joined) StopWakingMe();
  return false;
}

void UnixSocket::StopWakingMe() { peer_wake_.Leave(); }

WaitPlan UnixSocket::ReadWait() {
  if (type() == kSockStream && state_ != State::kListen) return Socket::ReadWait();
  // receiver_wake_function()
  return {.queue = &queue(),
          .mode = WaitMode::kExclusive,
          .keys = kIn | kErr,
          .limit = receive_timeout()};
}

WaitPlan UnixSocket::WriteWait() {
  WaitPlan plan = ConnectWait();
  plan.limit = send_timeout();
  return plan;
}

// ---- Options and ioctls.

Result<void> UnixSocket::SetOption(int level, int name, std::span<const uint8_t> value) {
  if (level != kSolSocket) return Errno::kOpNotSupp;
  if (name != kSoInq || type() != kSockStream) return Socket::SetOption(level, name, value);
  int32_t number;
  if (value.size() != sizeof(number)) return Errno::kInval;
  std::memcpy(&number, value.data(), sizeof(number));
  if (number < 0 || number > 1) return Errno::kInval;
  reports_inq_ = number != 0;
  return {};
}

Result<std::vector<uint8_t>> UnixSocket::GetOption(int level, int name, size_t length) {
  if (level != kSolSocket) return Errno::kOpNotSupp;
  return Socket::GetOption(level, name, length);
}

Result<int64_t> UnixSocket::Ioctl(uint32_t request, uint64_t argument,
                                  memory::AddressSpace* space) {
  int32_t answer = 0;
  switch (request) {
    case kSiocOutq:
      answer = static_cast<int32_t>(send_bytes_);
      break;
    case kSiocInq: {
      if (state_ == State::kListen) return Errno::kInval;
      size_t bytes = 0;
      for (const auto& message : messages_) {
        bytes += message->left();
        if (type() == kSockDgram) break;  // The next datagram alone.
      }
      answer = static_cast<int32_t>(bytes);
      break;
    }
    case kSiocAtMark: {
      if (messages_.empty()) break;
      const UnixMessage* const first = messages_.front().get();
      const UnixMessage* const second = messages_.size() > 1 ? messages_[1].get() : nullptr;
      answer = first == oob_ || (first->left() == 0 && (oob_ == nullptr || second == oob_)) ? 1 : 0;
      break;
    }
    default:
      return Socket::Ioctl(request, argument, space);
  }
  POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{argument}, answer));
  return int64_t{0};
}

// ---- Messages.

Result<size_t> UnixSocket::Send(OutgoingMessage& message) {
  waits_for_ = nullptr;
  return type() == kSockStream ? SendStream(message) : SendDatagram(message);
}

Result<size_t> UnixSocket::Receive(IncomingMessage& message) {
  return type() == kSockStream ? ReceiveStream(message) : ReceiveDatagram(message);
}

std::unique_ptr<UnixMessage> UnixSocket::Unlink(size_t index) {
  std::unique_ptr<UnixMessage> message = std::move(messages_[index]);
  messages_.erase(messages_.begin() + static_cast<ptrdiff_t>(index));
  return message;
}

// sock_alloc_send_pskb()
Result<void> UnixSocket::CheckRoom(OutgoingMessage& message) {
  if (const std::optional<Errno> error = TakeError()) return *error;
  if ((shutdown_ & kSendShutdown) != 0) return Errno::kPipe;
  if (send_bytes_ < settings().send_buffer_bytes) return {};
  WantSpaceSignal((message.flags & kMsgDontWait) != 0);
  message.has_waited = true;
  return Errno::kAgain;
}

Result<std::unique_ptr<UnixMessage>> UnixSocket::Pack(OutgoingMessage& message, size_t bytes,
                                                      uint32_t true_size) {
  const PeerCredentials own = CurrentRealCredentials();
  if (!message.control_sent && !message.rights.empty()) {
    // too_many_unix_fds(): looked at before this one's are counted.
    Thread* const thread = CallingThread();
    const uint64_t limit =
        thread == nullptr ? 1024 : thread->process().rlimits[kRlimitNumberOfFiles].soft;
    if (table_.InFlightOf(own.uid) > limit && !CallerHas(Capability::kSysResource) &&
        !CallerHas(Capability::kSysAdmin)) {
      return Errno::kTooManyRefs;
    }
  }
  POLLUX_ASSIGN_OR_RETURN(
      std::unique_ptr<UnixMessage> packed,
      UnixMessage::Make(table_, kernel().budget(), anchor_, *message.data, bytes, true_size));
  if (message.credentials.has_value()) packed->credentials = *message.credentials;
  return packed;
}

// unix_maybe_add_creds()
void UnixSocket::AddCredentials(UnixMessage& message, const UnixSocket& to) const {
  if (message.credentials.pid != 0) return;
  if (settings().pass_credentials || to.settings().pass_credentials || to.embryo_) {
    message.credentials = CurrentRealCredentials();
  }
}

void UnixSocket::Enqueue(std::unique_ptr<UnixMessage> message) {
  messages_.push_back(std::move(message));
  WakeReaders();
}

void UnixSocket::TakeControl(UnixMessage& from, IncomingMessage& message, bool peek) {
  if (from.rights().empty()) return;
  if (peek) {
    message.rights = from.rights();
  } else {
    message.rights = from.TakeRights();
  }
}

}  // namespace pollux::os_emu
