#include "os_emu/socket/inet/multicast.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "os_emu/socket/inet/ip_options.h"
#include "os_emu/socket/inet/network.h"

namespace pollux::os_emu {
namespace {

// linux/in.h, in6.h.
constexpr int kIpAddMembership = 35, kIpDropMembership = 36, kIpUnblockSource = 37,
              kIpBlockSource = 38, kIpAddSourceMembership = 39, kIpDropSourceMembership = 40,
              kIpMsFilter = 41;
constexpr int kIpV6JoinGroup = 20, kIpV6LeaveGroup = 21;
constexpr int kMcastJoinGroup = 42, kMcastBlockSource = 43, kMcastUnblockSource = 44,
              kMcastLeaveGroup = 45, kMcastJoinSourceGroup = 46, kMcastLeaveSourceGroup = 47,
              kMcastMsFilter = 48;

// net.ipv4.igmp_max_memberships; what net.core.optmem_max leaves room for in IPv6.
constexpr size_t kMaxMemberships = 20, kMaxMembershipsV6 = 2340;
// net.ipv4.igmp_max_msf, net.ipv6.mld_max_msf.
size_t MaxSources(bool v4) { return v4 ? 10 : 64; }

// What a membership costs the host at most, about: it is charged to the machine.
uint64_t MembershipBytes(bool v4) { return v4 ? 320 : 1280; }

constexpr size_t kStorageBytes = 128;  // struct sockaddr_storage
// struct group_req and group_source_req: the index, padding, one or two addresses.
constexpr size_t kFirstStorage = 8, kGroupRequestBytes = kFirstStorage + kStorageBytes,
                 kSourceRequestBytes = kGroupRequestBytes + kStorageBytes;
// struct group_filter: after the group its mode and the number of sources. And struct ip_msfilter.
constexpr size_t kGroupFilterBytes = kGroupRequestBytes + 8, kFilterBytes = 16;

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
void PutNumber(uint32_t number, size_t at, std::vector<uint8_t>* bytes) {
  std::memcpy(bytes->data() + at, &number, sizeof(number));
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
  const uint64_t bytes = MembershipBytes(v4);
  if (!budget.FitsObject(bytes)) {
    return Errno::kNoMem;
  }
  budget.used_bytes += bytes;
  if (memberships_.empty()) network_.AddMember(*this);
  memberships_.push_back({.group = group, .interface = interface.address, .mode = mode});
  return {};
}

void Multicast::Drop(Membership& membership) {
  network_.budget()->used_bytes -= MembershipBytes(membership.group.IsV4());
  memberships_.erase(memberships_.begin() + (&membership - memberships_.data()));
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

// ip_mc_source(), ip6_mc_source()
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
  if (sources->size() >= MaxSources(group.IsV4())) return Errno::kNoBufs;
  if (std::find(sources->begin(), sources->end(), source) != sources->end()) {
    return Errno::kAddrNotAvail;
  }
  sources->push_back(source);
  return {};
}

// ip_mc_msfilter(), ip6_mc_msfilter()
Result<void> Multicast::SetFilter(const IpAddress& group, const Interface& interface, uint32_t mode,
                                  std::vector<IpAddress> sources) {
  constexpr uint32_t kExclude = 0, kInclude = 1;  // MCAST_*
  if (!group.IsMulticast() || mode > kInclude) return Errno::kInval;
  POLLUX_RETURN_IF_ERROR(CheckInterface(interface));
  // To hear nobody is to leave.
  if (mode == kInclude && sources.empty()) return Leave(group, interface);
  Membership* const membership = Find(group);
  if (membership == nullptr) return Errno::kInval;
  membership->mode = mode == kExclude ? Mode::kExclude : Mode::kInclude;
  membership->sources.reset();
  if (!sources.empty()) membership->sources = std::move(sources);
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
  if (name == kMcastMsFilter) return SetGroupFilter(level, value);
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
    case kIpMsFilter: {
      if (value.size() < kFilterBytes) return Errno::kInval;
      const uint32_t count = NumberAt(value, 12);
      if (count > MaxSources(/*v4=*/true)) return Errno::kNoBufs;
      if (kFilterBytes + count * 4 > value.size()) return Errno::kInval;
      interface.address = V4At(value, 4);
      std::vector<IpAddress> sources;
      for (uint32_t i = 0; i < count; ++i) sources.push_back(V4At(value, kFilterBytes + i * 4));
      return SetFilter(V4At(value, 0), interface, NumberAt(value, 8), std::move(sources));
    }
    default:
      return std::nullopt;
  }
}

// ip_set_mcast_msfilter(), ipv6_set_mcast_msfilter(). IPv6 does not look at the families.
Result<void> Multicast::SetGroupFilter(int level, std::span<const uint8_t> value) {
  if (value.size() < kGroupFilterBytes) return Errno::kInval;
  const bool v4 = level == kSolIp;
  const uint32_t mode = NumberAt(value, kGroupRequestBytes),
                 count = NumberAt(value, kGroupRequestBytes + 4);
  if (count > MaxSources(v4)) return Errno::kNoBufs;
  if (kGroupFilterBytes + count * kStorageBytes > value.size()) return Errno::kInval;
  const auto address_at = [&](size_t at) -> std::optional<IpAddress> {
    if (v4) return AddressAt(value, at, kAfInet);
    IpAddress address;
    std::memcpy(address.bytes.data(), value.data() + at + 8, address.bytes.size());
    return address;
  };
  const std::optional<IpAddress> group = address_at(kFirstStorage);
  if (!group.has_value()) return Errno::kAddrNotAvail;
  if (!v4 && group->IsV4()) return Errno::kInval;  // Mapped, it is no group of IPv6.
  std::vector<IpAddress> sources;
  for (uint32_t i = 0; i < count; ++i) {
    const std::optional<IpAddress> source = address_at(kGroupFilterBytes + i * kStorageBytes);
    if (!source.has_value()) return Errno::kAddrNotAvail;
    sources.push_back(*source);
  }
  Interface interface;
  interface.index = NumberAt(value, 0);
  return SetFilter(*group, interface, mode, std::move(sources));
}

std::optional<Result<std::vector<uint8_t>>> Multicast::AskOption(int level, int name,
                                                                 std::span<const uint8_t> asked) {
  if (level == kSolIp && name == kIpMsFilter) return Filter(asked);
  if ((level == kSolIp || level == kSolIpV6) && name == kMcastMsFilter)
    return GroupFilter(level, asked);
  return std::nullopt;
}

// ip_mc_msfget()
Result<std::vector<uint8_t>> Multicast::Filter(std::span<const uint8_t> asked) {
  if (asked.size() < kFilterBytes) return Errno::kInval;
  const IpAddress group = V4At(asked, 0);
  if (!group.IsMulticast()) return Errno::kInval;
  POLLUX_RETURN_IF_ERROR(CheckInterface({.address = V4At(asked, 4)}));
  const Membership* const membership = Find(group);
  if (membership == nullptr) return Errno::kAddrNotAvail;
  std::vector<uint8_t> told(asked.begin(), asked.begin() + kFilterBytes);
  PutNumber(membership->mode == Mode::kInclude ? 1 : 0, 8, &told);
  const size_t room = NumberAt(asked, 12);
  const size_t count = membership->sources.has_value() ? membership->sources->size() : 0;
  PutNumber(static_cast<uint32_t>(count), 12, &told);
  for (size_t i = 0; i < std::min(room, count); ++i) {
    const auto& bytes = (*membership->sources)[i].bytes;
    told.insert(told.end(), bytes.begin() + 12, bytes.end());
  }
  return told;
}

// ip_mc_gsfget(), ip6_mc_msfget(). They know the interface by its index.
Result<std::vector<uint8_t>> Multicast::GroupFilter(int level, std::span<const uint8_t> asked) {
  if (asked.size() < kGroupFilterBytes) return Errno::kInval;
  const bool v4 = level == kSolIp;
  const std::optional<IpAddress> group = AddressAt(asked, kFirstStorage, v4 ? kAfInet : kAfInet6);
  if (!group.has_value()) return v4 ? Errno::kInval : Errno::kAddrNotAvail;
  if (!group->IsMulticast() || group->IsV4() != v4) return Errno::kInval;
  const Membership* const membership = Find(*group);
  if (membership == nullptr || NumberAt(asked, 0) != kLoopbackIndex) return Errno::kAddrNotAvail;
  std::vector<uint8_t> told(asked.begin(), asked.begin() + kGroupFilterBytes);
  PutNumber(membership->mode == Mode::kInclude ? 1 : 0, kGroupRequestBytes, &told);
  const size_t room = NumberAt(asked, kGroupRequestBytes + 4);
  const size_t count = membership->sources.has_value() ? membership->sources->size() : 0;
  PutNumber(static_cast<uint32_t>(count), kGroupRequestBytes + 4, &told);
  for (size_t i = 0; i < std::min(room, count); ++i) {
    const IpAddress& source = (*membership->sources)[i];
    const size_t at = told.size();
    told.resize(at + kStorageBytes);
    told[at] = static_cast<uint8_t>(v4 ? kAfInet : kAfInet6);
    if (v4) {
      std::copy(source.bytes.begin() + 12, source.bytes.end(), told.begin() + at + 4);
    } else {
      std::copy(source.bytes.begin(), source.bytes.end(), told.begin() + at + 8);
    }
  }
  return told;
}

// The MCAST_* of RFC 3678, which name the interface by its index.
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
  if (family == kAfInet6 && group->IsV4()) return Errno::kInval;
  const bool includes = name == kMcastJoinSourceGroup || name == kMcastLeaveSourceGroup;
  if (name == kMcastJoinSourceGroup) {
    const Result<void> joined = Join(*group, interface, Mode::kInclude);
    if (!joined.ok() && joined.error() != Errno::kAddrInUse) return joined;
  }
  return ChangeSource(*group, interface, *source, includes ? Mode::kInclude : Mode::kExclude,
                      name == kMcastJoinSourceGroup || name == kMcastBlockSource);
}

}  // namespace pollux::os_emu
