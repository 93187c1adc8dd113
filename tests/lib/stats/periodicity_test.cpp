#include "lib/stats/periodicity.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace leakhunt::stats {
namespace {

constexpr uint32_t kSeed = 7919;

// The definition, word by word: the longest tail of increments that has a period fitting into it `repeats`
// times.
std::optional<PeriodicTail> by_definition(const std::vector<int64_t>& series, size_t repeats) {
  if (series.size() < 2) return std::nullopt;
  std::vector<int64_t> increments;
  for (size_t i = 1; i < series.size(); ++i) increments.push_back(series[i] - series[i - 1]);
  for (size_t first = 0; first < increments.size(); ++first) {
    const size_t length = increments.size() - first;
    for (size_t period = 1; period * repeats <= length; ++period) {
      bool repeated = true;
      for (size_t i = first; i + period < increments.size(); ++i) {
        repeated = repeated && increments[i] == increments[i + period];
      }
      if (!repeated) continue;
      const int64_t net = series.back() - series[series.size() - 1 - period];
      return PeriodicTail{first, period, net, length / period};
    }
  }
  return std::nullopt;
}

TEST(PeriodicTail, EqualsItsDefinitionOnRandomSeries) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    std::vector<int64_t> series(random() % 40);
    const size_t period = 1 + random() % 5;
    for (size_t i = 0; i < series.size(); ++i) {
      const bool repeat = i > period + 1 && random() % 12 != 0;
      const int64_t step =
          repeat ? series[i - period] - series[i - period - 1] : static_cast<int64_t>(random() % 3);
      series[i] = (i > 0 ? series[i - 1] : 0) + step;
    }
    const size_t repeats = 2 + random() % 3;
    const auto found = periodic_tail(series, repeats);
    const auto expected = by_definition(series, repeats);
    ASSERT_EQ(found.has_value(), expected.has_value()) << "seed " << kSeed << ", round " << round;
    if (!found) continue;
    ASSERT_EQ(found->first, expected->first) << "seed " << kSeed << ", round " << round;
    ASSERT_EQ(found->period, expected->period) << "seed " << kSeed << ", round " << round;
    ASSERT_EQ(found->net, expected->net);
    ASSERT_EQ(found->repeats, expected->repeats);
  }
}

TEST(PeriodicTail, OfASawtoothThatLeaksIsOneToothAndWhatItLeaves) {
  std::vector<int64_t> series;
  for (int64_t i = 0; i < 100; ++i) series.push_back(i % 10 * 1000 + i / 10 * 16);
  const auto tail = periodic_tail(series, 3);
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->first, 0u);
  EXPECT_EQ(tail->period, 10u);
  EXPECT_EQ(tail->net, 16);
}

TEST(PeriodicTail, BeginsWhereTheLeakBegins) {
  std::vector<int64_t> series;
  for (int64_t i = 0; i < 100; ++i) series.push_back(i <= 60 ? 500 : 500 + (i - 60) * 24);
  const auto tail = periodic_tail(series, 5);
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->first, 60u);
  EXPECT_EQ(tail->period, 1u);
  EXPECT_EQ(tail->net, 24);
}

TEST(PeriodicTail, OfATooShortSeriesIsNothing) {
  EXPECT_FALSE(periodic_tail({}, 3));
  EXPECT_FALSE(periodic_tail(std::vector<int64_t>{1}, 3));
  EXPECT_FALSE(periodic_tail(std::vector<int64_t>{1, 2, 4}, 3));
}

}  // namespace
}  // namespace leakhunt::stats
