// AF_UNIX sockets: stream, datagram and sequenced packets (net/unix/af_unix.c).
#ifndef POLLUX_OS_EMU_SOCKET_UNIX_UNIX_H_
#define POLLUX_OS_EMU_SOCKET_UNIX_UNIX_H_

#include <cstdint>

#include "abi/result.h"
#include "os_emu/file/description.h"
#include "os_emu/socket/unix/nodes.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

// socket(2). `flags`: kONonBlock or 0. kProtoNoSupport, kSockTNoSupport; kNFile: the machine's
// memory is spent. `nodes` must outlive the kernel.
Result<DescriptionRef> MakeUnixSocket(Kernel& kernel, const UnixNodes& nodes, int type,
                                      int protocol, uint32_t flags);
// socketpair(2): joins two fresh AF_UNIX sockets of one type.
void ConnectUnixPair(FileDescription& first, FileDescription& second);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_UNIX_UNIX_H_
