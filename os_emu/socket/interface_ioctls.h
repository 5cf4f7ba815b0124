// InterfaceIoctl: what ioctl(2) tells of the network interfaces on any socket (netdevice(7)): there
// is one, lo, with 127.0.0.1.
#ifndef POLLUX_OS_EMU_SOCKET_INTERFACE_IOCTLS_H_
#define POLLUX_OS_EMU_SOCKET_INTERFACE_IOCTLS_H_

#include <cstdint>

#include "abi/result.h"
#include "memory/address_space.h"

namespace pollux::os_emu {

// `domain`: IPv4 addresses are AF_INET sockets' alone to give. kNoDev: another interface; kPerm: a
// change; kNotTy: none of its requests.
Result<int64_t> InterfaceIoctl(int domain, uint32_t request, uint64_t argument,
                               memory::AddressSpace* space);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INTERFACE_IOCTLS_H_
