// MakeInetSocket: socket(2) of AF_INET and AF_INET6: TCP and UDP over the machine's loopback
// network (network.h). Nothing leaves the machine, and nothing but lo is there.
#ifndef POLLUX_OS_EMU_SOCKET_INET_INET_H_
#define POLLUX_OS_EMU_SOCKET_INET_INET_H_

#include <cstdint>

#include "abi/result.h"
#include "os_emu/file/description.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

// `flags`: kONonBlock or 0. Errors as inet_create() gives them (measured on Linux 6.18, without
// privileges): kInval (type, protocol out of range), kSockTNoSupport, kProtoNoSupport, kPerm (raw
// sockets), kAcces (ICMP sockets: net.ipv4.ping_group_range is empty); kNoBufs: the machine's
// memory is used up.
Result<DescriptionRef> MakeInetSocket(Kernel& kernel, int domain, int type, int protocol,
                                      uint32_t flags);

// Whether a TCP socket listens where a connection to 127.0.0.1:`port` arrives.
bool HasTcpListener(Kernel& kernel, uint16_t port);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_INET_H_
