#include "os_emu/socket/inet/ip_options.h"

#include <cstring>
#include <optional>

#include "abi/check.h"
#include "os_emu/socket/address.h"
#include "os_emu/socket/inet/ip_address.h"

namespace pollux::os_emu {
namespace {

// How a value is taken.
enum class Kind {
  kBool,
  kRange,  // least..most, else kInval.
  kByte,   // Its low 8 bits.
};

struct Row {
  int level;
  int name;
  Kind kind;
  int32_t initial;
  int32_t least = 0;
  int32_t most = 0;
  // -1 stands for the initial value.
  bool minus_one_resets = false;
  Errno out_of_range = Errno::kInval;
  // A TCP socket may not set it: with this error.
  std::optional<Errno> stream_error = std::nullopt;
};

constexpr Row kOptions[] = {
    {kSolIp, kIpTos, Kind::kByte, 0},
    {kSolIp, kIpTtl, Kind::kRange, 64, 1, 255, true},
    {kSolIp, kIpRecvOpts, Kind::kBool, 0},
    {kSolIp, kIpPktInfo, Kind::kBool, 0},
    {kSolIp, kIpMtuDiscover, Kind::kRange, 1, 0, 5},
    {kSolIp, kIpRecvErr, Kind::kBool, 0},
    {kSolIp, kIpRecvTtl, Kind::kBool, 0},
    {kSolIp, kIpRecvTos, Kind::kBool, 0},
    {kSolIp, kIpBindAddressNoPort, Kind::kBool, 0},
    {kSolIp, kIpMulticastTtl, Kind::kRange, 1, 0, 255, true, Errno::kInval, Errno::kInval},
    {kSolIp, kIpMulticastLoop, Kind::kBool, 1},
    {kSolIp, kIpMulticastAll, Kind::kRange, 1, 0, 1},
    {kSolIpV6, kIpV6MulticastIf, Kind::kRange, 0, 0, 1, false, Errno::kNoDev, Errno::kNoProtoOpt},
    {kSolIpV6, kIpV6MulticastHops, Kind::kRange, 1, 0, 255, true, Errno::kInval,
     Errno::kNoProtoOpt},
    {kSolIpV6, kIpV6MulticastLoop, Kind::kRange, 1, 0, 1},
    {kSolIpV6, kIpV6MulticastAll, Kind::kBool, 1},
    {kSolIpV6, kIpV6UnicastHops, Kind::kRange, 64, 0, 255, true},
    {kSolIpV6, kIpV6MtuDiscover, Kind::kRange, 1, 0, 5},
    {kSolIpV6, kIpV6RecvErr, Kind::kBool, 0},
    {kSolIpV6, kIpV6Only, Kind::kBool, 0},
    {kSolIpV6, kIpV6RecvPktInfo, Kind::kBool, 0},
    {kSolIpV6, kIpV6RecvHopLimit, Kind::kBool, 0},
    {kSolIpV6, kIpV6DontFrag, Kind::kBool, 0},
    {kSolIpV6, kIpV6RecvTClass, Kind::kBool, 0},
    {kSolIpV6, kIpV6TClass, Kind::kRange, 0, 0, 255, true},
    {kSolIpV6, kIpV6AutoFlowLabel, Kind::kBool, 1},
};

const Row* FindRow(int level, int name) {
  for (const Row& row : kOptions) {
    if (row.level == level && row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace

IpOptions::IpOptions() : values_{} {
  static_assert(std::size(kOptions) <= kRows);
  for (size_t i = 0; i < std::size(kOptions); ++i) values_[i] = kOptions[i].initial;
}

int32_t IpOptions::Value(int level, int name) const {
  const Row* row = FindRow(level, name);
  POLLUX_CHECK(row != nullptr) << level << " " << name;
  return values_[row - kOptions];
}

void IpOptions::SetV6Only(bool only) { values_[FindRow(kSolIpV6, kIpV6Only) - kOptions] = only; }

Result<void> IpOptions::Set(int level, int name, std::span<const uint8_t> value,
                            const Facts& facts) {
  if (level == kSolIpV6 && facts.domain != kAfInet6) return Errno::kNoProtoOpt;
  const Row* row = FindRow(level, name);
  if (row == nullptr) return Errno::kNoProtoOpt;
  if (facts.stream && row->stream_error.has_value()) return *row->stream_error;
  int32_t number = 0;
  if (value.size() >= sizeof(number)) {
    std::memcpy(&number, value.data(), sizeof(number));
  } else if (level == kSolIpV6) {
    return Errno::kInval;
  } else if (!value.empty()) {
    number = value[0];
  } else if (name == kIpMulticastTtl || name == kIpMulticastLoop || name == kIpMulticastAll) {
    return Errno::kInval;
  }
  if (level == kSolIpV6 && name == kIpV6Only && facts.has_port) return Errno::kInval;
  switch (row->kind) {
    case Kind::kBool:
      number = number != 0;
      break;
    case Kind::kByte:
      number &= 0xff;
      // TCP's ECN bits are the kernel's own.
      if (name == kIpTos && facts.stream) number &= ~3;
      break;
    case Kind::kRange:
      if (number == -1 && row->minus_one_resets) number = row->initial;
      if (number < row->least || number > row->most) return row->out_of_range;
      break;
  }
  values_[row - kOptions] = number;
  return {};
}

Result<std::vector<uint8_t>> IpOptions::Get(int level, int name, size_t length,
                                            const Facts& facts) const {
  if (level == kSolIpV6 && facts.domain != kAfInet6) return Errno::kOpNotSupp;
  int32_t number;
  if ((level == kSolIp && name == kIpMtu) || (level == kSolIpV6 && name == kIpV6Mtu)) {
    if (!facts.connected) return Errno::kNotConn;
    // IPv4's packets have 16 bits for their length.
    number = static_cast<int32_t>(level == kSolIp ? kLoopbackMtu - 1 : kLoopbackMtu);
  } else {
    const Row* row = FindRow(level, name);
    if (row == nullptr) return Errno::kNoProtoOpt;
    number = values_[row - kOptions];
  }
  std::vector<uint8_t> bytes(sizeof(number));
  std::memcpy(bytes.data(), &number, sizeof(number));
  // A short buffer gets one byte, if the value fits into that.
  if (level == kSolIp && length > 0 && length < sizeof(number) && number >= 0 && number <= 255) {
    bytes.resize(1);
  }
  return bytes;
}

}  // namespace pollux::os_emu
