// From counters to findings: who is accused, of how much, and that nobody else is.
#include <chrono>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::SiteId;
using recording::SiteKind;

std::function<int64_t(size_t)> linear(int64_t bytes, size_t every = 1) {
  return [=](size_t i) { return static_cast<int64_t>(i / every) * bytes; };
}

std::function<int64_t(size_t)> noise(uint32_t seed, int64_t block_bytes, int64_t blocks) {
  std::vector<int64_t> values(20'000);
  std::mt19937 random(seed);
  for (int64_t& value : values) value = static_cast<int64_t>(random()) % blocks * block_bytes;
  return [values](size_t i) { return values[i % values.size()]; };
}

TEST(Analysis, FindsTwoLeaksAtOnceEachWithItsSlope) {
  const recording::Run run = make_run({{"optimizer.m", "Adam::step", linear(3'377'432), {}, 3'377'432},
                                       {"heap", "scratch", linear(16, 10), {}, 16},
                                       {"parameter", "Tensor::Tensor", [](size_t) { return int64_t{64}; }}});
  const Report report = analyse(run);
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].growth.bytes_per_step, 3'377'432);
  EXPECT_EQ(report.findings[0].growth.blocks_per_step, 1);
  EXPECT_EQ(report.findings[0].sites.front(), SiteId{0});
  EXPECT_EQ(report.findings[1].growth.bytes_per_step, 1.6);
  EXPECT_EQ(report.growth.process.bytes_per_step, 3'377'433.6);
  EXPECT_EQ(report.growth.tags[0].growth.bytes_per_step, 1.6);
}

TEST(Analysis, FindsATinyLeakBesideLargeNoise) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SyntheticOptions options;
    options.iterations = 10'000;
    const recording::Run run = make_run({{"cache", "Cache::put", noise(seed, 4096, 1000), {}, 4096},
                                         {"heap", "scratch", linear(16, 10), {}, 16}},
                                        options);
    const Report report = analyse(run);
    ASSERT_EQ(report.findings.size(), 1u) << "seed " << seed;
    EXPECT_EQ(report.findings[0].growth.bytes_per_step, 1.6);
    EXPECT_EQ(report.growth.process.bytes_per_step, 1.6) << "seed " << seed;
  }
}

TEST(Analysis, AddsUpTheStacksThatLeadToOnePlace) {
  recording::Run run = make_run({{"arena.chunk", "Arena::new_chunk", linear(100, 2), {}, 100},
                                 {"arena.chunk", "Arena::new_chunk", linear(300), {}, 100}});
  const Report report = analyse(run);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].growth.bytes_per_step, 350);
  EXPECT_EQ(report.findings[0].sites, (std::vector{SiteId{1}, SiteId{0}}));
}

TEST(Analysis, AccusesThePlaceWhoseManyStacksLeakTooSeldomEach) {
  std::vector<SyntheticSite> sites;
  for (size_t k = 0; k < 300; ++k) {
    sites.push_back(
        {"heap", "recursive", [k](size_t i) { return i >= 103 + k * 3 ? int64_t{64} : 0; }, {}, 64});
  }
  const recording::Run run = make_run(sites);
  const Report report = analyse(run);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_NEAR(report.findings[0].growth.bytes_per_step, 64.0 / 3, 0.2);
}

TEST(Analysis, ReportsASumThatGrowsInNoOnePlaceAsMeasuredGrowth) {
  std::vector<SyntheticSite> sites;
  for (size_t k = 0; k < 300; ++k) {
    sites.push_back({"heap",
                     "generated_" + std::to_string(k),
                     [k](size_t i) { return i >= 103 + k * 3 ? int64_t{64} : 0; },
                     {},
                     64});
  }
  const recording::Run run = make_run(sites);
  const Report report = analyse(run);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].kind, FindingKind::kGrowth);
  EXPECT_TRUE(report.findings[0].sites.empty());
  EXPECT_EQ(report.verdict(), Verdict::kFail);
}

TEST(Analysis, AccusesNobodyInAHealthyProgram) {
  const recording::Run run = make_run({
      {"cache",
       "Cache::put",
       [](size_t i) { return std::min<int64_t>(static_cast<int64_t>(i), 600) * 64; },
       {},
       64},
      {"heap", "std::vector",
       [](size_t i) {
         int64_t c = 16;
         while (c < static_cast<int64_t>(i) * 16) c *= 2;
         return c;
       },
       [](size_t) { return int64_t{1}; }},
      {"sample", "sample", [](size_t i) { return static_cast<int64_t>(i % 100) * 512; }, {}, 512},
      {"checkpoint", "save", [](size_t i) { return i % 250 == 249 ? int64_t{1'000'000} : 0; }, {}, 1'000'000},
      {"heap", "singleton", [](size_t i) { return i > 700 ? int64_t{4096} : 0; }, {}, 4096},
      {"batch", "load", noise(3, 128, 50), {}, 128},
  });
  const Report report = analyse(run);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.growth.process.bytes_per_step, 0);
  EXPECT_EQ(report.verdict(), Verdict::kPass);
}

TEST(Analysis, WhatOnePlaceGainsAndAnotherGivesBackIsNoGrowth) {
  const recording::Run run =
      make_run({{"heap", "young", linear(64), {}, 64},
                {"heap", "old", [](size_t i) { return 64'000 - static_cast<int64_t>(i) * 64; }, {}, 64}});
  const Report report = analyse(run);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.verdict(), Verdict::kPass);
}

TEST(Analysis, NestedBytesArePartOfNoTotalAndAccusedOfNothing) {
  const recording::Run run =
      make_run({{"arena.tensor", "Tensor::make", linear(64), {}, 64, SiteKind::kNested}});
  const Report report = analyse(run);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.growth.process.bytes_per_step, 0);
  EXPECT_TRUE(report.growth.tags[2].nested);
  EXPECT_EQ(report.growth.tags[2].growth.bytes_per_step, 64);
}

TEST(Analysis, GrowingMappingsCount) {
  const recording::Run run = make_run({{"mapping", "reserve", linear(4096), {}, 4096, SiteKind::kMapping}});
  const Report report = analyse(run);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.growth.process.bytes_per_step, 4096);
  EXPECT_EQ(report.growth.heap.bytes_per_step, 0);
}

TEST(Analysis, SaysSinceWhichIterationEvenBeforeTheJudgedOnes) {
  const recording::Run from_start =
      make_run({{"heap", "leak", [](size_t i) { return static_cast<int64_t>(i + 1) * 16; }}});
  EXPECT_EQ(analyse(from_start).findings.at(0).growth.since, 0u);
  const recording::Run from_40 = make_run(
      {{"heap", "leak", [](size_t i) { return std::max<int64_t>(0, static_cast<int64_t>(i) - 39) * 16; }}});
  EXPECT_EQ(analyse(from_40).findings.at(0).growth.since, 40u);
  const recording::Run from_500 = make_run(
      {{"heap", "leak", [](size_t i) { return std::max<int64_t>(0, static_cast<int64_t>(i) - 499) * 16; }}});
  EXPECT_EQ(analyse(from_500).findings.at(0).growth.since, 500u);
}

TEST(Analysis, ForecastsTheIterationAndTheTimeAtWhichTheBudgetBreaks) {
  recording::Run run = make_run({{"heap", "leak", linear(1'000'000), {}, 1'000'000}});
  run.budget.peak_rss_bytes = 4'000'000 + 999'000'000 + 500'000'000;
  const Report report = analyse(run);
  ASSERT_TRUE(report.forecast);
  EXPECT_EQ(report.forecast->steps_left, 500u);
  EXPECT_EQ(report.forecast->at, 1499u);
  EXPECT_EQ(report.forecast->earliest, 500u);
  EXPECT_EQ(report.forecast->latest, 500u);
  ASSERT_TRUE(report.forecast->seconds_left);
  EXPECT_NEAR(*report.forecast->seconds_left, 5, 1e-6);
}

TEST(Analysis, ForecastsNothingForAProcessThatDoesNotGrow) {
  recording::Run run = make_run({{"heap", "buffer", [](size_t) { return int64_t{64}; }}});
  run.budget.peak_rss_bytes = 5'000'000;
  EXPECT_FALSE(analyse(run).forecast);
}

TEST(Analysis, ForecastsByResidentMemoryWhereItGrowsFasterAndCallsTheRestSlack) {
  recording::Run run = make_run({{"heap", "leak", linear(100'000), {}, 100'000}});
  for (size_t i = 0; i < run.snapshots.size(); ++i) run.snapshots[i].rss_bytes += i * 25'000;
  run.budget.peak_rss_bytes = run.snapshots[999].rss_bytes + 1'250'000;
  const Report report = analyse(run);
  EXPECT_EQ(report.growth.rss.bytes_per_step, 125'000);
  EXPECT_EQ(report.growth.slack_per_step, 25'000);
  ASSERT_TRUE(report.forecast);
  EXPECT_EQ(report.forecast->steps_left, 10u);
}

TEST(Analysis, GrantsEachOfManySeriesItsPartOfTheRiskOnly) {
  std::vector<SyntheticSite> sites;
  for (uint32_t k = 0; k < 50; ++k) {
    sites.push_back({"heap", "site_" + std::to_string(k), noise(k, 64, 100), {}, 64});
  }
  const Report report = analyse(make_run(sites));
  // 50 sites that move; no place has two of them; 2 tags; heap, mappings, RSS.
  EXPECT_DOUBLE_EQ(report.growth.risk_each, kRisk / 55);
  EXPECT_TRUE(report.findings.empty());
}

TEST(Analysis, CountsAllocationsPerIteration) {
  recording::Run run = make_run({{"heap", "scratch", linear(16, 2), {}, 16, SiteKind::kBlock, 3}});
  const Report report = analyse(run);
  EXPECT_NEAR(report.growth.sites[0].allocations_per_step, 3.5, 0.01);
  EXPECT_EQ(report.growth.sites[0].frees_per_step, 3);
}

TEST(Analysis, OfAnEmptyRunConcludesNothing) {
  const recording::Run run;
  const Report report = analyse(run);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(exit_status(report), 4);
}

TEST(Analysis, JudgesTenThousandSnapshotsOfFiveThousandSitesInTime) {
  std::vector<SyntheticSite> sites;
  for (int64_t k = 0; k < 5000; ++k) {
    const auto moving = [k](size_t i) {
      return static_cast<int64_t>(i * 7919 % static_cast<size_t>(k + 3)) * 16;
    };
    const auto quiet = [](size_t) { return int64_t{4096}; };
    sites.push_back(
        {"heap", "site_" + std::to_string(k % 700),
         k % 10 == 0 ? std::function<int64_t(size_t)>(moving) : std::function<int64_t(size_t)>(quiet)});
  }
  SyntheticOptions options;
  options.iterations = 10'000;
  const recording::Run run = make_run(sites, options);
  const auto start = std::chrono::steady_clock::now();
  const Report report = analyse(run);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_TRUE(report.findings.empty());
  EXPECT_LT(seconds, 4) << "twice what docs/verdicts.md promises, for slow machines";
}

}  // namespace
}  // namespace leakhunt::reports
