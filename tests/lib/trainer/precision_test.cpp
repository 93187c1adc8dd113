// Single precision trains the same model on the same batches: it departs from double by rounding only.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/lib/trainer/both_precisions.h"

namespace leakhunt::trainer {
namespace {

TEST(Precision, SingleFollowsDoubleWithinItsRounding) {
  constexpr std::uint64_t iterations = 50;
  const std::vector<double> single = f32::losses_of_tiny(iterations);
  const std::vector<double> exact = f64::losses_of_tiny(iterations);
  ASSERT_EQ(single.size(), exact.size());
  EXPECT_NE(single.back(), exact.back());  // it really is another precision
  for (std::size_t i = 0; i < iterations; ++i) {
    EXPECT_NEAR(single[i], exact[i], i < 10 ? 1e-5 : 1e-3) << "iteration " << i;
  }
}

TEST(Precision, SingleIsTheSameToTheBitInEveryRun) {
  EXPECT_EQ(f32::losses_of_tiny(20), f32::losses_of_tiny(20));
}

}  // namespace
}  // namespace leakhunt::trainer
