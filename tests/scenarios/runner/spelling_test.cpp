#include "scenarios/runner/spelling.h"

#include <gtest/gtest.h>

#include <array>

namespace leakhunt::runner {
namespace {

constexpr std::array<std::string_view, 4> kWords = {"iterations", "warm_up", "budget.peak_rss", "name"};

TEST(Spelling, FindsTheWordThatWasMeant) {
  EXPECT_EQ(nearest_word("iteration", kWords), "iterations");
  EXPECT_EQ(nearest_word("itreations", kWords), "iterations");
  EXPECT_EQ(nearest_word("warmup", kWords), "warm_up");
  EXPECT_EQ(nearest_word("budget.peak", kWords), "");
  EXPECT_EQ(nearest_word("nmae", kWords), "name");
}

TEST(Spelling, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(did_you_mean("colour", kWords), "");
  EXPECT_EQ(did_you_mean("", kWords), "");
  EXPECT_EQ(did_you_mean("x", {}), "");
  EXPECT_EQ(did_you_mean("warmup", kWords), " (did you mean warm_up?)");
}

}  // namespace
}  // namespace leakhunt::runner
