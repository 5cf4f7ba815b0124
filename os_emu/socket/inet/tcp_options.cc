// TcpSocket: the options of level IPPROTO_TCP (do_tcp_setsockopt(), do_tcp_getsockopt()). Values,
// clamps and errors were measured on Linux 6.18.
#include <algorithm>
#include <cstring>
#include <utility>

#include "os_emu/socket/inet/tcp_socket.h"

namespace pollux::os_emu {
namespace {

constexpr int kTcpNoDelay = 1, kTcpMaxSegment = 2, kTcpCork = 3, kTcpKeepIdle = 4,
              kTcpKeepInterval = 5, kTcpKeepCount = 6, kTcpSynCount = 7, kTcpLinger2 = 8,
              kTcpDeferAccept = 9, kTcpWindowClamp = 10, kTcpInfo = 11, kTcpQuickAck = 12,
              kTcpCongestion = 13, kTcpThinLinearTimeouts = 16, kTcpThinDupack = 17,
              kTcpUserTimeout = 18, kTcpNotSentLowWater = 25, kTcpUlp = 31, kTcpInq = 36;
constexpr size_t kCongestionNameBytes = 16;  // TCP_CA_NAME_MAX
constexpr int32_t kDefaultSegment = 536, kLoopbackSegment = 32741;
constexpr int32_t kMaxKeepSeconds = 32767, kMaxCount = 127;
constexpr int32_t kMaxLinger2 = 120;
constexpr int32_t kDefaultOrphanSeconds = 60;  // net.ipv4.tcp_fin_timeout

std::vector<uint8_t> Number(int32_t value) {
  std::vector<uint8_t> bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

// TCP_DEFER_ACCEPT counts retransmissions of the SYN-ACK: after 1, 3, 7, 15 ... seconds
// (secs_to_retrans() and back).
int32_t DeferSeconds(int32_t seconds) {
  if (seconds <= 0) return 0;
  int32_t timeout = 1, period = 1;
  while (seconds > timeout && timeout < 100000) {
    timeout += period = std::min(period * 2, 120);
  }
  return timeout;
}

}  // namespace

void TcpSocket::OnSettingChanged(int name) {
  if (name == kSoRcvLoWat) {
    // tcp_set_rcvlowat(): at most half of what the receive buffer may grow to.
    constexpr int32_t kMaxLowWater = 16777216;
    settings().receive_low_water = std::min(settings().receive_low_water, kMaxLowWater);
  }
  if (name == kSoSndBuf) send_buffer_set_ = true;
  UpdateEndpoint();
  if (name == kSoSndBuf && endpoint_->Writable()) {
    // sk_stream_write_space(), whether somebody waits for room or not.
    endpoint_->WantSpace();
    endpoint_->CheckSpace();
  }
  // Also where it stays the same, and where nothing is there but the end.
  if (name == kSoRcvLoWat) endpoint_->WakeForDataIfReadable();
}

Result<void> TcpSocket::SetOption(int level, int name, std::span<const uint8_t> value) {
  if (level != kSolTcp) {
    POLLUX_RETURN_IF_ERROR(InetSocket::SetOption(level, name, value));
    UpdateEndpoint();
    return {};
  }
  if (name == kTcpCongestion) {
    if (value.empty()) return Errno::kInval;
    std::string algorithm(reinterpret_cast<const char*>(value.data()),
                          std::min(value.size(), kCongestionNameBytes - 1));
    algorithm.resize(std::strlen(algorithm.c_str()));
    if (algorithm != "cubic" && algorithm != "reno") return Errno::kNoEnt;
    tcp_.congestion = std::move(algorithm);
    return {};
  }
  if (name == kTcpUlp) return Errno::kNoEnt;  // tls: the module is not there.
  int32_t number;
  if (value.size() < sizeof(number)) return Errno::kInval;
  std::memcpy(&number, value.data(), sizeof(number));
  TcpEndpoint::Limits& limits = endpoint_->limits();
  const auto within = [&](int32_t least, int32_t most) {
    return number >= least && number <= most;
  };
  switch (name) {
    case kTcpNoDelay:
      limits.no_delay = number != 0;
      if (limits.no_delay) endpoint_->Push();
      return {};
    case kTcpCork:
      limits.corked = number != 0;
      if (!limits.corked) endpoint_->Push();
      return {};
    case kTcpMaxSegment:
      if (number != 0 && !within(88, 32767)) return Errno::kInval;
      tcp_.max_segment = number;
      return {};
    case kTcpKeepIdle:
      if (!within(1, kMaxKeepSeconds)) return Errno::kInval;
      tcp_.keep_idle = number;
      return {};
    case kTcpKeepInterval:
      if (!within(1, kMaxKeepSeconds)) return Errno::kInval;
      tcp_.keep_interval = number;
      return {};
    case kTcpKeepCount:
      if (!within(1, kMaxCount)) return Errno::kInval;
      tcp_.keep_count = number;
      return {};
    case kTcpSynCount:
      if (!within(1, kMaxCount)) return Errno::kInval;
      limits.syn_retries = number;
      return {};
    case kTcpLinger2:
      limits.orphan_seconds = number < 0    ? -1
                              : number == 0 ? kDefaultOrphanSeconds
                                            : std::min(number, kMaxLinger2);
      return {};
    case kTcpDeferAccept:
      tcp_.defer_accept_seconds = DeferSeconds(number);
      return {};
    case kTcpWindowClamp:
      if (number == 0 && endpoint_->state() != TcpState::kClose) return Errno::kInval;
      tcp_.window_clamp = number == 0 ? 0 : std::max(number, 1152);  // SOCK_MIN_RCVBUF / 2
      return {};
    case kTcpQuickAck:
      tcp_.quick_ack = (number & 1) != 0;
      return {};
    case kTcpThinLinearTimeouts:
      if (!within(0, 1)) return Errno::kInval;
      tcp_.thin_linear = number != 0;
      return {};
    case kTcpThinDupack:
      if (!within(0, 1)) return Errno::kInval;
      return {};
    case kTcpUserTimeout:
      if (number < 0) return Errno::kInval;
      endpoint_->SetUserTimeout(number);
      return {};
    case kTcpNotSentLowWater:
      tcp_.not_sent_low_water = number;
      return {};
    default:
      return Errno::kNoProtoOpt;
  }
}

// struct tcp_info as far as it means something without segments: the state, the options, sizes.
std::vector<uint8_t> TcpSocket::Info() const {
  std::vector<uint8_t> info(256);
  const auto put = [&](size_t offset, uint32_t value) {
    std::memcpy(info.data() + offset, &value, sizeof(value));
  };
  info[0] = static_cast<uint8_t>(endpoint_->state());
  if (IsListening()) {
    put(24, static_cast<uint32_t>(accept_queue_.size()));  // tcpi_unacked
    put(28, static_cast<uint32_t>(backlog_));              // tcpi_sacked
    put(80, 10);                                           // tcpi_snd_cwnd
    put(88, 3);                                            // tcpi_reordering
    return info;
  }
  const bool connected = IsConnected();
  if (connected) info[5] = 7;                               // Timestamps, SACK, scaling.
  if (connected) info[6] = 0xaa;                            // Scaled by 10 both ways.
  put(8, connected ? 201'000 : 1'000'000);                  // tcpi_rto
  put(12, connected ? 40'000 : 0);                          // tcpi_ato
  put(16, connected ? kLoopbackSegment : kDefaultSegment);  // tcpi_snd_mss
  put(20, connected ? kDefaultSegment : 0);                 // tcpi_rcv_mss
  put(60, connected ? kLoopbackMtu - 1 : 0);                // tcpi_pmtu
  put(64, connected ? 65495 : 0);                           // tcpi_rcv_ssthresh
  put(68, connected ? 20 : 0);                              // tcpi_rtt
  put(72, connected ? 10 : 250'000);                        // tcpi_rttvar
  put(76, INT32_MAX);                                       // tcpi_snd_ssthresh
  put(80, 10);                                              // tcpi_snd_cwnd
  put(84, connected ? 65483 : 0);                           // tcpi_advmss
  put(88, 3);                                               // tcpi_reordering
  return info;
}

Result<std::vector<uint8_t>> TcpSocket::GetOption(int level, int name, size_t length) {
  if (level != kSolTcp) return InetSocket::GetOption(level, name, length);
  const TcpEndpoint::Limits& limits = endpoint_->limits();
  switch (name) {
    case kTcpNoDelay:
      return Number(limits.no_delay);
    case kTcpCork:
      return Number(limits.corked);
    case kTcpMaxSegment:
      if (IsConnected()) return Number(kLoopbackSegment);
      return Number(tcp_.max_segment != 0 ? tcp_.max_segment : kDefaultSegment);
    case kTcpKeepIdle:
      return Number(tcp_.keep_idle);
    case kTcpKeepInterval:
      return Number(tcp_.keep_interval);
    case kTcpKeepCount:
      return Number(tcp_.keep_count);
    case kTcpSynCount:
      return Number(limits.syn_retries);
    case kTcpLinger2:
      return Number(limits.orphan_seconds);
    case kTcpDeferAccept:
      return Number(tcp_.defer_accept_seconds);
    case kTcpWindowClamp:
      return Number(tcp_.window_clamp);
    case kTcpInfo:
      return Info();
    case kTcpQuickAck:
      return Number(tcp_.quick_ack);
    case kTcpCongestion: {
      std::vector<uint8_t> bytes(kCongestionNameBytes);
      std::memcpy(bytes.data(), tcp_.congestion.data(), tcp_.congestion.size());
      return bytes;
    }
    case kTcpThinLinearTimeouts:
      return Number(tcp_.thin_linear);
    case kTcpThinDupack:
      return Number(0);
    case kTcpUserTimeout:
      return Number(limits.user_timeout_ms);
    case kTcpNotSentLowWater:
      return Number(tcp_.not_sent_low_water);
    case kTcpUlp:
      return std::vector<uint8_t>();
    case kTcpInq:
      return Number(0);
    default:
      return Errno::kNoProtoOpt;
  }
}

}  // namespace pollux::os_emu
