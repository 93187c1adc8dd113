// Verdicts before the end: when to look, what is certain, and what stays open.
#include "reports/analysis/certainty.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

SyntheticSite flat() {
  return {"parameter", "Tensor::Tensor", [](size_t) { return int64_t{8000}; }, {}, 1000};
}

SyntheticSite leak(int64_t bytes) {
  return {"tape.node",
          "Tape::push",
          [bytes](size_t i) { return static_cast<int64_t>(i + 1) * bytes; },
          {},
          bytes};
}

// What was recorded of `planned` iterations when so many had passed.
recording::Run recorded(const std::vector<SyntheticSite>& sites, size_t iterations) {
  SyntheticOptions options;
  options.iterations = iterations;
  recording::Run run = make_run(sites, options);
  run.snapshots.erase(
      std::remove_if(run.snapshots.begin(), run.snapshots.end(),
                     [](const auto& s) { return s.kind != recording::SnapshotKind::kIteration; }),
      run.snapshots.end());
  run.outcome.reset();
  run.end.reset();
  run.budget.growth_bytes_per_iteration = 0;
  return run;
}

struct Stopped {
  size_t at = 0;  // iterations; 0: never
  std::optional<recording::Certainty> certainty;
};

Stopped judge_growing(const std::vector<SyntheticSite>& sites, size_t planned, double confidence,
                      const std::function<void(recording::Run&)>& change = {}) {
  EarlyJudge judge(planned, 100, confidence);
  for (size_t iterations = 110; iterations < planned; iterations += 10) {
    recording::Run run = recorded(sites, iterations);
    if (change) change(run);
    if (auto certainty = judge.look(run)) return {iterations, certainty};
  }
  return {};
}

TEST(LookSchedule, TheErrorOfAllLooksAndOfWhatNobodyWatchedIsWhatIsAllowed) {
  for (const double confidence : {0.9, 0.95, 0.99, 0.999}) {
    const LookSchedule looks(9900, confidence);
    const double by_chance = looks.error_each() * static_cast<double>(looks.at().size());
    EXPECT_NEAR(by_chance + looks.unwatched_allowed() / kChanging, 1 - confidence, 1e-9) << confidence;
    EXPECT_TRUE(std::is_sorted(looks.at().begin(), looks.at().end()));
    EXPECT_LT(looks.at().size(), 40u);
    EXPECT_GE(looks.at().front(), kMinJudged);
    EXPECT_LT(looks.at().back(), 9900u);
  }
}

TEST(LookSchedule, OneLookComesJustWhenEnoughWasWatched) {
  const LookSchedule looks(1000, 0.99);
  EXPECT_NEAR(looks.unwatched_allowed(), 0.1, 1e-12);
  EXPECT_NE(std::find(looks.at().begin(), looks.at().end(), 900u), looks.at().end());
}

TEST(LookSchedule, TooShortARunHasNoLooks) {
  EXPECT_TRUE(LookSchedule(20, 0.99).at().empty());
  EXPECT_FALSE(LookSchedule(80, 0.99).at().empty());
}

TEST(EarlyJudge, SteadyGrowthIsCertainWhenItCouldHardlyEndAnyMore) {
  const Stopped strict = judge_growing({flat(), leak(48)}, 1100, 0.99);
  ASSERT_TRUE(strict.certainty);
  EXPECT_TRUE(strict.certainty->fails);
  EXPECT_NEAR(static_cast<double>(strict.at), 100 + 900, 15);
  const Stopped lenient = judge_growing({flat(), leak(48)}, 1100, 0.95);
  ASSERT_TRUE(lenient.certainty);
  EXPECT_NEAR(static_cast<double>(lenient.at), 100 + 500, 15);
  EXPECT_EQ(lenient.certainty->planned, 1100u);
  EXPECT_NE(lenient.certainty->because.find("+48 B per iteration"), std::string::npos)
      << lenient.certainty->because;
}

TEST(EarlyJudge, ABudgetThatBreaksSoonIsCertainAtOnce) {
  const Stopped stopped = judge_growing({flat(), leak(1'000'000)}, 10'100, 0.99,
                                        [](recording::Run& run) { run.budget.peak_rss_bytes = 900'000'000; });
  ASSERT_TRUE(stopped.certainty);
  EXPECT_TRUE(stopped.certainty->fails);
  EXPECT_LT(stopped.at, 400u);
  EXPECT_NE(stopped.certainty->because.find("breaks the budget of 900 MB"), std::string::npos)
      << stopped.certainty->because;
}

TEST(EarlyJudge, ACeilingThatIsFarAwayIsNotBrokenYet) {
  const Stopped stopped = judge_growing({flat(), leak(1'000'000)}, 2100, 0.99, [](recording::Run& run) {
    run.budget.peak_rss_bytes = 1'900'000'000;
  });
  EXPECT_GT(stopped.at, 1000u);
}

TEST(EarlyJudge, FlatMemoryIsCertainWhenTheSlowestLeakWouldHaveShown) {
  const Stopped stopped = judge_growing({flat()}, 3100, 0.95);
  ASSERT_TRUE(stopped.certainty);
  EXPECT_FALSE(stopped.certainty->fails);
  EXPECT_NEAR(static_cast<double>(stopped.at), 100 + 1500, 20);
  EXPECT_NE(stopped.certainty->because.find("a leak of one block in 100 iterations"), std::string::npos)
      << stopped.certainty->because;
}

TEST(EarlyJudge, ARareLeakIsNoPass) {
  const SyntheticSite rare{
      "tape.node", "Tape::push", [](size_t i) { return static_cast<int64_t>(i / 400 + 1) * 48; }, {}, 48};
  const Stopped stopped = judge_growing({flat(), rare}, 1100, 0.95);
  EXPECT_FALSE(stopped.certainty && !stopped.certainty->fails);
}

TEST(EarlyJudge, WithLimitsOfPartsOrSuppressionsNoPassIsCertain) {
  const auto limited = [](recording::Run& run) { run.budget.limits.push_back({}); };
  EXPECT_FALSE(judge_growing({flat()}, 2100, 0.95, limited).certainty);
  const auto forgiven = [](recording::Run& run) { run.budget.suppressions.push_back({}); };
  EXPECT_FALSE(judge_growing({flat(), leak(48)}, 1100, 0.95, forgiven).certainty);
}

TEST(EarlyJudge, AFloorThatIsNotKeptIsNoPass) {
  const auto floor = [](double per_second) {
    return [per_second](recording::Run& run) { run.budget.min_iterations_per_second = per_second; };
  };
  EXPECT_FALSE(judge_growing({flat()}, 2100, 0.95, floor(1000)).certainty);
  EXPECT_TRUE(judge_growing({flat()}, 2100, 0.95, floor(50)).certainty);
}

// --- the verdict of what was recorded until it was stopped
// --------------------------------------------------

recording::Run stopped_run(const std::vector<SyntheticSite>& sites, bool fails) {
  SyntheticOptions options;
  options.iterations = 600;
  recording::Run run = make_run(sites, options);
  run.budget.growth_bytes_per_iteration = 0;
  run.scenario->iterations = 1100;
  run.outcome->signal = 15;
  run.outcome->stopped_for = "its verdict is certain at 95 %, at iteration 600 of 1100";
  run.certainty = recording::Certainty{0.95, 600, 1100, 12, fails, "of what was seen"};
  return run;
}

TEST(Certainty, AStoppedRunHasItsVerdictAndSaysSo) {
  const recording::Run leaking = stopped_run({flat(), leak(48)}, true);
  const Report failed = analyse(leaking);
  EXPECT_EQ(failed.verdict(), Verdict::kFail);
  const recording::Run clean = stopped_run({flat()}, false);
  const Report passed = analyse(clean);
  EXPECT_EQ(passed.verdict(), Verdict::kPass);
  const auto says = [](const Check& check) {
    return check.text == "stopped at iteration 600 of 1,100: certain at 95 %: pass, since of what was seen";
  };
  EXPECT_TRUE(std::any_of(passed.judgement.checks.begin(), passed.judgement.checks.end(), says));
}

TEST(Certainty, AFailThatTheRecordingDoesNotShowIsInconclusive) {
  const recording::Run clean = stopped_run({flat()}, true);
  EXPECT_EQ(analyse(clean).verdict(), Verdict::kInconclusive);
}

TEST(Certainty, APassBesideALeakIsAFail) {
  const recording::Run leaking = stopped_run({flat(), leak(48)}, false);
  EXPECT_EQ(analyse(leaking).verdict(), Verdict::kFail);
}

}  // namespace
}  // namespace leakhunt::reports
