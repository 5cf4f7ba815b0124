#include "os_emu/socket/inet/port_table.h"

#include <algorithm>
#include <array>

#include "abi/check.h"

namespace pollux::os_emu {
namespace {

constexpr uint32_t kEphemeralPorts = kLastEphemeralPort - kFirstEphemeralPort + 1;

}  // namespace

const std::vector<PortUser*>* PortTable::Users(uint16_t port) const {
  const auto found = users_.find(port);
  return found == users_.end() ? nullptr : &found->second;
}

PortUser* PortTable::Find(const IpEndpoint& local, const IpEndpoint& remote) const {
  const std::vector<PortUser*>* users = Users(local.port);
  if (users == nullptr) return nullptr;
  for (PortUser* user : *users) {
    if (user->remote == remote && user->address == local.address) return user;
  }
  return nullptr;
}

void PortTable::Add(PortUser& user) {
  POLLUX_CHECK(user.port != 0) << "no port was given";
  users_[user.port].push_back(&user);
}

void PortTable::Remove(PortUser& user) {
  if (user.port == 0) return;
  const auto found = users_.find(user.port);
  POLLUX_CHECK(found != users_.end()) << user.port;
  std::erase(found->second, &user);
  if (found->second.empty()) users_.erase(found);
  user.port = 0;
}

// inet_bind_conflict() and udp_lib_lport_inuse(). `chosen`: the caller wants this port, not just
// any.
bool PortTable::Conflicts(const PortUser& user, const PortUser& other, bool chosen) const {
  if (!AddressesOverlap(user.address, user.v6_only, other.address, other.v6_only)) return false;
  const bool share_port = user.reuse_port && other.reuse_port && user.uid == other.uid;
  const bool share_address = user.reuse_address && other.reuse_address;
  if (protocol_ == Protocol::kUdp) return !share_address && !share_port;
  if (share_address && !other.listening) return !chosen;
  return !chosen || !user.reuse_port || !other.reuse_port ||
         !(other.time_wait || user.uid == other.uid);
}

bool PortTable::CanBind(const PortUser& user, uint16_t port, bool chosen) const {
  const std::vector<PortUser*>* users = Users(port);
  if (users == nullptr) return true;
  return std::none_of(users->begin(), users->end(), [&](const PortUser* other) {
    return other != &user && Conflicts(user, *other, chosen);
  });
}

Result<void> PortTable::Bind(PortUser& user, uint16_t port) {
  POLLUX_CHECK(user.port == 0) << "it has a port already";
  if (port != 0) {
    if (!CanBind(user, port, true)) return Errno::kAddrInUse;
    user.port = port;
    Add(user);
    return {};
  }
  // TCP takes odd ports first: connect(2) has the even ones (inet_csk_find_open_port()).
  const uint32_t first = static_cast<uint32_t>(random_.Below(kEphemeralPorts));
  const std::array<uint32_t, 2> parities = {1, 0};
  for (const uint32_t parity : parities) {
    for (uint32_t i = 0; i < kEphemeralPorts; ++i) {
      const uint32_t index = (first + i) % kEphemeralPorts;
      if (index % 2 != parity) continue;
      const uint16_t candidate = static_cast<uint16_t>(kFirstEphemeralPort + index);
      if (!CanBind(user, candidate, false)) continue;
      user.port = candidate;
      Add(user);
      return {};
    }
  }
  return Errno::kAddrInUse;
}

Result<void> PortTable::BindForConnect(PortUser& user,
                                       const std::function<bool(const PortUser&)>& may_replace) {
  POLLUX_CHECK(user.port == 0) << "it has a port already";
  const uint32_t first = static_cast<uint32_t>(random_.Below(kEphemeralPorts));
  for (const uint32_t parity : {0u, 1u}) {
    for (uint32_t i = 0; i < kEphemeralPorts; ++i) {
      const uint32_t index = (first + i) % kEphemeralPorts;
      if (index % 2 != parity) continue;
      const uint16_t candidate = static_cast<uint16_t>(kFirstEphemeralPort + index);
      const std::vector<PortUser*>* users = Users(candidate);
      // Ports that bind(2) gave are left alone (__inet_hash_connect()).
      if (users != nullptr && std::any_of(users->begin(), users->end(), [&](PortUser* other) {
            if (other->bound || other->listening) return true;
            return other->remote == user.remote && other->address == user.address &&
                   !(other->time_wait && may_replace(*other));
          })) {
        continue;
      }
      user.port = candidate;
      Add(user);
      return {};
    }
  }
  return Errno::kAddrNotAvail;
}

Result<void> PortTable::CheckListener(const PortUser& user) const {
  return CanBind(user, user.port, true) ? Result<void>() : Errno::kAddrInUse;
}

}  // namespace pollux::os_emu
