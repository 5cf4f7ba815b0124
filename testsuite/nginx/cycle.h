// Connections and their events as nginx's on epoll (src/event/modules/ngx_epoll_module.c,
// src/core/ngx_connection.c).
//
// - A connection is added once, for both directions and the peer's end, edge-triggered, and never
//   deleted: closing does that. Its events only set `ready`, which whoever reads or writes clears.
// - Connections come from a table and go back to it; the last to go is the next to come. Each use
//   turns the instance bit, which is kept in the lowest bit of the pointer that is the event's
//   data: an event of the former use is stale.
//
// For one thread.
#ifndef POLLUX_TESTSUITE_NGINX_CYCLE_H_
#define POLLUX_TESTSUITE_NGINX_CYCLE_H_

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "testsuite/basics/check.h"

struct Connection {
  struct Event {
    std::function<void(Connection&)> handler;
    bool instance = false;
    bool active = false;       // Registered.
    bool ready = false;        // As far as the events told.
    bool pending_eof = false;  // The peer has ended its direction.
    bool available = false;    // There may be more than was read.
  };

  int fd = -1;
  Event read, write;
  Connection* next_free = nullptr;
};
static_assert(alignof(Connection) > 1, "the lowest bit of a pointer is free");

class Cycle {
 public:
  explicit Cycle(int connections)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)), connections_(connections) {
    Must(epoll_ >= 0, "epoll_create1");
    for (size_t i = connections_.size(); i-- > 0;) Free(connections_[i]);
  }
  ~Cycle() { close(epoll_); }
  Cycle(const Cycle&) = delete;
  Cycle& operator=(const Cycle&) = delete;

  // ngx_get_connection
  Connection& Get(int fd) {
    Must(free_ != nullptr, "there are connections left");
    Connection& connection = *free_;
    free_ = connection.next_free;
    const bool instance = !connection.read.instance;
    connection = {};
    connection.fd = fd;
    connection.read.instance = connection.write.instance = instance;
    return connection;
  }

  // ngx_epoll_add_connection
  void Add(Connection& connection) {
    Control(EPOLL_CTL_ADD, connection, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP);
    connection.read.active = connection.write.active = true;
  }
  // ngx_epoll_add_event for reading, level-triggered but for `flags`; the peer's end goes not with
  // EPOLLEXCLUSIVE.
  void AddRead(Connection& connection, uint32_t flags) {
    Control(EPOLL_CTL_ADD, connection,
            EPOLLIN | (flags & EPOLLEXCLUSIVE ? 0 : static_cast<uint32_t>(EPOLLRDHUP)) | flags);
    connection.read.active = true;
  }
  // ngx_epoll_del_event
  void DeleteRead(Connection& connection) {
    Control(EPOLL_CTL_DEL, connection, 0);
    connection.read.active = false;
  }

  // ngx_close_connection: nothing is deleted, and its events that are on their way are stale.
  void Close(Connection& connection) {
    connection.read.active = connection.write.active = false;
    const int fd = connection.fd;
    connection.fd = -1;
    Free(connection);
    Must(close(fd) == 0, "close");
  }

  // ngx_epoll_process_events; how many events were stale.
  int ProcessEvents(int timeout_ms) {
    epoll_event events[512];
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll_, events, 512, timeout_ms));
    Must(count >= 0, "epoll_wait");
    Must(count > 0 || timeout_ms >= 0, "a wait without end ends with an event");
    int stale = 0;
    for (int i = 0; i < count; ++i) {
      const uintptr_t data = reinterpret_cast<uintptr_t>(events[i].data.ptr);
      const bool instance = data & 1;
      Connection& connection = *reinterpret_cast<Connection*>(data & ~uintptr_t{1});
      if (connection.fd == -1 || connection.read.instance != instance) {
        ++stale;
        continue;
      }
      uint32_t seen = events[i].events;
      // An error alone is for whoever is there.
      if (seen & (EPOLLERR | EPOLLHUP)) seen |= EPOLLIN | EPOLLOUT;
      if ((seen & EPOLLIN) && connection.read.active) {
        if (seen & EPOLLRDHUP) connection.read.pending_eof = true;
        connection.read.ready = connection.read.available = true;
        if (connection.read.handler) connection.read.handler(connection);
      }
      if ((seen & EPOLLOUT) && connection.write.active) {
        // The reading handler may have closed it.
        if (connection.fd == -1 || connection.write.instance != instance) {
          ++stale;
          continue;
        }
        connection.write.ready = true;
        if (connection.write.handler) connection.write.handler(connection);
      }
    }
    return stale;
  }

 private:
  void Free(Connection& connection) {
    connection.next_free = free_;
    free_ = &connection;
  }
  void Control(int op, Connection& connection, uint32_t events) {
    epoll_event event = {};
    event.events = events;
    event.data.ptr = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(&connection) |
                                             uintptr_t{connection.read.instance});
    Must(epoll_ctl(epoll_, op, connection.fd, &event) == 0, "epoll_ctl");
  }

  const int epoll_;
  std::vector<Connection> connections_;
  Connection* free_ = nullptr;
};

// ngx_unix_recv where epoll tells the peer's end (src/os/unix/ngx_recv.c): a read that was short
// has emptied the socket, and what comes later will be an event; only with an end pending it goes
// on. -1 and EAGAIN where there is nothing.
inline ssize_t Receive(Connection& connection, void* bytes, size_t size) {
  Connection::Event& event = connection.read;
  if (!event.available && !event.pending_eof) {
    event.ready = false;
    errno = EAGAIN;
    return -1;
  }
  const ssize_t got = recv(connection.fd, bytes, size, 0);
  if (got < 0) {
    Must(errno == EAGAIN, "recv");
    event.ready = false;
  } else if (got == 0) {
    event.ready = false;
  } else if (static_cast<size_t>(got) < size) {
    if (!event.pending_eof) event.ready = false;
    event.available = false;
  }
  return got;
}

#endif  // POLLUX_TESTSUITE_NGINX_CYCLE_H_
