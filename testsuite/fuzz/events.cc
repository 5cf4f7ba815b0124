// Steps that wait (for nothing), and those that make time and signals happen.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "testsuite/fuzz/scratch.h"
#include "testsuite/fuzz/walk.h"

namespace fuzz {

void Walk::EpollControl() {
  const int epoll = Number({kEpoll});
  const uint64_t op = Choose<uint64_t>({1, 1, 1, 1, 1, 2, 3, 3, 3, 0});
  const int fd = Number();
  const uint32_t events = EpollEvents();
  const size_t data_at = kernel_.packed_events() ? 4 : 8;
  std::memcpy(scratch_.events, &events, sizeof(events));
  const uint64_t data = steps_ << 8 | TypeOf(fd);
  std::memcpy(scratch_.events + data_at, &data, sizeof(data));
  const uint64_t event = OneIn(60) ? 8 : Address(scratch_.events);  // 8: EFAULT
  Log(Sys::k_epoll_ctl, epoll,
      {epoll, static_cast<int64_t>(op), fd, TypeOf(fd), events, event == 8},
      Call(Sys::k_epoll_ctl, {static_cast<uint64_t>(epoll), op, static_cast<uint64_t>(fd), event}));
}

void Walk::EpollWait() {
  const int epoll = Number({kEpoll});
  const uint64_t most = Choose<uint64_t>({1, 2, 3, 64, 64, 64, 0});
  const int64_t result = Call(
      Sys::k_epoll_pwait, {static_cast<uint64_t>(epoll), Address(scratch_.events), most, 0, 0, 8});
  std::vector<uint64_t> seen;
  const size_t stride = kernel_.packed_events() ? 12 : 16;
  for (int64_t i = 0; i < result; ++i) {
    uint32_t events;
    uint64_t data;
    const uint8_t* event = scratch_.events + static_cast<size_t>(i) * stride;
    std::memcpy(&events, event, sizeof(events));
    std::memcpy(&data, event + stride - 8, sizeof(data));
    seen.push_back(events);
    seen.push_back(data);
  }
  if (options_.canary == Canary::kHidesAnEdge && !seen.empty() && ++canary_count_ % 10 == 0)
    seen.pop_back();
  Log(Sys::k_epoll_pwait, epoll, {epoll, static_cast<int64_t>(most)}, result, seen);
}

void Walk::EpollWait2() {
  const int epoll = Number({kEpoll});
  scratch_.timeout = {0, Choose<int64_t>({0, 0, 1000000000, -1})};
  const int64_t nanoseconds = scratch_.timeout.nanoseconds;
  const int64_t result =
      Call(Sys::k_epoll_pwait2, {static_cast<uint64_t>(epoll), Address(scratch_.events), 8,
                                 Address(&scratch_.timeout), 0, 8});
  Log(Sys::k_epoll_pwait2, epoll, {epoll, nanoseconds}, result);
}

void Walk::Poll() {
  const uint64_t count = Below(6);
  for (uint64_t i = 0; i < count; ++i) {
    const int fd = OneIn(20) ? -1 : Number();
    scratch_.poll[i] = {
        fd,
        static_cast<int16_t>(Choose<int>(
            {POLLIN, POLLOUT, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, POLLRDNORM | POLLWRBAND, 0})),
        0x7f};
  }
  scratch_.timeout = {0, 0};
  const int64_t result =
      Call(Sys::k_ppoll, {Address(scratch_.poll), count, Address(&scratch_.timeout), 0, 8});
  uint64_t seen[12];
  for (uint64_t i = 0; i < count; ++i) {
    seen[2 * i] = static_cast<uint64_t>(scratch_.poll[i].fd) << 16 |
                  static_cast<uint16_t>(scratch_.poll[i].events);
    seen[2 * i + 1] = static_cast<uint16_t>(scratch_.poll[i].returned) |
                      static_cast<uint64_t>(TypeOf(scratch_.poll[i].fd)) << 32;
  }
  Log(Sys::k_ppoll, -1, {static_cast<int64_t>(count)}, result,
      std::span<const uint64_t>(seen, 2 * count));
}

void Walk::Select() {
  for (uint64_t& set : scratch_.sets) {
    set = 0;
    for (uint64_t i = Below(5); i > 0; --i) set |= uint64_t{1} << Number();
  }
  const uint64_t asked[] = {scratch_.sets[0], scratch_.sets[1], scratch_.sets[2]};
  scratch_.timeout = {0, 0};
  const int64_t result =
      Call(Sys::k_pselect6, {kNumbers, Address(&scratch_.sets[0]), Address(&scratch_.sets[1]),
                             Address(&scratch_.sets[2]), Address(&scratch_.timeout), 0});
  Log(Sys::k_pselect6, -1,
      {static_cast<int64_t>(asked[0]), static_cast<int64_t>(asked[1]),
       static_cast<int64_t>(asked[2])},
      result, std::span<const uint64_t>(scratch_.sets, 3));
}

void Walk::SetTimer() {
  const int fd = Number({kTimerFd});
  const uint64_t how = Below(4);
  uint64_t flags = 0;
  scratch_.timer = {};
  if (how == 0) {
    scratch_.timer.value = {3600, 0};
  } else if (how == 1) {
    scratch_.timer.value = {0, 1};  // Long ago.
    flags = TFD_TIMER_ABSTIME;
  } else if (how == 2) {
    scratch_.timer.value = {7200, 5};
    scratch_.timer.interval = {1, Choose<int64_t>({0, 1000000000})};
  }
  const int64_t result =
      Call(Sys::k_timerfd_settime, {static_cast<uint64_t>(fd), flags, Address(&scratch_.timer), 0});
  Log(Sys::k_timerfd_settime, fd, {fd, static_cast<int64_t>(how)}, result);
  if (result == 0 && how == 1) Settle(fd, EPOLLIN);
}

void Walk::GetTimer() {
  const int fd = Number({kTimerFd});
  const int64_t result =
      Call(Sys::k_timerfd_gettime, {static_cast<uint64_t>(fd), Address(&scratch_.timer)});
  uint64_t seen[2] = {};
  if (result == 0) {
    seen[0] = scratch_.timer.value.seconds != 0 || scratch_.timer.value.nanoseconds != 0;
    seen[1] = static_cast<uint64_t>(scratch_.timer.interval.seconds);
  }
  Log(Sys::k_timerfd_gettime, fd, {fd}, result, seen);
}

void Walk::UpdateSignalFd() {
  const int fd = Number({kSignalFd});
  scratch_.signals = Choose<uint64_t>({1ull << 9, 1ull << 9 | 1ull << 34, 1ull << 11, 0});
  Log(Sys::k_signalfd4, fd, {fd, static_cast<int64_t>(scratch_.signals)},
      Call(Sys::k_signalfd4, {static_cast<uint64_t>(fd), Address(&scratch_.signals), 8, 0}));
}

void Walk::Raise() {
  const uint64_t signal = Choose<uint64_t>({10, 10, 12, 35, 35, 36});
  const uint64_t pid = static_cast<uint64_t>(Call(Sys::k_getpid, {}));
  if (OneIn(2)) {
    Log(Sys::k_kill, -1, {static_cast<int64_t>(signal)}, Call(Sys::k_kill, {pid, signal}));
  } else {
    const uint64_t tid = static_cast<uint64_t>(Call(Sys::k_gettid, {}));
    Log(Sys::k_tgkill, -1, {static_cast<int64_t>(signal)}, Call(Sys::k_tgkill, {pid, tid, signal}));
  }
}

void Walk::PidFdSignal() {
  const int fd = Number({kPidFd});
  const uint64_t signal = Choose<uint64_t>({0, 10, 35, 65});
  Log(Sys::k_pidfd_send_signal, fd, {fd, static_cast<int64_t>(signal)},
      Call(Sys::k_pidfd_send_signal, {static_cast<uint64_t>(fd), signal, 0, 0}));
}

}  // namespace fuzz
