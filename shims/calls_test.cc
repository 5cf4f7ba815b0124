// System calls through the table: what they answer, and which error comes first. Where several
// things are wrong, that is what the test is about; the answers were measured on Linux 6.18
// (x86-64) or read in its source.
#include <string>
#include <vector>

#include "os_emu/file/file_status.h"
#include "shims/testing.h"

namespace pollux::shims {
namespace {

using Calls = SyscallTest;
constexpr uint64_t kHere = static_cast<uint64_t>(-100);
constexpr uint64_t kMinus1 = static_cast<uint64_t>(-1);

TEST_F(Calls, UnsupportedOnesAreNamedOnceAndAnswerENOSYS) {
  EXPECT_EQ(Do("fanotify_init", {0, 0}), Error(Errno::kNoSys));
  EXPECT_EQ(Do("fanotify_init", {0, 0}), Error(Errno::kNoSys));
  Enter(500, {});
  EXPECT_EQ(Result(), Error(Errno::kNoSys));
  EXPECT_EQ(sink_.reports,
            (std::vector<std::string>{
                "pollux: warning: unsupported system call fanotify_init (262) returns ENOSYS",
                "pollux: warning: unsupported system call syscall_0x1f4 (500) returns ENOSYS"}));
}

TEST_F(Calls, RefusedOnesAreQuiet) {
  EXPECT_EQ(Do("rseq", {kScratch, 32, 0, 0}), Error(Errno::kNoSys));
  EXPECT_EQ(Do("io_uring_setup", {8, kScratch}), Error(Errno::kNoSys));
  EXPECT_TRUE(sink_.reports.empty());
}

TEST_F(Calls, OnlyTheResultRegisterChanges) {
  for (int i = 1; i < 32; ++i) cpu_.x[i] = 1000 + i;
  cpu_.x[interp::kA7] = 172;
  const interp::Cpu before = cpu_;
  EXPECT_EQ(abi_->Enter(thread(), cpu_, &call_), Next::kContinue);
  EXPECT_EQ(cpu_.x[interp::kA0], static_cast<uint64_t>(process_.pid()));
  cpu_.x[interp::kA0] = before.x[interp::kA0];
  EXPECT_EQ(cpu_.x, before.x);
  EXPECT_EQ(cpu_.pc, before.pc);
}

// ---- Reading and writing

TEST_F(Calls, ReadLooksAtTheDescriptorBeforeTheBuffer) {
  EXPECT_EQ(Do("read", {99, kUnmapped, 1}), Error(Errno::kBadF));
  Do("pipe2", {kScratch, 04000});
  EXPECT_EQ(Do("read", {1, kUnmapped, 1}), Error(Errno::kBadF));   // Not open for reading.
  EXPECT_EQ(Do("write", {0, kUnmapped, 1}), Error(Errno::kBadF));  // Not open for writing.
  EXPECT_EQ(Do("write", {1, kUnmapped, 1}), Error(Errno::kFault));
  EXPECT_EQ(Do("read", {0, kScratch, 1}), Error(Errno::kAgain));
  EXPECT_EQ(Do("read", {0, uint64_t{1} << 63, 1}), Error(Errno::kFault));
  EXPECT_EQ(Do("read", {0, kScratch, uint64_t{1} << 63}), Error(Errno::kFault));
}

TEST_F(Calls, VectorsThatHoldNothingDoNotReachTheFile) {
  Do("pipe2", {kScratch, 04000});
  EXPECT_EQ(Do("readv", {0, 0, 0}), 0);
  EXPECT_EQ(Do("readv", {99, 0, 0}), Error(Errno::kBadF));
  EXPECT_EQ(Do("readv", {0, kScratch, 1025}), Error(Errno::kInval));
  EXPECT_EQ(Do("readv", {0, kUnmapped, 1}), Error(Errno::kFault));
  const GuestIovec negative[2] = {{kScratch, 8}, {kScratch, kMinus1}};
  Put(kScratch + 64, negative);
  EXPECT_EQ(Do("readv", {0, kScratch + 64, 2}), Error(Errno::kInval));
}

TEST_F(Calls, AnEventfdTakesVectorsSegmentBySegment) {
  ASSERT_EQ(Do("eventfd2", {0, 0}), 0);
  const GuestIovec halves[2] = {{kScratch, 4}, {kScratch + 4, 4}};
  Put(kScratch, uint64_t{1});
  EXPECT_EQ(Do("writev", {0, Put(kScratch + 64, halves), 2}), Error(Errno::kInval));
  const GuestIovec wholes[2] = {{kScratch, 8}, {kScratch, 8}};
  EXPECT_EQ(Do("writev", {0, Put(kScratch + 64, wholes), 2}), 16);
  EXPECT_EQ(Do("read", {0, kScratch, 8}), 8);
  EXPECT_EQ(Peek<uint64_t>(kScratch), 2u);
}

TEST_F(Calls, AWriteThatRunsIntoAMissingPageIsShort) {
  ASSERT_EQ(Do("openat", {kHere, Text(kScratch, "f"), 0101, 0600}), 0);
  EXPECT_EQ(Do("write", {0, kUnmapped - 10, 20}), 10);
  // But a pipe takes whole pages or nothing.
  Do("pipe2", {kScratch, 04000});
  EXPECT_EQ(Do("write", {2, kUnmapped - 10, 20}), Error(Errno::kFault));
}

TEST_F(Calls, PreadChecksOffsetThenDescriptorThenPositionThenMode) {
  Do("pipe2", {kScratch, 0});
  EXPECT_EQ(Do("pread64", {99, kScratch, 1, kMinus1}), Error(Errno::kInval));
  EXPECT_EQ(Do("pread64", {99, kScratch, 1, 0}), Error(Errno::kBadF));
  EXPECT_EQ(Do("pread64", {1, kScratch, 1, 0}),
            Error(Errno::kSPipe));  // Write-only, but a pipe first.
  Text(kScratch, "f");
  EXPECT_EQ(Do("openat", {kHere, kScratch, 0101, 0600}), 2);
  EXPECT_EQ(Do("pread64", {2, kUnmapped, 1, 0}),
            Error(Errno::kBadF));  // Write-only before the buffer.
  EXPECT_EQ(Do("pwrite64", {2, kScratch, 2, 100}), 2);
  EXPECT_EQ(Do("lseek", {2, 0, 1}), 0);
  EXPECT_EQ(Do("lseek", {2, 0, 2}), 102);
  EXPECT_EQ(Do("lseek", {2, 0, 5}), Error(Errno::kInval));
  EXPECT_EQ(Do("lseek", {0, 0, 5}), Error(Errno::kInval));
  EXPECT_EQ(Do("lseek", {0, 0, 0}), Error(Errno::kSPipe));
}

TEST_F(Calls, ABrokenPipeRaisesSigpipe) {
  Do("pipe2", {kScratch, 0});
  Do("close", {0});
  EXPECT_EQ(Do("write", {1, kScratch, 1}), Error(Errno::kPipe));
  EXPECT_EQ(abi_->DeliverSignals(thread(), cpu_, &call_), SyscallAbi::Signals::kProcessExited);
  EXPECT_EQ(process_.exit->signal, os_emu::kSigPipe);
}

TEST_F(Calls, SendfileCopiesAndKeepsTheOffset) {
  Text(kScratch, "from");
  ASSERT_EQ(Do("openat", {kHere, kScratch, 0102, 0600}), 0);
  ASSERT_EQ(Do("write", {0, Text(kScratch + 64, "0123456789"), 10}), 10);
  ASSERT_EQ(Do("pipe2", {kScratch, 0}), 0);
  Put(kScratch + 128, int64_t{3});
  EXPECT_EQ(Do("sendfile", {2, 0, kScratch + 128, 100}), 7);
  EXPECT_EQ(Peek<int64_t>(kScratch + 128), 10);
  EXPECT_EQ(Do("read", {1, kScratch + 200, 100}), 7);
  EXPECT_EQ(PeekText(kScratch + 200, 7), "3456789");
  EXPECT_EQ(Do("lseek", {0, 0, 1}), 10);  // Untouched.
  EXPECT_EQ(Do("sendfile", {2, 99, kUnmapped, 1}), Error(Errno::kFault));
  // That a pipe cannot be the source comes last.
  EXPECT_EQ(Do("sendfile", {99, 1, 0, 1}), Error(Errno::kBadF));
  EXPECT_EQ(Do("sendfile", {0, 1, 0, 1}), Error(Errno::kInval));
}

TEST_F(Calls, SendfileWaitsForRoom) {
  Text(kScratch, "from");
  ASSERT_EQ(Do("openat", {kHere, kScratch, 0102, 0600}), 0);
  ASSERT_EQ(Do("write", {0, Text(kScratch + 64, "0123456789"), 10}), 10);
  ASSERT_EQ(Do("pipe2", {kScratch, 0}), 0);
  for (int i = 0; i < 16; ++i) ASSERT_EQ(Do("write", {2, kScratch, 4096}), 4096);
  Put(kScratch + 128, int64_t{4});
  ASSERT_EQ(Enter("sendfile", {2, 0, kScratch + 128, 100}), Next::kBlocked);
  // Another thread reads a page.
  std::vector<uint8_t> page(4096);
  memory::UserBuffer buffer = memory::UserBuffer::Host(page);
  ASSERT_TRUE(process_.fds().Get(os_emu::Fd{1}).value()->Read(buffer).ok());
  ASSERT_TRUE(abi_->Resume(thread(), cpu_, &call_));
  EXPECT_EQ(Result(), 6);
  EXPECT_EQ(Peek<int64_t>(kScratch + 128), 10);
}

TEST_F(Calls, CopyFileRangeCopiesBetweenFiles) {
  Text(kScratch, "a");
  Text(kScratch + 8, "b");
  ASSERT_EQ(Do("openat", {kHere, kScratch, 0102, 0600}), 0);
  ASSERT_EQ(Do("openat", {kHere, kScratch + 8, 0102, 0600}), 1);
  ASSERT_EQ(Do("write", {0, Text(kScratch + 64, "0123456789"), 10}), 10);
  Put(kScratch + 128, int64_t{2});
  EXPECT_EQ(Do("copy_file_range", {0, kScratch + 128, 1, 0, 5, 0}), 5);
  EXPECT_EQ(Peek<int64_t>(kScratch + 128), 7);
  EXPECT_EQ(Do("lseek", {1, 0, 1}), 5);
  EXPECT_EQ(Do("pread64", {1, kScratch + 200, 10, 0}), 5);
  EXPECT_EQ(PeekText(kScratch + 200, 5), "23456");
  EXPECT_EQ(Do("copy_file_range", {0, kScratch + 128, 1, 0, 5, 1}), Error(Errno::kInval));
  EXPECT_EQ(Do("copy_file_range", {0, kScratch + 128, 0, kScratch + 128, 5, 0}),
            Error(Errno::kInval));  // Onto itself.
}

// ---- Descriptors

TEST_F(Calls, Dup3ChecksFlagsThenEqualityThenNumbers) {
  Do("eventfd2", {0, 0});
  EXPECT_EQ(Do("dup3", {99, 99, 1}), Error(Errno::kInval));
  EXPECT_EQ(Do("dup3", {0, 0, 0}), Error(Errno::kInval));
  EXPECT_EQ(Do("dup3", {0, 1024, 0}), Error(Errno::kBadF));
  EXPECT_EQ(Do("dup3", {99, 5, 0}), Error(Errno::kBadF));
  EXPECT_EQ(Do("dup3", {0, 5, 02000000}), 5);
  EXPECT_EQ(Do("fcntl", {5, 1, 0}), 1);
  EXPECT_EQ(Do("fcntl", {5, 1027, 0}), 1);  // F_DUPFD_QUERY
  EXPECT_EQ(Do("dup", {5}), 1);
  EXPECT_EQ(Do("fcntl", {0, 0, 1024}), Error(Errno::kInval));
  EXPECT_EQ(Do("fcntl", {0, 1030, 7}), 7);
  EXPECT_EQ(Do("close_range", {1, 6, 0}), 0);
  EXPECT_EQ(Do("close", {5}), Error(Errno::kBadF));
  EXPECT_EQ(Do("fcntl", {7, 1, 0}), 1);
  EXPECT_EQ(Do("close_range", {3, 2, 0}), Error(Errno::kInval));
}

TEST_F(Calls, AFullTableMakesNoFile) {
  Do("prlimit64", {0, 7, Put(kScratch, GuestRlimit{1, 1024}), 0});
  Do("eventfd2", {0, 0});
  Text(kScratch, "new");
  EXPECT_EQ(Do("openat", {kHere, kScratch, 0101, 0600}), Error(Errno::kMFile));
  EXPECT_EQ(Do("close", {0}), 0);
  EXPECT_EQ(Do("openat", {kHere, kScratch, 0, 0}), Error(Errno::kNoEnt));
  EXPECT_EQ(Do("eventfd2", {0, 0}), 0);  // The number of the failed open is free again.
}

TEST_F(Calls, PipesTakeTheirNumbersBackWhereTheArrayIsBad) {
  EXPECT_EQ(Do("pipe2", {kReadOnly, 0}), Error(Errno::kFault));
  EXPECT_EQ(Do("pipe2", {kReadOnly, 1}), Error(Errno::kInval));
  EXPECT_EQ(Do("eventfd2", {0, 0}), 0);
}

TEST_F(Calls, FcntlRefusesLoudlyWhatLinuxKnowsAndPolluxDoesNot) {
  Do("eventfd2", {0, 0});
  EXPECT_EQ(Do("fcntl", {0, 99, 0}), Error(Errno::kInval));
  EXPECT_TRUE(sink_.reports.empty());
  EXPECT_EQ(Do("fcntl", {0, 1024, 0}), Error(Errno::kInval));
  EXPECT_EQ(sink_.reports,
            (std::vector<std::string>{
                "pollux: warning: fcntl: F_SETLEASE is not supported, returns EINVAL"}));
}

TEST_F(Calls, IoctlsOfTheDescriptor) {
  Do("eventfd2", {0, 0});
  EXPECT_EQ(Do("ioctl", {0, 0x5421, Put(kScratch, int32_t{1})}), 0);
  EXPECT_EQ(Do("fcntl", {0, 3, 0}), 04002);
  EXPECT_EQ(Do("ioctl", {0, 0x5421, kUnmapped}), Error(Errno::kFault));
  EXPECT_EQ(Do("ioctl", {0, 0x5451, 0}), 0);
  EXPECT_EQ(Do("fcntl", {0, 1, 0}), 1);
  EXPECT_EQ(Do("ioctl", {99, 0x5451, 0}), Error(Errno::kBadF));
}

// ---- Paths

TEST_F(Calls, PathsAreReadBeforeDirectoriesAreLookedUp) {
  EXPECT_EQ(Do("openat", {99, kUnmapped, 0, 0}), Error(Errno::kFault));
  EXPECT_EQ(Do("openat", {99, Text(kScratch, ""), 0, 0}), Error(Errno::kNoEnt));
  EXPECT_EQ(Do("openat", {99, Text(kScratch, "x"), 0, 0}), Error(Errno::kBadF));
  EXPECT_EQ(Do("openat", {99, Text(kScratch, "/tmp"), 0200000, 0}),
            0);  // An absolute path needs no directory.
  EXPECT_EQ(Do("openat", {kHere, Text(kScratch, std::string(4096, 'x')), 0, 0}),
            Error(Errno::kNameTooLong));
  EXPECT_EQ(Do("openat", {kHere, kUnmapped, 0100 | 0200000, 0}),
            Error(Errno::kInval));  // Flags come first.
  EXPECT_EQ(Do("unlinkat", {99, kUnmapped, 1}), Error(Errno::kInval));
  EXPECT_EQ(Do("unlinkat", {99, kUnmapped, 0}), Error(Errno::kFault));
  EXPECT_EQ(Do("linkat", {kHere, kUnmapped, kHere, kUnmapped, 1}), Error(Errno::kInval));
  EXPECT_EQ(Do("faccessat", {kHere, kUnmapped, 8}), Error(Errno::kInval));
  EXPECT_EQ(Do("readlinkat", {kHere, kUnmapped, kScratch, 0}), Error(Errno::kInval));
  EXPECT_EQ(Do("newfstatat", {99, kUnmapped, kScratch, 1}), Error(Errno::kFault));  // But not here.
  EXPECT_EQ(Do("newfstatat", {99, Text(kScratch, "x"), kScratch, 1}), Error(Errno::kInval));
  EXPECT_EQ(Do("truncate", {kUnmapped, kMinus1}), Error(Errno::kInval));
  EXPECT_EQ(Do("ftruncate", {99, kMinus1}), Error(Errno::kInval));
}

TEST_F(Calls, StatOfAnOpenFile) {
  ASSERT_EQ(Do("pipe2", {kScratch, 0}), 0);
  EXPECT_EQ(Do("fstat", {0, kScratch + 64}), 0);
  EXPECT_EQ(Peek<GuestStat>(kScratch + 64).mode, 0010600u);
  EXPECT_EQ(Do("newfstatat", {0, Text(kScratch, ""), kScratch + 64, 0x1000}), 0);
  EXPECT_EQ(Peek<GuestStat>(kScratch + 64).mode, 0010600u);
  EXPECT_EQ(Do("newfstatat", {0, 0, kScratch + 64, 0x1000}),
            0);  // A null path counts as empty since 6.11.
  EXPECT_EQ(Do("statx", {0, kScratch, 0x1000, 0x7ff, kScratch + 64}), 0);
  EXPECT_EQ(Peek<GuestStatx>(kScratch + 64).mode, 0010600u);
  EXPECT_EQ(Do("statx", {0, kScratch, 0x7000, 0x7ff, kScratch + 64}), Error(Errno::kInval));
  EXPECT_EQ(Do("statx", {0, kScratch, 0x1000, 0x80000000, kScratch + 64}), Error(Errno::kInval));
  EXPECT_EQ(Do("fstat", {0, kUnmapped}), Error(Errno::kFault));
  EXPECT_EQ(Do("fstat", {99, kUnmapped}), Error(Errno::kBadF));
}

TEST_F(Calls, AdviceAboutFiles) {
  ASSERT_EQ(Do("pipe2", {kScratch, 0}), 0);
  ASSERT_EQ(Do("openat", {kHere, Text(kScratch, "f"), 0101, 0600}), 2);
  EXPECT_EQ(Do("readahead", {2, 0, 4096}), Error(Errno::kBadF));  // Write-only.
  EXPECT_EQ(Do("readahead", {0, 0, 4096}), Error(Errno::kInval));
  EXPECT_EQ(Do("fadvise64", {0, 0, 0, 99}), Error(Errno::kSPipe));
  EXPECT_EQ(Do("fadvise64", {2, 0, 0, 6}), Error(Errno::kInval));
  EXPECT_EQ(Do("fadvise64", {2, 0, 0, 5}), 0);
  EXPECT_EQ(Do("fsync", {0}), Error(Errno::kInval));
  EXPECT_EQ(Do("fsync", {2}), 0);
  EXPECT_EQ(Do("sync_file_range", {0, 0, 0, 8}), Error(Errno::kInval));
  EXPECT_EQ(Do("sync_file_range", {0, 0, 0, 0}), Error(Errno::kSPipe));
  EXPECT_EQ(Do("fallocate", {2, 0, 10, 90}), 0);
  EXPECT_EQ(Do("lseek", {2, 0, 2}), 100);
  EXPECT_EQ(Do("fallocate", {2, 0x40, 0, 1}), Error(Errno::kOpNotSupp));
  EXPECT_EQ(Do("fallocate", {1, 0, 0, 1}), Error(Errno::kSPipe));
  EXPECT_EQ(Do("fallocate", {0, 0, 0, 1}), Error(Errno::kBadF));  // Not open for writing.
}

TEST_F(Calls, StatfsOfWhatHasNoPath) {
  ASSERT_EQ(Do("pipe2", {kScratch, 0}), 0);
  EXPECT_EQ(Do("fstatfs", {0, kScratch}), 0);
  EXPECT_EQ(Peek<GuestStatfs>(kScratch).type, 0x50495045);
  ASSERT_EQ(Do("eventfd2", {0, 0}), 2);
  EXPECT_EQ(Do("fstatfs", {2, kScratch}), 0);
  EXPECT_EQ(Peek<GuestStatfs>(kScratch).type, 0x09041934);
  EXPECT_EQ(Do("statfs", {Text(kScratch, "/tmp"), kScratch + 64}), 0);
  EXPECT_EQ(Peek<GuestStatfs>(kScratch + 64).type, 0x01021994);
}

TEST_F(Calls, DirectoriesAreListedInWholeRecords) {
  ASSERT_EQ(Do("mkdirat", {kHere, Text(kScratch, "d"), 0755}), 0);
  ASSERT_EQ(Do("mkdirat", {kHere, Text(kScratch, "d/sub"), 0700}), 0);
  ASSERT_EQ(Do("openat", {kHere, Text(kScratch, "d"), 0200000, 0}), 0);
  EXPECT_EQ(Do("getdents64", {0, kScratch + 64, 20}), Error(Errno::kInval));  // Too small for one.
  EXPECT_EQ(Do("getdents64", {0, kUnmapped, 100}), Error(Errno::kFault));
  std::vector<std::string> names;
  while (true) {
    const int64_t bytes = Do("getdents64", {0, kScratch + 64, 24});  // Room for one.
    ASSERT_GE(bytes, 0);
    if (bytes == 0) break;
    EXPECT_EQ(bytes, Peek<uint16_t>(kScratch + 64 + 16));
    names.push_back(PeekText(kScratch + 64 + 19, 5).c_str());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{".", "..", "sub"}));
  EXPECT_EQ(Do("fchdir", {0}), 0);
  EXPECT_EQ(Do("getcwd", {kScratch, 4096}), 7);
  EXPECT_EQ(PeekText(kScratch, 7), std::string("/tmp/d\0", 7));
  EXPECT_EQ(Do("chdir", {Text(kScratch, "nothing")}), Error(Errno::kNoEnt));
}

TEST_F(Calls, UtimensatWithBothTimesOmittedLooksAtNothing) {
  const GuestTimespec omit[2] = {{0, 0x3ffffffe}, {0, 0x3ffffffe}};
  EXPECT_EQ(Do("utimensat", {99, kUnmapped, Put(kScratch, omit), 0xffff}), 0);
  const GuestTimespec bad[2] = {{0, 0x3ffffffe}, {0, 1'000'000'000}};
  EXPECT_EQ(Do("utimensat", {kHere, Text(kScratch + 64, "nothing"), Put(kScratch, bad), 0}),
            Error(Errno::kNoEnt));
  EXPECT_EQ(Do("utimensat", {kHere, Text(kScratch + 64, "/tmp"), Put(kScratch, bad), 0}),
            Error(Errno::kInval));
  EXPECT_EQ(Do("utimensat", {kHere, kUnmapped, kUnmapped, 0xffff}), Error(Errno::kFault));
}

// ---- epoll and its like

TEST_F(Calls, EpollCtlCopiesTheEventFirst) {
  EXPECT_EQ(Do("epoll_ctl", {99, 1, 98, kUnmapped}), Error(Errno::kFault));
  EXPECT_EQ(Do("epoll_ctl", {99, 2, 98, kUnmapped}), Error(Errno::kBadF));  // DEL has no event.
  ASSERT_EQ(Do("eventfd2", {0, 0}), 0);
  EXPECT_EQ(Do("epoll_ctl", {0, 1, 99, kScratch}), Error(Errno::kBadF));
  EXPECT_EQ(Do("epoll_ctl", {0, 1, 0, kScratch}), Error(Errno::kInval));  // Not an epoll instance.
}

TEST_F(Calls, EpollWaitReportsWhatIsReady) {
  ASSERT_EQ(Do("epoll_create1", {0}), 0);
  ASSERT_EQ(Do("eventfd2", {1, 0}), 1);
  ASSERT_EQ(Do("epoll_ctl", {0, 1, 1, Put(kScratch, GuestEpollEvent{1, 0, 0xabcdef0123456789})}),
            0);
  EXPECT_EQ(Do("epoll_pwait", {0, kScratch + 64, 4, 0, 0, 8}), 1);
  EXPECT_EQ(Peek<GuestEpollEvent>(kScratch + 64).events, 1u);
  EXPECT_EQ(Peek<GuestEpollEvent>(kScratch + 64).data, 0xabcdef0123456789u);
  EXPECT_EQ(Do("epoll_pwait", {99, kScratch, 0, 0, kScratch, 4}),
            Error(Errno::kInval));  // The mask's size comes first.
  EXPECT_EQ(Do("epoll_pwait", {99, kScratch, 0, 0, kUnmapped, 8}), Error(Errno::kFault));
  EXPECT_EQ(Do("epoll_pwait", {99, kScratch, 0, 0, 0, 8}), Error(Errno::kBadF));
  EXPECT_EQ(Do("epoll_pwait", {1, kUnmapped, 0, 0, 0, 8}), Error(Errno::kInval));
  EXPECT_EQ(Do("epoll_pwait2", {99, kScratch, 0, kUnmapped, kScratch, 4}),
            Error(Errno::kFault));  // The timeout before all.
  Put(kScratch, GuestTimespec{0, 1'000'000'000});
  EXPECT_EQ(Do("epoll_pwait2", {0, kScratch + 64, 4, kScratch, 0, 8}), Error(Errno::kInval));
}

TEST_F(Calls, EpollWaitTimesOut) {
  ASSERT_EQ(Do("epoll_create1", {0}), 0);
  ASSERT_EQ(Enter("epoll_pwait", {0, kScratch, 4, 5, 0, 8}), Next::kBlocked);
  EXPECT_FALSE(abi_->Resume(thread(), cpu_, &call_));
  kernel_.clock().AdvanceTo(kernel_.NextDeadline());
  ASSERT_TRUE(abi_->Resume(thread(), cpu_, &call_));
  EXPECT_EQ(Result(), 0);
  EXPECT_EQ(kernel_.clock().Monotonic(), os_emu::Clock::kBootNanos + Nanos{5'000'000});
}

TEST_F(Calls, SelectSeesClosedNumbersWithinTheTableOnly) {
  ASSERT_EQ(Do("pipe2", {kScratch, 0}), 0);
  Put(kScratch + 64, std::array<uint64_t, 2>{1u << 5, 0});
  EXPECT_EQ(Do("pselect6", {64, kScratch + 64, 0, 0, Put(kScratch, GuestTimespec{0, 0}), 0}),
            Error(Errno::kBadF));
  Put(kScratch + 64, std::array<uint64_t, 2>{0, 1});
  EXPECT_EQ(Do("pselect6", {128, kScratch + 64, 0, 0, kScratch, 0}), 0);
  EXPECT_EQ(Do("pselect6", {kMinus1, kScratch + 64, 0, 0, kScratch, 0}), Error(Errno::kInval));
  // An O_PATH number is ready for everything.
  ASSERT_EQ(Do("openat", {kHere, Text(kScratch + 128, "/tmp"), 010000000, 0}), 2);
  Put(kScratch + 64, std::array<uint64_t, 3>{4, 4, 4});
  EXPECT_EQ(Do("pselect6", {64, kScratch + 64, kScratch + 72, kScratch + 80, kScratch, 0}), 3);
  EXPECT_EQ(Do("ppoll", {kScratch, 1025, 0, 0, 8}), Error(Errno::kInval));
  EXPECT_EQ(Do("ppoll", {kUnmapped, 1, 0, 0, 8}), Error(Errno::kFault));
}

// ---- Memory

TEST_F(Calls, MmapOfAFileIsTheFileOrAPrivateCopy) {
  ASSERT_EQ(Do("openat", {kHere, Text(kScratch, "f"), 0102, 0600}), 0);
  ASSERT_EQ(Do("write", {0, Text(kScratch + 64, "contents"), 8}), 8);
  const int64_t at = Do("mmap", {0, 4096, 3, 2, 0, 0});
  ASSERT_GT(at, 0);
  EXPECT_EQ(PeekText(at, 8), "contents");
  Text(at, "changed");
  EXPECT_EQ(Do("pread64", {0, kScratch + 64, 8, 0}), 8);
  EXPECT_EQ(PeekText(kScratch + 64, 8), "contents");
  const int64_t shared = Do("mmap", {0, 4096, 1, 1, 0, 0});
  ASSERT_GT(shared, 0);
  EXPECT_EQ(PeekText(shared, 8), "contents");
  EXPECT_EQ(Do("mprotect", {static_cast<uint64_t>(shared), 4096, 3}), 0);
  Text(shared, "CONTENTS");
  EXPECT_EQ(Do("pread64", {0, kScratch + 64, 8, 0}), 8);
  EXPECT_EQ(PeekText(kScratch + 64, 8), "CONTENTS");
  EXPECT_EQ(Do("msync", {static_cast<uint64_t>(shared), 4096, 4}), 0);
  ASSERT_EQ(Do("openat", {kHere, Text(kScratch, "f"), 0, 0}), 1);
  EXPECT_EQ(Do("mmap", {0, 4096, 3, 1, 1, 0}), Error(Errno::kAcces));
  const int64_t read_only = Do("mmap", {0, 4096, 1, 1, 1, 0});
  ASSERT_GT(read_only, 0);
  EXPECT_EQ(Do("mprotect", {static_cast<uint64_t>(read_only), 4096, 3}), Error(Errno::kAcces));
  // The address comes before the file.
  EXPECT_EQ(Do("mmap", {1, 4096, 3, 0x11, 1, 0}), Error(Errno::kInval));
  EXPECT_TRUE(sink_.reports.empty());
}

TEST_F(Calls, MmapErrors) {
  EXPECT_EQ(Do("mmap", {0, 4096, 3, 2, 99, 1}),
            Error(Errno::kInval));  // The offset before the descriptor.
  EXPECT_EQ(Do("mmap", {0, 0, 3, 2, 99, 0}),
            Error(Errno::kBadF));  // The descriptor before the length.
  EXPECT_EQ(Do("mmap", {0, 0, 3, 0x22, 99, 0}), Error(Errno::kInval));
  EXPECT_EQ(Do("mmap", {0, kMinus1, 3, 0x22, 99, 0}), Error(Errno::kNoMem));
  EXPECT_EQ(Do("mmap", {0, 4096, 3, 0x20, 99, 0}),
            Error(Errno::kInval));  // Neither shared nor private.
  ASSERT_EQ(Do("eventfd2", {0, 0}), 0);
  EXPECT_EQ(Do("mmap", {0, 4096, 1, 2, 0, 0}), Error(Errno::kNoDev));
  ASSERT_EQ(Do("openat", {kHere, Text(kScratch, "f"), 0101, 0600}), 1);
  EXPECT_EQ(Do("mmap", {0, 4096, 1, 2, 1, 0}), Error(Errno::kAcces));  // Write-only.
}

TEST_F(Calls, WritablePagesCanBeRead) {
  const int64_t at = Do("mmap", {0, 4096, 2, 0x22, kMinus1, 0});
  ASSERT_GT(at, 0);
  EXPECT_EQ(Peek<uint64_t>(at), 0u);
}

TEST_F(Calls, MprotectAndItsRelatives) {
  EXPECT_EQ(Do("mprotect", {kScratch + 1, 0, 0xff00}), Error(Errno::kInval));
  EXPECT_EQ(Do("mprotect", {kScratch, 0, 0xff00}), 0);  // No length: nothing else is looked at.
  EXPECT_EQ(Do("mprotect", {kScratch, 4096, 0xff00}), Error(Errno::kInval));
  EXPECT_EQ(Do("mprotect", {kUnmapped, 4096, 1}), Error(Errno::kNoMem));
  EXPECT_EQ(Do("madvise", {kScratch, 4096, 1000}), Error(Errno::kInval));
  EXPECT_EQ(Do("madvise", {kUnmapped, 4096, 0}), Error(Errno::kNoMem));
  EXPECT_EQ(Do("madvise", {kScratch, 4096, 0}), 0);
  EXPECT_EQ(Do("msync", {kScratch, 4096, 5}), Error(Errno::kInval));
  EXPECT_EQ(Do("msync", {kScratch, kScratchBytes + 4096, 4}), Error(Errno::kNoMem));
  EXPECT_EQ(Do("msync", {kScratch, kScratchBytes, 4}), 0);
  EXPECT_EQ(Do("mincore", {kScratch, 8192, kScratch}), 0);
  EXPECT_EQ(Peek<uint16_t>(kScratch), 0);  // The answer itself comes after the look.
  EXPECT_EQ(Do("mincore", {kScratch, 8192, kScratch}), 0);
  EXPECT_EQ(Peek<uint16_t>(kScratch), 1);
  EXPECT_EQ(Do("mincore", {kUnmapped, 8192, kScratch}), Error(Errno::kNoMem));
  EXPECT_EQ(Do("mremap", {kScratch, 4096, 4096, 2, 0}),
            Error(Errno::kInval));  // FIXED without MAYMOVE.
  EXPECT_EQ(Do("mlock", {kScratch, 4096}), 0);
  EXPECT_EQ(Do("mlock", {kUnmapped, 4096}), Error(Errno::kNoMem));
  EXPECT_EQ(Do("mlock2", {kUnmapped, 4096, 2}), Error(Errno::kInval));
}

// ---- Time

TEST_F(Calls, SleepingCostsVirtualTime) {
  Put(kScratch, GuestTimespec{3600, 5});
  ASSERT_EQ(Enter("nanosleep", {kScratch, 0}), Next::kBlocked);
  kernel_.clock().AdvanceTo(kernel_.NextDeadline());
  ASSERT_TRUE(abi_->Resume(thread(), cpu_, &call_));
  EXPECT_EQ(Result(), 0);
  EXPECT_EQ(Do("clock_gettime", {1, kScratch}), 0);
  EXPECT_EQ(Peek<GuestTimespec>(kScratch).seconds, 3601);
  EXPECT_EQ(Peek<GuestTimespec>(kScratch).nanoseconds, 5);
}

TEST_F(Calls, AbsoluteSleepsAreInTheirClocksTime) {
  Do("clock_gettime", {0, kScratch});
  GuestTimespec at = Peek<GuestTimespec>(kScratch);
  at.seconds += 10;
  Put(kScratch, at);
  ASSERT_EQ(Enter("clock_nanosleep", {0, 1, kScratch, 0}), Next::kBlocked);
  EXPECT_EQ(kernel_.NextDeadline(), os_emu::Clock::kBootNanos + Nanos{10'000'000'000});
  kernel_.clock().AdvanceTo(kernel_.NextDeadline());
  ASSERT_TRUE(abi_->Resume(thread(), cpu_, &call_));
  EXPECT_EQ(Do("clock_nanosleep", {0, 1, kScratch, 0}), 0);  // It has passed.
}

TEST_F(Calls, ClockErrors) {
  EXPECT_EQ(Do("clock_gettime", {55, kUnmapped}), Error(Errno::kInval));
  EXPECT_EQ(Do("clock_gettime", {1, kUnmapped}), Error(Errno::kFault));
  EXPECT_EQ(Do("clock_getres", {1, 0}), 0);
  EXPECT_EQ(Do("clock_getres", {55, 0}), Error(Errno::kInval));
  EXPECT_EQ(Do("clock_nanosleep", {55, 0, kUnmapped, 0}), Error(Errno::kInval));
  EXPECT_EQ(Do("clock_nanosleep", {4, 0, kUnmapped, 0}), Error(Errno::kOpNotSupp));
  EXPECT_EQ(Do("clock_nanosleep", {1, 0, kUnmapped, 0}), Error(Errno::kFault));
  EXPECT_EQ(Do("nanosleep", {Put(kScratch, GuestTimespec{-1, 0}), 0}), Error(Errno::kInval));
  EXPECT_EQ(Do("clock_gettime", {static_cast<uint64_t>(-6), kScratch}),
            0);  // CPUCLOCK of the process itself.
}

// ---- Threads and processes

TEST_F(Calls, FutexReadsItsTimeBeforeItsCommand) {
  Put(kScratch, uint32_t{1});
  EXPECT_EQ(Do("futex", {kScratch, 0, 1, kUnmapped}), Error(Errno::kFault));
  EXPECT_EQ(Do("futex", {kScratch, 256, 1, kUnmapped}), Error(Errno::kFault));
  EXPECT_EQ(Do("futex", {kScratch, 256, 1, 0}),
            Error(Errno::kNoSys));  // FUTEX_WAIT knows no CLOCK_REALTIME.
  EXPECT_EQ(Do("futex", {kScratch + 1, 0, 1, 0}), Error(Errno::kInval));
  EXPECT_EQ(Do("futex", {kUnmapped, 0, 1, 0}), Error(Errno::kFault));
  EXPECT_EQ(Do("futex", {kScratch, 14, 0, kUnmapped}), Error(Errno::kNoSys));
  EXPECT_TRUE(sink_.reports.empty());
  Put(kScratch + 64, GuestTimespec{0, 50});
  ASSERT_EQ(Enter("futex", {kScratch, 0, 1, kScratch + 64}), Next::kBlocked);
  kernel_.clock().AdvanceTo(kernel_.NextDeadline());
  kernel_.ExpireTimers();
  ASSERT_TRUE(abi_->Resume(thread(), cpu_, &call_));
  EXPECT_EQ(Result(), Error(Errno::kTimedOut));
}

TEST_F(Calls, ALockPiGoesByRealtime) {
  os_emu::Thread& owner = kernel_.CreateThread(process_);
  Put(kScratch, static_cast<uint32_t>(owner.tid()));
  const Nanos soon = kernel_.clock().Realtime() + Nanos{500};
  Put(kScratch + 64, GuestTimespec{soon.value / 1'000'000'000, soon.value % 1'000'000'000});
  ASSERT_EQ(Enter("futex", {kScratch, 6, 0, kScratch + 64}), Next::kBlocked);
  EXPECT_EQ(Peek<uint32_t>(kScratch), static_cast<uint32_t>(owner.tid()) | 0x80000000);
  EXPECT_EQ((kernel_.NextDeadline() - kernel_.clock().Monotonic()).value, 500);
  kernel_.SetRealtime(kernel_.clock().Realtime() - Nanos{1000});
  EXPECT_EQ((kernel_.NextDeadline() - kernel_.clock().Monotonic()).value, 1500);
}

TEST_F(Calls, Identity) {
  EXPECT_EQ(Do("getpid", {}), 1000);
  EXPECT_EQ(Do("gettid", {}), 1000);
  EXPECT_EQ(Do("set_tid_address", {kScratch}), 1000);
  EXPECT_EQ(thread().clear_child_tid.value, kScratch);
  EXPECT_EQ(Do("setuid", {0}), Error(Errno::kPerm));
  EXPECT_EQ(Do("setuid", {kMinus1}), Error(Errno::kInval));
  EXPECT_EQ(Do("setresuid", {kMinus1, 1000, 1001}), Error(Errno::kPerm));
  EXPECT_EQ(process_.credentials.suid, 1000u);
  process_.credentials = os_emu::Credentials::Of(0, 0);
  EXPECT_EQ(Do("setresuid", {5, 6, 7}), 0);
  EXPECT_EQ(Do("getresuid", {kScratch, kScratch + 4, kScratch + 8}), 0);
  EXPECT_EQ((Peek<std::array<uint32_t, 3>>(kScratch)), (std::array<uint32_t, 3>{5, 6, 7}));
  EXPECT_EQ(Do("setfsuid", {9}), 6);  // Refused by answering the old one.
  EXPECT_EQ(Do("setfsuid", {kMinus1}), 6);
}

TEST_F(Calls, LimitsOfOthersAreTheirOwners) {
  os_emu::Process& other = kernel_.CreateProcess();
  const auto pid = static_cast<uint64_t>(other.pid());
  EXPECT_EQ(Do("prlimit64", {pid, 3, Put(kScratch, GuestRlimit{5, 50}), 0}), 0);
  EXPECT_EQ(other.rlimits[3].soft, 5u);
  other.credentials.suid = 77;
  EXPECT_EQ(Do("prlimit64", {pid, 3, Put(kScratch, GuestRlimit{6, 50}), 0}), Error(Errno::kPerm));
  EXPECT_EQ(Do("prlimit64", {pid, 99, 0, 0}), Error(Errno::kPerm));
  other.credentials.suid = process_.credentials.suid;
  // A zombie has no memory that could be limited.
  kernel_.EndProcess(other, {});
  EXPECT_EQ(Do("prlimit64", {pid, 3, Put(kScratch, GuestRlimit{7, 50}), 0}), 0);
  EXPECT_EQ(Do("prlimit64", {pid, 9, Put(kScratch, GuestRlimit{7, 50}), 0}), 0);
  EXPECT_EQ(other.rlimits[3].soft, 7u);
}

TEST_F(Calls, LimitsAreCheckedInOrder) {
  EXPECT_EQ(Do("prlimit64", {999, 99, kUnmapped, 0}), Error(Errno::kFault));
  EXPECT_EQ(Do("prlimit64", {999, 99, 0, 0}), Error(Errno::kSrch));
  EXPECT_EQ(Do("prlimit64", {0, 99, 0, 0}), Error(Errno::kInval));
  EXPECT_EQ(Do("setrlimit", {7, Put(kScratch, GuestRlimit{5, 4})}), Error(Errno::kInval));
  EXPECT_EQ(Do("setrlimit", {0, Put(kScratch, GuestRlimit{5, 50})}), 0);
  EXPECT_EQ(Do("setrlimit", {0, Put(kScratch, GuestRlimit{5, 51})}), Error(Errno::kPerm));
  EXPECT_EQ(Do("getrlimit", {0, kScratch}), 0);
  EXPECT_EQ(Peek<GuestRlimit>(kScratch).hard, 50u);
}

TEST_F(Calls, GetrandomComesFromTheSeed) {
  os_emu::RandomStream expected = kernel_.world_random();
  EXPECT_EQ(Do("getrandom", {kScratch, 16, 0}), 16);
  std::array<uint8_t, 16> bytes;
  expected.Fill(bytes);
  EXPECT_EQ((Peek<std::array<uint8_t, 16>>(kScratch)), bytes);
  EXPECT_EQ(Do("getrandom", {kUnmapped, 16, 8}), Error(Errno::kInval));
  EXPECT_EQ(Do("getrandom", {kUnmapped, 16, 6}),
            Error(Errno::kInval));  // RANDOM and INSECURE together.
  EXPECT_EQ(Do("getrandom", {kUnmapped, 16, 0}), Error(Errno::kFault));
  EXPECT_EQ(Do("getrandom", {kUnmapped - 4, 16, 0}), 4);
}

TEST_F(Calls, PrctlNames) {
  EXPECT_EQ(Do("prctl", {15, Text(kScratch, "a name that is too long")}), 0);
  EXPECT_EQ(Do("prctl", {16, kScratch + 64}), 0);
  EXPECT_EQ(PeekText(kScratch + 64, 16), std::string("a name that is \0", 16));
  EXPECT_EQ(Do("prctl", {15, kUnmapped}), Error(Errno::kFault));
  EXPECT_EQ(Do("prctl", {39, 0, 0, 0, 0}), 0);
  EXPECT_EQ(Do("prctl", {38, 1, 0, 0, 0}), 0);
  EXPECT_EQ(Do("prctl", {39, 0, 0, 0, 0}), 1);
  EXPECT_EQ(Do("prctl", {38, 1, 1, 0, 0}), Error(Errno::kInval));
}

TEST_F(Calls, MembarrierNeedsItsRegistration) {
  EXPECT_EQ(Do("membarrier", {8, 0, 0}), Error(Errno::kPerm));
  EXPECT_EQ(Do("membarrier", {16, 0, 0}), 0);
  EXPECT_EQ(Do("membarrier", {8, 0, 0}), 0);
  EXPECT_EQ(Do("membarrier", {8, 1, 0}), Error(Errno::kInval));
}

TEST_F(Calls, HwprobeTellsRv64gc) {
  const GuestHwprobe pairs[3] = {{3, 99}, {4, 99}, {1000, 99}};
  Put(kScratch, pairs);
  EXPECT_EQ(Do("riscv_hwprobe", {kScratch, 3, 0, 0, 0}), 0);
  EXPECT_EQ(Peek<GuestHwprobe>(kScratch).value, 1u);
  EXPECT_EQ(Peek<GuestHwprobe>(kScratch + 16).value, 3u);
  EXPECT_EQ(Peek<GuestHwprobe>(kScratch + 32).key, -1);
  EXPECT_EQ(Peek<GuestHwprobe>(kScratch + 32).value, 0u);
  EXPECT_EQ(Do("riscv_hwprobe", {kScratch, 3, 0, 0, 2}), Error(Errno::kInval));
  EXPECT_EQ(Do("riscv_hwprobe", {kUnmapped, 3, 0, 0, 0}), Error(Errno::kFault));
  EXPECT_EQ(Do("riscv_flush_icache", {0, 0, 2}), Error(Errno::kInval));
  EXPECT_EQ(Do("riscv_flush_icache", {0, 0, 1}), 0);
}

TEST_F(Calls, ExitOfTheOnlyThreadEndsTheProcess) {
  EXPECT_EQ(Enter("exit", {0x1ff}), Next::kProcessExited);
  EXPECT_EQ(process_.exit->status, 0xff);
}

TEST_F(Calls, ExitOfOneThreadLeavesTheOthers) {
  os_emu::Thread& other = kernel_.CreateThread(process_);
  cpu_.x[interp::kA7] = 93;
  EXPECT_EQ(abi_->Enter(other, cpu_, &call_), Next::kThreadExited);
  EXPECT_FALSE(process_.exit.has_value());
  EXPECT_EQ(process_.threads.size(), 1u);
  kernel_.ReleaseEnded();
}

TEST_F(Calls, YieldSaysSo) { EXPECT_EQ(Enter("sched_yield", {}), Next::kYield); }

// A guest may call anything with anything.
TEST_F(Calls, HostileArgumentsCrashNothing) {
  os_emu::RandomStream random(1);
  TraceAll();
  const uint64_t interesting[] = {0,
                                  1,
                                  2,
                                  3,
                                  8,
                                  100,
                                  4095,
                                  4096,
                                  kScratch,
                                  kScratch + 1,
                                  kReadOnly,
                                  kUnmapped - 1,
                                  kUnmapped,
                                  uint64_t{1} << 31,
                                  uint64_t{1} << 32,
                                  memory::kAddressSpaceBytes - 1,
                                  uint64_t{1} << 63,
                                  kMinus1,
                                  static_cast<uint64_t>(-4096),
                                  kHere};
  for (int i = 0; i < 30000; ++i) {
    const auto table = SyscallTable();
    const SyscallRow& row = table[random.Below(table.size())];
    const std::string_view name = row.name;
    if (name == "exit" || name == "exit_group" || name == "munmap" || name == "mmap" ||
        name == "mremap" || name == "mprotect") {
      continue;
    }
    uint64_t args[kMaxArgs];
    for (uint64_t& arg : args) {
      arg =
          random.Below(8) == 0 ? random.Next() : interesting[random.Below(std::size(interesting))];
    }
    SCOPED_TRACE(row.name);
    cpu_.x[interp::kSp] = args[5];
    const Next next = Enter(row.number, {args[0], args[1], args[2], args[3], args[4], args[5]});
    if (next == Next::kBlocked) {
      abi_->DescribeBlocked(thread(), call_);
      thread().Unblock();
      thread().saved_mask.reset();
    }
    thread().pending = {};
    process_.pending = {};
    ASSERT_FALSE(process_.exit.has_value());
    if (i % 1000 == 0) process_.fds().CloseAll();
    sink_.trace.clear();
  }
}

}  // namespace
}  // namespace pollux::shims
