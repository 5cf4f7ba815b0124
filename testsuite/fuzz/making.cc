// Steps that make descriptors.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include <cstring>

#include "testsuite/fuzz/scratch.h"
#include "testsuite/fuzz/walk.h"

namespace fuzz {
void Walk::MakeEventFd() {
  const uint64_t initial = Below(3);
  const uint64_t semaphore = OneIn(3) ? EFD_SEMAPHORE : 0;
  Made(Sys::k_eventfd2, kEventFd, {initial, semaphore | EFD_NONBLOCK},
       {static_cast<int64_t>(initial), static_cast<int64_t>(semaphore)});
}

void Walk::MakePipe() {
  const uint64_t packets = OneIn(6) ? O_DIRECT : 0;
  const int64_t result = Call(Sys::k_pipe2, {Address(scratch_.numbers), packets | O_NONBLOCK});
  Log(Sys::k_pipe2, -1, {static_cast<int64_t>(packets)}, result);
  if (result != 0) return;
  Opened(scratch_.numbers[0], kPipe);
  Opened(scratch_.numbers[1], kPipe);
}

void Walk::MakeFifo() {
  // One or two FIFOs, opened again and again.
  scratch_.path[0] = static_cast<char>('a' + Below(2));
  scratch_.path[1] = '\0';
  const uint64_t path = Address(scratch_.path);
  if (OneIn(3)) {
    Log(Sys::k_mknodat, -1, {scratch_.path[0]},
        Call(Sys::k_mknodat, {kHere, path, S_IFIFO | 0600, 0}));
  }
  const uint64_t mode = Choose<uint64_t>({O_RDONLY, O_RDONLY, O_WRONLY, O_WRONLY, O_RDWR});
  FindType(Made(Sys::k_openat, kFifo, {kHere, path, mode | O_NONBLOCK, 0},
                {scratch_.path[0], static_cast<int64_t>(mode)}));
}

void Walk::MakeEpoll() { Made(Sys::k_epoll_create1, kEpoll, {0}, {}); }

void Walk::MakeSocketPair() {
  const uint64_t type = Choose<uint64_t>({SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET});
  const int64_t result =
      Call(Sys::k_socketpair, {AF_UNIX, type | SOCK_NONBLOCK, 0, Address(scratch_.numbers)});
  Log(Sys::k_socketpair, -1, {static_cast<int64_t>(type)}, result);
  if (result != 0) return;
  const Type made = type == SOCK_STREAM  ? kUnixStream
                    : type == SOCK_DGRAM ? kUnixDgram
                                         : kUnixSeqPacket;
  Opened(scratch_.numbers[0], made);
  Opened(scratch_.numbers[1], made);
}

void Walk::MakeSocket() {
  struct Kind {
    int domain, type;
    Type made;
  };
  static constexpr Kind kKinds[] = {{AF_UNIX, SOCK_STREAM, kUnixStream},
                                    {AF_UNIX, SOCK_DGRAM, kUnixDgram},
                                    {AF_UNIX, SOCK_SEQPACKET, kUnixSeqPacket},
                                    {AF_INET, SOCK_STREAM, kTcp},
                                    {AF_INET, SOCK_DGRAM, kUdp},
                                    {AF_INET6, SOCK_DGRAM, kUdp}};
  const uint64_t i = Below(std::size(kKinds));
  const Kind& kind = kKinds[i];
  const int64_t fd = Made(
      Sys::k_socket, kind.made,
      {static_cast<uint64_t>(kind.domain), static_cast<uint64_t>(kind.type) | SOCK_NONBLOCK, 0},
      {static_cast<int64_t>(i)});
  if (fd >= 0 && kind.made == kTcp) {
    // Without it small writes wait for an acknowledgement that has a timer of its own.
    scratch_.option[0] = 1;
    std::memset(scratch_.option + 1, 0, 3);
    Call(Sys::k_setsockopt,
         {static_cast<uint64_t>(fd), IPPROTO_TCP, TCP_NODELAY, Address(scratch_.option), 4});
  }
}

void Walk::MakeUnixListener() {
  const uint64_t type = OneIn(3) ? SOCK_SEQPACKET : SOCK_STREAM;
  const int64_t fd = Made(Sys::k_socket, kUnixListener, {AF_UNIX, type | SOCK_NONBLOCK, 0},
                          {static_cast<int64_t>(type)});
  if (fd < 0) return;
  // A name that nobody else has: the kernel finds one (autobind).
  scratch_.address[0] = AF_UNIX;
  scratch_.address[1] = 0;
  const uint64_t number = static_cast<uint64_t>(fd);
  Log(Sys::k_bind, static_cast<int>(fd), {},
      Call(Sys::k_bind, {number, Address(scratch_.address), 2}));
  const uint64_t backlog = Below(4);
  Log(Sys::k_listen, static_cast<int>(fd), {static_cast<int64_t>(backlog)},
      Call(Sys::k_listen, {number, backlog}));
}

void Walk::MakeTcpListener() {
  const int64_t fd =
      Made(Sys::k_socket, kTcpListener, {AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0}, {});
  if (fd < 0) return;
  // It may be connected later.
  std::memset(scratch_.option, 0, 4);
  scratch_.option[0] = 1;
  Call(Sys::k_setsockopt,
       {static_cast<uint64_t>(fd), IPPROTO_TCP, TCP_NODELAY, Address(scratch_.option), 4});
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(scratch_.address, &address, sizeof(address));
  const uint64_t number = static_cast<uint64_t>(fd);
  Log(Sys::k_bind, static_cast<int>(fd), {},
      Call(Sys::k_bind, {number, Address(scratch_.address), sizeof(address)}));
  Log(Sys::k_listen, static_cast<int>(fd), {}, Call(Sys::k_listen, {number, 64}));
}

// A connection whose both ends are known, in one step.
void Walk::MakeTcpPair() {
  const int listener = OpenNumber({kTcpListener});
  if (listener < 0) return MakeTcpListener();
  scratch_.address_bytes = 128;
  if (Call(Sys::k_getsockname, {static_cast<uint64_t>(listener), Address(scratch_.address),
                                Address(&scratch_.address_bytes)}) != 0) {
    return;
  }
  const int64_t fd = Made(Sys::k_socket, kTcp, {AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0}, {});
  if (fd < 0) return;
  const uint64_t client = static_cast<uint64_t>(fd);
  std::memset(scratch_.option, 0, 4);
  scratch_.option[0] = 1;
  Call(Sys::k_setsockopt, {client, IPPROTO_TCP, TCP_NODELAY, Address(scratch_.option), 4});
  Log(Sys::k_connect, static_cast<int>(fd), {},
      Call(Sys::k_connect, {client, Address(scratch_.address), scratch_.address_bytes}));
  Settle(static_cast<int>(fd), EPOLLOUT);
  const int64_t accepted =
      Call(Sys::k_accept4, {static_cast<uint64_t>(listener), 0, 0, SOCK_NONBLOCK});
  Log(Sys::k_accept4, listener, {}, accepted);
  Opened(accepted, kTcp);
  if (accepted >= 0) {
    Call(Sys::k_setsockopt,
         {static_cast<uint64_t>(accepted), IPPROTO_TCP, TCP_NODELAY, Address(scratch_.option), 4});
  }
}

void Walk::MakeUdp() {
  const bool v6 = OneIn(3);
  const int64_t fd =
      Made(Sys::k_socket, kUdp,
           {static_cast<uint64_t>(v6 ? AF_INET6 : AF_INET), SOCK_DGRAM | SOCK_NONBLOCK, 0}, {v6});
  if (fd < 0) return;
  uint64_t bytes = sizeof(sockaddr_in);
  if (v6) {
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    std::memcpy(scratch_.address, &address, sizeof(address));
    bytes = sizeof(address);
  } else {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(scratch_.address, &address, sizeof(address));
  }
  Log(Sys::k_bind, static_cast<int>(fd), {},
      Call(Sys::k_bind, {static_cast<uint64_t>(fd), Address(scratch_.address), bytes}));
}

void Walk::MakeTimer() {
  const uint64_t clock = Choose<uint64_t>({0, 1, 7, 9, 5});
  Made(Sys::k_timerfd_create, kTimerFd, {clock, O_NONBLOCK}, {static_cast<int64_t>(clock)});
}

void Walk::MakeSignalFd() {
  const uint64_t signals = Choose<uint64_t>({1ull << 9, 1ull << 11, 1ull << 9 | 1ull << 11,
                                             1ull << 34, 1ull << 34 | 1ull << 35 | 1ull << 9, 0});
  scratch_.signals = signals;
  Made(Sys::k_signalfd4, kSignalFd,
       {static_cast<uint64_t>(-1), Address(&scratch_.signals), 8, O_NONBLOCK},
       {static_cast<int64_t>(signals)});
}

void Walk::MakePidFd() {
  const bool self = !OneIn(4);
  const uint64_t pid = self ? static_cast<uint64_t>(Call(Sys::k_getpid, {})) : 0;
  Made(Sys::k_pidfd_open, kPidFd, {pid, O_NONBLOCK}, {self});
}

void Walk::MakeInotify() {
  // One at a time: of two that watch the same file Linux tells the one first whose address is lower
  // (fsnotify_compare_groups()).
  if (OpenNumber({kInotify}) >= 0) return;
  Made(Sys::k_inotify_init1, kInotify, {O_NONBLOCK}, {});
}

void Walk::MakeMemFd() {
  std::strcpy(scratch_.path, "walk");
  const uint64_t flags = OneIn(2) ? 2 : 0;  // MFD_ALLOW_SEALING
  Made(Sys::k_memfd_create, kMemFd, {Address(scratch_.path), flags}, {static_cast<int64_t>(flags)});
}

void Walk::MakeFile() {
  scratch_.path[0] = static_cast<char>('c' + Below(4));
  scratch_.path[1] = '\0';
  const uint64_t flags =
      Choose<uint64_t>({O_RDWR | O_CREAT, O_RDWR | O_CREAT, O_RDONLY, O_WRONLY | O_CREAT | O_APPEND,
                        O_RDWR | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_EXCL, O_RDWR});
  FindType(Made(Sys::k_openat, kRegular, {kHere, Address(scratch_.path), flags | O_NONBLOCK, 0600},
                {scratch_.path[0], static_cast<int64_t>(flags)}));
}

void Walk::MakeDirectory() {
  scratch_.path[0] = OneIn(2) ? '.' : 'g';
  scratch_.path[1] = '\0';
  Made(Sys::k_openat, kDirectory, {kHere, Address(scratch_.path), O_RDONLY | O_DIRECTORY, 0},
       {scratch_.path[0]});
}

void Walk::MakeDevice() {
  const uint64_t which = Below(3);
  static constexpr const char* kPaths[] = {"/dev/null", "/dev/zero", "/dev/full"};
  std::strcpy(scratch_.path, kPaths[which]);
  Made(Sys::k_openat, kDevice, {kHere, Address(scratch_.path), O_RDWR | O_NONBLOCK, 0},
       {static_cast<int64_t>(which)});
}

void Walk::MakePty() {
  std::strcpy(scratch_.path, "/dev/ptmx");
  const int64_t master = Made(
      Sys::k_openat, kPty, {kHere, Address(scratch_.path), O_RDWR | O_NOCTTY | O_NONBLOCK, 0}, {});
  if (master < 0) return;
  const uint64_t number = static_cast<uint64_t>(master);
  scratch_.numbers[0] = 0;
  Log(Sys::k_ioctl, static_cast<int>(master), {TIOCSPTLCK},
      Call(Sys::k_ioctl, {number, TIOCSPTLCK, Address(scratch_.numbers)}));
  constexpr uint64_t kGetPeer = 0x5441;  // TIOCGPTPEER
  const int64_t slave = Call(Sys::k_ioctl, {number, kGetPeer, O_RDWR | O_NOCTTY | O_NONBLOCK});
  Log(Sys::k_ioctl, static_cast<int>(master), {kGetPeer}, slave);
  Opened(slave, kPty);
  pty_sides_[static_cast<size_t>(master)] = 2 * ++ptys_;
  if (slave < 0) {
    // Its terminal would echo, some time later.
    Log(Sys::k_close, static_cast<int>(master), {}, Call(Sys::k_close, {number}));
    return Closed(master);
  }
  pty_sides_[static_cast<size_t>(slave)] = 2 * ptys_ + 1;
  // Raw: what is written on one side is read on the other.
  const uint64_t terminal = static_cast<uint64_t>(slave);
  if (Call(Sys::k_ioctl, {terminal, TCGETS, Address(scratch_.data)}) != 0) return;
  std::memset(scratch_.data, 0, 8);       // c_iflag, c_oflag
  std::memset(scratch_.data + 12, 0, 4);  // c_lflag
  Log(Sys::k_ioctl, static_cast<int>(slave), {TCSETS},
      Call(Sys::k_ioctl, {terminal, TCSETS, Address(scratch_.data)}));
}

void Walk::MakeNetlink() {
  const uint64_t type = OneIn(2) ? SOCK_RAW : SOCK_DGRAM;
  Made(Sys::k_socket, kNetlink, {AF_NETLINK, type | SOCK_NONBLOCK, 0},
       {static_cast<int64_t>(type)});
}

}  // namespace fuzz
