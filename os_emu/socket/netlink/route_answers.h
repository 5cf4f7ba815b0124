// RouteAnswers: what rtnetlink says of the one interface of a machine: lo, 127.0.0.1/8 and ::1/128
// (net/core/rtnetlink.c, net/ipv4/devinet.c, fib_frontend.c; what they give in a network namespace
// of Linux 6.18 whose lo is up was copied down field by field).
#ifndef POLLUX_OS_EMU_SOCKET_NETLINK_ROUTE_ANSWERS_H_
#define POLLUX_OS_EMU_SOCKET_NETLINK_ROUTE_ANSWERS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace pollux::os_emu {

// struct nlmsghdr.
struct NetlinkHeader {
  uint32_t length;
  uint16_t type;
  uint16_t flags;
  uint32_t sequence;
  uint32_t port;
};
static_assert(sizeof(NetlinkHeader) == 16);

inline constexpr uint16_t kNetlinkRequest = 1, kNetlinkMulti = 2, kNetlinkAck = 4,
                          kNetlinkDump = 0x300, kNetlinkCapped = 0x100;

// One datagram each, in the order in which they are received.
using NetlinkDatagrams = std::vector<std::vector<uint8_t>>;

// Appends what the kernel answers to `message` (header and payload), which came from `port`.
// `privileged`: may ask for changes, which are not offered then either.
void AnswerRouteRequest(std::span<const uint8_t> message, uint32_t port, bool privileged,
                        NetlinkDatagrams& answers);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_NETLINK_ROUTE_ANSWERS_H_
