#include "benchmarks/report/statistics.h"

#include "gtest/gtest.h"

namespace pollux::benchmarks {
namespace {

TEST(Percentile, LiesBetweenTheValuesBesideIt) {
  EXPECT_DOUBLE_EQ(Percentile({3}, 0), 3);
  EXPECT_DOUBLE_EQ(Percentile({3}, 100), 3);
  EXPECT_DOUBLE_EQ(Percentile({40, 10, 30, 20}, 0), 10);
  EXPECT_DOUBLE_EQ(Percentile({40, 10, 30, 20}, 50), 25);
  EXPECT_DOUBLE_EQ(Percentile({40, 10, 30, 20}, 90), 37);
  EXPECT_DOUBLE_EQ(Percentile({40, 10, 30, 20}, 100), 40);
}

TEST(Median, IsTheMiddleWhateverTheOrder) {
  EXPECT_DOUBLE_EQ(Median({9, 1, 5}), 5);
  EXPECT_DOUBLE_EQ(Median({9, 1}), 5);
}

TEST(GeometricMean, OfARatioAndItsInverseIs1) {
  EXPECT_DOUBLE_EQ(GeometricMean({4.0, 0.25}), 1);
  EXPECT_NEAR(GeometricMean({1.0, 10.0, 100.0}), 10, 1e-9);
}

TEST(SpreadOf, LeavesOutTheOutermostTenths) {
  std::vector<double> values;
  for (int i = 0; i <= 10; ++i) values.push_back(i);
  values[10] = 1e9;
  const Spread spread = SpreadOf(values);
  EXPECT_DOUBLE_EQ(spread.low, 1);
  EXPECT_DOUBLE_EQ(spread.median, 5);
  EXPECT_DOUBLE_EQ(spread.high, 9);
}

TEST(Quotients, AreOfEachRound) {
  EXPECT_EQ(Quotients({6.0, 20.0}, {3.0, 5.0}), (std::vector<double>{2, 4}));
}

}  // namespace
}  // namespace pollux::benchmarks
