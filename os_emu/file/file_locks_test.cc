#include "os_emu/file/file_locks.h"

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

class Waits final : public Waiter {
 public:
  bool OnNotify(EventMask) override {
    ++woken;
    return true;
  }
  int woken = 0;
};

// Fakes share one anonymous inode, and so are one file.
class FileLocksTest : public ::testing::Test {
 protected:
  static DescriptionRef Fake() { return MakeDescription<testing::FakeDescription>(kORdWr); }
  static RecordLock Range(LockKind kind, int64_t start, int64_t end) { return {kind, start, end}; }

  memory::MemoryBudget budget_;
  FileLocks locks_{&budget_};
  DescriptionRef a_ = Fake(), b_ = Fake();
  FdTable one_, two_;
};

TEST_F(FileLocksTest, ADescriptionsLockGoesWithItAndWakesWhoWaits) {
  ASSERT_TRUE(locks_.Lock(*a_, LockKind::kExclusive).ok());
  EXPECT_EQ(locks_.Lock(*b_, LockKind::kShared).error(), Errno::kAgain);
  const auto queue = locks_.Queue(*b_);
  Waits waits;
  queue->Add(waits);
  a_ = {};
  EXPECT_EQ(waits.woken, 1);
  EXPECT_TRUE(locks_.Lock(*b_, LockKind::kExclusive).ok());
  b_ = {};
  EXPECT_EQ(budget_.used_bytes, 0u);
}

TEST_F(FileLocksTest, AProcesssLocksGoWithAnyCloseOfTheFile) {
  const Fd first = *one_.Install(a_, false);
  const Fd second = *one_.Install(b_, false);
  ASSERT_TRUE(locks_.SetRecord(*a_, &one_, Range(LockKind::kExclusive, 0, 9)).ok());
  EXPECT_EQ(locks_.SetRecord(*b_, &two_, Range(LockKind::kShared, 9, 9)).error(), Errno::kAgain);
  ASSERT_TRUE(one_.Remove(second).ok());
  EXPECT_TRUE(locks_.SetRecord(*b_, &two_, Range(LockKind::kShared, 9, 9)).ok());
  ASSERT_TRUE(one_.Remove(first).ok());
  two_.set_close_listener(nullptr);
}

TEST_F(FileLocksTest, WaitingInACircleIsADeadlock) {
  ASSERT_TRUE(locks_.SetRecord(*a_, &one_, Range(LockKind::kExclusive, 0, 0)).ok());
  ASSERT_TRUE(locks_.SetRecord(*a_, &two_, Range(LockKind::kExclusive, 1, 1)).ok());
  EXPECT_TRUE(locks_.WaitsForRecord(*a_, one_, Range(LockKind::kShared, 1, 1)).ok());
  EXPECT_EQ(locks_.WaitsForRecord(*a_, two_, Range(LockKind::kShared, 0, 0)).error(),
            Errno::kDeadLk);
  locks_.WaitsNoMore(one_);
  EXPECT_TRUE(locks_.WaitsForRecord(*a_, two_, Range(LockKind::kShared, 0, 0)).ok());
}

TEST_F(FileLocksTest, LocksAreChargedAndRefused) {
  budget_.limit_bytes = 600;
  ASSERT_TRUE(locks_.SetRecord(*a_, nullptr, Range(LockKind::kExclusive, 0, 9)).ok());
  ASSERT_TRUE(locks_.Lock(*a_, LockKind::kShared).ok());
  // A hole in the middle makes two of one.
  EXPECT_EQ(locks_.SetRecord(*a_, nullptr, Range(LockKind::kNone, 4, 5)).error(), Errno::kNoLck);
  EXPECT_TRUE(locks_.SetRecord(*a_, nullptr, Range(LockKind::kNone, 5, 9)).ok());
  EXPECT_EQ((*locks_.FindRecord(*b_, nullptr, Range(LockKind::kShared, 0, 99)))->end, 4);
}

}  // namespace
}  // namespace pollux::os_emu
