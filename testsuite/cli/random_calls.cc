// random_calls: a guest that makes a few hundred system calls with random arguments: numbers of
// open files and of none, addresses that can be used and that cannot, lengths and flags that break
// arithmetic. It proves nothing about itself: it may well end by a signal. It asks whether the
// kernel below survives.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr int kCalls = 400;
constexpr size_t kPage = 4096, kBytes = 4 * kPage;

uint64_t state;
uint64_t Random() {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
uint64_t Below(uint64_t limit) { return Random() % limit; }

char* buffers;    // 4 pages of small structures and paths, then nothing.
char* read_only;  // A page.

void FillBuffers() {
  const char* const paths[] = {"/tmp/a",
                               "/tmp/b/c",
                               "/proc/self/fd/3",
                               "/proc/self/maps",
                               "/dev/null",
                               "",
                               "..",
                               "/",
                               "x",
                               "/proc/self/exe",
                               "/dev/full",
                               "/tmp/link",
                               "a/../b/./c//",
                               "/proc/1000/fd",
                               "/sys"};
  for (size_t at = 0; at + 64 <= kBytes; at += 64) {
    switch (Below(4)) {
      case 0:
        strcpy(buffers + at, paths[Below(sizeof paths / sizeof paths[0])]);
        break;
      case 1:
        for (size_t i = 0; i < 64; i += 8) {
          const uint64_t value = Below(2) ? Below(16) : Random();
          memcpy(buffers + at + i, &value, 8);
        }
        break;
      case 2:
        // Addresses and lengths in turn, as an iovec has them.
        for (size_t i = 0; i < 64; i += 16) {
          const uint64_t parts[2] = {reinterpret_cast<uint64_t>(buffers) + Below(kBytes + kPage),
                                     Below(3) ? Below(9000) : Random()};
          memcpy(buffers + at + i, parts, sizeof parts);
        }
        break;
      case 3:
        memset(buffers + at, 0, 64);
        break;
    }
  }
}

uint64_t Argument() {
  switch (Below(12)) {
    case 0:
    case 1:
    case 2:
      return Below(14);  // Mostly a number of an open file.
    case 3:
    case 4:
    case 5:
      return reinterpret_cast<uint64_t>(buffers) + Below(kBytes / 64) * 64;
    case 6:
      return reinterpret_cast<uint64_t>(buffers) + kBytes - Below(20);  // Over the end.
    case 7: {
      const uint64_t bad[] = {0,
                              1,
                              reinterpret_cast<uint64_t>(read_only),
                              uint64_t{1} << 38,
                              uint64_t{1} << 63,
                              ~uint64_t{0},
                              ~uint64_t{0} - 4095,
                              0x4000000000 - 8,
                              uint64_t{1} << 47};
      return bad[Below(sizeof bad / sizeof bad[0])];
    }
    case 8:
      return uint64_t{1} << Below(64);
    case 9:
      return -Below(102);  // AT_FDCWD is among these.
    case 10:
      return Below(2) ? Below(5000) : Below(1 << 20) * kPage;
    default:
      return Random() >> Below(64);
  }
}

// These end the program, or take away what it runs on: seldom.
bool Deadly(long number) {
  switch (number) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_rt_sigreturn:
    case SYS_munmap:
    case SYS_mremap:
    case SYS_mprotect:
    case SYS_brk:
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_execve:
    case SYS_execveat:
    case SYS_close_range:
    case SYS_prlimit64:
    case SYS_madvise:
    case SYS_rt_sigsuspend:
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_futex:
    case SYS_mmap:
      return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  state = argc > 1 ? strtoull(argv[1], nullptr, 0) : 1;
  for (int fd = 0; fd < 3; ++fd) close(fd);
  buffers = static_cast<char*>(
      mmap(nullptr, kBytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(buffers + kBytes, kPage, PROT_NONE);
  read_only =
      static_cast<char*>(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mkdir("/tmp/b", 0700);
  int ends[2];
  if (open("/tmp/a", O_RDWR | O_CREAT, 0600) != 0 || open("/tmp", O_RDONLY) < 0 ||
      pipe2(ends, O_NONBLOCK) != 0)
    return 1;
  eventfd(0, EFD_NONBLOCK);
  eventfd(5, 0);
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
  epoll_create1(0);
  open("/dev/zero", O_RDWR);
  open("/proc/self", O_RDONLY);
  open("/tmp/a", O_PATH);

  FillBuffers();
  for (int i = 0; i < kCalls; ++i) {
    long number = static_cast<long>(Below(470));
    if (Deadly(number) && Below(40) != 0) continue;
    if (Below(100) == 0) number = static_cast<long>(Random());
    if (Below(50) == 0) FillBuffers();
    syscall(number, Argument(), Argument(), Argument(), Argument(), Argument(), Argument());
  }
  _exit(0);
}
