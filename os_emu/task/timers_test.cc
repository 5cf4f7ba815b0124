// What sends signals when its time has come, and what takes them without a handler: ITIMER_REAL,
// POSIX timers, rt_sigtimedwait, the deadlines of blocked calls.
#include <memory>
#include <optional>

#include "gtest/gtest.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/interval_timer.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/posix_timer.h"
#include "os_emu/task/signal_wait.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

using testing::Failed;
using testing::TestMachine;

class TimersTest : public ::testing::Test {
 protected:
  TimersTest() {
    for (const int signal : {int{kSigAlrm}, int{kSigUsr1}, int{kSigUsr2}, 40}) {
      process().actions[signal].handler = 0x1000;
    }
  }
  static constexpr uint32_t kUser = 1000;
  Kernel& kernel() { return machine_.kernel(); }
  Process& process() { return machine_.process(); }
  Thread& leader() { return machine_.leader(); }
  void Pass(int64_t span) { machine_.Pass(Nanos{span}); }
  // The next signal that the thread acts on; 0: none.
  int Take(Thread& thread) {
    std::optional<SignalInfo> info = kernel().TakeSignal(thread);
    if (!info.has_value()) return 0;
    last_ = *info;
    return info->signal;
  }
  std::shared_ptr<PosixTimer> Make(const PosixTimer::Options& options) {
    auto share = kernel().signal_counts().Take(kUser, 100);
    EXPECT_TRUE(share.has_value());
    auto timer = std::make_shared<PosixTimer>(process(), process().next_timer_id++, options,
                                              *std::move(share));
    process().timers.emplace(timer->id(), timer);
    return timer;
  }

  TestMachine machine_;
  SignalInfo last_;
};

// ---- ITIMER_REAL

TEST_F(TimersTest, AnAlarmGoesToTheProcess) {
  process().real_timer.Set({Nanos{10}, Nanos{0}});
  EXPECT_EQ(kernel().NextDeadline(), Clock::kBootNanos + Nanos{10});
  Pass(9);
  EXPECT_EQ(Take(leader()), 0);
  Pass(1);
  EXPECT_EQ(Take(leader()), kSigAlrm);
  EXPECT_EQ(last_.code, kSiKernel);
  EXPECT_EQ(process().real_timer.Get().value, Nanos{0});
}

TEST_F(TimersTest, AnIntervalBeginsWhenTheSignalIsTaken) {
  process().real_timer.Set({Nanos{10}, Nanos{10}});
  Pass(35);
  EXPECT_FALSE(process().real_timer.armed());
  EXPECT_EQ(Take(leader()), kSigAlrm);
  EXPECT_EQ(Take(leader()), 0);
  EXPECT_EQ(kernel().NextDeadline(), Clock::kBootNanos + Nanos{40});
  // A microsecond is the least that is told, because 0 means off.
  EXPECT_EQ(process().real_timer.Get().value, Nanos{1000});
  const TimerSetting old = process().real_timer.Set({});
  EXPECT_EQ(old.interval, Nanos{10});
  Pass(100);
  EXPECT_EQ(Take(leader()), 0);
}

TEST_F(TimersTest, AnIgnoredAlarmDoesNotComeAgain) {
  process().actions[kSigAlrm].handler = kSigIgn;
  process().real_timer.Set({Nanos{10}, Nanos{10}});
  Pass(10);
  EXPECT_EQ(kernel().NextDeadline(), kNanosMax);
  EXPECT_EQ(process().real_timer.Get().interval, Nanos{10});
}

TEST_F(TimersTest, AnAlarmInterruptsASleep) {
  machine_.Give(leader(), StartSleep(leader(), Clock::kBootNanos + Nanos{1000}, GuestAddr{}));
  process().real_timer.Set({Nanos{10}, Nanos{0}});
  Pass(10);
  EXPECT_TRUE(leader().HasSignalToTake());
  EXPECT_FALSE(machine_.Answer(leader()).has_value());
  EXPECT_EQ(machine_.Interrupt(leader()), Failed(Errno::kIntr));
  EXPECT_EQ(kernel().NextDeadline(), kNanosMax);
}

TEST_F(TimersTest, AnEndedProcessHasNoTimers) {
  process().real_timer.Set({Nanos{10}, Nanos{10}});
  const std::shared_ptr<PosixTimer> timer = Make({});
  timer->Set({Nanos{10}, Nanos{0}}, false);
  kernel().EndProcess(process(), {});
  EXPECT_EQ(kernel().timers().size(), 0u);
  EXPECT_TRUE(process().timers.empty());
}

// ---- timer_create

TEST_F(TimersTest, APosixTimerSendsItsValue) {
  const std::shared_ptr<PosixTimer> timer = Make({.signal = kSigUsr1, .value = 77});
  timer->Set({Nanos{10}, Nanos{0}}, false);
  Pass(10);
  EXPECT_EQ(Take(leader()), kSigUsr1);
  EXPECT_EQ(last_.code, kSiTimer);
  EXPECT_EQ(last_.value, 77u);
  EXPECT_EQ(last_.timer_id, timer->id());
  EXPECT_EQ(last_.overrun, 0);
  EXPECT_EQ(last_.timer, nullptr);
}

TEST_F(TimersTest, IntervalsThatGoByAreTheOverrun) {
  const std::shared_ptr<PosixTimer> timer = Make({.signal = kSigUsr1});
  leader().SetSignalMask(SignalBit(kSigUsr1));
  timer->Set({Nanos{10}, Nanos{10}}, false);
  Pass(45);
  EXPECT_EQ(timer->Get().value, Nanos{5});
  leader().SetSignalMask(0);
  EXPECT_EQ(Take(leader()), kSigUsr1);
  EXPECT_EQ(last_.overrun, 3);
  EXPECT_EQ(timer->overrun(), 3);
  EXPECT_EQ(Take(leader()), 0);
  Pass(5);
  EXPECT_EQ(Take(leader()), kSigUsr1);
  EXPECT_EQ(last_.overrun, 0);
}

TEST_F(TimersTest, ASignalOfAnEarlierSettingIsDropped) {
  const std::shared_ptr<PosixTimer> timer = Make({.signal = kSigUsr1});
  timer->Set({Nanos{10}, Nanos{0}}, false);
  Pass(10);
  timer->Set({Nanos{10}, Nanos{0}}, false);
  EXPECT_NE(process().pending.set(), 0u);
  EXPECT_EQ(Take(leader()), 0);
  Pass(10);
  EXPECT_EQ(Take(leader()), kSigUsr1);
}

TEST_F(TimersTest, AStaleSignalThatStillPendsIsGoodForTheNextExpiry) {
  const std::shared_ptr<PosixTimer> timer = Make({.signal = kSigUsr1});
  timer->Set({Nanos{10}, Nanos{0}}, false);
  Pass(10);
  timer->Set({Nanos{10}, Nanos{0}}, false);
  Pass(10);
  EXPECT_EQ(Take(leader()), kSigUsr1);
  EXPECT_EQ(Take(leader()), 0);
}

TEST_F(TimersTest, TheSignalOfADeletedTimerIsDroppedAndItsChargeReleased) {
  std::shared_ptr<PosixTimer> timer = Make({.signal = kSigUsr1});
  timer->Set({Nanos{10}, Nanos{0}}, false);
  Pass(10);
  timer->Delete();
  process().timers.erase(timer->id());
  timer.reset();
  EXPECT_EQ(kernel().signal_counts().Of(kUser), 1u);  // Its signal still pends.
  EXPECT_EQ(Take(leader()), 0);
  EXPECT_EQ(kernel().signal_counts().Of(kUser), 0u);
}

TEST_F(TimersTest, EachTimerHasASignalOfItsOwn) {
  const std::shared_ptr<PosixTimer> first = Make({.signal = kSigUsr1, .value = 1});
  const std::shared_ptr<PosixTimer> second = Make({.signal = kSigUsr1, .value = 2});
  second->Set({Nanos{10}, Nanos{0}}, false);
  first->Set({Nanos{11}, Nanos{0}}, false);
  Pass(20);
  EXPECT_EQ(Take(leader()), kSigUsr1);
  EXPECT_EQ(last_.value, 2u);
  EXPECT_EQ(Take(leader()), kSigUsr1);
  EXPECT_EQ(last_.value, 1u);
  EXPECT_EQ(Take(leader()), 0);
}

TEST_F(TimersTest, AThreadsTimerSignalsTheThread) {
  Thread& second = machine_.NewThread();
  const std::shared_ptr<PosixTimer> timer = Make({.signal = kSigUsr1, .thread = second.tid()});
  timer->Set({Nanos{10}, Nanos{10}}, false);
  Pass(10);
  EXPECT_EQ(Take(leader()), 0);
  EXPECT_EQ(Take(second), kSigUsr1);
  kernel().EndThread(second, 0);
  Pass(100);
  EXPECT_EQ(Take(leader()), 0);
}

TEST_F(TimersTest, AnIgnoredTimerGoesOnWhenItIsNotIgnoredAnyMore) {
  process().actions[kSigUsr1].handler = kSigIgn;
  const std::shared_ptr<PosixTimer> timer = Make({.signal = kSigUsr1});
  timer->Set({Nanos{10}, Nanos{10}}, false);
  Pass(35);
  EXPECT_EQ(Take(leader()), 0);
  process().actions[kSigUsr1].handler = 0x1000;
  kernel().OnActionChanged(process(), kSigUsr1);
  EXPECT_EQ(Take(leader()), kSigUsr1);
  EXPECT_EQ(last_.overrun, 2);
  EXPECT_EQ(kernel().NextDeadline(), Clock::kBootNanos + Nanos{40});
}

TEST_F(TimersTest, APendingTimerSignalThatBecomesIgnoredIsNotForgotten) {
  const std::shared_ptr<PosixTimer> timer = Make({.signal = kSigUsr1});
  timer->Set({Nanos{10}, Nanos{10}}, false);
  Pass(10);
  process().actions[kSigUsr1].handler = kSigIgn;
  kernel().OnActionChanged(process(), kSigUsr1);
  EXPECT_EQ(process().pending.set(), 0u);
  process().actions[kSigUsr1].handler = 0x1000;
  kernel().OnActionChanged(process(), kSigUsr1);
  EXPECT_EQ(Take(leader()), kSigUsr1);
}

TEST_F(TimersTest, ATimerThatSignalsNobodyCanBeAsked) {
  const std::shared_ptr<PosixTimer> timer = Make({.notify = PosixTimer::Notify::kNone});
  EXPECT_EQ(timer->Get().value, Nanos{0});
  timer->Set({Nanos{10}, Nanos{0}}, false);
  EXPECT_EQ(timer->Get().value, Nanos{10});
  Pass(20);
  EXPECT_EQ(timer->Get().value, Nanos{0});
  timer->Set({Nanos{10}, Nanos{7}}, false);
  Pass(20);
  EXPECT_EQ(timer->Get().value, Nanos{4});
  EXPECT_EQ(kernel().NextDeadline(), kNanosMax);
}

TEST_F(TimersTest, AnAbsoluteTimerOfRealtimeFollowsTheClock) {
  const std::shared_ptr<PosixTimer> timer = Make({.clock = ClockId::kRealtime, .signal = kSigUsr1});
  timer->Set({Clock::kEpoch + Nanos{1000}, Nanos{0}}, true);
  kernel().SetRealtime(Clock::kEpoch + Nanos{2000});
  EXPECT_EQ(Take(leader()), kSigUsr1);
}

// ---- Processor time

TEST_F(TimersTest, AThreadsTimeIsPartOfItsProcesses) {
  Thread& second = machine_.NewThread();
  kernel().Compute(leader(), Nanos{10});
  kernel().Compute(second, Nanos{5});
  EXPECT_EQ(leader().cpu_clock->now(), Nanos{10});
  EXPECT_EQ(second.cpu_clock->now(), Nanos{5});
  EXPECT_EQ(process().cpu_clock->now(), Nanos{15});
}

TEST_F(TimersTest, ATimerOfAThreadCountsWhatThatThreadComputes) {
  Thread& second = machine_.NewThread();
  const std::shared_ptr<PosixTimer> timer =
      Make({.cpu_clock = second.cpu_clock, .signal = kSigUsr1});
  timer->Set({Nanos{10}, Nanos{10}}, false);
  EXPECT_EQ(kernel().NextDeadline(), kNanosMax);
  EXPECT_EQ(Kernel::TimeToCpuDeadline(second), Nanos{10});
  EXPECT_EQ(Kernel::TimeToCpuDeadline(leader()), kNanosMax);
  kernel().Compute(leader(), Nanos{100});
  kernel().Compute(second, Nanos{9});
  EXPECT_EQ(timer->Get().value, Nanos{1});
  EXPECT_EQ(Take(second), 0);
  kernel().Compute(second, Nanos{1});
  // Who computes is asked first whether it wants the signal.
  EXPECT_FALSE(leader().HasSignalToTake());
  EXPECT_EQ(Take(second), kSigUsr1);
  EXPECT_EQ(Kernel::TimeToCpuDeadline(second), Nanos{10});
}

TEST_F(TimersTest, ATimerOfAProcessCountsAllItsThreads) {
  Thread& second = machine_.NewThread();
  const std::shared_ptr<PosixTimer> timer =
      Make({.cpu_clock = process().cpu_clock, .signal = kSigUsr1});
  timer->Set({Nanos{10}, Nanos{0}}, true);
  kernel().Compute(leader(), Nanos{4});
  kernel().Compute(second, Nanos{5});
  EXPECT_EQ(Kernel::TimeToCpuDeadline(leader()), Nanos{1});
  kernel().Compute(leader(), Nanos{1});
  EXPECT_EQ(Take(leader()), kSigUsr1);
}

TEST_F(TimersTest, APointOfProcessorTimeThatHasPassedHasCome) {
  kernel().Compute(leader(), Nanos{10});
  const std::shared_ptr<PosixTimer> timer =
      Make({.cpu_clock = process().cpu_clock, .signal = kSigUsr1});
  timer->Set({Nanos{7}, Nanos{0}}, true);
  EXPECT_EQ(Take(leader()), kSigUsr1);
}

TEST_F(TimersTest, ATimerOutlivesTheThreadOfItsClock) {
  Thread& second = machine_.NewThread();
  const std::shared_ptr<PosixTimer> timer =
      Make({.cpu_clock = second.cpu_clock, .signal = kSigUsr1});
  timer->Set({Nanos{10}, Nanos{5}}, false);
  kernel().EndThread(second, 0);
  kernel().ReleaseEnded();
  EXPECT_TRUE(timer->clock_is_gone());
  EXPECT_EQ(timer->Get().value, Nanos{0});
  EXPECT_EQ(timer->Get().interval, Nanos{0});
}

TEST_F(TimersTest, AnIntervalTimerOfProcessorTimeRunsOnWhateverBecomesOfItsSignal) {
  process().virtual_timer.Set({Nanos{10}, Nanos{20}});
  EXPECT_EQ(process().virtual_timer.Get().value, Nanos{10} + Clock::kTick);
  EXPECT_EQ(Kernel::TimeToCpuDeadline(leader()), Nanos{10} + Clock::kTick);
  process().actions[kSigVtAlrm].handler = kSigIgn;
  kernel().Compute(leader(), Nanos{10} + Clock::kTick);
  EXPECT_EQ(Take(leader()), 0);
  process().actions[kSigVtAlrm].handler = 0x1000;
  EXPECT_EQ(Kernel::TimeToCpuDeadline(leader()), Nanos{20});
  kernel().Compute(leader(), Nanos{20});
  EXPECT_EQ(Take(leader()), kSigVtAlrm);
  EXPECT_EQ(last_.code, kSiKernel);
  EXPECT_EQ(process().virtual_timer.Set({}).interval, Nanos{20});
  EXPECT_EQ(Kernel::TimeToCpuDeadline(leader()), kNanosMax);
}

TEST_F(TimersTest, ASleepOnProcessorTimeLastsUntilSomebodyHasComputed) {
  Thread& second = machine_.NewThread();
  machine_.Give(leader(),
                StartCpuSleep(leader(), process().cpu_clock, Nanos{10}, GuestAddr{}, false));
  EXPECT_EQ(kernel().NextDeadline(), kNanosMax);
  kernel().Compute(second, Nanos{9});
  machine_.Settle();
  EXPECT_FALSE(machine_.Answer(leader()).has_value());
  kernel().Compute(second, Nanos{1});
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(leader()), 0);
}

TEST_F(TimersTest, AnInterruptedSleepOnProcessorTimeSaysWhatWasLeft) {
  Thread& second = machine_.NewThread();
  machine_.Give(leader(), StartCpuSleep(leader(), process().cpu_clock, Nanos{2'000'000'010},
                                        testing::kArena, false));
  kernel().Compute(second, Nanos{4});
  EXPECT_EQ(machine_.Interrupt(leader()), Failed(Errno::kIntr));
  EXPECT_EQ(*machine_.memory().ReadObject<int64_t>(testing::kArena), 2);
  EXPECT_EQ(*machine_.memory().ReadObject<int64_t>(testing::kArena + 8), 6);
  EXPECT_EQ(Kernel::TimeToCpuDeadline(second), kNanosMax);
}

TEST_F(TimersTest, TheLimitOfProcessorTimeWarnsEachSecondAndKillsInTheEnd) {
  constexpr Nanos kSecond{1'000'000'000};
  process().actions[kSigXcpu].handler = 0x1000;
  process().rlimits[kRlimitCpu] = {.soft = 1, .hard = 3};
  process().cpu_limit.Update();
  EXPECT_EQ(Kernel::TimeToCpuDeadline(leader()), kSecond);
  kernel().Compute(leader(), kSecond);
  EXPECT_EQ(Take(leader()), kSigXcpu);
  EXPECT_EQ(process().rlimits[kRlimitCpu].soft, 2u);
  kernel().Compute(leader(), kSecond);
  EXPECT_EQ(Take(leader()), kSigXcpu);
  kernel().Compute(leader(), kSecond);
  EXPECT_EQ(Take(leader()), kSigKill);
}

TEST_F(TimersTest, AChildHasTheLimitAndAClockOfItsOwn) {
  process().rlimits[kRlimitCpu].soft = 1;
  process().cpu_limit.Update();
  kernel().Compute(leader(), Nanos{10});
  const Result<Thread*> child = kernel().Clone(leader(), {.exit_signal = kSigChld});
  ASSERT_TRUE(child.ok());
  EXPECT_EQ((*child)->cpu_clock->now(), Nanos{0});
  EXPECT_EQ(Kernel::TimeToCpuDeadline(**child), Nanos{1'000'000'000});
}

// ---- rt_sigtimedwait

class SignalWaitTest : public TimersTest {
 protected:
  void Wait(SignalSet wanted, std::optional<Nanos> timeout = std::nullopt) {
    const auto write = [](Thread& thread, GuestAddr to, const SignalInfo& info) {
      return thread.process().memory->WriteObject(to, int32_t{info.signal});
    };
    machine_.Give(leader(), StartSignalWait(leader(), wanted, timeout, {address_, write}));
  }
  GuestAddr address_;
};

TEST_F(SignalWaitTest, TakesWhatPends) {
  leader().SetSignalMask(SignalBit(kSigUsr1) | SignalBit(kSigUsr2));
  SignalInfo info;
  info.signal = kSigUsr2;
  kernel().RaiseSignal(process(), info);
  address_ = testing::kArena;
  Wait(SignalBit(kSigUsr1) | SignalBit(kSigUsr2));
  EXPECT_EQ(machine_.Answer(leader()), kSigUsr2);
  EXPECT_EQ(*machine_.memory().ReadObject<int32_t>(testing::kArena), kSigUsr2);
  Wait(SignalBit(kSigUsr1), Nanos{0});
  EXPECT_EQ(machine_.Answer(leader()), Failed(Errno::kAgain));
}

TEST_F(SignalWaitTest, WaitsAndPutsTheMaskBack) {
  leader().SetSignalMask(SignalBit(kSigUsr1) | SignalBit(kSigUsr2));
  Wait(SignalBit(kSigUsr1));
  EXPECT_EQ(leader().signal_mask(), SignalBit(kSigUsr2));
  SignalInfo info;
  info.signal = kSigUsr2;
  kernel().RaiseSignal(leader(), info);
  machine_.Settle();
  EXPECT_FALSE(machine_.Answer(leader()).has_value());
  info.signal = kSigUsr1;
  kernel().RaiseSignal(leader(), info);
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(leader()), kSigUsr1);
  EXPECT_EQ(leader().signal_mask(), SignalBit(kSigUsr1) | SignalBit(kSigUsr2));
  EXPECT_EQ(leader().real_blocked, 0u);
}

TEST_F(SignalWaitTest, ABlockedSignalIsKeptAlthoughItIsIgnored) {
  process().actions[kSigUsr1].handler = kSigIgn;
  leader().SetSignalMask(SignalBit(kSigUsr1));
  Wait(SignalBit(kSigUsr1));
  SignalInfo info;
  info.signal = kSigUsr1;
  kernel().RaiseSignal(process(), info);
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(leader()), kSigUsr1);
}

TEST_F(SignalWaitTest, AnUnblockedIgnoredSignalIsNot) {
  process().actions[kSigUsr1].handler = kSigIgn;
  Wait(SignalBit(kSigUsr1), Nanos{100});
  SignalInfo info;
  info.signal = kSigUsr1;
  kernel().RaiseSignal(process(), info);
  machine_.Settle();
  EXPECT_FALSE(machine_.Answer(leader()).has_value());
  Pass(100);
  EXPECT_EQ(machine_.Answer(leader()), Failed(Errno::kAgain));
}

TEST_F(SignalWaitTest, AnotherSignalEndsIt) {
  Wait(SignalBit(kSigUsr1));
  SignalInfo info;
  info.signal = kSigUsr2;
  kernel().RaiseSignal(leader(), info);
  machine_.Settle();
  EXPECT_TRUE(leader().HasSignalToTake());
  EXPECT_EQ(machine_.Interrupt(leader()), Failed(Errno::kIntr));
  EXPECT_EQ(leader().signal_mask(), 0u);
}

TEST_F(SignalWaitTest, AnInaccessiblePlaceLosesTheSignal) {
  leader().SetSignalMask(SignalBit(kSigUsr1));
  SignalInfo info;
  info.signal = kSigUsr1;
  kernel().RaiseSignal(process(), info);
  address_ = testing::kNowhere;
  Wait(SignalBit(kSigUsr1));
  EXPECT_EQ(machine_.Answer(leader()), Failed(Errno::kFault));
  EXPECT_EQ(process().pending.set(), 0u);
}

}  // namespace
}  // namespace pollux::os_emu
