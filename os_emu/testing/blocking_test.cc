// Threads that block: who is woken, with what. In both worlds.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/events.h"
#include "os_emu/testing/blocking_world.h"

namespace pollux::os_emu::testing {
namespace {

enum class Oracle { kHost, kEmulated };
constexpr size_t kPage = 4096;

class BlockingTest : public ::testing::TestWithParam<Oracle> {
 protected:
  BlockingTest()
      : world_(GetParam() == Oracle::kHost ? MakeBlockingHostWorld()
                                           : MakeBlockingEmulatedWorld()) {}

  size_t Wait(int epoll, uint64_t max_events = 8, int64_t timeout_ms = -1) {
    return world_->Start({BlockingCall::kEpollWait, epoll, max_events, timeout_ms});
  }
  size_t Read(int fd, uint64_t bytes) { return world_->Start({BlockingCall::kRead, fd, bytes}); }
  size_t Write(int fd, uint64_t bytes) { return world_->Start({BlockingCall::kWrite, fd, bytes}); }
  size_t Poll(int fd, uint32_t events) { return world_->Start({BlockingCall::kPoll, fd, events}); }
  int64_t Add(int epoll, int fd, uint32_t events, uint64_t data = 0) {
    return world_->EpollCtl(epoll, 1, fd, events, data);
  }
  void Signal(int eventfd, uint64_t value = 1) {
    const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&value);
    EXPECT_EQ(world_->Write(eventfd, {bytes, bytes + sizeof(value)}), 8);
    world_->Settle();
  }
  void Put(int fd, size_t bytes) {
    EXPECT_EQ(world_->Write(fd, std::vector<uint8_t>(bytes, 'x')), static_cast<int64_t>(bytes));
    world_->Settle();
  }
  void Get(int fd, size_t bytes) {
    EXPECT_EQ(world_->Read(fd, bytes), static_cast<int64_t>(bytes));
    world_->Settle();
  }
  void Close(int fd) {
    world_->Close(fd);
    world_->Settle();
  }
  // "waits", or what the call answered.
  std::string Of(size_t thread) {
    const std::optional<Answer> answer = world_->Result(thread);
    return answer.has_value() ? answer->Text() : "waits";
  }
  static std::string Event(uint32_t events, uint64_t data) {
    return Answer{.value = 1, .memory = {events, data}}.Text();
  }

  std::unique_ptr<BlockingWorld> world_;
};

INSTANTIATE_TEST_SUITE_P(BothWorlds, BlockingTest,
                         ::testing::Values(Oracle::kHost, Oracle::kEmulated), [](const auto& info) {
                           return info.param == Oracle::kHost ? "Host" : "Emulated";
                         });

// ---- epoll_wait.

TEST_P(BlockingTest, AnEventEndsTheWait) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(epoll, event, kIn, 7), 0);
  const size_t thread = Wait(epoll);
  EXPECT_EQ(Of(thread), "waits");
  Signal(event);
  EXPECT_EQ(Of(thread), Event(kIn, 7));
}

TEST_P(BlockingTest, OfTwoWaitersTheLastOneGetsAnEdge) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(epoll, event, kIn | kEdge, 7), 0);
  const size_t first = Wait(epoll);
  const size_t second = Wait(epoll);
  const size_t third = Wait(epoll);
  Signal(event);
  EXPECT_EQ(Of(first), "waits");
  EXPECT_EQ(Of(second), "waits");
  EXPECT_EQ(Of(third), Event(kIn, 7));
  Signal(event);
  EXPECT_EQ(Of(second), Event(kIn, 7));
  EXPECT_EQ(Of(first), "waits");
}

TEST_P(BlockingTest, ALevelTriggeredEventReachesAllWaiters) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(epoll, event, kIn, 7), 0);
  const size_t first = Wait(epoll);
  const size_t second = Wait(epoll);
  Signal(event);
  EXPECT_EQ(Of(first), Event(kIn, 7));
  EXPECT_EQ(Of(second), Event(kIn, 7));
}

TEST_P(BlockingTest, AOneShotEventReachesOneWaiter) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(epoll, event, kIn | kOneShot, 7), 0);
  const size_t first = Wait(epoll);
  const size_t second = Wait(epoll);
  Signal(event);
  EXPECT_EQ(Of(first), "waits");
  EXPECT_EQ(Of(second), Event(kIn, 7));
}

TEST_P(BlockingTest, AddThatFindsReadinessEndsTheWait) {
  const int epoll = world_->Epoll();
  const size_t thread = Wait(epoll);
  ASSERT_EQ(Add(epoll, world_->EventFd(1), kIn, 7), 0);
  world_->Settle();
  EXPECT_EQ(Of(thread), Event(kIn, 7));
}

TEST_P(BlockingTest, ModifyThatFindsReadinessEndsTheWait) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(1);
  ASSERT_EQ(Add(epoll, event, kPri, 7), 0);
  const size_t thread = Wait(epoll);
  EXPECT_EQ(Of(thread), "waits");
  ASSERT_EQ(world_->EpollCtl(epoll, 3, event, kIn, 8), 0);
  world_->Settle();
  EXPECT_EQ(Of(thread), Event(kIn, 8));
}

TEST_P(BlockingTest, AnInstanceClosedDuringTheWaitStillReports) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(epoll, event, kIn, 7), 0);
  const size_t thread = Wait(epoll);
  Close(epoll);
  EXPECT_EQ(Of(thread), "waits");
  Signal(event);
  EXPECT_EQ(Of(thread), Event(kIn, 7));
}

TEST_P(BlockingTest, AWatchedNumberClosedDuringTheWaitStillReportsThroughItsDup) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  const int dup = world_->Dup(event);
  ASSERT_EQ(Add(epoll, event, kIn, 7), 0);
  const size_t thread = Wait(epoll);
  Close(event);
  Signal(dup);
  EXPECT_EQ(Of(thread), Event(kIn, 7));
}

TEST_P(BlockingTest, AWatchedDescriptionClosedDuringTheWaitReportsNothing) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(epoll, event, kIn, 7), 0);
  const size_t thread = Wait(epoll);
  Close(event);
  EXPECT_EQ(Of(thread), "waits");
}

TEST_P(BlockingTest, ATimeoutEndsTheWait) {
  const size_t thread = Wait(world_->Epoll(), 8, 50);
  EXPECT_EQ(Of(thread), "waits");
  world_->Pass(60);
  EXPECT_EQ(Of(thread), "0");
}

TEST_P(BlockingTest, ANestedEventEndsTheOuterWait) {
  const int outer = world_->Epoll();
  const int inner = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(inner, event, kIn, 1), 0);
  ASSERT_EQ(Add(outer, inner, kIn, 2), 0);
  const size_t thread = Wait(outer);
  Signal(event);
  EXPECT_EQ(Of(thread), Event(kIn, 2));
}

TEST_P(BlockingTest, WaitersOfInnerAndOuterAreBothWoken) {
  const int outer = world_->Epoll();
  const int inner = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(inner, event, kIn, 1), 0);
  ASSERT_EQ(Add(outer, inner, kIn, 2), 0);
  const size_t in = Wait(inner);
  const size_t out = Wait(outer);
  Signal(event);
  EXPECT_EQ(Of(in), Event(kIn, 1));
  EXPECT_EQ(Of(out), Event(kIn, 2));
}

TEST_P(BlockingTest, OfExclusiveInstancesTheFirstThatWaitsIsWoken) {
  const int one = world_->Epoll();
  const int two = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(one, event, kExclusive | kIn, 1), 0);
  ASSERT_EQ(Add(two, event, kExclusive | kIn, 2), 0);
  const size_t waits_two = Wait(two);
  const size_t waits_one = Wait(one);
  Signal(event);
  EXPECT_EQ(Of(waits_one), Event(kIn, 1));
  EXPECT_EQ(Of(waits_two), "waits");
}

TEST_P(BlockingTest, AnExclusiveInstanceThatDoesNotWaitPassesTheWakeUpOn) {
  const int one = world_->Epoll();
  const int two = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(one, event, kExclusive | kIn, 1), 0);
  ASSERT_EQ(Add(two, event, kExclusive | kIn, 2), 0);
  const size_t waits_two = Wait(two);
  Signal(event);
  EXPECT_EQ(Of(waits_two), Event(kIn, 2));
}

TEST_P(BlockingTest, WithoutExclusiveAllInstancesAreWoken) {
  const int one = world_->Epoll();
  const int two = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(one, event, kIn, 1), 0);
  ASSERT_EQ(Add(two, event, kIn, 2), 0);
  const size_t waits_one = Wait(one);
  const size_t waits_two = Wait(two);
  Signal(event);
  EXPECT_EQ(Of(waits_one), Event(kIn, 1));
  EXPECT_EQ(Of(waits_two), Event(kIn, 2));
}

TEST_P(BlockingTest, WhatDoesNotFitWakesTheNextWaiter) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  // Two interests become ready by one wake-up.
  const int dup = world_->Dup(event);
  ASSERT_EQ(Add(epoll, event, kIn | kEdge, 1), 0);
  ASSERT_EQ(Add(epoll, dup, kIn | kEdge, 2), 0);
  const size_t first = Wait(epoll, 1);
  const size_t second = Wait(epoll, 1);
  Signal(event);
  EXPECT_NE(Of(first), "waits");
  EXPECT_NE(Of(second), "waits");
  EXPECT_NE(Of(first), Of(second));
}

// ---- eventfd.

TEST_P(BlockingTest, AReadOfAnEventFdWaitsForAWrite) {
  const int event = world_->EventFd(0);
  const size_t thread = Read(event, 8);
  EXPECT_EQ(Of(thread), "waits");
  Signal(event, 0);
  EXPECT_EQ(Of(thread), "waits");
  Signal(event);
  EXPECT_EQ(Of(thread), "8");
}

TEST_P(BlockingTest, AWriteToAFullEventFdWaitsForARead) {
  const int event = world_->EventFd(0);
  Signal(event, UINT64_MAX - 1);
  const size_t thread = Write(event, 8);
  EXPECT_EQ(Of(thread), "waits");
  Get(event, 8);
  EXPECT_EQ(Of(thread), "8");
}

TEST_P(BlockingTest, OneWriteServesOneReaderOfAnEventFd) {
  const int event = world_->EventFd(0);
  const size_t first = Read(event, 8);
  const size_t second = Read(event, 8);
  Signal(event);
  EXPECT_NE(Of(first) == "waits", Of(second) == "waits");
  Signal(event);
  EXPECT_EQ(Of(first), "8");
  EXPECT_EQ(Of(second), "8");
}

TEST_P(BlockingTest, ANumberClosedDuringAReadDoesNotEndIt) {
  const int event = world_->EventFd(0);
  const int dup = world_->Dup(event);
  const size_t thread = Read(event, 8);
  Close(event);
  EXPECT_EQ(Of(thread), "waits");
  Signal(dup);
  EXPECT_EQ(Of(thread), "8");
}

// ---- pipe.

TEST_P(BlockingTest, ReadersOfAPipeAreServedInTheirOrder) {
  const auto [reader, writer] = world_->Pipe();
  const size_t first = Read(reader, 10);
  const size_t second = Read(reader, 10);
  Put(writer, 3);
  EXPECT_EQ(Of(first).substr(0, 1), "3");
  EXPECT_EQ(Of(second), "waits");
  Put(writer, 2);
  EXPECT_EQ(Of(second).substr(0, 1), "2");
}

TEST_P(BlockingTest, AReaderThatLeavesDataWakesTheNext) {
  const auto [reader, writer] = world_->Pipe();
  const size_t first = Read(reader, 1);
  const size_t second = Read(reader, 1);
  const size_t third = Read(reader, 1);
  Put(writer, 2);
  EXPECT_EQ(Of(first).substr(0, 1), "1");
  EXPECT_EQ(Of(second).substr(0, 1), "1");
  EXPECT_EQ(Of(third), "waits");
}

TEST_P(BlockingTest, TheEndOfTheWritersEndsAllReads) {
  const auto [reader, writer] = world_->Pipe();
  const size_t first = Read(reader, 1);
  const size_t second = Read(reader, 1);
  Close(writer);
  EXPECT_EQ(Of(first), "0");
  EXPECT_EQ(Of(second), "0");
}

TEST_P(BlockingTest, AWriterWaitsForRoomAndWritesAll) {
  const auto [reader, writer] = world_->Pipe();
  Put(writer, 16 * kPage);
  const size_t thread = Write(writer, 2 * kPage);
  EXPECT_EQ(Of(thread), "waits");
  Get(reader, kPage);
  EXPECT_EQ(Of(thread), "waits");
  Get(reader, kPage);
  EXPECT_EQ(Of(thread), "8192");
}

TEST_P(BlockingTest, WritersAreServedInTheirOrder) {
  const auto [reader, writer] = world_->Pipe();
  Put(writer, 16 * kPage);
  const size_t first = Write(writer, kPage);
  const size_t second = Write(writer, kPage);
  Get(reader, kPage);
  EXPECT_EQ(Of(first), "4096");
  EXPECT_EQ(Of(second), "waits");
  Get(reader, kPage);
  EXPECT_EQ(Of(second), "4096");
}

TEST_P(BlockingTest, AWriterThatLeavesRoomWakesTheNext) {
  const auto [reader, writer] = world_->Pipe();
  Put(writer, 16 * kPage);
  const size_t first = Write(writer, kPage);
  const size_t second = Write(writer, kPage);
  Get(reader, 2 * kPage);
  EXPECT_EQ(Of(first), "4096");
  EXPECT_EQ(Of(second), "4096");
}

TEST_P(BlockingTest, TheEndOfTheReadersEndsAWriteThatIsPartlyDone) {
  const auto [reader, writer] = world_->Pipe();
  Put(writer, 15 * kPage);
  const size_t part = Write(writer, 2 * kPage);
  const size_t nothing = Write(writer, 100);
  EXPECT_EQ(Of(part), "waits");
  Close(reader);
  EXPECT_EQ(Of(part), "4096");
  EXPECT_EQ(Of(nothing), "-32");
}

TEST_P(BlockingTest, AWriteThatHasToWaitIsAnEdgeAtItsEndOnly) {
  const auto [reader, writer] = world_->Pipe();
  const int epoll = world_->Epoll();
  ASSERT_EQ(Add(epoll, reader, kIn | kEdge, 5), 0);
  Put(writer, 15 * kPage);
  EXPECT_EQ(Of(Wait(epoll)), Event(kIn, 5));
  const size_t waits = Wait(epoll);
  const size_t writes = Write(writer, 2 * kPage);
  EXPECT_EQ(Of(waits), "waits");
  Get(reader, kPage);
  EXPECT_EQ(Of(writes), "8192");
  EXPECT_EQ(Of(waits), Event(kIn, 5));
}

TEST_P(BlockingTest, AWriteIntoAnEmptyPipeThatHasToWaitIsAnEdgeAtOnce) {
  const auto [reader, writer] = world_->Pipe();
  const int epoll = world_->Epoll();
  ASSERT_EQ(Add(epoll, reader, kIn | kEdge, 5), 0);
  const size_t waits = Wait(epoll);
  const size_t writes = Write(writer, 17 * kPage);
  EXPECT_EQ(Of(waits), Event(kIn, 5));
  EXPECT_EQ(Of(writes), "waits");
}

TEST_P(BlockingTest, ABlockedReaderAndAnEpollWaiterAreBothWoken) {
  const auto [reader, writer] = world_->Pipe();
  const int epoll = world_->Epoll();
  ASSERT_EQ(Add(epoll, reader, kIn | kEdge, 5), 0);
  const size_t waits = Wait(epoll, 8, 300);
  const size_t polls = Poll(reader, kHup);
  const size_t reads = Read(reader, 1);
  Put(writer, 2);
  EXPECT_EQ(Of(reads).substr(0, 1), "1");
  EXPECT_EQ(Of(waits), Event(kIn, 5));
  EXPECT_EQ(Of(polls), "waits");
  Close(writer);
  EXPECT_EQ(Of(polls), Answer({.value = 1, .memory = {kHup}}).Text());
}

// ---- poll.

TEST_P(BlockingTest, PollWaitsForWhatItAskedFor) {
  const int event = world_->EventFd(0);
  Signal(event, UINT64_MAX - 1);
  const size_t in = Poll(event, kPri);
  const size_t out = Poll(event, kOut);
  EXPECT_EQ(Of(out), "waits");
  Get(event, 8);
  EXPECT_EQ(Of(out), Answer({.value = 1, .memory = {kOut}}).Text());
  EXPECT_EQ(Of(in), "waits");
}

TEST_P(BlockingTest, PollOfAnInstanceWaitsForItsEvents) {
  const int epoll = world_->Epoll();
  const int event = world_->EventFd(0);
  ASSERT_EQ(Add(epoll, event, kIn, 1), 0);
  const size_t thread = Poll(epoll, kIn);
  Signal(event);
  EXPECT_EQ(Of(thread), Answer({.value = 1, .memory = {kIn}}).Text());
}

}  // namespace
}  // namespace pollux::os_emu::testing
