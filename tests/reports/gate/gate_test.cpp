// A run beside its baseline, and the leak that has to be caught.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "reports/gate/comparison_with_baseline.h"
#include "reports/gate/positive_control.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

SyntheticSite flat_site() {
  return {"parameter", "Tensor::Tensor", [](size_t) { return int64_t{8000}; }, {}, 1000};
}

// One block in `every` iterations.
SyntheticSite rare_leak(size_t every) {
  return {"heap",
          "Op::scratch",
          [every](size_t i) { return static_cast<int64_t>((i + 1) / every) * 16; },
          {},
          16};
}

recording::Run run_of(std::vector<SyntheticSite> sites, size_t iterations = 1000) {
  SyntheticOptions options;
  options.iterations = iterations;
  options.warm_up = iterations / 10;
  return make_run(sites, options);
}

Baseline baseline_of(const recording::Run& run) {
  const Report report = analyse(run);
  return make_baseline({&report}).value();
}

Report gated(const recording::Run& run, const Baseline& baseline) {
  Report report = analyse(run);
  EXPECT_EQ(why_not_comparable(report, baseline), "");
  compare_with_baseline(report, baseline);
  return report;
}

const Check* check_about(const Report& report, const std::string& subject) {
  for (const Check& check : report.judgement.checks) {
    if (check.subject == subject) return &check;
  }
  return nullptr;
}

TEST(Gate, TheSameRunPasses) {
  const recording::Run run = run_of({flat_site(), rare_leak(300)});
  const Report report = gated(run, baseline_of(run));
  EXPECT_EQ(report.verdict(), Verdict::kPass) << report.judgement.checks.front().text;
  EXPECT_NE(check_about(report, "baseline")->text.find("within the baseline"), std::string::npos);
  EXPECT_NE(check_about(report, "baseline: not compared")->text.find("the baseline is of one recording"),
            std::string::npos);
}

TEST(Gate, ABlockInAHundredIterationsIsARegressionNamedWithItsPlace) {
  const recording::Run before = run_of({flat_site(), rare_leak(100000)}, 300);
  const recording::Run after = run_of({flat_site(), rare_leak(100)}, 300);
  EXPECT_EQ(analyse(after).verdict(), Verdict::kPass) << "too rare for the judgement of growth";
  const Report report = gated(after, baseline_of(before));
  EXPECT_EQ(report.verdict(), Verdict::kFail);
  const Check* check = check_about(report, "baseline: the process: blocks");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->text,
            "the process: blocks live at the end 11, in the baseline 8: 3 more than allowed (0.011 per "
            "iteration); by "
            "Op::scratch (Op::scratch.cpp:10), which is new, +3");
  EXPECT_NE(check_about(report, "baseline: tag heap: blocks"), nullptr);
}

TEST(Gate, OneMoreAllocationPerHundredIterationsIsARegression) {
  const auto churn = [](size_t extra_every) {
    // A block that is born in one iteration and dies in the next counts as an allocation.
    return SyntheticSite{
        "heap", "Op::scratch", [extra_every](size_t i) { return i % extra_every == 0 ? 16 : 0; }, {}, 16};
  };
  const Report report =
      gated(run_of({flat_site(), churn(100)}), baseline_of(run_of({flat_site(), churn(1000)})));
  ASSERT_NE(check_about(report, "baseline: tag heap: allocations"), nullptr);
}

TEST(Gate, WhatHasBecomeLessIsToldAndNoFail) {
  const Report report = gated(run_of({flat_site()}), baseline_of(run_of({flat_site(), rare_leak(300)})));
  EXPECT_EQ(report.verdict(), Verdict::kPass);
  EXPECT_NE(check_about(report, "baseline: less")->text.find("blocks live at the end"), std::string::npos);
}

TEST(Gate, AFunctionThatWasRenamedOrMovedIsNoRegression) {
  recording::Run before = run_of({flat_site()});
  recording::Run after = run_of({flat_site()});
  for (auto& [address, symbol] : after.symbols) {
    for (auto& frame : symbol.source_frames) frame.line += 7;
  }
  EXPECT_EQ(gated(after, baseline_of(before)).verdict(), Verdict::kPass);
  SyntheticSite renamed = flat_site();
  renamed.function = "Tensor::make";
  EXPECT_EQ(gated(run_of({renamed}), baseline_of(before)).verdict(), Verdict::kPass);
}

TEST(Gate, ABandAllowsWhatTheRunsOfItHad) {
  const recording::Run low = run_of({flat_site()});
  SyntheticSite more = flat_site();
  more.live_bytes = [](size_t) { return int64_t{9000}; };
  const recording::Run high = run_of({more});
  const Report a = analyse(low);
  const Report b = analyse(high);
  const Baseline band = make_baseline({&a, &b}).value();
  EXPECT_EQ(gated(high, band).verdict(), Verdict::kPass);
  more.live_bytes = [](size_t) { return int64_t{10000}; };
  EXPECT_EQ(gated(run_of({more}), band).verdict(), Verdict::kFail);
}

TEST(Gate, ResidentMemoryHasTheBandOfSeveralRecordings) {
  const auto with_rss = [](uint64_t bytes) {
    recording::Run run = run_of({flat_site()});
    run.outcome->peak_rss_bytes = bytes;
    return run;
  };
  const recording::Run runs[] = {with_rss(100'000'000), with_rss(104'000'000)};
  const Report a = analyse(runs[0]);
  const Report b = analyse(runs[1]);
  const Baseline band = make_baseline({&a, &b}).value();
  EXPECT_EQ(allowed_rss(band), 108'000'000);
  EXPECT_EQ(check_about(gated(with_rss(108'000'000), band), "baseline: peak RSS")->state,
            CheckState::kPassed);
  EXPECT_EQ(check_about(gated(with_rss(108'000'001), band), "baseline: peak RSS")->state,
            CheckState::kFailed);
}

TEST(Gate, AnotherConfigurationIsNotComparable) {
  const recording::Run run = run_of({flat_site()});
  const Baseline baseline = baseline_of(run);
  const auto why = [&](const std::function<void(recording::Run&)>& change) {
    recording::Run other = run_of({flat_site()});
    change(other);
    return why_not_comparable(analyse(other), baseline);
  };
  EXPECT_EQ(why([](recording::Run&) {}), "");
  EXPECT_NE(why([](recording::Run& r) { r.scenario->command.push_back("--large"); }).find("the command is"),
            std::string::npos);
  EXPECT_NE(why([](recording::Run& r) { r.scenario->warm_up = 50; }).find("the warm-up is"),
            std::string::npos);
  EXPECT_NE(why([](recording::Run& r) { r.scenario->iterations = 2000; }).find("the number of iterations"),
            std::string::npos);
  EXPECT_NE(why([](recording::Run& r) { r.process.unwinder = "none"; }).find("the way of finding stacks"),
            std::string::npos);
  Baseline optimised = baseline;
  optimised.configuration.build = "x86_64 -O2";
  recording::Run debug = run_of({flat_site()});
  debug.budget.build = "x86_64 -O0";
  EXPECT_EQ(why_not_comparable(analyse(debug), optimised),
            "the build is \"x86_64 -O0\" and was \"x86_64 -O2\"");
}

TEST(Gate, ARunThatDidNotComeToItsEndIsInconclusive) {
  recording::Run whole = run_of({flat_site()});
  whole.scenario->iterations = 1000;
  const Baseline baseline = baseline_of(whole);
  recording::Run cut = run_of({flat_site()}, 600);
  cut.scenario->iterations = 1000;
  cut.scenario->warm_up = 100;
  EXPECT_EQ(gated(cut, baseline).verdict(), Verdict::kInconclusive);
}

// --- positive control ----------------------------------------------------------------------------

TEST(PositiveControl, ABlockInAHundredIterationsIsCaughtByGrowthAndByABaseline) {
  recording::Run run = run_of({flat_site()}, 2000);
  const size_t sites = run.sites.size();
  const size_t symbols = run.symbols.size();
  Report report = analyse(run);
  run_positive_control(run, nullptr, report);
  EXPECT_EQ(check_about(report, "positive control")->text,
            "positive control: an injected leak of one block of 16 B in 100 iterations is caught");
  const Baseline baseline = baseline_of(run);
  run_positive_control(run, &baseline, report);
  EXPECT_EQ(
      check_about(report, "positive control of the baseline")->text,
      "positive control of the baseline: an injected leak of one block of 16 B in 100 iterations is caught");
  EXPECT_EQ(report.verdict(), Verdict::kPass);
  EXPECT_EQ(run.sites.size(), sites);
  EXPECT_EQ(run.symbols.size(), symbols);
}

TEST(PositiveControl, AShortRunSaysHowMuchItCanSee) {
  recording::Run run = run_of({flat_site()}, 100);
  Report report = analyse(run);
  run_positive_control(run, nullptr, report);
  EXPECT_EQ(check_about(report, "positive control")->text,
            "positive control: an injected leak of one block of 16 B in 9 iterations is caught");
}

// A budget of growth, limits and suppressions that swallow every leak make a gate that cannot fail.
TEST(PositiveControl, AGateThatCannotFailIsInconclusive) {
  recording::Run run = run_of({flat_site()}, 1000);
  run.process.start_unix_ns = 1;
  run.budget.suppressions = {{{"*", "", "", ""}, 20000, "", "everything is fine"}};
  Report report = analyse(run);
  EXPECT_EQ(report.verdict(), Verdict::kPass);
  run_positive_control(run, nullptr, report);
  EXPECT_EQ(report.verdict(), Verdict::kInconclusive);
  EXPECT_NE(report.judgement.checks.front().text.find("is not caught: a pass would mean nothing"),
            std::string::npos);
}

TEST(PositiveControl, ABaselineThatAllowsAnythingIsInconclusive) {
  recording::Run run = run_of({flat_site()}, 1000);
  Baseline baseline = baseline_of(run);
  const auto loosen = [](Figures& figures) {
    for (Band& band : figures.bands) band.high = 1e15;
  };
  loosen(baseline.process);
  for (auto& [tag, figures] : baseline.tags) loosen(figures);
  loosen(baseline.tags["heap"]);
  Report report = gated(run, baseline);
  EXPECT_EQ(report.verdict(), Verdict::kPass);
  run_positive_control(run, &baseline, report);
  EXPECT_EQ(report.verdict(), Verdict::kInconclusive);
}

TEST(PositiveControl, OfARunThatRegressedIsTheInjectedLeakThatCounts) {
  const Baseline baseline = baseline_of(run_of({flat_site()}));
  recording::Run run = run_of({flat_site(), rare_leak(2)});
  Report report = gated(run, baseline);
  run_positive_control(run, &baseline, report);
  EXPECT_EQ(report.verdict(), Verdict::kFail);
  EXPECT_EQ(check_about(report, "positive control of the baseline")->state, CheckState::kPassed);
}

TEST(PositiveControl, WithoutIterationsNothingIsClaimed) {
  SyntheticOptions options;
  options.clock = recording::SnapshotKind::kTick;
  recording::Run run = make_run({flat_site()}, options);
  Report report = analyse(run);
  const Verdict before = report.verdict();
  run_positive_control(run, nullptr, report);
  EXPECT_EQ(check_about(report, "positive control")->state, CheckState::kNotChecked);
  EXPECT_EQ(report.verdict(), before);
}

}  // namespace
}  // namespace leakhunt::reports
