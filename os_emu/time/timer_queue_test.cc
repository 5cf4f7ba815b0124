#include "os_emu/time/timer_queue.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace pollux::os_emu {
namespace {

constexpr Nanos kBoot = Clock::kBootNanos;

class NotingTimer final : public Timer {
 public:
  NotingTimer(TimerQueue& queue, int name, std::vector<int>* log)
      : Timer(queue), name_(name), log_(log) {}
  NotingTimer* destroys = nullptr;
  std::unique_ptr<NotingTimer>* owner = nullptr;  // Of what it destroys.
  int rearms = 0;

 private:
  void OnExpire() override {
    log_->push_back(name_);
    if (rearms-- > 0) Rearm();
    if (owner != nullptr) owner->reset();  // May be this one.
  }
  int name_;
  std::vector<int>* log_;
};

class TimerQueueTest : public ::testing::Test {
 protected:
  std::unique_ptr<NotingTimer> Make(int name) {
    return std::make_unique<NotingTimer>(queue_, name, &log_);
  }
  void Pass(int64_t span) {
    clock_.AdvanceBy(Nanos{span});
    queue_.Expire();
  }
  Clock clock_;
  TimerQueue queue_{&clock_};
  std::vector<int> log_;
};

TEST_F(TimerQueueTest, ExpiresByDeadlineThenInTheOrderOfArming) {
  std::vector<std::unique_ptr<NotingTimer>> timers;
  const int64_t deadlines[] = {30, 10, 20, 10, 30, 10};
  for (int i = 0; i < 6; ++i) {
    timers.push_back(Make(i));
    timers.back()->Arm(TimeBase::kMonotonic, kBoot + Nanos{deadlines[i]});
  }
  EXPECT_EQ(queue_.NextDeadline(), kBoot + Nanos{10});
  Pass(9);
  EXPECT_TRUE(log_.empty());
  Pass(91);
  EXPECT_EQ(log_, (std::vector<int>{1, 3, 5, 2, 0, 4}));
  EXPECT_EQ(queue_.NextDeadline(), kNanosMax);
}

TEST_F(TimerQueueTest, ADisarmedTimerDoesNotExpireAndKeepsItsDeadline) {
  auto timer = Make(1);
  timer->Arm(TimeBase::kMonotonic, kBoot + Nanos{10});
  timer->Disarm();
  timer->Disarm();
  Pass(4);
  EXPECT_EQ(timer->Remaining(), Nanos{6});
  Pass(10);
  EXPECT_TRUE(log_.empty());
  timer->Rearm();
  Pass(0);
  EXPECT_EQ(log_, std::vector<int>{1});
  EXPECT_FALSE(timer->armed());
}

TEST_F(TimerQueueTest, ATimerMayDestroyAnotherAndArmItself) {
  auto first = Make(1);
  auto second = Make(2);
  first->Arm(TimeBase::kMonotonic, kBoot);
  second->Arm(TimeBase::kMonotonic, kBoot);
  first->owner = &second;
  first->rearms = 2;
  Pass(0);
  EXPECT_EQ(log_, (std::vector<int>{1, 1, 1}));
}

TEST_F(TimerQueueTest, ATimerMayDestroyItself) {
  auto timer = Make(1);
  timer->Arm(TimeBase::kMonotonic, kBoot);
  timer->owner = &timer;
  Pass(0);
  EXPECT_EQ(timer, nullptr);
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(TimerQueueTest, NeverIsNeverDue) {
  auto timer = Make(1);
  timer->Arm(TimeBase::kMonotonic, kNanosMax);
  EXPECT_EQ(queue_.NextDeadline(), kNanosMax);
  Pass(INT64_MAX);
  EXPECT_TRUE(log_.empty());
  EXPECT_EQ(timer->Remaining(), kNanosMax);
}

TEST_F(TimerQueueTest, ForwardGoesPastNowInWholeIntervals) {
  auto timer = Make(1);
  timer->SetDeadline(TimeBase::kMonotonic, kBoot + Nanos{10});
  EXPECT_EQ(timer->Forward(Nanos{7}), 0u);
  clock_.AdvanceBy(Nanos{10});
  EXPECT_EQ(timer->Forward(Nanos{7}), 1u);  // 17
  EXPECT_EQ(timer->Remaining(), Nanos{7});
  clock_.AdvanceBy(Nanos{21});              // 31
  EXPECT_EQ(timer->Forward(Nanos{7}), 3u);  // 38
  EXPECT_EQ(timer->Remaining(), Nanos{7});
  clock_.AdvanceBy(Nanos{8});
  EXPECT_EQ(timer->Forward(kNanosMax), 1u);
  EXPECT_EQ(timer->Remaining(), kNanosMax);
}

TEST_F(TimerQueueTest, ForwardFromLongAgoDoesNotCountOneByOne) {
  auto timer = Make(1);
  timer->SetDeadline(TimeBase::kRealtime, Nanos{1});
  EXPECT_EQ(timer->Forward(Nanos{1}), static_cast<uint64_t>(Clock::kEpoch.value));
  EXPECT_EQ(timer->Remaining(), Nanos{1});
}

TEST_F(TimerQueueTest, SettingTheClockMovesTheTimersOfRealtimeOnly) {
  auto real = Make(1);
  auto monotonic = Make(2);
  real->Arm(TimeBase::kRealtime, Clock::kEpoch + Nanos{100});
  monotonic->Arm(TimeBase::kMonotonic, kBoot + Nanos{50});
  EXPECT_EQ(queue_.NextDeadline(), kBoot + Nanos{50});
  clock_.SetRealtime(Clock::kEpoch + Nanos{90});
  EXPECT_EQ(clock_.Realtime(), Clock::kEpoch + Nanos{90});
  queue_.ClockWasSet();
  EXPECT_EQ(queue_.NextDeadline(), kBoot + Nanos{10});
  EXPECT_EQ(real->Remaining(), Nanos{10});
  Pass(10);
  EXPECT_EQ(log_, std::vector<int>{1});
  clock_.SetRealtime(Nanos{0});
  queue_.ClockWasSet();
  Pass(40);
  EXPECT_EQ(log_, (std::vector<int>{1, 2}));
}

// Against a plain list.
TEST_F(TimerQueueTest, AgreesWithASortedListAtRandom) {
  const uint32_t seed = 12345;
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  struct Model {
    int64_t deadline;
    uint64_t sequence;
    int name;
  };
  std::vector<Model> model;
  std::vector<std::unique_ptr<NotingTimer>> timers;
  for (int i = 0; i < 50; ++i) timers.push_back(Make(i));
  uint64_t sequence = 0;
  int64_t offset = 0;
  for (int step = 0; step < 20000; ++step) {
    const int name = static_cast<int>(random() % timers.size());
    switch (random() % 4) {
      case 0:
      case 1: {
        const int64_t at = clock_.Monotonic().value + static_cast<int64_t>(random() % 200) - 20;
        timers[name]->Arm(TimeBase::kMonotonic, Nanos{at});
        std::erase_if(model, [&](const Model& m) { return m.name == name; });
        model.push_back({at, ++sequence, name});
        break;
      }
      case 2:
        timers[name]->Disarm();
        std::erase_if(model, [&](const Model& m) { return m.name == name; });
        break;
      default: {
        log_.clear();
        Pass(static_cast<int64_t>(random() % 30));
        std::sort(model.begin(), model.end(), [](const Model& a, const Model& b) {
          return std::pair(a.deadline, a.sequence) < std::pair(b.deadline, b.sequence);
        });
        std::vector<int> expected;
        while (!model.empty() && model.front().deadline <= clock_.Monotonic().value) {
          expected.push_back(model.front().name);
          model.erase(model.begin());
        }
        ASSERT_EQ(log_, expected) << "step " << step << " offset " << offset;
      }
    }
    ASSERT_EQ(queue_.size(), model.size());
  }
}

}  // namespace
}  // namespace pollux::os_emu
