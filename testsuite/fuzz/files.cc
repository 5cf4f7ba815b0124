// Steps about files and names, and what is asked of every descriptor.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstring>

#include "testsuite/fuzz/scratch.h"
#include "testsuite/fuzz/walk.h"

namespace fuzz {
void Walk::Truncate() {
  const int fd = Number({kRegular, kMemFd});
  const uint64_t bytes = Choose<uint64_t>({0, 1, 4096, 10000, static_cast<uint64_t>(-1)});
  Log(Sys::k_ftruncate, fd, {fd, static_cast<int64_t>(bytes)},
      Call(Sys::k_ftruncate, {static_cast<uint64_t>(fd), bytes}));
}

void Walk::Allocate() {
  const int fd = Number({kRegular, kMemFd});
  const uint64_t mode = Choose<uint64_t>({0, 1, 3});
  const uint64_t offset = Choose<uint64_t>({0, 100, 8192});
  const uint64_t bytes = Choose<uint64_t>({0, 1, 5000});
  Log(Sys::k_fallocate, fd,
      {fd, static_cast<int64_t>(mode), static_cast<int64_t>(offset), static_cast<int64_t>(bytes)},
      Call(Sys::k_fallocate, {static_cast<uint64_t>(fd), mode, offset, bytes}));
}

void Walk::Sync() {
  const int fd = Number({kRegular, kMemFd});
  if (TypeOf(fd) == kRegular && !OneIn(40)) return;  // Slow on a disk.
  Log(Sys::k_fsync, fd, {fd}, Call(Sys::k_fsync, {static_cast<uint64_t>(fd)}));
}

void Walk::Lock() {
  const int fd = Number({kRegular, kMemFd});
  uint64_t how = Choose<uint64_t>({LOCK_SH, LOCK_EX, LOCK_UN});
  switch (TypeOf(fd)) {
    case kDevice:
    case kEpoll:
    case kEventFd:
    case kInotify:
    case kReceived:
    case kSignalFd:
    case kTimerFd:
      how = LOCK_UN;  // One inode for the whole machine: another process may have locked it.
      break;
    default:
      break;
  }
  Log(Sys::k_flock, fd, {fd, static_cast<int64_t>(how)},
      Call(Sys::k_flock, {static_cast<uint64_t>(fd), how | LOCK_NB}));
}

void Walk::ListDirectory() {
  const int fd = Number({kDirectory});
  if (TypeOf(fd) == kDirectory || TypeOf(fd) == kReceived)
    Call(Sys::k_lseek, {static_cast<uint64_t>(fd), 0, 0});
  const int64_t result =
      Call(Sys::k_getdents64, {static_cast<uint64_t>(fd), Address(scratch_.data), 4096});
  // Positions inside a directory are the file system's own.
  if (result >= 0) Call(Sys::k_lseek, {static_cast<uint64_t>(fd), 0, 0});
  Log(Sys::k_getdents64, fd, {fd}, result);
}

void Walk::Status() {
  const int fd = Number();
  scratch_.path[0] = '\0';
  const int64_t result = Call(Sys::k_statx, {static_cast<uint64_t>(fd), Address(scratch_.path),
                                             AT_EMPTY_PATH, 0x7ff, Address(scratch_.status)});
  uint64_t mode = 0;
  uint64_t size = 0;
  if (result == 0) {
    uint16_t bits;
    std::memcpy(&bits, scratch_.status + 28, sizeof(bits));
    mode = bits & S_IFMT;
    if (TypeOf(fd) == kRegular || TypeOf(fd) == kMemFd)
      std::memcpy(&size, scratch_.status + 40, sizeof(size));
  }
  Log(Sys::k_statx, fd, {fd}, result, {mode, size});
}

void Walk::Control() {
  const int fd = Number();
  const uint64_t request =
      Choose<uint64_t>({FIONREAD, FIONREAD, FIONREAD, TIOCOUTQ, FIOCLEX, FIONCLEX, FIONBIO});
  // What waits in a TCP connection's queue leaves it when an acknowledgement comes.
  if (request == TIOCOUTQ && (TypeOf(fd) == kTcp || TypeOf(fd) == kReceived || TypeOf(fd) == kPty))
    return;
  scratch_.numbers[0] = request == FIONBIO ? 1 : -7;
  const int64_t result =
      Call(Sys::k_ioctl, {static_cast<uint64_t>(fd), request, Address(scratch_.numbers)});
  Log(Sys::k_ioctl, fd, {fd, static_cast<int64_t>(request)}, result,
      {static_cast<uint64_t>(scratch_.numbers[0])});
}

void Walk::PipeSize() {
  const int fd = Number({kPipe, kFifo});
  if (OneIn(3)) {
    Log(Sys::k_fcntl, fd, {fd, F_GETPIPE_SZ},
        Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), F_GETPIPE_SZ, 0}));
    return;
  }
  const uint64_t bytes = Choose<uint64_t>({0, 1, 4096, 8192, 65536, 65537, uint64_t{1} << 31});
  Log(Sys::k_fcntl, fd, {fd, F_SETPIPE_SZ, static_cast<int64_t>(bytes)},
      Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), F_SETPIPE_SZ, bytes}));
}

void Walk::Seals() {
  const int fd = Number({kMemFd});
  // Those of regular files depend on the file system.
  // What a socket refers to keeps a memfd from being sealed, until somebody reads it.
  if (TypeOf(fd) == kRegular || TypeOf(fd) == kReceived || travel_ == Travel::kEverywhere) return;
  if (OneIn(2)) {
    Log(Sys::k_fcntl, fd, {fd, F_GET_SEALS},
        Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), F_GET_SEALS, 0}));
    return;
  }
  const uint64_t seals =
      Choose<uint64_t>({F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, 0x10});
  Log(Sys::k_fcntl, fd, {fd, F_ADD_SEALS, static_cast<int64_t>(seals)},
      Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), F_ADD_SEALS, seals}));
}

void Walk::ChangeNames() {
  scratch_.path[0] = static_cast<char>('a' + Below(8));
  scratch_.path[1] = '\0';
  const uint64_t path = Address(scratch_.path);
  switch (Below(4)) {
    case 0:
      Log(Sys::k_unlinkat, -1, {scratch_.path[0]}, Call(Sys::k_unlinkat, {kHere, path, 0}));
      break;
    case 1:
      Log(Sys::k_unlinkat, -1, {scratch_.path[0], AT_REMOVEDIR},
          Call(Sys::k_unlinkat, {kHere, path, AT_REMOVEDIR}));
      break;
    case 2:
      Log(Sys::k_mkdirat, -1, {scratch_.path[0]}, Call(Sys::k_mkdirat, {kHere, path, 0700}));
      break;
    default:
      scratch_.path2[0] = static_cast<char>('a' + Below(8));
      scratch_.path2[1] = '\0';
      const uint64_t flags = Choose<uint64_t>({0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE});
      Log(Sys::k_renameat2, -1, {scratch_.path[0], scratch_.path2[0], static_cast<int64_t>(flags)},
          Call(Sys::k_renameat2, {kHere, path, kHere, Address(scratch_.path2), flags}));
  }
}

void Walk::Watch() {
  const int fd = Number({kInotify});
  scratch_.path[0] = OneIn(2) ? '.' : static_cast<char>('a' + Below(8));
  scratch_.path[1] = '\0';
  uint32_t mask = Choose<uint32_t>(
      {IN_ALL_EVENTS, IN_ALL_EVENTS, IN_CREATE | IN_DELETE, IN_MODIFY | IN_ATTRIB, IN_MOVE, 0});
  mask |= Choose<uint32_t>(
      {0, 0, 0, IN_ONESHOT, IN_MASK_ADD, IN_ONLYDIR, IN_EXCL_UNLINK, IN_MASK_CREATE});
  Log(Sys::k_inotify_add_watch, fd, {fd, scratch_.path[0], mask},
      Call(Sys::k_inotify_add_watch, {static_cast<uint64_t>(fd), Address(scratch_.path), mask}));
}

void Walk::Unwatch() {
  const int fd = Number({kInotify});
  const uint64_t watch = Below(4);
  Log(Sys::k_inotify_rm_watch, fd, {fd, static_cast<int64_t>(watch)},
      Call(Sys::k_inotify_rm_watch, {static_cast<uint64_t>(fd), watch}));
}

}  // namespace fuzz
