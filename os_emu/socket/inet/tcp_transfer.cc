// TcpSocket: what moves bytes: tcp_sendmsg_locked(), tcp_recvmsg_locked(), tcp_recv_urg(),
// tcp_ioctl().
#include <algorithm>

#include "os_emu/socket/inet/tcp_socket.h"

namespace pollux::os_emu {
Result<size_t> TcpSocket::Send(OutgoingMessage& message) {
  // A connection that begins with data is not offered.
  if ((message.flags & kMsgFastOpen) != 0) return Errno::kOpNotSupp;
  TcpEndpoint& endpoint = *endpoint_;
  endpoint.MayBeReset();
  if (endpoint.state() != TcpState::kEstablished && endpoint.state() != TcpState::kCloseWait) {
    if (message.done > 0) return Errno::kPipe;
    // sk_stream_wait_connect()
    if (const std::optional<Errno> error = TakeError(); error.has_value()) return *error;
    if (endpoint.state() != TcpState::kSynSent) return Errno::kPipe;
    return Errno::kAgain;
  }
  // sock_cmsg_send()
  for (const ControlMessage& control : message.control) {
    if (control.level == kSolSocket) POLLUX_RETURN_IF_ERROR(CheckSocketControl(control));
  }
  if (message.control_error.has_value()) return *message.control_error;
  if (has_error() || endpoint.send_shut()) {
    if (message.done > 0) return Errno::kPipe;
    return TakeError().value_or(Errno::kPipe);
  }
  memory::UserBuffer& data = *message.data;
  const bool urgent = (message.flags & kMsgOob) != 0;
  const bool more = (message.flags & kMsgMore) != 0;
  size_t done = 0;
  endpoint.MaySqueeze(data.remaining());
  while (data.remaining() > 0) {
    if (endpoint.send_room() == 0) {
      endpoint.WantSpace();
      WantSpaceSignal((message.flags & kMsgDontWait) != 0);  // sk_stream_wait_memory()
      break;
    }
    const ByteQueue::Taken taken = endpoint.Append(data, urgent, more);
    done += taken.bytes;
    if (taken.stop == ByteQueue::Stop::kFault && done == 0) return Errno::kFault;
    if (taken.stop == ByteQueue::Stop::kNoMemory && done == 0) return Errno::kNoBufs;
    if (taken.stop != ByteQueue::Stop::kAll) break;
    // The peer answered with a RST: the next call tells.
    if (endpoint.state() == TcpState::kClose) break;
  }
  if (done == 0 && data.remaining() > 0) return Errno::kAgain;
  return done;
}

Result<size_t> TcpSocket::ReceiveUrgent(IncomingMessage& message) {
  TcpEndpoint& endpoint = *endpoint_;
  // It never waits, whatever the socket is.
  message.flags |= kMsgDontWait;
  message.complete = true;
  if (settings().oob_inline || endpoint.urgent() != TcpEndpoint::Urgent::kValid) {
    return Errno::kInval;
  }
  if (endpoint.state() == TcpState::kClose && !endpoint.done()) return Errno::kNotConn;
  if ((message.flags & kMsgPeek) == 0) endpoint.set_urgent(TcpEndpoint::Urgent::kRead);
  message.out_flags |= kMsgOob;
  if (message.data->remaining() == 0) {
    message.out_flags |= kMsgTrunc;
    return size_t{0};
  }
  if ((message.flags & kMsgTrunc) == 0) {
    const uint8_t byte = endpoint.urgent_byte();
    if (message.data->CopyTo({&byte, 1}) == 0) return Errno::kFault;
  }
  return size_t{1};
}

Result<size_t> TcpSocket::Receive(IncomingMessage& message) {
  if ((message.flags & kMsgErrQueue) != 0) {
    // inet_recv_error(): nothing is ever there, and nobody waits for it.
    message.flags |= kMsgDontWait;
    return Errno::kAgain;
  }
  TcpEndpoint& endpoint = *endpoint_;
  if (endpoint.state() == TcpState::kListen) return Errno::kNotConn;
  endpoint.MayBeReset();
  if ((message.flags & kMsgOob) != 0) return ReceiveUrgent(message);

  const bool peek = (message.flags & kMsgPeek) != 0;
  memory::UserBuffer& data = *message.data;
  const ByteQueue& received = endpoint.received();
  size_t position = 0;  // Of what is in the queue.
  size_t copied = 0;
  bool fault = false;
  while (position < received.size() && data.remaining() > 0) {
    size_t bytes = std::min<uint64_t>(received.size() - position, data.remaining());
    if (endpoint.urgent() != TcpEndpoint::Urgent::kNone) {
      const uint64_t here = endpoint.read_position() + position;
      if ((message.flags & kMsgSplicePages) != 0) {
        // tcp_read_sock() never gets past the mark, whatever became of the byte.
        if (endpoint.urgent_position() == here) break;
      } else if (endpoint.urgent_position() == here) {
        // A read stops before the mark, and the next one begins behind it.
        if (copied > 0) {
          message.complete = true;
          break;
        }
        if (!settings().oob_inline) {
          ++position;
          continue;
        }
      }
      if (endpoint.urgent_position() > here) {
        bytes = std::min<uint64_t>(bytes, endpoint.urgent_position() - here);
      }
    }
    size_t done = bytes;
    if ((message.flags & kMsgTrunc) != 0) {
      data.Skip(bytes);
    } else {
      done = received.CopyTo(data, position, bytes);
    }
    position += done;
    copied += done;
    if (done < bytes) {
      fault = true;
      break;
    }
  }
  const bool had_data = !received.empty();
  if (!peek && position > 0) {
    endpoint.Consume(position);
    if (endpoint.urgent() != TcpEndpoint::Urgent::kNone &&
        endpoint.read_position() > endpoint.urgent_position()) {
      endpoint.set_urgent(TcpEndpoint::Urgent::kNone);
    }
  }
  const bool ended = has_error() || endpoint.receive_shut() || endpoint.state() == TcpState::kClose;
  if (copied > 0) {
    // tcp_recv_timestamp(): once a call, of what was read last.
    message.control.clear();
    AddTimestamp(endpoint.arrived(), message);
    if (fault || (ended && (peek || received.empty()))) message.complete = true;
    return copied;
  }
  if (fault) return Errno::kFault;
  if (data.remaining() == 0 && had_data) return size_t{0};
  if (endpoint.done()) return size_t{0};
  if (has_error()) return *TakeError();
  if (endpoint.receive_shut()) return size_t{0};
  if (endpoint.state() == TcpState::kClose) return Errno::kNotConn;
  return Errno::kAgain;
}

// tcp_inq(): up to the mark, if there is one.
size_t TcpSocket::InQueueBytes() const {
  const TcpEndpoint& endpoint = *endpoint_;
  const size_t held = endpoint.received().size();
  if (settings().oob_inline || endpoint.urgent() == TcpEndpoint::Urgent::kNone ||
      endpoint.urgent_position() < endpoint.read_position() ||
      endpoint.urgent_position() >= endpoint.read_position() + held) {
    return held;
  }
  return endpoint.urgent_position() - endpoint.read_position();
}

Result<int64_t> TcpSocket::Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) {
  int32_t value = 0;
  switch (request) {
    case kSiocInq:
      if (IsListening()) return Errno::kInval;
      value = static_cast<int32_t>(InQueueBytes());
      break;
    case kSiocOutq:
      if (IsListening()) return Errno::kInval;
      value = static_cast<int32_t>(endpoint_->unsent_bytes());
      break;
    case kSiocAtMark:
      value = endpoint_->AtMark();
      break;
    case kSiocGstamp:
    case kSiocGstampNs:
    case kSiocGstampNew:
    case kSiocGstampNsNew:
      // A stream notes no time: never anything but kNoEnt.
      return TellTimestamp(request, GuestAddr{argument}, space);
    default:
      return InetSocket::Ioctl(request, argument, space);
  }
  POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{argument}, value));
  return int64_t{0};
}

}  // namespace pollux::os_emu
