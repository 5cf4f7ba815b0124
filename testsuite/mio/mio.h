// mio in small: what Rust's mio makes of epoll on Linux (src/sys/unix/selector/epoll.rs,
// src/sys/unix/waker/eventfd.rs), call by call.
//
// A Poll owns an epoll instance. A Registry is what sources are registered with: the Poll has one,
// which borrows its descriptor, and TryClone makes others, which own duplicates of it. The instance
// lives as long as any of the descriptors, so a Registry outlives its Poll.
//
// Everything is edge-triggered: an interest is kReadable, kWritable or both, and its event comes
// once, until something new happens. Whoever is told must read or write until EAGAIN.
//
// A Waker makes the Poll return from any thread. Its eventfd is never read, as each write to it is
// an edge; only where the counter is full is it reset.
//
// Calls that can only fail in a wrong program are checked here; those that a caller may want to see
// fail return 0 or the error's number.
#ifndef POLLUX_TESTSUITE_MIO_MIO_H_
#define POLLUX_TESTSUITE_MIO_MIO_H_

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"

namespace mio {

using Token = uint64_t;

enum Interest : uint32_t {
  kReadable = EPOLLIN | EPOLLRDHUP,
  kWritable = EPOLLOUT,
  kBoth = kReadable | kWritable,
};

// What mio::Event asks of an event's bits.
inline bool IsReadable(uint32_t events) { return events & (EPOLLIN | EPOLLPRI); }
inline bool IsWritable(uint32_t events) { return events & EPOLLOUT; }
inline bool IsError(uint32_t events) { return events & EPOLLERR; }
inline bool IsReadClosed(uint32_t events) {
  return (events & EPOLLHUP) || ((events & EPOLLIN) && (events & EPOLLRDHUP));
}
inline bool IsWriteClosed(uint32_t events) {
  return (events & EPOLLHUP) || ((events & EPOLLOUT) && (events & EPOLLERR)) || events == EPOLLERR;
}

// A buffer for a batch of events. Valid until it is given to the next Poll::Wait.
class Events {
 public:
  explicit Events(int capacity) : events_(capacity) {}
  const epoll_event* begin() const { return events_.data(); }
  const epoll_event* end() const { return events_.data() + size_; }
  int size() const { return size_; }

 private:
  friend class Poll;
  std::vector<epoll_event> events_;
  int size_ = 0;
};

class Registry {
 public:
  Registry(Registry&& other) noexcept
      : epoll_(std::exchange(other.epoll_, -1)), owned_(other.owned_) {}
  Registry& operator=(Registry&&) = delete;
  ~Registry() {
    if (owned_ && epoll_ >= 0) Must(close(epoll_) == 0, "closing a registry");
  }

  Registry TryClone() const {
    const int duplicate = fcntl(epoll_, F_DUPFD_CLOEXEC, 3);
    Must(duplicate >= 0, "duplicating an epoll descriptor");
    return Registry(duplicate, true);
  }

  int Register(int fd, Token token, Interest interest) const {
    return Control(EPOLL_CTL_ADD, fd, token, interest);
  }
  int Reregister(int fd, Token token, Interest interest) const {
    return Control(EPOLL_CTL_MOD, fd, token, interest);
  }
  int Deregister(int fd) const {
    return epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr) == 0 ? 0 : errno;
  }

  int epoll() const { return epoll_; }

 private:
  friend class Poll;
  Registry(int epoll, bool owned) : epoll_(epoll), owned_(owned) {}

  int Control(int operation, int fd, Token token, Interest interest) const {
    epoll_event event = {};
    event.events = interest | static_cast<uint32_t>(EPOLLET);
    event.data.u64 = token;
    return epoll_ctl(epoll_, operation, fd, &event) == 0 ? 0 : errno;
  }

  int epoll_;
  bool owned_;
};

class Poll {
 public:
  Poll() : registry_(epoll_create1(EPOLL_CLOEXEC), true) {
    Must(registry_.epoll() >= 0, "epoll_create1");
  }

  const Registry& registry() const { return registry_; }

  // Waits for events; -1: for as long as it takes. Returns 0 or EINTR, with which there are none.
  int Wait(Events* events, int timeout_ms) {
    events->size_ = 0;
    const int count = epoll_wait(registry_.epoll(), events->events_.data(),
                                 static_cast<int>(events->events_.size()), timeout_ms);
    if (count < 0) {
      Must(errno == EINTR, "epoll_wait");
      return EINTR;
    }
    events->size_ = count;
    return 0;
  }
  // As who uses mio does: an interrupted wait is begun again.
  void WaitOn(Events* events, int timeout_ms) {
    while (Wait(events, timeout_ms) == EINTR) continue;
  }

 private:
  Registry registry_;
};

class Waker {
 public:
  Waker(const Registry& registry, Token token) : eventfd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    Must(eventfd_ >= 0, "eventfd");
    Must(registry.Register(eventfd_, token, kReadable) == 0, "registering a waker");
  }
  Waker(const Waker&) = delete;
  ~Waker() { close(eventfd_); }

  void Wake() const {
    const uint64_t one = 1;
    while (write(eventfd_, &one, sizeof one) != sizeof one) {
      // Full: nobody has read it 2^64 - 2 times. Whoever resets it first is enough for all.
      Must(errno == EAGAIN, "waking");
      uint64_t count;
      Must(read(eventfd_, &count, sizeof count) == sizeof count || errno == EAGAIN, "resetting");
    }
  }

  int fd() const { return eventfd_; }

 private:
  int eventfd_;
};

}  // namespace mio

#endif  // POLLUX_TESTSUITE_MIO_MIO_H_
