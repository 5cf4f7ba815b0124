#include "os_emu/task/signal.h"

#include <string>

#include "gtest/gtest.h"

namespace pollux::os_emu {
namespace {

SignalInfo Info(int signal, uint64_t value = 0) {
  SignalInfo info;
  info.signal = signal;
  info.value = value;
  return info;
}

TEST(PendingSignals, AStandardSignalPendsOnce) {
  PendingSignals pending;
  EXPECT_EQ(pending.Add(Info(kSigUsr1, 1)), PendingSignals::Added::kYes);
  EXPECT_EQ(pending.Add(Info(kSigUsr1, 2)), PendingSignals::Added::kPendsAlready);
  EXPECT_EQ(pending.Take(0)->value, 1u);
  EXPECT_FALSE(pending.Take(0).has_value());
  EXPECT_EQ(pending.set(), 0u);
}

TEST(PendingSignals, RealTimeSignalsQueueInOrder) {
  PendingSignals pending;
  pending.Add(Info(40, 1));
  pending.Add(Info(40, 2));
  EXPECT_EQ(pending.Take(0)->value, 1u);
  EXPECT_EQ(pending.set(), SignalBit(40));
  EXPECT_EQ(pending.Take(0)->value, 2u);
  EXPECT_EQ(pending.set(), 0u);
}

TEST(PendingSignals, TheLowestNumberIsTakenFirst) {
  PendingSignals pending;
  pending.Add(Info(kSigTerm));
  pending.Add(Info(kSigHup));
  EXPECT_EQ(pending.Take(0)->signal, kSigHup);
}

TEST(PendingSignals, SynchronousOnesComeBeforeLowerNumbers) {
  PendingSignals pending;
  pending.Add(Info(kSigHup));
  pending.Add(Info(kSigSegv));
  EXPECT_EQ(pending.Take(0)->signal, kSigSegv);
  EXPECT_EQ(pending.Take(0)->signal, kSigHup);
}

TEST(PendingSignals, BlockedOnesStay) {
  PendingSignals pending;
  pending.Add(Info(kSigHup));
  pending.Add(Info(kSigTerm));
  EXPECT_EQ(pending.Take(SignalBit(kSigHup))->signal, kSigTerm);
  EXPECT_FALSE(pending.Take(SignalBit(kSigHup)).has_value());
  EXPECT_EQ(pending.set(), SignalBit(kSigHup));
}

TEST(PendingSignals, RemoveForgets) {
  PendingSignals pending;
  pending.Add(Info(kSigCont));
  pending.Add(Info(kSigTerm));
  pending.Remove(SignalBit(kSigCont));
  EXPECT_EQ(pending.set(), SignalBit(kSigTerm));
}

TEST(PendingSignals, TheQueueOfRealTimeSignalsIsBounded) {
  PendingSignals pending;
  for (size_t i = 0; i < PendingSignals::kMaxQueued; ++i) {
    ASSERT_EQ(pending.Add(Info(50)), PendingSignals::Added::kYes);
  }
  EXPECT_EQ(pending.Add(Info(50)), PendingSignals::Added::kQueueFull);
  EXPECT_EQ(pending.Add(Info(kSigTerm)), PendingSignals::Added::kYes);
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
