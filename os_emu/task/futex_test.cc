#include "os_emu/task/futex.h"

#include <array>
#include <span>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/task/futex_pi.h"
#include "os_emu/task/futex_testing.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

using testing::Failed;
using testing::FutexTest;
using testing::kArena;
using testing::kArenaBytes;
using testing::kNowhere;

class FutexCalls : public FutexTest {
 protected:
  int64_t Requeue(int32_t wake, int32_t requeue, std::optional<uint32_t> expected) {
    const CallResult result(
        FutexRequeue(machine_.leader(), Private(kWord), Private(kOther), wake, requeue, expected));
    machine_.Settle();
    return result.value();
  }
  int64_t Wait(FutexWord word, uint32_t expected, uint32_t bits = kFutexAnyBit) {
    CallResult result = StartFutexWait(machine_.leader(), word, expected, bits, std::nullopt);
    EXPECT_FALSE(result.blocked());
    return result.value();
  }
  int64_t WakeOp(uint32_t operation, FutexWord second = Private(kOther)) {
    const CallResult result(
        FutexWakeOp(machine_.leader(), Private(kWord), second, 1, 1, operation));
    machine_.Settle();
    return result.value();
  }
};

// ---- WAIT and WAKE

TEST_F(FutexCalls, WaitersAreWokenFirstInFirstOut) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  EXPECT_EQ(Wake(kWord, 1), 1);
  EXPECT_EQ(machine_.Answer(a), 0);
  EXPECT_FALSE(Done(b));
  EXPECT_EQ(Wake(kWord, 5), 1);
  EXPECT_TRUE(Done(b));
  EXPECT_EQ(Wake(kWord, 5), 0);
}

TEST_F(FutexCalls, WordsAreApart) {
  Thread& a = Waiter(kWord);
  EXPECT_EQ(Wake(kOther, 1), 0);
  EXPECT_FALSE(Done(a));
}

TEST_F(FutexCalls, ProcessesAreApart) {
  Waiter(kWord);
  Process& other = machine_.kernel().CreateProcess();
  EXPECT_EQ(*FutexWake(*other.threads.begin()->second, Private(kWord), 1, kFutexAnyBit), 0);
}

TEST_F(FutexCalls, AChangedWordIsAgain) {
  EXPECT_EQ(Wait(Private(kWord), 99), Failed(Errno::kAgain));
}

TEST_F(FutexCalls, NoBitsIsInvalBeforeAnythingElse) {
  EXPECT_EQ(Wait(Private(kNowhere), 1, 0), Failed(Errno::kInval));
  EXPECT_EQ(Wake(GuestAddr{UINT64_MAX - 3}, 1, 0), Failed(Errno::kInval));
}

TEST_F(FutexCalls, OnlyWaitersWhoseBitsMeetAreWoken) {
  Thread& a = Waiter(kWord, 1);
  Thread& b = Waiter(kWord, 2);
  EXPECT_EQ(Wake(kWord, 5, 2), 1);
  EXPECT_FALSE(Done(a));
  EXPECT_TRUE(Done(b));
}

TEST_F(FutexCalls, AWakeOfNobodyOrFewerWakesOne) {
  for (int32_t count : {0, -1, INT32_MIN}) {
    Thread& a = Waiter(kWord);
    Thread& b = Waiter(kWord);
    EXPECT_EQ(Wake(kWord, count), 1);
    EXPECT_TRUE(Done(a));
    EXPECT_FALSE(Done(b));
    EXPECT_EQ(Wake(kWord, 1), 1);
  }
}

// A signal that another thread took, say: the call begins again.
TEST_F(FutexCalls, AfterAnotherWakeUpTheWordIsComparedAgain) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  a.Wake();
  machine_.Settle();
  EXPECT_FALSE(Done(a));
  // It waits behind the others now.
  EXPECT_EQ(Wake(kWord, 1), 1);
  EXPECT_TRUE(Done(b));
  EXPECT_FALSE(Done(a));
  Store(kWord, 77);
  a.Wake();
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(a), Failed(Errno::kAgain));
  EXPECT_EQ(Wake(kWord, 1), 0);
}

TEST_F(FutexCalls, AnEndedWaitLeavesTheTable) {
  Thread& a = Waiter(kWord);
  EXPECT_EQ(machine_.Interrupt(a), Failed(Errno::kIntr));
  EXPECT_EQ(Wake(kWord, 1), 0);
}

// ---- Whom to wake

// Takes the last one, and remembers among how many.
class LastChooser final : public WakeChooser {
 public:
  size_t ChooseWoken(Thread& waker, std::span<Thread* const> waiters, size_t chosen,
                     size_t left) override {
    EXPECT_GT(waiters.size(), left);
    EXPECT_EQ(waker.tid(), Tid{1000});
    asked.push_back({waiters.size(), chosen, left});
    return waiters.size() - 1;
  }
  std::vector<std::array<size_t, 3>> asked;
};

class FutexWakeOrder : public FutexCalls {
 protected:
  FutexWakeOrder() { table().SetWakeChooser(&chooser_); }
  using Asked = std::vector<std::array<size_t, 3>>;
  LastChooser chooser_;
};

TEST_F(FutexWakeOrder, IsAskedForWhereMoreWaitThanAreWoken) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  Thread& c = Waiter(kWord);
  EXPECT_EQ(Wake(kWord, 2), 2);
  EXPECT_EQ(chooser_.asked, (Asked{{3, 0, 2}, {2, 1, 1}}));
  EXPECT_FALSE(Done(a));
  EXPECT_TRUE(Done(b));
  EXPECT_TRUE(Done(c));
  Waiter(kWord);
  chooser_.asked.clear();
  EXPECT_EQ(Wake(kWord, 2), 2);
  EXPECT_EQ(Wake(kWord, 2), 0);
  EXPECT_TRUE(chooser_.asked.empty());
}

TEST_F(FutexWakeOrder, IsAskedForAmongThoseWhoseBitsMeet) {
  Thread& a = Waiter(kWord, 1);
  Thread& b = Waiter(kWord, 1);
  Waiter(kWord, 2);
  EXPECT_EQ(Wake(kWord, 1, 1), 1);
  EXPECT_EQ(chooser_.asked, (Asked{{2, 0, 1}}));
  EXPECT_FALSE(Done(a));
  EXPECT_TRUE(Done(b));
}

TEST_F(FutexWakeOrder, AWakeOfNobodyChoosesOne) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  EXPECT_EQ(Wake(kWord, 0), 1);
  EXPECT_EQ(chooser_.asked, (Asked{{2, 0, 1}}));
  EXPECT_FALSE(Done(a));
  EXPECT_TRUE(Done(b));
}

TEST_F(FutexWakeOrder, ARequeueChoosesWhomToWakeAndWhomToMove) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  Thread& c = Waiter(kWord);
  Thread& d = Waiter(kWord);
  EXPECT_EQ(Requeue(1, 2, std::nullopt), 3);
  EXPECT_EQ(chooser_.asked, (Asked{{4, 0, 1}, {3, 0, 2}, {2, 1, 1}}));
  EXPECT_TRUE(Done(d));
  EXPECT_EQ(table().WaitersAt(Key(Private(kWord))), (std::vector<const Thread*>{&a}));
  // Those that are moved keep their order.
  EXPECT_EQ(table().WaitersAt(Key(Private(kOther))), (std::vector<const Thread*>{&b, &c}));
}

TEST_F(FutexWakeOrder, ARequeueThatMovesNobodyChoosesNobody) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  EXPECT_EQ(*FutexRequeue(machine_.leader(), Private(kWord), Private(kWord), 0, 1, std::nullopt),
            1);
  EXPECT_EQ(Requeue(0, 0, std::nullopt), 0);
  EXPECT_TRUE(chooser_.asked.empty());
  EXPECT_EQ(table().WaitersAt(Key(Private(kWord))), (std::vector<const Thread*>{&a, &b}));
}

TEST_F(FutexWakeOrder, AWakeOpChoosesAtBothWords) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  Thread& c = Waiter(kOther);
  Thread& d = Waiter(kOther);
  // FUTEX_OP_SET to 7, if it was 2: it was.
  EXPECT_EQ(WakeOp(7u << 12 | 2u), 2);
  EXPECT_EQ(chooser_.asked, (Asked{{2, 0, 1}, {2, 0, 1}}));
  EXPECT_FALSE(Done(a));
  EXPECT_TRUE(Done(b));
  EXPECT_FALSE(Done(c));
  EXPECT_TRUE(Done(d));
}

TEST_F(FutexWakeOrder, IsLinuxsWhereAThreadWaitsTwice) {
  Thread& a = machine_.NewThread();
  const FutexWait twice = {Private(kWord), Load(kWord)};
  machine_.Give(a, StartFutexWaitv(a, {twice, twice}, std::nullopt));
  Thread& b = Waiter(kWord);
  EXPECT_EQ(Wake(kWord, 1), 1);
  EXPECT_TRUE(chooser_.asked.empty());
  EXPECT_TRUE(Done(a));
  EXPECT_FALSE(Done(b));
}

TEST_F(FutexWakeOrder, IsLinuxsWhereSomebodyWaitsForALock) {
  Thread& a = Waiter(kWord);
  Waiter(kWord);
  Thread& c = machine_.NewThread();
  machine_.Give(
      c, StartFutexWaitRequeuePi(c, Private(kWord), Load(kWord), Private(kOther), std::nullopt));
  EXPECT_EQ(Wake(kWord, 1), 1);
  EXPECT_TRUE(chooser_.asked.empty());
  EXPECT_TRUE(Done(a));
}

// ---- Keys

TEST_F(FutexCalls, APrivateWordIsNotLookedAt) {
  EXPECT_EQ(Wake(Private(kNowhere), 1), 0);
  EXPECT_EQ(Wake(Private(GuestAddr{uint64_t{1} << 40}), 1), 0);
  EXPECT_EQ(Wait(Private(kNowhere), 0), Failed(Errno::kFault));
}

TEST_F(FutexCalls, ASharedWordIsLookedAt) {
  EXPECT_EQ(Wake(Shared(kNowhere), 1), Failed(Errno::kFault));
  EXPECT_EQ(Wake(Shared(GuestAddr{uint64_t{1} << 40}), 1), Failed(Errno::kFault));
}

TEST_F(FutexCalls, TheKernelsHalfIsFaultAndAMisalignedWordInval) {
  for (FutexScope scope : {FutexScope::kPrivate, FutexScope::kAny}) {
    EXPECT_EQ(Wake(FutexWord{GuestAddr{UINT64_MAX - 3}, scope}, 1), Failed(Errno::kFault));
    EXPECT_EQ(Wake(FutexWord{GuestAddr{UINT64_MAX - 2}, scope}, 1), Failed(Errno::kInval));
    EXPECT_EQ(Wake(FutexWord{kWord + 1, scope}, 1), Failed(Errno::kInval));
    EXPECT_EQ(Wait(FutexWord{kWord + 2, scope}, 1), Failed(Errno::kInval));
  }
}

TEST_F(FutexCalls, PrivateMemoryThatCannotBeWrittenIsFaultForTheSharedFlavour) {
  ASSERT_TRUE(machine_.memory().Protect(kArena, kArenaBytes, memory::kProtRead).ok());
  EXPECT_EQ(Wake(Shared(kWord), 1), Failed(Errno::kFault));
  EXPECT_EQ(Wake(Private(kWord), 1), 0);
}

TEST_F(FutexCalls, TheTwoFlavoursOfAWordAreApart) {
  Thread& a = Waiter(Private(kWord));
  Thread& b = Waiter(Shared(kWord));
  EXPECT_EQ(Wake(Shared(kWord), 5), 1);
  EXPECT_FALSE(Done(a));
  EXPECT_TRUE(Done(b));
  EXPECT_EQ(Wake(Private(kWord), 5), 1);
}

// ---- Timeouts

TEST_F(FutexCalls, TheDeadlineEndsTheWait) {
  Thread& a = Waiter(kWord, kFutexAnyBit, In(100));
  machine_.Pass(Nanos{99});
  EXPECT_FALSE(Done(a));
  machine_.Pass(Nanos{1});
  EXPECT_EQ(machine_.Answer(a), Failed(Errno::kTimedOut));
  EXPECT_EQ(Wake(kWord, 1), 0);
}

TEST_F(FutexCalls, ADeadlineThatHasPassedEndsItAtOnce) {
  Thread& a = Waiter(kWord, kFutexAnyBit, FutexTimeout{TimeBase::kMonotonic, Nanos{0}});
  machine_.Pass(Nanos{0});
  EXPECT_EQ(machine_.Answer(a), Failed(Errno::kTimedOut));
}

TEST_F(FutexCalls, AWakeBeforeTheDeadlineWinsOverIt) {
  Thread& a = Waiter(kWord, kFutexAnyBit, In(100));
  EXPECT_EQ(*table().Wake(machine_.leader(), Key(Private(kWord)), 1), 1);
  machine_.Pass(Nanos{200});
  EXPECT_EQ(machine_.Answer(a), 0);
}

TEST_F(FutexCalls, ARealtimeDeadlineMovesWithTheClock) {
  Kernel& kernel = machine_.kernel();
  const Nanos realtime = kernel.clock().Realtime();
  Thread& a =
      Waiter(kWord, kFutexAnyBit, FutexTimeout{TimeBase::kRealtime, realtime + Nanos{1'000'000}});
  kernel.SetRealtime(realtime - Nanos{5'000'000});
  machine_.Pass(Nanos{5'999'999});
  EXPECT_FALSE(Done(a));
  machine_.Pass(Nanos{1});
  EXPECT_EQ(machine_.Answer(a), Failed(Errno::kTimedOut));

  Thread& b = Waiter(kWord, kFutexAnyBit,
                     FutexTimeout{TimeBase::kRealtime, kernel.clock().Realtime() + Nanos{5000}});
  kernel.SetRealtime(kernel.clock().Realtime() + Nanos{5000});
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(b), Failed(Errno::kTimedOut));
}

TEST_F(FutexCalls, TheEndOfTimeIsNoDeadline) {
  Waiter(kWord, kFutexAnyBit, FutexTimeout{TimeBase::kRealtime, kNanosMax});
  EXPECT_EQ(machine_.kernel().NextDeadline(), kNanosMax);
}

// ---- REQUEUE

TEST_F(FutexCalls, RequeueWakesSomeAndMovesOthersInOrder) {
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

TEST_F(FutexCalls, RequeueToItselfMovesNobodyButCounts) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  Waiter(kWord);
  EXPECT_EQ(*FutexRequeue(machine_.leader(), Private(kWord), Private(kWord), 0, 2, std::nullopt),
            2);
  EXPECT_EQ(Wake(kWord, 1), 1);
  EXPECT_TRUE(Done(a));
  EXPECT_FALSE(Done(b));
}

TEST_F(FutexCalls, AMovedWaitersWordIsNotComparedButItsTimeStays) {
  Thread& a = Waiter(kWord, kFutexAnyBit, In(100));
  EXPECT_EQ(Requeue(0, 1, std::nullopt), 1);
  machine_.Pass(Nanos{100});
  EXPECT_EQ(machine_.Answer(a), Failed(Errno::kTimedOut));
  EXPECT_EQ(Wake(kOther, 1), 0);
}

TEST_F(FutexCalls, CompareAndRequeueChecksTheWord) {
  Waiter(kWord);
  EXPECT_EQ(Requeue(1, 1, 99u), Failed(Errno::kAgain));
  EXPECT_EQ(Requeue(1, 1, 1u), 1);
}

TEST_F(FutexCalls, NegativeCountsAreInval) {
  EXPECT_EQ(Requeue(-1, 1, std::nullopt), Failed(Errno::kInval));
  EXPECT_EQ(Requeue(1, -1, std::nullopt), Failed(Errno::kInval));
}

// ---- WAKE_OP

// FUTEX_OP(operation, operand, comparison, compared).
constexpr uint32_t Op(uint32_t operation, uint32_t operand, uint32_t comparison,
                      uint32_t compared) {
  return operation << 28 | comparison << 24 | (operand & 0xfff) << 12 | (compared & 0xfff);
}

TEST_F(FutexCalls, WakeOpChangesTheSecondWordAndWakesByItsOldValue) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kOther);
  // *kOther += 5; wake there too if it was 2.
  EXPECT_EQ(WakeOp(Op(1, 5, 0, 2)), 2);
  EXPECT_EQ(Load(kOther), 7u);
  EXPECT_TRUE(Done(a));
  EXPECT_TRUE(Done(b));
}

TEST_F(FutexCalls, WakeOpLeavesTheSecondWordsWaitersIfTheComparisonFails) {
  Thread& b = Waiter(kOther);
  // *kOther = -1; wake there if it was above 2.
  EXPECT_EQ(WakeOp(Op(0, 0xfff, 4, 2)), 0);
  EXPECT_EQ(Load(kOther), 0xffffffffu);
  EXPECT_FALSE(Done(b));
}

TEST_F(FutexCalls, EachComparisonIsSigned) {
  struct Case {
    uint32_t comparison;
    bool less, equal, greater;  // Than 1: whether the waiter is woken.
  };
  for (const Case& c :
       {Case{0, false, true, false}, Case{1, true, false, true}, Case{2, true, false, false},
        Case{3, true, true, false}, Case{4, false, false, true}, Case{5, false, true, true}}) {
    for (const auto& [old, woken] :
         {std::pair{0xffffffffu, c.less}, std::pair{1u, c.equal}, std::pair{2u, c.greater}}) {
      Store(kOther, old);
      Waiter(kOther);
      EXPECT_EQ(WakeOp(Op(2, 0, c.comparison, 1)), woken ? 1 : 0) << c.comparison << " " << old;
      Wake(kOther, 1);
    }
  }
}

TEST_F(FutexCalls, AnUnknownOperationIsNoSysBeforeTheWordIsTouched) {
  EXPECT_EQ(WakeOp(Op(7, 0, 0, 0), Private(kNowhere)), Failed(Errno::kNoSys));
  EXPECT_EQ(WakeOp(Op(5, 0, 0, 0)), Failed(Errno::kNoSys));
  EXPECT_EQ(WakeOp(Op(4, 0, 0, 0), Private(kNowhere)), Failed(Errno::kFault));
}

TEST_F(FutexCalls, AnUnknownComparisonIsNoSysWhenTheWordHasChanged) {
  Thread& a = Waiter(kWord);
  EXPECT_EQ(WakeOp(Op(0, 9, 6, 0)), Failed(Errno::kNoSys));
  EXPECT_EQ(Load(kOther), 9u);
  EXPECT_FALSE(Done(a));
}

// ---- futex_waitv

TEST_F(FutexCalls, WaitvAnswersTheLastWordThatWasWoken) {
  const GuestAddr third = kArena + 128;
  Store(third, 3);
  Thread& a = machine_.NewThread();
  machine_.Give(a,
                StartFutexWaitv(a, {{Private(kWord), 1}, {Private(kOther), 2}, {Private(third), 3}},
                                std::nullopt));
  EXPECT_EQ(*table().Wake(machine_.leader(), Key(Private(kWord)), 1), 1);
  EXPECT_EQ(*table().Wake(machine_.leader(), Key(Private(kOther)), 1), 1);
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(a), 1);
  EXPECT_EQ(Wake(third, 1), 0);
}

TEST_F(FutexCalls, WaitvComparesInOrderAfterAllKeys) {
  Thread& thread = machine_.leader();
  const auto start = [&](const std::vector<FutexWait>& waits) {
    CallResult result = StartFutexWaitv(thread, waits, std::nullopt);
    EXPECT_FALSE(result.blocked());
    return result.value();
  };
  EXPECT_EQ(start({{Private(kWord), 9}, {Private(kOther + 1), 2}}), Failed(Errno::kInval));
  EXPECT_EQ(start({{Private(kWord), 9}, {Private(kNowhere), 2}}), Failed(Errno::kAgain));
  EXPECT_EQ(start({{Private(kWord), 1}, {Private(kNowhere), 2}}), Failed(Errno::kFault));
  EXPECT_EQ(Wake(kWord, 1), 0);
}

TEST_F(FutexCalls, WaitvTimesOutAndIsRestarted) {
  Thread& a = machine_.NewThread();
  machine_.Give(a, StartFutexWaitv(a, {{Private(kWord), 1}}, In(50)));
  EXPECT_EQ(a.blocked_call()->on_signal(), OnSignal::kRestart);
  a.Wake();
  machine_.Settle();
  EXPECT_FALSE(Done(a));
  machine_.Pass(Nanos{50});
  EXPECT_EQ(machine_.Answer(a), Failed(Errno::kTimedOut));
}

// ---- Reports

TEST_F(FutexCalls, WhoWaitsAndWhoWokeLastCanBeTold) {
  Thread& a = Waiter(kWord);
  Thread& b = Waiter(kWord);
  const FutexKey key = Key(Private(kWord));
  EXPECT_EQ(table().WaitersAt(key), (std::vector<const Thread*>{&a, &b}));
  EXPECT_FALSE(table().LastWakeAt(key).has_value());
  Wake(kWord, 1);
  ASSERT_TRUE(table().LastWakeAt(key).has_value());
  EXPECT_EQ(table().LastWakeAt(key)->waker, machine_.leader().tid());
  EXPECT_EQ(table().LastWakeAt(key)->woken, 1);
  Wake(kWord, 1);
  Wake(kWord, 1);
  EXPECT_EQ(table().LastWakeAt(key)->woken, 0);
  EXPECT_TRUE(table().WaitersAt(key).empty());
  EXPECT_FALSE(table().LastWakeAt(Key(Shared(kWord))).has_value());
}

TEST_F(FutexCalls, AThreadsWaitsAreInTheOrderOfItsCall) {
  Thread& a = machine_.NewThread();
  std::vector<FutexWait> waits;
  for (uint64_t i = 0; i < kMaxFutexWaits; ++i)
    waits.push_back({Private(kArena + 4096 - 4 * i), 0});
  machine_.Give(a, StartFutexWaitv(a, waits, std::nullopt));
  const std::vector<const FutexTable::Entry*> entries = table().WaitsOf(a);
  ASSERT_EQ(entries.size(), waits.size());
  for (size_t i = 0; i < waits.size(); ++i)
    EXPECT_EQ(entries[i]->word().address, waits[i].word.address);
}

}  // namespace
}  // namespace pollux::os_emu
