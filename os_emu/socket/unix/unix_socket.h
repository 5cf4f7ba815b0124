// UnixSocket: one AF_UNIX socket (net/unix/af_unix.c).
//
// Connected ones hold each other's UnixAnchor, never each other. A message lies in the receiver's
// queue and is charged to the sender's send buffer until it is freed there; the accounting is that
// of sk_buffs, so that a buffer is full after as many writes as on Linux. A listener holds what
// connects, until accept(2), as descriptions of its own. `send_` and `receive_` shutdown, states
// and wake-ups: where af_unix.c has them, with its keys.
#ifndef POLLUX_OS_EMU_SOCKET_UNIX_UNIX_SOCKET_H_
#define POLLUX_OS_EMU_SOCKET_UNIX_UNIX_SOCKET_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os_emu/socket/socket.h"
#include "os_emu/socket/unix/message.h"
#include "os_emu/socket/unix/nodes.h"
#include "os_emu/socket/unix/table.h"
#include "os_emu/socket/unix/unix.h"

namespace pollux::os_emu {

// What wakes who waits for room (sock_def_write_space()).
inline constexpr EventMask kSpaceKey = kWritable | kWrBand;

class UnixSocket final : public Socket {
 public:
  UnixSocket(Kernel& kernel, const UnixNodes& nodes, int type, uint32_t status_flags);
  ~UnixSocket() override;

  // ---- Socket
  Result<void> Bind(const SocketAddress& address) override;
  Result<void> Listen(int backlog) override;
  Result<void> Connect(const SocketAddress& address, bool may_wait) override;
  Errno ConnectTimedOut() const override { return Errno::kAgain; }
  Result<DescriptionRef> Accept(uint32_t flags) override;
  WaitPlan ConnectWait() override;
  WaitPlan AcceptWait() override;
  Result<SocketAddress> Name() override;
  Result<SocketAddress> PeerName() override;
  Result<void> Shutdown(int how) override;
  Result<size_t> Send(OutgoingMessage& message) override;
  Result<size_t> Receive(IncomingMessage& message) override;
  WaitPlan ReadWait() override;
  WaitPlan WriteWait() override;
  Result<void> SetOption(int level, int name, std::span<const uint8_t> value) override;
  Result<std::vector<uint8_t>> GetOption(int level, int name, size_t length) override;
  EventMask Poll() override { return PollFor(~EventMask{0}); }
  EventMask PollFor(EventMask wanted) override;
  // SIOCINQ, SIOCOUTQ, SIOCATMARK.
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;

  // socketpair(2).
  void JoinWith(UnixSocket& other);

  // ---- For messages: sk_wmem_alloc. Giving back wakes whoever waits for room (sock_wfree()).
  void ChargeSend(uint32_t bytes) { send_bytes_ += bytes; }
  void RefundSend(uint32_t bytes);

  // ---- For UnixTable::Collect(): what is in the queue, or in those of connections that nobody has
  // accepted.
  template <typename Act>
  void ForEachRight(Act act) {
    ForEachQueue([&](UnixSocket& socket) {
      for (const auto& message : socket.messages_) {
        for (const DescriptionRef& right : message->rights()) act(*right);
      }
    });
  }
  void GiveUpQueue(std::deque<std::unique_ptr<UnixMessage>>& to);
  std::string FdInfo() const override;

 protected:
  void OnSettingChanged(int name) override;
  bool IsListening() const override { return state_ == State::kListen; }
  PeerCredentials Peer() const override { return peer_credentials_; }
  bool HasPeekOffset() const override { return true; }
  bool AwaitsDataUnsignalled() const override { return type() == kSockStream && !IsListening(); }

 private:
  // sk_state: TCP_CLOSE, TCP_ESTABLISHED, TCP_LISTEN.
  enum class State { kClosed, kEstablished, kListen };
  static constexpr int kReceiveShutdown = 1, kSendShutdown = 2, kBothShutdown = 3;

  // Passes a wake-up of the peer's peer_wait_ on to this socket's own queue, once
  // (unix_dgram_peer_wake_relay()).
  class PeerWake final : public Waiter {
   public:
    explicit PeerWake(UnixSocket& owner) : owner_(owner) {}
    bool OnNotify(EventMask key) override;

   private:
    UnixSocket& owner_;
  };

  template <typename Act>
  void ForEachQueue(Act act) {
    act(*this);
    for (const DescriptionRef& waiting : pending_) act(static_cast<UnixSocket&>(*waiting));
  }

  bool is_connection() const { return type() != kSockDgram; }
  UnixSocket* peer() const { return peer_ == nullptr ? nullptr : peer_->socket; }
  // unix_recvq_full()
  bool QueueIsFull() const {
    return static_cast<int64_t>(messages_.size() + pending_.size()) > backlog_;
  }
  bool queue_empty() const { return messages_.empty() && pending_.empty(); }
  // unix_writable(); `extra`: what sock_wfree() still holds while it asks.
  bool IsWritable(uint32_t extra = 0) const;
  void WakeWriters(uint32_t extra);
  void WakeReaders() { NotifyData(); }

  // ---- Names (unix_socket.cc).
  Result<void> Autobind();
  Result<void> BindNode(std::string_view path);
  Result<UnixSocket*> Find(const SocketAddress& address);
  Thread* CallingThread();

  // ---- Sending.
  Result<size_t> SendStream(OutgoingMessage& message);
  Result<size_t> SendOutOfBand(OutgoingMessage& message);
  Result<size_t> SendDatagram(OutgoingMessage& message);
  struct HeldDatagram;  // Whose sender waits for room in the receiver's queue.
  // What is looked at before anything is waited for.
  Result<void> MayBeginDatagram(const OutgoingMessage& message);
  // Whom it is for. Null: nobody (kNotConn).
  Result<std::shared_ptr<UnixAnchor>> TargetOf(const OutgoingMessage& message);
  // sock_alloc_send_pskb()'s conditions: the pending error, kPipe, kAgain.
  Result<void> CheckRoom(OutgoingMessage& message);
  // A message with `bytes` of what is sent, its rights and its credentials.
  Result<std::unique_ptr<UnixMessage>> Pack(OutgoingMessage& message, size_t bytes,
                                            uint32_t true_size);
  void AddCredentials(UnixMessage& message, const UnixSocket& to) const;
  void Enqueue(std::unique_ptr<UnixMessage> message);

  // ---- Receiving.
  Result<size_t> ReceiveStream(IncomingMessage& message);
  Result<size_t> ReceiveOutOfBand(IncomingMessage& message);
  Result<size_t> ReceiveDatagram(IncomingMessage& message);
  // manage_oob(): which message to read on with, from the one at `index` (whose end is the queue's
  // size).
  size_t SkipOutOfBand(size_t index, bool peek, bool has_data);
  void TakeControl(UnixMessage& from, IncomingMessage& message, bool peek);
  std::unique_ptr<UnixMessage> Unlink(size_t index);

  // ---- Datagrams' flow control.
  bool WakeMe(UnixSocket& other);  // unix_dgram_peer_wake_me(): true: it is full.
  void StopWakingMe();
  void Disconnected(const std::shared_ptr<UnixAnchor>& old_peer);

  void OnRelease() override;

  const UnixNodes& nodes_;
  UnixTable& table_;
  std::shared_ptr<UnixAnchor> anchor_;
  std::shared_ptr<UnixAnchor> peer_;
  DescriptionRef place_;          // Of a node: keeps the inode's number in use.
  std::optional<UnixNode> node_;  // That is in the table.
  bool abstract_ = false;         // anchor_->name is in the table.
  State state_ = State::kClosed;
  int shutdown_ = 0;
  int64_t backlog_;
  bool embryo_ = false;  // Made by connect(2), not accepted yet.
  PeerCredentials peer_credentials_;
  uint32_t send_bytes_ = 0;
  std::deque<std::unique_ptr<UnixMessage>> messages_;
  std::deque<DescriptionRef> pending_;
  const UnixMessage* oob_ = nullptr;
  bool reports_inq_ = false;  // SO_INQ
  WaitQueue peer_wait_;       // Who waits for room in this one's queue.
  PeerWake peer_wake_;
  // Whom the last kAgain of Send or Connect waits for; null: for room of its own.
  std::shared_ptr<UnixAnchor> waits_for_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_UNIX_UNIX_SOCKET_H_
