// Steps that give descriptors other numbers, or take numbers away.
#include <fcntl.h>

#include "testsuite/fuzz/walk.h"

namespace fuzz {

void Walk::Dup() {
  const int fd = Number();
  const int64_t result = Call(Sys::k_dup, {static_cast<uint64_t>(fd)});
  const bool mixed_up =
      options_.canary == Canary::kMixesNumbersUp && result >= 0 && ++canary_count_ % 10 == 0;
  Log(Sys::k_dup, fd, {fd}, mixed_up ? result + 1 : result);
  Copied(fd, result);
}

void Walk::Dup3() {
  const int fd = Number();
  const int to = static_cast<int>(3 + Below(kNumbers - 1));  // Sometimes too large.
  const uint64_t flags = OneIn(3) ? O_CLOEXEC : 0;
  const int64_t result =
      Call(Sys::k_dup3, {static_cast<uint64_t>(fd), static_cast<uint64_t>(to), flags});
  Log(Sys::k_dup3, fd, {fd, to, static_cast<int64_t>(flags)}, result);
  if (result >= 0) Copied(fd, result);
}

void Walk::DupFrom() {
  const int fd = Number();
  const uint64_t command = OneIn(2) ? F_DUPFD : F_DUPFD_CLOEXEC;
  const uint64_t from = Below(kNumbers + 2);
  if (from < 3) return;
  const int64_t result = Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), command, from});
  Log(Sys::k_fcntl, fd, {fd, static_cast<int64_t>(command), static_cast<int64_t>(from)}, result);
  if (result >= 0) Copied(fd, result);
}

void Walk::GetFd() {
  const int pidfd = Number({kPidFd});
  const int fd = Number();
  const int64_t result =
      Call(Sys::k_pidfd_getfd, {static_cast<uint64_t>(pidfd), static_cast<uint64_t>(fd), 0});
  Log(Sys::k_pidfd_getfd, pidfd, {pidfd, fd}, result);
  if (result >= 0) Copied(fd, result);
}

void Walk::Close() {
  // Fewer where few are open: a walk with nothing to ask is a waste.
  const int fd = Number();
  int open = 0;
  for (int other = 3; other < kNumbers; ++other) open += TypeOf(other) != kNone;
  if (open < 20 && !OneIn(3)) return;
  const int64_t result = Call(Sys::k_close, {static_cast<uint64_t>(fd)});
  Log(Sys::k_close, fd, {fd}, result);
  Closed(fd);
}

void Walk::CloseRange() {
  const uint64_t first = 3 + Below(kNumbers - 3);
  const uint64_t last = first + Below(3);
  const uint64_t flags = OneIn(3) ? 4 : 0;  // CLOSE_RANGE_CLOEXEC
  const int64_t result = Call(Sys::k_close_range, {first, last, flags});
  Log(Sys::k_close_range, -1,
      {static_cast<int64_t>(first), static_cast<int64_t>(last), static_cast<int64_t>(flags)},
      result);
  if (flags != 0) return;
  for (uint64_t fd = first; fd <= last; ++fd) Closed(static_cast<int64_t>(fd));
}

void Walk::DescriptorFlags() {
  const int fd = Number();
  const bool set = OneIn(2);
  const uint64_t flags = set ? Below(2) : 0;
  const uint64_t command = set ? F_SETFD : F_GETFD;
  Log(Sys::k_fcntl, fd, {fd, static_cast<int64_t>(command), static_cast<int64_t>(flags)},
      Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), command, flags}));
}

void Walk::StatusFlags() {
  const int fd = Number({kPipe, kRegular, kFifo, kMemFd});
  if (OneIn(2)) {
    // O_LARGEFILE is set by a 64-bit kernel only in some places.
    const int64_t flags = Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), F_GETFL, 0});
    Log(Sys::k_fcntl, fd, {fd, F_GETFL}, flags < 0 ? flags : flags & ~int64_t{0100000});
    return;
  }
  uint64_t flags = O_NONBLOCK;
  if (OneIn(3)) flags |= O_DIRECT;
  if (OneIn(3)) flags |= O_APPEND;
  // A file system of the host may know O_DIRECT or not.
  if (TypeOf(fd) != kPipe && TypeOf(fd) != kFifo) flags &= ~uint64_t{O_DIRECT};
  Log(Sys::k_fcntl, fd, {fd, F_SETFL, static_cast<int64_t>(flags)},
      Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), F_SETFL, flags}));
}

}  // namespace fuzz
