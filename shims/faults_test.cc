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
  return row == nullptr ? 0 : FaultsOf(*row);
}

TEST(FaultsTest, FollowFromTheErrorsOfARow) {
  constexpr FaultSet kMemory = FaultBit(FaultKind::kShortMemory);
  constexpr FaultSet kInterruption = FaultBit(FaultKind::kInterruption);
  constexpr FaultSet kVain = FaultBit(FaultKind::kVainWakeUp);
  EXPECT_EQ(FaultsOfCall("eventfd2"), kMemory);
  EXPECT_EQ(FaultsOfCall("epoll_pwait"), kInterruption);
  EXPECT_EQ(FaultsOfCall("futex"), kInterruption | kVain);
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
  EXPECT_TRUE(FaultSelection(re2::RE2("getpid")).empty());
}

}  // namespace
}  // namespace pollux::shims
