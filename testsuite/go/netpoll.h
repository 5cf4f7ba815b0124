// Go's network poller (src/runtime/netpoll.go and netpoll_epoll.go) and the descriptors on top of
// it (src/internal/poll/fd_unix.go), as far as system calls and atomics go.
//
// A goroutine here is a thread that is locked to its M (runtime.LockOSThread): parking it is
// stoplockedm's sleep on a futex. The M that findRunnable leaves behind in netpoll when there is
// nothing to run is Runtime's thread: it runs timers and readies whom epoll reports.
//
// Every descriptor is watched once, for all that can happen, edge-triggered: IN|OUT|RDHUP|ET. What
// the kernel says is kept in two binary semaphores of the PollDesc, rg and wg, each of which is
//   kNil    nobody waits, nothing is known;
//   kReady  something has happened that nobody has consumed yet;
//   kWait   a goroutine is about to park;
//   a G*    a goroutine is parked.
// All transitions are compare-and-swap: epoll, timers, close and the goroutine itself race for
// them.
#ifndef POLLUX_TESTSUITE_GO_NETPOLL_H_
#define POLLUX_TESTSUITE_GO_NETPOLL_H_

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
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

// runtime.note, lock_futex.go: one Wakeup lets one Sleep go, whichever comes first.
class Note {
 public:
  void Sleep() {
    while (key_.load() == 0) {
      syscall(SYS_futex, &key_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    }
    key_.store(0);
  }
  void Wakeup() {
    Must(key_.exchange(1) == 0, "a note is woken once");
    syscall(SYS_futex, &key_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

 private:
  std::atomic<uint32_t> key_ = 0;
};

// A goroutine: what others need to ready it.
struct G {
  Note park;
};
inline thread_local G current_g;

constexpr uintptr_t kNil = 0, kReady = 1, kWait = 2;

enum PollError { kPollOk, kPollClosing, kPollTimeout };

// The bits of PollDesc::info: what a goroutine may look at without the lock.
constexpr uint32_t kInfoClosing = 1, kInfoReadExpired = 2, kInfoWriteExpired = 4;

// Never freed, only recycled: epoll may still report one that was closed. Its sequence number, in
// the high bits of the event's data, tells the old life from the new (taggedPointerPack).
struct PollDesc {
  PollDesc* link = nullptr;
  int fd = -1;
  std::atomic<uintptr_t> fdseq = 0;
  std::atomic<uint32_t> info = 0;
  std::atomic<uintptr_t> rg = kNil, wg = kNil;

  std::mutex lock;  // protects what follows
  bool closing = false;
  int64_t rd = 0, wd = 0;        // deadlines: 0 none, -1 expired
  uintptr_t rseq = 0, wseq = 0;  // tell timers that are still wanted from stale ones
  std::pair<int64_t, uint64_t> rt = {}, wt = {};  // keys of the timers; {} none

  std::atomic<uintptr_t>& Semaphore(char mode) { return mode == 'r' ? rg : wg; }

  // publishInfo: after each change of what it reads, before anybody is unblocked.
  void PublishInfo() {
    info.store((closing ? kInfoClosing : 0) | (rd < 0 ? kInfoReadExpired : 0) |
               (wd < 0 ? kInfoWriteExpired : 0));
  }
  PollError Check(char mode) const {
    const uint32_t bits = info.load();
    if (bits & kInfoClosing) return kPollClosing;
    if (bits & (mode == 'r' ? kInfoReadExpired : kInfoWriteExpired)) return kPollTimeout;
    return kPollOk;
  }
};

// netpollunblock: returns whom to ready, if anybody is parked.
inline G* Unblock(PollDesc* desc, char mode, bool io_ready) {
  std::atomic<uintptr_t>& semaphore = desc->Semaphore(mode);
  for (;;) {
    uintptr_t old = semaphore.load();
    if (old == kReady) return nullptr;
    // A deadline or a close leaves no trace here: whoever comes to wait looks at info first.
    if (old == kNil && !io_ready) return nullptr;
    if (semaphore.compare_exchange_strong(old, io_ready ? kReady : kNil)) {
      return old <= kWait ? nullptr : reinterpret_cast<G*>(old);
    }
  }
}

// netpollblock: true if there is news of the descriptor, false after a deadline or close.
inline bool Block(PollDesc* desc, char mode) {
  std::atomic<uintptr_t>& semaphore = desc->Semaphore(mode);
  for (;;) {
    uintptr_t ready = kReady, nil = kNil;
    if (semaphore.compare_exchange_strong(ready, kNil)) return true;
    Must(ready == kNil, "one goroutine waits");
    if (semaphore.compare_exchange_strong(nil, kWait)) break;
  }
  // Looked at again now that kWait is to be seen: the others store info and then look at rg and wg.
  if (desc->Check(mode) == kPollOk) {
    uintptr_t wait = kWait;  // netpollblockcommit
    if (semaphore.compare_exchange_strong(wait, reinterpret_cast<uintptr_t>(&current_g))) {
      current_g.park.Sleep();
    }
  }
  const uintptr_t old = semaphore.exchange(kNil);
  Must(old <= kWait, "nobody is parked twice");
  return old == kReady;
}

class Netpoll {
 public:
  Netpoll() {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Must(epoll_ >= 0 && wake_ >= 0, "netpollinit");
    // Level-triggered: a poll that does not block leaves the wake-up to one that does.
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = &wake_;
    Must(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0, "epoll_ctl of the eventfd");
  }
  ~Netpoll() {
    close(wake_);
    close(epoll_);
  }

  // poll_runtime_pollOpen and netpollopen.
  PollDesc* Open(int fd) {
    PollDesc* const desc = Allocate();
    {
      std::lock_guard lock(desc->lock);
      Must(desc->rg.load() <= kReady && desc->wg.load() <= kReady,
           "a free PollDesc has no waiters");
      desc->fd = fd;
      if (desc->fdseq.load() == 0) desc->fdseq.store(1);
      desc->closing = false;
      ++desc->rseq;
      ++desc->wseq;
      desc->rd = desc->wd = 0;
      desc->rg.store(kNil);
      desc->wg.store(kNil);
      desc->PublishInfo();
    }
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = Pack(desc, desc->fdseq.load());
    Must(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "netpollopen");
    return desc;
  }

  // netpollclose and pollcache.free; the descriptor itself is closed afterwards.
  void Close(PollDesc* desc) {
    Must(desc->closing && desc->rg.load() <= kReady && desc->wg.load() <= kReady,
         "a PollDesc is closed when its waiters have gone");
    epoll_event event = {};
    Must(epoll_ctl(epoll_, EPOLL_CTL_DEL, desc->fd, &event) == 0, "netpollclose");
    {
      std::lock_guard lock(desc->lock);
      desc->fdseq.store((desc->fdseq.load() + 1) & kTagMask);
      desc->PublishInfo();
    }
    std::lock_guard lock(cache_lock_);
    desc->link = cache_;
    cache_ = desc;
  }

  // netpollBreak: of many at once, one writes. Returns whether it was this.
  bool Break() {
    uint32_t none = 0;
    if (!wake_signalled_.compare_exchange_strong(none, 1)) return false;
    const uint64_t one = 1;
    Must(TEMP_FAILURE_RETRY(write(wake_, &one, sizeof one)) == sizeof one, "netpollBreak");
    return true;
  }

  // netpoll: whom to ready. `delay` in nanoseconds: below 0 until something happens, 0 not at all.
  std::vector<G*> Poll(int64_t delay) {
    epoll_event events[128];
    return Ready(events, Wait(events, 128, delay), delay);
  }

  // The two halves of it: what the kernel reports, and what is made of that.
  int Wait(epoll_event* events, int most, int64_t delay) {
    int timeout = -1;
    if (delay == 0) timeout = 0;
    if (delay > 0) timeout = delay < kMillisecond ? 1 : static_cast<int>(delay / kMillisecond);
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll_, events, most, timeout));
    Must(count >= 0, "epoll_wait");
    return count;
  }
  std::vector<G*> Ready(const epoll_event* events, int count, int64_t delay) {
    std::vector<G*> ready;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[i];
      if (event.data.ptr == &wake_) {
        Must(event.events == EPOLLIN, "the eventfd is readable");
        if (delay != 0) {
          // The flag goes down last: who finds it up may rely on somebody who is awake.
          uint64_t breaks;
          Must(read(wake_, &breaks, sizeof breaks) == sizeof breaks && breaks == 1,
               "the eventfd was written once");
          wake_signalled_.store(0);
        }
        continue;
      }
      PollDesc* const desc = Pointer(event.data.u64);
      if (desc->fdseq.load() != Tag(event.data.u64)) continue;  // of its life before
      if (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        if (G* const g = Unblock(desc, 'r', true)) ready.push_back(g);
      }
      if (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        if (G* const g = Unblock(desc, 'w', true)) ready.push_back(g);
      }
    }
    return ready;
  }

 private:
  // User addresses end below 2^48 on both machines, and a PollDesc is aligned: 19 bits are free.
  static constexpr int kTagBits = 19;
  static constexpr uintptr_t kTagMask = (uintptr_t{1} << kTagBits) - 1;
  static uint64_t Pack(PollDesc* desc, uintptr_t tag) {
    return reinterpret_cast<uint64_t>(desc) << 16 | (tag & kTagMask);
  }
  static PollDesc* Pointer(uint64_t data) {
    return reinterpret_cast<PollDesc*>(data >> kTagBits << 3);
  }
  static uintptr_t Tag(uint64_t data) { return data & kTagMask; }

  // pollcache.alloc.
  PollDesc* Allocate() {
    std::lock_guard lock(cache_lock_);
    if (cache_ == nullptr) return new PollDesc;
    return std::exchange(cache_, cache_->link);
  }

  int epoll_, wake_;
  std::atomic<uint32_t> wake_signalled_ = 0;
  std::mutex cache_lock_;
  PollDesc* cache_ = nullptr;
};

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

#endif  // POLLUX_TESTSUITE_GO_NETPOLL_H_
