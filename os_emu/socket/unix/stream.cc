// Bytes of AF_UNIX streams, with the out-of-band byte (unix_stream_sendmsg(),
// unix_stream_read_generic(), manage_oob() of net/unix/af_unix.c).
#include <algorithm>
#include <utility>

#include "os_emu/socket/unix/unix_socket.h"

namespace pollux::os_emu {

Result<size_t> UnixSocket::SendStream(OutgoingMessage& message) {
  const bool out_of_band = (message.flags & kMsgOob) != 0;
  size_t length = message.data->remaining();
  if (out_of_band) {
    if (length == 0) return Errno::kOpNotSupp;
    --length;
  }
  if (!message.has_waited) {
    if (message.to != nullptr) {
      return state_ == State::kEstablished ? Errno::kIsConn : Errno::kOpNotSupp;
    }
    if (peer_ == nullptr) return Errno::kNotConn;
    if ((shutdown_ & kSendShutdown) != 0) return Errno::kPipe;
  }

  size_t sent = 0;
  const auto end = [&](Errno error) -> Result<size_t> {
    if (sent > 0) return sent;
    return error;
  };
  while (sent < length) {
    // Two messages shall fit into the buffer; pages follow a head. What is spliced is one message,
    // and costs its bytes.
    const bool splices = (message.flags & kMsgSplicePages) != 0;
    const size_t bytes =
        splices ? length - sent
                : std::min<size_t>({length - sent, settings().send_buffer_bytes / 2 - 64,
                                    kSkbHeadBytes + kSkbFragBytes});
    if (Result<void> room = CheckRoom(message); !room.ok()) {
      message.quiet_pipe = room.error() == Errno::kPipe;
      return end(room.error());
    }
    Result<std::unique_ptr<UnixMessage>> packed =
        Pack(message, bytes,
             splices ? SkbTrueSize(0, static_cast<uint32_t>(bytes))
                     : StreamTrueSize(static_cast<uint32_t>(bytes)));
    if (!packed.ok()) return end(packed.error());
    UnixSocket* const other = peer();
    if (other == nullptr || (other->shutdown_ & kReceiveShutdown) != 0) {
      return end(Errno::kPipe);
    }
    AddCredentials(**packed, *other);
    if (!message.control_sent && !message.rights.empty()) {
      if (!other->settings().pass_rights) return end(Errno::kPerm);
      (*packed)->AttachRights(std::exchange(message.rights, {}), CurrentRealCredentials().uid);
    }
    message.control_sent = true;
    sent += bytes;
    other->Enqueue(*std::move(packed));
  }
  if (out_of_band) {
    const Result<size_t> byte = SendOutOfBand(message);
    if (!byte.ok()) return end(byte.error());
    ++sent;
  }
  return sent;
}

// queue_oob(): a message of its own, which becomes the receiver's mark.
Result<size_t> UnixSocket::SendOutOfBand(OutgoingMessage& message) {
  message.quiet_pipe = true;
  POLLUX_RETURN_IF_ERROR(CheckRoom(message));
  POLLUX_ASSIGN_OR_RETURN(std::unique_ptr<UnixMessage> packed,
                          Pack(message, 1, DatagramTrueSize(1)));
  UnixSocket* const other = peer();
  if (other == nullptr || (other->shutdown_ & kReceiveShutdown) != 0) return Errno::kPipe;
  AddCredentials(*packed, *other);
  if (!message.control_sent && !message.rights.empty()) {
    if (!other->settings().pass_rights) return Errno::kPerm;
    packed->AttachRights(std::exchange(message.rights, {}), CurrentRealCredentials().uid);
  }
  message.control_sent = true;
  other->oob_ = packed.get();
  other->SignalUrgent();
  other->Enqueue(std::move(packed));
  return size_t{1};
}

size_t UnixSocket::SkipOutOfBand(size_t index, bool peek, bool has_data) {
  const size_t none = messages_.size();
  const UnixMessage* message = messages_[index].get();
  if (message->left() > 0 && message != oob_) return index;
  if (message->left() == 0) {
    if (has_data && (oob_ == nullptr || message == oob_)) return none;
    // The place of an out-of-band byte that was read.
    if (peek) {
      ++index;
    } else {
      Unlink(index);
    }
    if (index >= messages_.size()) return messages_.size();
    message = messages_[index].get();
  }
  if (message != oob_) return index;
  if (has_data) return messages_.size();
  if (!peek) {
    oob_ = nullptr;
    if (!settings().oob_inline) Unlink(index);
    return index;
  }
  return settings().oob_inline ? index : index + 1;
}

Result<size_t> UnixSocket::ReceiveOutOfBand(IncomingMessage& message) {
  if (settings().oob_inline || oob_ == nullptr) return Errno::kInval;
  const bool peek = (message.flags & kMsgPeek) != 0;
  const auto at = std::find_if(messages_.begin(), messages_.end(),
                               [this](const auto& m) { return m.get() == oob_; });
  UnixMessage& byte = **at;
  std::unique_ptr<UnixMessage> read_before;
  if (!peek) {
    oob_ = nullptr;
    const size_t index = static_cast<size_t>(at - messages_.begin());
    if (index > 0 && messages_[index - 1]->left() == 0) read_before = Unlink(index - 1);
  }
  const size_t copied = message.data->CopyTo(byte.unread().first(1));
  if (!peek) byte.Consume(1);
  message.complete = true;
  if (copied == 0) return Errno::kFault;
  message.out_flags |= kMsgOob;
  return size_t{1};
}

Result<size_t> UnixSocket::ReceiveStream(IncomingMessage& message) {
  if (state_ != State::kEstablished) return Errno::kInval;
  if ((message.flags & kMsgOob) != 0) return ReceiveOutOfBand(message);
  const bool peek = (message.flags & kMsgPeek) != 0;
  size_t skip = peek ? static_cast<size_t>(std::max(settings().peek_offset, 0)) : 0;
  size_t copied = 0;
  size_t index = 0;
  bool peeks_on = false;
  do {
    if (index < messages_.size()) {
      const bool has_data = copied > 0 || message.done > 0;
      index = SkipOutOfBand(index, peek, has_data);
      if (index >= messages_.size() && has_data) {
        message.complete = true;
        break;
      }
    }
    if (index >= messages_.size()) {
      if (copied > 0) break;
      if (const std::optional<Errno> error = TakeError()) return *error;
      if ((shutdown_ & kReceiveShutdown) != 0) return size_t{0};
      return Errno::kAgain;
    }
    UnixMessage& front = *messages_[index];
    if (peek && skip >= front.left()) {
      skip -= front.left();
      ++index;
      continue;
    }
    if (settings().pass_credentials) {
      // Never glue messages from different writers.
      if (message.credentials.has_value() && *message.credentials != front.credentials) {
        message.complete = true;
        break;
      }
      message.credentials = front.credentials;
    }
    if (message.wants_name && front.sender().name != nullptr) {
      message.from = *front.sender().name;
    }
    const size_t chunk = std::min<size_t>(front.left() - skip, message.data->remaining());
    const size_t put = message.data->CopyTo(front.unread().subspan(skip, chunk));
    if (put < chunk) {
      message.data->Revert(put);
      message.complete = true;
      if (copied == 0 && message.done == 0) return Errno::kFault;
      break;
    }
    copied += chunk;
    int32_t& peek_offset = settings().peek_offset;
    if (peek) {
      if (peek_offset >= 0) peek_offset += static_cast<int32_t>(chunk);
      if (!front.rights().empty()) {
        TakeControl(front, message, true);
        message.complete = true;
        break;
      }
      // On to the next one even where the buffer is full: its rights may be looked at.
      skip = 0;
      ++index;
      if (index >= messages_.size()) break;
      peeks_on = true;
      continue;
    }
    front.Consume(chunk);
    if (peek_offset >= 0) {
      peek_offset = std::max(peek_offset - static_cast<int32_t>(chunk), 0);
    }
    TakeControl(front, message, false);
    if (!message.rights.empty()) message.complete = true;
    if (front.left() > 0) break;
    Unlink(index);
  } while ((message.data->remaining() > 0 || peeks_on) && !message.complete);
  if (reports_inq_) {
    int32_t left = 0;
    for (const auto& queued : messages_) left += static_cast<int32_t>(queued->left());
    ControlMessage inq{kSolSocket, kSoInq, std::vector<uint8_t>(sizeof(left))};
    std::copy_n(reinterpret_cast<const uint8_t*>(&left), sizeof(left), inq.data.begin());
    message.control = {std::move(inq)};
  }
  return copied;
}

}  // namespace pollux::os_emu
