// For loops whose calls of epoll_ctl are what a program shows.
#ifndef POLLUX_TESTSUITE_BASICS_EPOLL_CALLS_H_
#define POLLUX_TESTSUITE_BASICS_EPOLL_CALLS_H_

#include <sys/epoll.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "testsuite/basics/check.h"

class EpollCalls {
 public:
  // epoll_ctl(2), errno as it leaves it.
  int Control(int epoll, int op, int fd, uint32_t events, uint64_t data) {
    epoll_event event = {};
    event.events = events;
    event.data.u64 = data;
    const int result = epoll_ctl(epoll, op, fd, &event);
    const int error = errno;
    std::string text = op == EPOLL_CTL_ADD ? "ADD" : op == EPOLL_CTL_MOD ? "MOD" : "DEL";
    if (result != 0) text += std::string(" ") + ErrorName(error);
    Note(text);
    errno = error;
    return result;
  }
  void Note(const std::string& what) { text_ += (text_.empty() ? "" : " ") + what; }
  // Since the last call of this, like "MOD ENOENT ADD"; or "no calls".
  std::string Take() {
    const std::string text = std::exchange(text_, "");
    return text.empty() ? "no calls" : text;
  }

 private:
  std::string text_;
};

#endif  // POLLUX_TESTSUITE_BASICS_EPOLL_CALLS_H_
