#include "os_emu/host_poller/host_poller.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "abi/check.h"

namespace pollux::os_emu {

// ---- HostWatcher.

HostWatcher::HostWatcher(HostPoller& poller) : poller_(poller), id_(++poller.last_id_) {
  poller_.watchers_.emplace(id_, this);
}

HostWatcher::~HostWatcher() {
  StopWatching();
  poller_.watchers_.erase(id_);
}

bool HostWatcher::Watch(int host_fd, uint32_t events) {
  POLLUX_CHECK(host_fd_ < 0) << "it watches one descriptor";
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.u64 = id_;
  if (epoll_ctl(poller_.host_epoll_, EPOLL_CTL_ADD, host_fd, &event) != 0) return false;
  host_fd_ = host_fd;
  events_ = events;
  return true;
}

void HostWatcher::StopWatching() {
  if (host_fd_ < 0) return;
  epoll_ctl(poller_.host_epoll_, EPOLL_CTL_DEL, host_fd_, nullptr);
  host_fd_ = -1;
}

void HostWatcher::AskForTurn() {
  if (turn_asked_) return;
  turn_asked_ = true;
  poller_.turns_.push_back(id_);
}

// ---- HostPoller.

HostPoller::HostPoller() : host_epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  std::signal(SIGPIPE, SIG_IGN);
}

HostPoller::~HostPoller() {
  POLLUX_CHECK(watchers_.empty()) << watchers_.size() << " watchers outlive the poller";
  if (host_epoll_ >= 0) close(host_epoll_);
}

absl::Status HostPoller::status() const {
  if (host_epoll_ >= 0) return absl::OkStatus();
  return absl::ResourceExhaustedError("the host gave no epoll instance");
}

bool HostPoller::HasWaiters() const {
  return std::any_of(watchers_.begin(), watchers_.end(),
                     [](const auto& entry) { return entry.second->IsAwaited(); });
}

// Those that are asked for meanwhile come the next time: the guests shall have theirs between.
bool HostPoller::GiveTurns() {
  std::deque<uint64_t> turns;
  turns.swap(turns_);
  for (const uint64_t id : turns) {
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) continue;
    found->second->turn_asked_ = false;
    found->second->OnTurn();
  }
  return !turns.empty();
}

void HostPoller::WatchAgain() {
  for (const auto& [id, watcher] : watchers_) {
    if (watcher->host_fd_ < 0) continue;
    epoll_event event{};
    event.events = watcher->events_ | EPOLLET;
    event.data.u64 = id;
    // It may be there still; then what is ready now is told once more.
    if (epoll_ctl(host_epoll_, EPOLL_CTL_ADD, watcher->host_fd_, &event) != 0)
      (void)epoll_ctl(host_epoll_, EPOLL_CTL_MOD, watcher->host_fd_, &event);
  }
}

absl::StatusOr<bool> HostPoller::Wait(Nanos timeout) {
  const bool had_turns = GiveTurns();
  if (had_turns) timeout = Nanos{0};
  std::array<epoll_event, 64> events;
  const timespec span{timeout.value / kNanosPerSecond, timeout.value % kNanosPerSecond};
  const int count = epoll_pwait2(host_epoll_, events.data(), events.size(),
                                 timeout == kNanosMax ? nullptr : &span, nullptr);
  if (count < 0) {
    if (errno == EINTR) return true;
    return absl::ErrnoToStatus(errno, "the host refuses to wait for it");
  }
  for (int i = 0; i < count; ++i) {
    const uint64_t id = events[i].data.u64;  // Its own place may not be aligned.
    const auto found = watchers_.find(id);
    if (found != watchers_.end()) found->second->OnHostEvents(events[i].events);
  }
  return had_turns || count > 0;
}

}  // namespace pollux::os_emu
