// Tokio's I/O driver in small (tokio/src/runtime/io/): Driver, its Handle, and what they keep of
// each registered source, ScheduledIo.
//
// One thread at a time turns the Driver; everything else goes through the Handle, from any thread.
// The two have different descriptors of one epoll instance, so either may be dropped first.
//
// How readiness travels. Events are edges: each comes once and has to be remembered. ScheduledIo
// keeps what is ready together with a tick, which counts the driver's updates. A task that finds
// nothing to read clears the readiness only if the tick is still that of what it acted on: if the
// driver came in between, there is something new, and it stays. A task that finds no readiness
// leaves its waker and looks again, as the driver may have come in between.
//
// How registrations end. The driver finds the ScheduledIo by its address in the event, and may hold
// events of a source while another thread deregisters it. So the object goes to a list, which the
// driver empties before it polls the next time, when it holds no events.
#ifndef POLLUX_TESTSUITE_TOKIO_DRIVER_H_
#define POLLUX_TESTSUITE_TOKIO_DRIVER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/mio/mio.h"
#include "testsuite/tokio/sync.h"

namespace tokio {

using Ready = uint32_t;
inline constexpr Ready kReadable = 1, kWritable = 2, kReadClosed = 4, kWriteClosed = 8;
inline constexpr Ready kReadSide = kReadable | kReadClosed;
inline constexpr Ready kWriteSide = kWritable | kWriteClosed;
inline constexpr Ready kAll = kReadSide | kWriteSide;

inline Ready ReadyOf(uint32_t events) {
  Ready ready = 0;
  if (mio::IsReadable(events)) ready |= kReadable;
  if (mio::IsWritable(events)) ready |= kWritable;
  if (mio::IsReadClosed(events)) ready |= kReadClosed;
  if (mio::IsWriteClosed(events)) ready |= kWriteClosed;
  return ready;
}

// What a task saw, for ClearReadiness.
struct ReadyEvent {
  uint32_t tick;
  Ready ready;
  bool is_shutdown;
};

class ScheduledIo {
 public:
  // What is ready of `side`; or nothing, and `waker` will be called once, when there is.
  std::optional<ReadyEvent> PollReadiness(Ready side, const Waker& waker) {
    ReadyEvent event = EventOf(state_.load(std::memory_order_acquire), side);
    if (event.ready != 0 || event.is_shutdown) return event;
    const std::lock_guard lock(mutex_);
    (side == kReadSide ? reader_ : writer_) = waker;
    // Again: the driver may have come while the waker was not there yet.
    event = EventOf(state_.load(std::memory_order_acquire), side);
    if (event.ready != 0 || event.is_shutdown) return event;
    return std::nullopt;
  }

  // Nothing, where the driver has come since `event`. That a side is closed is final.
  void ClearReadiness(const ReadyEvent& event) {
    uint32_t state = state_.load(std::memory_order_acquire);
    do {
      if (TickOf(state) != event.tick) return;
    } while (!state_.compare_exchange_weak(
        state, state & ~(event.ready & ~(kReadClosed | kWriteClosed)), std::memory_order_acq_rel));
  }

  void ClearWakers() {
    const std::lock_guard lock(mutex_);
    reader_ = nullptr;
    writer_ = nullptr;
  }

 private:
  friend class Driver;

  // | shutdown: 1 bit | tick: 15 bits | readiness: 16 bits |
  static constexpr uint32_t kShutdown = 1u << 31;
  static constexpr uint32_t kOneTick = 1u << 16;
  static uint32_t TickOf(uint32_t state) { return (state & ~kShutdown) / kOneTick; }
  static ReadyEvent EventOf(uint32_t state, Ready side) {
    return {TickOf(state), state & side, (state & kShutdown) != 0};
  }

  void SetReadiness(Ready ready) {
    uint32_t state = state_.load(std::memory_order_acquire);
    uint32_t next;
    do {
      const uint32_t ticked = ((state & ~kShutdown) + kOneTick) & ~kShutdown;
      next = ticked | ready | (state & kShutdown);
    } while (!state_.compare_exchange_weak(state, next, std::memory_order_acq_rel));
  }

  // Wakers run tasks' code: never under the lock.
  void Wake(Ready ready) {
    Waker reader, writer;
    {
      const std::lock_guard lock(mutex_);
      if (ready & kReadSide) std::swap(reader, reader_);
      if (ready & kWriteSide) std::swap(writer, writer_);
    }
    if (reader) reader();
    if (writer) writer();
  }

  void Shutdown() {
    state_.fetch_or(kShutdown, std::memory_order_acq_rel);
    Wake(kAll);
  }

  std::atomic<uint32_t> state_ = 0;
  Mutex mutex_;
  Waker reader_, writer_;
};

class Handle;

class Driver {
 public:
  static constexpr mio::Token kWakeupToken = 0;
  static constexpr mio::Token kSignalToken = 1;

  explicit Driver(int batch = 64) : events_(batch) {}

  // Waits for events, and tells the tasks.
  void Turn(Handle* handle, int timeout_ms);

  // Wakes all tasks; they and all that come later find the driver gone.
  void Shutdown(Handle* handle);

  // Whether the signal pipe had an event since it was last asked.
  bool TakeSignalReady() { return std::exchange(signal_ready_, false); }

 private:
  friend class Handle;
  mio::Poll poll_;
  mio::Events events_;
  bool signal_ready_ = false;
};

class Handle {
 public:
  // Deregistrations after which the driver is woken, to let go of what it no longer needs.
  static constexpr size_t kNotifyAfter = 16;

  // In Tokio's order: epoll_create1, then eventfd and its ADD, then the duplicate.
  explicit Handle(Driver* driver)
      : waker_(driver->poll_.registry(), Driver::kWakeupToken),
        registry_(driver->poll_.registry().TryClone()) {}

  void Unpark() const { waker_.Wake(); }

  // Nothing, once the driver is shut down.
  std::shared_ptr<ScheduledIo> AddSource(int fd, mio::Interest interest) {
    auto io = std::make_shared<ScheduledIo>();
    {
      const std::lock_guard lock(mutex_);
      if (is_shutdown_) return nullptr;
      registrations_.insert(io);
    }
    Must(registry_.Register(fd, reinterpret_cast<mio::Token>(io.get()), interest) == 0,
         "registering a source");
    return io;
  }

  // For what has a token of its own.
  void AddSignalPipe(int fd) {
    Must(registry_.Register(fd, Driver::kSignalToken, mio::kReadable) == 0, "the signal pipe");
  }

  // Before `fd` is closed.
  void DeregisterSource(const std::shared_ptr<ScheduledIo>& io, int fd) {
    Must(registry_.Deregister(fd) == 0, "deregistering a source");
    size_t count;
    {
      const std::lock_guard lock(mutex_);
      pending_release_.push_back(io);
      count = pending_release_.size();
      pending_count_.store(count, std::memory_order_release);
    }
    if (count == kNotifyAfter) Unpark();
  }

  size_t PendingRelease() const { return pending_count_.load(std::memory_order_acquire); }

  const mio::Registry& registry() const { return registry_; }
  const mio::Waker& waker() const { return waker_; }

 private:
  friend class Driver;

  void ReleasePending() {
    if (pending_count_.load(std::memory_order_acquire) == 0) return;
    std::vector<std::shared_ptr<ScheduledIo>> pending;
    const std::lock_guard lock(mutex_);
    pending.swap(pending_release_);
    for (const auto& io : pending) registrations_.erase(io);
    pending_count_.store(0, std::memory_order_release);
  }

  mio::Waker waker_;
  mio::Registry registry_;
  Mutex mutex_;
  bool is_shutdown_ = false;
  std::unordered_set<std::shared_ptr<ScheduledIo>> registrations_;
  std::vector<std::shared_ptr<ScheduledIo>> pending_release_;
  std::atomic<size_t> pending_count_ = 0;
};

inline void Driver::Turn(Handle* handle, int timeout_ms) {
  handle->ReleasePending();
  if (poll_.Wait(&events_, timeout_ms) == EINTR) return;
  for (const epoll_event& event : events_) {
    if (event.data.u64 == kWakeupToken) {
      // It has done its work by ending the wait.
    } else if (event.data.u64 == kSignalToken) {
      signal_ready_ = true;
    } else {
      ScheduledIo* io = reinterpret_cast<ScheduledIo*>(event.data.u64);
      const Ready ready = ReadyOf(event.events);
      io->SetReadiness(ready);
      io->Wake(ready);
    }
  }
}

inline void Driver::Shutdown(Handle* handle) {
  std::unordered_set<std::shared_ptr<ScheduledIo>> all;
  {
    const std::lock_guard lock(handle->mutex_);
    if (handle->is_shutdown_) return;
    handle->is_shutdown_ = true;
    handle->pending_release_.clear();
    all.swap(handle->registrations_);
  }
  for (const auto& io : all) io->Shutdown();
}

// A source and its registration, as PollEvented has them: deregisters when it goes, and closes.
class PollEvented {
 public:
  PollEvented(Handle* handle, int fd, mio::Interest interest)
      : handle_(handle), fd_(fd), io_(handle->AddSource(fd, interest)) {
    Must(io_ != nullptr, "a driver to register with");
  }
  PollEvented(const PollEvented&) = delete;
  ~PollEvented() {
    handle_->DeregisterSource(io_, fd_);
    close(fd_);
    io_->ClearWakers();
  }

  int fd() const { return fd_; }
  ScheduledIo* io() const { return io_.get(); }

  // Does `call` when `side` is ready, until it says other than EAGAIN; returns what that is, or -1
  // with ESHUTDOWN if the driver is gone. What registration.rs does in poll_io.
  template <typename Call>
  std::optional<ssize_t> PollIo(Ready side, const Waker& waker, Call call) {
    for (;;) {
      const std::optional<ReadyEvent> event = io_->PollReadiness(side, waker);
      if (!event.has_value()) return std::nullopt;
      if (event->is_shutdown) {
        errno = ESHUTDOWN;
        return -1;
      }
      const ssize_t result = call();
      if (result >= 0 || errno != EAGAIN) return result;
      io_->ClearReadiness(*event);
    }
  }

  // A stream that gives less than was asked for is empty: its next bytes are an edge, and the read
  // that says EAGAIN can be saved (poll_evented.rs, poll_read).
  std::optional<ssize_t> PollRead(char* buffer, size_t size, const Waker& waker) {
    for (;;) {
      const std::optional<ReadyEvent> event = io_->PollReadiness(kReadSide, waker);
      if (!event.has_value()) return std::nullopt;
      if (event->is_shutdown) {
        errno = ESHUTDOWN;
        return -1;
      }
      const ssize_t count = read(fd_, buffer, size);
      if (count > 0 && static_cast<size_t>(count) < size) io_->ClearReadiness(*event);
      if (count >= 0 || errno != EAGAIN) return count;
      io_->ClearReadiness(*event);
    }
  }

 private:
  Handle* handle_;
  int fd_;
  std::shared_ptr<ScheduledIo> io_;
};

}  // namespace tokio

#endif  // POLLUX_TESTSUITE_TOKIO_DRIVER_H_
