#include "os_emu/epoll/epoll_wait.h"

#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/epoll/epoll.h"
#include "os_emu/file/testing.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

using testing::Failed;
using testing::FakeDescription;
using testing::kArena;
using testing::kArenaBytes;
using testing::kNowhere;
using testing::TestMachine;

class EpollWaitTest : public ::testing::Test {
 protected:
  EpollWaitTest() { Add(fake_, kIn, 0x1122334455667788); }

  FakeDescription& fake() { return static_cast<FakeDescription&>(*fake_); }
  Thread& thread() { return machine_.leader(); }
  void Add(const DescriptionRef& target, EventMask events, uint64_t data) {
    ASSERT_TRUE(
        EpollInstance::Control(*epoll_, kEpollCtlAdd, *target, FdLabel(Fd{4}), events, data).ok());
  }
  void Wait(Thread& thread, GuestAddr events, int32_t max_events = 8,
            std::optional<Nanos> timeout = std::nullopt) {
    machine_.Give(thread, StartEpollWait(thread, epoll_, events, max_events, timeout));
  }
  void Wait(int32_t max_events = 8, std::optional<Nanos> timeout = std::nullopt) {
    Wait(thread(), kArena, max_events, timeout);
  }
  std::optional<int64_t> Answer() { return machine_.Answer(thread()); }

  TestMachine machine_;
  DescriptionRef epoll_ = MakeDescription<EpollInstance>(nullptr);
  DescriptionRef fake_ = MakeDescription<FakeDescription>();
};

TEST_F(EpollWaitTest, WritesEventsAsRiscv64LaysThemOut) {
  for (uint64_t i = 0; i < 32; i += 8) {
    ASSERT_TRUE(machine_.memory().WriteObject(kArena + i, uint64_t{0xa5a5a5a5a5a5a5a5}).ok());
  }
  fake().ready = kIn;
  fake().Become(kIn, kIn);
  Wait();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(*machine_.memory().ReadObject<uint32_t>(kArena), kIn);
  EXPECT_EQ(*machine_.memory().ReadObject<uint32_t>(kArena + 4), 0xa5a5a5a5);  // Padding.
  EXPECT_EQ(*machine_.memory().ReadObject<uint64_t>(kArena + 8), 0x1122334455667788u);
  EXPECT_EQ(*machine_.memory().ReadObject<uint64_t>(kArena + 16), 0xa5a5a5a5a5a5a5a5u);
}

TEST_F(EpollWaitTest, TheNumberOfEventsHasItsLimits) {
  Wait(0);
  EXPECT_EQ(Answer(), Failed(Errno::kInval));
  Wait(-1);
  EXPECT_EQ(Answer(), Failed(Errno::kInval));
  Wait(INT32_MAX / 16 + 1);
  EXPECT_EQ(Answer(), Failed(Errno::kInval));
  Wait(INT32_MAX / 16, Nanos{0});
  EXPECT_EQ(Answer(), 0);
}

TEST_F(EpollWaitTest, AnArrayOutsideUserSpaceIsFault) {
  Wait(thread(), GuestAddr{uint64_t{1} << 63});
  EXPECT_EQ(Answer(), Failed(Errno::kFault));
  Wait(thread(), GuestAddr{UINT64_MAX - 3});
  EXPECT_EQ(Answer(), Failed(Errno::kFault));
}

TEST_F(EpollWaitTest, AnArrayThatIsNotMappedIsFaultOnlyWithAnEvent) {
  Wait(thread(), kNowhere, 8, Nanos{0});
  EXPECT_EQ(Answer(), 0);
  fake().Become(kIn, kIn);
  Wait(thread(), kNowhere);
  EXPECT_EQ(Answer(), Failed(Errno::kFault));
  // The event was not lost.
  Wait();
  EXPECT_EQ(Answer(), 1);
}

TEST_F(EpollWaitTest, AnArrayThatEndsEarlyTakesWhatFits) {
  const DescriptionRef other = MakeDescription<FakeDescription>();
  static_cast<FakeDescription&>(*other).ready = kIn;
  fake().Become(kIn, kIn);
  Add(other, kIn, 2);
  Wait(thread(), kArena + (kArenaBytes - 16));
  EXPECT_EQ(Answer(), 1);
  Wait(thread(), kArena + (kArenaBytes - 8));
  EXPECT_EQ(Answer(), Failed(Errno::kFault));
}

TEST_F(EpollWaitTest, AnotherTypeOfDescriptionIsInval) {
  epoll_ = fake_;
  Wait();
  EXPECT_EQ(Answer(), Failed(Errno::kInval));
}

TEST_F(EpollWaitTest, TheDeadlineIsAbsoluteAndDoesNotRestart) {
  Wait(8, Nanos{100});
  machine_.Pass(Nanos{60});
  fake().Become(0, kIn);  // A wake-up for nothing.
  machine_.Settle();
  EXPECT_FALSE(Answer().has_value());
  machine_.Pass(Nanos{40});
  EXPECT_EQ(Answer(), 0);
}

TEST_F(EpollWaitTest, AWakeUpForNothingPutsTheThreadFirstAgain) {
  Thread& other = machine_.NewThread();
  Wait();
  Wait(other, kArena + 4096);
  fake().Become(0, kIn);  // Wakes `other`, the last one, and finds nothing.
  machine_.Settle();
  EXPECT_FALSE(machine_.Answer(other).has_value());
  fake().Become(kIn, kIn);
  EXPECT_TRUE(other.woken());
  EXPECT_FALSE(thread().woken());
}

TEST_F(EpollWaitTest, AWaitThatTimesOutWhileAsleepDoesNotLookAgain) {
  Thread& other = machine_.NewThread();
  Wait(8, Nanos{100});
  Wait(other, kArena + 4096);
  machine_.kernel().clock().AdvanceBy(Nanos{100});
  fake().Become(kIn, kIn);  // Wakes `other` only.
  const Result<int64_t> result = machine_.kernel().ResumeBlocked(thread());
  EXPECT_EQ(*result, 0);
}

TEST_F(EpollWaitTest, AWakeUpBeforeTheDeadlineIsLookedAt) {
  Wait(8, Nanos{100});
  fake().Become(kIn, kIn);
  machine_.kernel().clock().AdvanceBy(Nanos{100});
  EXPECT_EQ(*machine_.kernel().ResumeBlocked(thread()), 1);
}

TEST_F(EpollWaitTest, ASignalEndsItWithoutRestart) {
  Wait();
  EXPECT_EQ(thread().blocked_call()->on_signal(), OnSignal::kEintr);
  EXPECT_EQ(machine_.Interrupt(thread()), Failed(Errno::kIntr));
  EXPECT_TRUE(EpollInstance::From(*epoll_)->wait_queue().empty());
}

TEST_F(EpollWaitTest, AnEventThatCameWithASignalIsReported) {
  Wait();
  SignalInfo info;
  info.signal = kSigTerm;
  machine_.kernel().RaiseSignal(thread(), info);
  fake().Become(kIn, kIn);
  machine_.Settle();
  EXPECT_EQ(Answer(), 1);
}

TEST_F(EpollWaitTest, TheWaitKeepsTheInstance) {
  Wait();
  epoll_ = DescriptionRef();
  fake().Become(kIn, kIn);
  machine_.Settle();
  EXPECT_EQ(Answer(), 1);
  EXPECT_TRUE(fake().queue.empty());
}

}  // namespace
}  // namespace pollux::os_emu
