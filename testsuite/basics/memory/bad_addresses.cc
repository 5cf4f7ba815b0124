// bad_addresses: a system call that is given memory it cannot use answers EFAULT, or does the part
// that it can; it raises no signal and loses no data.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#include <cstdint>

#include "testsuite/basics/check.h"

int main() {
  constexpr size_t kPage = 4096;
  EnterScratchDirectory();
  auto* page = static_cast<char*>(
      mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(page != MAP_FAILED && mprotect(page + kPage, kPage, PROT_NONE) == 0, "mmap");
  char* const edge = page + kPage;  // The last byte that can be used is edge[-1].
  auto* read_only =
      static_cast<char*>(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* const nowhere = nullptr;
  char* const kernel = reinterpret_cast<char*>(~uint64_t{0} << 40);

  int ends[2];
  Must(pipe2(ends, O_NONBLOCK) == 0, "pipe");
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(file >= 0, "open");

  ShowCount("write to a pipe from nowhere", syscall(SYS_write, ends[1], nowhere, 5));
  ShowCount("write to a pipe from the kernel's addresses", syscall(SYS_write, ends[1], kernel, 5));
  ShowCount("write to a pipe over the edge", syscall(SYS_write, ends[1], edge - 3, 5));
  ShowCount("write of nothing from nowhere", syscall(SYS_write, ends[1], nowhere, 0));
  char sink[100];
  ShowCount("so the pipe holds", read(ends[0], sink, sizeof sink));
  Must(write(ends[1], "abcdef", 6) == 6, "write");
  ShowCount("read from a pipe to nowhere", syscall(SYS_read, ends[0], nowhere, 4));
  ShowCount("read from a pipe to a read-only page", syscall(SYS_read, ends[0], read_only, 4));
  ShowCount("read from a pipe, nothing lost", read(ends[0], sink, sizeof sink));

  std::memcpy(edge - 4, "wxyz", 4);
  ShowCount("write to a file over the edge", syscall(SYS_pwrite64, file, edge - 4, 10, 0));
  ShowCount("write to a file from nowhere", syscall(SYS_pwrite64, file, nowhere, 10, 0));
  Must(pwrite(file, "0123456789", 10, 0) == 10, "pwrite");
  ShowCount("read from a file over the edge", syscall(SYS_pread64, file, edge - 4, 10, 0));
  std::printf("[%.4s]\n", edge - 4);
  ShowCount("read from a file to nowhere", syscall(SYS_pread64, file, nowhere, 10, 0));
  ShowCount("read at the end of a file to nowhere", syscall(SYS_pread64, file, nowhere, 10, 10));

  iovec vectors[2] = {{sink, 4}, {nowhere, 4}};
  ShowCount("readv, second part nowhere", syscall(SYS_preadv, file, vectors, 2, 0, 0));
  ShowCount("writev, second part nowhere", syscall(SYS_pwritev, file, vectors, 2, 0, 0));
  ShowCount("readv with vectors nowhere", syscall(SYS_readv, file, nowhere, 2));
  vectors[1].iov_len = SIZE_MAX;
  ShowCount("readv with a negative length", syscall(SYS_preadv, file, vectors, 2, 0, 0));

  Show("openat of a path nowhere", syscall(SYS_openat, AT_FDCWD, nowhere, O_RDONLY));
  edge[-1] = 'x';
  Show("openat of a path over the edge", syscall(SYS_openat, AT_FDCWD, edge - 1, O_RDONLY));
  Show("unlinkat of a path nowhere", syscall(SYS_unlinkat, AT_FDCWD, nowhere, 0));
  Show("newfstatat to nowhere", syscall(SYS_newfstatat, AT_FDCWD, "file", nowhere, 0));
  Show("newfstatat of a missing file to nowhere",
       syscall(SYS_newfstatat, AT_FDCWD, "missing", nowhere, 0));
  Show("fstat to a read-only page", syscall(SYS_fstat, file, read_only));
  Show("getcwd to nowhere", syscall(SYS_getcwd, nowhere, 100));
  Show("readlinkat to nowhere", syscall(SYS_readlinkat, AT_FDCWD, "file", nowhere, 100));
  Show("getdents64 to nowhere", syscall(SYS_getdents64, open(".", O_RDONLY), nowhere, 1000));
  Show("pipe2 to nowhere", syscall(SYS_pipe2, nowhere, 0));
  Show("uname to nowhere", syscall(SYS_uname, nowhere));
  Show("clock_gettime to nowhere", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, nowhere));
  Show("clock_gettime of a bad clock to nowhere", syscall(SYS_clock_gettime, 99, nowhere));
  Show("nanosleep of nowhere", syscall(SYS_nanosleep, nowhere, nullptr));
  Show("getrandom to nowhere", syscall(SYS_getrandom, nowhere, 10, 0));
  Show("rt_sigaction from nowhere", syscall(SYS_rt_sigaction, 10, 1, nullptr, 8));
  Show("rt_sigprocmask from nowhere", syscall(SYS_rt_sigprocmask, 0, 1, nullptr, 8));
  Show("rt_sigprocmask to a read-only page", syscall(SYS_rt_sigprocmask, 0, nullptr, read_only, 8));
  Show("prlimit64 to nowhere", syscall(SYS_prlimit64, 0, 7, nullptr, 1));
  Show("sched_getaffinity to nowhere", syscall(SYS_sched_getaffinity, 0, 128, nowhere));

  const int epoll = epoll_create1(0), counter = eventfd(1, 0);
  epoll_event event = {EPOLLIN, {}};
  Show("epoll_ctl with an event nowhere",
       syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, counter, nullptr));
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) == 0, "epoll_ctl");
  Show("epoll_pwait to nowhere", syscall(SYS_epoll_pwait, epoll, nowhere, 4, 0, nullptr, 8));
  Show("epoll_pwait to a read-only page",
       syscall(SYS_epoll_pwait, epoll, read_only, 4, 0, nullptr, 8));
  ShowCount("and the event is not lost", epoll_wait(epoll, &event, 1, 0));
  Show("ppoll of nowhere", syscall(SYS_ppoll, nowhere, 1, nullptr, nullptr, 8));
  const timespec at_once = {};
  Show("ppoll of nothing nowhere", syscall(SYS_ppoll, nowhere, 0, &at_once, nullptr, 8));
  Show("read of an eventfd to nowhere", syscall(SYS_read, counter, nowhere, 8));
  Show("write of an eventfd from nowhere", syscall(SYS_write, counter, nowhere, 8));
  return 0;
}
