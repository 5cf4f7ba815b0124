// MakeNetlinkSocket: socket(2) of AF_NETLINK, protocol NETLINK_ROUTE as far as C libraries, Go and
// node ask: dumps and single requests for links, addresses and routes (rtnetlink(7)).
//
// The kernel answers at once: what it says is in the receive queue when send(2) returns; a dump's
// end (NLMSG_DONE) comes when its first part is read, as on Linux. Changes are EPERM, other
// requests EOPNOTSUPP. Nothing ever changes, so a member of the multicast groups hears nothing.
#ifndef POLLUX_OS_EMU_SOCKET_NETLINK_NETLINK_H_
#define POLLUX_OS_EMU_SOCKET_NETLINK_NETLINK_H_

#include <cstdint>

#include "abi/result.h"
#include "os_emu/file/description.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

// `flags`: kONonBlock or 0. kSockTNoSupport (neither raw nor datagram), kProtoNoSupport (any
// protocol but NETLINK_ROUTE), kNoBufs: the machine's memory is used up.
Result<DescriptionRef> MakeNetlinkSocket(Kernel& kernel, int domain, int type, int protocol,
                                         uint32_t flags);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_NETLINK_NETLINK_H_
