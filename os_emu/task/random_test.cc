#include "os_emu/task/random.h"

#include <array>

#include "gtest/gtest.h"

namespace pollux::os_emu {
namespace {

TEST(RandomStream, GivesThePublishedNumbersOfSplitMix64) {
  RandomStream stream(1234567);
  EXPECT_EQ(stream.Next(), 6457827717110365317u);
  EXPECT_EQ(stream.Next(), 3203168211198807973u);
  EXPECT_EQ(stream.Next(), 9817491932198370423u);
}

TEST(RandomStream, ACopyGoesOnAlike) {
  RandomStream stream(7);
  stream.Next();
  RandomStream copy = stream;
  EXPECT_EQ(copy.Next(), stream.Next());
}

TEST(RandomStream, BelowStaysBelowAndReachesAll) {
  RandomStream stream(7);
  std::array<int, 5> seen{};
  for (int i = 0; i < 1000; ++i) ++seen.at(stream.Below(5));
  for (const int count : seen) EXPECT_GT(count, 100);
}

TEST(RandomStream, FillWritesEveryByteAndNoMore) {
  std::array<uint8_t, 15> bytes{};
  RandomStream(3).Fill(std::span(bytes).first(13));
  EXPECT_EQ(bytes[13], 0);
  EXPECT_EQ(bytes[14], 0);
  RandomStream same(3);
  const uint64_t first = same.Next();
  const uint64_t second = same.Next();
  EXPECT_EQ(bytes[0], static_cast<uint8_t>(first));
  EXPECT_EQ(bytes[7], static_cast<uint8_t>(first >> 56));
  EXPECT_EQ(bytes[12], static_cast<uint8_t>(second >> 32));
}

TEST(RandomStream, SplitsAreIndependentOfTheirOrder) {
  const RandomStream stream(9);
  EXPECT_EQ(stream.Split(1).Next(), stream.Split(1).Next());
  EXPECT_NE(stream.Split(1).Next(), stream.Split(2).Next());
}

}  // namespace
}  // namespace pollux::os_emu
