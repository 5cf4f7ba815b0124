// device_readiness: what poll and epoll say of the small devices and of /dev's links: only random
// can be watched; the others are always ready, as files are.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <string>

#include "testsuite/basics/check.h"

int main() {
  Must(close_range(3, ~0u, 0) == 0, "close_range");
  const int null = open("/dev/null", O_RDWR);
  Must(null == 3 && dup2(null, 0) == 0 && dup2(null, 2) == 2, "streams");
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
                           "/dev/shm", "/dev/fd", "/dev/fd/3", "/dev/stdin", "/dev/stderr"}) {
    for (const int mode : {O_RDONLY, O_RDWR}) {
      const int fd = open(path, mode);
      std::printf("%s for %s: %s\n", path, mode == O_RDONLY ? "reading" : "both",
                  fd >= 0 ? "ok" : ErrorName(errno));
      if (fd < 0) continue;
      pollfd entry = {fd, 0x3fff, 0};
      Must(poll(&entry, 1, 0) >= 0, "poll");
      std::printf("  poll %x", entry.revents);
      for (const uint32_t flags : {0u, static_cast<uint32_t>(EPOLLET)}) {
        const int epoll = epoll_create1(0);
        epoll_event event = {};
        event.events = EPOLLIN | EPOLLOUT | flags;
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
          std::printf(", epoll %s", ErrorName(errno));
        } else {
          std::printf(", epoll");
          for (int i = 0; i < 2; ++i) {
            const int count = epoll_wait(epoll, &event, 1, 0);
            std::printf(" %d", count);
            if (count > 0) std::printf(" (%x)", event.events);
          }
        }
        close(epoll);
      }
      int value = -1;
      std::printf("\n  FIONREAD %s", ioctl(fd, FIONREAD, &value) == 0 ? "ok" : ErrorName(errno));
      constexpr unsigned long kRndGetEntCnt = 0x80045200;
      value = -1;
      const int counted = ioctl(fd, kRndGetEntCnt, &value);
      std::printf(", RNDGETENTCNT %s", counted == 0 ? "ok" : ErrorName(errno));
      if (counted == 0) std::printf(" %d", value);
      struct stat status;
      Must(fstat(fd, &status) == 0, "fstat");
      std::printf(", mode %o\n", status.st_mode);
      close(fd);
    }
  }
  // Shared memory is a directory in memory, for everybody.
  const int shared = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
  Show("a file in /dev/shm", shared);
  Show("ftruncate", ftruncate(shared, 10000));
  struct stat status;
  Must(fstat(shared, &status) == 0, "fstat");
  std::printf("size %d, links %d\n", static_cast<int>(status.st_size),
              static_cast<int>(status.st_nlink));
  Show("/dev/tty without a terminal", open("/dev/tty", O_RDWR));
  return 0;
}
