// Steps about sockets.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "testsuite/fuzz/scratch.h"
#include "testsuite/fuzz/walk.h"

namespace fuzz {
namespace {

// A control message of the system-call interface, before its data.
struct ControlHeader {
  uint64_t bytes;
  int32_t level;
  int32_t type;
};

}  // namespace

void Walk::Bind() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kUdp, kTcp});
  uint64_t bytes = 2;
  std::memset(scratch_.address, 0, sizeof(scratch_.address));
  const uint64_t how = Below(3);
  if (TypeOf(fd) == kUdp || TypeOf(fd) == kTcp || TypeOf(fd) == kTcpListener) {
    scratch_.address[0] = AF_INET;
    if (how != 0) {
      const uint32_t loopback = htonl(INADDR_LOOPBACK);
      std::memcpy(scratch_.address + 4, &loopback, sizeof(loopback));
    }
    bytes = how == 1 ? 8 : sizeof(sockaddr_in);
  } else {
    scratch_.address[0] = AF_UNIX;
    if (how == 0) {
      scratch_.address[2] = static_cast<uint8_t>('a' + Below(8));
      bytes = 4;
    }
  }
  Log(Sys::k_bind, fd, {fd, static_cast<int64_t>(how), scratch_.address[2]},
      Call(Sys::k_bind, {static_cast<uint64_t>(fd), Address(scratch_.address), bytes}));
}

void Walk::Listen() {
  const int fd = Number({kUnixStream, kUnixSeqPacket, kUnixListener, kTcp});
  const uint64_t backlog = Below(4);
  const int64_t result = Call(Sys::k_listen, {static_cast<uint64_t>(fd), backlog});
  Log(Sys::k_listen, fd, {fd, static_cast<int64_t>(backlog)}, result);
}

void Walk::Connect() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kUdp, kTcp});
  std::memset(scratch_.address, 0, sizeof(scratch_.address));
  scratch_.address_bytes = 16;
  const bool unspecified = OneIn(10);
  int to = -1;
  if (!unspecified) {
    switch (TypeOf(fd)) {
      case kUdp:
        to = Number({kUdp});
        break;
      case kTcp:
        to = Number({kTcpListener});
        break;
      case kUnixDgram:
        to = Number({kUnixDgram});
        break;
      default:
        to = Number({kUnixListener});
    }
    scratch_.address_bytes = 128;
    if (Call(Sys::k_getsockname, {static_cast<uint64_t>(to), Address(scratch_.address),
                                  Address(&scratch_.address_bytes)}) != 0) {
      scratch_.address_bytes = 16;
    }
  }
  Log(Sys::k_connect, fd, {fd, to, TypeOf(to)},
      Call(Sys::k_connect,
           {static_cast<uint64_t>(fd), Address(scratch_.address), scratch_.address_bytes}));
}

void Walk::Accept() {
  const int fd = Number({kUnixListener, kUnixListener, kTcpListener});
  const int64_t result = Call(Sys::k_accept4, {static_cast<uint64_t>(fd), 0, 0, SOCK_NONBLOCK});
  Log(Sys::k_accept4, fd, {fd}, result);
  const bool tcp = TypeOf(fd) == kTcpListener || TypeOf(fd) == kTcp;
  Opened(result, tcp ? kTcp : kUnixStream);
  if (result >= 0 && tcp) {
    std::memset(scratch_.option, 0, 4);
    scratch_.option[0] = 1;
    Call(Sys::k_setsockopt,
         {static_cast<uint64_t>(result), IPPROTO_TCP, TCP_NODELAY, Address(scratch_.option), 4});
  }
}

void Walk::SendTo() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kUdp, kTcp});
  const uint64_t bytes = SizeFor(fd);
  FillData(bytes);
  uint64_t flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (OneIn(8)) flags |= MSG_EOR;
  if (OneIn(12) && (TypeOf(fd) == kTcp || TypeOf(fd) == kUdp)) flags |= MSG_OOB;
  const bool named = OneIn(3) || TypeOf(fd) == kUdp;
  int to = -1;
  uint64_t address = 0;
  scratch_.address_bytes = 0;
  if (named) {
    to = Number({TypeOf(fd) == kUdp ? kUdp : kUnixDgram});
    scratch_.address_bytes = 128;
    if (Call(Sys::k_getsockname, {static_cast<uint64_t>(to), Address(scratch_.address),
                                  Address(&scratch_.address_bytes)}) != 0) {
      scratch_.address_bytes = 0;
    } else {
      address = Address(scratch_.address);
    }
  }
  Log(Sys::k_sendto, fd,
      {fd, static_cast<int64_t>(bytes), static_cast<int64_t>(flags), to, TypeOf(to)},
      Call(Sys::k_sendto, {static_cast<uint64_t>(fd), Address(scratch_.data), bytes, flags, address,
                           scratch_.address_bytes}));
}

void Walk::ReceiveFrom() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kUdp, kTcp});
  const uint64_t bytes = Size();
  uint64_t flags = MSG_DONTWAIT;
  if (OneIn(4)) flags |= MSG_PEEK;
  if (OneIn(6)) flags |= MSG_TRUNC;
  if (OneIn(8)) flags |= MSG_WAITALL;
  if (OneIn(10) && TypeOf(fd) == kTcp) flags |= MSG_OOB;
  // A truncated read of a connection throws bytes away without telling which.
  if (TypeOf(fd) == kTcp) flags &= ~uint64_t{MSG_TRUNC};
  scratch_.address_bytes = 128;
  const int64_t result =
      Call(Sys::k_recvfrom, {static_cast<uint64_t>(fd), Address(scratch_.data), bytes, flags,
                             Address(scratch_.address), Address(&scratch_.address_bytes)});
  const int64_t put = std::min(result, static_cast<int64_t>(bytes));
  Log(Sys::k_recvfrom, fd, {fd, static_cast<int64_t>(bytes), static_cast<int64_t>(flags)}, result,
      {(flags & MSG_TRUNC) != 0 && TypeOf(fd) == kUnixStream ? 0 : DigestOfRead(fd, put),
       result < 0 ? 0 : scratch_.address_bytes});
}

void Walk::SendMessage() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kUnixStream, kUdp});
  uint64_t at = 0;
  const uint64_t count = Below(3);
  FillData(40000);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t bytes = SizeFor(fd) % 10000;
    scratch_.vectors[i] = {Address(scratch_.data + at), bytes};
    at += bytes;
  }
  uint64_t control_bytes = 0;
  uint64_t rights = 0;
  int64_t sent[2] = {-1, -1};
  if (OneIn(3)) {
    rights = 1 + Below(2);
    for (uint64_t i = 0; i < rights; ++i) {
      int passed = Number({kEventFd, kPipe, kRegular, kEpoll, kTimerFd});
      // Of AF_UNIX sockets in flight a kernel thread collects the cycles, some time later; what
      // else is received might be one. Of a pseudo-terminal it is to be known what was written.
      const auto is_late = [this](int number) {
        return IsSocket(number) || TypeOf(number) == kReceived || TypeOf(number) == kPty ||
               TypeOf(number) == kInotify;
      };
      for (int tries = 0; tries < 4 && is_late(passed); ++tries) passed = Number({kEventFd, kPipe});
      if (is_late(passed)) passed = kNumbers + 9;
      sent[i] = passed;
      const int32_t number = passed;
      std::memcpy(scratch_.control + sizeof(ControlHeader) + 4 * i, &number, 4);
    }
    const ControlHeader header = {sizeof(ControlHeader) + 4 * rights, SOL_SOCKET, SCM_RIGHTS};
    std::memcpy(scratch_.control, &header, sizeof(header));
    control_bytes = sizeof(ControlHeader) + 8;
  }
  scratch_.message = {};
  scratch_.message.vectors = Address(scratch_.vectors);
  scratch_.message.vector_count = count;
  scratch_.message.control = control_bytes != 0 ? Address(scratch_.control) : 0;
  scratch_.message.control_bytes = control_bytes;
  const int64_t result =
      Call(Sys::k_sendmsg,
           {static_cast<uint64_t>(fd), Address(&scratch_.message), MSG_DONTWAIT | MSG_NOSIGNAL});
  Log(Sys::k_sendmsg, fd,
      {fd, static_cast<int64_t>(at), static_cast<int64_t>(rights), sent[0], sent[1]}, result);
}

void Walk::ReceiveMessage() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kUnixStream, kUdp});
  const uint64_t bytes = Size();
  scratch_.vectors[0] = {Address(scratch_.data), bytes};
  scratch_.message = {};
  scratch_.message.vectors = Address(scratch_.vectors);
  scratch_.message.vector_count = 1;
  scratch_.message.control = Address(scratch_.control);
  scratch_.message.control_bytes = Choose<uint64_t>({0, 128, 128, 128, 20, 24});
  scratch_.message.name = Address(scratch_.address);
  scratch_.message.name_bytes = 128;
  std::memset(scratch_.control, 0, sizeof(scratch_.control));
  uint64_t flags = MSG_DONTWAIT;
  if (OneIn(6)) flags |= MSG_PEEK;
  if (OneIn(4)) flags |= MSG_CMSG_CLOEXEC;
  const uint64_t room = scratch_.message.control_bytes;
  const int64_t result =
      Call(Sys::k_recvmsg, {static_cast<uint64_t>(fd), Address(&scratch_.message), flags});
  std::vector<uint64_t> seen;
  if (result >= 0) {
    seen = {DigestOfRead(fd, std::min(result, static_cast<int64_t>(bytes))), scratch_.message.flags,
            scratch_.message.name_bytes, scratch_.message.control_bytes};
    uint64_t at = 0;
    while (at + sizeof(ControlHeader) <= scratch_.message.control_bytes) {
      ControlHeader header;
      std::memcpy(&header, scratch_.control + at, sizeof(header));
      if (header.bytes < sizeof(header)) break;
      seen.push_back(static_cast<uint64_t>(header.type));
      seen.push_back(header.bytes);
      if (header.level == SOL_SOCKET && header.type == SCM_RIGHTS) {
        for (uint64_t i = sizeof(header); i + 4 <= header.bytes; i += 4) {
          int32_t number;
          std::memcpy(&number, scratch_.control + at + i, 4);
          seen.push_back(static_cast<uint64_t>(number));
          Opened(number, kReceived);
        }
      }
      at += (header.bytes + 7) / 8 * 8;
    }
  }
  Log(Sys::k_recvmsg, fd,
      {fd, static_cast<int64_t>(bytes), static_cast<int64_t>(flags), static_cast<int64_t>(room)},
      result, seen);
}

void Walk::Shutdown() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kTcp, kUdp, kUnixListener});
  const uint64_t how = Below(4);
  Log(Sys::k_shutdown, fd, {fd, static_cast<int64_t>(how)},
      Call(Sys::k_shutdown, {static_cast<uint64_t>(fd), how}));
}

void Walk::Names() {
  const int fd = Number({kUnixStream, kTcp, kUdp, kUnixListener, kUnixDgram});
  const Sys call = OneIn(2) ? Sys::k_getsockname : Sys::k_getpeername;
  scratch_.address_bytes = Choose<uint32_t>({128, 128, 2, 0});
  const uint32_t room = scratch_.address_bytes;
  const int64_t result = Call(call, {static_cast<uint64_t>(fd), Address(scratch_.address),
                                     Address(&scratch_.address_bytes)});
  Log(call, fd, {fd, room}, result,
      {result == 0 && room >= 2 ? scratch_.address[0] : 0u,
       result == 0 ? scratch_.address_bytes : 0});
}

void Walk::SetOption() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kTcp, kUdp});
  const uint64_t name = Choose<uint64_t>(
      {SO_REUSEADDR, SO_KEEPALIVE, SO_RCVLOWAT, SO_LINGER, SO_SNDBUF, SO_OOBINLINE, SO_TYPE});
  // How much a connection holds, and when it takes more, is the kernel's business.
  if (TypeOf(fd) == kTcp && name == SO_SNDBUF) return;
  const uint32_t value =
      name == SO_SNDBUF ? Choose<uint32_t>({1, 10000, 200000}) : static_cast<uint32_t>(Below(3));
  std::memset(scratch_.option, 0, 8);
  std::memcpy(scratch_.option, &value, sizeof(value));
  const uint64_t bytes = OneIn(10) ? 3 : 8;
  Log(Sys::k_setsockopt, fd, {fd, static_cast<int64_t>(name), value, static_cast<int64_t>(bytes)},
      Call(Sys::k_setsockopt,
           {static_cast<uint64_t>(fd), SOL_SOCKET, name, Address(scratch_.option), bytes}));
}

void Walk::GetOption() {
  const int fd = Number({kUnixStream, kUnixDgram, kUnixSeqPacket, kTcp, kUdp, kUnixListener});
  const uint64_t name =
      Choose<uint64_t>({SO_TYPE, SO_ERROR, SO_ERROR, SO_ACCEPTCONN, SO_DOMAIN, SO_PROTOCOL,
                        SO_REUSEADDR, SO_LINGER, SO_RCVLOWAT, SO_SNDBUF, SO_KEEPALIVE});
  if ((TypeOf(fd) == kTcp || TypeOf(fd) == kTcpListener || TypeOf(fd) == kReceived) &&
      name == SO_SNDBUF)
    return;
  std::memset(scratch_.option, 0, 8);
  scratch_.address_bytes = Choose<uint32_t>({8, 8, 4, 1});
  const uint32_t room = scratch_.address_bytes;
  const int64_t result =
      Call(Sys::k_getsockopt, {static_cast<uint64_t>(fd), SOL_SOCKET, name,
                               Address(scratch_.option), Address(&scratch_.address_bytes)});
  uint64_t value = 0;
  std::memcpy(&value, scratch_.option, sizeof(value));
  Log(Sys::k_getsockopt, fd, {fd, static_cast<int64_t>(name), room}, result,
      {result == 0 ? value : 0, result == 0 ? scratch_.address_bytes : 0});
}

}  // namespace fuzz
