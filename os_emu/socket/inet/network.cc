#include "os_emu/socket/inet/network.h"

#include <algorithm>

#include "os_emu/socket/inet/multicast.h"
#include "os_emu/socket/inet/tcp_endpoint.h"
#include "os_emu/socket/inet/udp_socket.h"

namespace pollux::os_emu {
namespace {

// The purposes that the world's stream is split for.
enum Purpose : uint64_t { kTcpPorts = 0x746370, kUdpPorts = 0x756470, kGroups = 0x67727073 };

}  // namespace

Network::Network(Kernel& kernel)
    : kernel_(kernel),
      group_secret_(kernel.world_random().Split(kGroups).Next()),
      tcp_ports_(PortTable::Protocol::kTcp, kernel.world_random().Split(kTcpPorts)),
      udp_ports_(PortTable::Protocol::kUdp, kernel.world_random().Split(kUdpPorts)) {}

Network::~Network() {
  // Two that nobody has open any more keep each other until that has arrived.
  while (!under_way_.empty()) under_way_.back()->Forget();
}

void Network::DropOldTimeWaits() {
  const Nanos now = kernel_.clock().Monotonic();
  while (!time_waits_.empty() &&
         (time_waits_.size() > kMaxTimeWaits || now - time_waits_.front()->since >= kTimeWait)) {
    tcp_ports_.Remove(*time_waits_.front());
    time_waits_.pop_front();
  }
}

PortTable& Network::tcp_ports() {
  DropOldTimeWaits();
  return tcp_ports_;
}

bool Network::MayReplace(const PortUser& user) const {
  return kernel_.clock().Monotonic() - static_cast<const TimeWait&>(user).since > kTimeWaitReuse;
}

void Network::DropTimeWait(const PortUser& user) {
  const auto found = std::find_if(time_waits_.begin(), time_waits_.end(),
                                  [&](const auto& time_wait) { return time_wait.get() == &user; });
  POLLUX_CHECK(found != time_waits_.end()) << user.port;
  tcp_ports_.Remove(**found);
  time_waits_.erase(found);
}

void Network::EnterTimeWait(const PortUser& user) {
  auto time_wait = std::make_unique<TimeWait>();
  static_cast<PortUser&>(*time_wait) = user;
  time_wait->time_wait = true;
  time_wait->listening = false;
  time_wait->since = kernel_.clock().Monotonic();
  tcp_ports_.Add(*time_wait);
  time_waits_.push_back(std::move(time_wait));
  DropOldTimeWaits();
}

Result<void> Network::BindForConnect(PortUser& user) {
  DropOldTimeWaits();
  POLLUX_RETURN_IF_ERROR(
      tcp_ports_.BindForConnect(user, [this](const PortUser& other) { return MayReplace(other); }));
  return ClaimConnection(user);
}

Result<void> Network::ClaimConnection(const PortUser& user) {
  DropOldTimeWaits();
  const std::vector<PortUser*>* users = tcp_ports_.Users(user.port);
  if (users == nullptr) return {};
  const PortUser* old = nullptr;
  for (const PortUser* other : *users) {
    if (other == &user || other->remote != user.remote || other->address != user.address) continue;
    if (!other->time_wait) return Errno::kAddrNotAvail;
    old = other;
  }
  if (old != nullptr) DropTimeWait(*old);
  return {};
}

size_t Network::ChooseOf(size_t count, const IpEndpoint& to, const IpEndpoint& from) const {
  uint64_t state = group_secret_;
  for (const IpEndpoint* endpoint : {&to, &from}) {
    for (const uint8_t byte : endpoint->address.bytes) state = RandomStream(state ^ byte).Next();
    state = RandomStream(state ^ endpoint->port).Next();
  }
  return RandomStream(state).Below(count);
}

TcpEndpoint* Network::FindListener(const IpEndpoint& to, const IpEndpoint& from) {
  const std::vector<PortUser*>* users = tcp_ports_.Users(to.port);
  if (users == nullptr) return nullptr;
  // The one that is bound to the address comes before the wildcard's, and of those the one of the
  // packet's own family (inet_lhash2_lookup()).
  int best = 0;
  std::vector<PortUser*> found;
  for (PortUser* user : *users) {
    if (!user->listening || !Receives(user->address, user->v6_only, to.address)) continue;
    const bool own_family = (user->family == kAfInet) == to.address.IsV4();
    const int score = 1 + (own_family ? 1 : 0) + (user->address == to.address ? 2 : 0);
    if (score > best) found.clear();
    if (score < best) continue;
    best = score;
    found.push_back(user);
  }
  if (found.empty()) return nullptr;
  const size_t chosen = found.size() > 1 ? ChooseOf(found.size(), to, from) : 0;
  return static_cast<TcpEndpoint*>(found[chosen]);
}

bool Network::HearsFrom(const PortUser& user, const IpEndpoint& from) {
  if (!from.address.IsV4() && !user.last_remote.IsAny() && user.last_remote != from.address) {
    return false;
  }
  if (user.remote.address.IsAny()) return true;
  return user.remote.address == from.address &&
         (user.remote.port == 0 || user.remote.port == from.port);
}

bool Network::TakesGroup(const IpAddress& group, const IpAddress& from) const {
  // Every interface is in the group of all hosts.
  if (group == IpAddress::V4(0xe0000001)) return true;
  return std::any_of(members_.begin(), members_.end(), [&](const Multicast* member) {
    return member->Hears(group, from).value_or(false);
  });
}

UdpSocket* Network::FindReceiver(const IpEndpoint& to, const IpEndpoint& from) {
  const std::vector<PortUser*>* users = udp_ports_.Users(to.port);
  if (users == nullptr) return nullptr;
  int best = 0;
  std::vector<PortUser*> found;
  for (PortUser* user : *users) {
    if (!Receives(user->address, user->v6_only, to.address)) continue;
    if (!HearsFrom(*user, from)) continue;
    // compute_score()
    const bool own_family = (user->family == kAfInet) == to.address.IsV4();
    const int score = 1 + (own_family ? 1 : 0) + (user->address.IsAny() ? 0 : 16) +
                      (user->remote.address.IsAny() ? 0 : 4) + (user->remote.port == 0 ? 0 : 4);
    if (score > best) found.clear();
    if (score < best) continue;
    best = score;
    found.push_back(user);
  }
  if (found.empty()) return nullptr;
  if (found.size() == 1) return static_cast<UdpSocket*>(found.front());
  std::vector<PortUser*> group;
  for (PortUser* user : found) {
    if (user->reuse_port && user->remote.address.IsAny()) group.push_back(user);
  }
  if (group.size() == found.size()) {
    return static_cast<UdpSocket*>(group[ChooseOf(group.size(), to, from)]);
  }
  // With SO_REUSEADDR alone the socket that was bound last has it.
  return static_cast<UdpSocket*>(found.back());
}

}  // namespace pollux::os_emu
