#include "lib/stats/order.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace leakhunt::stats {
namespace {

TEST(Order, TheExtremesAreTheIntervalOfFewValues) {
  const std::vector<double> values = {5, 1, 3, 2, 4};
  const MedianInterval found = median_interval(values, 0.95);
  EXPECT_EQ(found.median, 3);
  EXPECT_EQ(found.interval.low, 1);
  EXPECT_EQ(found.interval.high, 5);
  EXPECT_DOUBLE_EQ(found.confidence, 1 - 2.0 / 32) << "less than was asked for, and said";
}

TEST(Order, OneOutlierOnEachSideOfNineMovesNothing) {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<double> wild = {-1e9, 2, 3, 4, 5, 6, 7, 8, 1e9};
  for (const auto& each : {values, wild}) {
    const MedianInterval found = median_interval(each, 0.95);
    EXPECT_EQ(found.interval.low, 2);
    EXPECT_EQ(found.interval.high, 8);
    EXPECT_DOUBLE_EQ(found.confidence, 1 - 2 * 10.0 / 512);
  }
}

TEST(Order, OfNothingThereIsNothing) {
  EXPECT_EQ(median_interval({}, 0.95).confidence, 0);
  EXPECT_EQ(quantile({}, 0.5), 0);
}

TEST(Order, AQuantileLiesBetweenTwoRanks) {
  const std::vector<double> values = {10, 0, 20, 30};
  EXPECT_EQ(quantile(values, 0), 0);
  EXPECT_EQ(quantile(values, 1), 30);
  EXPECT_EQ(quantile(values, 0.5), 15);
  EXPECT_EQ(quantile(values, 0.25), 7.5);
}

TEST(Order, TheIntervalHoldsTheMedianAsOftenAsItSays) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> skewed(0, 1);  // with median 1
  int held = 0;
  double said = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    std::vector<double> values(11);
    for (double& value : values) value = skewed(random);
    const MedianInterval found = median_interval(values, 0.95);
    held += found.interval.low <= 1 && 1 <= found.interval.high ? 1 : 0;
    said = found.confidence;
  }
  EXPECT_GE(said, 0.95);
  EXPECT_NEAR(held / 4000.0, said, 0.015);
}

}  // namespace
}  // namespace leakhunt::stats
