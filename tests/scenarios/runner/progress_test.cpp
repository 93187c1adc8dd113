#include "scenarios/runner/progress.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace leakhunt::runner {
namespace {

using namespace std::chrono_literals;

Moment half_way() {
  return {.name = "long_small",
          .iterations = 5'120,
          .total = 10'240,
          .iterations_per_second = 102.4,
          .rss_bytes = 48'900'000,
          .budget_bytes = 5'000'000'000,
          .growth = 0.0,
          .elapsed = 50s};
}

TEST(Progress, ALineSaysEverything) {
  EXPECT_EQ(draw_line(half_way()),
            "long_small: 5,120/10,240, 102 it/s, 48.9 MB of 5.00 GB, growth 0, 50 s left");
}

TEST(Progress, ABarFillsWithTheIterations) {
  EXPECT_EQ(draw_bar(half_way(), 92, false),
            "long_small  ━━━━━━━━━──────────  5,120/10,240  102 it/s  48.9 MB/5.00 GB  +0 B/it  50 s left");
}

TEST(Progress, AnUsualTerminalHasRoomForABar) {
  EXPECT_EQ(draw_bar(half_way(), 79, false),
            "long_small  ━━━───  5,120/10,240  102 it/s  48.9 MB/5.00 GB  +0 B/it  50 s left");
}

TEST(Progress, GivesUpTheBarFirstThenFiguresFromTheRight) {
  EXPECT_EQ(draw_bar(half_way(), 75, false),
            "long_small  5,120/10,240  102 it/s  48.9 MB/5.00 GB  +0 B/it  50 s left");
  EXPECT_EQ(draw_bar(half_way(), 40, false), "long_small  5,120/10,240  102 it/s");
  EXPECT_EQ(draw_bar(half_way(), 4, false), "long");
}

TEST(Progress, GrowthAndATightBudgetAreRed) {
  Moment moment = half_way();
  EXPECT_EQ(draw_bar(moment, 80, true).find("\x1b[31m"), std::string::npos);
  moment.growth = 20'200'000;
  moment.rss_bytes = 4'900'000'000;
  const std::string bar = draw_bar(moment, 92, true);
  EXPECT_NE(bar.find("\x1b[31m+20.2 MB/it\x1b[0m"), std::string::npos) << bar;
  EXPECT_NE(bar.find("\x1b[31m4.90 GB/5.00 GB\x1b[0m"), std::string::npos) << bar;
}

TEST(Progress, SaysWhatItKnowsOfAProgramWithoutIterations) {
  const Moment moment{.name = "sort",
                      .iterations_per_second = {},
                      .rss_bytes = 1'000'000,
                      .budget_bytes = {},
                      .growth = {},
                      .elapsed = 12s};
  EXPECT_EQ(draw_line(moment), "sort: 12 s, 1.00 MB");
  EXPECT_EQ(draw_bar(moment, 80, true), "sort  12 s  1.00 MB");
}

TEST(Progress, APipeGetsALineNowAndThenAndTheLastOne) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  EXPECT_EQ(style_for(pipe_ends[1]), ProgressStyle::kLines);
  Progress progress(pipe_ends[1], ProgressStyle::kLines);
  Moment moment{.name = "x", .iterations_per_second = {}, .budget_bytes = {}, .growth = {}};
  for (int second = 0; second <= 12; ++second) {
    moment.elapsed = std::chrono::seconds(second);
    progress.show(moment);
  }
  progress.finish(moment);
  std::array<char, 1024> text{};
  const ssize_t bytes = read(pipe_ends[0], text.data(), text.size());
  EXPECT_EQ(std::string(text.data(), static_cast<size_t>(bytes)),
            "x: 0 ms, 0 B\nx: 5.0 s, 0 B\nx: 10 s, 0 B\nx: 12 s, 0 B\n");
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace leakhunt::runner
