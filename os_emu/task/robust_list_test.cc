#include "os_emu/task/robust_list.h"

#include "gtest/gtest.h"
#include "os_emu/task/futex_pi.h"
#include "os_emu/task/futex_testing.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

using testing::FutexTest;
using testing::kNowhere;

class RobustList : public FutexTest {
 protected:
  static constexpr GuestAddr kHead = testing::kArena + 0x1000;
  // Entry i, and its word 16 bytes behind it.
  static GuestAddr EntryAt(uint64_t i) { return kHead + 0x100 + 32 * i; }
  static GuestAddr WordAt(uint64_t i) { return EntryAt(i) + 16; }

  RobustList() : thread_(machine_.NewThread()) { thread_.robust_list_head = kHead; }
  void Head(uint64_t first, uint64_t pending = 0, int64_t offset = 16) {
    Store(kHead, first);
    Store(kHead + 8, offset);
    Store(kHead + 16, pending);
  }
  // Makes a list of `count` entries whose words hold the thread's number and `bits`.
  void List(uint64_t count, uint32_t bits = 0) {
    Head(count > 0 ? EntryAt(0).value : kHead.value);
    for (uint64_t i = 0; i < count; ++i) {
      Store(EntryAt(i), i + 1 < count ? EntryAt(i + 1).value : kHead.value);
      Store(WordAt(i), Number(thread_) | bits);
    }
  }
  void End(Thread& thread) {
    machine_.kernel().EndThread(thread, 0);
    machine_.Settle();
  }
  static constexpr uint32_t kDied = kFutexOwnerDied;

  Thread& thread_;
};

TEST_F(RobustList, MarksWhatTheThreadHasAndWakesOneWaiter) {
  List(3, kFutexWaiters);
  Store(WordAt(1), Number(machine_.leader()));
  Thread& b = Waiter(Shared(WordAt(0)));
  Thread& c = Waiter(Shared(WordAt(0)));
  const uint32_t other = Load(WordAt(1));
  End(thread_);
  EXPECT_EQ(Load(WordAt(0)), kFutexWaiters | kDied);
  EXPECT_EQ(Load(WordAt(1)), other);
  EXPECT_EQ(Load(WordAt(2)), kFutexWaiters | kDied);
  EXPECT_EQ(machine_.Answer(b), 0);
  EXPECT_FALSE(Done(c));
}

TEST_F(RobustList, WithoutTheWaitersBitNobodyIsWoken) {
  List(1);
  Thread& b = Waiter(Shared(WordAt(0)));
  End(thread_);
  EXPECT_EQ(Load(WordAt(0)), kDied);
  EXPECT_FALSE(Done(b));
}

TEST_F(RobustList, ThePendingOneIsDoneThoughItIsNotOnTheList) {
  List(2);
  Head(EntryAt(0).value, EntryAt(5).value);
  Store(WordAt(5), Number(thread_));
  End(thread_);
  EXPECT_EQ(Load(WordAt(1)), kDied);
  EXPECT_EQ(Load(WordAt(5)), kDied);
}

// Twice, the second time would find a free lock, and wake another.
TEST_F(RobustList, APendingOneOnTheListIsDoneOnce) {
  List(1, kFutexWaiters);
  Head(EntryAt(0).value, EntryAt(0).value);
  Thread& b = Waiter(Shared(WordAt(0)));
  Thread& c = Waiter(Shared(WordAt(0)));
  End(thread_);
  EXPECT_EQ(machine_.Answer(b), 0);
  EXPECT_FALSE(Done(c));
}

TEST_F(RobustList, APendingUnlockThatWasMadeWakesOne) {
  Head(kHead.value, EntryAt(5).value);
  Store(WordAt(5), 0);
  Thread& b = Waiter(Shared(WordAt(5)));
  End(thread_);
  EXPECT_EQ(Load(WordAt(5)), 0u);
  EXPECT_EQ(machine_.Answer(b), 0);
}

TEST_F(RobustList, APriorityInheritingLockGoesToItsWaiter) {
  Thread& b = machine_.NewThread();
  List(1);
  Store(kHead, EntryAt(0).value | 1);
  machine_.Give(b, StartFutexLockPi(b, Private(WordAt(0)), std::nullopt));
  End(thread_);
  EXPECT_EQ(machine_.Answer(b), 0);
  EXPECT_EQ(Load(WordAt(0)), Number(b) | kFutexWaiters | kDied);
}

TEST_F(RobustList, ACircleEndsAfter2048Entries) {
  List(2);
  Store(EntryAt(1), EntryAt(0).value);
  Head(EntryAt(0).value, EntryAt(5).value);
  Store(WordAt(5), Number(thread_));
  End(thread_);
  EXPECT_EQ(Load(WordAt(1)), kDied);
  EXPECT_EQ(Load(WordAt(5)), kDied);
}

TEST_F(RobustList, ALongListIsDoneInPart) {
  List(2049);
  End(thread_);
  EXPECT_EQ(Load(WordAt(2047)), kDied);
  EXPECT_NE(Load(WordAt(2048)), kDied);
}

TEST_F(RobustList, TheFirstBadAddressEndsTheWalk) {
  List(3);
  Store(EntryAt(0), kNowhere.value);
  Store(WordAt(0), Number(thread_));
  Head(EntryAt(0).value, EntryAt(5).value);
  Store(WordAt(5), Number(thread_));
  End(thread_);
  // The entry whose successor cannot be read is still done; the pending one is not.
  EXPECT_EQ(Load(WordAt(0)), kDied);
  EXPECT_NE(Load(WordAt(1)), kDied);
  EXPECT_NE(Load(WordAt(5)), kDied);
}

TEST_F(RobustList, AMisalignedWordEndsTheWalk) {
  List(2);
  Head(EntryAt(0).value, EntryAt(5).value, 17);
  for (uint64_t i : {0, 1, 5}) Store(EntryAt(i) + 17, Number(thread_));
  End(thread_);
  for (uint64_t i : {0, 1, 5}) EXPECT_EQ(Load(EntryAt(i) + 17), Number(thread_)) << i;
}

TEST_F(RobustList, HostileHeadsAreHarmless) {
  for (uint64_t head : {uint64_t{1}, kNowhere.value, UINT64_MAX, UINT64_MAX - 7,
                        testing::kArena.value + testing::kArenaBytes - 8}) {
    Thread& thread = machine_.NewThread();
    thread.robust_list_head = GuestAddr{head};
    End(thread);
  }
  List(1);
  Head(EntryAt(0).value, UINT64_MAX, INT64_MIN);
  End(thread_);
  EXPECT_EQ(Load(WordAt(0)) & kDied, 0u);
}

TEST_F(RobustList, AListIsWalkedOnce) {
  List(1);
  ExitRobustList(thread_);
  EXPECT_TRUE(thread_.robust_list_head.IsNull());
  EXPECT_EQ(Load(WordAt(0)), kDied);
  Store(WordAt(0), Number(thread_));
  ExitRobustList(thread_);
  EXPECT_EQ(Load(WordAt(0)), Number(thread_));
}

TEST_F(RobustList, TheEndOfTheProcessWalksAllLists) {
  List(1);
  // It lives until ReleaseEnded().
  memory::AddressSpace& memory = machine_.memory();
  machine_.kernel().EndProcess(machine_.process(), {});
  EXPECT_EQ(*memory.ReadObject<uint32_t>(WordAt(0)), kDied);
}

TEST_F(RobustList, ClearChildTidIsClearedAndItsWaiterWokenAfterwards) {
  const GuestAddr tid = kOther + 128;
  Store(tid, Number(thread_));
  thread_.clear_child_tid = tid;
  Thread& joiner = Waiter(Shared(tid));
  End(thread_);
  EXPECT_EQ(Load(tid), 0u);
  EXPECT_EQ(machine_.Answer(joiner), 0);
}

}  // namespace
}  // namespace pollux::os_emu
