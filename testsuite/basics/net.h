// For the programs that speak TCP and UDP: sockets on the loopback interface, always with port 0,
// and Watch, which tells what epoll says of them, level-triggered and edge-triggered.
#ifndef POLLUX_TESTSUITE_BASICS_NET_H_
#define POLLUX_TESTSUITE_BASICS_NET_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"

inline std::string Names(uint32_t events) {
  const struct {
    uint32_t bit;
    const char* name;
  } kNames[] = {{EPOLLIN, "IN"},         {EPOLLPRI, "PRI"},       {EPOLLOUT, "OUT"},
                {EPOLLERR, "ERR"},       {EPOLLHUP, "HUP"},       {EPOLLRDHUP, "RDHUP"},
                {EPOLLRDNORM, "RDNORM"}, {EPOLLRDBAND, "RDBAND"}, {EPOLLWRNORM, "WRNORM"},
                {EPOLLWRBAND, "WRBAND"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if (events & bit) text += (text.empty() ? "" : "|") + std::string(name);
  }
  return text;
}

inline constexpr uint32_t kEveryEvent = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLRDNORM |
                                        EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND;

// Lets the kernel finish what is under way: it is at once nearly always, and always after this.
inline void Settle() { usleep(3000); }

// Two epoll instances that watch the same sockets for everything.
class Watch {
 public:
  explicit Watch(std::vector<std::pair<char, int>> sockets) {
    for (int i = 0; i < 2; ++i) {
      epolls_[i] = epoll_create1(0);
      for (const auto& [name, fd] : sockets) {
        epoll_event event = {};
        event.events = kEveryEvent | (i == 1 ? static_cast<uint32_t>(EPOLLET) : 0);
        event.data.u32 = static_cast<unsigned char>(name);
        Must(epoll_ctl(epolls_[i], EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
      }
    }
  }
  ~Watch() {
    close(epolls_[0]);
    close(epolls_[1]);
  }
  void Tell(const char* what) {
    Settle();
    std::printf("  %s\n", what);
    for (int i = 0; i < 2; ++i) {
      epoll_event events[8];
      const int count = epoll_wait(epolls_[i], events, 8, 0);
      Must(count >= 0, "epoll_wait");
      std::printf("    %s:", i == 0 ? "level" : "edge ");
      // Level-triggered ones in the order of their names.
      for (int a = 0; a < count && i == 0; ++a) {
        for (int b = a + 1; b < count; ++b) {
          if (events[b].data.u32 < events[a].data.u32) std::swap(events[a], events[b]);
        }
      }
      for (int k = 0; k < count; ++k) {
        std::printf(" %c %s", static_cast<char>(events[k].data.u32),
                    Names(events[k].events).c_str());
      }
      std::printf(count == 0 ? " nothing\n" : "\n");
    }
  }

 private:
  int epolls_[2];
};

inline sockaddr_in V4(uint32_t address, uint16_t port = 0) {
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(address);
  name.sin_port = htons(port);
  return name;
}
inline sockaddr_in6 V6(const char* address, uint16_t port = 0) {
  sockaddr_in6 name = {};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(port);
  Must(inet_pton(AF_INET6, address, &name.sin6_addr) == 1, address);
  return name;
}
template <typename T>
int Bind(int fd, const T& name) {
  return bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name);
}
template <typename T>
int Connect(int fd, const T& name) {
  return connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name);
}
inline int Disconnect(int fd) {
  sockaddr none = {};
  return connect(fd, &none, sizeof none);
}
inline sockaddr_in NameOf(int fd) {
  sockaddr_in name = {};
  socklen_t length = sizeof name;
  Must(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) == 0, "getsockname");
  return name;
}
inline uint16_t PortOf(int fd) {
  sockaddr_storage name = {};
  socklen_t length = sizeof name;
  Must(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) == 0, "getsockname");
  return ntohs(reinterpret_cast<sockaddr_in*>(&name)->sin_port);
}
// The address without the port, which is another each time.
inline std::string AddressText(const sockaddr_storage& name) {
  char text[INET6_ADDRSTRLEN] = "";
  if (name.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(name).sin_addr, text, sizeof text);
  } else if (name.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(name).sin6_addr, text, sizeof text);
  }
  return text;
}
inline std::string LocalAddress(int fd) {
  sockaddr_storage name = {};
  socklen_t length = sizeof name;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return ErrorName(errno);
  return AddressText(name);
}
inline std::string PeerAddress(int fd) {
  sockaddr_storage name = {};
  socklen_t length = sizeof name;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return ErrorName(errno);
  return AddressText(name);
}

inline void SetOption(int fd, int level, int name, int value) {
  Must(setsockopt(fd, level, name, &value, sizeof value) == 0, "setsockopt");
}
inline int Option(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  Must(getsockopt(fd, level, name, &value, &length) == 0, "getsockopt");
  return value;
}
inline const char* PendingError(int fd) {
  const int error = Option(fd, SOL_SOCKET, SO_ERROR);
  return error == 0 ? "none" : ErrorName(error);
}
inline void Block(int fd, bool blocks) {
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

inline int Tcp() { return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); }
inline int Udp() { return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0); }
inline int Listener(int backlog) {
  const int fd = Tcp();
  Must(Bind(fd, V4(INADDR_LOOPBACK)) == 0 && listen(fd, backlog) == 0, "a listener");
  return fd;
}
// A port of 127.0.0.1 that nobody has.
inline sockaddr_in ClosedPort(int type = SOCK_STREAM) {
  const int fd = socket(AF_INET, type, 0);
  Must(Bind(fd, V4(INADDR_LOOPBACK)) == 0, "bind");
  const sockaddr_in name = NameOf(fd);
  close(fd);
  return name;
}

struct Pair {
  int client, server;
};
inline Pair Connected() {
  const int listener = Listener(1);
  Pair pair;
  pair.client = socket(AF_INET, SOCK_STREAM, 0);
  Must(Connect(pair.client, NameOf(listener)) == 0, "connect");
  pair.server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  Must(pair.server >= 0, "accept4");
  Block(pair.client, false);
  close(listener);
  return pair;
}

// "WHAT: 3 abc", or the error.
inline void ShowReceived(const char* what, int fd, size_t bytes, int flags = 0) {
  char buffer[4096];
  Must(bytes <= sizeof buffer, "the buffer is large enough");
  const ssize_t count = recv(fd, buffer, bytes, flags);
  if (count < 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else {
    std::printf("%s: %zd %.*s\n", what, count, static_cast<int>(count), buffer);
  }
}
inline void ShowSent(const char* what, int fd, const char* text, int flags = 0) {
  ShowCount(what, send(fd, text, strlen(text), flags | MSG_NOSIGNAL));
}
// sendmsg(2) with one control message of `count` numbers; `bytes`: what its header claims, 0:
// right.
inline ssize_t SendControl(int fd, std::string text, int level, int type, int count, int number,
                           size_t bytes = 0, const void* name = nullptr, socklen_t name_bytes = 0) {
  alignas(cmsghdr) char control[64] = {};
  iovec part = {text.data(), text.size()};
  msghdr message = {};
  message.msg_name = const_cast<void*>(name);
  message.msg_namelen = name_bytes;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = bytes != 0 ? bytes : CMSG_LEN(sizeof(int) * count);
  for (int i = 0; i < count; ++i) memcpy(CMSG_DATA(header) + 4 * i, &number, sizeof number);
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

#endif  // POLLUX_TESTSUITE_BASICS_NET_H_
