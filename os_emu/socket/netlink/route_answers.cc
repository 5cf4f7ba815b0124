#include "os_emu/socket/netlink/route_answers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "abi/errno.h"
#include "abi/result.h"
#include "os_emu/socket/address.h"

namespace pollux::os_emu {
namespace {

constexpr uint16_t kError = 2, kDone = 3, kFirstRequest = 16;
// RTM_*: four a kind of object: new, delete, get, set.
constexpr uint16_t kNewLink = 16, kGetLink = 18, kNewAddress = 20, kGetAddress = 22, kNewRoute = 24,
                   kGetRoute = 26, kGetNeighbour = 30, kLastRequest = 127;
constexpr uint16_t kGetBits = 2;  // Of type & 3.

constexpr int32_t kLoopback = 1;              // Its index.
constexpr uint32_t kLoopbackFlags = 0x10049;  // Up, loopback, running, lower up.
constexpr uint16_t kHardwareLoopback = 772;
constexpr uint32_t kForever = UINT32_MAX;
constexpr uint32_t kAddressMade = 100;  // Hundredths of a second after boot.

struct LinkMessage {  // struct ifinfomsg
  uint8_t family;
  uint8_t padding;
  uint16_t type;
  int32_t index;
  uint32_t flags;
  uint32_t change;
};
struct AddressMessage {  // struct ifaddrmsg
  uint8_t family;
  uint8_t prefix;
  uint8_t flags;
  uint8_t scope;
  int32_t index;
};
struct RouteMessage {  // struct rtmsg
  uint8_t family;
  uint8_t destination_bits;
  uint8_t source_bits;
  uint8_t tos;
  uint8_t table;
  uint8_t protocol;
  uint8_t scope;
  uint8_t type;
  uint32_t flags;
};

constexpr std::array<uint8_t, 4> kLocalhost = {127, 0, 0, 1},
                                 kLocalBroadcast = {127, 255, 255, 255};
constexpr std::array<uint8_t, 16> kLocalhostV6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

// One message under construction, at the end of a datagram.
class Writer {
 public:
  Writer(std::vector<uint8_t>& bytes, uint16_t type, uint16_t flags, const NetlinkHeader& request,
         uint32_t port)
      : bytes_(bytes), start_(bytes.size()) {
    Put(NetlinkHeader{0, type, flags, request.sequence, port});
  }
  // The length counts the padding of the last attribute (nlmsg_end()): readers rely on it, Go's
  // syscall package among them.
  ~Writer() {
    Align();
    const uint32_t length = static_cast<uint32_t>(bytes_.size() - start_);
    std::memcpy(bytes_.data() + start_, &length, sizeof(length));
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  template <typename T>
  void Put(const T& object) {
    static_assert(std::is_trivially_copyable_v<T>);
    PutBytes(&object, sizeof(object));
  }
  void PutBytes(const void* data, size_t bytes) {
    const auto* from = static_cast<const uint8_t*>(data);
    bytes_.insert(bytes_.end(), from, from + bytes);
  }
  template <typename T>
  void Attribute(uint16_t type, const T& value) {
    Align();
    Put(static_cast<uint16_t>(4 + sizeof(value)));
    Put(type);
    Put(value);
  }
  void Text(uint16_t type, std::string_view text) {
    Align();
    Put(static_cast<uint16_t>(4 + text.size() + 1));
    Put(type);
    PutBytes(text.data(), text.size());
    Put(uint8_t{0});
  }

 private:
  void Align() { bytes_.resize((bytes_.size() + 3) & ~size_t{3}); }

  std::vector<uint8_t>& bytes_;
  size_t start_;
};

struct Request {
  NetlinkHeader header;
  std::span<const uint8_t> payload;
  uint32_t port;
  bool dump;
  uint8_t family;

  uint16_t flags() const { return dump ? kNetlinkMulti : 0; }
};

void PutLink(const Request& request, std::vector<uint8_t>& to) {
  Writer writer(to, kNewLink, request.flags(), request.header, request.port);
  writer.Put(LinkMessage{0, 0, kHardwareLoopback, kLoopback, kLoopbackFlags, 0});
  writer.Text(3, "lo");                              // IFLA_IFNAME
  writer.Attribute(13, uint32_t{1000});              // IFLA_TXQLEN
  writer.Attribute(16, uint8_t{0});                  // IFLA_OPERSTATE: unknown
  writer.Attribute(17, uint8_t{0});                  // IFLA_LINKMODE
  writer.Attribute(4, uint32_t{65536});              // IFLA_MTU
  writer.Attribute(50, uint32_t{0});                 // IFLA_MIN_MTU
  writer.Attribute(51, uint32_t{0});                 // IFLA_MAX_MTU
  writer.Attribute(27, uint32_t{0});                 // IFLA_GROUP
  writer.Attribute(30, uint32_t{0});                 // IFLA_PROMISCUITY
  writer.Attribute(31, uint32_t{1});                 // IFLA_NUM_TX_QUEUES
  writer.Attribute(32, uint32_t{1});                 // IFLA_NUM_RX_QUEUES
  writer.Attribute(33, uint8_t{1});                  // IFLA_CARRIER
  writer.Attribute(35, uint32_t{0});                 // IFLA_CARRIER_CHANGES
  writer.Attribute(1, std::array<uint8_t, 6>{});     // IFLA_ADDRESS
  writer.Attribute(2, std::array<uint8_t, 6>{});     // IFLA_BROADCAST
  writer.Attribute(23, std::array<uint8_t, 200>{});  // IFLA_STATS64
  writer.Attribute(7, std::array<uint8_t, 96>{});    // IFLA_STATS
  writer.Text(6, "noqueue");                         // IFLA_QDISC
}

// struct ifa_cacheinfo: both lifetimes, made, changed.
constexpr std::array<uint32_t, 4> kAddressTimes = {kForever, kForever, kAddressMade, kAddressMade};
constexpr uint32_t kPermanent = 0x80;  // IFA_F_PERMANENT

void PutAddressV4(const Request& request, std::vector<uint8_t>& to) {
  Writer writer(to, kNewAddress, request.flags(), request.header, request.port);
  writer.Put(AddressMessage{kAfInet, 8, kPermanent, 254, kLoopback});
  writer.Attribute(1, kLocalhost);     // IFA_ADDRESS
  writer.Attribute(2, kLocalhost);     // IFA_LOCAL
  writer.Text(3, "lo");                // IFA_LABEL
  writer.Attribute(8, kPermanent);     // IFA_FLAGS
  writer.Attribute(6, kAddressTimes);  // IFA_CACHEINFO
}

void PutAddressV6(const Request& request, std::vector<uint8_t>& to) {
  Writer writer(to, kNewAddress, request.flags(), request.header, request.port);
  writer.Put(AddressMessage{kAfInet6, 128, kPermanent, 254, kLoopback});
  writer.Attribute(1, kLocalhostV6);
  writer.Attribute(6, kAddressTimes);
  writer.Attribute(8, kPermanent);
  writer.Attribute(11, uint8_t{1});  // IFA_PROTO: of the kernel's loopback
}

constexpr uint8_t kTableLocal = 255, kByKernel = 2, kScopeHost = 254, kScopeLink = 253;
constexpr uint8_t kRouteLocal = 2, kRouteBroadcast = 3;

void PutRouteV4(const Request& request, const std::array<uint8_t, 4>& destination, uint8_t bits,
                uint8_t scope, uint8_t type, std::vector<uint8_t>& to) {
  Writer writer(to, kNewRoute, request.flags(), request.header, request.port);
  writer.Put(RouteMessage{kAfInet, bits, 0, 0, kTableLocal, kByKernel, scope, type, 0});
  writer.Attribute(15, uint32_t{kTableLocal});  // RTA_TABLE
  writer.Attribute(1, destination);             // RTA_DST
  writer.Attribute(7, kLocalhost);              // RTA_PREFSRC
  writer.Attribute(4, kLoopback);               // RTA_OIF
}

void PutRouteV6(const Request& request, std::vector<uint8_t>& to) {
  Writer writer(to, kNewRoute, request.flags(), request.header, request.port);
  writer.Put(RouteMessage{kAfInet6, 128, 0, 0, kTableLocal, kByKernel, 0, kRouteLocal, 0});
  writer.Attribute(15, uint32_t{kTableLocal});
  writer.Attribute(1, kLocalhostV6);
  writer.Attribute(6, uint32_t{0});  // RTA_PRIORITY
  writer.Attribute(4, kLoopback);
  writer.Attribute(12, std::array<uint8_t, 32>{});  // RTA_CACHEINFO
  writer.Attribute(20, uint8_t{0});                 // RTA_PREF
}

// The name that IFLA_IFNAME gives in a request. Empty: none.
std::string_view NameIn(std::span<const uint8_t> attributes) {
  while (attributes.size() >= 4) {
    uint16_t length, type;
    std::memcpy(&length, attributes.data(), 2);
    std::memcpy(&type, attributes.data() + 2, 2);
    if (length < 4 || length > attributes.size()) break;
    if (type == 3) {
      const std::string_view text(reinterpret_cast<const char*>(attributes.data()) + 4,
                                  size_t{length} - 4);
      return text.substr(0, text.find('\0'));
    }
    attributes = attributes.subspan(std::min<size_t>((length + 3u) & ~3u, attributes.size()));
  }
  return {};
}

Result<void> GetLink(const Request& request, std::vector<uint8_t>& to) {
  if (!request.dump) {
    if (request.payload.size() < sizeof(LinkMessage)) return Errno::kInval;
    LinkMessage message;
    std::memcpy(&message, request.payload.data(), sizeof(message));
    const std::string_view name = NameIn(request.payload.subspan(sizeof(message)));
    if (message.index < 0) return Errno::kInval;
    if (message.index == 0 && name.empty()) return Errno::kInval;
    if (message.index != 0 ? message.index != kLoopback : name != "lo") return Errno::kNoDev;
  }
  PutLink(request, to);
  return {};
}

Result<void> GetAddress(const Request& request, std::vector<uint8_t>& to) {
  if (!request.dump) return Errno::kOpNotSupp;
  const bool both = request.family != kAfInet && request.family != kAfInet6;
  if (both || request.family == kAfInet) PutAddressV4(request, to);
  if (both || request.family == kAfInet6) PutAddressV6(request, to);
  return {};
}

Result<void> GetRoute(const Request& request, std::vector<uint8_t>& to) {
  if (!request.dump) return Errno::kOpNotSupp;
  const bool both = request.family != kAfInet && request.family != kAfInet6;
  if (both || request.family == kAfInet) {
    PutRouteV4(request, {127, 0, 0, 0}, 8, kScopeHost, kRouteLocal, to);
    PutRouteV4(request, kLocalhost, 32, kScopeHost, kRouteLocal, to);
    PutRouteV4(request, kLocalBroadcast, 32, kScopeLink, kRouteBroadcast, to);
  }
  if (both || request.family == kAfInet6) PutRouteV6(request, to);
  return {};
}

Result<void> Answer(const Request& request, bool privileged, NetlinkDatagrams& answers) {
  const uint16_t type = request.header.type;
  if (type > kLastRequest) return Errno::kOpNotSupp;
  if (request.payload.empty()) return {};  // "All the messages must have at least 1 byte length."
  if ((type & 3) != kGetBits) return privileged ? Errno::kOpNotSupp : Errno::kPerm;
  std::vector<uint8_t> datagram;
  switch (type) {
    case kGetLink:
      POLLUX_RETURN_IF_ERROR(GetLink(request, datagram));
      break;
    case kGetAddress:
      POLLUX_RETURN_IF_ERROR(GetAddress(request, datagram));
      break;
    case kGetRoute:
      POLLUX_RETURN_IF_ERROR(GetRoute(request, datagram));
      break;
    case kGetNeighbour:
      if (!request.dump) return Errno::kOpNotSupp;
      break;  // None.
    default:
      return Errno::kOpNotSupp;
  }
  // The end of a dump comes in a datagram of its own, but for IPv6 links and addresses, whose last
  // part has room for it (netlink_dump(); measured on Linux 6.18).
  const bool end_in_last_part =
      request.family == kAfInet6 && (type == kGetLink || type == kGetAddress);
  if (!datagram.empty() && !(request.dump && end_in_last_part)) {
    answers.push_back(std::exchange(datagram, {}));
  }
  if (request.dump) {
    {
      Writer writer(datagram, kDone, kNetlinkMulti, request.header, request.port);
      writer.Put(int32_t{0});
    }
    answers.push_back(std::move(datagram));
  }
  return {};
}

}  // namespace

void AnswerRouteRequest(std::span<const uint8_t> message, uint32_t port, bool privileged,
                        NetlinkDatagrams& answers) {
  Request request{};
  std::memcpy(&request.header, message.data(), sizeof(NetlinkHeader));
  request.payload = message.subspan(sizeof(NetlinkHeader));
  request.port = port;
  request.dump = (request.header.flags & kNetlinkDump) != 0;
  request.family = request.payload.empty() ? 0 : request.payload[0];
  Result<void> result;
  bool dumped = false;
  if ((request.header.flags & kNetlinkRequest) != 0 && request.header.type >= kFirstRequest) {
    result = Answer(request, privileged, answers);
    dumped = result.ok() && request.dump;
  }
  // A dump is its own acknowledgement.
  const bool wants_ack = (request.header.flags & kNetlinkAck) != 0 && !dumped;
  if (result.ok() && !wants_ack) return;
  // netlink_ack(): with the whole request where it failed.
  std::vector<uint8_t> error;
  {
    Writer writer(error, kError, result.ok() ? kNetlinkCapped : 0, request.header, port);
    writer.Put(result.ok() ? 0 : -static_cast<int32_t>(result.error()));
    writer.PutBytes(message.data(), result.ok() ? sizeof(NetlinkHeader) : message.size());
  }
  answers.push_back(std::move(error));
}

}  // namespace pollux::os_emu
