#include "os_emu/task/signal.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace pollux::os_emu {
namespace {

SignalInfo Info(int signal, uint64_t value = 0) {
  SignalInfo info;
  info.signal = signal;
  info.code = kSiQueue;
  info.value = value;
  return info;
}

class PendingSignalsTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kUser = 7;
  PendingSignals::Added Add(const SignalInfo& info) {
    return pending.Add(info, {counts_, kUser, limit_});
  }

  memory::MemoryBudget budget_;
  SignalCounts counts_{&budget_};
  uint64_t limit_ = 100;
  PendingSignals pending;
};

TEST_F(PendingSignalsTest, AStandardSignalPendsOnce) {
  EXPECT_EQ(Add(Info(kSigUsr1, 1)), PendingSignals::Added::kYes);
  EXPECT_EQ(Add(Info(kSigUsr1, 2)), PendingSignals::Added::kPendsAlready);
  EXPECT_EQ(pending.Take(0)->value, 1u);
  EXPECT_FALSE(pending.Take(0).has_value());
  EXPECT_EQ(pending.set(), 0u);
}

TEST_F(PendingSignalsTest, RealTimeSignalsQueueInOrder) {
  Add(Info(40, 1));
  Add(Info(40, 2));
  EXPECT_EQ(pending.Take(0)->value, 1u);
  EXPECT_EQ(pending.set(), SignalBit(40));
  EXPECT_EQ(pending.Take(0)->value, 2u);
  EXPECT_EQ(pending.set(), 0u);
}

TEST_F(PendingSignalsTest, TheLowestNumberIsTakenFirst) {
  Add(Info(kSigTerm));
  Add(Info(kSigHup));
  EXPECT_EQ(pending.Take(0)->signal, kSigHup);
}

TEST_F(PendingSignalsTest, SynchronousOnesComeBeforeLowerNumbers) {
  Add(Info(kSigHup));
  Add(Info(kSigSegv));
  EXPECT_EQ(pending.Take(0)->signal, kSigSegv);
  EXPECT_EQ(pending.Take(0)->signal, kSigHup);
}

TEST_F(PendingSignalsTest, BlockedOnesStay) {
  Add(Info(kSigHup));
  Add(Info(kSigTerm));
  EXPECT_EQ(pending.Take(SignalBit(kSigHup))->signal, kSigTerm);
  EXPECT_FALSE(pending.Take(SignalBit(kSigHup)).has_value());
  EXPECT_EQ(pending.set(), SignalBit(kSigHup));
}

TEST_F(PendingSignalsTest, RemoveForgets) {
  Add(Info(kSigCont));
  Add(Info(kSigTerm));
  pending.Remove(SignalBit(kSigCont));
  EXPECT_EQ(pending.set(), SignalBit(kSigTerm));
}

TEST_F(PendingSignalsTest, RealTimeSignalsAreRefusedBeyondTheLimit) {
  limit_ = 2;
  EXPECT_EQ(Add(Info(50)), PendingSignals::Added::kYes);
  EXPECT_EQ(Add(Info(kSigTerm)), PendingSignals::Added::kYes);  // It counts.
  EXPECT_EQ(Add(Info(51)), PendingSignals::Added::kQueueFull);
  EXPECT_EQ(pending.set() & SignalBit(51), 0u);
  EXPECT_TRUE(pending.Take(0).has_value());
  EXPECT_EQ(Add(Info(51)), PendingSignals::Added::kYes);
  EXPECT_EQ(counts_.Of(kUser), 2u);
}

TEST_F(PendingSignalsTest, KillsRealTimeSignalPendsWithoutItsSender) {
  limit_ = 0;
  SignalInfo info = Info(50);
  info.code = kSiUser;
  info.sender_pid = 7;
  EXPECT_EQ(Add(info), PendingSignals::Added::kYes);
  EXPECT_EQ(counts_.Of(kUser), 0u);
  const std::optional<SignalInfo> taken = pending.Take(0);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->signal, 50);
  EXPECT_EQ(taken->code, kSiUser);
  EXPECT_EQ(taken->sender_pid, 0);
  EXPECT_EQ(pending.set(), 0u);
}

TEST_F(PendingSignalsTest, OfTheKernelsAStandardSignalIsWhole) {
  limit_ = 0;
  SignalInfo info = Info(kSigTerm, 5);
  info.code = kSiKernel;
  EXPECT_EQ(Add(info), PendingSignals::Added::kYes);
  EXPECT_EQ(counts_.Of(kUser), 1u);
  EXPECT_EQ(pending.Take(0)->value, 5u);
  info.code = kSiTkill;
  EXPECT_EQ(Add(info), PendingSignals::Added::kYes);
  EXPECT_EQ(pending.Take(0)->value, 0u);
}

TEST_F(PendingSignalsTest, WithoutMemoryNothingIsQueued) {
  budget_.limit_bytes = 600;
  EXPECT_EQ(Add(Info(50)), PendingSignals::Added::kYes);
  EXPECT_EQ(Add(Info(50)), PendingSignals::Added::kQueueFull);
  EXPECT_EQ(Add(Info(kSigTerm, 5)), PendingSignals::Added::kYes);
  EXPECT_EQ(pending.Take(0)->value, 0u);
  EXPECT_TRUE(pending.Take(0).has_value());
  EXPECT_EQ(budget_.used_bytes, 0u);
}

TEST_F(PendingSignalsTest, WhatIsForgottenCountsNoMore) {
  Add(Info(50));
  Add(Info(51));
  Add(Info(50));
  pending.Remove(SignalBit(50));
  EXPECT_EQ(counts_.Of(kUser), 1u);
  EXPECT_EQ(pending.Take(0)->signal, 51);
  EXPECT_EQ(counts_.Of(kUser), 0u);
}

TEST(Signals, NamesAreTheSymbols) {
  EXPECT_EQ(std::string(SignalName(kSigHup)), "SIGHUP");
  EXPECT_EQ(std::string(SignalName(kSigSys)), "SIGSYS");
  EXPECT_EQ(std::string(SignalName(32)), "SIGRT_0");
  EXPECT_EQ(std::string(SignalName(64)), "SIGRT_32");
  EXPECT_EQ(std::string(SignalName(65)), "SIG_?");
}

TEST(Signals, DefaultActionsAreThoseOfSignal7) {
  EXPECT_EQ(DefaultActionOf(kSigTerm), DefaultAction::kTerminate);
  EXPECT_EQ(DefaultActionOf(kSigSegv), DefaultAction::kCore);
  EXPECT_EQ(DefaultActionOf(kSigChld), DefaultAction::kIgnore);
  EXPECT_EQ(DefaultActionOf(kSigStop), DefaultAction::kStop);
  EXPECT_EQ(DefaultActionOf(kSigCont), DefaultAction::kContinue);
  EXPECT_EQ(DefaultActionOf(40), DefaultAction::kTerminate);
}

}  // namespace
}  // namespace pollux::os_emu
