#include "os_emu/task/kernel.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

using testing::FakeDescription;
using testing::kArena;
using testing::kNowhere;
using testing::TestMachine;

SignalInfo KernelInfo(int signal) {
  SignalInfo info;
  info.signal = signal;
  return info;
}

TEST(Kernel, ProcessesAndThreadsShareOneCountOfIds) {
  Kernel kernel{Kernel::Options()};
  Process& first = kernel.CreateProcess();
  EXPECT_EQ(first.pid(), Tid{1000});
  EXPECT_EQ(kernel.CreateThread(first).tid(), Tid{1001});
  Process& second = kernel.CreateProcess();
  EXPECT_EQ(second.pid(), Tid{1002});
  EXPECT_EQ(kernel.FindProcess(Tid{1000}), &first);
  EXPECT_EQ(kernel.FindProcess(Tid{1001}), nullptr);
  EXPECT_EQ(&kernel.FindThread(Tid{1001})->process(), &first);
  EXPECT_EQ(&kernel.FindThread(Tid{1002})->process(), &second);
  EXPECT_EQ(kernel.FindThread(Tid{1003}), nullptr);
}

TEST(Kernel, InodesCountFromOne) {
  Kernel kernel{Kernel::Options()};
  EXPECT_EQ(kernel.NextInode(), 1u);
  EXPECT_EQ(kernel.NextInode(), 2u);
}

TEST(Kernel, EqualSeedsGiveEqualWorlds) {
  Kernel::Options options;
  options.world_seed = 42;
  Kernel one(options);
  Kernel two(options);
  EXPECT_EQ(one.world_random().Next(), two.world_random().Next());
}

// ---- Ends.

TEST(Kernel, EndProcessClosesDescriptorsAndKeepsTheStatus) {
  TestMachine machine;
  bool released = false;
  const DescriptionRef description = MakeDescription<FakeDescription>();
  static_cast<FakeDescription&>(*description).on_release = [&] { released = true; };
  ASSERT_TRUE(machine.process().fds().Install(description, false).ok());
  const_cast<DescriptionRef&>(description) = DescriptionRef();
  machine.kernel().EndProcess(machine.process(), ExitState{.status = 3, .signal = 0});
  EXPECT_TRUE(released);
  EXPECT_EQ(machine.process().exit->status, 3);
  EXPECT_TRUE(machine.process().threads.empty());
  EXPECT_EQ(machine.process().memory, nullptr);
}

TEST(Kernel, TheThreadThatEndsItsProcessCanStillBeNamed) {
  TestMachine machine;
  Thread& thread = machine.leader();
  machine.kernel().EndProcess(machine.process(), ExitState());
  EXPECT_EQ(thread.tid(), Tid{1000});
  machine.kernel().ReleaseEnded();
}

TEST(Kernel, EndProcessEndsWaits) {
  TestMachine machine;
  const DescriptionRef description = MakeDescription<FakeDescription>();
  machine.Give(machine.leader(), StartRead(machine.leader(), description, machine.Buffer(0, 1)));
  EXPECT_TRUE(machine.leader().blocked());
  machine.kernel().EndProcess(machine.process(), ExitState());
  EXPECT_TRUE(static_cast<FakeDescription&>(*description).queue.empty());
}

TEST(Kernel, TheFirstEndOfAProcessCounts) {
  TestMachine machine;
  machine.kernel().EndProcess(machine.process(), ExitState{.status = 1, .signal = 0});
  machine.kernel().EndProcess(machine.process(), ExitState{.status = 2, .signal = 0});
  EXPECT_EQ(machine.process().exit->status, 1);
}

TEST(Kernel, ALeaderThatHasEndedStaysUntilItsProcessIsGone) {
  TestMachine machine;
  Kernel& kernel = machine.kernel();
  const Result<Thread*> made = kernel.Clone(machine.leader(), {.exit_signal = kSigChld});
  ASSERT_TRUE(made.ok());
  Process& child = (*made)->process();
  Thread& leader = **made;
  Thread& other = kernel.CreateThread(child);
  const Tid other_tid = other.tid();
  kernel.EndThread(leader, 4);
  int seen = 0;
  kernel.ReleaseEnded([&](Thread& thread) { seen += &thread == &leader; });
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(kernel.FindThread(child.pid()), nullptr);
  EXPECT_EQ(kernel.FindTask(child.pid()), &leader);
  EXPECT_TRUE(leader.ended());
  EXPECT_FALSE(leader.cpu_clock->gone);
  // Nobody is there to take it.
  EXPECT_TRUE(kernel.RaiseSignal(leader, KernelInfo(kSigTerm)));
  EXPECT_EQ(leader.pending.set(), 0u);
  kernel.EndThread(other, 3);
  kernel.ReleaseEnded();
  EXPECT_EQ(kernel.FindTask(other_tid), nullptr);
  EXPECT_EQ(kernel.FindTask(child.pid()), &leader);
  // The last one's status.
  EXPECT_EQ(child.exit->status, 3);
  const Tid pid = child.pid();
  const std::shared_ptr<CpuClock> clock = leader.cpu_clock;
  kernel.Reap(child);
  kernel.ReleaseEnded();
  EXPECT_EQ(kernel.FindTask(pid), nullptr);
  EXPECT_TRUE(clock->gone);
}

TEST(Kernel, ADirectoryIsSharedUntilItIsTakenBack) {
  TestMachine machine;
  Kernel& kernel = machine.kernel();
  Thread& shares = **kernel.Clone(machine.leader(),
                                  {.flags = kCloneThread | kCloneSigHand | kCloneVm | kCloneFs});
  Thread& alone =
      **kernel.Clone(machine.leader(), {.flags = kCloneThread | kCloneSigHand | kCloneVm});
  machine.leader().fs().umask = 077;
  EXPECT_EQ(shares.fs().umask, 077u);
  EXPECT_EQ(alone.fs().umask, 022u);
  shares.UnshareFs();
  machine.leader().fs().umask = 0;
  EXPECT_EQ(shares.fs().umask, 077u);
}

TEST(Kernel, EndThreadClearsAndWakesItsTid) {
  TestMachine machine;
  Thread& other = machine.NewThread();
  ASSERT_TRUE(machine.memory().WriteObject<uint32_t>(kArena, 1001).ok());
  other.clear_child_tid = kArena;
  // As pthread_join(3): the kernel wakes without FUTEX_PRIVATE_FLAG.
  machine.Give(machine.leader(),
               StartFutexWait(machine.leader(), {kArena}, 1001, kFutexAnyBit, std::nullopt));
  machine.kernel().EndThread(other, 0);
  machine.Settle();
  EXPECT_EQ(machine.Answer(machine.leader()), 0);
  EXPECT_EQ(*machine.memory().ReadObject<uint32_t>(kArena), 0u);
  EXPECT_EQ(machine.process().threads.size(), 1u);
  EXPECT_FALSE(machine.process().exit.has_value());
}

TEST(Kernel, TheLastThreadEndsTheProcess) {
  TestMachine machine;
  machine.leader().clear_child_tid = kNowhere;  // No error.
  machine.kernel().EndThread(machine.leader(), 0x107);
  ASSERT_TRUE(machine.process().exit.has_value());
  EXPECT_EQ(machine.process().exit->status, 7);
}

// ---- Signals.

TEST(Kernel, AnIgnoredSignalDoesNotPend) {
  TestMachine machine;
  EXPECT_TRUE(machine.kernel().RaiseSignal(machine.process(), KernelInfo(kSigChld)));
  machine.process().actions[kSigTerm].handler = kSigIgn;
  EXPECT_TRUE(machine.kernel().RaiseSignal(machine.leader(), KernelInfo(kSigTerm)));
  EXPECT_FALSE(machine.leader().HasSignalToTake());
  EXPECT_EQ(machine.process().pending.set(), 0u);
}

TEST(Kernel, ABlockedSignalPendsEvenIfItIsIgnored) {
  TestMachine machine;
  machine.leader().SetSignalMask(SignalBit(kSigTerm));
  machine.process().actions[kSigTerm].handler = kSigIgn;
  machine.kernel().RaiseSignal(machine.leader(), KernelInfo(kSigTerm));
  EXPECT_EQ(machine.leader().pending.set(), SignalBit(kSigTerm));
  EXPECT_FALSE(machine.leader().HasSignalToTake());
  machine.leader().SetSignalMask(0);
  EXPECT_TRUE(machine.leader().HasSignalToTake());
  EXPECT_FALSE(machine.kernel().TakeSignal(machine.leader()).has_value());
}

TEST(Kernel, KillCannotBeBlockedOrIgnored) {
  TestMachine machine;
  machine.leader().SetSignalMask(~SignalSet{0});
  machine.process().actions[kSigKill].handler = kSigIgn;
  machine.kernel().RaiseSignal(machine.process(), KernelInfo(kSigKill));
  EXPECT_TRUE(machine.leader().HasSignalToTake());
  EXPECT_EQ(machine.kernel().TakeSignal(machine.leader())->signal, kSigKill);
}

TEST(Kernel, AThreadsOwnSignalsComeBeforeTheProcesses) {
  TestMachine machine;
  machine.kernel().RaiseSignal(machine.process(), KernelInfo(kSigHup));
  machine.kernel().RaiseSignal(machine.leader(), KernelInfo(kSigTerm));
  EXPECT_EQ(machine.kernel().TakeSignal(machine.leader())->signal, kSigTerm);
  EXPECT_EQ(machine.kernel().TakeSignal(machine.leader())->signal, kSigHup);
  EXPECT_FALSE(machine.kernel().TakeSignal(machine.leader()).has_value());
}

TEST(Kernel, AProcessSignalWakesAThreadThatLetsItThrough) {
  TestMachine machine;
  Thread& other = machine.NewThread();
  machine.leader().SetSignalMask(SignalBit(kSigTerm));
  machine.Give(machine.leader(), StartPause(machine.leader()));
  machine.Give(other, StartPause(other));
  machine.kernel().RaiseSignal(machine.process(), KernelInfo(kSigTerm));
  EXPECT_FALSE(machine.leader().woken());
  EXPECT_TRUE(other.woken());
  EXPECT_TRUE(other.HasSignalToTake());
}

TEST(Kernel, AWokenCallThatHasNothingGoesOnWaiting) {
  TestMachine machine;
  machine.Give(machine.leader(), StartPause(machine.leader()));
  machine.kernel().RaiseSignal(machine.leader(), KernelInfo(kSigTerm));
  machine.Settle();
  EXPECT_TRUE(machine.leader().blocked());
  EXPECT_FALSE(machine.leader().woken());
  EXPECT_EQ(machine.leader().blocked_call()->on_signal(), OnSignal::kNoHandler);
  EXPECT_EQ(machine.Interrupt(machine.leader()), testing::Failed(Errno::kIntr));
}

TEST(Kernel, ASignalThatPendsAlreadyWakesTheCallThatUnblocksIt) {
  TestMachine machine;
  machine.leader().SetSignalMask(SignalBit(kSigTerm));
  machine.kernel().RaiseSignal(machine.leader(), KernelInfo(kSigTerm));
  machine.leader().SetSignalMask(0);  // As ppoll's mask does.
  machine.Give(machine.leader(), StartPause(machine.leader()));
  EXPECT_TRUE(machine.leader().woken());
}

TEST(Kernel, StopAndContinueTakeEachOtherBack) {
  TestMachine machine;
  machine.leader().SetSignalMask(SignalBit(kSigTstp) | SignalBit(kSigCont));
  machine.kernel().RaiseSignal(machine.leader(), KernelInfo(kSigTstp));
  EXPECT_EQ(machine.leader().pending.set(), SignalBit(kSigTstp));
  machine.kernel().RaiseSignal(machine.process(), KernelInfo(kSigCont));
  EXPECT_EQ(machine.leader().pending.set(), 0u);
  EXPECT_EQ(machine.process().pending.set(), SignalBit(kSigCont));
}

TEST(Kernel, AForcedSignalIsDeliveredThoughBlockedOrIgnored) {
  TestMachine machine;
  machine.leader().SetSignalMask(SignalBit(kSigSegv));
  machine.process().actions[kSigSegv].handler = 0x1000;
  machine.kernel().ForceSignal(machine.leader(), KernelInfo(kSigSegv));
  EXPECT_EQ(machine.kernel().TakeSignal(machine.leader())->signal, kSigSegv);
  EXPECT_EQ(machine.process().actions[kSigSegv].handler, kSigDfl);
}

TEST(Kernel, AForcedSignalKeepsItsHandlerOtherwise) {
  TestMachine machine;
  machine.process().actions[kSigSegv].handler = 0x1000;
  machine.kernel().ForceSignal(machine.leader(), KernelInfo(kSigSegv));
  EXPECT_EQ(machine.process().actions[kSigSegv].handler, 0x1000u);
}

TEST(Kernel, TheNextDeadlineIsTheEarliest) {
  TestMachine machine;
  EXPECT_EQ(machine.kernel().NextDeadline(), kNanosMax);
  Thread& other = machine.NewThread();
  const Nanos now = machine.kernel().clock().Monotonic();
  machine.Give(machine.leader(), StartSleep(machine.leader(), now + Nanos{50}, GuestAddr{}));
  machine.Give(other, StartSleep(other, now + Nanos{20}, GuestAddr{}));
  EXPECT_EQ(machine.kernel().NextDeadline(), now + Nanos{20});
}

}  // namespace
}  // namespace pollux::os_emu
