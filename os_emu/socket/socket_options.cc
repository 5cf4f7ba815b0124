// SOL_SOCKET: what sk_setsockopt() and sk_getsockopt() of net/core/sock.c do for every protocol.
// Values, clamps and errors were measured on Linux 6.18.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "os_emu/socket/socket.h"

namespace pollux::os_emu {
namespace {

// net.core.wmem_max and rmem_max; SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF.
constexpr uint32_t kMaxBufferBytes = 4194304;
constexpr uint32_t kMinSendBufferBytes = 4608, kMinReceiveBufferBytes = 2304;
// Timeouts are kept in jiffies: CONFIG_HZ is 250 in riscv's defconfig (and where this was
// measured).
constexpr int64_t kHz = 250, kMicrosPerJiffy = 1'000'000 / kHz;

struct SocketTimeval {
  int64_t seconds;
  int64_t microseconds;
};
struct Linger {
  int32_t on;
  int32_t seconds;
};

template <typename T>
Result<T> Decode(std::span<const uint8_t> value) {
  if (value.size() < sizeof(T)) return Errno::kInval;
  T object;
  std::memcpy(&object, value.data(), sizeof(T));
  return object;
}

template <typename T>
std::vector<uint8_t> Bytes(const T& object) {
  std::vector<uint8_t> bytes(sizeof(T));
  std::memcpy(bytes.data(), &object, sizeof(T));
  return bytes;
}

// sock_set_timeout()
Result<Nanos> ReadTimeout(std::span<const uint8_t> value) {
  POLLUX_ASSIGN_OR_RETURN(const SocketTimeval time, Decode<SocketTimeval>(value));
  if (time.microseconds < 0 || time.microseconds >= 1'000'000) return Errno::kDom;
  if (time.seconds < 0) return Nanos{0};
  if (time.seconds == 0 && time.microseconds == 0) return kNanosMax;
  if (time.seconds >= std::numeric_limits<int64_t>::max() / kNanosPerSecond - 1) return kNanosMax;
  const int64_t jiffies = (time.microseconds + kMicrosPerJiffy - 1) / kMicrosPerJiffy;
  return Nanos{time.seconds * kNanosPerSecond + jiffies * (kNanosPerSecond / kHz)};
}

std::vector<uint8_t> WriteTimeout(Nanos timeout) {
  if (timeout == kNanosMax) return Bytes(SocketTimeval{0, 0});
  return Bytes(
      SocketTimeval{timeout.value / kNanosPerSecond, timeout.value % kNanosPerSecond / 1000});
}

// A negative number is as good as forever: MAX_SCHEDULE_TIMEOUT, in seconds, cut to an int.
int32_t ShownLinger(int32_t seconds) {
  return seconds >= 0 ? seconds : static_cast<int32_t>(std::numeric_limits<int64_t>::max() / kHz);
}

uint32_t BufferBytes(int32_t value, bool force, uint32_t least) {
  uint32_t bytes = static_cast<uint32_t>(value);
  if (force) {
    bytes = static_cast<uint32_t>(std::max(value, 0));
  } else {
    bytes = std::min(bytes, kMaxBufferBytes);
  }
  bytes = std::min<uint32_t>(bytes, std::numeric_limits<int32_t>::max() / 2);
  return std::max(bytes * 2, least);
}

}  // namespace

Result<void> Socket::SetOption(int level, int name, std::span<const uint8_t> value) {
  if (level != kSolSocket) return Errno::kNoProtoOpt;
  // Before anything else sk_setsockopt() wants an int.
  POLLUX_ASSIGN_OR_RETURN(const int32_t number, Decode<int32_t>(value));
  const bool on = number != 0;
  const bool privileged = CallerHas(Capability::kNetAdmin);
  // sk_may_scm_recv()
  const bool has_control = domain_ == kAfUnix || domain_ == kAfNetlink;
  Settings& set = settings_;
  if (IsTimestampOption(name)) return SetTimestampOption(name, number);
  switch (name) {
    case kSoDebug:
      if (on && !privileged) return Errno::kAcces;
      set.debug = on;
      return {};
    case kSoReuseAddr:
      set.reuse_address = on;
      return {};
    case kSoReusePort:
      if (on && domain_ != kAfInet && domain_ != kAfInet6) return Errno::kOpNotSupp;
      set.reuse_port = on;
      return {};
    case kSoDontRoute:
      set.dont_route = on;
      return {};
    case kSoBroadcast:
      set.broadcast = on;
      return {};
    case kSoKeepAlive:
      set.keep_alive = on;
      OnSettingChanged(name);
      return {};
    case kSoOobInline:
      set.oob_inline = on;
      return {};
    case kSoNoCheck:
      set.no_check = on;
      return {};
    case kSoSndBuf:
    case kSoSndBufForce:
      if (name == kSoSndBufForce && !privileged) return Errno::kPerm;
      set.send_buffer_bytes = BufferBytes(number, name == kSoSndBufForce, kMinSendBufferBytes);
      OnSettingChanged(kSoSndBuf);
      return {};
    case kSoRcvBuf:
    case kSoRcvBufForce:
      if (name == kSoRcvBufForce && !privileged) return Errno::kPerm;
      set.receive_buffer_bytes =
          BufferBytes(number, name == kSoRcvBufForce, kMinReceiveBufferBytes);
      OnSettingChanged(kSoRcvBuf);
      return {};
    case kSoPriority:
      if ((number < 0 || number > 6) && !privileged) return Errno::kPerm;
      set.priority = number;
      return {};
    case kSoMark:
      if (!privileged) return Errno::kPerm;
      set.mark = number;
      return {};
    case kSoLinger: {
      POLLUX_ASSIGN_OR_RETURN(const Linger linger, Decode<Linger>(value));
      set.linger = linger.on != 0;
      if (set.linger) set.linger_seconds = linger.seconds;
      return {};
    }
    case kSoPassCred:
      if (!has_control) return Errno::kOpNotSupp;
      set.pass_credentials = on;
      return {};
    case kSoPassRights:
      if (domain_ != kAfUnix) return Errno::kOpNotSupp;
      set.pass_rights = on;
      return {};
    case kSoRcvLoWat:
      set.receive_low_water =
          number < 0 ? std::numeric_limits<int32_t>::max() : std::max(number, 1);
      OnSettingChanged(name);
      return {};
    case kSoRcvTimeo:
    case kSoRcvTimeoNew: {
      POLLUX_ASSIGN_OR_RETURN(receive_timeout_, ReadTimeout(value));
      return {};
    }
    case kSoSndTimeo:
    case kSoSndTimeoNew: {
      POLLUX_ASSIGN_OR_RETURN(send_timeout_, ReadTimeout(value));
      return {};
    }
    case kSoPeekOff:
      if (!HasPeekOffset()) return Errno::kOpNotSupp;
      if (number < -1) return Errno::kInval;
      set.peek_offset = number;
      return {};
    case kSoBusyPoll:
      if (number < 0) return Errno::kInval;
      set.busy_poll_us = number;
      return {};
    case kSoIncomingCpu:
      set.incoming_cpu = number;
      return {};
    case kSoZeroCopy:
      if (domain_ != kAfInet && domain_ != kAfInet6) return Errno::kOpNotSupp;
      if (number < 0 || number > 1) return Errno::kInval;
      // Only the completions' queue would tell the difference, and there is none yet.
      return on ? Result<void>(Errno::kOpNotSupp) : Result<void>();
    default:
      return Errno::kNoProtoOpt;
  }
}

Result<std::vector<uint8_t>> Socket::GetOption(int level, int name, size_t length) {
  if (level != kSolSocket) return Errno::kNoProtoOpt;
  const Settings& set = settings_;
  const auto number = [](int64_t value) { return Bytes(static_cast<int32_t>(value)); };
  if (IsTimestampOption(name)) return TimestampOption(name);
  switch (name) {
    case kSoDebug:
      return number(set.debug);
    case kSoReuseAddr:
      return number(set.reuse_address);
    case kSoReusePort:
      return number(set.reuse_port);
    case kSoType:
      return number(type_);
    case kSoProtocol:
      return number(protocol_);
    case kSoDomain:
      return number(domain_);
    case kSoError: {
      const std::optional<Errno> error = TakeError();
      return number(error.has_value() ? static_cast<int>(*error) : 0);
    }
    case kSoDontRoute:
      return number(set.dont_route);
    case kSoBroadcast:
      return number(set.broadcast);
    case kSoSndBuf:
      return number(set.send_buffer_bytes);
    case kSoRcvBuf:
      return number(set.receive_buffer_bytes);
    case kSoKeepAlive:
      return number(set.keep_alive);
    case kSoOobInline:
      return number(set.oob_inline);
    case kSoNoCheck:
      return number(set.no_check);
    case kSoPriority:
      return number(set.priority);
    case kSoMark:
      return number(set.mark);
    case kSoLinger:
      return Bytes(Linger{set.linger, ShownLinger(set.linger_seconds)});
    case kSoPassCred:
      if (domain_ != kAfUnix && domain_ != kAfNetlink) return Errno::kOpNotSupp;
      return number(set.pass_credentials);
    case kSoPassRights:
      if (domain_ != kAfUnix) return Errno::kOpNotSupp;
      return number(set.pass_rights);
    case kSoPassSec:
    case kSoPassPidFd:
      if (domain_ != kAfUnix && domain_ != kAfNetlink) return Errno::kOpNotSupp;
      if (name == kSoPassPidFd && domain_ != kAfUnix) return Errno::kOpNotSupp;
      return number(0);
    case kSoPeerCred: {
      const PeerCredentials peer = Peer();
      std::array<int32_t, 3> ucred = {peer.pid, static_cast<int32_t>(peer.uid),
                                      static_cast<int32_t>(peer.gid)};
      return Bytes(ucred);
    }
    case kSoPeerGroups:
      // No process has supplementary groups.
      if (Peer() == PeerCredentials()) return Errno::kNoData;
      return std::vector<uint8_t>();
    case kSoPeerName: {
      const Result<SocketAddress> peer = PeerName();
      if (!peer.ok()) return Errno::kNotConn;
      if (peer->length < length) return Errno::kInval;
      return std::vector<uint8_t>(peer->bytes.begin(),
                                  peer->bytes.begin() + static_cast<ptrdiff_t>(length));
    }
    case kSoRcvLoWat:
      return number(set.receive_low_water);
    case kSoSndLoWat:
      return number(1);
    case kSoRcvTimeo:
    case kSoRcvTimeoNew:
      return WriteTimeout(receive_timeout_);
    case kSoSndTimeo:
    case kSoSndTimeoNew:
      return WriteTimeout(send_timeout_);
    case kSoAcceptConn:
      return number(IsListening());
    case kSoPeekOff:
      if (!HasPeekOffset()) return Errno::kOpNotSupp;
      return number(set.peek_offset);
    case kSoBusyPoll:
      return number(set.busy_poll_us);
    case kSoIncomingCpu:
      return number(set.incoming_cpu);
    case kSoCookie:
      if (length != sizeof(uint64_t)) return Errno::kInval;
      return Bytes(inode_);
    case kSoZeroCopy:
      return number(0);
    default:
      return Errno::kNoProtoOpt;
  }
}

}  // namespace pollux::os_emu
