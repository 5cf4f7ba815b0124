// HostPoller: all descriptors of the host that one machine watches, and the one place where pollux
// waits for the host. HostWatcher: who watches one of them.
//
// Wait() is called by the scheduler's idle step, and with no time to wait now and then while guests
// run. Everything that touches the host's streams and sockets on a machine's behalf happens in
// there or in a guest's own call. Single-threaded.
#ifndef POLLUX_OS_EMU_HOST_POLLER_HOST_POLLER_H_
#define POLLUX_OS_EMU_HOST_POLLER_HOST_POLLER_H_

#include <cstdint>
#include <deque>
#include <map>

#include "abi/types.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pollux::os_emu {

class HostPoller;

class HostWatcher {
 public:
  HostWatcher(const HostWatcher&) = delete;
  HostWatcher& operator=(const HostWatcher&) = delete;

  // The host's descriptor changed: EPOLL*. Each change is told once (edges). May destroy watchers,
  // itself too.
  virtual void OnHostEvents(uint32_t events) = 0;
  // The turn that AskForTurn() asked for. May destroy watchers, itself too.
  virtual void OnTurn() {}
  // Whether somebody in the machine waits for what the host may do here: then a machine whose
  // threads all wait need not be deadlocked.
  virtual bool IsAwaited() const = 0;

 protected:
  explicit HostWatcher(HostPoller& poller);
  virtual ~HostWatcher();

  // Watches `host_fd`, which stays open until StopWatching(), for `events` (EPOLL*, edges). False:
  // the host's epoll does not take it (a regular file). Once.
  bool Watch(int host_fd, uint32_t events);
  void StopWatching();
  // For what a guest's call made possible, and which must not happen in the midst of that call: the
  // next Wait() begins with OnTurn(). Asking twice is asking once.
  void AskForTurn();

 private:
  friend class HostPoller;
  HostPoller& poller_;
  uint64_t id_;
  int host_fd_ = -1;
  uint32_t events_ = 0;
  bool turn_asked_ = false;
};

class HostPoller {
 public:
  // The host process ignores SIGPIPE from now on: a guest's broken pipe is the guest's signal.
  HostPoller();
  ~HostPoller();  // The watchers must be gone.
  HostPoller(const HostPoller&) = delete;
  HostPoller& operator=(const HostPoller&) = delete;

  // kResourceExhausted: the host gave no epoll instance, nothing can be watched.
  absl::Status status() const;
  bool HasWaiters() const;
  // Gives the turns that were asked for; then, if there were none, waits until something changes or
  // `timeout` has passed on the host's clock (0: only looks; kNanosMax: forever), and tells the
  // watchers. Returns whether anything may have changed: also where a signal of the host ended the
  // wait (as SIGCONT does), so the caller looks again before it decides that nothing ever will.
  // Fails if the host refuses.
  absl::StatusOr<bool> Wait(Nanos timeout);
  // The watchers are those of an earlier moment again: the host is asked anew for what they watch.
  // Watched descriptors that were closed since are not.
  void WatchAgain();

 private:
  friend class HostWatcher;
  bool GiveTurns();

  int host_epoll_ = -1;
  uint64_t last_id_ = 0;
  // By number, in the order of their making: one that goes while events are handed out is not found
  // again, and a number never comes back.
  std::map<uint64_t, HostWatcher*> watchers_;
  std::deque<uint64_t> turns_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_HOST_POLLER_HOST_POLLER_H_
