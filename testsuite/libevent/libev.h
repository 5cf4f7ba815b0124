// libev's epoll backend (ev_epoll.c: epoll_modify, epoll_poll, epoll_fork; ev.c: fd_rearm_all).
//
// - To want nothing of a descriptor makes no call: it has most likely been closed, and if not, it
// is
//   deleted when it is reported.
// - Each change that the kernel takes gets the next generation of its number, which is in the upper
//   half of the event's data. An event of another generation is a ghost, of a file that once had
//   the number and that somebody else keeps open. Nothing can reach that registration, so the whole
//   instance is made anew, from what is wanted.
//
// For one thread.
#ifndef POLLUX_TESTSUITE_LIBEVENT_LIBEV_H_
#define POLLUX_TESTSUITE_LIBEVENT_LIBEV_H_

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "testsuite/basics/check.h"
#include "testsuite/basics/epoll_calls.h"

class Libev {
 public:
  using Callback = std::function<void(uint32_t events)>;

  Libev() : epoll_(epoll_create1(EPOLL_CLOEXEC)) { Must(epoll_ >= 0, "epoll_create1"); }
  ~Libev() { close(epoll_); }
  Libev(const Libev&) = delete;
  Libev& operator=(const Libev&) = delete;

  // Wants EPOLLIN, EPOLLOUT, both, or nothing of `fd`. That it may be another file than before is
  // libev's to find out, but for EV__IOFDSET, which ev_io_set leaves behind: `is_new`.
  void Want(int fd, uint32_t events, Callback callback = {}, bool is_new = false) {
    Number& number = numbers_[fd];
    const uint32_t before = number.wanted;
    number.wanted = events;
    if (callback) number.callback = std::move(callback);
    if (before != events || is_new) Modify(fd, number, before);
  }

  // One poll without waiting; how many callbacks ran.
  int Poll() {
    if (recreate_) Recreate();
    epoll_event events[64];
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll_, events, 64, 0));
    Must(count >= 0, "epoll_wait");
    int ran = 0;
    for (int i = 0; i < count; ++i) {
      const int fd = static_cast<int>(static_cast<uint32_t>(events[i].data.u64));
      Number& number = numbers_[fd];
      if (number.generation != static_cast<uint32_t>(events[i].data.u64 >> 32)) {
        recreate_ = true;
        continue;
      }
      uint32_t got = events[i].events & (EPOLLIN | EPOLLOUT);
      if (events[i].events & (EPOLLERR | EPOLLHUP)) got = EPOLLIN | EPOLLOUT;
      if (got & ~number.wanted) {
        // It still watches for what nobody wants any more.
        number.registered = number.wanted;
        const int op = number.wanted != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
        if (Control(op, fd, number.wanted, events[i].data.u64) != 0) {
          recreate_ = true;
          continue;
        }
      }
      if ((got & number.wanted) == 0) continue;
      ++ran;
      number.callback(got & number.wanted);
    }
    return ran;
  }

  // What was done since the last call of this, like "ADD EEXIST MOD"; "RECREATE" is a new instance.
  std::string TakeCalls() { return calls_.Take(); }

 private:
  struct Number {
    uint32_t wanted = 0;
    uint32_t registered = 0;  // emask: what the kernel was told last.
    uint32_t generation = 0;  // egen
    Callback callback;
  };

  void Modify(int fd, Number& number, uint32_t before) {
    if (number.wanted == 0) return;
    const uint32_t old = std::exchange(number.registered, number.wanted);
    const uint64_t data = static_cast<uint32_t>(fd) | static_cast<uint64_t>(++number.generation)
                                                          << 32;
    const int guess = before != 0 && old != number.wanted ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (Control(guess, fd, number.wanted, data) == 0) return;
    if (errno == ENOENT) {
      // It went away, and another came.
      if (Control(EPOLL_CTL_ADD, fd, number.wanted, data) == 0) return;
    } else if (errno == EEXIST) {
      // A deletion that was never made. The same mask is taken for the same registration.
      if (old != number.wanted) {
        if (Control(EPOLL_CTL_MOD, fd, number.wanted, data) == 0) return;
      }
    } else {
      Must(false, "epoll_ctl says what libev knows");
    }
    --number.generation;  // The kernel has not taken it.
  }

  void Recreate() {
    recreate_ = false;
    calls_.Note("RECREATE");
    Must(close(epoll_) == 0, "close");
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    Must(epoll_ >= 0, "epoll_create1");
    for (auto& [fd, number] : numbers_) {
      number.registered = 0;
      Modify(fd, number, 0);
    }
  }

  int Control(int op, int fd, uint32_t events, uint64_t data) {
    return calls_.Control(epoll_, op, fd, events, data);
  }

  int epoll_;
  bool recreate_ = false;
  std::map<int, Number> numbers_;
  EpollCalls calls_;
};

#endif  // POLLUX_TESTSUITE_LIBEVENT_LIBEV_H_
