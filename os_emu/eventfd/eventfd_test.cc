#include "os_emu/eventfd/eventfd.h"

#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::ReadSome;
using testing::WriteSome;

std::string Value(uint64_t value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

uint64_t ReadValue(FileDescription& eventfd) {
  const Result<std::string> bytes = ReadSome(eventfd, 8);
  EXPECT_TRUE(bytes.ok());
  uint64_t value = UINT64_MAX;
  if (bytes.ok() && bytes->size() == sizeof(value)) std::memcpy(&value, bytes->data(), 8);
  return value;
}

DescriptionRef Make(uint32_t initial, uint32_t flags = kEfdNonBlock) {
  return *EventFd::Create(initial, flags);
}

TEST(EventFd, ReadGivesTheCountAndResetsIt) {
  const DescriptionRef eventfd = Make(5);
  EXPECT_EQ(ReadValue(*eventfd), 5u);
  EXPECT_EQ(ReadSome(*eventfd, 8).error(), Errno::kAgain);
}

TEST(EventFd, WritesAddUp) {
  const DescriptionRef eventfd = Make(1);
  EXPECT_EQ(*WriteSome(*eventfd, Value(2)), 8u);
  EXPECT_EQ(*WriteSome(*eventfd, Value(4)), 8u);
  EXPECT_EQ(ReadValue(*eventfd), 7u);
}

TEST(EventFd, ASemaphoreCountsDownByOne) {
  const DescriptionRef eventfd = Make(2, kEfdSemaphore);
  EXPECT_EQ(ReadValue(*eventfd), 1u);
  EXPECT_EQ(ReadValue(*eventfd), 1u);
  EXPECT_EQ(ReadSome(*eventfd, 8).error(), Errno::kAgain);
}

TEST(EventFd, AReadOfUnderEightBytesIsInval) {
  const DescriptionRef eventfd = Make(1);
  EXPECT_EQ(ReadSome(*eventfd, 7).error(), Errno::kInval);
  EXPECT_EQ(ReadValue(*eventfd), 1u);
}

TEST(EventFd, ALongReadGivesEightBytes) { EXPECT_EQ(ReadSome(*Make(1), 100)->size(), 8u); }

// As writev(2) of two segments: each is a write of its own.
TEST(EventFd, SegmentsAreWrittenOneByOne) {
  memory::MemoryBudget budget;
  auto space = *memory::AddressSpace::Create(&budget);
  memory::AddressSpace::MapRequest request;
  request.length = memory::kPageBytes;
  request.prot = memory::kProtRead | memory::kProtWrite;
  const GuestAddr page = *space->Map(request);
  ASSERT_TRUE(space->WriteObject(page, uint64_t{3}).ok());
  const DescriptionRef eventfd = Make(0);
  const memory::UserBuffer::Range halves[] = {{page.value, 4}, {page.value + 4, 4}};
  memory::UserBuffer in_halves(space.get(), halves);
  EXPECT_EQ(eventfd->Write(in_halves).error(), Errno::kInval);
  const memory::UserBuffer::Range twice[] = {{page.value, 8}, {page.value, 8}};
  memory::UserBuffer two_values(space.get(), twice);
  EXPECT_EQ(*eventfd->Write(two_values), 16u);
  EXPECT_EQ(ReadValue(*eventfd), 6u);
}

TEST(EventFd, AWriteOfOtherThanEightBytesIsInval) {
  const DescriptionRef eventfd = Make(0);
  EXPECT_EQ(WriteSome(*eventfd, std::string(7, '\0')).error(), Errno::kInval);
  EXPECT_EQ(WriteSome(*eventfd, std::string(9, '\0')).error(), Errno::kInval);
}

TEST(EventFd, AWriteOfAllOnesIsInval) {
  EXPECT_EQ(WriteSome(*Make(0), Value(UINT64_MAX)).error(), Errno::kInval);
}

TEST(EventFd, AWriteThatWouldOverflowIsAgainAndChangesNothing) {
  const DescriptionRef eventfd = Make(1);
  EXPECT_EQ(WriteSome(*eventfd, Value(EventFd::kMaxCount)).error(), Errno::kAgain);
  EXPECT_EQ(*WriteSome(*eventfd, Value(EventFd::kMaxCount - 1)), 8u);
  EXPECT_EQ(WriteSome(*eventfd, Value(1)).error(), Errno::kAgain);
  EXPECT_EQ(*WriteSome(*eventfd, Value(0)), 8u);
  EXPECT_EQ(ReadValue(*eventfd), EventFd::kMaxCount);
}

TEST(EventFd, AWriteThatWasRefusedCanBeTriedAgainWithTheSameBuffer) {
  const DescriptionRef eventfd = Make(2);
  const std::string bytes = Value(EventFd::kMaxCount - 1);
  memory::UserBuffer from =
      memory::UserBuffer::HostConst({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  EXPECT_EQ(eventfd->Write(from).error(), Errno::kAgain);
  EXPECT_EQ(ReadValue(*eventfd), 2u);
  EXPECT_EQ(*eventfd->Write(from), 8u);
  EXPECT_EQ(ReadValue(*eventfd), EventFd::kMaxCount - 1);
}

TEST(EventFd, PollSaysWhatCanBeDone) {
  const DescriptionRef eventfd = Make(0);
  EXPECT_EQ(eventfd->Poll(), kOut);
  ASSERT_TRUE(WriteSome(*eventfd, Value(1)).ok());
  EXPECT_EQ(eventfd->Poll(), kIn | kOut);
  ASSERT_TRUE(WriteSome(*eventfd, Value(EventFd::kMaxCount - 2)).ok());
  EXPECT_EQ(eventfd->Poll(), kIn | kOut);  // One below the most: a write of 1 fits.
  ASSERT_TRUE(WriteSome(*eventfd, Value(1)).ok());
  EXPECT_EQ(eventfd->Poll(), kIn);
}

class EventFdWakeTest : public ::testing::Test {
 protected:
  EventFdWakeTest() {
    WaitQueue* queues[2];
    EXPECT_EQ(eventfd_->PollQueues(queues), 1);
    queues[0]->Add(waiter_);
  }
  DescriptionRef eventfd_ = Make(1);
  CountingWaiter waiter_;
};

TEST_F(EventFdWakeTest, AWriteWakesReaders) {
  ASSERT_TRUE(WriteSome(*eventfd_, Value(1)).ok());
  EXPECT_EQ(waiter_.keys, std::vector<EventMask>{kIn});
}

TEST_F(EventFdWakeTest, AWriteOfZeroWakesReaders) {
  ASSERT_TRUE(WriteSome(*eventfd_, Value(0)).ok());
  EXPECT_EQ(waiter_.keys, std::vector<EventMask>{kIn});
}

TEST_F(EventFdWakeTest, AReadWakesWriters) {
  ReadValue(*eventfd_);
  EXPECT_EQ(waiter_.keys, std::vector<EventMask>{kOut});
}

TEST_F(EventFdWakeTest, WhatFailsWakesNobody) {
  EXPECT_FALSE(WriteSome(*eventfd_, Value(UINT64_MAX)).ok());
  EXPECT_FALSE(WriteSome(*eventfd_, Value(EventFd::kMaxCount)).ok());
  EXPECT_FALSE(WriteSome(*eventfd_, "short").ok());
  EXPECT_FALSE(ReadSome(*eventfd_, 4).ok());
  EXPECT_TRUE(waiter_.keys.empty());
}

TEST(EventFd, AnInaccessibleBufferLosesTheCount) {
  memory::MemoryBudget budget;
  const auto space = *memory::AddressSpace::Create(&budget);
  const DescriptionRef eventfd = Make(3);
  memory::UserBuffer nowhere(space.get(), GuestAddr{0x10000}, 8);
  EXPECT_EQ(eventfd->Read(nowhere).error(), Errno::kFault);
  EXPECT_EQ(ReadSome(*eventfd, 8).error(), Errno::kAgain);
}

TEST(EventFd, AnInaccessibleValueIsFault) {
  memory::MemoryBudget budget;
  const auto space = *memory::AddressSpace::Create(&budget);
  const DescriptionRef eventfd = Make(3);
  memory::UserBuffer nowhere(space.get(), GuestAddr{0x10000}, 8);
  EXPECT_EQ(eventfd->Write(nowhere).error(), Errno::kFault);
  EXPECT_EQ(ReadValue(*eventfd), 3u);
}

TEST(EventFd, UnknownFlagsAreInval) {
  EXPECT_EQ(EventFd::Create(0, 2).error(), Errno::kInval);
  EXPECT_TRUE(EventFd::Create(0, kEfdCloExec | kEfdNonBlock | kEfdSemaphore).ok());
}

TEST(EventFd, FlagsAreKept) {
  EXPECT_TRUE(Make(0, kEfdNonBlock)->nonblocking());
  EXPECT_FALSE(Make(0, 0)->nonblocking());
  EXPECT_EQ(Make(0, 0)->LinkText(), "anon_inode:[eventfd]");
  EXPECT_EQ(*Make(0)->Seek(7, Whence::kSet), 0u);
}

}  // namespace
}  // namespace pollux::os_emu
