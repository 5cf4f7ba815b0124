// What stands on Go's network poller: the part of the scheduler that sleeps in it and runs timers
// (src/runtime/proc.go, findRunnable), and descriptors with deadlines that are closed safely
// (src/internal/poll/fd_unix.go, fd_mutex.go).
//
// The M that findRunnable leaves behind in netpoll when there is nothing to run is Runtime's
// thread: it fires timers and readies whom epoll reports.
#ifndef POLLUX_TESTSUITE_GO_RUNTIME_H_
#define POLLUX_TESTSUITE_GO_RUNTIME_H_

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/go/netpoll.h"

// The part of the scheduler that the poller meets: timers, and the M that sleeps in netpoll.
class Runtime {
 public:
  Runtime() : m_([this] { FindRunnable(); }) {}
  ~Runtime() {
    stopping_.store(true);
    poll.Break();
    m_.join();
  }

  // poll_runtime_pollWait.
  PollError Wait(PollDesc* desc, char mode) {
    if (const PollError error = desc->Check(mode)) return error;
    while (!Block(desc, mode)) {
      if (const PollError error = desc->Check(mode)) return error;
      // A deadline fired and was set anew before this goroutine ran: it has not happened.
    }
    return kPollOk;
  }
  // poll_runtime_pollReset, before each operation: news that nobody asked for are forgotten.
  PollError Reset(PollDesc* desc, char mode) {
    if (const PollError error = desc->Check(mode)) return error;
    desc->Semaphore(mode).store(kNil);
    return kPollOk;
  }

  // poll_runtime_pollSetDeadline for 'r' or 'w': `after` nanoseconds from now, 0: never, below 0:
  // now.
  void SetDeadline(PollDesc* desc, char mode, int64_t after) {
    G* g = nullptr;
    {
      std::lock_guard lock(desc->lock);
      if (desc->closing) return;
      auto& timer = mode == 'r' ? desc->rt : desc->wt;
      int64_t& deadline = mode == 'r' ? desc->rd : desc->wd;
      uintptr_t& seq = mode == 'r' ? desc->rseq : desc->wseq;
      deadline = after > 0 ? Now() + after : after;
      desc->PublishInfo();
      ++seq;  // a timer that has been taken off the heap already will find another number
      DeleteTimer(&timer);
      if (deadline > 0) timer = AddTimer(deadline, {desc, mode, seq});
      if (deadline < 0) g = Unblock(desc, mode, false);
    }
    if (g != nullptr) g->park.Wakeup();
  }

  // poll_runtime_pollUnblock: from now on nobody parks here, and who is parked goes on.
  void Evict(PollDesc* desc) {
    G *reader, *writer;
    {
      std::lock_guard lock(desc->lock);
      Must(!desc->closing, "a descriptor is closed once");
      desc->closing = true;
      ++desc->rseq;
      ++desc->wseq;
      desc->PublishInfo();
      reader = Unblock(desc, 'r', false);
      writer = Unblock(desc, 'w', false);
      DeleteTimer(&desc->rt);
      DeleteTimer(&desc->wt);
    }
    if (reader != nullptr) reader->park.Wakeup();
    if (writer != nullptr) writer->park.Wakeup();
  }

  Netpoll poll;

 private:
  struct Timer {
    PollDesc* desc;
    char mode;
    uintptr_t seq;
  };
  using Key = std::pair<int64_t, uint64_t>;

  Key AddTimer(int64_t when, Timer timer) {
    Key key;
    {
      std::lock_guard lock(timers_lock_);
      key = {when, ++last_timer_};
      timers_.emplace(key, timer);
    }
    // wakeNetPoller: only if the M in netpoll would sleep longer.
    if (last_poll_.load() == 0) {
      const int64_t until = poll_until_.load();
      if (until == 0 || until > when) poll.Break();
    }
    return key;
  }
  void DeleteTimer(Key* key) {
    std::lock_guard lock(timers_lock_);
    timers_.erase(std::exchange(*key, {}));
  }

  // netpolldeadlineimpl.
  void Expire(const Timer& timer) {
    PollDesc* const desc = timer.desc;
    G* g;
    {
      std::lock_guard lock(desc->lock);
      if (timer.seq != (timer.mode == 'r' ? desc->rseq : desc->wseq)) return;
      (timer.mode == 'r' ? desc->rd : desc->wd) = -1;
      (timer.mode == 'r' ? desc->rt : desc->wt) = {};
      desc->PublishInfo();
      g = Unblock(desc, timer.mode, false);
    }
    if (g != nullptr) g->park.Wakeup();
  }

  // Runs what is due; returns when the next is, or 0.
  int64_t RunTimers() {
    std::unique_lock lock(timers_lock_);
    while (!timers_.empty()) {
      const auto first = timers_.begin();
      if (first->first.first > Now()) return first->first.first;
      const Timer timer = first->second;
      timers_.erase(first);
      lock.unlock();
      Expire(timer);
      lock.lock();
    }
    return 0;
  }

  // The end of findRunnable, which has found nothing to run. last_poll_ is 0 before the timers are
  // looked at (in Go, wakep brings another M to look): a new timer is seen here, or who adds it
  // sees 0 and breaks the poll.
  void FindRunnable() {
    while (!stopping_.load()) {
      last_poll_.store(0);
      const int64_t until = RunTimers();
      poll_until_.store(until);
      int64_t delay = -1;
      if (until != 0) delay = std::max<int64_t>(until - Now(), 0);
      const std::vector<G*> ready = poll.Poll(delay);
      poll_until_.store(0);
      last_poll_.store(Now());
      for (G* const g : ready) g->park.Wakeup();
    }
  }

  std::mutex timers_lock_;
  std::map<Key, Timer> timers_;
  uint64_t last_timer_ = 0;
  std::atomic<int64_t> last_poll_ = 1, poll_until_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread m_;
};

// internal/poll.FD: the descriptor is closed by whoever uses it last, never under anybody's feet.
// One reader and one writer at a time.
class Fd {
 public:
  static constexpr ssize_t kClosing = -1, kTimeout = -2, kFailed = -3;

  Fd(Runtime& runtime, int number)
      : runtime_(runtime), number_(number), desc_(runtime.poll.Open(number)) {}

  // Each returns what its call does, or kClosing, kTimeout or, with errno, kFailed.
  ssize_t Read(void* bytes, size_t count) {
    return Do('r', [&] { return read(number_, bytes, count); });
  }
  ssize_t Accept() {
    return Do('r',
              [&] { return accept4(number_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
  }
  // All of it, as Go's Write; stops at the first error.
  ssize_t Write(const void* bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
      const ssize_t more = Do('w', [&] {
        return send(number_, static_cast<const char*>(bytes) + done, count - done, MSG_NOSIGNAL);
      });
      if (more < 0) return more;
      done += more;
    }
    return done;
  }
  // Until the peer of a connect(2) under way answers (netFD.connect); 0, kClosing, kTimeout or
  // kFailed.
  ssize_t WaitConnected() {
    if (!Acquire()) return kClosing;
    PollError error;
    int failure = EAGAIN;
    while (failure == EAGAIN && (error = runtime_.Wait(desc_, 'w')) == kPollOk) {
      socklen_t length = sizeof failure;
      getsockopt(number_, SOL_SOCKET, SO_ERROR, &failure, &length);
      sockaddr_storage peer;
      length = sizeof peer;
      // A wake-up from before the connect: there is neither an error nor a peer.
      if (failure == 0 && getpeername(number_, reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
        failure = EAGAIN;
      }
    }
    Release();
    if (error != kPollOk) return error == kPollClosing ? kClosing : kTimeout;
    errno = failure;
    return failure == 0 ? 0 : kFailed;
  }
  void SetDeadline(char mode, int64_t after) {
    if (!Acquire()) return;
    runtime_.SetDeadline(desc_, mode, after);
    Release();
  }
  // Returns when the descriptor is closed. False if somebody else closes it.
  bool Close() {
    uint64_t state = state_.load();
    do {
      if (state & kClosed) return false;
    } while (!state_.compare_exchange_weak(state, (state | kClosed) + kReference));
    runtime_.Evict(desc_);
    Release();
    closed_.Sleep();
    return true;
  }
  int number() const { return number_; }

 private:
  static constexpr uint64_t kClosed = 1, kReference = 2;

  bool Acquire() {
    uint64_t state = state_.load();
    do {
      if (state & kClosed) return false;
    } while (!state_.compare_exchange_weak(state, state + kReference));
    return true;
  }
  void Release() {
    if (state_.fetch_sub(kReference) != (kReference | kClosed)) return;
    runtime_.poll.Close(desc_);
    Must(close(number_) == 0, "close");
    closed_.Wakeup();
  }
  template <typename Call>
  ssize_t Do(char mode, Call call) {
    if (!Acquire()) return kClosing;
    ssize_t result = -1;
    PollError error = runtime_.Reset(desc_, mode);
    while (error == kPollOk) {
      result = TEMP_FAILURE_RETRY(call());
      if (result >= 0 || errno != EAGAIN) break;
      error = runtime_.Wait(desc_, mode);
    }
    const int saved = errno;
    Release();
    errno = saved;
    if (error != kPollOk) return error == kPollClosing ? kClosing : kTimeout;
    return result >= 0 ? result : kFailed;
  }

  Runtime& runtime_;
  const int number_;
  PollDesc* const desc_;
  std::atomic<uint64_t> state_ = 0;
  Note closed_;
};

#endif  // POLLUX_TESTSUITE_GO_RUNTIME_H_
