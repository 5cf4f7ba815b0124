#include "os_emu/file/wait_queue.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;

using Names = std::vector<std::string>;

// Waiters that write down the order in which they are woken.
class WaitQueueTest : public ::testing::Test {
 protected:
  CountingWaiter& Make(const std::string& name, bool takes = true) {
    auto waiter = std::make_unique<CountingWaiter>();
    waiter->name = name;
    waiter->takes = takes;
    waiter->log = &order_;
    waiters_.push_back(std::move(waiter));
    return *waiters_.back();
  }
  Names Notified(EventMask key = kIn, int exclusive = 1) {
    order_.clear();
    queue_.Notify(key, exclusive);
    return order_;
  }

  Names order_;
  std::vector<std::unique_ptr<CountingWaiter>> waiters_;
  WaitQueue queue_;
};

TEST_F(WaitQueueTest, OrdinaryWaitersAreWokenNewestFirst) {
  queue_.Add(Make("a"));
  queue_.Add(Make("b"));
  EXPECT_EQ(Notified(), (Names{"b", "a"}));
}

TEST_F(WaitQueueTest, BackWaitersAreWokenOldestFirst) {
  queue_.AddBack(Make("a"));
  queue_.AddBack(Make("b"));
  queue_.Add(Make("front"));
  EXPECT_EQ(Notified(), (Names{"front", "a", "b"}));
}

TEST_F(WaitQueueTest, OneExclusiveWaiterIsWokenTheOldest) {
  queue_.AddExclusive(Make("a"));
  queue_.AddExclusive(Make("b"));
  EXPECT_EQ(Notified(), (Names{"a"}));
}

TEST_F(WaitQueueTest, OfExclusiveWaitersAtTheFrontTheNewestIsWoken) {
  queue_.AddExclusiveFront(Make("a"));
  queue_.AddExclusiveFront(Make("b"));
  EXPECT_EQ(Notified(), (Names{"b"}));
}

TEST_F(WaitQueueTest, OrdinaryWaitersBehindTheLastExclusiveOneAreNotWoken) {
  queue_.AddExclusive(Make("exclusive"));
  queue_.AddBack(Make("behind"));
  queue_.Add(Make("before"));
  EXPECT_EQ(Notified(), (Names{"before", "exclusive"}));
}

TEST_F(WaitQueueTest, AnExclusiveWaiterThatDoesNotTakeTheWakeUpDoesNotCount) {
  queue_.AddExclusive(Make("refuses", false));
  queue_.AddExclusive(Make("takes"));
  queue_.AddExclusive(Make("never"));
  EXPECT_EQ(Notified(), (Names{"refuses", "takes"}));
}

TEST_F(WaitQueueTest, NotifyWakesAsManyExclusiveOnesAsWanted) {
  for (const char* name : {"a", "b", "c"}) queue_.AddExclusive(Make(name));
  EXPECT_EQ(Notified(kIn, 2), (Names{"a", "b"}));
}

TEST_F(WaitQueueTest, NotifyAllWakesEveryExclusiveOne) {
  for (const char* name : {"a", "b", "c"}) queue_.AddExclusive(Make(name));
  queue_.NotifyAll(0);
  EXPECT_EQ(order_, (Names{"a", "b", "c"}));
}

TEST_F(WaitQueueTest, TheKeyReachesTheWaiter) {
  CountingWaiter& waiter = Make("a");
  queue_.Add(waiter);
  queue_.Notify(kOut | kWrNorm);
  EXPECT_EQ(waiter.keys, std::vector<EventMask>{kOut | kWrNorm});
}

TEST_F(WaitQueueTest, AWaiterThatLeftIsNotWoken) {
  CountingWaiter& a = Make("a");
  queue_.Add(a);
  queue_.Add(Make("b"));
  a.Leave();
  EXPECT_FALSE(a.waiting());
  EXPECT_EQ(Notified(), (Names{"b"}));
}

TEST_F(WaitQueueTest, ADestroyedWaiterHasLeft) {
  queue_.Add(Make("a"));
  waiters_.clear();
  EXPECT_TRUE(queue_.empty());
}

TEST(WaitQueue, WaitersOutliveTheQueue) {
  CountingWaiter waiter;
  {
    WaitQueue queue;
    queue.Add(waiter);
  }
  EXPECT_FALSE(waiter.waiting());
}

// Makes others leave, itself leave, or joins one, when it is woken.
class ActingWaiter final : public Waiter {
 public:
  bool OnNotify(EventMask) override {
    ++count;
    if (leave_self) Leave();
    for (Waiter* victim : victims) victim->Leave();
    if (join != nullptr) join->Add(*joiner);
    return true;
  }
  int count = 0;
  bool leave_self = false;
  std::vector<Waiter*> victims;
  WaitQueue* join = nullptr;
  Waiter* joiner = nullptr;
};

TEST_F(WaitQueueTest, WaitersThatLeaveDuringTheWalkDoNotDisturbIt) {
  queue_.Add(Make("last"));
  CountingWaiter& victim = Make("victim");
  queue_.Add(victim);
  ActingWaiter acting;
  acting.leave_self = true;
  acting.victims = {&victim};
  queue_.Add(acting);
  EXPECT_EQ(Notified(), (Names{"last"}));
  EXPECT_EQ(acting.count, 1);
  EXPECT_EQ(Notified(), (Names{"last"}));
  EXPECT_EQ(acting.count, 1);
}

TEST_F(WaitQueueTest, AWaiterAddedAtTheFrontDuringTheWalkIsNotWokenByIt) {
  ActingWaiter acting;
  CountingWaiter& late = Make("late");
  acting.join = &queue_;
  acting.joiner = &late;
  queue_.Add(Make("old"));
  queue_.Add(acting);
  EXPECT_EQ(Notified(), (Names{"old"}));
  EXPECT_TRUE(late.waiting());
}

// Notifies the same queue again from within.
class NestedWaiter final : public Waiter {
 public:
  explicit NestedWaiter(WaitQueue& queue, Waiter& victim) : queue_(queue), victim_(victim) {}
  bool OnNotify(EventMask) override {
    Leave();
    queue_.Notify(kOut);
    victim_.Leave();
    return true;
  }

 private:
  WaitQueue& queue_;
  Waiter& victim_;
};

TEST_F(WaitQueueTest, NestedWalksBothSurviveAWaiterThatLeaves) {
  CountingWaiter& victim = Make("victim");
  NestedWaiter nested(queue_, victim);
  queue_.Add(Make("last"));
  queue_.Add(victim);
  queue_.Add(nested);
  EXPECT_EQ(Notified(), (Names{"victim", "last", "last"}));
}

}  // namespace
}  // namespace pollux::os_emu
