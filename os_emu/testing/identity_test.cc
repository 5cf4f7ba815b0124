// An interest belongs to a description, whatever happens to numbers. In both worlds.
#include "os_emu/testing/scenario.h"

namespace pollux::os_emu::testing {
namespace {

constexpr int64_t kNoEntry = -2, kBadNumber = -9, kExists = -17;

class IdentityTest : public Scenario {};
POLLUX_IN_BOTH_WORLDS(IdentityTest);

// rust-lang/miri#3858: the instance was found by the number under which it was made.
TEST_P(IdentityTest, ADupOfTheInstanceWaitsAfterItsFirstNumberIsClosed) {
  const int epoll = Epoll();
  const int event = EventFd();
  ASSERT_EQ(Add(epoll, event, kIn | kOut | kEdge, 1), 0);
  const int dup = Dup(epoll);
  Close(epoll);
  EXPECT_EQ(Wait(dup), (Seen{{kOut, 1}}));
  Signal(event);
  EXPECT_EQ(Wait(dup), (Seen{{kIn | kOut, 1}}));
  EXPECT_EQ(Wait(dup), Seen{});
}

TEST_P(IdentityTest, ADupOfTheInstanceIsTheSameInstance) {
  const int epoll = Epoll();
  const int dup = Dup(epoll);
  const int event = EventFd(1);
  ASSERT_EQ(Add(epoll, event, kIn | kEdge, 1), 0);
  EXPECT_EQ(Add(dup, event, kIn, 1), kExists);
  EXPECT_EQ(Wait(dup).size(), 1u);
  EXPECT_EQ(Wait(epoll).size(), 0u);
  EXPECT_EQ(Delete(dup, event), 0);
  EXPECT_EQ(Delete(epoll, event), kNoEntry);
}

TEST_P(IdentityTest, AnInstanceThatReplacesANumberIsAnotherInstance) {
  const int epoll = Epoll();
  const int event = EventFd(1);
  ASSERT_EQ(Add(epoll, event, kIn, 1), 0);
  const int dup = Dup(epoll);
  const int other = Epoll();
  Dup2(other, epoll);
  EXPECT_EQ(Wait(epoll), Seen{});
  EXPECT_EQ(Wait(dup), (Seen{{kIn, 1}}));
  EXPECT_EQ(Delete(epoll, event), kNoEntry);
}

TEST_P(IdentityTest, ANumberThatIsClosedKeepsReportingWhileADupLives) {
  const int epoll = Epoll();
  const int event = EventFd();
  ASSERT_EQ(Add(epoll, event, kIn, 1), 0);
  const int dup = Dup(event);
  Close(event);
  Signal(dup);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 1}}));
  // The number is gone, and the dup was never added.
  EXPECT_EQ(Delete(epoll, event), kBadNumber);
  EXPECT_EQ(Delete(epoll, dup), kNoEntry);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 1}}));
}

TEST_P(IdentityTest, AnInterestGoesWithTheLastDup) {
  const int epoll = Epoll();
  const int event = EventFd(1);
  ASSERT_EQ(Add(epoll, event, kIn, 1), 0);
  const int dup = Dup(event);
  const int third = Dup(dup);
  Close(event);
  EXPECT_EQ(Wait(epoll).size(), 1u);
  Close(third);
  EXPECT_EQ(Wait(epoll).size(), 1u);
  Close(dup);
  EXPECT_EQ(Wait(epoll).size(), 0u);
}

TEST_P(IdentityTest, ANumberUsedAgainIsADifferentInterest) {
  const int epoll = Epoll();
  const int event = EventFd();
  ASSERT_EQ(Add(epoll, event, kIn, 1), 0);
  const int dup = Dup(event);
  Close(event);
  const int other = EventFd();
  ASSERT_EQ(other, event);
  EXPECT_EQ(Modify(epoll, other, kIn, 2), kNoEntry);
  EXPECT_EQ(Delete(epoll, other), kNoEntry);
  ASSERT_EQ(Add(epoll, other, kIn, 2), 0);
  Signal(dup);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 1}}));
  Signal(other);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 1}, {kIn, 2}}));
  Close(dup);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 2}}));
}

TEST_P(IdentityTest, TheOldDescriptionBackAtItsNumberIsTheOldInterest) {
  const int epoll = Epoll();
  const int event = EventFd(1);
  ASSERT_EQ(Add(epoll, event, kIn | kEdge, 1), 0);
  const int dup = Dup(event);
  Close(event);
  Dup2(dup, event);
  EXPECT_EQ(Add(epoll, event, kIn, 2), kExists);
  EXPECT_EQ(Modify(epoll, event, kIn, 3), 0);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 3}}));
}

TEST_P(IdentityTest, OneDescriptionUnderTwoNumbersIsTwoInterests) {
  const int epoll = Epoll();
  const int event = EventFd();
  const int dup = Dup(event);
  ASSERT_EQ(Add(epoll, event, kIn | kEdge, 1), 0);
  ASSERT_EQ(Add(epoll, dup, kIn | kEdge, 2), 0);
  Signal(event);
  // The newest stands first in the description's queue.
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 2}, {kIn, 1}}));
  ASSERT_EQ(Delete(epoll, event), 0);
  Signal(event);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 2}}));
}

TEST_P(IdentityTest, Dup2OntoAWatchedNumberEndsItsInterest) {
  const int epoll = Epoll();
  const int event = EventFd(1);
  const int other = EventFd(1);
  ASSERT_EQ(Add(epoll, event, kIn, 1), 0);
  Dup2(other, event);
  EXPECT_EQ(Wait(epoll), Seen{});
  EXPECT_EQ(Delete(epoll, event), kNoEntry);
}

TEST_P(IdentityTest, AnInterestOutlivesTheInstancesFirstNumberAndItsOwn) {
  const int epoll = Epoll();
  const Ends pipe = Pipe();
  ASSERT_EQ(Add(epoll, pipe.reader, kIn, 1), 0);
  const int epoll_dup = Dup(epoll);
  const int reader_dup = Dup(pipe.reader);
  Close(epoll);
  Close(pipe.reader);
  EXPECT_EQ(Write(pipe.writer, 1), 1);
  EXPECT_EQ(Wait(epoll_dup), (Seen{{kIn, 1}}));
  EXPECT_EQ(Read(reader_dup, 1), 1);
  EXPECT_EQ(Wait(epoll_dup), Seen{});
}

TEST_P(IdentityTest, AWatchedInstanceThatIsClosedIsForgotten) {
  const int outer = Epoll();
  const int inner = Epoll();
  const int event = EventFd(1);
  ASSERT_EQ(Add(inner, event, kIn, 1), 0);
  ASSERT_EQ(Add(outer, inner, kIn, 2), 0);
  EXPECT_EQ(Wait(outer), (Seen{{kIn, 2}}));
  Close(inner);
  EXPECT_EQ(Wait(outer), Seen{});
}

}  // namespace
}  // namespace pollux::os_emu::testing
