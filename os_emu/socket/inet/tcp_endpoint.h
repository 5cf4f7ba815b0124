// TcpEndpoint: one end of a TCP connection, or a listener: the state machine of
// net/ipv4/tcp_input.c and tcp.c without segments.
//
// Two endpoints point at each other and call each other where Linux would send a segment over
// loopback: by the time the call returns the other side has acted on it and has woken who waits.
// What does not fit into the peer's receive queue stays in the own send queue and moves when the
// peer reads. An endpoint outlives its socket while it has something to deliver (an orphan): the
// peer's reference keeps it. TcpOwner is the socket: it has the wait queue and the pending error.
#ifndef POLLUX_OS_EMU_SOCKET_INET_TCP_ENDPOINT_H_
#define POLLUX_OS_EMU_SOCKET_INET_TCP_ENDPOINT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "os_emu/file/async.h"
#include "os_emu/file/wait_queue.h"
#include "os_emu/socket/inet/byte_queue.h"
#include "os_emu/socket/inet/ip_address.h"
#include "os_emu/socket/inet/network.h"
#include "os_emu/socket/inet/port_table.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

// Numbered as include/net/tcp_states.h does: TCP_INFO shows it.
enum class TcpState : uint8_t {
  kEstablished = 1,
  kSynSent,
  kSynReceived,
  kFinWait1,
  kFinWait2,
  kTimeWait,
  kClose,
  kCloseWait,
  kLastAck,
  kListen,
  kClosing,
};

class TcpEndpoint;

class TcpOwner {
 public:
  // sk_state_change(), sk_data_ready(), sk_write_space(), sk_error_report(): wake who waits.
  virtual void WakeForState() = 0;
  virtual void WakeForData() = 0;
  virtual void WakeForSpace() = 0;
  virtual void WakeForError() = 0;
  // sk_wake_async(SOCK_WAKE_IO) and sk_send_sigurg(): signals, beside all that.
  virtual void SignalChange(IoReason reason) = 0;
  virtual void SignalUrgentByte() = 0;
  // sk_err
  virtual void SetPendingError(Errno error) = 0;
  // The connection was made: the send buffer grows.
  virtual void OnEstablished() = 0;
  // Of a listener: a SYN came from `client`. False: it is dropped, the client tries again.
  virtual bool OnSyn(TcpEndpoint& client) = 0;
  // Something that TCP_DEFER_ACCEPT waits for has come.
  virtual void OnFirstData() = 0;

 protected:
  ~TcpOwner() = default;
};

class TcpEndpoint final : public PortUser, public std::enable_shared_from_this<TcpEndpoint> {
 public:
  // What the socket's options say; kept up to date by the owner.
  struct Limits {
    size_t send_bytes = 16384;
    size_t receive_bytes = 131072;
    size_t low_water = 1;
    bool urgent_inline = false;
    bool no_delay = false;
    bool corked = false;
    int32_t syn_retries = 6;
    int32_t orphan_seconds = 60;  // TCP_LINGER2; negative: none.
    int32_t user_timeout_ms = 0;  // TCP_USER_TIMEOUT; 0: none.
  };

  TcpEndpoint(Network& network, TcpOwner* owner);
  ~TcpEndpoint();

  Network& network() { return network_; }
  TcpOwner* owner() { return owner_; }
  TcpState state() const { return state_; }
  bool connected_once() const { return connected_once_; }
  bool receive_shut() const { return receive_shut_; }
  bool send_shut() const { return send_shut_; }
  // The peer's FIN has come (SOCK_DONE).
  bool done() const { return done_; }
  Limits& limits() { return limits_; }
  const TcpEndpoint* peer() const { return peer_.get(); }
  // TCP_USER_TIMEOUT; 0: none. It counts from where the peer ceased to take anything.
  void SetUserTimeout(int32_t milliseconds);

  // ---- Connections. The port and the local address are taken, `remote` is set.
  // Sends a SYN. The answer has come when it returns, but where the listener is full.
  void SendSyn();
  // Of `listener`'s new endpoint: it is connected to `client`, which has woken its socket. Where
  // the listener has been shut, the connection is too.
  void AcceptSyn(TcpEndpoint& client, const TcpEndpoint& listener);
  // TCP_DEFER_ACCEPT: OnFirstData() comes at the latest after `span`.
  void DeferFor(Nanos span) { ArmTimer(span); }
  // Becomes a listener, or ceases to be one; the port stays.
  void StartListening();
  void StopListening();
  // inet_put_port() as tcp_set_state(TCP_CLOSE) does it: a port that bind(2) chose is kept.
  void keep_port(bool keep) { keeps_port_ = keep; }

  // shutdown(2). `receive` only marks.
  void ShutReceive() { receive_shut_ = true; }
  void ShutSend();
  // close(2): the socket goes. `abort`: SO_LINGER with no time.
  void Close(bool abort);
  // Whether the peer has still to acknowledge the end (sk_stream_closing()), and who waits for that
  // with SO_LINGER.
  bool IsClosing() const {
    return state_ == TcpState::kFinWait1 || state_ == TcpState::kClosing ||
           state_ == TcpState::kLastAck;
  }
  WaitQueue& closing_queue() { return closing_queue_; }
  // connect(2) with AF_UNSPEC, and what a listener does to those that nobody accepted
  // (tcp_disconnect()). Everything is as new afterwards, but for the port. True: the socket has the
  // pending error kConnReset now.
  bool Disconnect();

  // ---- Faults (TcpFault).
  // Before `bytes` are written: the window may be small.
  void MaySqueeze(uint64_t bytes);
  // The connection may be lost. Then the socket has a pending error.
  void MayBeReset();
  // The machine ends.
  void Forget();

  // ---- Data.
  size_t send_room() const { return send_.size() < send_limit() ? send_limit() - send_.size() : 0; }
  size_t unsent_bytes() const { return send_.size() + static_cast<size_t>(unacknowledged_); }
  // Takes at most send_room() bytes and sends what may go. `urgent`: the last byte is out of band.
  // `more`: MSG_MORE.
  ByteQueue::Taken Append(memory::UserBuffer& from, bool urgent, bool more);
  // A writer found no room: the next time there is, it is woken (SOCK_NOSPACE).
  void WantSpace() { wants_space_ = true; }
  // Whether poll(2) says so (__sk_stream_is_writeable()).
  bool Writable() const;
  // Room may have come: wakes a writer that wanted it (sk_stream_write_space()).
  void CheckSpace();
  // Sends what waits, also what TCP_CORK holds back.
  void Push();

  const ByteQueue& received() const { return receive_; }
  // Positions count the bytes of the stream from 0.
  uint64_t read_position() const { return read_position_; }
  // When the last of them came (CLOCK_REALTIME): Linux's segments share the time of the last one
  // that was joined to them (tcp_try_coalesce()).
  Nanos arrived() const { return arrived_; }
  // The first `bytes` have been read, and so the peer may send more.
  void Consume(size_t bytes);
  // Whether at least `target` bytes are there (tcp_stream_is_readable()).
  bool Readable(size_t target) const { return receive_.size() >= target; }
  // poll(2)'s target: SO_RCVLOWAT, and one more where the first byte is out of band.
  size_t PollTarget() const;
  void WakeForDataIfReadable();

  // ---- The out-of-band byte.
  enum class Urgent : uint8_t { kNone, kValid, kRead };
  Urgent urgent() const { return urgent_; }
  uint64_t urgent_position() const { return urgent_position_; }
  uint8_t urgent_byte() const { return urgent_byte_; }
  void set_urgent(Urgent urgent) { urgent_ = urgent; }
  bool AtMark() const { return urgent_ != Urgent::kNone && urgent_position_ == read_position_; }

 private:
  class EndpointTimer final : public Timer {
   public:
    EndpointTimer(TimerQueue& queue, TcpEndpoint& endpoint, void (TcpEndpoint::*on_expire)())
        : Timer(queue), endpoint_(endpoint), on_expire_(on_expire) {}

   private:
    void OnExpire() override { (endpoint_.*on_expire_)(); }
    TcpEndpoint& endpoint_;
    void (TcpEndpoint::*on_expire_)();
  };

  void TrySyn();
  size_t send_limit() const {
    return std::min(squeezed_to_.value_or(limits_.send_bytes), limits_.send_bytes);
  }
  // Something is under way, and what is sent now will not be there before it.
  bool IsUnderWay() const { return link_timer_.armed(); }
  // Whether what is sent now will be under way for a while.
  bool MayBeLate();
  // Of so many bytes that may go, those that have arrived before the others.
  size_t MaySplit(size_t bytes);
  void SetUnderWay();
  void NothingUnderWay();
  void OnArrival();
  void OnTimer();
  // The peer takes nothing, or something again (icsk_probes_tstamp).
  void NoteStall(bool stalled, bool moved);
  void ArmStallTimer();
  // tcp_write_err(): nobody has answered for too long. The peer does not hear of it.
  void TimeOut();
  // Of so many bytes that may go, those that the peer would get.
  size_t GoingOf(size_t limit) const;
  // Moves what fits to the peer; `limit`: what may go now.
  void Transmit(size_t limit);
  void DeliverFin();
  void OnFin();
  // A RST came (tcp_reset()).
  void OnReset();
  // Sends one: the peer gets it.
  void SendReset();
  // tcp_done(): nothing more will come.
  void Finish();
  void Unlink();
  void ReleasePort();
  bool RefusesData() const;
  void OnUrgent(uint64_t position);
  void TakeUrgent(uint64_t position, uint8_t byte);
  void PeerRead();
  void SendWhatWaits();
  void ArmTimer(Nanos span);

  Network& network_;
  TcpOwner* owner_;
  std::shared_ptr<TcpEndpoint> peer_;
  TcpState state_ = TcpState::kClose;
  bool connected_once_ = false;
  bool keeps_port_ = false;
  bool receive_shut_ = false;
  bool send_shut_ = false;
  bool done_ = false;
  bool fin_waits_ = false;  // For the send queue to empty.
  bool wants_space_ = false;
  Limits limits_;
  ByteQueue receive_;
  ByteQueue send_;
  uint64_t read_position_ = 0;
  Nanos arrived_{0};
  uint64_t write_position_ = 0;  // Of the next byte that is appended.
  std::optional<uint64_t> urgent_to_send_;
  Urgent urgent_ = Urgent::kNone;
  uint8_t urgent_byte_ = 0;
  uint64_t urgent_position_ = 0;
  // SIOCOUTQ's, beside the bytes that wait: a refused SYN, what a RST found under way, and what
  // tcp_disconnect() leaves.
  int32_t unacknowledged_ = 0;
  int32_t syn_tries_ = 0;
  EndpointTimer timer_;
  Nanos syn_since_{0};
  // TCP_USER_TIMEOUT of data: armed while the peer takes nothing.
  EndpointTimer stall_timer_;
  // Faults: while it is armed, what was sent is under way: it stays in the send queue.
  EndpointTimer link_timer_;
  std::optional<size_t> squeezed_to_;  // Until then: what the send queue may hold.
  std::optional<Nanos> stalled_since_;
  bool peer_gave_up_ = false;  // What is sent now is answered with a RST.
  WaitQueue closing_queue_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_TCP_ENDPOINT_H_
