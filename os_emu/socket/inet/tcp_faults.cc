// TcpEndpoint: what networks do to it and the loopback device does not (TcpFault).
//
// What is under way stays in the send queue, as Linux keeps it there until it is acknowledged. So
// all that comes later waits behind it, and SIOCOUTQ, SO_LINGER and the room for more are right.
#include <algorithm>
#include <memory>

#include "os_emu/socket/inet/tcp_endpoint.h"
#include "os_emu/task/random.h"

namespace pollux::os_emu {
namespace {

// From a network of one's own to another continent would be more; but who waits for a second, and
// calls that enough, shall not be called wrong (docs/exploring.md).
constexpr int64_t kShortestNanos = 10'000;
constexpr uint64_t kDoublings = 7;

// What a send queue holds however little memory there is: tcp_wmem[0] (sk_get_wmem0()), which with
// what the kernel needs for itself is one segment of any network (TCP_MSS_DEFAULT) at least.
constexpr size_t kLeastQueueBytes = 536;

// Some part of `bytes` (at least 2), often one that tears a small head.
size_t PartOf(uint64_t bytes, uint64_t draw) {
  constexpr uint64_t kHeadBytes = 8;
  const uint64_t most = draw % 2 == 0 ? bytes - 1 : std::min(bytes - 1, kHeadBytes);
  return 1 + (draw >> 1) % most;
}

// Numbers that depend on nothing but the places in the streams, so that a schedule that is followed
// in part has the same ones.
uint64_t DrawAt(uint64_t sent, uint64_t read) {
  return RandomStream(sent * 0x9e3779b97f4a7c15 ^ read).Next();
}

}  // namespace

void TcpEndpoint::SetUnderWay() {
  const uint64_t doublings = DrawAt(read_position_, write_position_) % kDoublings;
  link_timer_.Arm(TimeBase::kMonotonic,
                  network_.kernel().clock().Monotonic() + Nanos{kShortestNanos << doublings});
  network_.AddUnderWay(*this);
}

void TcpEndpoint::NothingUnderWay() {
  link_timer_.Disarm();
  squeezed_to_.reset();
  network_.RemoveUnderWay(*this);
}

void TcpEndpoint::Forget() {
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  timer_.Disarm();
  NothingUnderWay();
  Unlink();
}

bool TcpEndpoint::MayBeLate() {
  if (!network_.Happens(TcpFault::kLateArrival)) return false;
  SetUnderWay();
  return true;
}

size_t TcpEndpoint::MaySplit(size_t bytes) {
  if (bytes < 2 || !network_.Happens(TcpFault::kSplitArrival)) return bytes;
  SetUnderWay();
  return PartOf(bytes, DrawAt(write_position_, read_position_));
}

// A send buffer grows with what the network takes (tcp_sndbuf_expand()), and shrinks where memory
// is short (sk_stream_moderate_sndbuf()): how much more than the least it holds is nobody's to
// know.
void TcpEndpoint::MaySqueeze(uint64_t bytes) {
  const size_t held = send_.size(), least = std::max(held, kLeastQueueBytes);
  const uint64_t wanted = held + std::min<uint64_t>(bytes, send_room());
  // What waits for the peer's window is not under way, and nobody knows when it will be.
  const bool stalls = held > 0 && !IsUnderWay();
  if (wanted <= least || stalls || squeezed_to_.has_value()) return;
  if (!network_.Happens(TcpFault::kSmallWindow)) return;
  squeezed_to_ = least + DrawAt(write_position_, read_position_) % (wanted - least);
  if (!IsUnderWay()) SetUnderWay();
}

void TcpEndpoint::MayBeReset() {
  const std::shared_ptr<TcpEndpoint> self = shared_from_this(), peer = peer_;
  if (peer == nullptr || peer == self || !network_.Happens(TcpFault::kReset)) return;
  peer->OnReset();
  OnReset();
}

void TcpEndpoint::OnArrival() {
  // What happens may let go of the last reference.
  const std::shared_ptr<TcpEndpoint> self = shared_from_this();
  NothingUnderWay();
  if (state_ == TcpState::kSynSent) {
    TrySyn();
    return;
  }
  SendWhatWaits();
  CheckSpace();
}

}  // namespace pollux::os_emu
