// Each change of readiness of an eventfd and a pipe, edge- and level-triggered, and what epoll
// adds. In both worlds.
#include "os_emu/testing/scenario.h"

namespace pollux::os_emu::testing {
namespace {

constexpr int64_t kInvalid = -22, kAgain = -11, kBrokenPipe = -32, kLoops = -40;
constexpr uint64_t kMost = UINT64_MAX - 1;  // What an eventfd can hold.
constexpr size_t kPageOfPipe = 4096;
constexpr size_t kFull = 16 * kPageOfPipe;

// ---- eventfd.

class EventFdReadiness : public Scenario {
 protected:
  int epoll_ = Epoll();
  int event_ = EventFd();
  void Watch(uint32_t events) { ASSERT_EQ(Add(epoll_, event_, events, 1), 0); }
};
POLLUX_IN_BOTH_WORLDS(EventFdReadiness);

TEST_P(EventFdReadiness, LevelReadableFromTheWriteToTheRead) {
  Watch(kIn);
  EXPECT_EQ(Wait(epoll_), Seen{});
  Signal(event_);
  EXPECT_EQ(Wait(epoll_), (Seen{{kIn, 1}}));
  EXPECT_EQ(Wait(epoll_), (Seen{{kIn, 1}}));
  EXPECT_EQ(Read(event_, 8), 8);
  EXPECT_EQ(Wait(epoll_), Seen{});
}

TEST_P(EventFdReadiness, EachWriteIsAReadableEdge) {
  Watch(kIn | kEdge);
  Signal(event_);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(Wait(epoll_).size(), 0u);
  Signal(event_);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
}

TEST_P(EventFdReadiness, AWriteOfZeroIsAnEdgeIfThereIsACount) {
  Watch(kIn | kEdge);
  Signal(event_, 0);
  EXPECT_EQ(Wait(epoll_).size(), 0u);
  Signal(event_, 1);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  Signal(event_, 0);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
}

TEST_P(EventFdReadiness, AReadIsAWritableEdge) {
  Watch(kOut | kEdge);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(Wait(epoll_).size(), 0u);
  Signal(event_);
  EXPECT_EQ(Wait(epoll_).size(), 0u);
  EXPECT_EQ(Read(event_, 8), 8);
  EXPECT_EQ(Wait(epoll_), (Seen{{kOut, 1}}));
}

TEST_P(EventFdReadiness, AReadThatFailsIsNoEdge) {
  Watch(kOut | kEdge);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(Read(event_, 8), kAgain);
  EXPECT_EQ(Read(event_, 4), kInvalid);
  EXPECT_EQ(Wait(epoll_).size(), 0u);
}

TEST_P(EventFdReadiness, LevelWritableUntilItIsFull) {
  Watch(kOut);
  EXPECT_EQ(Wait(epoll_), (Seen{{kOut, 1}}));
  Signal(event_, kMost);
  EXPECT_EQ(Wait(epoll_), Seen{});
  EXPECT_EQ(Read(event_, 8), 8);
  EXPECT_EQ(Wait(epoll_), (Seen{{kOut, 1}}));
}

TEST_P(EventFdReadiness, AnEdgeTellsAllThatIsReadyThen) {
  Watch(kIn | kOut | kEdge);
  EXPECT_EQ(Wait(epoll_), (Seen{{kOut, 1}}));
  Signal(event_);
  EXPECT_EQ(Wait(epoll_), (Seen{{kIn | kOut, 1}}));
  Signal(event_, kMost - 1);
  EXPECT_EQ(Wait(epoll_), (Seen{{kIn, 1}}));
  EXPECT_EQ(Read(event_, 8), 8);
  EXPECT_EQ(Wait(epoll_), (Seen{{kOut, 1}}));
}

TEST_P(EventFdReadiness, RdNormAndWrNormAreNeverReported) {
  Watch(kRdNorm | kWrNorm);
  Signal(event_);
  EXPECT_EQ(Wait(epoll_), Seen{});
  EXPECT_EQ(Poll(event_, kRdNorm | kWrNorm), 0u);
}

// ---- pipe.

class PipeReadiness : public Scenario {
 protected:
  int epoll_ = Epoll();
  Ends pipe_ = Pipe();
  void Watch(int end, uint32_t events) { ASSERT_EQ(Add(epoll_, end, events, 1), 0); }
};
POLLUX_IN_BOTH_WORLDS(PipeReadiness);

TEST_P(PipeReadiness, LevelReadableWhileThereIsData) {
  Watch(pipe_.reader, kIn);
  EXPECT_EQ(Write(pipe_.writer, 2), 2);
  EXPECT_EQ(Wait(epoll_), (Seen{{kIn, 1}}));
  EXPECT_EQ(Read(pipe_.reader, 1), 1);
  EXPECT_EQ(Wait(epoll_), (Seen{{kIn, 1}}));
  EXPECT_EQ(Read(pipe_.reader, 1), 1);
  EXPECT_EQ(Wait(epoll_), Seen{});
}

TEST_P(PipeReadiness, EachWriteIsAReadableEdgeEvenIfThereIsDataAlready) {
  Watch(pipe_.reader, kIn | kEdge);
  EXPECT_EQ(Write(pipe_.writer, 1), 1);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(Write(pipe_.writer, 1), 1);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(Read(pipe_.reader, 1), 1);
  EXPECT_EQ(Wait(epoll_).size(), 0u);
}

TEST_P(PipeReadiness, AWriteThatFailsIsAReadableEdgeToo) {
  Watch(pipe_.reader, kIn | kEdge);
  EXPECT_EQ(Write(pipe_.writer, kFull), static_cast<int64_t>(kFull));
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(Write(pipe_.writer, 1), kAgain);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
}

TEST_P(PipeReadiness, LevelWritableWhileASlotIsFree) {
  Watch(pipe_.writer, kOut);
  EXPECT_EQ(Wait(epoll_), (Seen{{kOut, 1}}));
  EXPECT_EQ(Write(pipe_.writer, kFull), static_cast<int64_t>(kFull));
  EXPECT_EQ(Wait(epoll_), Seen{});
  EXPECT_EQ(Read(pipe_.reader, kPageOfPipe - 1), static_cast<int64_t>(kPageOfPipe - 1));
  EXPECT_EQ(Wait(epoll_), Seen{});
  EXPECT_EQ(Read(pipe_.reader, 1), 1);
  EXPECT_EQ(Wait(epoll_), (Seen{{kOut, 1}}));
}

TEST_P(PipeReadiness, OnlyTheReadThatEndsFullnessIsAWritableEdge) {
  Watch(pipe_.writer, kOut | kEdge);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(Write(pipe_.writer, kFull), static_cast<int64_t>(kFull));
  EXPECT_EQ(Read(pipe_.reader, kPageOfPipe), static_cast<int64_t>(kPageOfPipe));
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(Read(pipe_.reader, kPageOfPipe), static_cast<int64_t>(kPageOfPipe));
  EXPECT_EQ(Wait(epoll_).size(), 0u);
}

TEST_P(PipeReadiness, TheEndOfTheWritersIsHup) {
  Watch(pipe_.reader, kIn);
  Close(pipe_.writer);
  EXPECT_EQ(Wait(epoll_), (Seen{{kHup, 1}}));
  EXPECT_EQ(Wait(epoll_), (Seen{{kHup, 1}}));
  EXPECT_EQ(Read(pipe_.reader, 1), 0);
}

TEST_P(PipeReadiness, TheEndOfTheWritersIsOneEdge) {
  Watch(pipe_.reader, kIn | kRdHup | kEdge);
  EXPECT_EQ(Write(pipe_.writer, 1), 1);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  const int dup = Dup(pipe_.writer);
  Close(pipe_.writer);
  EXPECT_EQ(Wait(epoll_).size(), 0u);
  Close(dup);
  EXPECT_EQ(Wait(epoll_), (Seen{{kIn | kHup, 1}}));
  EXPECT_EQ(Wait(epoll_).size(), 0u);
}

TEST_P(PipeReadiness, TheEndOfTheReadersIsErr) {
  Watch(pipe_.writer, kOut | kEdge);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  Close(pipe_.reader);
  EXPECT_EQ(Wait(epoll_), (Seen{{kOut | kErr, 1}}));
  EXPECT_EQ(Wait(epoll_).size(), 0u);
  EXPECT_EQ(Write(pipe_.writer, 1), kBrokenPipe);
}

TEST_P(PipeReadiness, AFullPipeWithoutReadersIsErrOnly) {
  EXPECT_EQ(Write(pipe_.writer, kFull), static_cast<int64_t>(kFull));
  Watch(pipe_.writer, kOut);
  EXPECT_EQ(Wait(epoll_), Seen{});
  Close(pipe_.reader);
  EXPECT_EQ(Wait(epoll_), (Seen{{kErr, 1}}));
}

TEST_P(PipeReadiness, ResizingIsAWritableEdge) {
  Watch(pipe_.writer, kOut | kEdge);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
  EXPECT_EQ(world().SetPipeSize(pipe_.reader, 1 << 17).value, 1 << 17);
  EXPECT_EQ(Wait(epoll_).size(), 1u);
}

TEST_P(PipeReadiness, RdNormAndWrNormAreReported) {
  EXPECT_EQ(Write(pipe_.writer, 1), 1);
  Watch(pipe_.reader, kRdNorm);
  EXPECT_EQ(Wait(epoll_), (Seen{{kRdNorm, 1}}));
  EXPECT_EQ(Poll(pipe_.writer, kWrNorm), kWrNorm);
}

// ---- What epoll adds.

class EpollScenario : public Scenario {};
POLLUX_IN_BOTH_WORLDS(EpollScenario);

TEST_P(EpollScenario, OneShotIsQuietUntilModified) {
  const int epoll = Epoll();
  const int event = EventFd();
  ASSERT_EQ(Add(epoll, event, kIn | kOneShot, 1), 0);
  Signal(event);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 1}}));
  Signal(event);
  EXPECT_EQ(Wait(epoll), Seen{});
  ASSERT_EQ(Modify(epoll, event, kIn | kOneShot, 2), 0);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 2}}));
  EXPECT_EQ(Wait(epoll), Seen{});
}

TEST_P(EpollScenario, OneShotSilencesErrAndHupToo) {
  const int epoll = Epoll();
  const Ends pipe = Pipe();
  ASSERT_EQ(Add(epoll, pipe.reader, kIn | kOneShot, 1), 0);
  EXPECT_EQ(Write(pipe.writer, 1), 1);
  EXPECT_EQ(Wait(epoll).size(), 1u);
  Close(pipe.writer);
  EXPECT_EQ(Wait(epoll), Seen{});
  ASSERT_EQ(Modify(epoll, pipe.reader, 0, 2), 0);
  EXPECT_EQ(Wait(epoll), (Seen{{kHup, 2}}));
}

TEST_P(EpollScenario, EventsComeInTheOrderOfTheirWakeUps) {
  const int epoll = Epoll();
  int events[4];
  for (uint64_t i = 0; i < 4; ++i) {
    events[i] = EventFd();
    ASSERT_EQ(Add(epoll, events[i], kIn, i), 0);
  }
  for (const int i : {2, 0, 3, 1, 2}) Signal(events[i]);
  EXPECT_EQ(Wait(epoll), (Seen{{kIn, 2}, {kIn, 0}, {kIn, 3}, {kIn, 1}}));
}

TEST_P(EpollScenario, LevelTriggeredEventsTakeTurns) {
  const int epoll = Epoll();
  for (uint64_t i = 0; i < 3; ++i) ASSERT_EQ(Add(epoll, EventFd(1), kIn, i), 0);
  EXPECT_EQ(Wait(epoll, 2), (Seen{{kIn, 0}, {kIn, 1}}));
  EXPECT_EQ(Wait(epoll, 2), (Seen{{kIn, 2}, {kIn, 0}}));
  EXPECT_EQ(Wait(epoll, 2), (Seen{{kIn, 1}, {kIn, 2}}));
}

TEST_P(EpollScenario, ANestedInstanceIsReadableWhileItHasEvents) {
  const int outer = Epoll();
  const int inner = Epoll();
  const int event = EventFd();
  ASSERT_EQ(Add(inner, event, kIn | kEdge, 1), 0);
  ASSERT_EQ(Add(outer, inner, kIn, 2), 0);
  EXPECT_EQ(Wait(outer), Seen{});
  Signal(event);
  EXPECT_EQ(Wait(outer), (Seen{{kIn, 2}}));
  EXPECT_EQ(Wait(outer), (Seen{{kIn, 2}}));
  EXPECT_EQ(Poll(inner, kIn), kIn);
  EXPECT_EQ(Wait(inner), (Seen{{kIn, 1}}));
  EXPECT_EQ(Wait(outer), Seen{});
}

TEST_P(EpollScenario, ANestedInstanceIsAnEdgeOnceItsEventWakes) {
  const int outer = Epoll();
  const int inner = Epoll();
  const int event = EventFd();
  ASSERT_EQ(Add(inner, event, kIn, 1), 0);
  ASSERT_EQ(Add(outer, inner, kIn | kEdge, 2), 0);
  Signal(event);
  EXPECT_EQ(Wait(outer).size(), 1u);
  EXPECT_EQ(Wait(outer).size(), 0u);
  Signal(event);
  EXPECT_EQ(Wait(outer).size(), 1u);
  // An interest that is ready when it is added is an edge too.
  ASSERT_EQ(Add(inner, EventFd(1), kIn, 3), 0);
  EXPECT_EQ(Wait(outer).size(), 1u);
}

TEST_P(EpollScenario, NestingIsFiveDeepAtMost) {
  int below = Epoll();
  for (int i = 0; i < 5; ++i) {
    const int above = Epoll();
    EXPECT_EQ(Add(above, below, kIn), i < 4 ? 0 : kLoops) << i;
    below = above;
  }
}

TEST_P(EpollScenario, ChainsAreMeasuredUpAndDown) {
  int e[6];
  for (int& epoll : e) epoll = Epoll();
  ASSERT_EQ(Add(e[1], e[0], kIn), 0);
  ASSERT_EQ(Add(e[2], e[1], kIn), 0);
  ASSERT_EQ(Add(e[4], e[3], kIn), 0);
  ASSERT_EQ(Add(e[5], e[4], kIn), 0);
  EXPECT_EQ(Add(e[3], e[2], kIn), kLoops);
  EXPECT_EQ(Add(e[4], e[2], kIn), 0);
}

TEST_P(EpollScenario, ACycleIsRefused) {
  const int one = Epoll();
  const int two = Epoll();
  ASSERT_EQ(Add(one, two, kIn), 0);
  EXPECT_EQ(Add(two, one, kIn), kLoops);
  EXPECT_EQ(Add(one, one, kIn), kInvalid);
}

TEST_P(EpollScenario, TooManyWakeUpPathsAreRefused) {
  const int inner = Epoll();
  ASSERT_EQ(Add(inner, EventFd(), kIn), 0);
  for (int i = 0; i < 501; ++i) {
    EXPECT_EQ(Add(Epoll(), inner, kIn), i < 500 ? 0 : kInvalid) << i;
  }
}

TEST_P(EpollScenario, ExclusiveHasItsLegalMasks) {
  const int epoll = Epoll();
  const int event = EventFd();
  EXPECT_EQ(Add(epoll, event, kExclusive | kIn | kOneShot), kInvalid);
  EXPECT_EQ(Add(epoll, event, kExclusive | kIn | kRdHup), kInvalid);
  EXPECT_EQ(Add(epoll, Epoll(), kExclusive | kIn), kInvalid);
  ASSERT_EQ(Add(epoll, event, kExclusive | kIn | kOut | kErr | kHup | kEdge | kWakeup), 0);
  EXPECT_EQ(Modify(epoll, event, kIn), kInvalid);
}

TEST_P(EpollScenario, ExclusiveInterestsOfIdleInstancesAllBecomeReady) {
  const int one = Epoll();
  const int two = Epoll();
  const int event = EventFd();
  ASSERT_EQ(Add(one, event, kExclusive | kIn | kEdge, 1), 0);
  ASSERT_EQ(Add(two, event, kExclusive | kIn | kEdge, 2), 0);
  Signal(event);
  EXPECT_EQ(Wait(one), (Seen{{kIn, 1}}));
  EXPECT_EQ(Wait(two), (Seen{{kIn, 2}}));
}

}  // namespace
}  // namespace pollux::os_emu::testing
