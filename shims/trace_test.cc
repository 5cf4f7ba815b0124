// The lines of the trace. The expected ones were printed by strace 6.1 for the same calls, but for
// addresses, and for data of epoll events, which is one hexadecimal number here.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "os_emu/file/file_status.h"
#include "shims/arg_types.h"
#include "shims/flag_names.h"
#include "shims/linux_abi.h"
#include "shims/socket_arguments.h"
#include "shims/testing.h"

namespace pollux::shims {
namespace {

class TraceTest : public SyscallTest {
 protected:
  TraceTest() { TraceAll(); }

  // The line that a call prints.
  std::string Trace(std::string_view name, std::initializer_list<uint64_t> args) {
    Enter(name, args);
    return Line();
  }
};

std::string Hex(uint64_t number) { return absl::StrFormat("%x", number); }

constexpr uint64_t kCwd = static_cast<uint64_t>(-100);

TEST(Quoted, EscapesAsC) {
  EXPECT_EQ(Quoted("hello\n\t\"\\\1\0017\377", 32), "\"hello\\n\\t\\\"\\\\\\1\\0017\\377\"");
  EXPECT_EQ(Quoted(std::string("a\0b\0"
                               "1",
                               5),
                   32),
            "\"a\\0b\\0001\"");
  EXPECT_EQ(Quoted("", 32), "\"\"");
  EXPECT_EQ(Quoted(std::string(33, 'x'), 32), "\"" + std::string(32, 'x') + "\"...");
  EXPECT_EQ(Quoted("\xcc\x36", 32, true), "\"\\xcc\\x36\"");
}

TEST_F(TraceTest, Epoll) {
  EXPECT_EQ(Trace("epoll_create1", {02000000}), "epoll_create1(EPOLL_CLOEXEC)            = 0");
  EXPECT_EQ(Trace("eventfd2", {1, 04000}), "eventfd2(1, EFD_NONBLOCK)               = 1");
  const uint64_t event = Put(kScratch, GuestEpollEvent{0x80000001, 0, 4});
  EXPECT_EQ(Trace("epoll_ctl", {0, 1, 1, event}),
            "epoll_ctl(0, EPOLL_CTL_ADD, 1, {events=EPOLLIN|EPOLLET, data=0x4}) = 0");
  EXPECT_EQ(Trace("epoll_ctl", {0, 9, 1, event}),
            "epoll_ctl(0, 0x9 /* EPOLL_CTL_??? */, 1, {events=EPOLLIN|EPOLLET, data=0x4}) = -1 "
            "EINVAL (Invalid argument)");
  EXPECT_EQ(Trace("epoll_pwait", {0, kScratch + 64, 4, 100, 0, 8}),
            "epoll_pwait(0, [{events=EPOLLIN, data=0x4}], 4, 100, NULL, 8) = 1");
  EXPECT_EQ(Trace("epoll_pwait", {0, kScratch + 64, 4, 0, 0, 8}),
            "epoll_pwait(0, [], 4, 0, NULL, 8)       = 0");
  EXPECT_EQ(Trace("epoll_ctl", {0, 2, 1, event}), "epoll_ctl(0, EPOLL_CTL_DEL, 1, 0x20000) = 0");
  EXPECT_EQ(Trace("epoll_ctl", {0, 3, 1, 0}),
            "epoll_ctl(0, EPOLL_CTL_MOD, 1, NULL)    = -1 EFAULT (Bad address)");
}

TEST_F(TraceTest, ReadAndWrite) {
  EXPECT_EQ(Trace("pipe2", {kScratch, 02004000}), "pipe2([0, 1], O_NONBLOCK|O_CLOEXEC)     = 0");
  const std::string text = "hello\n\t\"\\\1\0017\377 world and a lot more text here";
  Text(kScratch + 64, text);
  EXPECT_EQ(Trace("write", {1, kScratch + 64, 40}),
            "write(1, \"hello\\n\\t\\\"\\\\\\1\\0017\\377 world and a lot mo\"..., 40) = 40");
  EXPECT_EQ(Trace("read", {0, kScratch + 256, 10}),
            "read(0, \"hello\\n\\t\\\"\\\\\\1\", 10)          = 10");
  EXPECT_EQ(Trace("read", {0, kScratch + 256, 100}),
            "read(0, \"\\0017\\377 world and a lot more text \", 100) = 30");
  EXPECT_EQ(
      Trace("read", {0, kScratch + 256, 100}),
      "read(0, 0x20100, 100)                   = -1 EAGAIN (Resource temporarily unavailable)");
  EXPECT_EQ(Trace("read", {99, kScratch, 1}),
            "read(99, 0x20000, 1)                    = -1 EBADF (Bad file descriptor)");
  EXPECT_EQ(Trace("write", {1, 0, 3}),
            "write(1, NULL, 3)                       = -1 EFAULT (Bad address)");
}

TEST_F(TraceTest, Vectors) {
  Enter("pipe2", {kScratch, 0});
  Text(kScratch + 64, "abcdef\n");
  const GuestIovec out[2] = {{kScratch + 64, 3}, {kScratch + 67, 4}};
  Put(kScratch + 128, out);
  EXPECT_EQ(Trace("writev", {1, kScratch + 128, 2}),
            "writev(1, [{iov_base=\"abc\", iov_len=3}, {iov_base=\"def\\n\", iov_len=4}], 2) = 7");
  const GuestIovec in[2] = {{kScratch + 256, 4}, {kScratch + 300, 10}};
  Put(kScratch + 128, in);
  EXPECT_EQ(Trace("readv", {0, kScratch + 128, 2}),
            "readv(0, [{iov_base=\"abcd\", iov_len=4}, {iov_base=\"ef\\n\", iov_len=10}], 2) = 7");
  EXPECT_EQ(Trace("preadv2", {0, kScratch + 128, 0, 0, 0, 8}),
            "preadv2(0, [], 0, 0, RWF_NOWAIT)        = -1 ESPIPE (Illegal seek)");
  EXPECT_EQ(Trace("writev", {1, 8, 2}),
            "writev(1, 0x8, 2)                       = -1 EFAULT (Bad address)");
  EXPECT_EQ(Trace("preadv", {0, kScratch + 128, 2, 0}),
            "preadv(0, [{iov_base=0x20100, iov_len=4}, {iov_base=0x2012c, iov_len=10}], 2, 0) = -1 "
            "ESPIPE (Illegal seek)");
}

TEST_F(TraceTest, Files) {
  Text(kScratch, "/tmp/new");
  EXPECT_EQ(Trace("openat", {kCwd, kScratch, 01 | 0100 | 01000, 0640}),
            "openat(AT_FDCWD, \"/tmp/new\", O_WRONLY|O_CREAT|O_TRUNC, 0640) = 0");
  Text(kScratch + 64, "/nonexist");
  EXPECT_EQ(
      Trace("openat", {kCwd, kScratch + 64, 010000000}),
      "openat(AT_FDCWD, \"/nonexist\", O_RDONLY|O_PATH) = -1 ENOENT (No such file or directory)");
  EXPECT_EQ(Trace("openat", {kCwd, 1, 0}),
            "openat(AT_FDCWD, 0x1, O_RDONLY)         = -1 EFAULT (Bad address)");
  Text(kScratch + 128, "12345");
  Enter("write", {0, kScratch + 128, 5});
  EXPECT_EQ(Trace("newfstatat", {kCwd, kScratch, kScratch + 512, 0}),
            "newfstatat(AT_FDCWD, \"/tmp/new\", {st_mode=S_IFREG|0640, st_size=5, ...}, 0) = 0");
  EXPECT_EQ(Trace("newfstatat", {kCwd, kScratch + 64, kScratch + 512, 0x100}),
            "newfstatat(AT_FDCWD, \"/nonexist\", 0x20200, AT_SYMLINK_NOFOLLOW) = -1 ENOENT (No "
            "such file or directory)");
  EXPECT_EQ(Trace("lseek", {0, 0, 99}),
            "lseek(0, 0, 0x63 /* SEEK_??? */)        = -1 EINVAL (Invalid argument)");
  EXPECT_EQ(Trace("getcwd", {kScratch + 512, 100}),
            "getcwd(\"/tmp\", 100)                     = 5");
  EXPECT_EQ(Trace("getcwd", {kScratch + 512, 1}),
            "getcwd(0x20200, 1)                      = -1 ERANGE (Numerical result out of range)");
  EXPECT_EQ(Trace("umask", {022}), "umask(022)                              = 022");
  EXPECT_EQ(Trace("fchmodat", {kCwd, kScratch, 0600}),
            "fchmodat(AT_FDCWD, \"/tmp/new\", 0600)    = 0");
  EXPECT_EQ(Trace("close", {0}), "close(0)                                = 0");
}

TEST_F(TraceTest, Statx) {
  Text(kScratch, "/tmp");
  const std::string line = Trace("statx", {kCwd, kScratch, 0x100, 0x7ff, kScratch + 512});
  EXPECT_EQ(
      line.substr(0, line.find("stx_mask=")),
      "statx(AT_FDCWD, \"/tmp\", AT_STATX_SYNC_AS_STAT|AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, {");
  EXPECT_NE(line.find("stx_attributes=0, stx_mode=S_IFDIR|S_ISVTX|0777, stx_size="),
            std::string::npos)
      << line;
}

TEST_F(TraceTest, Times) {
  Text(kScratch, "/nonexist");
  const GuestTimespec times[2] = {{1, 0x3fffffff}, {2, 3}};
  Put(kScratch + 64, times);
  EXPECT_EQ(Trace("utimensat", {kCwd, kScratch, kScratch + 64, 0}),
            "utimensat(AT_FDCWD, \"/nonexist\", [UTIME_NOW, {tv_sec=2, tv_nsec=3} /* "
            "1970-01-01T00:00:02.000000003+0000 */], 0) "
            "= -1 ENOENT (No such file or directory)");
  EXPECT_EQ(Trace("clock_gettime", {1, kScratch + 64}),
            "clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=0}) = 0");
  EXPECT_EQ(Trace("clock_gettime", {55, kScratch + 64}),
            "clock_gettime(0x37 /* CLOCK_??? */, 0x20040) = -1 EINVAL (Invalid argument)");
}

TEST_F(TraceTest, Fcntl) {
  Enter("eventfd2", {0, 04000});
  EXPECT_EQ(Trace("fcntl", {0, 3}),
            "fcntl(0, F_GETFL)                       = 0x802 (flags O_RDWR|O_NONBLOCK)");
  EXPECT_EQ(Trace("fcntl", {0, 1}), "fcntl(0, F_GETFD)                       = 0");
  EXPECT_EQ(Trace("fcntl", {0, 2, 1}), "fcntl(0, F_SETFD, FD_CLOEXEC)           = 0");
  EXPECT_EQ(Trace("fcntl", {0, 1}),
            "fcntl(0, F_GETFD)                       = 0x1 (flags FD_CLOEXEC)");
  EXPECT_EQ(Trace("fcntl", {0, 4, 06000}), "fcntl(0, F_SETFL, O_RDONLY|O_APPEND|O_NONBLOCK) = 0");
  EXPECT_EQ(Trace("fcntl", {0, 0, 10}), "fcntl(0, F_DUPFD, 10)                   = 10");
  EXPECT_EQ(Trace("fcntl", {0, 1032}),
            "fcntl(0, F_GETPIPE_SZ)                  = -1 EBADF (Bad file descriptor)");
  EXPECT_EQ(Trace("fcntl", {0, 99, 5}),
            "fcntl(0, 0x63 /* F_??? */, 0x5)         = -1 EINVAL (Invalid argument)");
  GuestFlock lock{};
  lock.length = 10;
  Put(kScratch, lock);
  EXPECT_EQ(
      Trace("fcntl", {0, 5, kScratch}),
      "fcntl(0, F_GETLK, {l_type=F_UNLCK, l_whence=SEEK_SET, l_start=0, l_len=10, l_pid=0}) = 0");
}

TEST_F(TraceTest, Ioctl) {
  Enter("pipe2", {kScratch, 0});
  EXPECT_EQ(Trace("ioctl", {0, 0x541b, kScratch}), "ioctl(0, FIONREAD, [0])                 = 0");
  EXPECT_EQ(Trace("ioctl", {0, 0x5401, kScratch}),
            "ioctl(0, TCGETS, 0x20000)               = -1 ENOTTY (Inappropriate ioctl for device)");
  EXPECT_EQ(
      Trace("ioctl", {0, 0x1234, 5}),
      "ioctl(0, _IOC(_IOC_NONE, 0x12, 0x34, 0), 0x5) = -1 ENOTTY (Inappropriate ioctl for device)");
}

TEST_F(TraceTest, Memory) {
  const std::string line = Trace("mmap", {0, 8192, 3, 0x4022, static_cast<uint64_t>(-1), 0});
  EXPECT_EQ(
      line.substr(0, line.find(" = ")),
      "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)");
  EXPECT_EQ(line.substr(line.find(" = "), 5), " = 0x");
  EXPECT_EQ(Trace("mprotect", {kScratch, 4096, 0x40}),
            "mprotect(0x20000, 4096, 0x40 /* PROT_??? */) = -1 EINVAL (Invalid argument)");
  EXPECT_EQ(Trace("madvise", {kScratch, 4096, 4}), "madvise(0x20000, 4096, MADV_DONTNEED)   = 0");
  EXPECT_EQ(
      Trace("mremap", {4097, 1, 2, 3, 4096}),
      "mremap(0x1001, 1, 2, MREMAP_MAYMOVE|MREMAP_FIXED, 0x1000) = -1 EINVAL (Invalid argument)");
  EXPECT_EQ(Trace("mremap", {4097, 1, 2, 1, 4096}),
            "mremap(0x1001, 1, 2, MREMAP_MAYMOVE)    = -1 EINVAL (Invalid argument)");
  EXPECT_EQ(Trace("munmap", {kScratch + 0x8000, 4096}),
            "munmap(0x28000, 4096)                   = 0");
}

TEST_F(TraceTest, Signals) {
  Put(kScratch, os_emu::SignalBit(2) | os_emu::SignalBit(10) | os_emu::SignalBit(35));
  EXPECT_EQ(Trace("rt_sigprocmask", {0, kScratch, 0, 8}),
            "rt_sigprocmask(SIG_BLOCK, [INT USR1 RT_3], NULL, 8) = 0");
  EXPECT_EQ(Trace("rt_sigprocmask", {2, kScratch, kScratch + 64, 8}),
            "rt_sigprocmask(SIG_SETMASK, [INT USR1 RT_3], [INT USR1 RT_3], 8) = 0");
  EXPECT_EQ(Trace("rt_sigprocmask", {5, 0, 0, 8}),
            "rt_sigprocmask(0x5 /* SIG_??? */, NULL, NULL, 8) = 0");
  Put(kScratch, GuestSigaction{0x5000, 0x50000004, os_emu::SignalBit(15)});
  EXPECT_EQ(Trace("rt_sigaction", {14, kScratch, 0, 8}),
            "rt_sigaction(SIGALRM, {sa_handler=0x5000, sa_mask=[TERM], "
            "sa_flags=SA_RESTART|SA_NODEFER|SA_SIGINFO}, NULL, 8) = 0");
  EXPECT_EQ(Trace("rt_sigaction", {14, 0, kScratch, 8}),
            "rt_sigaction(SIGALRM, NULL, {sa_handler=0x5000, sa_mask=[TERM], "
            "sa_flags=SA_RESTART|SA_NODEFER|SA_SIGINFO}, 8) = 0");
  EXPECT_EQ(Trace("rt_sigaction", {40, 0, kScratch, 8}),
            "rt_sigaction(SIGRT_8, NULL, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0");
  EXPECT_EQ(Trace("kill", {0, 99}),
            "kill(0, 99)                             = -1 EINVAL (Invalid argument)");
  EXPECT_EQ(SigsetText(~(os_emu::SignalBit(32) | os_emu::SignalBit(33))), "~[RTMIN RT_1]");
  EXPECT_EQ(SigsetText(~os_emu::SignalSet{0}), "~[]");
}

TEST_F(TraceTest, PollAndSelect) {
  Enter("pipe2", {kScratch, 0});
  const GuestPollfd entries[2] = {{0, 1, 0}, {1, 4 | 1, 0}};
  Put(kScratch, entries);
  Put(kScratch + 64, GuestTimespec{0, 1000000});
  EXPECT_EQ(Trace("ppoll", {kScratch, 2, kScratch + 64, 0, 8}),
            "ppoll([{fd=0, events=POLLIN}, {fd=1, events=POLLIN|POLLOUT}], 2, {tv_sec=0, "
            "tv_nsec=1000000}, NULL, 8) = 1 "
            "([{fd=1, revents=POLLOUT}], left {tv_sec=0, tv_nsec=1000000})");
  Put(kScratch + 64, GuestTimespec{0, 0});
  EXPECT_EQ(Trace("ppoll", {kScratch, 1, kScratch + 64, 0, 8}),
            "ppoll([{fd=0, events=POLLIN}], 1, {tv_sec=0, tv_nsec=0}, NULL, 8) = 0 (Timeout)");
  Put(kScratch + 128, uint64_t{1});
  Put(kScratch + 136, uint64_t{2});
  Put(kScratch + 64, GuestTimespec{0, 1000000});
  EXPECT_EQ(Trace("pselect6", {8, kScratch + 128, kScratch + 136, 0, kScratch + 64, 0}),
            "pselect6(8, [0], [1], NULL, {tv_sec=0, tv_nsec=1000000}, NULL) = 1 (out [1], left "
            "{tv_sec=0, tv_nsec=1000000})");
}

TEST_F(TraceTest, Futex) {
  Put(kScratch, uint32_t{1});
  EXPECT_EQ(
      Trace("futex", {kScratch, 128, 0, 0}),
      "futex(0x20000, FUTEX_WAIT_PRIVATE, 0, NULL) = -1 EAGAIN (Resource temporarily unavailable)");
  EXPECT_EQ(Trace("futex", {kScratch, 1, 1}), "futex(0x20000, FUTEX_WAKE, 1)           = 0");
  EXPECT_EQ(Trace("futex", {kScratch, 132, 1, 5, kScratch, 2}),
            "futex(0x20000, FUTEX_CMP_REQUEUE_PRIVATE, 1, 5, 0x20000, 2) = -1 EAGAIN (Resource "
            "temporarily unavailable)");
  EXPECT_EQ(Trace("futex", {kScratch, 77, 1, kScratch, 2, 3}),
            "futex(0x20000, 0x4d /* FUTEX_??? */, 1, 0x20000, 0x2, 0x3) = -1 ENOSYS (Function not "
            "implemented)");
  Put(kScratch + 64, GuestTimespec{0, 10});
  EXPECT_EQ(Trace("futex", {kScratch, 9 | 256, 2, kScratch + 64, 0, 0xffffffff}),
            "futex(0x20000, FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME, 2, {tv_sec=0, tv_nsec=10}, "
            "FUTEX_BITSET_MATCH_ANY) = -1 "
            "EAGAIN (Resource temporarily unavailable)");
}

TEST_F(TraceTest, Miscellany) {
  EXPECT_EQ(Trace("prctl", {15, Text(kScratch, "hello")}),
            "prctl(PR_SET_NAME, \"hello\")             = 0");
  EXPECT_EQ(Trace("prctl", {16, kScratch + 64}), "prctl(PR_GET_NAME, \"hello\")             = 0");
  EXPECT_EQ(Trace("prctl", {999, 1, 2, 3, 4}),
            "prctl(0x3e7 /* PR_??? */, 0x1, 0x2, 0x3, 0x4) = -1 EINVAL (Invalid argument)");
  EXPECT_EQ(Trace("sched_getaffinity", {0, 128, kScratch}),
            "sched_getaffinity(0, 128, [0 1 2 3])    = 8");
  EXPECT_EQ(Trace("sched_getscheduler", {0}),
            "sched_getscheduler(0)                   = 0 (SCHED_OTHER)");
  EXPECT_EQ(Trace("uname", {kScratch}), "uname({sysname=\"Linux\", nodename=\"pollux\", ...}) = 0");
  EXPECT_EQ(Trace("prlimit64", {0, 3, 0, kScratch}),
            "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0");
  EXPECT_EQ(Trace("getresuid", {kScratch, kScratch + 4, kScratch + 8}),
            "getresuid([1000], [1000], [1000])       = 0");
  EXPECT_EQ(Trace("brk", {0}).substr(0, 42), "brk(NULL)                               = ");
  const std::string random = Trace("getrandom", {kScratch, 8, 1});
  EXPECT_EQ(random.substr(0, 13), "getrandom(\"\\x");
  EXPECT_EQ(random.substr(random.find("\", 8")), "\", 8, GRND_NONBLOCK) = 8");
}

TEST_F(TraceTest, NumbersWithoutARow) {
  Enter(500, {1, 2, 3, 4, 5, 0});
  EXPECT_EQ(Line(),
            "syscall_0x1f4(0x1, 0x2, 0x3, 0x4, 0x5, 0) = -1 ENOSYS (Function not implemented)");
}

TEST_F(TraceTest, UnsupportedCallsAreDecodedToo) {
  EXPECT_EQ(Trace("fanotify_init", {0, 0}),
            "fanotify_init(0, O_RDONLY)              = -1 ENOSYS (Function not implemented)");
}

TEST_F(TraceTest, Sockets) {
  EXPECT_EQ(Trace("socketpair", {1, 1 | 04000, 0, kScratch}),
            "socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [0, 1]) = 0");
  const uint64_t name = kScratch + 64, length = kScratch + 256;
  Text(name, std::string("\1\0\0abc", 6));
  EXPECT_EQ(Trace("bind", {0, name, 6}), "bind(0, {sa_family=AF_UNIX, sun_path=@\"abc\"}, 6) = 0");
  Put(length, int32_t{110});
  EXPECT_EQ(Trace("getsockname", {0, name, length}),
            "getsockname(0, {sa_family=AF_UNIX, sun_path=@\"abc\"}, [6]) = 0");
  Text(name, std::string("\2\0\0\120\177\0\0\1\0\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(
      Trace("connect", {0, name, 16}),
      "connect(0, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, "
      "16) = -1 EINVAL (Invalid argument)");
  Put(length, int32_t{1});
  EXPECT_EQ(Trace("setsockopt", {0, 1, 9, length, 4}),
            "setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0");
  Put(length, int32_t{12});
  EXPECT_EQ(Trace("getsockopt", {0, 1, 3, name, length}),
            "getsockopt(0, SOL_SOCKET, SO_TYPE, [SOCK_STREAM], [4]) = 0");
  EXPECT_EQ(Trace("shutdown", {1, 2}), "shutdown(1, SHUT_RDWR)                  = 0");
}

TEST_F(TraceTest, MessagesWithRights) {
  ASSERT_EQ(Trace("socketpair", {1, 1 | 04000, 0, kScratch}).back(), '0');
  const uint64_t header = kScratch + 64, vector = kScratch + 128, control = kScratch + 192,
                 text = kScratch + 256;
  Text(text, "hi");
  Put(vector, GuestIovec{text, 2});
  Put(control, GuestCmsghdr{20, 1, 1});
  Put(control + 16, int32_t{1});
  Put(header, GuestMsghdr{0, 0, 0, vector, 1, control, 24, 0, 0});
  EXPECT_EQ(Trace("sendmsg", {0, header, 0x4000}),
            "sendmsg(0, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"hi\", iov_len=2}], "
            "msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, "
            "cmsg_data=[1]}], msg_controllen=24, msg_flags=0}, MSG_NOSIGNAL) = 2");
  EXPECT_EQ(Trace("recvmsg", {1, header, 0}),
            "recvmsg(1, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"hi\", iov_len=2}], "
            "msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, "
            "cmsg_data=[2]}], msg_controllen=24, msg_flags=0}, 0) = 2");
}

TEST_F(TraceTest, TheFilterMatchesWholeNames) {
  SyscallAbi::Options options;
  options.trace = TraceForm::kLines;
  options.trace_filter = std::make_shared<re2::RE2>("read|getu.*");
  Restart(options);
  Enter("getuid", {});
  Enter("pread64", {0, 0, 0, 0});
  Enter("getpid", {});
  EXPECT_EQ(sink_.trace,
            (std::vector<std::string>{"getuid()                                = 1000"}));
}

TEST_F(TraceTest, Execve) {
  const uint64_t path = Text(kScratch, "/nowhere");
  const uint64_t one = Text(kScratch + 0x20, "one"), two = Text(kScratch + 0x30, "two words");
  const uint64_t arguments = Put(kScratch + 0x100, std::array<uint64_t, 3>{one, two, 0});
  const uint64_t environment = Put(kScratch + 0x120, std::array<uint64_t, 2>{one, 0});
  const std::string failed = " = -1 ENOENT (No such file or directory)";
  EXPECT_EQ(Trace("execve", {path, arguments, environment}),
            "execve(\"/nowhere\", [\"one\", \"two words\"], 0x20120 /* 1 var */)" + failed);
  EXPECT_EQ(Trace("execve", {path, 0, 0}), "execve(\"/nowhere\", NULL, NULL)         " + failed);
  const uint64_t none = Put(kScratch + 0x140, uint64_t{0});
  EXPECT_EQ(Trace("execve", {path, none, none}),
            "execve(\"/nowhere\", [], 0x20140 /* 0 vars */)" + failed);
  EXPECT_EQ(Trace("execve", {path, 8, 8}), "execve(\"/nowhere\", 0x8, 0x8)           " + failed);
  const uint64_t bad = Put(kScratch + 0x160, std::array<uint64_t, 3>{one, 8, 0});
  EXPECT_EQ(Trace("execveat", {kCwd, path, bad, arguments, 0}),
            "execveat(AT_FDCWD, \"/nowhere\", [\"one\", 0x8], 0x20100 /* 2 vars */, 0)" + failed);
  std::array<uint64_t, 40> many;
  many.fill(one);
  many[39] = 0;
  std::string shown;
  for (int i = 0; i < 32; ++i) shown += "\"one\", ";
  EXPECT_EQ(Trace("execve", {path, Put(kScratch + 0x200, many), 0}),
            "execve(\"/nowhere\", [" + shown + "...], NULL)" + failed);
  // It ends where memory does.
  const uint64_t last = Put(kUnmapped - 16, std::array<uint64_t, 2>{one, one});
  EXPECT_EQ(Trace("execve", {path, last, last}),
            "execve(\"/nowhere\", [\"one\", \"one\", ...], 0x" + Hex(last) +
                " /* 2 vars, unterminated */)" + failed);
}

TEST_F(TraceTest, FutexesOfTwoGenerations) {
  const std::array<GuestFutexWait, 2> waits = {{{1, kScratch, 130, 0}, {2, 0, 1, 3}}};
  const std::string first = "{val=0x1, uaddr=0x20000, flags=FUTEX2_SIZE_U32|FUTEX2_PRIVATE}";
  const std::string second = "{val=0x2, uaddr=NULL, flags=FUTEX2_SIZE_U16, __reserved=0x3}";
  const std::string failed = " = -1 EINVAL (Invalid argument)";
  const uint64_t at = Put(kScratch, waits);
  EXPECT_EQ(Trace("futex_waitv", {at, 2, 0, 0, 1}),
            "futex_waitv([" + first + ", " + second + "], 2, 0, NULL, CLOCK_MONOTONIC)" + failed);
  EXPECT_EQ(Trace("futex_waitv", {at, 0, 0, 0, 1}),
            "futex_waitv([], 0, 0, NULL, CLOCK_MONOTONIC) = -1 EINVAL (Invalid argument)");
  EXPECT_EQ(Trace("futex_waitv", {0, 1, 0, 0, 1}),
            "futex_waitv(NULL, 1, 0, NULL, CLOCK_MONOTONIC) = -1 EINVAL (Invalid argument)");
  EXPECT_EQ(Trace("futex_waitv", {8, 1, 0, 0, 1}),
            "futex_waitv(0x8, 1, 0, NULL, CLOCK_MONOTONIC) = -1 EFAULT (Bad address)");
  // It ends where memory does.
  const uint64_t last = Put(kUnmapped - sizeof(GuestFutexWait), waits[1]);
  EXPECT_EQ(Trace("futex_requeue", {last, 0, 1, 1}),
            "futex_requeue([" + second + ", ...], 0, 1, 1)" + failed);
  EXPECT_EQ(Trace("futex_requeue", {at, 0, 1, 1}),
            "futex_requeue([" + first + ", " + second + "], 0, 1, 1)" + failed);
  EXPECT_EQ(Trace("futex_wake", {kScratch, 0xff, 1, 130}),
            "futex_wake(0x20000, 0xff, 1, FUTEX2_SIZE_U32|FUTEX2_PRIVATE) = 0");
  EXPECT_EQ(Trace("futex_wait", {kScratch, 7, 0xff, 0x72, 0, 0}),
            "futex_wait(0x20000, 0x7, 0xff, FUTEX2_SIZE_U32|0x70, NULL, CLOCK_REALTIME)" + failed);
}

TEST_F(TraceTest, Clone) {
  const std::string failed = " = -1 EINVAL (Invalid argument)";
  EXPECT_EQ(Trace("clone", {0x10000 | 17, 0x10, 0, 0, 0}),
            "clone(CLONE_THREAD|SIGCHLD, 0x10, NULL, NULL, NULL)" + failed);
  EXPECT_EQ(Trace("clone", {0x10000 | 99, 0, 0, 0, 0}),
            "clone(CLONE_THREAD|99, NULL, NULL, NULL, NULL)" + failed);
  EXPECT_EQ(Trace("clone", {0x10000, 0, 0, 0, 0}),
            "clone(CLONE_THREAD, NULL, NULL, NULL, NULL)" + failed);
  GuestCloneArgs args = {.flags = 0x10000, .exit_signal = 17};
  EXPECT_EQ(
      Trace("clone3", {Put(kScratch, args), 88}),
      "clone3({flags=CLONE_THREAD, exit_signal=SIGCHLD, stack=NULL, stack_size=0}, 88)" + failed);
  args = {.exit_signal = 999, .stack = 0x1000, .stack_size = 0x2000};
  EXPECT_EQ(Trace("clone3", {Put(kScratch, args), 64}),
            "clone3({flags=0, exit_signal=999, stack=0x1000, stack_size=0x2000}, 64)" + failed);
  args = {.flags = 0x200280000,
          .child_tid = 0x66,
          .stack = 0x1000,
          .stack_size = 0x2000,
          .tls = 0x55,
          .set_tid = 5,
          .cgroup = 77};
  EXPECT_EQ(Trace("clone3", {Put(kScratch, args), 88}),
            "clone3({flags=CLONE_SETTLS|CLONE_CHILD_CLEARTID|CLONE_INTO_CGROUP, child_tid=0x66, "
            "exit_signal=0, stack=0x1000, stack_size=0x2000, tls=0x55, set_tid=0x5, "
            "set_tid_size=0, cgroup=77}, 88)" +
                failed);
  EXPECT_EQ(Trace("clone3", {kScratch, 8}), "clone3(0x20000, 8)                     " + failed);
  EXPECT_EQ(Trace("clone3", {8, 88}),
            "clone3(0x8, 88)                         = -1 EFAULT (Bad address)");
}

TEST_F(TraceTest, ExitNeverReturns) {
  EXPECT_EQ(Enter("exit_group", {3}), Next::kProcessExited);
  EXPECT_EQ(sink_.trace, (std::vector<std::string>{"exit_group(3)                           = ?",
                                                   "+++ exited with 3 +++"}));
}

TEST_F(TraceTest, ABlockedCallPrintsItsLineWhenItEnds) {
  Enter("pipe2", {kScratch, 0});
  sink_.trace.clear();
  ASSERT_EQ(Enter("read", {0, kScratch + 64, 10}), Next::kBlocked);
  EXPECT_TRUE(sink_.trace.empty());
  EXPECT_EQ(abi_->DescribeBlocked(thread(), call_), "read(0,  <unfinished ...>");
  // Another thread's write.
  const uint8_t text[] = {'a', 'b', 'c'};
  memory::UserBuffer buffer = memory::UserBuffer::HostConst(text);
  ASSERT_TRUE(process_.fds().Get(os_emu::Fd{1}).value()->Write(buffer).ok());
  ASSERT_TRUE(thread().woken());
  ASSERT_TRUE(abi_->Resume(thread(), cpu_, &call_));
  EXPECT_EQ(Result(), 3);
  EXPECT_EQ(sink_.trace,
            (std::vector<std::string>{"read(0, \"abc\", 10)                      = 3"}));
}

// ---- Records

// A kernel of its own for each run of a scenario.
class World final : public SyscallTest {
 public:
  using Scenario = std::function<void(World&)>;

  static std::vector<std::string> Trace(TraceForm form, const Scenario& scenario) {
    World world;
    SyscallAbi::Options options;
    options.trace = form;
    world.Restart(options);
    scenario(world);
    return world.sink_.trace;
  }

  void Call(std::string_view name, std::initializer_list<uint64_t> args) { Enter(name, args); }
  void Number(uint64_t number) { Enter(number, {1}); }
  void Bytes(uint64_t address, const std::string& bytes) { Text(address, bytes); }
  template <typename T>
  void Object(uint64_t address, const T& object) {
    Put(address, object);
  }
  // By no call of the one that is traced.
  void CloseUnseen(int number) { ASSERT_TRUE(process_.fds().Remove(os_emu::Fd{number}).ok()); }
  // Of a read that waits, after somebody has written.
  void WriteAndResume(char byte) {
    const uint8_t bytes[] = {static_cast<uint8_t>(byte)};
    memory::UserBuffer buffer = memory::UserBuffer::HostConst(bytes);
    ASSERT_TRUE(process_.fds().Get(os_emu::Fd{1}).value()->Write(buffer).ok());
    ASSERT_TRUE(abi_->Resume(thread(), cpu_, &call_));
  }

  static constexpr uint64_t kMemory = kScratch;

 private:
  void TestBody() override {}
};

TEST(Records, TellApartWhateverDiffersInOneCall) {
  constexpr uint64_t kMemory = World::kMemory;
  const auto pipe = [](World& world, const std::string& bytes) {
    world.Call("pipe2", {kMemory, 04000});
    world.Bytes(kMemory + 64, bytes);
    world.Call("write", {1, kMemory + 64, bytes.size()});
  };
  const std::string text(50, 'x'), other = text.substr(0, 45) + "y" + text.substr(46);
  struct Pair {
    const char* what;
    World::Scenario one, changed;
    bool in_lines = true;  // Lines tell them apart, too.
  };
  const Pair pairs[] = {
      {"the number", [](World& w) { w.Call("getpid", {}); },
       [](World& w) { w.Call("gettid", {}); }},
      {"a number without a row", [](World& w) { w.Number(500); }, [](World& w) { w.Number(501); }},
      {"the result alone",
       [&](World& w) {
         w.Call("pipe2", {kMemory, 0});
         w.Call("dup", {0});
       },
       [&](World& w) {
         w.Call("pipe2", {kMemory, 0});
         w.CloseUnseen(1);
         w.Call("dup", {0});
       }},
      {"an error alone",
       [&](World& w) {
         w.Call("pipe2", {kMemory, 0});
         w.Call("close", {1});
       },
       [&](World& w) {
         w.Call("pipe2", {kMemory, 0});
         w.CloseUnseen(1);
         w.Call("close", {1});
       }},
      {"an argument", [](World& w) { w.Call("close", {5}); },
       [](World& w) { w.Call("close", {6}); }},
      {"the error",
       [](World& w) {
         w.Call("eventfd2", {0, 04000});
         w.Call("read", {0, kMemory, 8});
       },
       [](World& w) {
         w.Call("eventfd2", {0, 04000});
         w.Call("read", {0, kMemory, 7});
       }},
      {"an error in place of a result",
       [](World& w) {
         w.Call("read", {0, kMemory, 8});
       },
       [](World& w) {
         w.Call("eventfd2", {1, 0});
         w.Call("read", {0, kMemory, 8});
       }},
      {"how much was read",
       [&](World& w) {
         pipe(w, "abc");
         w.Call("read", {0, kMemory, 100});
       },
       [&](World& w) {
         pipe(w, "ab");
         w.Call("read", {0, kMemory, 100});
       }},
      {"a byte that was read",
       [&](World& w) {
         pipe(w, "abc");
         w.Call("read", {0, kMemory, 100});
       },
       [&](World& w) {
         pipe(w, "abd");
         w.Call("read", {0, kMemory, 100});
       }},
      {"a byte behind those that a line shows",
       [&](World& w) {
         pipe(w, text);
         w.Call("read", {0, kMemory, 100});
       },
       [&](World& w) {
         pipe(w, other);
         w.Call("read", {0, kMemory, 100});
       },
       false},
      {"a byte in the second buffer of a vector",
       [&](World& w) {
         pipe(w, "abcdef");
         w.Object(kMemory + 256, std::array<uint64_t, 4>{kMemory, 3, kMemory + 8, 9});
         w.Call("readv", {0, kMemory + 256, 2});
       },
       [&](World& w) {
         pipe(w, "abcdeg");
         w.Object(kMemory + 256, std::array<uint64_t, 4>{kMemory, 3, kMemory + 8, 9});
         w.Call("readv", {0, kMemory + 256, 2});
       }},
      {"the only event of epoll_pwait, in a structure that is filled",
       [&](World& w) {
         pipe(w, "abc");
         w.Call("epoll_create1", {0});
         w.Object(kMemory, GuestEpollEvent{1, 0, 4});
         w.Call("epoll_ctl", {2, 1, 0, kMemory});
         w.Call("epoll_pwait", {2, kMemory + 64, 4, 0, 0, 8});
       },
       [&](World& w) {
         pipe(w, "abc");
         w.Call("epoll_create1", {0});
         w.Object(kMemory, GuestEpollEvent{1, 0, 5});
         w.Call("epoll_ctl", {2, 1, 0, kMemory});
         w.Call("epoll_pwait", {2, kMemory + 64, 4, 0, 0, 8});
       }},
      {"what poll found",
       [&](World& w) {
         pipe(w, "abc");
         w.Object(kMemory, GuestPollfd{0, 1 | 4, 0});
         w.Call("ppoll", {kMemory, 1, 0, 0, 8});
       },
       [&](World& w) {
         pipe(w, "abc");
         w.Object(kMemory, GuestPollfd{1, 1 | 4, 0});
         w.Call("ppoll", {kMemory, 1, 0, 0, 8});
       }},
      {"a path",
       [](World& w) {
         w.Bytes(kMemory, "/a");
         w.Call("chdir", {kMemory});
       },
       [](World& w) {
         w.Bytes(kMemory, "/b");
         w.Call("chdir", {kMemory});
       }},
      {"what a read that has waited brought",
       [](World& w) {
         w.Call("pipe2", {kMemory, 0});
         w.Call("read", {0, kMemory + 64, 10});
         w.WriteAndResume('a');
       },
       [](World& w) {
         w.Call("pipe2", {kMemory, 0});
         w.Call("read", {0, kMemory + 64, 10});
         w.WriteAndResume('b');
       }},
      {"the end", [](World& w) { w.Call("exit_group", {3}); },
       [](World& w) { w.Call("exit_group", {4}); }},
  };
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(pair.what);
    const auto records = World::Trace(TraceForm::kRecords, pair.one);
    EXPECT_FALSE(records.empty());
    EXPECT_EQ(records, World::Trace(TraceForm::kRecords, pair.one));
    EXPECT_NE(records, World::Trace(TraceForm::kRecords, pair.changed));
    const bool in_lines =
        World::Trace(TraceForm::kLines, pair.one) != World::Trace(TraceForm::kLines, pair.changed);
    EXPECT_EQ(in_lines, pair.in_lines);
  }
}

}  // namespace
}  // namespace pollux::shims
