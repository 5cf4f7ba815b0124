// Go's network poller (src/runtime/netpoll.go and netpoll_epoll.go), as far as system calls and
// atomics go. Who polls, and what is read and written, is in runtime.h.
//
// A goroutine here is a thread that is locked to its M (runtime.LockOSThread): parking it is
// stoplockedm's sleep on a futex.
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
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
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

#endif  // POLLUX_TESTSUITE_GO_NETPOLL_H_
