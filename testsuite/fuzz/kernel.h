// Kernel: the system calls that a walk makes, and memory for their arguments. One implementation
// calls the kernel that the program runs on (the host's, or pollux's where the program is a guest);
// another one in a test drives the emulated kernel in the same process, without an interpreter.
#ifndef POLLUX_TESTSUITE_FUZZ_KERNEL_H_
#define POLLUX_TESTSUITE_FUZZ_KERNEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace fuzz {

// Every call that a walk makes, by the name that it has on riscv64 and x86-64.
#define POLLUX_FUZZ_CALLS(X) \
  X(accept4)                 \
  X(bind)                    \
  X(close)                   \
  X(close_range)             \
  X(connect)                 \
  X(copy_file_range)         \
  X(dup)                     \
  X(dup3)                    \
  X(epoll_create1)           \
  X(epoll_ctl)               \
  X(epoll_pwait)             \
  X(epoll_pwait2)            \
  X(eventfd2)                \
  X(fallocate)               \
  X(fcntl)                   \
  X(flock)                   \
  X(fsync)                   \
  X(ftruncate)               \
  X(getdents64)              \
  X(getpeername)             \
  X(getpid)                  \
  X(getsockname)             \
  X(getsockopt)              \
  X(gettid)                  \
  X(inotify_add_watch)       \
  X(inotify_init1)           \
  X(inotify_rm_watch)        \
  X(ioctl)                   \
  X(kill)                    \
  X(listen)                  \
  X(lseek)                   \
  X(memfd_create)            \
  X(mkdirat)                 \
  X(mknodat)                 \
  X(openat)                  \
  X(pidfd_getfd)             \
  X(pidfd_open)              \
  X(pidfd_send_signal)       \
  X(pipe2)                   \
  X(ppoll)                   \
  X(pread64)                 \
  X(pselect6)                \
  X(pwrite64)                \
  X(read)                    \
  X(readv)                   \
  X(recvfrom)                \
  X(recvmsg)                 \
  X(renameat2)               \
  X(rt_sigprocmask)          \
  X(rt_sigtimedwait)         \
  X(sendfile)                \
  X(sendmsg)                 \
  X(sendto)                  \
  X(setsockopt)              \
  X(shutdown)                \
  X(signalfd4)               \
  X(socket)                  \
  X(socketpair)              \
  X(splice)                  \
  X(statx)                   \
  X(tee)                     \
  X(tgkill)                  \
  X(timerfd_create)          \
  X(timerfd_gettime)         \
  X(timerfd_settime)         \
  X(unlinkat)                \
  X(vmsplice)                \
  X(write)                   \
  X(writev)

enum class Sys : uint8_t {
#define POLLUX_FUZZ_ENUMERATOR(name) k_##name,
  POLLUX_FUZZ_CALLS(POLLUX_FUZZ_ENUMERATOR)
#undef POLLUX_FUZZ_ENUMERATOR
      kCount
};
inline constexpr size_t kSysCount = static_cast<size_t>(Sys::kCount);
const char* NameOf(Sys call);

class Kernel {
 public:
  static constexpr size_t kMemoryBytes = 1 << 20;

  virtual ~Kernel() = default;
  // Makes the call; what is left out is 0. Returns the value or the negated error number.
  virtual int64_t Call(Sys call, std::initializer_list<uint64_t> args) = 0;
  // kMemoryBytes that the walk fills and the kernel can be pointed at.
  virtual uint8_t* memory() = 0;
  // How the kernel calls a place in that memory.
  virtual uint64_t Address(const void* place) = 0;
  // struct epoll_event is packed on x86-64 only.
  virtual bool packed_events() const = 0;
};

// Of the machine that this program runs on.
Kernel& DirectKernel();

}  // namespace fuzz

#endif  // POLLUX_TESTSUITE_FUZZ_KERNEL_H_
