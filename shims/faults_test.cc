#include "shims/faults.h"

#include <string>

#include "gtest/gtest.h"
#include "re2/re2.h"
#include "shims/syscall_table.h"

namespace pollux::shims {
namespace {

FaultSet FaultsOfCall(const char* name) {
  const SyscallRow* row = FindSyscall(std::string_view(name));
  EXPECT_NE(row, nullptr) << name;
  return row == nullptr ? 0 : row->faults;
}

TEST(FaultsTest, ARowSaysWhatMayHappenInItsCalls) {
  constexpr FaultSet kMemory = FaultBit(FaultKind::kShortMemory);
  constexpr FaultSet kInterruption = FaultBit(FaultKind::kInterruption);
  constexpr FaultSet kVain = FaultBit(FaultKind::kVainWakeUp);
  EXPECT_EQ(FaultsOfCall("eventfd2"), kMemory);
  EXPECT_EQ(FaultsOfCall("epoll_pwait"), kInterruption);
  EXPECT_EQ(FaultsOfCall("futex"), kVain);
  EXPECT_EQ(FaultsOfCall("nanosleep"), 0) << "a stop restarts it unseen";
  EXPECT_NE(FaultsOfCall("read") & kInterruption, 0) << "of a socket with a timeout";
  EXPECT_EQ(FaultsOfCall("getpid"), 0);
  EXPECT_EQ(FaultsOfCall("close") & kMemory, 0) << "what only gives back needs none";
  EXPECT_EQ(FaultsOfCall("io_uring_setup"), 0) << "pollux does not have it";
}

TEST(FaultsTest, WholeNamesAreSelected) {
  const FaultSelection selection(re2::RE2("futex|eventfd."));
  EXPECT_NE(selection.Of(FindSyscall(std::string_view("futex"))->number), 0);
  EXPECT_NE(selection.Of(FindSyscall(std::string_view("eventfd2"))->number), 0);
  EXPECT_EQ(selection.Of(FindSyscall(std::string_view("futex_wait"))->number), 0);
  EXPECT_EQ(selection.Of(UINT64_MAX), 0);
  EXPECT_FALSE(selection.loses_reservations());
  EXPECT_TRUE(FaultSelection(re2::RE2("sc")).loses_reservations());
  EXPECT_FALSE(FaultSelection(re2::RE2("sc")).empty());
  EXPECT_TRUE(FaultSelection(re2::RE2("getpid|nanosleep")).empty());
}

TEST(FaultsTest, WhatANetworkDoesHasNamesOfItsOwn) {
  const uint64_t write = FindSyscall(std::string_view("write"))->number;
  const FaultSet late = FaultBit(FaultKind::kLateArrival), reset = FaultBit(FaultKind::kReset);
  EXPECT_EQ(FaultSelection(re2::RE2("write")).Of(write), FaultBit(FaultKind::kInterruption));
  EXPECT_EQ(FaultSelection(re2::RE2("tcp_delay")).Of(write), late);
  EXPECT_EQ(FaultSelection(re2::RE2("tcp_.*")).Of(write) & (late | reset), late);
  EXPECT_EQ(FaultSelection(re2::RE2(".*")).Of(write) & (late | reset), late)
      << "a connection that is lost is asked for by its name";
  EXPECT_EQ(FaultSelection(re2::RE2("tcp_reset")).Of(write), reset);
  EXPECT_EQ(FaultSelection(re2::RE2("tcp_.*|tcp_reset")).Of(write) & (late | reset), late | reset);
  EXPECT_FALSE(FaultSelection(re2::RE2("tcp_delay")).loses_reservations());
}

TEST(FaultsTest, ChoicesBeginWhereTheFirstMayHappen) {
  const auto begins = [](const char* names, const char* call) {
    return FaultSelection(re2::RE2(names)).MayBegin(FindSyscall(std::string_view(call))->number);
  };
  EXPECT_TRUE(begins("read", "read"));
  EXPECT_FALSE(begins("tcp_delay", "read")) << "there was no connection yet";
  EXPECT_TRUE(begins("tcp_delay", "connect"));
  EXPECT_FALSE(begins("read", "connect"));
}

}  // namespace
}  // namespace pollux::shims
