#include "shims/footprint.h"

#include <string_view>

#include "gtest/gtest.h"
#include "shims/testing.h"

namespace pollux::shims {
namespace {

class FootprintTest : public SyscallTest {
 protected:
  Footprint Of(std::string_view name, CallArgs args) {
    return FootprintOf(thread(), FindSyscall(name)->number, args, kScratch + kScratchBytes);
  }
  int64_t Eventfd() { return Do("eventfd2", {0, 0}); }
};

constexpr uint64_t kWaitPrivate = 128, kWakePrivate = 129;

TEST_F(FootprintTest, WhatIsNotKnownConflictsWithAll) {
  const Footprint unknown = Of("clock_gettime", {0, kScratch});
  EXPECT_TRUE(unknown.everything);
  EXPECT_TRUE(Conflict(unknown, Of("getpid", {})));
  EXPECT_TRUE(unknown.Touches(kScratch + 100, 4, false));
  EXPECT_TRUE(FootprintOf(thread(), 100'000, {}, 0).everything);
}

TEST_F(FootprintTest, WhatNobodySeesConflictsWithNothing) {
  EXPECT_FALSE(Conflict(Of("getpid", {}), Of("write", {0, kScratch, 8})));
  EXPECT_FALSE(Of("gettid", {}).Touches(kScratch, 8, true));
}

TEST_F(FootprintTest, FutexesConflictAtTheirWord) {
  const Footprint wait = Of("futex", {kScratch, kWaitPrivate, 0, 0});
  EXPECT_FALSE(wait.everything);
  EXPECT_TRUE(Conflict(wait, Of("futex", {kScratch, kWakePrivate, 1})));
  EXPECT_FALSE(Conflict(wait, Of("futex", {kScratch + 4, kWakePrivate, 1})));
  EXPECT_TRUE(wait.Touches(kScratch, 4, true));
  EXPECT_FALSE(wait.Touches(kScratch + 4, 4, true));
  EXPECT_TRUE(Of("futex", {kScratch, kWaitPrivate, 0, kScratch + 64}).everything) << "a timeout";
  EXPECT_TRUE(Of("futex", {kScratch, 128 + 3, 1, 1, kScratch + 4}).everything) << "a requeue";
}

TEST_F(FootprintTest, DescriptorsConflictAndBuffersDoWhereTheyMeet) {
  const uint64_t event = static_cast<uint64_t>(Eventfd());
  const Footprint write = Of("write", {event, kScratch, 8});
  EXPECT_TRUE(Conflict(write, Of("read", {event, kScratch + 64, 8})));
  EXPECT_TRUE(Conflict(write, Of("eventfd2", {0, 0}))) << "numbers are one table's";
  EXPECT_FALSE(Conflict(write, Of("futex", {kScratch + 64, kWakePrivate, 1})));
  EXPECT_FALSE(write.Touches(kScratch, 8, false)) << "both read";
  EXPECT_TRUE(write.Touches(kScratch, 8, true));
  EXPECT_TRUE(Of("read", {event, kScratch, 8}).Touches(kScratch + 7, 1, false));
  EXPECT_FALSE(Of("read", {event, kScratch, 8}).Touches(kScratch + 8, 1, true));
}

TEST_F(FootprintTest, FilesWithNamesAndTimesAreNotToldApart) {
  const uint64_t event = static_cast<uint64_t>(Eventfd());
  const int64_t file = Do("openat", {static_cast<uint64_t>(-100), Text(kScratch, "f"), 0102, 0600});
  ASSERT_GE(file, 0);
  EXPECT_TRUE(Of("read", {static_cast<uint64_t>(file), kScratch, 8}).everything);
  EXPECT_FALSE(Of("read", {event, kScratch, 8}).everything);
  EXPECT_FALSE(Of("epoll_pwait", {event, kScratch, 1, UINT64_MAX}).everything);
  EXPECT_TRUE(Of("epoll_pwait", {event, kScratch, 1, 10}).everything) << "a timeout";
  // What any epoll instance reports may depend on it now.
  ASSERT_GE(Do("timerfd_create", {1, 0}), 0);
  EXPECT_TRUE(Of("read", {event, kScratch, 8}).everything);
}

TEST_F(FootprintTest, AMaskMattersWhereSignalsComeByThemselves) {
  process_.actions[10].handler = 0x1000;
  EXPECT_FALSE(Of("rt_sigprocmask", {0, kScratch, 0, 8}).everything);
  const uint64_t in_a_second[] = {0, 0, 1, 0};
  ASSERT_EQ(Do("setitimer", {0, Put(kScratch + 64, in_a_second), 0}), 0);
  EXPECT_TRUE(Of("rt_sigprocmask", {0, kScratch, 0, 8}).everything);
}

TEST_F(FootprintTest, AMaskMattersWhereASignalPends) {
  const uint64_t usr1 = uint64_t{1} << 9;
  ASSERT_EQ(Do("rt_sigprocmask", {0, Put(kScratch, usr1), 0, 8}), 0);
  ASSERT_EQ(Do("kill", {static_cast<uint64_t>(process_.pid()), 10}), 0);
  EXPECT_TRUE(Of("rt_sigprocmask", {1, kScratch, 0, 8}).everything);
}

TEST_F(FootprintTest, ThreadsBeginAndEndInAnOrder) {
  constexpr uint64_t kThread = 0x10f00, kParentSetTid = 0x100000;
  const Footprint makes = Of("clone", {kThread | kParentSetTid, kScratch, kScratch + 64});
  EXPECT_FALSE(makes.everything);
  EXPECT_TRUE(makes.Touches(kScratch + 64, 4, false));
  EXPECT_TRUE(Of("clone", {17}).everything) << "a process";
  thread().clear_child_tid = GuestAddr{kScratch + 128};
  const Footprint end = Of("exit", {0});
  EXPECT_TRUE(Conflict(makes, end));
  EXPECT_TRUE(Conflict(end, Of("futex", {kScratch + 128, kWaitPrivate, 0, 0})));
  // A robust list that is empty, and one that is not.
  thread().robust_list_head = GuestAddr{kScratch + 256};
  const uint64_t head[] = {kScratch + 256, 0, 0};
  Put(kScratch + 256, head);
  EXPECT_FALSE(Of("exit", {0}).everything);
  Put(kScratch + 256, uint64_t{kScratch + 512});
  EXPECT_TRUE(Of("exit", {0}).everything);
}

TEST_F(FootprintTest, OtherProcessesSeeMore) {
  EXPECT_FALSE(Of("getpid", {}).everything);
  kernel_.CreateProcess();
  EXPECT_TRUE(Of("getpid", {}).everything);
}

}  // namespace
}  // namespace pollux::shims
