// The poller of smol's `polling` crate on Linux (src/epoll.rs and Poller in src/lib.rs), call by
// call.
//
// Everything is registered with EPOLLONESHOT: one event, and then silence until the interest is set
// again with EPOLL_CTL_MOD. That holds for the two descriptors of the poller itself too: an eventfd
// that Notify writes, and a timerfd that stands for the timeout of a wait, because epoll_wait
// counts in milliseconds. Both have the key kNotifyKey, which no event that is handed out has.
#ifndef POLLUX_TESTSUITE_SMOL_POLLING_H_
#define POLLUX_TESTSUITE_SMOL_POLLING_H_

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"

// An interest, or an event: which of the two directions.
struct Event {
  uint64_t key;
  bool readable, writable;
};

// PollMode. async-io uses kOneshot for all its sources.
enum PollMode : uint32_t {
  kOneshot = EPOLLONESHOT,
  kLevel = 0,
  kEdge = EPOLLET,
  kEdgeOneshot = EPOLLET | EPOLLONESHOT
};

class Poller {
 public:
  static constexpr uint64_t kNotifyKey = UINT64_MAX;

  Poller() {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    Must(epoll_ >= 0 && event_ >= 0 && timer_ >= 0, "the poller's descriptors");
    Add(timer_, {kNotifyKey, false, false});
    Add(event_, {kNotifyKey, true, false});
  }
  ~Poller() {
    Delete(timer_);
    Delete(event_);
    close(timer_);
    close(event_);
    close(epoll_);
  }

  void Add(int fd, Event interest, PollMode mode = kOneshot) {
    Control(EPOLL_CTL_ADD, fd, interest, mode);
  }
  void Modify(int fd, Event interest, PollMode mode = kOneshot) {
    Control(EPOLL_CTL_MOD, fd, interest, mode);
  }
  void Delete(int fd) { Must(epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr) == 0, "EPOLL_CTL_DEL"); }

  // Events of others than the poller's own descriptors. Without a timeout (nanoseconds) it ends
  // with an event or a notification. If another thread is waiting already, it returns nothing at
  // once.
  std::vector<Event> Wait(std::optional<int64_t> timeout) {
    std::vector<Event> events;
    std::unique_lock lock(waiting_, std::try_to_lock);
    if (!lock.owns_lock()) return events;
    itimerspec spec = {};
    if (timeout.has_value()) spec.it_value = Time(*timeout);
    Must(timerfd_settime(timer_, 0, &spec, nullptr) == 0, "timerfd_settime");
    Modify(timer_, {kNotifyKey, true, false});

    epoll_event reported[64];
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll_, reported, 64, timeout == 0 ? 0 : -1));
    Must(count >= 0, "epoll_wait");

    uint64_t value;
    (void)!read(event_, &value, sizeof value);
    Modify(event_, {kNotifyKey, true, false});
    notified_.store(false);

    for (int i = 0; i < count; ++i) {
      if (reported[i].data.u64 == kNotifyKey) continue;
      events.push_back({reported[i].data.u64, (reported[i].events & kReadFlags) != 0,
                        (reported[i].events & kWriteFlags) != 0});
    }
    return events;
  }

  // Ends the wait under way, or the next. Of many in a row, one makes the system call.
  void Notify() {
    bool no = false;
    if (!notified_.compare_exchange_strong(no, true)) return;
    const uint64_t one = 1;
    Must(write(event_, &one, sizeof one) == sizeof one, "notify");
  }

 private:
  static constexpr uint32_t kReadFlags = EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLPRI;
  static constexpr uint32_t kWriteFlags = EPOLLOUT | EPOLLHUP | EPOLLERR;

  void Control(int operation, int fd, Event interest, PollMode mode) {
    epoll_event event = {};
    event.events =
        mode | (interest.readable ? kReadFlags : 0) | (interest.writable ? kWriteFlags : 0);
    event.data.u64 = interest.key;
    Must(epoll_ctl(epoll_, operation, fd, &event) == 0, "epoll_ctl");
  }

  int epoll_, event_, timer_;
  std::mutex waiting_;
  std::atomic<bool> notified_ = false;
};

#endif  // POLLUX_TESTSUITE_SMOL_POLLING_H_
