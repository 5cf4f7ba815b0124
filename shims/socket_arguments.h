// What the system calls on sockets share: addresses in and out of the guest's memory, message
// headers, control messages (net/socket.c, net/core/scm.c).
#ifndef POLLUX_SHIMS_SOCKET_ARGUMENTS_H_
#define POLLUX_SHIMS_SOCKET_ARGUMENTS_H_

#include <cstdint>
#include <memory>

#include "os_emu/socket/calls.h"
#include "os_emu/socket/socket.h"
#include "shims/context.h"

namespace pollux::shims {

// struct user_msghdr and struct mmsghdr of 64-bit Linux.
struct GuestMsghdr {
  uint64_t name;
  int32_t name_bytes;
  uint32_t pad1;
  uint64_t vectors;
  uint64_t vector_count;
  uint64_t control;
  uint64_t control_bytes;
  uint32_t flags;
  uint32_t pad2;
};
static_assert(sizeof(GuestMsghdr) == 56);
struct GuestMmsghdr {
  GuestMsghdr header;
  uint32_t bytes;
  uint32_t pad;
};
static_assert(sizeof(GuestMmsghdr) == 64);

// struct cmsghdr: the data follows, aligned to 8 bytes.
struct GuestCmsghdr {
  uint64_t bytes;  // With this header.
  int32_t level;
  int32_t type;
};
static_assert(sizeof(GuestCmsghdr) == 16);

inline constexpr uint32_t kMsgCmsgCompat = 0x80000000;

// sockfd_lookup(): EBADF, ENOTSOCK.
Result<DescriptionRef> SocketAt(SyscallContext& context, int i);
// move_addr_to_kernel(): EINVAL (length), EFAULT.
Result<os_emu::SocketAddress> AddressFrom(os_emu::Thread& thread, GuestAddr address, int32_t bytes);
// move_addr_to_user(): cut to what the int at `bytes` says, which becomes the whole length. EFAULT,
// EINVAL.
Result<void> AddressTo(os_emu::Thread& thread, const os_emu::SocketAddress& address, GuestAddr to,
                       GuestAddr bytes);

// What sendmsg(2)'s header names, resolved: buffers, numbers, credentials. `flags` are the call's.
Result<std::unique_ptr<os_emu::SendRequest>> SendRequestFrom(os_emu::Thread& thread,
                                                             const os_emu::Socket& socket,
                                                             GuestAddr header, uint32_t flags);
// recvmsg(2)'s: its Deliver() fills the header.
Result<std::unique_ptr<os_emu::ReceiveRequest>> ReceiveRequestFrom(os_emu::Thread& thread,
                                                                   GuestAddr header,
                                                                   uint32_t flags);

// read(2) of a socket (sock_read_iter()): recv(2) without flags, but reading nothing gives 0.
CallResult ReadSocket(SyscallContext& context, DescriptionRef socket, memory::UserBuffer buffer);
// write(2) of a socket (sock_write_iter()): send(2) without flags.
CallResult WriteSocket(SyscallContext& context, DescriptionRef socket, memory::UserBuffer buffer);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_SOCKET_ARGUMENTS_H_
