#include "os_emu/file/fd_table.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

using testing::FakeDescription;

DescriptionRef Fake() { return MakeDescription<FakeDescription>(); }
Fd N(int number) { return static_cast<Fd>(number); }

class FdTableTest : public ::testing::Test {
 protected:
  int Install(int from = 0) {
    const Result<Fd> fd = table_.Install(Fake(), false, from);
    return fd.ok() ? static_cast<int>(*fd) : -static_cast<int>(fd.error());
  }
  FdTable table_;
};

TEST_F(FdTableTest, NumbersAreGivenLowestFirst) {
  EXPECT_EQ(Install(), 0);
  EXPECT_EQ(Install(), 1);
  EXPECT_EQ(Install(), 2);
  ASSERT_TRUE(table_.Remove(N(1)).ok());
  ASSERT_TRUE(table_.Remove(N(0)).ok());
  EXPECT_EQ(Install(), 0);
  EXPECT_EQ(Install(), 1);
  EXPECT_EQ(Install(), 3);
}

TEST_F(FdTableTest, InstallFromANumberLeavesLowerOnesFree) {
  EXPECT_EQ(Install(100), 100);
  EXPECT_EQ(Install(100), 101);
  EXPECT_EQ(Install(), 0);
  EXPECT_EQ(Install(63), 63);
  EXPECT_EQ(Install(63), 64);
}

TEST_F(FdTableTest, GetFindsTheDescriptionThatWasInstalled) {
  const DescriptionRef description = Fake();
  ASSERT_TRUE(table_.Install(description, false).ok());
  EXPECT_EQ(*table_.Get(N(0)), description);
}

TEST_F(FdTableTest, ANumberThatIsNotOpenIsBadF) {
  EXPECT_EQ(Install(), 0);
  for (const int number : {-1, 1, 63, 64, 1 << 20, INT32_MAX, INT32_MIN}) {
    EXPECT_EQ(table_.Get(N(number)).error(), Errno::kBadF) << number;
    EXPECT_EQ(table_.Remove(N(number)).error(), Errno::kBadF) << number;
    EXPECT_EQ(table_.CloseOnExec(N(number)).error(), Errno::kBadF) << number;
    EXPECT_EQ(table_.SetCloseOnExec(N(number), true).error(), Errno::kBadF) << number;
  }
}

TEST_F(FdTableTest, TheLimitHoldsForNewNumbersOnly) {
  EXPECT_EQ(Install(20), 20);
  table_.set_limit(2);
  EXPECT_EQ(Install(), 0);
  EXPECT_EQ(Install(), 1);
  EXPECT_EQ(Install(), -static_cast<int>(Errno::kMFile));
  EXPECT_TRUE(table_.Get(N(20)).ok());
  EXPECT_EQ(table_.InstallAt(N(20), Fake(), false).error(), Errno::kBadF);
  table_.set_limit(3);
  EXPECT_EQ(Install(), 2);
}

TEST_F(FdTableTest, AStartBeyondTheLimitIsInval) {
  table_.set_limit(8);
  EXPECT_EQ(Install(8), -static_cast<int>(Errno::kInval));
  EXPECT_EQ(Install(-1), -static_cast<int>(Errno::kInval));
  EXPECT_EQ(Install(7), 7);
  EXPECT_EQ(Install(7), -static_cast<int>(Errno::kMFile));
}

TEST_F(FdTableTest, NoNumberReachesNrOpenWhateverTheLimit) {
  table_.set_limit(INT32_MAX);
  EXPECT_EQ(table_.InstallAt(N(FdTable::kMaxOpen), Fake(), false).error(), Errno::kBadF);
  EXPECT_TRUE(table_.InstallAt(N(FdTable::kMaxOpen - 1), Fake(), false).ok());
  EXPECT_EQ(Install(FdTable::kMaxOpen - 1), -static_cast<int>(Errno::kMFile));
}

TEST_F(FdTableTest, InstallAtReplacesAndLetsTheOldOneGo) {
  EXPECT_EQ(Install(), 0);
  bool released = false;
  bool new_one_stood = false;
  const DescriptionRef second = Fake();
  static_cast<FakeDescription&>(**table_.Get(N(0))).on_release = [&] {
    released = true;
    new_one_stood = *table_.Get(N(0)) == second;
  };
  ASSERT_TRUE(table_.InstallAt(N(0), second, true).ok());
  EXPECT_TRUE(released);
  EXPECT_TRUE(new_one_stood);
  EXPECT_TRUE(*table_.CloseOnExec(N(0)));
}

TEST_F(FdTableTest, InstallAtANumberFillsTheGapForLowestFirst) {
  ASSERT_TRUE(table_.InstallAt(N(1), Fake(), false).ok());
  EXPECT_EQ(Install(), 0);
  EXPECT_EQ(Install(), 2);
}

TEST_F(FdTableTest, RemoveGivesTheReferenceToTheCaller) {
  EXPECT_EQ(Install(), 0);
  bool released = false;
  static_cast<FakeDescription&>(**table_.Get(N(0))).on_release = [&] { released = true; };
  {
    const Result<DescriptionRef> removed = table_.Remove(N(0));
    EXPECT_FALSE(released);
    EXPECT_EQ(table_.Get(N(0)).error(), Errno::kBadF);
  }
  EXPECT_TRUE(released);
}

TEST_F(FdTableTest, ForkSharesDescriptionsAndCopiesFlags) {
  EXPECT_EQ(Install(), 0);
  ASSERT_TRUE(table_.SetCloseOnExec(N(0), true).ok());
  FdTable child(table_);
  EXPECT_EQ(*child.Get(N(0)), *table_.Get(N(0)));
  ASSERT_TRUE(table_.SetCloseOnExec(N(0), false).ok());
  EXPECT_TRUE(*child.CloseOnExec(N(0)));
  ASSERT_TRUE(child.Remove(N(0)).ok());
  EXPECT_TRUE(table_.Get(N(0)).ok());
}

TEST_F(FdTableTest, CloseForExecClosesWhatHasTheFlag) {
  for (int i = 0; i < 130; ++i) ASSERT_TRUE(table_.Install(Fake(), i % 2 == 1).ok());
  table_.CloseForExec();
  const std::vector<Fd> open = table_.OpenNumbers();
  ASSERT_EQ(open.size(), 65u);
  EXPECT_EQ(open[1], N(2));
  EXPECT_EQ(Install(), 1);
}

TEST_F(FdTableTest, ACloseOnExecFlagDoesNotOutliveItsDescriptor) {
  ASSERT_TRUE(table_.Install(Fake(), true).ok());
  ASSERT_TRUE(table_.Remove(N(0)).ok());
  EXPECT_EQ(Install(), 0);
  EXPECT_FALSE(*table_.CloseOnExec(N(0)));
}

// As an exit does: measured on Linux 6.18 (testsuite/basics/epoll/release_order.cc).
TEST_F(FdTableTest, CloseAllReleasesTheLastOneFirst) {
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Install(), i);
    static_cast<FakeDescription&>(**table_.Get(N(i))).on_release = [&order, i] {
      order.push_back(i);
    };
  }
  table_.CloseAll();
  EXPECT_EQ(order, (std::vector<int>{2, 1, 0}));
  EXPECT_TRUE(table_.OpenNumbers().empty());
  EXPECT_EQ(Install(), 0);
}

// Against a plain set of numbers.
TEST_F(FdTableTest, ARandomWalkAgreesWithASet) {
  const uint64_t seed = 20250101;
  RecordProperty("seed", std::to_string(seed));
  uint64_t state = seed;
  const auto next = [&state](uint64_t bound) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<int>((state >> 33) % bound);
  };
  std::set<int> open;
  table_.set_limit(200);
  for (int step = 0; step < 200'000; ++step) {
    const int number = next(210);
    switch (next(3)) {
      case 0: {
        int expected = number;
        while (open.count(expected) != 0) ++expected;
        if (number > 0 && number >= 200) {
          ASSERT_EQ(Install(number), -static_cast<int>(Errno::kInval));
        } else if (expected >= 200) {
          ASSERT_EQ(Install(number), -static_cast<int>(Errno::kMFile));
        } else {
          ASSERT_EQ(Install(number), expected);
          open.insert(expected);
        }
        break;
      }
      case 1:
        ASSERT_EQ(table_.Remove(N(number)).ok(), open.erase(number) == 1);
        break;
      case 2:
        ASSERT_EQ(table_.InstallAt(N(number), Fake(), false).ok(), number < 200);
        if (number < 200) open.insert(number);
        break;
    }
    if (step % 1000 == 0) {
      std::vector<Fd> numbers;
      for (const int n : open) numbers.push_back(N(n));
      ASSERT_EQ(table_.OpenNumbers(), numbers);
    }
  }
}

}  // namespace
}  // namespace pollux::os_emu
