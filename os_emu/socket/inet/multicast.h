// Multicast: which groups a socket has joined, from whom it hears there, and from where it sends to
// one (net/ipv4/igmp.c, ip_sockglue.c, net/ipv6/mcast.c).
//
// A machine's one interface is lo, which no multicast route names. So a group is joined by lo's
// address or index, and IPv4 sends to one only where the socket says from where: by its address, by
// IP_MULTICAST_IF, or with the message. IPv6 groups can be joined, but nothing can be sent to them.
// Measured in a fresh network namespace of Linux 6.18 whose lo is up.
#ifndef POLLUX_OS_EMU_SOCKET_INET_MULTICAST_H_
#define POLLUX_OS_EMU_SOCKET_INET_MULTICAST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "abi/result.h"
#include "os_emu/socket/inet/ip_address.h"

namespace pollux::os_emu {

class Network;

class Multicast {
 public:
  explicit Multicast(Network& network) : network_(network) {}
  ~Multicast();
  Multicast(const Multicast&) = delete;
  Multicast& operator=(const Multicast&) = delete;

  // The options of the levels IPPROTO_IP and IPPROTO_IPV6 that join and leave, and IP_MULTICAST_IF.
  // `stream`: a TCP socket, which can do neither. nullopt: another option.
  std::optional<Result<void>> SetOption(int level, int name, std::span<const uint8_t> value,
                                        bool stream);
  // IP_MSFILTER and MCAST_MSFILTER: `asked` says of which group, and how many sources have room;
  // what comes back says how many there are. nullopt: another option. kInval (too short, no group),
  // kNoDev, kAddrNotAvail (not joined).
  std::optional<Result<std::vector<uint8_t>>> AskOption(int level, int name,
                                                        std::span<const uint8_t> asked);
  // IP_MULTICAST_IF's address.
  const IpAddress& source() const { return source_; }

  // The way to the IPv4 group `to` for a message with the source `from` (or none) and, unless it is
  // 0, by `interface`. kNetUnreach.
  Result<Route> RouteTo(const IpAddress& to, IpAddress from, uint32_t interface) const;

  // Whether the socket hears what `from` sends to `group` (ip_mc_sf_allow()); nullopt: it has not
  // joined.
  std::optional<bool> Hears(const IpAddress& group, const IpAddress& from) const;

 private:
  enum class Mode { kExclude, kInclude };
  struct Membership {
    IpAddress group;
    IpAddress interface;  // As it was given.
    Mode mode = Mode::kExclude;
    // Those whom it does not hear, or the only ones that it hears. Without a list the mode may
    // change; an empty one is a list.
    std::optional<std::vector<IpAddress>> sources;
  };
  struct Interface {
    uint32_t index = 0;
    IpAddress address = IpAddress::V4(0);
  };

  Result<void> SetSource(std::span<const uint8_t> value, bool stream);
  Result<void> SetByRequest(int level, int name, std::span<const uint8_t> value);
  Result<void> SetGroupFilter(int level, std::span<const uint8_t> value);
  Result<std::vector<uint8_t>> Filter(std::span<const uint8_t> asked);
  Result<std::vector<uint8_t>> GroupFilter(int level, std::span<const uint8_t> asked);
  // kNoDev: not lo; which 0 and the wildcard are not either.
  static Result<void> CheckInterface(const Interface& interface);
  Result<void> Join(const IpAddress& group, const Interface& interface, Mode mode);
  Result<void> Leave(const IpAddress& group, const Interface& interface);
  Result<void> ChangeSource(const IpAddress& group, const Interface& interface,
                            const IpAddress& source, Mode mode, bool add);
  // `mode`: MCAST_EXCLUDE or MCAST_INCLUDE, or a wrong one.
  Result<void> SetFilter(const IpAddress& group, const Interface& interface, uint32_t mode,
                         std::vector<IpAddress> sources);
  Membership* Find(const IpAddress& group);
  void Drop(Membership& membership);

  Network& network_;
  std::vector<Membership> memberships_;
  uint32_t source_index_ = 0;
  IpAddress source_ = IpAddress::V4(0);
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_MULTICAST_H_
