#include "os_emu/timerfd/timerfd.h"

#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::ReadSome;
using testing::TestMachine;

constexpr int32_t kMonotonic = 1, kRealtime = 0, kBoottime = 7;

class TimerFdTest : public ::testing::Test {
 protected:
  DescriptionRef Make(int32_t clock, uint32_t flags = kTfdNonBlock) {
    return *TimerFd::Create(machine_.kernel(), clock, flags);
  }
  static TimerFd& At(const DescriptionRef& file) { return *TimerFd::From(*file); }
  static void Set(const DescriptionRef& file, int64_t value, int64_t interval = 0,
                  uint32_t flags = 0) {
    EXPECT_TRUE(At(file).Set(flags, {Nanos{value}, Nanos{interval}}).ok());
  }
  void Pass(int64_t span) { machine_.Pass(Nanos{span}); }
  Clock& clock() { return machine_.kernel().clock(); }
  // -1: it would block; -2: cancelled.
  static int64_t Read(const DescriptionRef& file) {
    const Result<std::string> bytes = ReadSome(*file, 8);
    if (!bytes.ok()) return bytes.error() == Errno::kAgain ? -1 : -2;
    int64_t value = 0;
    std::memcpy(&value, bytes->data(), 8);
    return value;
  }
  static void Watch(const DescriptionRef& file, CountingWaiter& waiter) {
    WaitQueue* queues[2];
    ASSERT_EQ(file->PollQueues(queues), 1);
    queues[0]->Add(waiter);
  }

  TestMachine machine_;
};

TEST_F(TimerFdTest, ExpiresOnceAtItsTime) {
  for (const int32_t clock : {kRealtime, kMonotonic, kBoottime}) {
    const DescriptionRef timer = Make(clock);
    CountingWaiter waiter;
    Watch(timer, waiter);
    Set(timer, 10);
    Pass(9);
    EXPECT_EQ(timer->Poll(), 0u);
    EXPECT_EQ(At(timer).Get().value, Nanos{1});
    Pass(1);
    EXPECT_EQ(timer->Poll(), kIn);
    EXPECT_EQ(waiter.keys, std::vector<EventMask>{kIn});
    EXPECT_EQ(Read(timer), 1);
    EXPECT_EQ(Read(timer), -1);
    EXPECT_EQ(At(timer).Get().value, Nanos{0});
  }
}

TEST_F(TimerFdTest, AnExpiredIntervalStandsStillUntilItIsRead) {
  const DescriptionRef timer = Make(kMonotonic);
  CountingWaiter waiter;
  Watch(timer, waiter);
  Set(timer, 10, 7);
  Pass(100);
  EXPECT_EQ(waiter.keys.size(), 1u);
  EXPECT_EQ(machine_.kernel().NextDeadline(), kNanosMax);
  EXPECT_EQ(Read(timer), 1 + 90 / 7);
  EXPECT_EQ(At(timer).Get().value, Nanos{10 + 13 * 7 - 100});
  Pass(1);
  EXPECT_EQ(waiter.keys.size(), 2u);
}

TEST_F(TimerFdTest, AskingCountsWhatHasGoneBy) {
  const DescriptionRef timer = Make(kMonotonic);
  Set(timer, 10, 10);
  Pass(35);
  const TimerSetting left = At(timer).Get();
  EXPECT_EQ(left.value, Nanos{5});
  EXPECT_EQ(left.interval, Nanos{10});
  Pass(5);
  EXPECT_EQ(Read(timer), 4);
}

TEST_F(TimerFdTest, AbsoluteTimesAreOfTheTimersClock) {
  const DescriptionRef real = Make(kRealtime);
  const DescriptionRef monotonic = Make(kMonotonic);
  Set(real, Clock::kEpoch.value + 50, 0, kTfdAbsolute);
  Set(monotonic, Clock::kBootNanos.value + 60, 0, kTfdAbsolute);
  Pass(50);
  EXPECT_EQ(Read(real), 1);
  EXPECT_EQ(Read(monotonic), -1);
  Pass(10);
  EXPECT_EQ(Read(monotonic), 1);
  // The past.
  Set(real, 1, 0, kTfdAbsolute);
  Pass(0);
  EXPECT_EQ(Read(real), 1);
}

TEST_F(TimerFdTest, SettingAgainForgetsTheCountAndTellsWhatWasLeft) {
  const DescriptionRef timer = Make(kMonotonic);
  Set(timer, 10, 100);
  Pass(30);
  const TimerSetting old = *At(timer).Set(0, {Nanos{5}, Nanos{0}});
  EXPECT_EQ(old.value, Nanos{80});
  EXPECT_EQ(old.interval, Nanos{100});
  EXPECT_EQ(Read(timer), -1);
  Pass(5);
  Set(timer, 0);
  EXPECT_EQ(timer->Poll(), 0u);
  EXPECT_EQ(machine_.kernel().NextDeadline(), kNanosMax);
}

TEST_F(TimerFdTest, AClosedTimerDoesNotExpire) {
  DescriptionRef timer = Make(kMonotonic);
  Set(timer, 10);
  timer = DescriptionRef();
  EXPECT_EQ(machine_.kernel().timers().size(), 0u);
  Pass(20);
}

// ---- Discontinuous changes of CLOCK_REALTIME.

TEST_F(TimerFdTest, SettingTheClockMovesAbsoluteTimersOfRealtime) {
  const DescriptionRef absolute = Make(kRealtime);
  const DescriptionRef relative = Make(kRealtime);
  Set(absolute, Clock::kEpoch.value + 1000, 0, kTfdAbsolute);
  Set(relative, 1000);
  machine_.kernel().SetRealtime(Clock::kEpoch + Nanos{2000});
  EXPECT_EQ(Read(absolute), 1);
  EXPECT_EQ(Read(relative), -1);
  Pass(1000);
  EXPECT_EQ(Read(relative), 1);
}

TEST_F(TimerFdTest, ATimerThatMayBeCancelledIs) {
  const DescriptionRef timer = Make(kRealtime);
  const DescriptionRef other = Make(kRealtime);
  CountingWaiter waiter;
  Watch(timer, waiter);
  Set(timer, Clock::kEpoch.value + 1'000'000, 0, kTfdAbsolute | kTfdCancelOnSet);
  Set(other, Clock::kEpoch.value + 1'000'000, 0, kTfdAbsolute);
  machine_.kernel().SetRealtime(Clock::kEpoch + Nanos{500});
  EXPECT_EQ(timer->Poll(), kIn);
  EXPECT_EQ(waiter.keys, std::vector<EventMask>{kIn});
  EXPECT_EQ(other->Poll(), 0u);
  EXPECT_EQ(ReadSome(*timer, 8).error(), Errno::kCanceled);
  // Told once; the timer itself runs on, by the new time.
  EXPECT_EQ(Read(timer), -1);
  Pass(1'000'000 - 500);
  EXPECT_EQ(Read(timer), 1);
}

TEST_F(TimerFdTest, SettingACancelledTimerTellsItAndArmsIt) {
  const DescriptionRef timer = Make(kRealtime);
  Set(timer, Clock::kEpoch.value + 1'000'000, 0, kTfdAbsolute | kTfdCancelOnSet);
  machine_.kernel().SetRealtime(Clock::kEpoch + Nanos{500});
  EXPECT_EQ(At(timer)
                .Set(kTfdAbsolute | kTfdCancelOnSet, {Nanos{Clock::kEpoch.value + 600}, Nanos{0}})
                .error(),
            Errno::kCanceled);
  Pass(100);
  EXPECT_EQ(Read(timer), 1);
}

TEST_F(TimerFdTest, CancellationIsOnlyOfAbsoluteTimersOfRealtime) {
  const DescriptionRef relative = Make(kRealtime);
  const DescriptionRef monotonic = Make(kMonotonic);
  Set(relative, 1'000'000, 0, kTfdCancelOnSet);
  Set(monotonic, 1'000'000'000'000, 0, kTfdAbsolute | kTfdCancelOnSet);
  machine_.kernel().SetRealtime(Nanos{5});
  EXPECT_EQ(relative->Poll(), 0u);
  EXPECT_EQ(monotonic->Poll(), 0u);
  // Nor of one that was set otherwise since.
  const DescriptionRef changed = Make(kRealtime);
  Set(changed, 1'000'000, 0, kTfdAbsolute | kTfdCancelOnSet);
  Set(changed, 1'000'000, 0, kTfdAbsolute);
  machine_.kernel().SetRealtime(Nanos{50});
  EXPECT_EQ(changed->Poll(), 0u);
}

TEST_F(TimerFdTest, ABlockedReaderIsToldOfTheCancellation) {
  const DescriptionRef timer = Make(kRealtime, 0);
  Set(timer, Clock::kEpoch.value + 1'000'000, 0, kTfdAbsolute | kTfdCancelOnSet);
  machine_.Give(machine_.leader(), StartRead(machine_.leader(), timer, machine_.Buffer(0, 8)));
  EXPECT_FALSE(machine_.Answer(machine_.leader()).has_value());
  machine_.kernel().SetRealtime(Nanos{5});
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(machine_.leader()), testing::Failed(Errno::kCanceled));
}

// ---- Reading.

TEST_F(TimerFdTest, ABlockedReaderGetsTheCount) {
  const DescriptionRef timer = Make(kMonotonic, 0);
  Set(timer, 100);
  machine_.Give(machine_.leader(), StartRead(machine_.leader(), timer, machine_.Buffer(0, 8)));
  EXPECT_EQ(machine_.kernel().NextDeadline(), Clock::kBootNanos + Nanos{100});
  Pass(100);
  EXPECT_EQ(machine_.Answer(machine_.leader()), 8);
  EXPECT_EQ(machine_.Text(0, 8), std::string("\1\0\0\0\0\0\0\0", 8));
}

TEST_F(TimerFdTest, OneOfTwoBlockedReadersGetsIt) {
  const DescriptionRef timer = Make(kMonotonic, 0);
  Thread& second = machine_.NewThread();
  Set(timer, 100);
  machine_.Give(machine_.leader(), StartRead(machine_.leader(), timer, machine_.Buffer(0, 8)));
  machine_.Give(second, StartRead(second, timer, machine_.Buffer(8, 8)));
  Pass(100);
  EXPECT_EQ(machine_.Answer(machine_.leader()), 8);
  EXPECT_FALSE(machine_.Answer(second).has_value());
}

TEST_F(TimerFdTest, ReadErrors) {
  const DescriptionRef timer = Make(kMonotonic);
  EXPECT_EQ(ReadSome(*timer, 8).error(), Errno::kAgain);
  EXPECT_EQ(ReadSome(*timer, 7).error(), Errno::kInval);
  Set(timer, 1);
  Pass(1);
  EXPECT_EQ(ReadSome(*timer, 7).error(), Errno::kInval);
  memory::UserBuffer nowhere(&machine_.memory(), testing::kNowhere, 8);
  EXPECT_EQ(timer->Read(nowhere).error(), Errno::kFault);
  EXPECT_EQ(Read(timer), -1);  // It is gone.
  EXPECT_EQ(ReadSome(*timer, 100).error(), Errno::kAgain);
}

TEST_F(TimerFdTest, TicksCanBeSet) {
  const DescriptionRef timer = Make(kMonotonic);
  const GuestAddr address = testing::kArena;
  ASSERT_TRUE(machine_.memory().WriteObject(address, uint64_t{9}).ok());
  CountingWaiter waiter;
  Watch(timer, waiter);
  EXPECT_TRUE(timer->Ioctl(kTfdIocSetTicks, address.value, &machine_.memory()).ok());
  EXPECT_EQ(waiter.keys, std::vector<EventMask>{kIn});
  EXPECT_EQ(Read(timer), 9);
  ASSERT_TRUE(machine_.memory().WriteObject(address, uint64_t{0}).ok());
  EXPECT_EQ(timer->Ioctl(kTfdIocSetTicks, address.value, &machine_.memory()).error(),
            Errno::kInval);
  EXPECT_EQ(timer->Ioctl(kTfdIocSetTicks, testing::kNowhere.value, &machine_.memory()).error(),
            Errno::kFault);
  EXPECT_EQ(timer->Ioctl(0x5421, 0, &machine_.memory()).error(), Errno::kNotTy);
}

TEST_F(TimerFdTest, CreateErrors) {
  Kernel& kernel = machine_.kernel();
  EXPECT_EQ(TimerFd::Create(kernel, 2, 0).error(), Errno::kInval);
  EXPECT_EQ(TimerFd::Create(kernel, -1, 0).error(), Errno::kInval);
  EXPECT_EQ(TimerFd::Create(kernel, 8, 0).error(), Errno::kPerm);
  EXPECT_EQ(TimerFd::Create(kernel, 9, 0).error(), Errno::kPerm);
  EXPECT_EQ(TimerFd::Create(kernel, kMonotonic, 1).error(), Errno::kInval);
}

TEST_F(TimerFdTest, FdInfo) {
  const DescriptionRef timer = Make(kRealtime);
  Set(timer, 3'000'000'004, 5'000'000'006);
  EXPECT_EQ(timer->FdInfo(),
            "clockid: 0\nticks: 0\nsettime flags: 00\nit_value: (3, 4)\nit_interval: (5, 6)\n");
  EXPECT_EQ(timer->LinkText(), "anon_inode:[timerfd]");
}

}  // namespace
}  // namespace pollux::os_emu
