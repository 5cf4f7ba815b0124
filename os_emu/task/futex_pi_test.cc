#include "os_emu/task/futex_pi.h"

#include "gtest/gtest.h"
#include "os_emu/task/futex_testing.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

using testing::Failed;
using testing::FutexTest;
using testing::kNowhere;

class FutexPi : public FutexTest {
 protected:
  FutexPi() {
    Store(kWord, 0);
    Store(kOther, 0);
  }
  // Where the call waits, Answer() tells how it ended.
  std::optional<int64_t> Lock(Thread& thread, GuestAddr word = kWord,
                              std::optional<FutexTimeout> timeout = std::nullopt) {
    machine_.Give(thread, StartFutexLockPi(thread, Private(word), timeout));
    return machine_.Answer(thread);
  }
  int64_t Unlock(Thread& thread, GuestAddr word = kWord) {
    const CallResult result(FutexUnlockPi(thread, Private(word)));
    machine_.Settle();
    return result.value();
  }
  int64_t TryLock(Thread& thread, GuestAddr word = kWord) {
    return CallResult(FutexTryLockPi(thread, Private(word))).value();
  }
  // Waits at kOther to be moved to the lock kWord.
  Thread& Requeued(std::optional<FutexTimeout> timeout = std::nullopt) {
    Thread& thread = machine_.NewThread();
    machine_.Give(thread, StartFutexWaitRequeuePi(thread, Private(kOther), Load(kOther),
                                                  Private(kWord), timeout));
    EXPECT_TRUE(thread.blocked());
    return thread;
  }
  int64_t Requeue(int32_t requeue, int32_t wake = 1, uint32_t expected = 0) {
    const CallResult result(FutexRequeuePi(machine_.leader(), Private(kOther), Private(kWord), wake,
                                           requeue, expected));
    machine_.Settle();
    return result.value();
  }
  // As Kernel::EndThread() does.
  void End(Thread& thread) {
    machine_.kernel().EndThread(thread, 0);
    machine_.Settle();
  }

  Thread& a_ = machine_.leader();
};

TEST_F(FutexPi, AFreeLockIsTakenAndGivenBack) {
  EXPECT_EQ(Lock(a_), 0);
  EXPECT_EQ(Load(kWord), Number(a_));
  EXPECT_EQ(Lock(a_), Failed(Errno::kDeadLk));
  EXPECT_EQ(TryLock(a_), Failed(Errno::kDeadLk));
  EXPECT_EQ(Unlock(a_), 0);
  EXPECT_EQ(Load(kWord), 0u);
  EXPECT_EQ(Unlock(a_), Failed(Errno::kPerm));
}

TEST_F(FutexPi, UnlockHandsItToTheFirstWaiter) {
  Thread& b = machine_.NewThread();
  Thread& c = machine_.NewThread();
  Lock(a_);
  EXPECT_EQ(Lock(b), std::nullopt);
  EXPECT_EQ(Lock(c), std::nullopt);
  EXPECT_EQ(Load(kWord), Number(a_) | kFutexWaiters);
  EXPECT_EQ(TryLock(machine_.NewThread()), Failed(Errno::kAgain));
  EXPECT_EQ(Unlock(a_), 0);
  EXPECT_EQ(machine_.Answer(b), 0);
  EXPECT_FALSE(Done(c));
  EXPECT_EQ(Load(kWord), Number(b) | kFutexWaiters);
  EXPECT_EQ(Unlock(c), Failed(Errno::kPerm));
  EXPECT_EQ(Unlock(b), 0);
  EXPECT_EQ(Load(kWord), Number(c) | kFutexWaiters);
  EXPECT_EQ(Unlock(c), 0);
  EXPECT_EQ(Load(kWord), 0u);
}

TEST_F(FutexPi, TheOwnerNeedNotHaveAskedTheKernel) {
  Thread& b = machine_.NewThread();
  Store(kWord, Number(a_));
  EXPECT_EQ(Lock(b), std::nullopt);
  EXPECT_EQ(Unlock(a_), 0);
  EXPECT_EQ(machine_.Answer(b), 0);
}

TEST_F(FutexPi, ACircleOfOwnersIsDeadlock) {
  Thread& b = machine_.NewThread();
  Thread& c = machine_.NewThread();
  const GuestAddr third = kOther + 64;
  Lock(a_, kWord);
  Lock(b, kOther);
  Lock(c, third);
  EXPECT_EQ(Lock(a_, kOther), std::nullopt);
  EXPECT_EQ(Lock(b, third), std::nullopt);
  EXPECT_EQ(Lock(c, kWord), Failed(Errno::kDeadLk));
  EXPECT_EQ(Unlock(c, third), 0);
  EXPECT_EQ(machine_.Answer(b), 0);
}

TEST_F(FutexPi, AnOwnerThatIsNotThereIsSrch) {
  Store(kWord, 0x3ffffff);
  EXPECT_EQ(Lock(a_), Failed(Errno::kSrch));
  EXPECT_EQ(Load(kWord), 0x3ffffff | kFutexWaiters);
  EXPECT_EQ(TryLock(a_), Failed(Errno::kSrch));
}

TEST_F(FutexPi, OwnerDiedStaysForWhoTakesTheLock) {
  Store(kWord, kFutexOwnerDied | kFutexWaiters);
  EXPECT_EQ(Lock(a_), 0);
  EXPECT_EQ(Load(kWord), kFutexOwnerDied | Number(a_));
  EXPECT_EQ(Unlock(a_), 0);
  EXPECT_EQ(Load(kWord), 0u);
}

TEST_F(FutexPi, AWordThatDisagreesIsInval) {
  Thread& b = machine_.NewThread();
  Thread& c = machine_.NewThread();
  Lock(a_);
  Lock(b);
  Store(kWord, Number(c) | kFutexWaiters);
  EXPECT_EQ(Unlock(c), Failed(Errno::kInval));
  EXPECT_EQ(Lock(machine_.NewThread()), Failed(Errno::kInval));
}

TEST_F(FutexPi, PlainWaitersAndLocksDoNotMix) {
  Thread& plain = Waiter(kWord);
  Store(kWord, Number(a_));
  EXPECT_EQ(Unlock(a_), Failed(Errno::kInval));
  EXPECT_EQ(Lock(machine_.NewThread()), Failed(Errno::kInval));
  EXPECT_EQ(Wake(kWord, 1), 1);
  EXPECT_TRUE(Done(plain));

  Thread& b = machine_.NewThread();
  EXPECT_EQ(Lock(b), std::nullopt);
  EXPECT_EQ(Wake(kWord, 1), Failed(Errno::kInval));
  EXPECT_EQ(
      CallResult(FutexRequeue(a_, Private(kWord), Private(kOther), 1, 1, std::nullopt)).value(),
      Failed(Errno::kInval));
  EXPECT_FALSE(Done(b));
}

TEST_F(FutexPi, UnlockReadsTheWordFirst) {
  EXPECT_EQ(Unlock(a_, kNowhere), Failed(Errno::kFault));
  EXPECT_EQ(Unlock(a_, kWord + 1), Failed(Errno::kPerm));
  Store(kWord + 1, Number(a_));
  EXPECT_EQ(Unlock(a_, kWord + 1), Failed(Errno::kInval));
}

TEST_F(FutexPi, ATimeoutLeavesTheLockToOthers) {
  Thread& b = machine_.NewThread();
  Thread& c = machine_.NewThread();
  Lock(a_);
  Lock(b, kWord, In(100));
  Lock(c);
  machine_.Pass(Nanos{100});
  EXPECT_EQ(machine_.Answer(b), Failed(Errno::kTimedOut));
  EXPECT_EQ(Unlock(a_), 0);
  EXPECT_EQ(machine_.Answer(c), 0);
}

TEST_F(FutexPi, ASignalBeginsTheWaitAgain) {
  Thread& b = machine_.NewThread();
  Lock(a_);
  Lock(b);
  EXPECT_EQ(b.blocked_call()->on_signal(), OnSignal::kNoIntr);
  EXPECT_EQ(machine_.Interrupt(b), Failed(Errno::kIntr));
  EXPECT_EQ(Load(kWord), Number(a_) | kFutexWaiters);
  EXPECT_EQ(Unlock(a_), 0);
  EXPECT_EQ(Load(kWord), 0u);
}

TEST_F(FutexPi, AnOwnerThatEndsHandsItOn) {
  Thread& owner = machine_.NewThread();
  Thread& b = machine_.NewThread();
  Thread& c = machine_.NewThread();
  Lock(owner);
  Lock(b);
  Lock(c);
  End(owner);
  EXPECT_EQ(machine_.Answer(b), 0);
  EXPECT_FALSE(Done(c));
  EXPECT_EQ(Load(kWord), Number(b) | kFutexWaiters | kFutexOwnerDied);
  EXPECT_EQ(Unlock(b), 0);
  EXPECT_EQ(Load(kWord), Number(c) | kFutexWaiters);
}

TEST_F(FutexPi, AWaiterThatEndsIsForgotten) {
  Thread& b = machine_.NewThread();
  Thread& c = machine_.NewThread();
  Lock(a_);
  Lock(b);
  Lock(c);
  End(b);
  EXPECT_EQ(Unlock(a_), 0);
  EXPECT_EQ(machine_.Answer(c), 0);
}

TEST_F(FutexPi, TheEndOfTheProcessHandsNothingToItself) {
  Thread& b = machine_.NewThread();
  Lock(a_);
  Lock(b);
  machine_.kernel().EndProcess(machine_.process(), {});
  machine_.kernel().ReleaseEnded();
  EXPECT_TRUE(table().locks().empty());
}

// ---- Requeueing

TEST_F(FutexPi, AFreeLockGoesToTheFirstAndTheOthersWaitForIt) {
  Thread& b = Requeued();
  Thread& c = Requeued();
  Thread& d = Requeued();
  EXPECT_EQ(Requeue(1), 2);
  EXPECT_EQ(machine_.Answer(b), 0);
  EXPECT_EQ(Load(kWord), Number(b) | kFutexWaiters);
  EXPECT_FALSE(Done(c));
  EXPECT_EQ(Unlock(b), 0);
  EXPECT_EQ(machine_.Answer(c), 0);
  EXPECT_EQ(Unlock(c), 0);
  EXPECT_EQ(Load(kWord), 0u);
  EXPECT_FALSE(Done(d));
}

TEST_F(FutexPi, WithNobodyToMoveTheWaitersBitIsNotSet) {
  Thread& b = Requeued();
  EXPECT_EQ(Requeue(0), 1);
  EXPECT_EQ(Load(kWord), Number(b));
}

TEST_F(FutexPi, ALockThatIsHeldIsWaitedFor) {
  Lock(a_);
  Thread& b = Requeued();
  Thread& c = Requeued();
  EXPECT_EQ(Requeue(0), 1);  // The one that would have been woken.
  EXPECT_FALSE(Done(b));
  EXPECT_EQ(Unlock(a_), 0);
  EXPECT_EQ(machine_.Answer(b), 0);
  EXPECT_FALSE(Done(c));
}

TEST_F(FutexPi, RequeueChecksItsArguments) {
  Requeued();
  EXPECT_EQ(Requeue(1, 2), Failed(Errno::kInval));
  EXPECT_EQ(Requeue(-1), Failed(Errno::kInval));
  EXPECT_EQ(Requeue(1, 1, 5), Failed(Errno::kAgain));
  EXPECT_EQ(CallResult(FutexRequeuePi(a_, Private(kOther), Private(kOther), 1, 1, 0)).value(),
            Failed(Errno::kInval));
}

TEST_F(FutexPi, OnlyWaitersForThatLockAreMoved) {
  Thread& plain = Waiter(kOther);
  EXPECT_EQ(Requeue(1), Failed(Errno::kInval));
  EXPECT_EQ(Wake(kOther, 1), 1);
  EXPECT_TRUE(Done(plain));
  Thread& b = machine_.NewThread();
  machine_.Give(b,
                StartFutexWaitRequeuePi(b, Private(kOther), 0, Private(kWord + 4), std::nullopt));
  EXPECT_EQ(Requeue(1), Failed(Errno::kInval));
  EXPECT_EQ(Wake(kOther, 1), Failed(Errno::kInval));
  EXPECT_EQ(
      CallResult(FutexRequeue(a_, Private(kOther), Private(kWord), 1, 1, std::nullopt)).value(),
      Failed(Errno::kInval));
}

TEST_F(FutexPi, ASignalEndsAMovedWaitOnly) {
  Lock(a_);
  Thread& b = Requeued();
  Thread& c = Requeued();
  EXPECT_EQ(machine_.Interrupt(b), Failed(Errno::kIntr));
  EXPECT_EQ(Requeue(1), 1);
  const std::unique_ptr<BlockedCall> record = c.Unblock();
  EXPECT_EQ(record->Interrupt().error(), Errno::kAgain);
}

TEST_F(FutexPi, AMovedWaitersTimeStays) {
  Lock(a_);
  Thread& b = Requeued(In(100));
  EXPECT_EQ(Requeue(1), 1);
  machine_.Pass(Nanos{100});
  EXPECT_EQ(machine_.Answer(b), Failed(Errno::kTimedOut));
}

TEST_F(FutexPi, MovingTheOwnerIsDeadlock) {
  Thread& b = Requeued();
  Store(kWord, Number(b));
  EXPECT_EQ(Requeue(1), Failed(Errno::kDeadLk));
}

}  // namespace
}  // namespace pollux::os_emu
