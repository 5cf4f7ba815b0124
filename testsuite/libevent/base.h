// An event base as libevent's on epoll (epoll.c, evmap.c, changelist-internal.h, event.c).
//
// Events are of descriptors; evmap counts the readers and writers of each number, and tells the
// backend of the first and the last. The backend guesses which call the kernel needs from what it
// was told before, and tries the other when the guess was wrong: the number may be another file's
// by now, and libevent is not told of close or dup.
//
// - kDirect: each change is a call at once ("epoll").
// - kChangeList: changes wait for the next dispatch, one for each number; an addition and a
// deletion
//   in between are none ("epoll (with changelist)", EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST).
//
// For one thread. An event that is added must be deleted before it goes away.
#ifndef POLLUX_TESTSUITE_LIBEVENT_BASE_H_
#define POLLUX_TESTSUITE_LIBEVENT_BASE_H_

#include <fcntl.h>
#include <sys/epoll.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/epoll_calls.h"

enum : unsigned { kRead = 1, kWrite = 2, kPersist = 4, kEdge = 8 };

struct Event {
  int fd = -1;
  unsigned flags = 0;
  std::function<void(unsigned what)> callback;
  bool added = false;  // Of the base.
};

class Base {
 public:
  enum Backend { kDirect, kChangeList };

  explicit Base(Backend backend) : backend_(backend), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    Must(epoll_ >= 0, "epoll_create1");
  }
  ~Base() { close(epoll_); }
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;

  // event_add and event_del.
  void Add(Event& event) {
    if (event.added) return;
    event.added = true;
    Number& number = numbers_[event.fd];
    const unsigned before = number.watched();
    number.events.push_back(&event);
    const unsigned news = number.watched() & ~before;
    if (news != 0) Changed(event.fd, before, news, 0, event.flags & kEdge);
  }
  void Delete(Event& event) {
    if (!event.added) return;
    event.added = false;
    Number& number = numbers_[event.fd];
    const unsigned before = number.watched();
    std::erase(number.events, &event);
    std::erase_if(active_, [&](const auto& active) { return active.first == &event; });
    const unsigned gone = before & ~number.watched();
    if (gone != 0) Changed(event.fd, before, 0, gone, 0);
  }

  // One round of event_base_loop; how many callbacks ran.
  int Dispatch(int timeout_ms) {
    for (const auto& [fd, change] : std::exchange(changes_, {})) Apply(fd, change);
    epoll_event events[32];
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll_, events, 32, timeout_ms));
    Must(count >= 0, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      unsigned what = 0;
      if (events[i].events & (EPOLLERR | EPOLLHUP)) what = kRead | kWrite;
      if (events[i].events & EPOLLIN) what |= kRead;
      if (events[i].events & EPOLLOUT) what |= kWrite;
      for (Event* event : numbers_[events[i].data.fd].events) {
        if (event->flags & what) active_.emplace_back(event, event->flags & what);
      }
    }
    int ran = 0;
    for (; !active_.empty(); ++ran) {
      const auto [event, what] = active_.front();
      active_.pop_front();
      if (!(event->flags & kPersist)) Delete(*event);
      event->callback(what);
    }
    return ran;
  }

  // The calls of epoll_ctl since the last call of this, like "MOD ENOENT ADD"; or "no calls".
  std::string TakeCalls() { return calls_.Take(); }

 private:
  // What evmap keeps of a number.
  struct Number {
    unsigned watched() const {
      unsigned all = 0;
      for (const Event* event : events) all |= event->flags & (kRead | kWrite);
      return all;
    }
    std::vector<Event*> events;
  };
  struct Change {
    unsigned before = 0;  // What the kernel watches, as far as libevent knows.
    unsigned add = 0, remove = 0, edge = 0;
  };

  void Changed(int fd, unsigned before, unsigned add, unsigned remove, unsigned edge) {
    if (backend_ == kDirect) return Apply(fd, {before, add, remove, edge});
    Change& change = changes_.try_emplace(fd, Change{.before = before}).first->second;
    // An addition takes the place of a deletion, but is not nothing: the number may have been
    // closed and opened since, and the kernel then has forgotten it.
    change.add |= add;
    change.edge |= edge;
    change.remove &= ~add;
    // A deletion of what was not there before is nothing.
    change.add &= ~remove;
    change.remove |= remove & change.before;
  }

  void Apply(int fd, const Change& change) {
    if (change.add == 0 && change.remove == 0) return;
    const unsigned after = (change.before & ~change.remove) | change.add;
    uint32_t mask = change.edge ? static_cast<uint32_t>(EPOLLET) : 0;
    if (after & kRead) mask |= EPOLLIN;
    if (after & kWrite) mask |= EPOLLOUT;
    if (after == 0) {
      // It may have been closed.
      if (Control(EPOLL_CTL_DEL, fd, 0) == 0) return;
      return Must(errno == ENOENT || errno == EBADF || errno == EPERM, "only what is gone");
    }
    const int guess = change.before != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (Control(guess, fd, mask) == 0) return;
    // Closed and opened again, or the duplicate of one that was added under this number.
    const bool other = guess == EPOLL_CTL_MOD ? errno == ENOENT : errno == EEXIST;
    Must(other, "the guess was wrong because of close or dup");
    const int next = guess == EPOLL_CTL_MOD ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    Must(Control(next, fd, mask) == 0, "then the other is right");
  }

  int Control(int op, int fd, uint32_t mask) {
    return calls_.Control(epoll_, op, fd, mask, static_cast<uint32_t>(fd));
  }

  const Backend backend_;
  const int epoll_;
  std::map<int, Number> numbers_;
  std::map<int, Change> changes_;
  std::deque<std::pair<Event*, unsigned>> active_;
  EpollCalls calls_;
};

// What an argument of "direct" or "changelist" says.
inline Base::Backend BackendOf(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  Must(name == "direct" || name == "changelist", "the argument is direct or changelist");
  return name == "direct" ? Base::kDirect : Base::kChangeList;
}

// A pipe whose ends never block.
struct Pipe {
  Pipe() {
    int ends[2];
    Must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    reader = ends[0];
    writer = ends[1];
  }
  void Put(char byte) const { Must(write(writer, &byte, 1) == 1, "writing to a pipe"); }
  int reader, writer;
};

#endif  // POLLUX_TESTSUITE_LIBEVENT_BASE_H_
