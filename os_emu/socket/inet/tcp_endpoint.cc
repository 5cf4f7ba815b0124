#include "os_emu/socket/inet/tcp_endpoint.h"

#include <algorithm>
#include <utility>

#include "abi/check.h"

namespace pollux::os_emu {
namespace {

constexpr Nanos kSecond{1'000'000'000};
constexpr Nanos kCorkTime{200'000'000};  // TCP_CORK holds back no longer (tcp(7)).
// The largest segment over lo, and so what TCP_CORK gathers: MTU 65536 less 40 bytes of headers, 12
// of options, and at most half a window (measured: TCP_MAXSEG).
constexpr size_t kSegmentBytes = 32741;
// net.ipv4.tcp_syn_linear_timeouts: so many times a second passes between two SYNs, then it
// doubles.
constexpr int kLinearSyns = 4;
// TCP_RTO_MIN: after so long a window that stays closed is probed first, and TCP_USER_TIMEOUT
// counts from that probe (tcp_probe_timer()).
constexpr Nanos kProbeTime{200'000'000};
constexpr int64_t kNanosPerMilli = 1'000'000;

}  // namespace

TcpEndpoint::TcpEndpoint(Network& network, TcpOwner* owner)
    : network_(network),
      owner_(owner),
      receive_(network.budget()),
      send_(network.budget()),
      timer_(network.kernel().timers(), *this, &TcpEndpoint::OnTimer),
      stall_timer_(network.kernel().timers(), *this, &TcpEndpoint::TimeOut),
      link_timer_(network.kernel().timers(), *this, &TcpEndpoint::OnArrival) {}

TcpEndpoint::~TcpEndpoint() {
  NothingUnderWay();
  network_.tcp_ports().Remove(*this);
}

void TcpEndpoint::ArmTimer(Nanos span) {
  timer_.Arm(TimeBase::kMonotonic, network_.kernel().clock().Monotonic() + span);
}

// ---- Making connections.

void TcpEndpoint::SendSyn() {
  POLLUX_CHECK(state_ == TcpState::kClose) << static_cast<int>(state_);
  state_ = TcpState::kSynSent;
  unacknowledged_ = 0;
  syn_tries_ = 0;
  syn_since_ = network_.kernel().clock().Monotonic();
  if (!MayBeLate()) TrySyn();
}

void TcpEndpoint::TrySyn() {
  const IpEndpoint local{address, port};
  if (remote == local) {
    // A simultaneous open with oneself.
    state_ = TcpState::kEstablished;
    connected_once_ = true;
    peer_ = shared_from_this();
    if (owner_ != nullptr) {
      owner_->OnEstablished();
      owner_->WakeForState();
      owner_->SignalChange(IoReason::kOut);
    }
    // tcp_rcv_state_process() leaves TCP_SYN_RECV, and does what shutdown(2) could not do before.
    if (send_shut_) ShutSend();
    return;
  }
  TcpEndpoint* listener = network_.FindListener(remote, local);
  if (listener == nullptr) {
    OnReset();
    return;
  }
  if (listener->owner_->OnSyn(*this)) return;
  // Dropped. It is sent again after 1, 2, 3, 4, 5, 7, 11 ... seconds (measured on Linux 6.18).
  ++syn_tries_;
  const int doublings = std::max(0, syn_tries_ - 1 - kLinearSyns);
  Nanos span{kSecond.value << std::min(doublings, 20)};
  // tcp_clamp_rto_to_user_timeout(), which the first one goes without.
  if (limits_.user_timeout_ms > 0 && syn_tries_ > 1) {
    const Nanos end = syn_since_ + Nanos{limits_.user_timeout_ms * kNanosPerMilli};
    span = std::min(span, std::max(Nanos{0}, end - network_.kernel().clock().Monotonic()));
  }
  ArmTimer(span);
}

void TcpEndpoint::AcceptSyn(TcpEndpoint& client, const TcpEndpoint& listener) {
  state_ = TcpState::kEstablished;
  connected_once_ = true;
  peer_ = client.shared_from_this();
  client.peer_ = shared_from_this();
  client.state_ = TcpState::kEstablished;
  client.connected_once_ = true;
  client.timer_.Disarm();
  owner_->OnEstablished();
  if (client.owner_ != nullptr) {
    client.owner_->OnEstablished();
    client.owner_->WakeForState();
    client.owner_->SignalChange(IoReason::kOut);
  }
  // sk_clone() copies the marks, and tcp_rcv_state_process() does as they say.
  receive_shut_ = listener.receive_shut_;
  if (listener.send_shut_) ShutSend();
}

void TcpEndpoint::StartListening() {
  state_ = TcpState::kListen;
  listening = true;
}

void TcpEndpoint::StopListening() {
  state_ = TcpState::kClose;
  listening = false;
}

void TcpEndpoint::OnTimer() {
  // What happens may let go of the last reference.
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  if (state_ == TcpState::kSynSent) {
    const Nanos waited = network_.kernel().clock().Monotonic() - syn_since_;
    const bool too_long =
        limits_.user_timeout_ms > 0 && waited >= Nanos{limits_.user_timeout_ms * kNanosPerMilli};
    if (syn_tries_ > limits_.syn_retries + kLinearSyns || too_long) {
      TimeOut();
    } else {
      TrySyn();
    }
    return;
  }
  if (owner_ == nullptr && state_ == TcpState::kFinWait2) {
    // The orphan has waited long enough for the peer's FIN.
    Finish();
    return;
  }
  if (owner_ != nullptr) owner_->OnFirstData();
  Push();
}

void TcpEndpoint::TimeOut() {
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  if (peer_ != nullptr) peer_->peer_gave_up_ = true;
  send_.Clear();
  fin_waits_ = false;
  if (owner_ != nullptr) owner_->SetPendingError(Errno::kTimedOut);
  Finish();
  if (owner_ != nullptr) owner_->WakeForError();
}

void TcpEndpoint::SetUserTimeout(int32_t milliseconds) {
  limits_.user_timeout_ms = milliseconds;
  stall_timer_.Disarm();
  ArmStallTimer();
}

void TcpEndpoint::NoteStall(bool stalled, bool moved) {
  if (moved || !stalled) {
    stalled_since_.reset();
    stall_timer_.Disarm();
  }
  if (!stalled) return;
  if (!stalled_since_.has_value()) stalled_since_ = network_.kernel().clock().Monotonic();
  ArmStallTimer();
}

void TcpEndpoint::ArmStallTimer() {
  if (limits_.user_timeout_ms == 0 || !stalled_since_.has_value() || stall_timer_.armed()) return;
  stall_timer_.Arm(TimeBase::kMonotonic,
                   *stalled_since_ + kProbeTime + Nanos{limits_.user_timeout_ms * kNanosPerMilli});
}

void TcpEndpoint::ReleasePort() {
  remote = {};
  if (!keeps_port_ || owner_ == nullptr) network_.tcp_ports().Remove(*this);
}

void TcpEndpoint::Unlink() {
  const std::shared_ptr<TcpEndpoint> peer = std::exchange(peer_, nullptr);
  if (peer != nullptr && peer->peer_.get() == this) peer->peer_ = nullptr;
}

// ---- Ending them.

void TcpEndpoint::Finish() {
  if (state_ == TcpState::kClose) return;
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  state_ = TcpState::kClose;
  timer_.Disarm();
  NothingUnderWay();
  NoteStall(false, false);
  ReleasePort();
  receive_shut_ = send_shut_ = true;
  Unlink();
  closing_queue_.NotifyAll(0);
  if (owner_ != nullptr) owner_->WakeForState();
}

void TcpEndpoint::OnReset() {
  Errno error = Errno::kConnReset;
  if (state_ == TcpState::kClose) return;
  if (state_ == TcpState::kSynSent) {
    error = Errno::kConnRefused;
    unacknowledged_ = 1;  // The SYN.
  }
  if (state_ == TcpState::kCloseWait) error = Errno::kPipe;
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  // tcp_write_queue_purge() moves neither write_seq nor snd_una.
  unacknowledged_ += static_cast<int32_t>(send_.size());
  send_.Clear();
  fin_waits_ = false;
  if (owner_ != nullptr) owner_->SetPendingError(error);
  Finish();
  if (owner_ != nullptr) {
    owner_->WakeForError();
    owner_->OnFirstData();
  }
}

void TcpEndpoint::SendReset() {
  const std::shared_ptr<TcpEndpoint> peer = peer_;
  Unlink();
  if (peer != nullptr && peer.get() != this) peer->OnReset();
}

void TcpEndpoint::ShutSend() {
  send_shut_ = true;
  // tcp_close_state()
  switch (state_) {
    case TcpState::kEstablished:
      state_ = TcpState::kFinWait1;
      break;
    case TcpState::kCloseWait:
      state_ = TcpState::kLastAck;
      break;
    default:
      return;
  }
  fin_waits_ = true;
  Push();
}

void TcpEndpoint::DeliverFin() {
  fin_waits_ = false;
  if (peer_ == nullptr) {
    // It has gone long ago: its answer is a RST.
    OnReset();
    return;
  }
  const std::shared_ptr<TcpEndpoint> peer = peer_;
  peer->OnFin();
  // Its acknowledgement.
  switch (state_) {
    case TcpState::kFinWait1:
      state_ = TcpState::kFinWait2;
      closing_queue_.NotifyAll(0);
      if (owner_ != nullptr) {
        owner_->WakeForState();
      } else if (limits_.orphan_seconds < 0) {
        Finish();
      } else {
        ArmTimer(Nanos{limits_.orphan_seconds * kSecond.value});
      }
      return;
    case TcpState::kClosing:
      network_.EnterTimeWait(*this);
      Finish();
      return;
    case TcpState::kLastAck:
      Finish();
      return;
    default:
      return;
  }
}

void TcpEndpoint::OnFin() {
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  receive_shut_ = true;
  done_ = true;
  switch (state_) {
    case TcpState::kEstablished:
      state_ = TcpState::kCloseWait;
      break;
    case TcpState::kFinWait1:
      state_ = TcpState::kClosing;
      break;
    case TcpState::kFinWait2:
      network_.EnterTimeWait(*this);
      Finish();
      break;
    default:
      break;
  }
  if (owner_ == nullptr) return;
  owner_->WakeForState();
  const bool over = (receive_shut_ && send_shut_) || state_ == TcpState::kClose;
  owner_->SignalChange(over ? IoReason::kHangUp : IoReason::kIn);
  owner_->WakeForData();
  owner_->OnFirstData();
}

void TcpEndpoint::Close(bool abort) {
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  receive_shut_ = send_shut_ = true;
  const bool unread = !receive_.empty();
  receive_.Clear();
  owner_ = nullptr;
  switch (state_) {
    case TcpState::kClose:
    case TcpState::kListen:
      break;
    case TcpState::kSynSent:
      Finish();
      break;
    default:
      if (unread || abort) {
        send_.Clear();
        SendReset();
        Finish();
        break;
      }
      if (state_ == TcpState::kFinWait2) {
        limits_.orphan_seconds < 0 ? Finish()
                                   : ArmTimer(Nanos{limits_.orphan_seconds * kSecond.value});
        break;
      }
      ShutSend();
      break;
  }
  if (state_ == TcpState::kClose || state_ == TcpState::kListen) {
    state_ = TcpState::kClose;
    listening = false;
    ReleasePort();
  }
  // Connected to itself, it would keep itself.
  if (peer_ == self) Finish();
}

bool TcpEndpoint::Disconnect() {
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  const TcpState old = state_;
  bool reset = false;
  switch (old) {
    case TcpState::kEstablished:
    case TcpState::kCloseWait:
    case TcpState::kFinWait1:
    case TcpState::kFinWait2:
    case TcpState::kSynReceived:
      SendReset();
      reset = true;
      break;
    case TcpState::kSynSent:
      reset = true;
      break;
    case TcpState::kLastAck:
    case TcpState::kClosing:
      reset = !send_.empty();
      if (reset) SendReset();
      break;
    default:
      break;
  }
  Unlink();
  state_ = TcpState::kClose;
  listening = false;
  timer_.Disarm();
  NothingUnderWay();
  NoteStall(false, false);
  // What is closed keeps a port that bind(2) chose (tcp_set_state() is not called for it).
  if (old == TcpState::kClose) {
    remote = {};
  } else {
    ReleasePort();
  }
  // tcp_disconnect() moves on write_seq, but not snd_una; of what was connected by its window too.
  unacknowledged_ += old == TcpState::kSynSent ? 3 : 2;
  receive_.Clear();
  send_.Clear();
  receive_shut_ = send_shut_ = done_ = fin_waits_ = wants_space_ = peer_gave_up_ = false;
  read_position_ = write_position_ = 0;
  urgent_to_send_.reset();
  urgent_ = Urgent::kNone;
  return reset;
}

// ---- Sending.

bool TcpEndpoint::Writable() const {
  const size_t used = send_.size();
  return used < send_limit() && send_limit() - used >= used / 2;
}

void TcpEndpoint::CheckSpace() {
  if (!wants_space_ || !Writable()) return;
  wants_space_ = false;
  if (owner_ != nullptr) owner_->WakeForSpace();
}

ByteQueue::Taken TcpEndpoint::Append(memory::UserBuffer& from, bool urgent, bool more) {
  const ByteQueue::Taken taken = send_.Append(from, send_room());
  write_position_ += taken.bytes;
  if (urgent && taken.bytes > 0 && from.remaining() == 0) urgent_to_send_ = write_position_ - 1;
  if (taken.bytes == 0) return taken;
  if ((limits_.corked || more) && !urgent) {
    // Whole segments go, what is left over waits for company.
    const size_t rest = send_.size() % kSegmentBytes;
    Transmit(send_.size() - rest);
    if (!send_.empty() && !timer_.armed()) ArmTimer(kCorkTime);
  } else {
    Push();
  }
  return taken;
}

void TcpEndpoint::Push() {
  if (state_ != TcpState::kSynSent) timer_.Disarm();
  Transmit(send_.size());
}

// Data that comes after this side has closed, or has shut both ways, is answered with a RST
// (tcp_rcv_state_process()).
bool TcpEndpoint::RefusesData() const {
  return (state_ == TcpState::kFinWait1 || state_ == TcpState::kFinWait2) && receive_shut_;
}

size_t TcpEndpoint::GoingOf(size_t limit) const {
  const size_t bytes = std::min(limit, send_.size());
  if (peer_ == nullptr || peer_->RefusesData()) return bytes;
  const size_t held = peer_->receive_.size(), most = peer_->limits_.receive_bytes;
  return std::min(bytes, most - std::min(held, most));
}

void TcpEndpoint::Transmit(size_t limit) {
  if (IsUnderWay()) return;
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  const bool wanted = limit > 0;
  if (const size_t going = GoingOf(limit); going > 0 || (send_.empty() && fin_waits_)) {
    if (MayBeLate()) return;
    if (const size_t first = MaySplit(going); first < going) limit = first;
  }
  bool moved = false;
  while (limit > 0 && !send_.empty()) {
    const std::shared_ptr<TcpEndpoint> peer = peer_;
    if (peer == nullptr) {
      OnReset();
      return;
    }
    if (peer->RefusesData()) {
      // tcp_rcv_state_process() looks at the urgent pointer first.
      const uint64_t start = peer->read_position_ + peer->receive_.size();
      if (urgent_to_send_.has_value() && *urgent_to_send_ < start + std::min(limit, send_.size())) {
        peer->OnUrgent(*urgent_to_send_);
        peer->TakeUrgent(*urgent_to_send_, send_.ByteAt(*urgent_to_send_ - start));
      }
      peer->OnReset();
      OnReset();
      return;
    }
    const size_t held = peer->receive_.size();
    const size_t room = held < peer->limits_.receive_bytes ? peer->limits_.receive_bytes - held : 0;
    size_t bytes = std::min({limit, send_.size(), room});
    if (bytes == 0) break;
    const uint64_t start = peer->read_position_ + held;
    const bool urgent_goes = urgent_to_send_.has_value() && *urgent_to_send_ < start + bytes;
    if (urgent_goes) peer->OnUrgent(*urgent_to_send_);
    bytes = peer->receive_.Move(send_, bytes);
    if (bytes == 0) break;  // The machine's memory is used up: it waits.
    limit -= bytes;
    moved = true;
    peer->arrived_ = network_.kernel().clock().Realtime();
    if (urgent_goes && *urgent_to_send_ < start + bytes) {
      const uint64_t position = *std::exchange(urgent_to_send_, std::nullopt);
      if (position >= peer->read_position_) {
        peer->TakeUrgent(position, peer->receive_.ByteAt(position - peer->read_position_));
      }
    }
    peer->WakeForDataIfReadable();
    if (peer->owner_ != nullptr) peer->owner_->OnFirstData();
  }
  if (wanted) NoteStall(limit > 0 && !send_.empty(), moved);
  CheckSpace();
  if (send_.empty() && fin_waits_) DeliverFin();
}

// ---- Receiving.

// tcp_check_urg(): a new mark. One that stands at the reader and was not read in line is skipped.
void TcpEndpoint::OnUrgent(uint64_t position) {
  if (urgent_ != Urgent::kNone && position <= urgent_position_) return;
  if (AtMark() && !limits_.urgent_inline && !receive_.empty()) {
    receive_.Drop(1);
    ++read_position_;
  }
  urgent_ = Urgent::kNone;
  urgent_position_ = position;
  if (owner_ != nullptr) owner_->SignalUrgentByte();
}

// tcp_urg(): the byte itself has come.
void TcpEndpoint::TakeUrgent(uint64_t position, uint8_t byte) {
  if (urgent_position_ != position) return;
  urgent_ = Urgent::kValid;
  urgent_byte_ = byte;
  if (owner_ != nullptr) owner_->WakeForData();
}

size_t TcpEndpoint::PollTarget() const {
  return limits_.low_water + (AtMark() && !limits_.urgent_inline ? 1 : 0);
}

void TcpEndpoint::WakeForDataIfReadable() {
  if (owner_ == nullptr) return;
  // A full queue is as good as enough (tcp_epollin_ready()).
  const bool full = receive_.size() >= limits_.receive_bytes;
  if (receive_.size() >= limits_.low_water || full || done_) owner_->WakeForData();
}

void TcpEndpoint::Consume(size_t bytes) {
  const bool was_closed = receive_.size() * 2 > limits_.receive_bytes;
  receive_.Drop(bytes);
  read_position_ += bytes;
  if (peer_ != nullptr) peer_->PeerRead();
  // The window update finds nobody.
  if (peer_gave_up_ && was_closed && receive_.size() * 2 <= limits_.receive_bytes) OnReset();
}

// A window update, which Linux too sends only when it is worth it.
void TcpEndpoint::PeerRead() {
  if (send_.empty() || peer_ == nullptr) return;
  const size_t held = peer_->receive_.size();
  if (held * 2 > peer_->limits_.receive_bytes) return;
  SendWhatWaits();
}

void TcpEndpoint::SendWhatWaits() {
  // What is corked stays: it waits for company, not for room.
  const bool corked = limits_.corked && !fin_waits_;
  Transmit(corked ? send_.size() - send_.size() % kSegmentBytes : send_.size());
}

}  // namespace pollux::os_emu
