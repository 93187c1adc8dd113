#include "lib/stats/change_point.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace leakhunt::stats {
namespace {

std::vector<Point> bent(double at, double noise) {
  std::mt19937 random(5);
  std::normal_distribution<double> error(0, noise);
  std::vector<Point> points;
  for (int i = 0; i < 32; ++i)
    points.push_back({i * 10.0, std::max(0.0, i * 10.0 - at) + (noise > 0 ? error(random) : 0)});
  return points;
}

TEST(Hinge, IsWhereTheRiseBegins) {
  ASSERT_TRUE(hinge(bent(120, 0), 16));
  EXPECT_EQ(hinge(bent(120, 0), 16)->x, 120);
  const auto noisy = hinge(bent(200, 5), 16);
  ASSERT_TRUE(noisy);
  EXPECT_NEAR(noisy->x, 200, 20);
}

TEST(Hinge, IsNotInALine) {
  EXPECT_FALSE(hinge(bent(0, 5), 16));
  EXPECT_FALSE(hinge(bent(0, 0), 16));
  EXPECT_FALSE(hinge(std::vector<Point>{{0, 0}, {1, 0}, {2, 5}}, 16)) << "too few points";
}

}  // namespace
}  // namespace leakhunt::stats
