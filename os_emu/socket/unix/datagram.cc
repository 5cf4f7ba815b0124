// AF_UNIX datagrams and sequenced packets (unix_dgram_sendmsg(), __unix_dgram_recvmsg() of
// net/unix/af_unix.c).
#include <algorithm>
#include <utility>
#include <vector>

#include "os_emu/socket/unix/unix_socket.h"

namespace pollux::os_emu {

struct UnixSocket::HeldDatagram final : HeldMessage {
  std::unique_ptr<UnixMessage> packed;
  std::shared_ptr<UnixAnchor> target;
};

Result<void> UnixSocket::MayBeginDatagram(const OutgoingMessage& message) {
  const bool sequenced = type() == kSockSeqPacket;
  if (sequenced) {
    if (const std::optional<Errno> error = TakeError()) return *error;
    if (state_ != State::kEstablished) return Errno::kNotConn;
  }
  if (message.control_error.has_value()) return *message.control_error;
  if ((message.flags & kMsgOob) != 0) return Errno::kOpNotSupp;
  if (const SocketAddress* const to = message.to; to != nullptr && !sequenced) {
    if (to->length <= 2 || to->length > 110 || to->family() != kAfUnix) return Errno::kInval;
  }
  if (settings().pass_credentials) POLLUX_RETURN_IF_ERROR(Autobind());
  if (message.data->remaining() > settings().send_buffer_bytes - 32) return Errno::kMsgSize;
  return {};
}

Result<std::shared_ptr<UnixAnchor>> UnixSocket::TargetOf(const OutgoingMessage& message) {
  if (message.to == nullptr || type() == kSockSeqPacket) return peer_;
  POLLUX_ASSIGN_OR_RETURN(UnixSocket* const found, Find(*message.to));
  return found->anchor_;
}

Result<size_t> UnixSocket::SendDatagram(OutgoingMessage& message) {
  HeldDatagram datagram;
  const bool was_held = message.held != nullptr;
  if (was_held) {
    datagram = std::move(static_cast<HeldDatagram&>(*message.held));
    message.held.reset();
  } else {
    if (!message.has_waited) POLLUX_RETURN_IF_ERROR(MayBeginDatagram(message));
    POLLUX_RETURN_IF_ERROR(CheckRoom(message));
    const size_t bytes = message.data->remaining();
    POLLUX_ASSIGN_OR_RETURN(datagram.packed,
                            Pack(message, bytes, DatagramTrueSize(static_cast<uint32_t>(bytes))));
  }
  const size_t length = datagram.packed->left();
  const auto fail = [&](Errno error) {
    message.data->Revert(length);
    return error;
  };

  // Who has waited for room in a queue goes on with that one, where it is still there.
  std::shared_ptr<UnixAnchor>& target = datagram.target;
  const bool names = message.to != nullptr && type() != kSockSeqPacket;
  const bool lost = was_held && target->socket == nullptr && peer_ != target;
  if (lost && !names) return fail(Errno::kConnReset);
  if (!was_held || lost) {
    Result<std::shared_ptr<UnixAnchor>> found = TargetOf(message);
    if (!found.ok()) return fail(found.error());
    target = *std::move(found);
  }
  if (target == nullptr) return fail(Errno::kNotConn);
  UnixSocket* const other = target->socket;
  if (other == nullptr) {
    if (type() == kSockSeqPacket) return fail(Errno::kPipe);
    // The peer has gone.
    peer_ = nullptr;
    StopWakingMe();
    queue().Notify(kSpaceKey);
    state_ = State::kClosed;
    Disconnected(target);
    return fail(Errno::kConnRefused);
  }
  AddCredentials(*datagram.packed, *other);
  if (other->peer_ != nullptr && other->peer_ != anchor_) return fail(Errno::kPerm);
  if ((other->shutdown_ & kReceiveShutdown) != 0) return fail(Errno::kPipe);
  if (!message.rights.empty() && !other->settings().pass_rights) return fail(Errno::kPerm);
  if (other != this && other->peer_ != anchor_ && other->QueueIsFull()) {
    if ((message.flags & kMsgDontWait) == 0) {
      waits_for_ = other->anchor_;
      message.held = std::make_unique<HeldDatagram>(std::move(datagram));
      return Errno::kAgain;
    }
    if (peer_ != target || WakeMe(*other)) return fail(Errno::kAgain);
  }
  if (!message.rights.empty()) {
    datagram.packed->AttachRights(std::exchange(message.rights, {}), CurrentRealCredentials().uid);
  }
  message.control_sent = true;
  if (other->settings().timestamp) datagram.packed->arrived = kernel().clock().Realtime();
  other->Enqueue(std::move(datagram.packed));
  return length;
}

Result<size_t> UnixSocket::ReceiveDatagram(IncomingMessage& message) {
  const bool sequenced = type() == kSockSeqPacket;
  if (sequenced && state_ != State::kEstablished) return Errno::kNotConn;
  if ((message.flags & kMsgOob) != 0) return Errno::kOpNotSupp;
  const bool peek = (message.flags & kMsgPeek) != 0;
  int32_t& peek_offset = settings().peek_offset;

  // __skb_try_recv_datagram()
  if (const std::optional<Errno> error = TakeError()) return *error;
  size_t index = 0, skip = 0;
  if (peek && peek_offset >= 0) {
    skip = static_cast<size_t>(peek_offset);
    while (index < messages_.size()) {
      const UnixMessage& queued = *messages_[index];
      if (skip < queued.left() || (skip == 0 && !queued.peeked)) break;
      skip -= queued.left();
      ++index;
    }
  }
  if (index >= messages_.size()) {
    // A datagram's receiver only sees the shutdown where it would wait.
    const bool ends = sequenced || (message.flags & kMsgDontWait) == 0;
    if ((shutdown_ & kReceiveShutdown) != 0 && ends) return size_t{0};
    return Errno::kAgain;
  }
  std::unique_ptr<UnixMessage> unlinked;
  UnixMessage* queued = messages_[index].get();
  if (peek) {
    if (queued->left() == 0) queued->peeked = true;
  } else {
    unlinked = Unlink(index);
  }
  peer_wait_.Notify(kSpaceKey);

  if (message.wants_name && queued->sender().name != nullptr) {
    message.from = *queued->sender().name;
  }
  const size_t length = queued->left() - skip;
  const size_t size = std::min<size_t>(message.data->remaining(), length);
  if (size < length) message.out_flags |= kMsgTrunc;
  const size_t put = message.data->CopyTo(queued->unread().subspan(skip, size));
  message.complete = true;
  if (put < size) return Errno::kFault;
  if (settings().timestamp) {
    // Of what came before it was asked for, the time of the first look.
    if (queued->arrived == Nanos{0}) queued->arrived = kernel().clock().Realtime();
    AddTimestamp(queued->arrived, message);
  }
  if (settings().pass_credentials) message.credentials = queued->credentials;
  if (peek) {
    if (peek_offset >= 0) peek_offset += static_cast<int32_t>(size);
  } else if (peek_offset >= 0) {
    peek_offset = std::max(peek_offset - static_cast<int32_t>(queued->left()), 0);
  }
  TakeControl(*queued, message, peek);
  return (message.flags & kMsgTrunc) != 0 ? length : size;
}

// unix_dgram_disconnected(): what the old peer sent is lost, and it is told.
void UnixSocket::Disconnected(const std::shared_ptr<UnixAnchor>& old_peer) {
  if (messages_.empty()) return;
  // fput() leaves the descriptions that were in flight to the end of the call, and those of the
  // last message go first.
  std::vector<std::vector<DescriptionRef>> rights;
  for (const auto& message : messages_) rights.push_back(message->TakeRights());
  while (!messages_.empty()) Unlink(0);
  peer_wait_.NotifyAll(0);
  UnixSocket* const other = old_peer->socket;
  if (other != nullptr && other->peer_ == anchor_) {
    other->SetError(Errno::kConnReset);
    other->NotifyError();
  }
  while (!rights.empty()) rights.pop_back();
}

}  // namespace pollux::os_emu
