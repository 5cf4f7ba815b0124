#include "os_emu/epoll/epoll.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::FakeDescription;

using Seen = std::vector<std::pair<EventMask, uint64_t>>;

class VectorSink final : public EpollInstance::Sink {
 public:
  bool Put(const EpollInstance::Event& event) override {
    if (events.size() == room) return false;
    events.emplace_back(event.events, event.data);
    return true;
  }
  Seen events;
  size_t room = SIZE_MAX;  // Then it faults.
};

DescriptionRef Make(EventMask ready = 0) {
  DescriptionRef description = MakeDescription<FakeDescription>();
  static_cast<FakeDescription&>(*description).ready = ready;
  return description;
}
FakeDescription& Fake(const DescriptionRef& description) {
  return static_cast<FakeDescription&>(*description);
}
FdLabel Label(int number) { return FdLabel(static_cast<Fd>(number)); }

// Errno of a result; 0: success.
int Error(const Result<void>& result) { return result.ok() ? 0 : static_cast<int>(result.error()); }
int E(Errno error) { return static_cast<int>(error); }

class EpollTest : public ::testing::Test {
 protected:
  static DescriptionRef MakeInstance() { return MakeDescription<EpollInstance>(nullptr); }
  static EpollInstance& Instance(const DescriptionRef& epoll) {
    return *EpollInstance::From(*epoll);
  }

  int Add(const DescriptionRef& epoll, const DescriptionRef& target, EventMask events,
          uint64_t data = 0, int number = 3) {
    return Error(
        EpollInstance::Control(*epoll, kEpollCtlAdd, *target, Label(number), events, data));
  }
  int Modify(const DescriptionRef& target, EventMask events, uint64_t data = 0, int number = 3) {
    return Error(
        EpollInstance::Control(*epoll_, kEpollCtlMod, *target, Label(number), events, data));
  }
  int Delete(const DescriptionRef& target, int number = 3) {
    return Error(EpollInstance::Control(*epoll_, kEpollCtlDel, *target, Label(number), 0, 0));
  }
  Seen Collect(const DescriptionRef& epoll, size_t max = 100) {
    VectorSink sink;
    const Result<size_t> count = Instance(epoll).Collect(max, sink);
    EXPECT_TRUE(count.ok());
    EXPECT_EQ(*count, sink.events.size());
    return sink.events;
  }
  Seen Collect(size_t max = 100) { return Collect(epoll_, max); }

  DescriptionRef epoll_ = MakeInstance();
  DescriptionRef a_ = Make();
  DescriptionRef b_ = Make();
  DescriptionRef c_ = Make();
};

// ---- Delivery.

TEST_F(EpollTest, WhatIsReadyWhenAddedIsReported) {
  Fake(a_).ready = kIn;
  ASSERT_EQ(Add(epoll_, a_, kIn, 7), 0);
  EXPECT_EQ(Collect(), (Seen{{kIn, 7}}));
}

TEST_F(EpollTest, WhatBecomesReadyIsReported) {
  ASSERT_EQ(Add(epoll_, a_, kIn, 7), 0);
  EXPECT_EQ(Collect(), Seen{});
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect(), (Seen{{kIn, 7}}));
}

TEST_F(EpollTest, LevelTriggeredIsReportedAsLongAsItIsReady) {
  ASSERT_EQ(Add(epoll_, a_, kIn, 7), 0);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect().size(), 1u);
  EXPECT_EQ(Collect().size(), 1u);
  Fake(a_).ready = 0;
  EXPECT_EQ(Collect().size(), 0u);
}

TEST_F(EpollTest, EdgeTriggeredIsReportedOnceAWakeUp) {
  ASSERT_EQ(Add(epoll_, a_, kIn | kEdge, 7), 0);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect().size(), 1u);
  EXPECT_EQ(Collect().size(), 0u);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect().size(), 1u);
}

TEST_F(EpollTest, TwoWakeUpsBeforeACollectAreOneEvent) {
  ASSERT_EQ(Add(epoll_, a_, kIn | kEdge), 0);
  Fake(a_).Become(kIn, kIn);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect().size(), 1u);
  EXPECT_EQ(Collect().size(), 0u);
}

TEST_F(EpollTest, OneShotIsReportedOnceUntilModified) {
  ASSERT_EQ(Add(epoll_, a_, kIn | kOneShot, 7), 0);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect().size(), 1u);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect().size(), 0u);
  ASSERT_EQ(Modify(a_, kIn | kOneShot, 8), 0);
  EXPECT_EQ(Collect(), (Seen{{kIn, 8}}));
  EXPECT_EQ(Collect().size(), 0u);
}

TEST_F(EpollTest, ErrAndHupAreReportedUnasked) {
  ASSERT_EQ(Add(epoll_, a_, 0, 7), 0);
  Fake(a_).Become(kErr | kHup | kIn, 0);
  EXPECT_EQ(Collect(), (Seen{{kErr | kHup, 7}}));
}

TEST_F(EpollTest, AWakeUpForOtherEventsIsNotACandidate) {
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  Fake(a_).Become(kIn, kOut);
  EXPECT_FALSE(Instance(epoll_).HasCandidates());
  Fake(a_).Become(kIn, 0);  // Key 0: anything.
  EXPECT_TRUE(Instance(epoll_).HasCandidates());
}

TEST_F(EpollTest, OnlyWantedEventsAreReported) {
  Fake(a_).ready = kIn | kOut | kRdNorm;
  ASSERT_EQ(Add(epoll_, a_, kOut, 7), 0);
  EXPECT_EQ(Collect(), (Seen{{kOut, 7}}));
}

TEST_F(EpollTest, ModifyThatFindsReadinessReports) {
  Fake(a_).ready = kOut;
  ASSERT_EQ(Add(epoll_, a_, kIn | kEdge), 0);
  EXPECT_EQ(Collect().size(), 0u);
  ASSERT_EQ(Modify(a_, kOut | kEdge, 9), 0);
  EXPECT_EQ(Collect(), (Seen{{kOut, 9}}));
  EXPECT_EQ(Collect().size(), 0u);
  ASSERT_EQ(Modify(a_, kOut | kEdge, 10), 0);
  EXPECT_EQ(Collect(), (Seen{{kOut, 10}}));
}

TEST_F(EpollTest, DeleteForgetsAReadyInterest) {
  Fake(a_).ready = kIn;
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  ASSERT_EQ(Delete(a_), 0);
  EXPECT_FALSE(Instance(epoll_).HasCandidates());
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect().size(), 0u);
}

// ---- Order.

TEST_F(EpollTest, EventsComeInTheOrderOfTheirFirstWakeUp) {
  ASSERT_EQ(Add(epoll_, a_, kIn | kEdge, 1), 0);
  ASSERT_EQ(Add(epoll_, b_, kIn | kEdge, 2), 0);
  ASSERT_EQ(Add(epoll_, c_, kIn | kEdge, 3), 0);
  Fake(c_).Become(kIn, kIn);
  Fake(a_).Become(kIn, kIn);
  Fake(b_).Become(kIn, kIn);
  Fake(c_).Become(kIn, kIn);
  EXPECT_EQ(Collect(), (Seen{{kIn, 3}, {kIn, 1}, {kIn, 2}}));
}

TEST_F(EpollTest, LevelTriggeredOnesTakeTurns) {
  for (const auto& [target, data] : {std::pair{a_, 1}, {b_, 2}, {c_, 3}}) {
    Fake(target).ready = kIn;
    ASSERT_EQ(Add(epoll_, target, kIn, static_cast<uint64_t>(data)), 0);
  }
  EXPECT_EQ(Collect(1), (Seen{{kIn, 1}}));
  EXPECT_EQ(Collect(1), (Seen{{kIn, 2}}));
  EXPECT_EQ(Collect(1), (Seen{{kIn, 3}}));
  EXPECT_EQ(Collect(2), (Seen{{kIn, 1}, {kIn, 2}}));
  EXPECT_EQ(Collect(2), (Seen{{kIn, 3}, {kIn, 1}}));
}

TEST_F(EpollTest, WhatDidNotFitComesFirstNextTime) {
  for (const auto& [target, data] : {std::pair{a_, 1}, {b_, 2}, {c_, 3}}) {
    Fake(target).ready = kIn;
    ASSERT_EQ(Add(epoll_, target, kIn | kEdge, static_cast<uint64_t>(data)), 0);
  }
  EXPECT_EQ(Collect(1), (Seen{{kIn, 1}}));
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect(), (Seen{{kIn, 2}, {kIn, 3}, {kIn, 1}}));
}

TEST_F(EpollTest, AFaultKeepsTheEventAndReportsWhatFitted) {
  for (const auto& [target, data] : {std::pair{a_, 1}, {b_, 2}}) {
    Fake(target).ready = kIn;
    ASSERT_EQ(Add(epoll_, target, kIn | kEdge, static_cast<uint64_t>(data)), 0);
  }
  VectorSink sink;
  sink.room = 0;
  EXPECT_EQ(Instance(epoll_).Collect(10, sink).error(), Errno::kFault);
  sink.room = 1;
  EXPECT_EQ(*Instance(epoll_).Collect(10, sink), 1u);
  EXPECT_EQ(sink.events, (Seen{{kIn, 1}}));
  EXPECT_EQ(Collect(), (Seen{{kIn, 2}}));
}

TEST_F(EpollTest, ACollectAsksOnlyWhatIsACandidate) {
  std::vector<DescriptionRef> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(Make());
    ASSERT_EQ(Add(epoll_, idle.back(), kIn, 0, i), 0);
    Fake(idle.back()).polls = 0;
  }
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect().size(), 1u);
  for (const DescriptionRef& target : idle) ASSERT_EQ(Fake(target).polls, 0);
}

// ---- Identity.

TEST_F(EpollTest, AnInterestIsKeyedByDescriptionAndNumber) {
  ASSERT_EQ(Add(epoll_, a_, kIn, 1, 5), 0);
  EXPECT_EQ(Add(epoll_, a_, kIn, 1, 5), E(Errno::kExist));
  EXPECT_EQ(Add(epoll_, a_, kIn, 2, 6), 0);
  EXPECT_EQ(Add(epoll_, b_, kIn, 3, 5), 0);
  Fake(a_).Become(kIn, kIn);
  // The newest waiter of a queue is woken first.
  EXPECT_EQ(Collect(), (Seen{{kIn, 2}, {kIn, 1}}));
  EXPECT_EQ(Delete(b_, 6), E(Errno::kNoEnt));
  EXPECT_EQ(Delete(a_, 6), 0);
  EXPECT_EQ(Delete(a_, 5), 0);
}

TEST_F(EpollTest, AnInterestDiesWithTheLastReferenceToItsDescription) {
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  DescriptionRef dup = a_;
  a_ = DescriptionRef();
  EXPECT_EQ(Instance(epoll_).interest_count(), 1u);
  Fake(dup).Become(kIn, kIn);
  dup = DescriptionRef();
  EXPECT_EQ(Instance(epoll_).interest_count(), 0u);
  EXPECT_FALSE(Instance(epoll_).HasCandidates());
}

TEST_F(EpollTest, AnInterestKeepsItsDescriptionNotAlive) {
  bool released = false;
  Fake(a_).on_release = [&] { released = true; };
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  a_ = DescriptionRef();
  EXPECT_TRUE(released);
}

TEST_F(EpollTest, TheInstanceGoesBeforeItsDescriptions) {
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  Fake(a_).ready = kIn;
  epoll_ = DescriptionRef();
  Fake(a_).Become(kIn, kIn);
  EXPECT_TRUE(Fake(a_).queue.empty());
}

TEST_F(EpollTest, InterestsAreReportedByNumberThenByAge) {
  ASSERT_EQ(Add(epoll_, b_, kIn, 1, 9), 0);
  ASSERT_EQ(Add(epoll_, a_, kOut, 2, 4), 0);
  ASSERT_EQ(Add(epoll_, a_, kOut, 3, 9), 0);
  const auto reports = Instance(epoll_).Interests();
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[0].label.Text(), "4");
  EXPECT_EQ(reports[0].events, kOut | kErr | kHup);
  EXPECT_EQ(reports[1].data, 1u);
  EXPECT_EQ(reports[1].target, b_.get());
  EXPECT_EQ(reports[2].data, 3u);
}

// ---- Errors, one wrong thing each.

TEST_F(EpollTest, WhatCannotBeWatchedIsPerm) {
  Fake(a_).watchable = false;
  EXPECT_EQ(Add(epoll_, a_, kIn), E(Errno::kPerm));
  EXPECT_EQ(Delete(a_), E(Errno::kPerm));
}

TEST_F(EpollTest, TheInstanceItselfIsInval) {
  EXPECT_EQ(Add(epoll_, epoll_, kIn), E(Errno::kInval));
}

TEST_F(EpollTest, AnotherTypeOfDescriptionIsInval) {
  EXPECT_EQ(Add(a_, b_, kIn), E(Errno::kInval));
}

TEST_F(EpollTest, AnUnknownOperationIsInval) {
  for (const int op : {0, 4, -1}) {
    EXPECT_EQ(Error(EpollInstance::Control(*epoll_, op, *a_, Label(3), kIn, 0)), E(Errno::kInval));
  }
}

TEST_F(EpollTest, WhatIsNotThereIsNoEnt) {
  EXPECT_EQ(Modify(a_, kIn), E(Errno::kNoEnt));
  EXPECT_EQ(Delete(a_), E(Errno::kNoEnt));
}

TEST_F(EpollTest, ExclusiveAllowsFewOtherFlags) {
  EXPECT_EQ(Add(epoll_, a_, kExclusive | kIn | kOneShot), E(Errno::kInval));
  EXPECT_EQ(Add(epoll_, a_, kExclusive | kIn | kRdHup), E(Errno::kInval));
  EXPECT_EQ(Add(epoll_, a_, kExclusive | kIn | kPri), E(Errno::kInval));
  EXPECT_EQ(Add(epoll_, a_, kExclusive | kIn | kOut | kErr | kHup | kEdge | kWakeup), 0);
}

TEST_F(EpollTest, ExclusiveCannotBeModifiedToOrFrom) {
  ASSERT_EQ(Add(epoll_, a_, kExclusive | kIn), 0);
  EXPECT_EQ(Modify(a_, kIn), E(Errno::kInval));
  ASSERT_EQ(Add(epoll_, b_, kIn), 0);
  EXPECT_EQ(Modify(b_, kIn | kExclusive), E(Errno::kInval));
}

TEST_F(EpollTest, ExclusiveCannotWatchAnInstance) {
  EXPECT_EQ(Add(epoll_, MakeInstance(), kExclusive | kIn), E(Errno::kInval));
}

TEST_F(EpollTest, WakeupIsAcceptedAndDropped) {
  ASSERT_EQ(Add(epoll_, a_, kIn | kWakeup), 0);
  EXPECT_EQ(Instance(epoll_).Interests()[0].events & kWakeup, 0u);
}

TEST(Epoll, TheQuotaLimitsInterests) {
  memory::MemoryBudget budget;
  Quota quota(2, Errno::kNoSpc, 256, &budget);
  DescriptionRef epoll = MakeDescription<EpollInstance>(&quota);
  DescriptionRef target = Make();
  const auto add = [&](int number) {
    return Error(EpollInstance::Control(*epoll, kEpollCtlAdd, *target, Label(number), kIn, 0));
  };
  EXPECT_EQ(add(1), 0);
  EXPECT_EQ(add(2), 0);
  EXPECT_EQ(add(3), E(Errno::kNoSpc));
  EXPECT_EQ(budget.used_bytes, 512u);
  EXPECT_EQ(Error(EpollInstance::Control(*epoll, kEpollCtlDel, *target, Label(1), 0, 0)), 0);
  budget.limit_bytes = 300;
  EXPECT_EQ(add(3), E(Errno::kNoMem));
  epoll = DescriptionRef();
  EXPECT_EQ(budget.used_bytes, 0u);
  EXPECT_EQ(quota.used(), 0u);
}

// ---- Nesting.

TEST_F(EpollTest, AnInstanceThatHasEventsIsReadable) {
  ASSERT_EQ(Add(epoll_, a_, kIn | kEdge), 0);
  EXPECT_EQ(epoll_->Poll(), 0u);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(epoll_->Poll(), kReadable);
  EXPECT_EQ(epoll_->Poll(), kReadable);
  EXPECT_EQ(Collect().size(), 1u);
  EXPECT_EQ(epoll_->Poll(), 0u);
}

TEST_F(EpollTest, AskingAnInstanceDropsWhatIsNotReady) {
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  Fake(a_).Become(kIn, kIn);
  Fake(a_).ready = 0;
  EXPECT_TRUE(Instance(epoll_).HasCandidates());
  EXPECT_EQ(epoll_->Poll(), 0u);
  EXPECT_FALSE(Instance(epoll_).HasCandidates());
}

TEST_F(EpollTest, AnEventGoesUpThroughFourInstances) {
  std::vector<DescriptionRef> chain = {epoll_};
  ASSERT_EQ(Add(epoll_, a_, kIn, 1), 0);
  for (int i = 0; i < 4; ++i) {
    chain.push_back(MakeInstance());
    ASSERT_EQ(Add(chain[i + 1], chain[i], kIn, static_cast<uint64_t>(i + 2)), 0) << i;
  }
  EXPECT_EQ(Collect(chain.back()), Seen{});
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(Collect(chain.back()), (Seen{{kIn, 5}}));
  EXPECT_EQ(Collect(chain.front()), (Seen{{kIn, 1}}));
}

TEST_F(EpollTest, AFifthLevelOfNestingIsLoop) {
  std::vector<DescriptionRef> chain = {epoll_};
  for (int i = 0; i < 5; ++i) {
    chain.push_back(MakeInstance());
    EXPECT_EQ(Add(chain[i + 1], chain[i], kIn), i < 4 ? 0 : E(Errno::kLoop)) << i;
  }
}

TEST_F(EpollTest, ChainsThatBecomeTooLongTogetherAreLoop) {
  // 0 <- 1 <- 2 and 3 <- 4 <- 5: joined they would be five links long.
  std::vector<DescriptionRef> e;
  for (int i = 0; i < 6; ++i) e.push_back(MakeInstance());
  ASSERT_EQ(Add(e[1], e[0], kIn), 0);
  ASSERT_EQ(Add(e[2], e[1], kIn), 0);
  ASSERT_EQ(Add(e[4], e[3], kIn), 0);
  ASSERT_EQ(Add(e[5], e[4], kIn), 0);
  EXPECT_EQ(Add(e[3], e[2], kIn), E(Errno::kLoop));
  EXPECT_EQ(Add(e[4], e[2], kIn), 0);
}

TEST_F(EpollTest, ACycleIsLoop) {
  const DescriptionRef one = MakeInstance();
  const DescriptionRef two = MakeInstance();
  ASSERT_EQ(Add(one, epoll_, kIn), 0);
  ASSERT_EQ(Add(two, one, kIn), 0);
  EXPECT_EQ(Add(epoll_, one, kIn), E(Errno::kLoop));
  EXPECT_EQ(Add(epoll_, two, kIn), E(Errno::kLoop));
}

TEST_F(EpollTest, LoopComesBeforeExist) {
  const DescriptionRef one = MakeInstance();
  ASSERT_EQ(Add(one, epoll_, kIn), 0);
  EXPECT_EQ(Add(one, epoll_, kIn), E(Errno::kExist));
  EXPECT_EQ(Add(epoll_, one, kIn), E(Errno::kLoop));
}

TEST_F(EpollTest, TooManyPathsOfLengthTwoAreInval) {
  // 501 instances watch the instance that watches a_; 500 are allowed.
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  std::vector<DescriptionRef> outer;
  for (int i = 0; i < 501; ++i) {
    outer.push_back(MakeInstance());
    ASSERT_EQ(Add(outer.back(), epoll_, kIn), i < 500 ? 0 : E(Errno::kInval)) << i;
  }
  // The refused one left nothing behind.
  EXPECT_EQ(Instance(outer.back()).interest_count(), 0u);
  outer.pop_back();
  // Another description under the same roof is checked too.
  EXPECT_EQ(Add(epoll_, b_, kIn), 0);
}

TEST_F(EpollTest, AnInstanceThatGoesLeavesTheOneThatWatchesIt) {
  const DescriptionRef outer = MakeInstance();
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  ASSERT_EQ(Add(outer, epoll_, kIn), 0);
  Fake(a_).Become(kIn, kIn);
  epoll_ = DescriptionRef();
  EXPECT_EQ(Collect(outer), Seen{});
  EXPECT_EQ(Instance(outer).interest_count(), 0u);
}

// ---- Who is woken.

class EpollWakeTest : public EpollTest {
 protected:
  // A thread that sleeps in epoll_wait.
  void Sleep(CountingWaiter& waiter) {
    Instance(epoll_).wait_queue().Add(waiter, WaitMode::kExclusiveFront);
  }
  CountingWaiter first_, second_;
};

TEST_F(EpollWakeTest, AnEventWakesTheThreadThatCameLast) {
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  Sleep(first_);
  Sleep(second_);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(first_.keys.size(), 0u);
  EXPECT_EQ(second_.keys.size(), 1u);
}

TEST_F(EpollWakeTest, AddThatFindsReadinessWakes) {
  Sleep(first_);
  Fake(a_).ready = kIn;
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  EXPECT_EQ(first_.keys.size(), 1u);
}

TEST_F(EpollWakeTest, ModifyThatFindsReadinessWakes) {
  Sleep(first_);
  Fake(a_).ready = kIn;
  ASSERT_EQ(Add(epoll_, a_, kOut), 0);
  EXPECT_EQ(first_.keys.size(), 0u);
  ASSERT_EQ(Modify(a_, kIn), 0);
  EXPECT_EQ(first_.keys.size(), 1u);
}

TEST_F(EpollWakeTest, ACollectThatLeavesCandidatesWakesTheNextThread) {
  Fake(a_).ready = kIn;
  Fake(b_).ready = kIn;
  ASSERT_EQ(Add(epoll_, a_, kIn | kEdge), 0);
  ASSERT_EQ(Add(epoll_, b_, kIn | kEdge), 0);
  Sleep(first_);
  EXPECT_EQ(Collect(1).size(), 1u);
  EXPECT_EQ(first_.keys.size(), 1u);
  EXPECT_EQ(Collect(1).size(), 1u);
  EXPECT_EQ(first_.keys.size(), 1u);
}

TEST_F(EpollWakeTest, ALevelTriggeredEventIsPassedOnToTheNextThread) {
  Fake(a_).ready = kIn;
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  Sleep(first_);
  EXPECT_EQ(Collect().size(), 1u);
  EXPECT_EQ(first_.keys.size(), 1u);
}

TEST_F(EpollWakeTest, WhoPollsTheInstanceIsWokenToo) {
  WaitQueue* queues[2];
  ASSERT_EQ(epoll_->PollQueues(queues), 1);
  queues[0]->Add(first_);
  ASSERT_EQ(Add(epoll_, a_, kIn), 0);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(first_.keys, std::vector<EventMask>{kIn});
}

TEST_F(EpollWakeTest, OfExclusiveInterestsOneInstanceIsWoken) {
  const DescriptionRef other = MakeInstance();
  ASSERT_EQ(Add(epoll_, a_, kIn | kExclusive), 0);
  ASSERT_EQ(Add(other, a_, kIn | kExclusive), 0);
  Sleep(first_);
  Instance(other).wait_queue().Add(second_, WaitMode::kExclusiveFront);
  Fake(a_).Become(kIn, kIn);
  // The oldest: exclusive waiters stand at the back.
  EXPECT_EQ(first_.keys.size(), 1u);
  EXPECT_EQ(second_.keys.size(), 0u);
  EXPECT_FALSE(Instance(other).HasCandidates());
}

TEST_F(EpollWakeTest, AnExclusiveInterestWithoutAThreadPassesTheWakeUpOn) {
  const DescriptionRef other = MakeInstance();
  ASSERT_EQ(Add(epoll_, a_, kIn | kExclusive), 0);
  ASSERT_EQ(Add(other, a_, kIn | kExclusive), 0);
  Instance(other).wait_queue().Add(second_, WaitMode::kExclusiveFront);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(second_.keys.size(), 1u);
  EXPECT_TRUE(Instance(epoll_).HasCandidates());
}

TEST_F(EpollWakeTest, AWakeUpForInAndOutIsTakenByNoExclusiveInterest) {
  const DescriptionRef other = MakeInstance();
  ASSERT_EQ(Add(epoll_, a_, kIn | kExclusive), 0);
  ASSERT_EQ(Add(other, a_, kIn | kExclusive), 0);
  Sleep(first_);
  Instance(other).wait_queue().Add(second_, WaitMode::kExclusiveFront);
  Fake(a_).Become(kIn | kOut, kIn | kOut);
  EXPECT_EQ(first_.keys.size(), 1u);
  EXPECT_EQ(second_.keys.size(), 1u);
}

TEST_F(EpollWakeTest, OrdinaryInterestsAreWokenBesideAnExclusiveOne) {
  const DescriptionRef other = MakeInstance();
  ASSERT_EQ(Add(epoll_, a_, kIn | kExclusive), 0);
  ASSERT_EQ(Add(other, a_, kIn), 0);
  Sleep(first_);
  Instance(other).wait_queue().Add(second_, WaitMode::kExclusiveFront);
  Fake(a_).Become(kIn, kIn);
  EXPECT_EQ(first_.keys.size(), 1u);
  EXPECT_EQ(second_.keys.size(), 1u);
}

// ---- Size.

TEST_F(EpollTest, AHundredThousandRegistrationsCostAWaitNothing) {
  constexpr int kMany = 100'000;
  std::vector<DescriptionRef> targets;
  for (int i = 0; i < kMany; ++i) {
    targets.push_back(Make());
    ASSERT_EQ(Add(epoll_, targets.back(), kIn | kEdge, static_cast<uint64_t>(i), i), 0);
  }
  for (int i = 0; i < kMany; i += 1000) Fake(targets[i]).Become(kIn, kIn);
  EXPECT_EQ(Collect(1000).size(), 100u);
  targets.clear();
  EXPECT_EQ(Instance(epoll_).interest_count(), 0u);
}

}  // namespace
}  // namespace pollux::os_emu
