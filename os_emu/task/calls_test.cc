#include "os_emu/task/calls.h"

#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

using testing::Failed;
using testing::FakeDescription;
using testing::kArena;
using testing::kNowhere;
using testing::TestMachine;

class CallsTest : public ::testing::Test {
 protected:
  FakeDescription& fake() { return static_cast<FakeDescription&>(*description_); }
  Thread& thread() { return machine_.leader(); }
  std::optional<int64_t> Answer() { return machine_.Answer(thread()); }
  void Read(uint64_t bytes = 1) {
    machine_.Give(thread(), StartRead(thread(), description_, machine_.Buffer(0, bytes)));
  }
  void Write(uint64_t bytes = 1) {
    machine_.Give(thread(), StartWrite(thread(), description_, machine_.Buffer(0, bytes)));
  }
  void Replace(uint32_t flags) { description_ = MakeDescription<FakeDescription>(flags); }

  TestMachine machine_;
  DescriptionRef description_ = MakeDescription<FakeDescription>();
};

// ---- read and write.

TEST_F(CallsTest, AReadThatCanBeDoneIsDoneAtOnce) {
  fake().ready = kIn;
  Read();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(machine_.Text(0, 1), "r");
}

TEST_F(CallsTest, AReadWaitsUntilItCanBeDone) {
  Read();
  EXPECT_TRUE(thread().blocked());
  fake().Become(kIn, kIn);
  machine_.Settle();
  EXPECT_EQ(Answer(), 1);
  EXPECT_TRUE(fake().queue.empty());
}

TEST_F(CallsTest, AReadThatWasWokenForNothingWaitsOn) {
  Read();
  fake().Become(0, kIn);
  machine_.Settle();
  EXPECT_TRUE(thread().blocked());
  fake().Become(kIn, kIn);
  machine_.Settle();
  EXPECT_EQ(Answer(), 1);
}

TEST_F(CallsTest, AnExclusiveWakeUpIsNotSpentOnAThreadThatIsAwake) {
  fake().mode = WaitMode::kExclusive;
  Thread& other = machine_.NewThread();
  Read();
  machine_.Give(other, StartRead(other, description_, machine_.Buffer(16, 1)));
  SignalInfo info;
  info.signal = kSigTerm;
  machine_.kernel().RaiseSignal(thread(), info);
  fake().Become(kIn, kIn);
  EXPECT_TRUE(thread().woken());
  EXPECT_TRUE(other.woken());
}

TEST_F(CallsTest, AnExclusiveWakeUpReachesOneThread) {
  fake().mode = WaitMode::kExclusive;
  Thread& other = machine_.NewThread();
  Read();
  machine_.Give(other, StartRead(other, description_, machine_.Buffer(16, 1)));
  fake().Become(kIn, kIn);
  EXPECT_TRUE(thread().woken());
  EXPECT_FALSE(other.woken());
}

TEST_F(CallsTest, ANonBlockingReadIsAgain) {
  Replace(kORdWr | kONonBlock);
  Read();
  EXPECT_EQ(Answer(), Failed(Errno::kAgain));
}

TEST_F(CallsTest, TheWrongAccessModeIsBadF) {
  Replace(kOWrOnly);
  Read();
  EXPECT_EQ(Answer(), Failed(Errno::kBadF));
  Replace(kORdOnly);
  Write();
  EXPECT_EQ(Answer(), Failed(Errno::kBadF));
}

TEST_F(CallsTest, ABlockedReadKeepsItsDescriptionOpen) {
  bool released = false;
  fake().on_release = [&] { released = true; };
  Read();
  description_ = DescriptionRef();
  EXPECT_FALSE(released);
  machine_.Interrupt(thread());
  EXPECT_TRUE(released);
}

TEST_F(CallsTest, AnInterruptedReadIsIntrAndMayRestart) {
  Read();
  EXPECT_EQ(thread().blocked_call()->on_signal(), OnSignal::kRestart);
  EXPECT_EQ(machine_.Interrupt(thread()), Failed(Errno::kIntr));
  EXPECT_TRUE(fake().queue.empty());
}

TEST_F(CallsTest, AWriteGoesOnUntilAllIsWritten) {
  fake().ready = kOut;
  fake().writes_allowed = 2;
  Write(5);
  EXPECT_TRUE(thread().blocked());
  fake().writes_allowed = 2;
  fake().Become(kOut, kOut);
  machine_.Settle();
  EXPECT_TRUE(thread().blocked());
  fake().writes_allowed = 9;
  fake().Become(kOut, kOut);
  machine_.Settle();
  EXPECT_EQ(Answer(), 5);
  EXPECT_EQ(fake().writes_allowed, 8u);
}

TEST_F(CallsTest, ANonBlockingWriteIsShort) {
  Replace(kORdWr | kONonBlock);
  fake().ready = kOut;
  fake().writes_allowed = 1;
  Write(5);
  EXPECT_EQ(Answer(), 1);
  Write(5);
  EXPECT_EQ(Answer(), Failed(Errno::kAgain));
}

TEST_F(CallsTest, AnInterruptedWriteTellsWhatWasWritten) {
  fake().ready = kOut;
  fake().writes_allowed = 2;
  Write(5);
  EXPECT_EQ(machine_.Interrupt(thread()), 2);
}

TEST_F(CallsTest, AnErrorAfterAPartIsAShortWrite) {
  fake().ready = kOut;
  fake().writes_allowed = 2;
  Write(5);
  fake().write_error = Errno::kIo;
  fake().Become(kOut, kOut);
  machine_.Settle();
  EXPECT_EQ(Answer(), 2);
}

TEST_F(CallsTest, ABrokenPipeRaisesSigPipe) {
  fake().write_error = Errno::kPipe;
  Write();
  EXPECT_EQ(Answer(), Failed(Errno::kPipe));
  const std::optional<SignalInfo> signal = machine_.kernel().TakeSignal(thread());
  ASSERT_TRUE(signal.has_value());
  EXPECT_EQ(signal->signal, kSigPipe);
  EXPECT_EQ(signal->code, kSiUser);
  EXPECT_EQ(signal->sender_pid, 1000);
}

TEST_F(CallsTest, ABrokenPipeAfterAPartRaisesSigPipeToo) {
  fake().ready = kOut;
  fake().writes_allowed = 2;
  Write(5);
  fake().write_error = Errno::kPipe;
  fake().Become(kOut, 0);
  machine_.Settle();
  EXPECT_EQ(Answer(), 2);
  EXPECT_EQ(machine_.kernel().TakeSignal(thread())->signal, kSigPipe);
}

// ---- poll.

class PollTest : public CallsTest {
 protected:
  static constexpr uint64_t kRemaining = 4096;

  static PollEntry Entry(DescriptionRef description, EventMask wanted) {
    PollEntry entry;
    entry.description = std::move(description);
    entry.wanted = wanted;
    return entry;
  }
  void Poll(std::vector<PollEntry> entries, PollTimeout timeout = {}) {
    machine_.Give(thread(), StartPoll(thread(), std::move(entries), kArena, timeout));
  }
  uint16_t Revents(uint64_t i) {
    return *machine_.memory().ReadObject<uint16_t>(kArena + (i * 8 + 6));
  }
  int64_t RemainingNanos() {
    const int64_t seconds = *machine_.memory().ReadObject<int64_t>(kArena + kRemaining);
    return seconds * 1'000'000'000 +
           *machine_.memory().ReadObject<int64_t>(kArena + (kRemaining + 8));
  }
};

TEST_F(PollTest, TellsWhatIsReady) {
  fake().ready = kIn | kOut;
  PollEntry closed;
  closed.closed = true;
  Poll({Entry(description_, kIn), closed, PollEntry(), Entry(description_, kPri)});
  EXPECT_EQ(Answer(), 2);
  EXPECT_EQ(Revents(0), kIn);
  EXPECT_EQ(Revents(1), kNval);
  EXPECT_EQ(Revents(2), 0);
  EXPECT_EQ(Revents(3), 0);
}

TEST_F(PollTest, ErrAndHupAreToldUnasked) {
  fake().ready = kErr | kHup | kIn;
  Poll({Entry(description_, 0)});
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(Revents(0), kErr | kHup);
}

TEST_F(PollTest, WaitsForAnyOfItsEntries) {
  const DescriptionRef other = MakeDescription<FakeDescription>();
  Poll({Entry(description_, kIn), Entry(other, kOut)});
  EXPECT_TRUE(thread().blocked());
  static_cast<FakeDescription&>(*other).Become(kOut, kOut);
  machine_.Settle();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(Revents(0), 0);
  EXPECT_EQ(Revents(1), kOut);
  EXPECT_TRUE(fake().queue.empty());
}

TEST_F(PollTest, AKeyThatIsNotWantedDoesNotWake) {
  Poll({Entry(description_, kIn)});
  fake().Become(kOut, kOut);
  EXPECT_FALSE(thread().woken());
  fake().Become(kHup, kHup);
  EXPECT_TRUE(thread().woken());
}

TEST_F(PollTest, ATimeoutOfZeroDoesNotWait) {
  Poll({Entry(description_, kIn)}, {.span = Nanos{0}, .remaining = {}});
  EXPECT_EQ(Answer(), 0);
  EXPECT_EQ(Revents(0), 0);
}

TEST_F(PollTest, TheTimeoutEndsTheWait) {
  Poll({Entry(description_, kIn)}, {.span = Nanos{100}, .remaining = kArena + kRemaining});
  machine_.Pass(Nanos{99});
  EXPECT_FALSE(Answer().has_value());
  machine_.Pass(Nanos{1});
  EXPECT_EQ(Answer(), 0);
  EXPECT_EQ(RemainingNanos(), 0);
}

TEST_F(PollTest, TellsTheTimeThatIsLeft) {
  const Nanos span{3'000'000'007};
  Poll({Entry(description_, kIn)}, {.span = span, .remaining = kArena + kRemaining});
  machine_.Pass(Nanos{7});
  fake().Become(kIn, kIn);
  machine_.Settle();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(RemainingNanos(), 3'000'000'000);
}

TEST_F(PollTest, AnUnwritableTimeIsNoError) {
  fake().ready = kIn;
  Poll({Entry(description_, kIn)}, {.span = Nanos{5}, .remaining = kNowhere});
  EXPECT_EQ(Answer(), 1);
}

TEST_F(PollTest, AnUnwritableArrayIsFault) {
  fake().ready = kIn;
  machine_.Give(thread(), StartPoll(thread(), {Entry(description_, kIn)}, kNowhere, {}));
  EXPECT_EQ(Answer(), Failed(Errno::kFault));
}

TEST_F(PollTest, WithoutEntriesItIsASleep) {
  Poll({}, {.span = Nanos{10}, .remaining = {}});
  EXPECT_TRUE(thread().blocked());
  machine_.Pass(Nanos{10});
  EXPECT_EQ(Answer(), 0);
}

TEST_F(PollTest, AnInterruptedPollClearsRevents) {
  ASSERT_TRUE(machine_.memory().WriteObject<uint64_t>(kArena, UINT64_MAX).ok());
  Poll({Entry(description_, kIn)});
  EXPECT_EQ(thread().blocked_call()->on_signal(), OnSignal::kNoHandler);
  EXPECT_EQ(machine_.Interrupt(thread()), Failed(Errno::kIntr));
  EXPECT_EQ(Revents(0), 0);
}

TEST_F(PollTest, AHugeTimeoutDoesNotOverflow) {
  Poll({Entry(description_, kIn)}, {.span = kNanosMax, .remaining = {}});
  EXPECT_EQ(thread().blocked_call()->deadline(), kNanosMax);
}

// ---- select.

class SelectTest : public CallsTest {
 protected:
  static SelectEntry Entry(DescriptionRef description, uint32_t bit, bool read, bool write,
                           bool exceptional = false) {
    SelectEntry entry;
    entry.description = std::move(description);
    entry.bit = bit;
    entry.read = read;
    entry.write = write;
    entry.exceptional = exceptional;
    return entry;
  }
  void Select(std::vector<SelectEntry> entries, std::optional<Nanos> span = std::nullopt) {
    for (uint64_t i = 0; i < 9; ++i) {
      ASSERT_TRUE(machine_.memory().WriteObject(kArena + i * 8, UINT64_MAX).ok());
    }
    const SelectSets sets{kArena, kArena + 16, kArena + 32, 70};
    machine_.Give(thread(),
                  StartSelect(thread(), std::move(entries), sets, {.span = span, .remaining = {}}));
  }
  uint64_t Word(uint64_t i) { return *machine_.memory().ReadObject<uint64_t>(kArena + i * 8); }
};

TEST_F(SelectTest, CountsBitsOfAllSets) {
  fake().ready = kReadable | kWritable | kPri;
  Select({Entry(description_, 3, true, true, true), Entry(description_, 69, true, false)});
  EXPECT_EQ(Answer(), 4);
  EXPECT_EQ(Word(0), uint64_t{1} << 3);
  EXPECT_EQ(Word(1), uint64_t{1} << 5);
  EXPECT_EQ(Word(2), uint64_t{1} << 3);
  EXPECT_EQ(Word(3), 0u);
  EXPECT_EQ(Word(4), uint64_t{1} << 3);
  EXPECT_EQ(Word(6), UINT64_MAX);
}

TEST_F(SelectTest, HupIsReadableAndErrIsBoth) {
  fake().ready = kHup;
  Select({Entry(description_, 0, true, true)}, Nanos{0});
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(Word(0), 1u);
  EXPECT_EQ(Word(2), 0u);
  fake().ready = kErr;
  Select({Entry(description_, 0, true, true)}, Nanos{0});
  EXPECT_EQ(Answer(), 2);
}

TEST_F(SelectTest, ATimeoutClearsTheSets) {
  Select({Entry(description_, 1, true, false)}, Nanos{10});
  machine_.Pass(Nanos{10});
  EXPECT_EQ(Answer(), 0);
  EXPECT_EQ(Word(0), 0u);
  EXPECT_EQ(Word(1), 0u);
}

TEST_F(SelectTest, AnInterruptedSelectLeavesTheSets) {
  Select({Entry(description_, 1, true, false)});
  EXPECT_EQ(machine_.Interrupt(thread()), Failed(Errno::kIntr));
  EXPECT_EQ(Word(0), UINT64_MAX);
}

TEST_F(SelectTest, WaitsForWhatItAskedFor) {
  Select({Entry(description_, 1, false, true)});
  fake().Become(kReadable, kReadable);
  machine_.Settle();
  EXPECT_TRUE(thread().blocked());
  fake().Become(kWritable, kWritable);
  machine_.Settle();
  EXPECT_EQ(Answer(), 1);
}

// ---- Sleep.

TEST_F(CallsTest, ASleepEndsAtItsDeadline) {
  const Nanos deadline = machine_.kernel().clock().Monotonic() + Nanos{1000};
  machine_.Give(thread(), StartSleep(thread(), deadline, GuestAddr{}));
  machine_.Pass(Nanos{999});
  EXPECT_FALSE(Answer().has_value());
  machine_.Pass(Nanos{1});
  EXPECT_EQ(Answer(), 0);
}

TEST_F(CallsTest, ASleepUntilThePastIsOver) {
  machine_.Give(thread(), StartSleep(thread(), Nanos{0}, GuestAddr{}));
  EXPECT_EQ(Answer(), 0);
}

TEST_F(CallsTest, AnInterruptedSleepTellsWhatRemains) {
  const Nanos deadline = machine_.kernel().clock().Monotonic() + Nanos{5'000'000'123};
  machine_.Give(thread(), StartSleep(thread(), deadline, kArena));
  machine_.Pass(Nanos{23});
  EXPECT_EQ(machine_.Interrupt(thread()), Failed(Errno::kIntr));
  EXPECT_EQ(*machine_.memory().ReadObject<int64_t>(kArena), 5);
  EXPECT_EQ(*machine_.memory().ReadObject<int64_t>(kArena + 8), 100);
}

TEST_F(CallsTest, AnInterruptedSleepThatCannotTellIsFault) {
  const Nanos deadline = machine_.kernel().clock().Monotonic() + Nanos{5};
  machine_.Give(thread(), StartSleep(thread(), deadline, kNowhere));
  EXPECT_EQ(machine_.Interrupt(thread()), Failed(Errno::kFault));
}

TEST(DeadlineAfter, Saturates) {
  Clock clock;
  EXPECT_EQ(DeadlineAfter(clock, std::nullopt), kNanosMax);
  EXPECT_EQ(DeadlineAfter(clock, Nanos{INT64_MIN}), clock.Monotonic());
  EXPECT_EQ(DeadlineAfter(clock, Nanos{INT64_MAX - 1}), kNanosMax);
  EXPECT_EQ(DeadlineAfter(clock, Nanos{5}), clock.Monotonic() + Nanos{5});
}

}  // namespace
}  // namespace pollux::os_emu
