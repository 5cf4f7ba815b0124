// Signals as Tokio has them (tokio/src/signal/{registry,unix}.rs and runtime/signal/mod.rs).
//
// One socket pair for the whole process, made once and never closed. The handler of a signal marks
// it as pending and writes a byte, ignoring that the pair may be full. Each runtime has a duplicate
// of the receiving end in its reactor, all of one open file description. Whichever driver sees the
// event drains the pair and tells all listeners of the process about all pending signals, whatever
// runtimes they belong to. Another driver that was woken too may find that it has been drained.
#ifndef POLLUX_TESTSUITE_TOKIO_SIGNALS_H_
#define POLLUX_TESTSUITE_TOKIO_SIGNALS_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace tokio {

// Of one signal: a watch channel without a value. Listeners see that it has changed since they last
// looked, not how often.
class SignalInfo {
 public:
  std::atomic<bool> pending = false;

  uint64_t version() const { return version_.load(); }

  void Broadcast() {
    std::vector<Waker> wakers;
    {
      const std::lock_guard lock(mutex_);
      version_.fetch_add(1);
      wakers.swap(wakers_);
    }
    for (const Waker& waker : wakers) waker();
  }

  // True: there was a broadcast since `*seen`, which is brought up to date.
  bool PollChanged(uint64_t* seen, const Waker& waker) {
    const std::lock_guard lock(mutex_);
    if (version_.load() == *seen) {
      wakers_.push_back(waker);
      return false;
    }
    *seen = version_.load();
    return true;
  }

 private:
  Mutex mutex_;
  std::atomic<uint64_t> version_ = 0;
  std::vector<Waker> wakers_;
};

// Of the process.
class SignalGlobals {
 public:
  static SignalGlobals& Get() {
    static SignalGlobals globals;
    return globals;
  }

  int receiver() const { return receiver_; }
  SignalInfo& info(int signal) { return infos_[signal]; }

  // Installs the handler, the first time.
  void Enable(int signal) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_enabled_[signal], true)) return;
    ::Handle(signal, Action, SA_RESTART);
  }

  void Broadcast() {
    for (SignalInfo& info : infos_) {
      if (info.pending.exchange(false)) info.Broadcast();
    }
  }

 private:
  static constexpr int kSignals = 33;

  SignalGlobals() {
    int ends[2];
    Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
         "the signal pair");
    receiver_ = ends[0];
    sender_ = ends[1];
  }

  // The object was made before the handler was installed: no lock is taken here.
  static void Action(int signal) {
    const int error = errno;
    SignalGlobals& globals = Get();
    globals.infos_[signal].pending.store(true);
    // Full is as good: then there is something to be read.
    [[maybe_unused]] const ssize_t ignored = write(globals.sender_, "\1", 1);
    errno = error;
  }

  int receiver_, sender_;
  Mutex mutex_;
  bool is_enabled_[kSignals] = {};
  SignalInfo infos_[kSignals];
};

// A listener. What happened before it was made is not told.
class Signal {
 public:
  explicit Signal(int number) : info_(&SignalGlobals::Get().info(number)) {
    SignalGlobals::Get().Enable(number);
    seen_ = info_->version();
  }
  // True: the signal came, once or more often, since the last time.
  bool PollReceive(const Waker& waker) { return info_->PollChanged(&seen_, waker); }

 private:
  SignalInfo* info_;
  uint64_t seen_;
};

// A reactor with the signal driver on top, turning in a thread of its own.
class SignalRuntime {
 public:
  SignalRuntime()
      : handle_(&driver_), receiver_(fcntl(SignalGlobals::Get().receiver(), F_DUPFD_CLOEXEC, 3)) {
    Must(receiver_ >= 0, "a duplicate of the receiver");
    handle_.AddSignalPipe(receiver_);
    turner_ = std::thread([this] { Turn(); });
  }
  ~SignalRuntime() {
    is_over_.store(true);
    handle_.Unpark();
    turner_.join();
    Must(handle_.registry().Deregister(receiver_) == 0, "deregistering the receiver");
    close(receiver_);
  }
  tokio::Handle* handle() { return &handle_; }

 private:
  void Turn() {
    while (!is_over_.load()) {
      driver_.Turn(&handle_, -1);
      if (!driver_.TakeSignalReady()) continue;
      // All of it, so that the next signal is an edge.
      char buffer[128];
      ssize_t count;
      while ((count = read(receiver_, buffer, sizeof buffer)) > 0) {
      }
      Must(count < 0 && errno == EAGAIN, "the pair is never closed");
      SignalGlobals::Get().Broadcast();
    }
  }

  Driver driver_;
  tokio::Handle handle_;
  const int receiver_;
  std::atomic<bool> is_over_ = false;
  std::thread turner_;
};

}  // namespace tokio

#endif  // POLLUX_TESTSUITE_TOKIO_SIGNALS_H_
