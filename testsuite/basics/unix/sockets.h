// What the programs of this folder share: pairs, names, and what epoll says in words.
#ifndef POLLUX_TESTSUITE_BASICS_UNIX_SOCKETS_H_
#define POLLUX_TESTSUITE_BASICS_UNIX_SOCKETS_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <string>

#include "testsuite/basics/check.h"

struct Pair {
  int a, b;
};

inline Pair MakePair(int type) {
  int ends[2];
  Must(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair");
  return {ends[0], ends[1]};
}

inline const char* TypeName(int type) {
  switch (type) {
    case SOCK_STREAM:
      return "stream";
    case SOCK_DGRAM:
      return "dgram";
    default:
      return "seqpacket";
  }
}

inline int NewSocket(int type) {
  const int fd = socket(AF_UNIX, type, 0);
  Must(fd >= 0, "socket");
  return fd;
}

// Tells this process's abstract names from everybody's: they belong to the network namespace, and
// ids of processes, which sandboxes number anew, are met twice in it.
inline const std::string& OwnSuffix() {
  static const std::string suffix = [] {
    unsigned number = 0;
    Must(getrandom(&number, sizeof(number), 0) == sizeof(number), "getrandom");
    char text[9];
    snprintf(text, sizeof(text), "%08x", number);
    return std::string(text);
  }();
  return suffix;
}

// An address; "@name" is abstract and gets OwnSuffix().
struct Address {
  explicit Address(const std::string& name) {
    un.sun_family = AF_UNIX;
    std::string path = name;
    if (name[0] == '@') path = std::string(1, '\0') + name.substr(1) + OwnSuffix();
    memcpy(un.sun_path, path.data(), path.size());
    bytes = offsetof(sockaddr_un, sun_path) + path.size() + (name[0] == '@' ? 0 : 1);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&un); }

  sockaddr_un un = {};
  socklen_t bytes = 0;
};

inline int Bind(int fd, const Address& address) { return bind(fd, address.get(), address.bytes); }
inline int Connect(int fd, const Address& address) {
  return connect(fd, address.get(), address.bytes);
}

inline int Listener(const Address& address, int backlog, int type = SOCK_STREAM) {
  const int fd = NewSocket(type);
  Must(Bind(fd, address) == 0, "bind");
  Must(listen(fd, backlog) == 0, "listen");
  return fd;
}

inline std::string EventText(unsigned events) {
  static constexpr struct {
    unsigned bit;
    const char* name;
  } kNames[] = {{EPOLLIN, "IN"},         {EPOLLPRI, "PRI"},       {EPOLLOUT, "OUT"},
                {EPOLLERR, "ERR"},       {EPOLLHUP, "HUP"},       {EPOLLRDHUP, "RDHUP"},
                {EPOLLRDNORM, "RDNORM"}, {EPOLLRDBAND, "RDBAND"}, {EPOLLWRNORM, "WRNORM"},
                {EPOLLWRBAND, "WRBAND"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((events & bit) != 0) text += (text.empty() ? "" : "|") + std::string(name);
  }
  return text.empty() ? "nothing" : text;
}

// What poll(2) says of a descriptor, asked for everything.
inline std::string Ready(int fd) {
  pollfd entry = {fd, static_cast<short>(POLLIN | POLLPRI | POLLOUT | POLLRDHUP), 0};
  Must(poll(&entry, 1, 0) >= 0, "poll");
  return EventText(static_cast<unsigned short>(entry.revents));
}
inline void ShowReady(const char* what, int fd) { printf("%s: %s\n", what, Ready(fd).c_str()); }

// Watches descriptors in three ways at once: level-triggered, edge-triggered, edge-triggered for
// errors only.
class Watcher {
 public:
  static constexpr unsigned kAll = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP;

  explicit Watcher(int fd) : levels_(epoll_create1(0)), edges_(epoll_create1(0)) {
    Must(levels_ >= 0 && edges_ >= 0, "epoll_create1");
    epoll_event event = {kAll, {.u64 = 0}};
    Must(epoll_ctl(levels_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    event.events |= EPOLLET;
    Must(epoll_ctl(edges_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  }
  ~Watcher() {
    close(levels_);
    close(edges_);
  }

  void Show(const char* what) {
    printf("%s: level %s, edge %s\n", what, Next(levels_).c_str(), Next(edges_).c_str());
  }

 private:
  static std::string Next(int epoll) {
    epoll_event event;
    const int count = epoll_wait(epoll, &event, 1, 0);
    Must(count >= 0, "epoll_wait");
    return count == 0 ? "-" : EventText(event.events);
  }
  int levels_, edges_;
};

// Writes until it would block; the descriptor must be non-blocking. Returns the bytes.
inline long Fill(int fd, size_t bytes) {
  const std::string data(bytes, 'x');
  long total = 0;
  for (;;) {
    const ssize_t written = send(fd, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0) return total;
    total += written;
  }
}

inline std::string ReadText(int fd, size_t bytes, int flags = MSG_DONTWAIT) {
  std::string text(bytes, '\0');
  const ssize_t count = recv(fd, text.data(), bytes, flags);
  if (count < 0) return ErrorName(errno);
  return "\"" + text.substr(0, static_cast<size_t>(count)) + "\"";
}
inline void ShowRead(const char* what, int fd, size_t bytes, int flags = MSG_DONTWAIT) {
  printf("%s: %s\n", what, ReadText(fd, bytes, flags).c_str());
}
inline void Send(int fd, const char* text, int flags = 0) {
  Must(send(fd, text, strlen(text), flags | MSG_NOSIGNAL) == static_cast<ssize_t>(strlen(text)),
       "send");
}

#endif  // POLLUX_TESTSUITE_BASICS_UNIX_SOCKETS_H_
