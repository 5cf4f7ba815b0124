#include "memory/user_buffer.h"

#include <cstring>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr uint64_t kBase = 0x40000000;

std::vector<uint8_t> Counting(size_t count) {
  std::vector<uint8_t> bytes(count);
  std::iota(bytes.begin(), bytes.end(), 1);
  return bytes;
}

class UserBufferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    space_ = *AddressSpace::Create(&budget_);
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{kBase};
    request.length = 2 * kPage;
    request.prot = kProtRead | kProtWrite;
    request.fixed = true;
    ASSERT_TRUE(space_->Map(request).ok());
  }
  std::vector<uint8_t> Guest(uint64_t start, size_t bytes) {
    std::vector<uint8_t> result(bytes);
    EXPECT_EQ(space_->Read(GuestAddr{start}, result), bytes);
    return result;
  }

  MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
};

TEST_F(UserBufferTest, CopiesThroughAScatterListInPieces) {
  const std::vector<UserBuffer::Range> ranges = {
      {kBase, 3}, {kBase + 10, 0}, {kBase + 20, 0}, {kBase + 30, 4}};
  UserBuffer to(space_.get(), ranges);
  EXPECT_EQ(to.remaining(), 7u);
  const auto bytes = Counting(10);
  EXPECT_EQ(to.CopyTo(std::span(bytes).first(2)), 2u);
  EXPECT_EQ(to.CopyTo(std::span(bytes).subspan(2)), 5u) << "the buffer ends";
  EXPECT_EQ(to.remaining(), 0u);
  EXPECT_EQ(to.CopyTo(bytes), 0u);
  EXPECT_THAT(Guest(kBase, 4), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(Guest(kBase + 10, 1), ElementsAre(0));
  EXPECT_THAT(Guest(kBase + 30, 5), ElementsAre(4, 5, 6, 7, 0));

  UserBuffer from(space_.get(), ranges);
  std::vector<uint8_t> back(7);
  EXPECT_EQ(from.CopyFrom(std::span(back).first(4)), 4u);
  EXPECT_EQ(from.CopyFrom(std::span(back).subspan(4)), 3u);
  EXPECT_EQ(back, Counting(7));
}

TEST_F(UserBufferTest, StopsAtTheFirstBadByteAndKeepsThePositionThere) {
  UserBuffer buffer(space_.get(), GuestAddr{kBase + kPage}, 2 * kPage);
  const std::vector<uint8_t> bytes(2 * kPage, 3);
  EXPECT_EQ(buffer.CopyTo(bytes), kPage);
  EXPECT_EQ(buffer.remaining(), kPage);
  EXPECT_EQ(buffer.CopyTo(bytes), 0u);
  EXPECT_EQ(buffer.remaining(), kPage);
}

TEST_F(UserBufferTest, BadRangeInTheMiddleEndsTheCopy) {
  const std::vector<UserBuffer::Range> ranges = {{kBase, 2}, {kBase - 8, 4}, {kBase + 8, 2}};
  UserBuffer buffer(space_.get(), ranges);
  EXPECT_EQ(buffer.CopyTo(Counting(8)), 2u);
  EXPECT_EQ(buffer.remaining(), 6u);
}

TEST_F(UserBufferTest, WrappingRangesCopyNothing) {
  UserBuffer buffer(space_.get(), GuestAddr{UINT64_MAX - 3}, 100);
  EXPECT_EQ(buffer.CopyTo(Counting(8)), 0u);
  const std::vector<UserBuffer::Range> ranges = {{kBase + 64, UINT64_MAX}, {kBase, UINT64_MAX}};
  UserBuffer huge(space_.get(), ranges);
  EXPECT_EQ(huge.remaining(), UINT64_MAX);
  EXPECT_EQ(huge.CopyTo(Counting(8)), 8u);
  huge.Skip(UINT64_MAX - 10);
  EXPECT_EQ(huge.CopyTo(Counting(2)), 0u) << "behind the end of all addresses, not at kBase + 61";
  huge.Skip(2);
  EXPECT_EQ(huge.remaining(), 0u);
  EXPECT_EQ(huge.CopyTo(Counting(8)), 0u);
}

TEST_F(UserBufferTest, SkipAndRevertCrossRanges) {
  const std::vector<UserBuffer::Range> ranges = {{kBase, 3}, {kBase + 10, 0}, {kBase + 30, 4}};
  UserBuffer buffer(space_.get(), ranges);
  buffer.Skip(5);
  EXPECT_EQ(buffer.remaining(), 2u);
  buffer.Revert(4);
  EXPECT_EQ(buffer.remaining(), 6u);
  EXPECT_EQ(buffer.CopyTo(Counting(3)), 3u);
  EXPECT_THAT(Guest(kBase, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(Guest(kBase + 30, 2), ElementsAre(3, 0));
  buffer.Revert(4);
  EXPECT_EQ(buffer.remaining(), 7u);
}

TEST_F(UserBufferTest, TruncateCutsTheEnd) {
  UserBuffer buffer(space_.get(), GuestAddr{kBase}, 100);
  buffer.Truncate(5);
  EXPECT_EQ(buffer.CopyTo(Counting(10)), 5u);
  buffer.Truncate(50);
  EXPECT_EQ(buffer.remaining(), 0u);
  EXPECT_THAT(Guest(kBase + 5, 5), Each(0));
}

TEST_F(UserBufferTest, ZeroToClears) {
  UserBuffer buffer(space_.get(), GuestAddr{kBase}, 6);
  UserBuffer again = buffer;  // A copy has a position of its own.
  ASSERT_EQ(buffer.CopyTo(Counting(6)), 6u);
  EXPECT_EQ(again.ZeroTo(4), 4u);
  EXPECT_EQ(again.remaining(), 2u);
  EXPECT_THAT(Guest(kBase, 6), ElementsAre(0, 0, 0, 0, 5, 6));
}

TEST_F(UserBufferTest, HostMemoryWorksAlike) {
  std::vector<uint8_t> target(4);
  UserBuffer to = UserBuffer::Host(target);
  EXPECT_EQ(to.CopyTo(Counting(3)), 3u);
  EXPECT_EQ(to.ZeroTo(9), 1u);
  EXPECT_THAT(target, ElementsAre(1, 2, 3, 0));
  UserBuffer from = UserBuffer::HostConst(target);
  std::vector<uint8_t> back(8);
  EXPECT_EQ(from.CopyFrom(back), 4u);
  EXPECT_THAT(back, ElementsAre(1, 2, 3, 0, 0, 0, 0, 0));
  UserBuffer none = UserBuffer::Host({});
  EXPECT_EQ(none.CopyTo(back), 0u);
  UserBuffer empty;
  EXPECT_EQ(empty.CopyFrom(back), 0u);
}

TEST(UserBufferDeathTest, ConstantHostMemoryIsNeverWritten) {
  const uint8_t bytes[4] = {};
  UserBuffer buffer = UserBuffer::HostConst(bytes);
  EXPECT_DEATH(buffer.CopyTo(bytes), "HostConst");
}

TEST_F(UserBufferTest, WhatRemainsInTheRangeFollowsThePosition) {
  const UserBuffer::Range ranges[] = {{kBase, 4}, {kBase + 100, 0}, {kBase + 200, 8}};
  UserBuffer buffer(space_.get(), ranges);
  EXPECT_EQ(buffer.remaining_in_range(), 4u);
  buffer.Skip(1);
  EXPECT_EQ(buffer.remaining_in_range(), 3u);
  buffer.Skip(3);
  EXPECT_EQ(buffer.remaining_in_range(), 8u);
  buffer.Skip(8);
  EXPECT_EQ(buffer.remaining_in_range(), 0u);
}

TEST_F(UserBufferTest, AnEmptyRangeAtTheStartIsARange) {
  const UserBuffer::Range ranges[] = {{kBase, 0}, {kBase + 200, 8}};
  UserBuffer buffer(space_.get(), ranges);
  EXPECT_EQ(buffer.remaining_in_range(), 0u);
  buffer.Skip(3);
  EXPECT_EQ(buffer.remaining_in_range(), 5u);
}

}  // namespace
}  // namespace pollux::memory
