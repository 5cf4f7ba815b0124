// signalfd_errors: each call with one wrong thing in it, and, at the end, two, where the order is
// the point.
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include "testsuite/basics/check.h"

int main() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  Must(sigprocmask(SIG_BLOCK, &set, nullptr) == 0, "sigprocmask");
  const int number = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  Must(number >= 0, "signalfd");
  ShowCount("descriptor flags", fcntl(number, F_GETFD));
  std::printf("status flags: %d\n", fcntl(number, F_GETFL) == (O_RDWR | O_NONBLOCK));
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  void* const nowhere = reinterpret_cast<void*>(8);
  constexpr size_t kSize = 8;
  Show("size 4", syscall(SYS_signalfd4, -1, &set, 4, 0));
  Show("size 128", syscall(SYS_signalfd4, -1, &set, 128, 0));
  Show("mask out of reach", syscall(SYS_signalfd4, -1, nowhere, kSize, 0));
  Show("unknown flag", syscall(SYS_signalfd4, -1, &set, kSize, 1));
  Show("closed number", syscall(SYS_signalfd4, 700, &set, kSize, 0));
  Show("number -2", syscall(SYS_signalfd4, -2, &set, kSize, 0));
  Show("a pipe", syscall(SYS_signalfd4, ends[0], &set, kSize, 0));
  signalfd_siginfo info = {};
  Show("read, nothing", read(number, &info, sizeof info));
  Show("read, too small", read(number, &info, sizeof info - 1));
  Show("write", write(number, &info, sizeof info));
  Show("pread", pread(number, &info, sizeof info, 0));
  ShowCount("lseek", lseek(number, 10, SEEK_SET));
  Show("FIONREAD", ioctl(number, FIONREAD, &info));
  raise(SIGUSR1);
  Show("read out of reach", syscall(SYS_read, number, nowhere, sizeof info));
  Show("what was read is gone", read(number, &info, sizeof info));

  // Two wrong things.
  Show("size and mask", syscall(SYS_signalfd4, -1, nowhere, 4, 0));
  Show("mask and flag", syscall(SYS_signalfd4, -1, nowhere, kSize, 1));
  Show("flag and closed number", syscall(SYS_signalfd4, 700, &set, kSize, 1));
  return 0;
}
