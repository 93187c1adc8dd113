#include "lib/stats/trend.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace leakhunt::stats {
namespace {

constexpr uint32_t kSeed = 20240607;

std::vector<int64_t> random_series(std::mt19937& random, size_t length, int64_t highest) {
  std::uniform_int_distribution<int64_t> value(0, highest);
  std::vector<int64_t> series(length);
  for (int64_t& each : series) each = value(random);
  return series;
}

TEST(LowerEnvelope, IsTheFirstMinimumOfEachWindow) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    const std::vector<int64_t> series = random_series(random, 1 + random() % 80, 6);
    const size_t windows = 1 + random() % 20;
    const std::vector<size_t> minima = lower_envelope(series, windows);
    ASSERT_EQ(minima.size(), std::min(windows, series.size())) << "seed " << kSeed << ", round " << round;
    size_t begin = 0;
    for (size_t window = 0; window < minima.size(); ++window) {
      const size_t end = (window + 1) * series.size() / minima.size();
      size_t lowest = begin;
      for (size_t i = begin; i < end; ++i) lowest = series[i] < series[lowest] ? i : lowest;
      ASSERT_EQ(minima[window], lowest) << "seed " << kSeed << ", round " << round;
      begin = end;
    }
  }
}

TEST(LargestFall, EqualsTheLargestDifferenceOfAnyPair) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    const std::vector<int64_t> series = random_series(random, random() % 40, 1000);
    int64_t expected = 0;
    for (size_t i = 0; i < series.size(); ++i) {
      for (size_t j = i; j < series.size(); ++j) expected = std::max(expected, series[i] - series[j]);
    }
    ASSERT_EQ(largest_fall(series), expected) << "seed " << kSeed << ", round " << round;
  }
}

TEST(TheilSen, GivesTheExactSlopeOfAnExactlyLinearIntegerSeries) {
  for (const int64_t slope : {0, 1, 7, -3, 16, 20'168'704}) {
    std::vector<Point> points;
    for (int64_t x = 0; x < 60; ++x) {
      points.push_back({static_cast<double>(3 * x), static_cast<double>(slope * 3 * x + 123'456'789)});
    }
    const Slope fitted = theil_sen(points, 0.99);
    EXPECT_EQ(fitted.value, static_cast<double>(slope));
    EXPECT_EQ(fitted.interval.low, static_cast<double>(slope));
    EXPECT_EQ(fitted.interval.high, static_cast<double>(slope));
  }
}

TEST(TheilSen, IsTheMedianOfAllPairs) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 100; ++round) {
    std::vector<Point> points;
    for (size_t i = 0; i < 2 + random() % 30; ++i) {
      points.push_back({static_cast<double>(i), static_cast<double>(random() % 50)});
    }
    std::vector<double> slopes;
    for (size_t i = 0; i < points.size(); ++i) {
      for (size_t j = 0; j < i; ++j)
        slopes.push_back((points[i].y - points[j].y) / (points[i].x - points[j].x));
    }
    std::sort(slopes.begin(), slopes.end());
    const size_t middle = slopes.size() / 2;
    const double expected =
        slopes.size() % 2 == 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2;
    ASSERT_NEAR(theil_sen(points, 0.95).value, expected, 1e-12) << "seed " << kSeed << ", round " << round;
  }
}

// Held to its definition, over many series with known slope.
TEST(TheilSen, IntervalCoversTheTrueSlopeAsOftenAsItSays) {
  std::mt19937 random(kSeed);
  std::normal_distribution<double> noise(0, 10);
  constexpr int kRounds = 2000;
  int covered = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Point> points;
    for (int x = 0; x < 24; ++x) points.push_back({static_cast<double>(x), 2.5 * x + noise(random)});
    const Interval interval = theil_sen(points, 0.95).interval;
    covered += interval.low <= 2.5 && 2.5 <= interval.high ? 1 : 0;
  }
  EXPECT_GT(covered, kRounds * 94 / 100) << "seed " << kSeed;
  EXPECT_LT(covered, kRounds * 98 / 100) << "seed " << kSeed;
}

TEST(TheilSen, OutlivesAThirdOfOutliers) {
  std::vector<Point> points;
  for (int x = 0; x < 60; ++x) points.push_back({static_cast<double>(x), x % 4 == 0 ? 1e9 : 5.0 * x});
  EXPECT_NEAR(theil_sen(points, 0.95).value, 5.0, 1e-9);
}

TEST(TheilSen, OfFewerThanTwoPointsIsZero) {
  EXPECT_EQ(theil_sen({}, 0.95).value, 0);
  const std::vector<Point> one = {{1, 2}};
  EXPECT_EQ(theil_sen(one, 0.95).value, 0);
}

TEST(MannKendall, CountsConcordantMinusDiscordantPairs) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 100; ++round) {
    std::vector<double> values(random() % 30);
    for (double& value : values) value = static_cast<double>(random() % 5);
    int64_t expected = 0;
    for (size_t j = 0; j < values.size(); ++j) {
      for (size_t i = 0; i < j; ++i)
        expected += (values[j] > values[i] ? 1 : 0) - (values[j] < values[i] ? 1 : 0);
    }
    ASSERT_EQ(mann_kendall(values).s, expected) << "seed " << kSeed << ", round " << round;
  }
}

TEST(MannKendall, VarianceWithTiesIsThatOfAllPermutations) {
  std::vector<double> values = {1, 1, 2, 3, 3, 3, 4};
  double sum = 0;
  double sum_of_squares = 0;
  double permutations = 0;
  do {
    const auto s = static_cast<double>(mann_kendall(values).s);
    sum += s;
    sum_of_squares += s * s;
    ++permutations;
  } while (std::next_permutation(values.begin(), values.end()));
  EXPECT_NEAR(sum, 0, 1e-9);
  EXPECT_NEAR(mann_kendall(values).variance, sum_of_squares / permutations, 1e-9);
}

TEST(MannKendall, SeesARisingSeriesAndNotAConstantOne) {
  std::vector<double> rising(20);
  for (size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<double>(i);
  EXPECT_LT(mann_kendall(rising).p_rising, 1e-8);
  EXPECT_GT(mann_kendall(rising).p_falling, 0.999);
  EXPECT_EQ(mann_kendall(std::vector<double>(20, 3.0)).p_rising, 1);
}

TEST(NormalQuantile, InvertsTheDistribution) {
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-12);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-9);
  EXPECT_NEAR(normal_quantile(0.995), 2.5758293035489004, 1e-9);
  EXPECT_NEAR(normal_quantile(0.025), -1.959963984540054, 1e-9);
}

TEST(Median, OfOddEvenAndNoValues) {
  std::vector<double> odd = {5, 1, 3};
  std::vector<double> even = {4, 1, 3, 2};
  EXPECT_EQ(median(odd), 3);
  EXPECT_EQ(median(even), 2.5);
  EXPECT_EQ(median({}), 0);
}

}  // namespace
}  // namespace leakhunt::stats
