// An event loop as Redis's (src/ae.c, src/ae_epoll.c): level-triggered, one table by number of
// descriptor, and one mask in the kernel for the reading and the writing side of each.
//
// - Adding a side adds the descriptor or modifies its mask; deleting one modifies, or deletes.
// - What a poll reported is looked up again before each callback: an earlier one of the same poll
// may
//   have deleted it. The side that was not wanted any more is not called.
// - Of one descriptor the reading side comes first, and the writing side after it in the same turn;
// a
//   barrier turns that round, so that what was read is not answered before it is on disk
//   (AE_BARRIER).
//
// For one thread. Handlers may delete and close what they like.
#ifndef POLLUX_TESTSUITE_REDIS_AE_H_
#define POLLUX_TESTSUITE_REDIS_AE_H_

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/socket_pair.h"

enum : unsigned { kNone = 0, kReadable = 1, kWritable = 2, kBarrier = 4 };

class EventLoop {
 public:
  using Handler = std::function<void()>;

  explicit EventLoop(int size) : events_(size), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    Must(epoll_ >= 0, "epoll_create1");
  }
  ~EventLoop() { close(epoll_); }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // aeCreateFileEvent
  void Create(int fd, unsigned mask, Handler handler) {
    FileEvent& event = events_.at(fd);
    Control(event.mask == kNone ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, event.mask | mask);
    event.mask |= mask;
    if (mask & kReadable) event.on_readable = handler;
    if (mask & kWritable) event.on_writable = std::move(handler);
  }
  // aeDeleteFileEvent
  void Delete(int fd, unsigned mask) {
    FileEvent& event = events_.at(fd);
    if (event.mask == kNone) return;
    if (mask & kWritable) mask |= kBarrier;
    event.mask &= ~mask;
    Control(event.mask == kNone ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, event.mask);
  }
  unsigned mask(int fd) const { return events_.at(fd).mask; }

  // aeProcessEvents: one poll; how many descriptors were reported. `before_sleep` runs first.
  int Process(int timeout_ms) {
    if (before_sleep) before_sleep();
    std::vector<epoll_event> fired(events_.size());
    const int count = TEMP_FAILURE_RETRY(
        epoll_wait(epoll_, fired.data(), static_cast<int>(fired.size()), timeout_ms));
    Must(count >= 0, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      FileEvent& event = events_.at(fired[i].data.fd);
      unsigned ready = kNone;
      if (fired[i].events & EPOLLIN) ready |= kReadable;
      if (fired[i].events & EPOLLOUT) ready |= kWritable;
      if (fired[i].events & (EPOLLERR | EPOLLHUP)) ready = kReadable | kWritable;
      // Each side is looked up when it is its turn. It is copied, as it may be deleted by itself.
      const auto call = [&](unsigned side, const Handler& handler) {
        if (!(event.mask & ready & side)) return;
        const Handler copy = handler;
        copy();
      };
      if (event.mask & kBarrier) {
        call(kWritable, event.on_writable);
        call(kReadable, event.on_readable);
      } else {
        call(kReadable, event.on_readable);
        call(kWritable, event.on_writable);
      }
    }
    return count;
  }

  Handler before_sleep;

  // The calls of epoll_ctl since the last call of this, like "ADD r, MOD rw, DEL"; or "no calls".
  std::string TakeCalls() {
    const std::string calls = std::exchange(calls_, "");
    return calls.empty() ? "no calls" : calls;
  }

 private:
  struct FileEvent {
    unsigned mask = kNone;
    Handler on_readable, on_writable;
  };

  void Control(int op, int fd, unsigned mask) {
    epoll_event event = {};
    if (mask & kReadable) event.events |= EPOLLIN;
    if (mask & kWritable) event.events |= EPOLLOUT;
    event.data.fd = fd;
    Must(epoll_ctl(epoll_, op, fd, &event) == 0, "epoll_ctl");
    calls_ += calls_.empty() ? "" : ", ";
    calls_ += op == EPOLL_CTL_ADD ? "ADD" : op == EPOLL_CTL_MOD ? "MOD" : "DEL";
    if (event.events != 0) calls_ += " ";
    if (mask & kReadable) calls_ += "r";
    if (mask & kWritable) calls_ += "w";
  }

  std::vector<FileEvent> events_;  // By number.
  const int epoll_;
  std::string calls_;
};

#endif  // POLLUX_TESTSUITE_REDIS_AE_H_
