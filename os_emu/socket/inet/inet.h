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

// What networks do to TCP and the loopback device does not (shims/faults.h).
enum class TcpFault : uint8_t {
  kLateArrival,   // What is sent (bytes, an end, a SYN) is under way for a while.
  kSplitArrival,  // A part of the bytes that are sent is.
  kSmallWindow,   // The send buffer takes a part of a write only, until what it holds has arrived.
  kReset,         // Something between the two ends ends the connection: both get a RST.
};

// Who decides. Asked where it would happen.
class TcpFaultSource {
 public:
  virtual bool Happens(TcpFault fault) = 0;

 protected:
  ~TcpFaultSource() = default;
};

// From now on; null: nobody, and nothing happens. Must outlive that.
void SetTcpFaultSource(Kernel& kernel, TcpFaultSource* source);

// Whether a TCP socket listens where a connection to 127.0.0.1:`port` arrives.
bool HasTcpListener(Kernel& kernel, uint16_t port);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_INET_H_
