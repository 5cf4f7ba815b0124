#include "os_emu/task/futex.h"

#include "gtest/gtest.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/pi_futex.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

constexpr FutexScope kPrivate = FutexScope::kPrivate;

using testing::Failed;
using testing::kArena;
using testing::kNowhere;
using testing::TestMachine;

class FutexTest : public ::testing::Test {
 protected:
  static constexpr GuestAddr kWord = kArena;
  static constexpr GuestAddr kOther = kArena + 64;

  FutexTest() {
    Store(kWord, 1);
    Store(kOther, 2);
  }
  void Store(GuestAddr word, uint32_t value) {
    ASSERT_TRUE(machine_.memory().WriteObject(word, value).ok());
  }
  uint32_t Load(GuestAddr word) { return *machine_.memory().ReadObject<uint32_t>(word); }
  Thread& Waiter(GuestAddr word, uint32_t bits = kFutexAnyBit, Nanos deadline = kNanosMax) {
    Thread& thread = machine_.NewThread();
    machine_.Give(thread, StartFutexWait(thread, word, kPrivate, Load(word), bits, deadline));
    return thread;
  }
  int64_t Wake(GuestAddr word, int32_t count, uint32_t bits = kFutexAnyBit) {
    const CallResult result(FutexWake(machine_.leader(), word, kPrivate, count, bits));
    machine_.Settle();
    return result.value();
  }
  int64_t Requeue(int32_t wake, int32_t requeue, std::optional<uint32_t> expected) {
    const CallResult result(
        FutexRequeue(machine_.leader(), kWord, kOther, kPrivate, wake, requeue, expected));
    machine_.Settle();
    return result.value();
  }
  bool Done(const Thread& thread) { return machine_.Answer(thread).has_value(); }

  TestMachine machine_;
};

TEST_F(FutexTest, WaitersAreWokenFirstInFirstOut) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  EXPECT_EQ(Wake(kWord, 1), 1);
  EXPECT_EQ(machine_.Answer(a), 0);
  EXPECT_FALSE(Done(b));
  EXPECT_EQ(Wake(kWord, 5), 1);
  EXPECT_TRUE(Done(b));
  EXPECT_EQ(Wake(kWord, 5), 0);
}

TEST_F(FutexTest, WordsAreApart) {
  Thread& a = Waiter(kWord);
  EXPECT_EQ(Wake(kOther, 1), 0);
  EXPECT_FALSE(Done(a));
}

TEST_F(FutexTest, ProcessesAreApart) {
  Waiter(kWord);
  Process& other = machine_.kernel().CreateProcess();
  EXPECT_EQ(machine_.kernel().futexes().Wake({other.memory, kWord.value}, 1), 0);
}

TEST_F(FutexTest, AChangedWordIsAgain) {
  EXPECT_EQ(StartFutexWait(machine_.leader(), kWord, kPrivate, 99, kFutexAnyBit, kNanosMax).value(),
            Failed(Errno::kAgain));
}

TEST_F(FutexTest, AnUnreadableWordIsFault) {
  EXPECT_EQ(
      StartFutexWait(machine_.leader(), kNowhere, kPrivate, 0, kFutexAnyBit, kNanosMax).value(),
      Failed(Errno::kFault));
  EXPECT_EQ(Wake(GuestAddr{UINT64_MAX - 3}, 1), Failed(Errno::kFault));
}

TEST_F(FutexTest, AMisalignedWordIsInval) {
  EXPECT_EQ(
      StartFutexWait(machine_.leader(), kWord + 2, kPrivate, 0, kFutexAnyBit, kNanosMax).value(),
      Failed(Errno::kInval));
  EXPECT_EQ(Wake(kWord + 1, 1), Failed(Errno::kInval));
}

TEST_F(FutexTest, NoBitsIsInval) {
  EXPECT_EQ(StartFutexWait(machine_.leader(), kWord, kPrivate, 1, 0, kNanosMax).value(),
            Failed(Errno::kInval));
  EXPECT_EQ(Wake(kWord, 1, 0), Failed(Errno::kInval));
}

TEST_F(FutexTest, OnlyWaitersWhoseBitsMeetAreWoken) {
  Thread& a = Waiter(kWord, 1);
  Thread& b = Waiter(kWord, 2);
  EXPECT_EQ(Wake(kWord, 5, 2), 1);
  EXPECT_FALSE(Done(a));
  EXPECT_TRUE(Done(b));
}

TEST_F(FutexTest, AWakeOfNobodyWakesOne) {
  Thread& a = Waiter(kWord);
  EXPECT_EQ(Wake(kWord, 0), 1);
  EXPECT_TRUE(Done(a));
}

TEST_F(FutexTest, TheDeadlineEndsTheWait) {
  const Nanos now = machine_.kernel().clock().Monotonic();
  Thread& a = Waiter(kWord, kFutexAnyBit, now + Nanos{100});
  machine_.Pass(Nanos{99});
  EXPECT_FALSE(Done(a));
  machine_.Pass(Nanos{1});
  EXPECT_EQ(machine_.Answer(a), Failed(Errno::kTimedOut));
  EXPECT_EQ(Wake(kWord, 1), 0);
}

TEST_F(FutexTest, AWakeBeforeTheDeadlineWinsOverIt) {
  const Nanos now = machine_.kernel().clock().Monotonic();
  Thread& a = Waiter(kWord, kFutexAnyBit, now + Nanos{100});
  machine_.kernel().futexes().Wake({machine_.process().memory, kWord.value}, 1);
  machine_.Pass(Nanos{200});
  EXPECT_EQ(machine_.Answer(a), 0);
}

TEST_F(FutexTest, AWaitWithADeadlineIsNotRestartedAfterASignal) {
  EXPECT_EQ(Waiter(kWord).blocked_call()->on_signal(), OnSignal::kRestart);
  const Nanos later = machine_.kernel().clock().Monotonic() + Nanos{1};
  EXPECT_EQ(Waiter(kWord, kFutexAnyBit, later).blocked_call()->on_signal(),
            OnSignal::kRestartBlock);
}

TEST_F(FutexTest, RequeueWakesSomeAndMovesOthersInOrder) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  Thread& c = Waiter(kWord);
  Thread& d = Waiter(kWord);
  EXPECT_EQ(Requeue(1, 2, std::nullopt), 3);
  EXPECT_TRUE(Done(a));
  EXPECT_FALSE(Done(b));
  EXPECT_EQ(Wake(kOther, 1), 1);
  EXPECT_TRUE(Done(b));
  EXPECT_EQ(Wake(kOther, 9), 1);
  EXPECT_TRUE(Done(c));
  EXPECT_EQ(Wake(kWord, 9), 1);
  EXPECT_TRUE(Done(d));
}

TEST_F(FutexTest, CompareAndRequeueChecksTheWord) {
  Waiter(kWord);
  EXPECT_EQ(Requeue(1, 1, 99u), Failed(Errno::kAgain));
  EXPECT_EQ(Requeue(1, 1, 1u), 1);
}

TEST_F(FutexTest, NegativeCountsAreInval) {
  EXPECT_EQ(Requeue(-1, 1, std::nullopt), Failed(Errno::kInval));
  EXPECT_EQ(Requeue(1, -1, std::nullopt), Failed(Errno::kInval));
}

// FUTEX_OP(operation, operand, comparison, compared).
constexpr uint32_t Op(uint32_t operation, uint32_t operand, uint32_t comparison,
                      uint32_t compared) {
  return operation << 28 | comparison << 24 | (operand & 0xfff) << 12 | (compared & 0xfff);
}

TEST_F(FutexTest, WakeOpChangesTheSecondWordAndWakesByItsOldValue) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kOther);
  // *kOther += 5; wake there too if it was 2.
  EXPECT_EQ(*FutexWakeOp(machine_.leader(), kWord, kOther, kPrivate, 1, 1, Op(1, 5, 0, 2)), 2);
  machine_.Settle();
  EXPECT_EQ(Load(kOther), 7u);
  EXPECT_TRUE(Done(a));
  EXPECT_TRUE(Done(b));
}

TEST_F(FutexTest, WakeOpLeavesTheSecondWordsWaitersIfTheComparisonFails) {
  Thread& b = Waiter(kOther);
  // *kOther = -1; wake there if it was above 2.
  EXPECT_EQ(*FutexWakeOp(machine_.leader(), kWord, kOther, kPrivate, 1, 1, Op(0, 0xfff, 4, 2)), 0);
  machine_.Settle();
  EXPECT_EQ(Load(kOther), 0xffffffffu);
  EXPECT_FALSE(Done(b));
}

TEST_F(FutexTest, AnUnknownWakeOpIsNoSys) {
  EXPECT_EQ(FutexWakeOp(machine_.leader(), kWord, kOther, kPrivate, 1, 1, Op(7, 0, 0, 0)).error(),
            Errno::kNoSys);
  EXPECT_EQ(FutexWakeOp(machine_.leader(), kWord, kOther, kPrivate, 1, 1, Op(0, 0, 9, 0)).error(),
            Errno::kNoSys);
}

TEST_F(FutexTest, AnEndedWaitLeavesTheTable) {
  Thread& a = Waiter(kWord);
  machine_.Interrupt(a);
  EXPECT_EQ(Wake(kWord, 1), 0);
}

TEST_F(FutexTest, WakingWhoWaitsForALockIsInvalid) {
  Thread& other = machine_.NewThread();
  PiFutexes& locks = machine_.kernel().Part<PiFutexes>();
  Store(kWord, 0);
  EXPECT_EQ(locks.Lock(machine_.leader(), kWord, kPrivate, kNanosMax).value(), 0);
  machine_.Give(other, locks.Lock(other, kWord, kPrivate, kNanosMax));
  EXPECT_EQ(FutexWake(machine_.leader(), kWord, kPrivate, 1, kFutexAnyBit).error(), Errno::kInval);
  EXPECT_EQ(FutexRequeue(machine_.leader(), kWord, kOther, kPrivate, 1, 1, std::nullopt).error(),
            Errno::kInval);
  EXPECT_EQ(FutexWakeOp(machine_.leader(), kWord, kOther, kPrivate, 1, 1, Op(1, 0, 0, 0)).error(),
            Errno::kInval);
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(other), std::nullopt);
  EXPECT_TRUE(locks.Unlock(machine_.leader(), kWord, kPrivate).ok());
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(other), 0);
  EXPECT_EQ(Load(kWord) & 0x3fffffff, static_cast<uint32_t>(other.tid()));
}

TEST_F(FutexTest, ABadWordEndsTheRobustList) {
  // A list of two locks behind the head at kArena; the offset makes the first one's word misaligned
  // where the test says so.
  const GuestAddr head = kArena + 0x100, first = kArena + 0x200, second = kArena + 0x300;
  for (const uint64_t misaligned : {0, 2}) {
    Thread& thread = machine_.NewThread();
    const uint32_t tid = static_cast<uint32_t>(thread.tid());
    const auto put = [&](GuestAddr at, uint64_t word) {
      ASSERT_TRUE(machine_.memory().WriteObject(at, word).ok());
    };
    put(head, first.value + misaligned);
    put(head + 8, 16);
    put(head + 16, 0);
    put(first + misaligned, second.value);
    put(second, head.value);
    Store(second + 16, tid);
    thread.robust_list_head = head;
    machine_.kernel().EndThread(thread, 0);
    EXPECT_EQ(Load(second + 16), misaligned == 0 ? 0x40000000 : tid);
  }
}

}  // namespace
}  // namespace pollux::os_emu
