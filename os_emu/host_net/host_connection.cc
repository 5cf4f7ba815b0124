#include "os_emu/host_net/host_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "abi/check.h"
#include "memory/user_buffer.h"

namespace pollux::os_emu {
namespace {

// What may wait in the machine's socket for a guest that does not read, beside the guest's own
// receive buffer. SO_SNDBUF doubles it.
constexpr int32_t kSendBufferBytes = 64 * 1024;
struct LingerValue {
  int32_t on = 1, seconds = 0;
};

template <typename T>
std::span<const uint8_t> BytesOf(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)};
}

}  // namespace

HostConnection::HostConnection(HostPoller& poller, Owner& owner, uint64_t number, int host_fd,
                               DescriptionRef socket, const SocketAddress& server,
                               std::span<uint8_t> scratch)
    : HostWatcher(poller),
      owner_(owner),
      number_(number),
      host_fd_(host_fd),
      socket_(std::move(socket)),
      server_(server),
      scratch_(scratch) {
  const int on = 1;
  // When small segments go is the guest's decision, and they have arrived here already.
  setsockopt(host_fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // An urgent byte goes on as an ordinary one.
  setsockopt(host_fd_, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

HostConnection::~HostConnection() {
  if (state_ != State::kOver) {
    StopWatching();
    close(host_fd_);
  }
}

void HostConnection::SetSocketOption(int name, std::span<const uint8_t> value) {
  const Result<void> set = socket().SetOption(kSolSocket, name, value);
  POLLUX_CHECK(set.ok()) << name << " " << ErrnoName(set.error());
}

void HostConnection::Start() {
  SetSocketOption(kSoSndBuf, BytesOf(kSendBufferBytes));
  SetSocketOption(kSoOobInline, BytesOf(int32_t{1}));
  WaitQueue* queues[2];
  POLLUX_CHECK(socket_->PollQueues(queues) == 1) << "a socket has one queue";
  queues[0]->Add(*this);
  state_ = State::kConnecting;
  const Result<void> connected = socket().Connect(server_, true);
  if (!connected.ok() && connected.error() != Errno::kAgain) {
    Reset();  // Nobody listens.
    return;
  }
  if (connected.ok()) state_ = State::kOpen;
  // The host tells at once what it has.
  if (!Watch(host_fd_, EPOLLIN | EPOLLOUT | EPOLLRDHUP)) Reset();
}

void HostConnection::OnHostEvents(uint32_t events) {
  // After an error or the end of both directions each call says what happened.
  const bool over = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (over || (events & (EPOLLIN | EPOLLRDHUP)) != 0) host_readable_ = true;
  if (over || (events & EPOLLOUT) != 0) host_writable_ = true;
  if (over && state_ == State::kConnecting) {
    Reset();
    return;
  }
  Pump();
}

void HostConnection::Pump() {
  if (state_ == State::kConnecting) {
    // The listener's queue was full.
    const Result<void> connected = socket().ResumeConnect(server_);
    if (!connected.ok() && connected.error() == Errno::kAgain) return;
    if (!connected.ok()) {
      Reset();
      return;
    }
    state_ = State::kOpen;
  }
  if (state_ != State::kOpen) return;
  if (MoveToHost() == Moved::kBroken || MoveToGuest() == Moved::kBroken) {
    Reset();
  } else if (guest_ended_ && (socket_->Poll() & kErr) != 0) {
    Reset();  // A RST behind the FIN, and the client has everything.
  } else if (guest_ended_ && host_ended_) {
    End();  // In order.
  }
}

HostConnection::Moved HostConnection::MoveToHost() {
  while (host_writable_ && !guest_ended_) {
    memory::UserBuffer peeked = memory::UserBuffer::Host(scratch_);
    IncomingMessage message;
    message.data = &peeked;
    message.flags = kMsgDontWait | kMsgPeek;
    const Result<size_t> held = socket().Receive(message);
    if (!held.ok()) return held.error() == Errno::kAgain ? Moved::kFine : Moved::kBroken;
    if (*held == 0) {
      guest_ended_ = true;
      return shutdown(host_fd_, SHUT_WR) == 0 ? Moved::kFine : Moved::kBroken;
    }
    const ssize_t sent = send(host_fd_, scratch_.data(), *held, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      host_writable_ = false;
      return errno == EAGAIN ? Moved::kFine : Moved::kBroken;
    }
    memory::UserBuffer taken = memory::UserBuffer::Host(scratch_.first(static_cast<size_t>(sent)));
    IncomingMessage rest;
    rest.data = &taken;
    rest.flags = kMsgDontWait | kMsgTrunc;
    const Result<size_t> dropped = socket().Receive(rest);
    POLLUX_CHECK(dropped.ok() && *dropped == static_cast<size_t>(sent)) << "what was seen is there";
  }
  return Moved::kFine;
}

HostConnection::Moved HostConnection::MoveToGuest() {
  while (host_readable_ && !host_ended_) {
    const ssize_t held = recv(host_fd_, scratch_.data(), scratch_.size(), MSG_PEEK | MSG_DONTWAIT);
    if (held < 0) {
      if (errno == EINTR) continue;
      host_readable_ = false;
      return errno == EAGAIN ? Moved::kFine : Moved::kBroken;
    }
    if (held == 0) {
      host_ended_ = true;
      return socket().Shutdown(kShutWr).ok() ? Moved::kFine : Moved::kBroken;
    }
    memory::UserBuffer data =
        memory::UserBuffer::HostConst(scratch_.first(static_cast<size_t>(held)));
    OutgoingMessage message;
    message.data = &data;
    message.flags = kMsgDontWait | kMsgNoSignal;
    const Result<size_t> sent = socket().Send(message);
    // No room: the socket tells when there is.
    if (!sent.ok()) return sent.error() == Errno::kAgain ? Moved::kFine : Moved::kBroken;
    // Linux discards what MSG_TRUNC reads from a TCP socket without copying it (tcp(7)).
    for (size_t left = *sent; left > 0;) {
      const ssize_t taken = recv(host_fd_, scratch_.data(), left, MSG_TRUNC | MSG_DONTWAIT);
      if (taken < 0 && errno == EINTR) continue;
      if (taken <= 0) return Moved::kBroken;
      left -= static_cast<size_t>(taken);
    }
  }
  return Moved::kFine;
}

void HostConnection::Reset() {
  const LingerValue abort;
  SetSocketOption(kSoLinger, BytesOf(abort));
  const linger host_abort{.l_onoff = 1, .l_linger = 0};
  setsockopt(host_fd_, SOL_SOCKET, SO_LINGER, &host_abort, sizeof(host_abort));
  End();
}

void HostConnection::End() {
  state_ = State::kOver;
  Leave();
  StopWatching();
  close(host_fd_);
  socket_ = DescriptionRef();
  owner_.OnOver(number_);
}

}  // namespace pollux::os_emu
