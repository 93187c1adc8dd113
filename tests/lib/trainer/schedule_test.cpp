#include "lib/trainer/schedule.h"

#include <gtest/gtest.h>

namespace leakhunt::trainer {
namespace {

constexpr Schedule schedule{.peak = 2, .warm_up = 10, .total = 110, .floor_share = 0.1};

TEST(Schedule, RisesInAStraightLine) {
  EXPECT_DOUBLE_EQ(schedule.rate(0), 0.2);
  EXPECT_DOUBLE_EQ(schedule.rate(4), 1.0);
  EXPECT_DOUBLE_EQ(schedule.rate(9), 2.0);
}

TEST(Schedule, FallsAlongHalfACosineToItsFloor) {
  EXPECT_DOUBLE_EQ(schedule.rate(10), 2.0);
  EXPECT_NEAR(schedule.rate(60), 2 * 0.55, 1e-12);
  EXPECT_NEAR(schedule.rate(110), 0.2, 1e-12);
  for (std::uint64_t i = 10; i < 110; ++i) EXPECT_GT(schedule.rate(i), schedule.rate(i + 1));
}

TEST(Schedule, StaysAtItsFloor) {
  EXPECT_NEAR(schedule.rate(1000), 0.2, 1e-12);
}

TEST(Schedule, WarmsUpForATenthButAtMostAHundred) {
  EXPECT_EQ(Schedule::usual(1, 1).warm_up, 1u);
  EXPECT_EQ(Schedule::usual(1, 500).warm_up, 50u);
  EXPECT_EQ(Schedule::usual(1, 10'000).warm_up, 100u);
}

}  // namespace
}  // namespace leakhunt::trainer
