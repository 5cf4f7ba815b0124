// TcpSocket: the description of a TCP socket: the calls of net/ipv4/tcp.c, af_inet.c and
// inet_connection_sock.c upon a TcpEndpoint.
//
// Readiness is tcp_poll()'s, with Linux's wake-up keys: data IN|PRI|RDNORM|RDBAND on each arrival,
// a change of state 0 (everybody), an error ERR, room OUT|WRNORM|WRBAND only for a writer that
// found none. How many bytes fit until a connection is full is not Linux's (that depends on its
// memory and on timing); what is ready and which error comes is. Small segments are never held back
// for an acknowledgement, as if TCP_NODELAY were set.
#ifndef POLLUX_OS_EMU_SOCKET_INET_TCP_SOCKET_H_
#define POLLUX_OS_EMU_SOCKET_INET_TCP_SOCKET_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "os_emu/socket/inet/inet_socket.h"
#include "os_emu/socket/inet/tcp_endpoint.h"

namespace pollux::os_emu {

class TcpSocket final : public InetSocket, private TcpOwner {
 public:
  TcpSocket(Network& network, int domain, uint32_t status_flags);

  Result<void> Bind(const SocketAddress& address) override;
  Result<void> Listen(int backlog) override;
  Result<void> Connect(const SocketAddress& address, bool may_wait) override;
  Result<void> ResumeConnect(const SocketAddress& address) override;
  Errno ConnectTimedOut() const override { return connect_pending_; }
  Result<DescriptionRef> Accept(uint32_t flags) override;
  Result<SocketAddress> Name() override;
  Result<SocketAddress> PeerName() override;
  Result<void> Shutdown(int how) override;
  Result<size_t> Send(OutgoingMessage& message) override;
  Result<size_t> Receive(IncomingMessage& message) override;
  Result<void> SetOption(int level, int name, std::span<const uint8_t> value) override;
  Result<std::vector<uint8_t>> GetOption(int level, int name, size_t length) override;
  EventMask Poll() override;
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;

 private:
  // enum socket_state of linux/net.h: how far connect(2) has come.
  enum class Progress : uint8_t { kUnconnected, kConnecting, kConnected, kDisconnecting };
  // The options of level IPPROTO_TCP that are only kept.
  struct TcpOptions {
    int32_t max_segment = 0;  // 0: none was set.
    int32_t keep_idle = 7200, keep_interval = 75, keep_count = 9;
    int32_t defer_accept_seconds = 0;
    int32_t window_clamp = 0;
    int32_t not_sent_low_water = 0;
    bool quick_ack = true;
    bool thin_linear = false;
    std::string congestion = "cubic";
  };

  // ---- TcpOwner
  void WakeForState() override { queue().NotifyAll(0); }
  void WakeForData() override { NotifyData(); }
  void WakeForSpace() override;
  void WakeForError() override { NotifyError(); }
  void SignalChange(IoReason reason) override { SignalIo(reason); }
  void SignalUrgentByte() override { SignalUrgent(); }
  void SetPendingError(Errno error) override { SetError(error); }
  void OnEstablished() override;
  bool OnSyn(TcpEndpoint& client) override;
  void OnFirstData() override;

  bool HasPort() const override { return endpoint_->port != 0; }
  bool IsConnected() const override {
    return endpoint_->state() == TcpState::kEstablished ||
           endpoint_->state() == TcpState::kCloseWait;
  }
  bool IsListening() const override { return endpoint_->state() == TcpState::kListen; }
  bool AwaitsDataUnsignalled() const override { return true; }
  void OnSettingChanged(int name) override;
  void OnRelease() override;

  // The endpoint's copy of what the socket's options say.
  void UpdateEndpoint();
  Result<void> StartConnect(const SocketAddress& address);
  // What connect(2) returns when it has waited, or shall not: `pending` while it goes on.
  Result<void> FinishConnect(bool may_wait, Errno pending);
  void Disconnect();
  // Ends all connections that nobody accepted.
  void DropQueues();
  void MoveToAcceptQueue(TcpSocket& child);
  Result<size_t> ReceiveUrgent(IncomingMessage& message);
  size_t InQueueBytes() const;
  std::vector<uint8_t> Info() const;

  std::shared_ptr<TcpEndpoint> endpoint_;
  IpEndpoint name_;    // What getsockname(2) tells.
  IpEndpoint remote_;  // What getpeername(2) tells; port 0: never connected.
  Progress progress_ = Progress::kUnconnected;
  Errno connect_pending_ = Errno::kInProgress;  // What the connect(2) under way says if it ends so.
  bool address_bound_ = false;                  // By bind(2): SOCK_BINDADDR_LOCK.
  bool send_buffer_set_ = false;
  TcpOptions tcp_;

  // Of a listener.
  int backlog_ = 0;
  std::deque<DescriptionRef> accept_queue_;
  // Connected, but TCP_DEFER_ACCEPT waits for data.
  std::deque<DescriptionRef> deferred_;
  // Of a connection in a listener's `deferred_`.
  TcpSocket* deferring_listener_ = nullptr;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_TCP_SOCKET_H_
