// The heap at a moment: its sums are the run's.
#include "reports/formats/profile.h"

#include <gtest/gtest.h>

#include "tests/reports/hostile_run.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

// 10 bytes more at every iteration, 1,000 at iteration 7 alone, and what is no heap.
recording::Run small_run() {
  SyntheticOptions options;
  options.iterations = 100;
  options.warm_up = 10;
  options.final_frees_all = true;
  return make_run(
      {{"tag", "grow", [](size_t i) { return int64_t(i + 1) * 10; }, {}, 10},
       {"heap", "burst", [](size_t i) { return i == 7 ? int64_t{100'000} : 0; }, {}, 1000},
       {"mapping", "map", [](size_t) { return int64_t{4096}; }, {}, 4096, recording::SiteKind::kMapping}},
      options);
}

int64_t bytes_at(const Report& report, const char* text) {
  const auto moment = parse_moment(report, text);
  EXPECT_TRUE(moment) << moment.error();
  return make_profile(report, moment.value_or(Moment{})).bytes;
}

TEST(Profile, OfAMomentHoldsWhatWasLiveThen) {
  const recording::Run run = small_run();
  const Report report = analyse(run);
  EXPECT_EQ(bytes_at(report, "end"), 1000) << "of the last iteration, not of the exit";
  EXPECT_EQ(bytes_at(report, "peak"), 100'080);
  EXPECT_EQ(bytes_at(report, "0"), 10);
  EXPECT_EQ(bytes_at(report, "7"), 100'080);
  EXPECT_EQ(bytes_at(report, "99"), 1000);
  EXPECT_EQ(make_profile(report, moment_at_end(report), ProfiledKinds::kAll).bytes, 1000 + 4096);
}

TEST(Profile, OfTwoMomentsHoldsWhatWasGainedAndLost) {
  const recording::Run run = small_run();
  const Report report = analyse(run);
  const auto moment = between(*parse_moment(report, "7"), *parse_moment(report, "20"));
  ASSERT_TRUE(moment);
  const Profile profile = make_profile(report, *moment);
  EXPECT_EQ(profile.bytes, 130 - 100'000);
  EXPECT_EQ(profile.blocks, 13 - 100);
  ASSERT_EQ(profile.rows.size(), 2u);
  EXPECT_EQ(profile.rows[0].bytes, 130);
  EXPECT_EQ(profile.rows[1].bytes, -100'000);
  EXPECT_EQ(moment->words, "from iteration 7 to iteration 20");
}

TEST(Profile, RefusesMomentsThatTheRunDoesNotHave) {
  const recording::Run run = small_run();
  const Report report = analyse(run);
  EXPECT_EQ(parse_moment(report, "100").error(), "there is no iteration 100: the recording holds 0 to 99");
  EXPECT_NE(parse_moment(report, "later").error().find("\"later\" is no moment"), std::string::npos);
  EXPECT_FALSE(parse_moment(report, "-1"));
  EXPECT_FALSE(parse_moment(report, "7x"));
  EXPECT_EQ(between(*parse_moment(report, "20"), *parse_moment(report, "7")).error(),
            "iteration 20 is after iteration 7: exchange them");
}

TEST(Profile, SaysWhichIterationsStandBesideOneThatWasNotRecorded) {
  recording::Run run = small_run();
  for (size_t i = 0; i < 100; ++i) run.snapshots[i].iteration = i * 5;
  const Report report = analyse(run);
  EXPECT_EQ(parse_moment(report, "7").error(),
            "iteration 7 was not recorded: the ones beside it are 5 and 10");
}

TEST(Profile, AddsUpToTheRunsOwnCurve) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    for (const Moment& moment : {moment_at_end(report), moment_at_peak(report)}) {
      EXPECT_EQ(make_profile(report, moment).bytes, report.growth.heap_bytes[moment.snapshot]) << seed;
    }
    if (const auto growth = growth_after_warm_up(report)) {
      EXPECT_EQ(make_profile(report, *growth).bytes,
                report.growth.heap_bytes[growth->snapshot] - report.growth.heap_bytes[*growth->from])
          << seed;
    }
  }
}

TEST(Profile, MergedStacksKeepEveryByteAndBeginWithTheTag) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const Profile profile = make_profile(report, moment_at_end(report));
    int64_t bytes = 0;
    for (const Stack& stack : merged_stacks(report, profile)) {
      bytes += stack.bytes;
      EXPECT_TRUE(stack.names.front().starts_with("tag "));
      EXPECT_GE(stack.names.size(), 2u);
    }
    EXPECT_EQ(bytes, profile.bytes) << seed;
  }
}

}  // namespace
}  // namespace leakhunt::reports
