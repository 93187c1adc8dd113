#include "lib/stats/significance.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace leakhunt::stats {
namespace {

TEST(KendallTail, CountsEveryOrderOfSevenValues) {
  std::vector<int> values(7);
  std::iota(values.begin(), values.end(), 0);
  std::vector<size_t> orders(22, 0);
  do {
    size_t discordant = 0;
    for (size_t i = 0; i < 7; ++i) {
      for (size_t j = i + 1; j < 7; ++j) discordant += values[j] < values[i] ? 1 : 0;
    }
    ++orders[discordant];
  } while (std::next_permutation(values.begin(), values.end()));
  size_t below = 0;
  for (size_t discordant = 0; discordant <= 21; ++discordant) {
    below += orders[discordant];
    EXPECT_NEAR(kendall_tail(7, discordant), static_cast<double>(below) / 5040, 1e-12);
  }
}

// Tables: 1.812 and 4.144 are the quantiles 0.95 and 0.999 of 10 degrees, 7.173 is 0.999 of 4.
TEST(StudentTail, AgreesWithTables) {
  EXPECT_NEAR(student_tail(1.812, 10), 0.05, 0.0005);
  EXPECT_NEAR(student_tail(4.144, 10), 0.001, 0.00005);
  EXPECT_NEAR(student_tail(7.173, 4), 0.001, 0.0002);
  EXPECT_NEAR(student_tail(-1.812, 10), 0.95, 0.0005);
}

TEST(NormalTail, AgreesWithTables) {
  EXPECT_NEAR(normal_tail(0), 0.5, 1e-12);
  EXPECT_NEAR(normal_tail(2.326348), 0.01, 1e-6);
}

}  // namespace
}  // namespace leakhunt::stats
