#include "os_emu/socket/netlink/netlink.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "os_emu/socket/netlink/route_answers.h"
#include "os_emu/socket/socket.h"

namespace pollux::os_emu {
namespace {

constexpr int kNetlinkRoute = 0;
constexpr int kSolNetlink = 270;
// NETLINK_* of level SOL_NETLINK.
constexpr int kAddMembership = 1, kDropMembership = 2, kFirstBool = 3, kNoEnoBufs = 5,
              kListMemberships = 9, kCapAck = 10, kStrictCheck = 12;
constexpr uint64_t kSocketBytes = 1024;
constexpr uint64_t kDatagramOverhead = 576;
constexpr size_t kMaxMessageBytes = 32768;  // What a request may be here; they have a hundred.

// Which port ids are taken, of all processes.
class PortIds {
 public:
  explicit PortIds(Kernel&) {}
  bool Take(uint32_t port) { return taken_.insert(port).second; }
  void Release(uint32_t port) { taken_.erase(port); }

 private:
  std::set<uint32_t> taken_;
};

class NetlinkSocket final : public Socket {
 public:
  NetlinkSocket(Kernel& kernel, int type, uint32_t status_flags)
      : Socket(kernel, kAfNetlink, type, kNetlinkRoute, status_flags) {
    budget().used_bytes += kSocketBytes;
  }
  ~NetlinkSocket() override { budget().used_bytes -= kSocketBytes; }

  Result<void> Bind(const SocketAddress& address) override {
    POLLUX_ASSIGN_OR_RETURN(const Address wanted, Decode(address));
    if (bound_) {
      if (wanted.port != port_) return Errno::kInval;
    } else if (wanted.port == 0) {
      AutoBind();
    } else {
      if (!kernel().Part<PortIds>().Take(wanted.port)) return Errno::kAddrInUse;
      port_ = wanted.port;
      bound_ = true;
    }
    groups_ = wanted.groups;
    return {};
  }

  Result<void> Connect(const SocketAddress& address, bool) override {
    if (address.length < 2) return Errno::kInval;
    if (address.family() == kAfUnspec) return {};
    POLLUX_ASSIGN_OR_RETURN(const Address peer, Decode(address));
    // Only the kernel is there to talk to.
    if (peer.port != 0 || peer.groups != 0) return Errno::kPerm;
    AutoBind();
    return {};
  }

  Result<SocketAddress> Name() override { return Encode(port_, groups_); }
  Result<SocketAddress> PeerName() override { return Encode(0, 0); }
  Result<void> Shutdown(int) override { return Errno::kOpNotSupp; }

  Result<size_t> Send(OutgoingMessage& message) override {
    if ((message.flags & kMsgOob) != 0) return Errno::kOpNotSupp;
    if (message.data->remaining() == 0) return Errno::kNoData;
    if (message.control_error.has_value()) return *message.control_error;
    if (message.to != nullptr) {
      POLLUX_ASSIGN_OR_RETURN(const Address to, Decode(*message.to));
      if (to.port != 0 || to.groups != 0) return Errno::kPerm;
    }
    AutoBind();
    const size_t bytes = message.data->remaining();
    if (bytes > kMaxMessageBytes) return Errno::kMsgSize;
    std::vector<uint8_t> request(bytes);
    if (message.data->CopyFrom(request) < bytes) return Errno::kFault;
    // netlink_rcv_skb(): one message after the other, as long as they are whole.
    std::span<const uint8_t> rest = request;
    while (rest.size() >= sizeof(NetlinkHeader)) {
      uint32_t length;
      std::memcpy(&length, rest.data(), sizeof(length));
      if (length < sizeof(NetlinkHeader) || length > rest.size()) break;
      NetlinkDatagrams answers;
      AnswerRouteRequest(rest.first(length), port_, CallerHas(Capability::kNetAdmin), answers);
      uint16_t flags;
      std::memcpy(&flags, rest.data() + offsetof(NetlinkHeader, flags), sizeof(flags));
      const bool dump = (flags & kNetlinkDump) != 0 && answers.size() == 2;
      for (std::vector<uint8_t>& answer : answers) {
        // The second part of a dump comes when the first has been read.
        const bool later = dump && &answer == &answers.back();
        if (!Enqueue(std::move(answer), later)) SetError(Errno::kNoBufs);
      }
      rest = rest.subspan(std::min<size_t>((length + 3u) & ~3u, rest.size()));
    }
    return bytes;
  }

  Result<size_t> Receive(IncomingMessage& message) override {
    if ((message.flags & (kMsgOob | kMsgErrQueue)) != 0) {
      message.flags |= kMsgDontWait;
      return Errno::kOpNotSupp;
    }
    if (has_error()) return *TakeError();
    if (queue_datagrams_.empty()) return Errno::kAgain;
    Datagram& datagram = queue_datagrams_.front();
    const size_t length = datagram.bytes.size();
    const size_t bytes = std::min<uint64_t>(length, message.data->remaining());
    if (bytes < length) message.out_flags |= kMsgTrunc;
    const bool fault = message.data->CopyTo({datagram.bytes.data(), bytes}) < bytes;
    message.from = Encode(0, 0);
    if ((message.flags & kMsgPeek) == 0) {
      const bool more = datagram.more_follows;
      Drop();
      if (more) NotifyData();
    }
    if (fault) return Errno::kFault;
    return (message.flags & kMsgTrunc) != 0 ? length : bytes;
  }

  WaitPlan ReadWait() override {
    return {.queue = &queue(), .mode = WaitMode::kExclusive, .limit = receive_timeout()};
  }

  EventMask Poll() override {
    EventMask mask = kWritable | kWrBand;
    if (has_error()) mask |= kErr;
    if (!queue_datagrams_.empty()) mask |= kReadable;
    return mask;
  }

  Result<void> SetOption(int level, int name, std::span<const uint8_t> value) override {
    if (level != kSolNetlink) return Socket::SetOption(level, name, value);
    int32_t number;
    if (value.size() < sizeof(number)) return Errno::kInval;
    std::memcpy(&number, value.data(), sizeof(number));
    if (name == kAddMembership || name == kDropMembership) {
      return number == 0 ? Result<void>(Errno::kInval) : Result<void>();
    }
    if (!IsBool(name)) return Errno::kNoProtoOpt;
    const uint32_t bit = uint32_t{1} << name;
    bools_ = number != 0 ? bools_ | bit : bools_ & ~bit;
    return {};
  }

  Result<std::vector<uint8_t>> GetOption(int level, int name, size_t length) override {
    if (level != kSolNetlink) return Socket::GetOption(level, name, length);
    if (name == kListMemberships) return std::vector<uint8_t>(sizeof(uint32_t));
    if (!IsBool(name)) return Errno::kNoProtoOpt;
    std::vector<uint8_t> value(sizeof(int32_t));
    value[0] = (bools_ >> name) & 1;
    return value;
  }

 private:
  struct Address {
    uint32_t port;
    uint32_t groups;
  };
  struct Datagram {
    std::vector<uint8_t> bytes;
    bool more_follows = false;  // The end of the dump comes when this has been read.
  };

  memory::MemoryBudget& budget() { return kernel().budget(); }
  static bool IsBool(int name) {
    return (name >= kFirstBool && name <= kNoEnoBufs) || (name >= kCapAck && name <= kStrictCheck);
  }

  // struct sockaddr_nl.
  static Result<Address> Decode(const SocketAddress& address) {
    if (address.length < 12 || address.family() != kAfNetlink) return Errno::kInval;
    Address decoded;
    std::memcpy(&decoded.port, address.bytes.data() + 4, 4);
    std::memcpy(&decoded.groups, address.bytes.data() + 8, 4);
    return decoded;
  }
  static SocketAddress Encode(uint32_t port, uint32_t groups) {
    SocketAddress address;
    address.bytes[0] = kAfNetlink;
    std::memcpy(address.bytes.data() + 4, &port, 4);
    std::memcpy(address.bytes.data() + 8, &groups, 4);
    address.length = 12;
    return address;
  }

  // netlink_autobind(): the process's id, or a large number where that is taken.
  void AutoBind() {
    if (bound_) return;
    PortIds& ids = kernel().Part<PortIds>();
    uint32_t port = static_cast<uint32_t>(CurrentCredentials().pid);
    for (uint32_t next = static_cast<uint32_t>(-4097); !ids.Take(port); --next) port = next;
    port_ = port;
    bound_ = true;
  }

  bool Enqueue(std::vector<uint8_t> bytes, bool later) {
    const uint64_t charge = bytes.size() + kDatagramOverhead;
    if (queued_bytes_ > settings().receive_buffer_bytes ||
        !budget().Fits(charge)) {
      return false;
    }
    budget().used_bytes += charge;
    queued_bytes_ += charge;
    if (later) queue_datagrams_.back().more_follows = true;
    queue_datagrams_.push_back(Datagram{std::move(bytes)});
    if (!later) NotifyData();
    return true;
  }
  void Drop() {
    const uint64_t charge = queue_datagrams_.front().bytes.size() + kDatagramOverhead;
    budget().used_bytes -= charge;
    queued_bytes_ -= charge;
    queue_datagrams_.pop_front();
  }
  void OnRelease() override {
    while (!queue_datagrams_.empty()) Drop();
    if (bound_) kernel().Part<PortIds>().Release(port_);
  }

  bool bound_ = false;
  uint32_t port_ = 0;
  uint32_t groups_ = 0;
  uint32_t bools_ = 0;
  uint64_t queued_bytes_ = 0;
  std::deque<Datagram> queue_datagrams_;
};

}  // namespace

Result<DescriptionRef> MakeNetlinkSocket(Kernel& kernel, int, int type, int protocol,
                                         uint32_t flags) {
  if (type != kSockRaw && type != kSockDgram) return Errno::kSockTNoSupport;
  if (protocol != kNetlinkRoute) return Errno::kProtoNoSupport;
  memory::MemoryBudget& budget = kernel.budget();
  if (!budget.FitsObject(kSocketBytes)) {
    return Errno::kNoBufs;
  }
  return MakeDescription<NetlinkSocket>(kernel, type, flags);
}

}  // namespace pollux::os_emu
