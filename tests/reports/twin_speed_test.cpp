// A throughput gate: the program beside its healthy twin, in pairs of short runs on one machine.
#include "reports/analysis/twin_speed.h"

#include <string>

#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

recording::SpeedOfRun speed(double per_second, double processors = 1, uint64_t sleeps = 10) {
  return {per_second, 10, 1'000'000'000, static_cast<uint64_t>(processors * 1e9), sleeps, 3};
}

recording::Run healthy_run() {
  recording::Run run = make_run({{"parameter", "Tensor::Tensor", [](size_t) { return int64_t{8000}; }}});
  run.budget.growth_bytes_per_iteration = 0;
  return run;
}

// Pairs whose ratios are these.
recording::Run raced(const std::vector<double>& ratios) {
  recording::Run run = healthy_run();
  recording::TwinSpeed race;
  race.twin = "threaded_24mb";
  race.least_ratio = 0.75;
  race.processors = 2;
  for (const double ratio : ratios) race.pairs.push_back({speed(2 * ratio, 1.0, 400), speed(2, 1.9, 40)});
  race.clues = {{"locks: ", "waited 8 ms of 16 ms for the lock model", "waited for none"}};
  run.twin_speed = race;
  return run;
}

Check check_of(const recording::Run& run) {
  std::vector<Check> checks;
  check_twin_speed(run, checks);
  return checks.empty() ? Check{CheckState::kNotChecked, "none"} : checks.front();
}

constexpr std::initializer_list<double> kHalf = {0.5, 0.51, 0.49, 0.52, 0.5, 0.48, 0.5, 0.53, 0.5};

TEST(TwinSpeed, HalfTheSpeedFailsWithFiguresAndReason) {
  const recording::Run run = raced(kHalf);
  const Check check = check_of(run);
  EXPECT_EQ(check.state, CheckState::kFailed);
  EXPECT_EQ(
      check.text,
      "throughput is 0.5 of that of its healthy twin threaded_24mb (0.49 to 0.52 in 9 pairs of short runs): "
      "1.00 it/s against 2.00; below the least that is allowed, 0.75; locks: waited 8 ms of 16 ms for the "
      "lock model (its twin: waited for none); it kept 1.00 processors busy (its twin: 1.90); its threads "
      "went to sleep 40.0 times per iteration (its twin's: 4.0)");
  EXPECT_EQ(analyse(run).verdict(), Verdict::kFail);
}

TEST(TwinSpeed, TheSameSpeedPasses) {
  const recording::Run run = raced({1, 1.02, 0.97, 0.99, 1.1, 1, 1.01, 0.95, 1});
  EXPECT_EQ(check_of(run).state, CheckState::kPassed);
  EXPECT_EQ(analyse(run).verdict(), Verdict::kPass);
}

TEST(TwinSpeed, OneWildPairOnEachSideDecidesNothing) {
  EXPECT_EQ(check_of(raced({0.5, 0.51, 0.49, 0.52, 0.5, 3, 0.5, 0.53, 0.01})).state, CheckState::kFailed);
  EXPECT_EQ(check_of(raced({1, 1.02, 0.97, 0.99, 9, 1, 1.01, 0.2, 1})).state, CheckState::kPassed);
}

TEST(TwinSpeed, NoiseAroundTheLimitIsInconclusive) {
  const recording::Run run = raced({0.6, 0.9, 0.7, 0.8, 0.75, 0.65, 0.85, 0.72, 0.78});
  const Check check = check_of(run);
  EXPECT_EQ(check.state, CheckState::kInconclusive);
  EXPECT_NE(check.text.find("the noise of this machine does not tell"), std::string::npos) << check.text;
  EXPECT_EQ(analyse(run).verdict(), Verdict::kInconclusive);
}

TEST(TwinSpeed, AsFastAsItsTwinTellsNothingOnTooFewProcessors) {
  recording::Run run = raced({1, 1, 1, 1, 1, 1, 1, 1, 1});
  run.twin_speed->processors = 1;
  run.twin_speed->processors_needed = 2;
  const Check check = check_of(run);
  EXPECT_EQ(check.state, CheckState::kInconclusive);
  EXPECT_NE(check.text.find("on 1 processor this tells nothing"), std::string::npos) << check.text;
  run = raced(kHalf);
  run.twin_speed->processors = 1;
  run.twin_speed->processors_needed = 2;
  EXPECT_EQ(check_of(run).state, CheckState::kFailed) << "slow is slow";
}

TEST(TwinSpeed, TooFewPairsOrAnObstacleIsInconclusive) {
  EXPECT_EQ(check_of(raced({0.5, 0.5, 0.5, 0.5, 0.5})).state, CheckState::kInconclusive);
  EXPECT_EQ(check_of(raced({0.5, 0.5, 0, 0, 0.5, 0.5, 0.5, 0, 0})).state, CheckState::kInconclusive)
      << "pairs without a speed";
  recording::Run run = raced({1, 1, 1, 1, 1, 1, 1});
  run.twin_speed->obstacle = "a short run (twin) failed";
  const Check check = check_of(run);
  EXPECT_EQ(check.state, CheckState::kInconclusive);
  EXPECT_NE(check.text.find("a short run (twin) failed"), std::string::npos) << check.text;
}

TEST(TwinSpeed, WithoutATwinNothingIsSaid) {
  EXPECT_EQ(check_of(healthy_run()).text, "none");
}

TEST(TwinSpeed, TheBriskSpeedIsThatOfTheFasterIterations) {
  recording::Run run = healthy_run();
  uint64_t now = 0;
  for (size_t i = 0; i < run.snapshots.size(); ++i) {
    now += i % 2 == 0 ? 10'000'000 : 30'000'000;
    run.snapshots[i].time_ns = now;
  }
  EXPECT_NEAR(brisk_per_second(run).value_or(0), 100, 1);
}

}  // namespace
}  // namespace leakhunt::reports
