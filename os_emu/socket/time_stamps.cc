// SO_TIMESTAMP and its kin: the time at which a message came, as a control message
// (__sock_set_timestamps(), __sock_recv_timestamp() of net/core/sock.c and net/socket.c). Measured
// on Linux 6.18.
//
// There are two choices, the unit and the number of the control message, and each option name
// stands for one pair: the last one set decides. Numbers with _NEW have 64-bit times on 32-bit
// machines; on a 64-bit one only the number differs.
#include <cstring>

#include "os_emu/socket/socket.h"

namespace pollux::os_emu {
namespace {

// SOF_TIMESTAMPING_* of linux/net_tstamp.h. What devices, acknowledgements and transmissions tell
// (an error queue of sent packets) there is nothing of here.
constexpr uint32_t kReceiveSoftware = 1 << 3, kSoftware = 1 << 4, kOptionControl = 1 << 10;
constexpr uint32_t kLinuxTimestamping = (1 << 19) - 1;
constexpr uint32_t kKnownTimestamping = kReceiveSoftware | kSoftware | kOptionControl;

struct TimePair {
  int64_t seconds;
  int64_t fraction;
};

TimePair PairOf(Nanos time, bool nanoseconds) {
  const int64_t rest = time.value % kNanosPerSecond;
  return {time.value / kNanosPerSecond, nanoseconds ? rest : rest / 1000};
}

template <typename T>
std::vector<uint8_t> BytesOf(const T& object) {
  std::vector<uint8_t> bytes(sizeof(T));
  std::memcpy(bytes.data(), &object, sizeof(T));
  return bytes;
}

}  // namespace

bool Socket::IsTimestampOption(int name) {
  switch (name) {
    case kSoTimestamp:
    case kSoTimestampNs:
    case kSoTimestamping:
    case kSoTimestampNew:
    case kSoTimestampNsNew:
    case kSoTimestampingNew:
      return true;
    default:
      return false;
  }
}

Result<void> Socket::SetTimestampOption(int name, int32_t number) {
  Settings& set = settings_;
  if (name == kSoTimestamping || name == kSoTimestampingNew) {
    const uint32_t flags = static_cast<uint32_t>(number);
    if ((flags & ~kLinuxTimestamping) != 0) return Errno::kInval;
    if ((flags & ~kKnownTimestamping) != 0) return Errno::kNoProtoOpt;
    set.timestamping = flags;
    set.timestamp_new = name == kSoTimestampingNew;
    return {};
  }
  const bool on = number != 0;
  set.timestamp = on;
  set.timestamp_ns = on && (name == kSoTimestampNs || name == kSoTimestampNsNew);
  if (on) set.timestamp_new = name == kSoTimestampNew || name == kSoTimestampNsNew;
  return {};
}

std::vector<uint8_t> Socket::TimestampOption(int name) const {
  const Settings& set = settings_;
  switch (name) {
    case kSoTimestamp:
      return BytesOf(int32_t{set.timestamp && !set.timestamp_new && !set.timestamp_ns});
    case kSoTimestampNs:
      return BytesOf(int32_t{set.timestamp_ns && !set.timestamp_new});
    case kSoTimestampNew:
      return BytesOf(int32_t{set.timestamp && set.timestamp_new});
    case kSoTimestampNsNew:
      return BytesOf(int32_t{set.timestamp_ns && set.timestamp_new});
    default: {
      // struct so_timestamping: the flags, and the clock of a device.
      const bool shown = name == kSoTimestamping || set.timestamp_new;
      return BytesOf(uint64_t{shown ? set.timestamping : 0});
    }
  }
}

void Socket::AddTimestamp(Nanos arrived, IncomingMessage& message) const {
  const Settings& set = settings_;
  const auto add = [&](int type, std::vector<uint8_t> data) {
    message.control.push_back({.level = kSolSocket, .type = type, .data = std::move(data)});
  };
  if (set.timestamp) {
    const int type = set.timestamp_ns ? (set.timestamp_new ? kSoTimestampNsNew : kSoTimestampNs)
                                      : (set.timestamp_new ? kSoTimestampNew : kSoTimestamp);
    add(type, BytesOf(PairOf(arrived, set.timestamp_ns)));
  }
  constexpr uint32_t kBoth = kReceiveSoftware | kSoftware;
  if ((set.timestamping & kBoth) == kBoth) {
    // struct scm_timestamping: software, two of hardware.
    const TimePair times[3] = {PairOf(arrived, true), {}, {}};
    add(set.timestamp_new ? kSoTimestampingNew : kSoTimestamping, BytesOf(times));
  }
}

// sock_gettstamp()
Result<int64_t> Socket::TellTimestamp(uint32_t request, GuestAddr to, memory::AddressSpace* space) {
  stamps_for_ioctl_ = true;
  if (!last_stamp_.has_value()) return Errno::kNoEnt;
  // What came before anybody asked has the time of the question.
  if (*last_stamp_ == Nanos{0}) last_stamp_ = kernel_.clock().Realtime();
  const bool nanoseconds = request == kSiocGstampNs || request == kSiocGstampNsNew;
  POLLUX_RETURN_IF_ERROR(space->WriteObject(to, PairOf(*last_stamp_, nanoseconds)));
  return int64_t{0};
}

// sock_recv_cmsgs()
void Socket::NoteReceived(Nanos arrived) {
  if (settings_.timestamp || settings_.timestamping != 0) return;
  if (stamps_for_ioctl_) {
    last_stamp_ = arrived;
  } else if (!last_stamp_.has_value()) {
    last_stamp_ = Nanos{0};
  }
}

}  // namespace pollux::os_emu
