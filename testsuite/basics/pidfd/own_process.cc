// own_process: a pidfd of the program itself: what can be asked of it, sent through it, and taken
// through it.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

// Of uapi/linux/pidfd.h, which older systems do not have in full.
constexpr int kNonBlock = O_NONBLOCK, kThread = O_EXCL;
constexpr int kSelfThread = -10000, kSelfProcess = -10001;
constexpr unsigned kToThread = 1, kToProcess = 2, kToGroup = 4;
void* const kNowhere = reinterpret_cast<void*>(8);

long Open(int pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
long Send(int pidfd, int signal, void* info, unsigned flags) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags);
}
long GetFd(int pidfd, int number, unsigned flags) {
  return syscall(SYS_pidfd_getfd, pidfd, number, flags);
}

sigset_t user;

void Take(const char* what) {
  siginfo_t info = {};
  const timespec no_time = {};
  // The C library's own would make SI_USER of SI_TKILL.
  const int signal =
      static_cast<int>(syscall(SYS_rt_sigtimedwait, &user, &info, &no_time, size_t{8}));
  if (signal < 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else {
    std::printf("%s: SIG%s code %d, from me %d, value %d\n", what, sigabbrev_np(signal),
                info.si_code, info.si_pid == getpid() && info.si_uid == getuid(),
                info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
  }
}

}  // namespace

int main() {
  DropRoot();
  sigemptyset(&user);
  sigaddset(&user, SIGUSR1);
  Must(sigprocmask(SIG_BLOCK, &user, nullptr) == 0, "sigprocmask");
  int ends[2];
  Must(pipe(ends) == 0, "pipe");

  const int self = static_cast<int>(Open(getpid(), 0));
  Show("open", self);
  ShowCount("descriptor flags", fcntl(self, F_GETFD));
  std::printf("status flags %x\n", fcntl(self, F_GETFL));
  const int thread = static_cast<int>(Open(getpid(), kThread | kNonBlock));
  std::printf("of a thread, not blocking: %x\n", fcntl(thread, F_GETFL) & (kThread | kNonBlock));
  Must(fcntl(thread, F_SETFL, 0) == 0, "F_SETFL");
  std::printf("F_SETFL leaves: %x\n", fcntl(thread, F_GETFL) & (kThread | kNonBlock));
  Show("pid 0", Open(0, 0));
  Show("pid -1", Open(-1, 0));
  Show("nobody", Open(0x3ffffff, 0));
  Show("unknown flag", Open(getpid(), 1));
  Show("nobody, unknown flag", Open(0x3ffffff, 1));

  struct stat status;
  Must(fstat(self, &status) == 0, "fstat");
  std::printf("mode %o, links %d, size %lld\n", status.st_mode, static_cast<int>(status.st_nlink),
              static_cast<long long>(status.st_size));
  struct stat again;
  Must(fstat(thread, &again) == 0, "fstat");

  // It is not readable while the process lives.
  pollfd entry = {self, POLLIN | POLLOUT | POLLPRI | POLLRDNORM, 0};
  ShowCount("poll", poll(&entry, 1, 0));
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  Show("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, self, &event));
  ShowCount("epoll_wait", epoll_wait(epoll, &event, 1, 0));
  char bytes[8] = {};
  Show("read", read(self, bytes, sizeof bytes));
  Show("write", write(self, bytes, sizeof bytes));
  Show("lseek", lseek(self, 0, SEEK_SET));
  Show("FIONREAD", ioctl(self, FIONREAD, bytes));
  Show("mmap", mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, self, 0) == MAP_FAILED ? -1 : 0);

  // Signals.
  Show("signal 0", Send(self, 0, nullptr, 0));
  Show("SIGUSR1", Send(self, SIGUSR1, nullptr, 0));
  Take("as kill");
  Show("to a thread", Send(thread, SIGUSR1, nullptr, 0));
  Take("as tgkill");
  Show("to the thread by flag", Send(self, SIGUSR1, nullptr, kToThread));
  Take("as tgkill");
  Show("to the process by flag", Send(thread, SIGUSR1, nullptr, kToProcess));
  Take("as kill");
  Show("to myself", Send(kSelfProcess, SIGUSR1, nullptr, 0));
  Take("as kill");
  Show("to this thread", Send(kSelfThread, SIGUSR1, nullptr, 0));
  Take("as tgkill");
  siginfo_t info = {};
  info.si_signo = SIGUSR1;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = 9;
  Show("with siginfo", Send(self, SIGUSR1, &info, 0));
  Take("as sigqueue");
  info.si_code = SI_USER;
  Show("with siginfo as if by kill, to myself", Send(self, SIGUSR1, &info, 0));
  Take("as kill");
  Show("siginfo of another signal", Send(self, SIGUSR2, &info, 0));
  Show("siginfo out of reach", Send(self, SIGUSR1, kNowhere, 0));
  Show("signal 65", Send(self, 65, nullptr, 0));
  Show("signal -1", Send(self, -1, nullptr, 0));
  Show("unknown flag", Send(self, 0, nullptr, 8));
  Show("two flags", Send(self, 0, nullptr, kToThread | kToProcess));
  Show("closed number", Send(700, 0, nullptr, 0));
  Show("a pipe", Send(ends[0], 0, nullptr, 0));
  Show("closed number, unknown flag", Send(700, 0, nullptr, 8));
  Show("siginfo out of reach, closed number", Send(700, SIGUSR1, kNowhere, 0));
  (void)kToGroup;

  // Descriptors.
  const int counter = eventfd(5, EFD_NONBLOCK);
  const int same = static_cast<int>(GetFd(self, counter, 0));
  Show("getfd", same);
  ShowCount("descriptor flags", fcntl(same, F_GETFD));
  uint64_t value = 0;
  Must(read(same, &value, sizeof value) == sizeof value && value == 5, "the same description");
  Show("the first is empty now", read(counter, &value, sizeof value));
  Must(fcntl(same, F_SETFL, 0) == 0, "F_SETFL");
  std::printf("shared flags: %d\n", (fcntl(counter, F_GETFL) & O_NONBLOCK) == 0);
  Show("getfd, not open there", GetFd(self, 700, 0));
  Show("getfd, number -1", GetFd(self, -1, 0));
  Show("getfd, flags", GetFd(self, counter, 1));
  Show("getfd, closed number", GetFd(700, counter, 0));
  Show("getfd, a pipe", GetFd(ends[0], counter, 0));
  Show("getfd, closed number and flags", GetFd(700, counter, 1));

  // It is no child of itself.
  siginfo_t ended;
  const auto by_pidfd = static_cast<idtype_t>(3);
  Show("waitid", waitid(by_pidfd, self, &ended, WEXITED));
  Show("waitid, WNOHANG", waitid(by_pidfd, self, &ended, WEXITED | WNOHANG));
  Show("waitid, closed number", waitid(by_pidfd, 700, &ended, WEXITED));
  Show("waitid, a pipe", waitid(by_pidfd, ends[0], &ended, WEXITED));
  Show("waitid, number -1", waitid(by_pidfd, static_cast<id_t>(-1), &ended, WEXITED));
  Show("waitid, nothing to wait for", waitid(by_pidfd, self, &ended, 0));
  Show("waitid, unknown option", waitid(by_pidfd, self, &ended, WEXITED | 0x100));
  Show("waitid of all", waitid(P_ALL, 0, &ended, WEXITED));
  Show("waitid of pid 0", waitid(P_PID, 0, &ended, WEXITED));
  Show("waitid of an unknown kind", waitid(static_cast<idtype_t>(9), 0, &ended, WEXITED));

  // dup and close, in both orders.
  const int copy = dup(self);
  close(self);
  Show("through a duplicate", Send(copy, SIGUSR1, nullptr, 0));
  Take("as kill");
  ShowCount("epoll_wait", epoll_wait(epoll, &event, 1, 0));
  close(copy);
  Show("closed", Send(copy, 0, nullptr, 0));
  return 0;
}
