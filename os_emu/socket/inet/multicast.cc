#include "os_emu/socket/inet/multicast.h"

#include <algorithm>
#include <cstring>

#include "os_emu/socket/inet/ip_options.h"
#include "os_emu/socket/inet/network.h"

namespace pollux::os_emu {
namespace {

// linux/in.h, in6.h.
constexpr int kIpAddMembership = 35, kIpDropMembership = 36, kIpUnblockSource = 37,
              kIpBlockSource = 38, kIpAddSourceMembership = 39, kIpDropSourceMembership = 40;
constexpr int kIpV6JoinGroup = 20, kIpV6LeaveGroup = 21;
constexpr int kMcastJoinGroup = 42, kMcastBlockSource = 43, kMcastUnblockSource = 44,
              kMcastLeaveGroup = 45, kMcastJoinSourceGroup = 46, kMcastLeaveSourceGroup = 47;

// net.ipv4.igmp_max_memberships, igmp_max_msf; what net.core.optmem_max leaves room for in IPv6.
constexpr size_t kMaxMemberships = 20, kMaxSources = 10, kMaxMembershipsV6 = 2340;

// What a membership costs the host at most, about: it is charged to the machine.
constexpr uint64_t kMembershipBytes = 320;

constexpr size_t kStorageBytes = 128;  // struct sockaddr_storage
// struct group_req and group_source_req: the index, padding, one or two addresses.
constexpr size_t kFirstStorage = 8, kGroupRequestBytes = kFirstStorage + kStorageBytes,
                 kSourceRequestBytes = kGroupRequestBytes + kStorageBytes;

IpAddress V4At(std::span<const uint8_t> bytes, size_t at) {
  IpAddress address = IpAddress::V4(0);
  std::memcpy(address.bytes.data() + 12, bytes.data() + at, 4);
  return address;
}
uint32_t NumberAt(std::span<const uint8_t> bytes, size_t at) {
  uint32_t number;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}
// The address of a struct sockaddr_storage; nullopt: of another family than `family`.
std::optional<IpAddress> AddressAt(std::span<const uint8_t> bytes, size_t at, int family) {
  SocketAddress address;
  address.length = 28;
  std::memcpy(address.bytes.data(), bytes.data() + at, address.length);
  const Result<IpEndpoint> endpoint = DecodeAddress(family, address);
  if (!endpoint.ok()) return std::nullopt;
  return endpoint->address;
}

}  // namespace

Multicast::~Multicast() {
  while (!memberships_.empty()) Drop(memberships_.back());
}

// ---- Who hears whom.

std::optional<bool> Multicast::Hears(const IpAddress& group, const IpAddress& from) const {
  for (const Membership& membership : memberships_) {
    if (membership.group != group) continue;
    const bool listed = membership.sources.has_value() &&
                        std::find(membership.sources->begin(), membership.sources->end(), from) !=
                            membership.sources->end();
    return listed == (membership.mode == Mode::kInclude);
  }
  return std::nullopt;
}

Result<Route> Multicast::RouteTo(const IpAddress& to, IpAddress from, uint32_t interface) const {
  if (interface == 0) interface = source_index_;
  if (from.IsAny() || !from.IsV4()) from = source_;
  if (!from.IsAny() ? !from.IsLocal() : interface == 0) return Errno::kNetUnreach;
  // By the index alone it has no source: lo's address is of this host only.
  return Route{RouteKind::kMulticast, to, from};
}

// ---- Joining and leaving.

Result<void> Multicast::CheckInterface(const Interface& interface) {
  if (interface.index != 0) {
    return interface.index == kLoopbackIndex ? Result<void>() : Errno::kNoDev;
  }
  return interface.address.IsLocal() ? Result<void>() : Errno::kNoDev;
}

Multicast::Membership* Multicast::Find(const IpAddress& group) {
  const auto found =
      std::find_if(memberships_.begin(), memberships_.end(),
                   [&](const Membership& membership) { return membership.group == group; });
  return found == memberships_.end() ? nullptr : &*found;
}

// ip_mc_join_group(), ipv6_sock_mc_join()
Result<void> Multicast::Join(const IpAddress& group, const Interface& interface, Mode mode) {
  if (!group.IsMulticast()) return Errno::kInval;
  const bool v4 = group.IsV4();
  const bool joined = Find(group) != nullptr;
  // IPv6 looks at the interface afterwards.
  if (!v4 && joined && (interface.index == 0 || interface.index == kLoopbackIndex)) {
    return Errno::kAddrInUse;
  }
  POLLUX_RETURN_IF_ERROR(CheckInterface(interface));
  if (joined) return Errno::kAddrInUse;
  const auto same_family =
      std::count_if(memberships_.begin(), memberships_.end(),
                    [&](const Membership& other) { return other.group.IsV4() == v4; });
  if (static_cast<size_t>(same_family) >= (v4 ? kMaxMemberships : kMaxMembershipsV6)) {
    return v4 ? Errno::kNoBufs : Errno::kNoMem;
  }
  memory::MemoryBudget& budget = *network_.budget();
  if (budget.used_bytes > budget.limit_bytes ||
      budget.limit_bytes - budget.used_bytes < kMembershipBytes) {
    return Errno::kNoMem;
  }
  budget.used_bytes += kMembershipBytes;
  if (memberships_.empty()) network_.AddMember(*this);
  memberships_.push_back({.group = group, .interface = interface.address, .mode = mode});
  return {};
}

void Multicast::Drop(Membership& membership) {
  memberships_.erase(memberships_.begin() + (&membership - memberships_.data()));
  network_.budget()->used_bytes -= kMembershipBytes;
  if (memberships_.empty()) network_.RemoveMember(*this);
}

// ip_mc_leave_group(), ipv6_sock_mc_drop()
Result<void> Multicast::Leave(const IpAddress& group, const Interface& interface) {
  const bool v4 = group.IsV4();
  if (!v4 && !group.IsMulticast()) return Errno::kInval;
  if (v4 && interface.index == 0 && interface.address.IsAny()) return Errno::kNoDev;
  Membership* const membership = Find(group);
  if (membership == nullptr) return Errno::kAddrNotAvail;
  const bool same = v4 ? CheckInterface(interface).ok() : interface.index <= kLoopbackIndex;
  if (!same) return Errno::kAddrNotAvail;
  Drop(*membership);
  return {};
}

// ip_mc_source()
Result<void> Multicast::ChangeSource(const IpAddress& group, const Interface& interface,
                                     const IpAddress& source, Mode mode, bool add) {
  if (!group.IsMulticast()) return Errno::kInval;
  POLLUX_RETURN_IF_ERROR(CheckInterface(interface));
  Membership* const membership = Find(group);
  if (membership == nullptr) return Errno::kInval;
  if (membership->mode != mode) {
    if (membership->sources.has_value()) return Errno::kInval;
    membership->mode = mode;
  }
  std::optional<std::vector<IpAddress>>& sources = membership->sources;
  if (!add) {
    if (!sources.has_value()) return Errno::kAddrNotAvail;
    const auto found = std::find(sources->begin(), sources->end(), source);
    if (found == sources->end()) return Errno::kAddrNotAvail;
    if (sources->size() == 1 && mode == Mode::kInclude) {
      // To hear nobody is to have left.
      Drop(*membership);
    } else {
      sources->erase(found);
    }
    return {};
  }
  if (!sources.has_value()) sources.emplace();
  if (sources->size() >= kMaxSources) return Errno::kNoBufs;
  if (std::find(sources->begin(), sources->end(), source) != sources->end()) {
    return Errno::kAddrNotAvail;
  }
  sources->push_back(source);
  return {};
}

// ---- Options (do_ip_setsockopt(), do_ipv6_setsockopt()).

// struct in_addr, ip_mreq or ip_mreqn.
Result<void> Multicast::SetSource(std::span<const uint8_t> value, bool stream) {
  if (stream || value.size() < 4) return Errno::kInval;
  Interface interface;
  if (value.size() >= 12) interface.index = NumberAt(value, 8);
  interface.address = V4At(value, value.size() >= 8 ? 4 : 0);
  if (interface.index == 0 && interface.address.IsAny()) {
    source_index_ = 0;
    source_ = IpAddress::V4(0);
    return {};
  }
  if (!CheckInterface(interface).ok()) return Errno::kAddrNotAvail;
  source_index_ = kLoopbackIndex;
  source_ = interface.address;
  return {};
}

std::optional<Result<void>> Multicast::SetOption(int level, int name,
                                                 std::span<const uint8_t> value, bool stream) {
  if (name >= kMcastJoinGroup && name <= kMcastLeaveSourceGroup) {
    return SetByRequest(level, name, value);
  }
  if (level == kSolIpV6) {
    if (name != kIpV6JoinGroup && name != kIpV6LeaveGroup) return std::nullopt;
    // struct ipv6_mreq
    if (value.size() < 20) return Errno::kInval;
    if (stream) return Errno::kProto;
    Interface interface;
    IpAddress group;
    std::memcpy(group.bytes.data(), value.data(), group.bytes.size());
    interface.index = NumberAt(value, 16);
    if (group.IsV4()) return Errno::kInval;  // Mapped, it is no group of IPv6.
    return name == kIpV6JoinGroup ? Join(group, interface, Mode::kExclude)
                                  : Leave(group, interface);
  }
  Interface interface;
  switch (name) {
    case kIpMulticastIf:
      return SetSource(value, stream);
    case kIpAddMembership:
    case kIpDropMembership:
      // struct ip_mreq or ip_mreqn
      if (stream) return Errno::kProto;
      if (value.size() < 8) return Errno::kInval;
      interface.address = V4At(value, 4);
      if (value.size() >= 12) interface.index = NumberAt(value, 8);
      return name == kIpAddMembership ? Join(V4At(value, 0), interface, Mode::kExclude)
                                      : Leave(V4At(value, 0), interface);
    case kIpUnblockSource:
    case kIpBlockSource:
    case kIpAddSourceMembership:
    case kIpDropSourceMembership: {
      // struct ip_mreq_source
      if (value.size() != 12) return Errno::kInval;
      const IpAddress group = V4At(value, 0), source = V4At(value, 8);
      interface.address = V4At(value, 4);
      const bool includes = name == kIpAddSourceMembership || name == kIpDropSourceMembership;
      if (name == kIpAddSourceMembership) {
        const Result<void> joined = Join(group, interface, Mode::kInclude);
        if (!joined.ok() && joined.error() != Errno::kAddrInUse) return joined;
      }
      return ChangeSource(group, interface, source, includes ? Mode::kInclude : Mode::kExclude,
                          name == kIpAddSourceMembership || name == kIpBlockSource);
    }
    default:
      return std::nullopt;
  }
}

// The MCAST_* of RFC 3678, which name the interface by its index. Lists of sources are IPv4's only.
Result<void> Multicast::SetByRequest(int level, int name, std::span<const uint8_t> value) {
  const int family = level == kSolIp ? kAfInet : kAfInet6;
  const bool plain = name == kMcastJoinGroup || name == kMcastLeaveGroup;
  if (value.size() < (plain ? kGroupRequestBytes : kSourceRequestBytes)) return Errno::kInval;
  Interface interface;
  interface.index = NumberAt(value, 0);
  const std::optional<IpAddress> group = AddressAt(value, kFirstStorage, family);
  if (plain) {
    if (!group.has_value()) return level == kSolIp ? Errno::kInval : Errno::kAddrNotAvail;
    return name == kMcastJoinGroup ? Join(*group, interface, Mode::kExclude)
                                   : Leave(*group, interface);
  }
  const std::optional<IpAddress> source = AddressAt(value, kGroupRequestBytes, family);
  if (!group.has_value() || !source.has_value()) return Errno::kAddrNotAvail;
  if (family == kAfInet6) return Errno::kNoProtoOpt;
  const bool includes = name == kMcastJoinSourceGroup || name == kMcastLeaveSourceGroup;
  if (name == kMcastJoinSourceGroup) {
    const Result<void> joined = Join(*group, interface, Mode::kInclude);
    if (!joined.ok() && joined.error() != Errno::kAddrInUse) return joined;
  }
  return ChangeSource(*group, interface, *source, includes ? Mode::kInclude : Mode::kExclude,
                      name == kMcastJoinSourceGroup || name == kMcastBlockSource);
}

}  // namespace pollux::os_emu
