// What the HTML page is told: its numbers add up to the run's, however few of them there are. What it draws
// of them is tested in a browser: tests/reports/html.
#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reports/formats/again.h"
#include "reports/formats/page_data.h"
#include "reports/formats/page_series.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/synthetic_run.h"
#include "tests/reports/written.h"

namespace leakhunt::reports {
namespace {

using nlohmann::json;
using recording::SiteId;

constexpr uint32_t kSeeds = 25;

std::vector<std::vector<SiteId>> each_site(const recording::Run& run) {
  std::vector<std::vector<SiteId>> groups;
  for (size_t i = 0; i < run.sites.size(); ++i) groups.push_back({static_cast<SiteId>(i)});
  return groups;
}

// Live bytes at every point of the grid, from the runs.
std::vector<int64_t> live_of(const std::vector<int64_t>& runs) {
  std::vector<int64_t> live;
  for (size_t i = 0; i < runs.size(); i += 5) {
    for (int64_t times = runs[i]; times > 0; --times)
      live.push_back((live.empty() ? 0 : live.back()) + runs[i + 2] - runs[i + 4]);
  }
  return live;
}

void expect_exact_at_every_point(const Report& report, const SiteHistories& histories) {
  for (size_t site = 0; site < histories.rows.size(); ++site) {
    const std::vector<int64_t> by_snapshot = recording::expand(
        report.run->sites[site].series, report.run->snapshots.size(), recording::Measure::kLiveBytes);
    const std::vector<int64_t> live = live_of(histories.rows[site]);
    ASSERT_EQ(live.size(), histories.points.size());
    for (size_t i = 0; i < live.size(); ++i)
      ASSERT_EQ(live[i], by_snapshot[report.timeline.points[histories.points[i]]]) << site << " at " << i;
  }
}

recording::Run noisy_run(size_t sites) {
  std::vector<SyntheticSite> each;
  for (size_t i = 0; i < sites; ++i) {
    each.push_back({"tag", "function" + std::to_string(i),
                    [i](size_t at) { return static_cast<int64_t>(16 * ((at * at + i) % 23)); }});
  }
  return make_run(each, {.iterations = 1000, .warm_up = 100});
}

TEST(PageSeries, CountsEqualSteps) {
  const std::vector<int64_t> line = {5, 7, 9, 11};
  EXPECT_EQ(equal_steps(line), (std::vector<int64_t>{5, 1, 2, 3}));
  const std::vector<int64_t> flat = {3, 3, 3};
  EXPECT_EQ(equal_steps(flat), (std::vector<int64_t>{3, 1, 0, 2}));
  EXPECT_TRUE(equal_steps({}).empty());
}

TEST(PageSeries, ASteadySiteIsAFewNumbers) {
  const recording::Run run = make_run({{"a", "f", [](size_t i) { return int64_t(i + 1) * 16; }}});
  const Report report = analyse(run);
  const SiteHistories histories = site_histories(report, each_site(run), 10'000, 1000);
  EXPECT_EQ(histories.points.size(), 1000U);
  EXPECT_EQ(histories.rows.at(0), (std::vector<int64_t>{1000, 1, 16, 0, 0}));
}

TEST(PageSeries, IsExactAtEveryPointOfTheGrid) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    expect_exact_at_every_point(report, site_histories(report, each_site(run), 10'000, 100'000));
  }
}

TEST(PageSeries, ACoarserGridIsExactToo) {
  const recording::Run run = noisy_run(20);
  const Report report = analyse(run);
  for (const SiteHistories& histories : {site_histories(report, each_site(run), 10'000, 4000),
                                         site_histories(report, each_site(run), 150, 1'000'000)}) {
    EXPECT_LT(histories.points.size(), 300U);
    EXPECT_EQ(histories.points.back() + 1, report.timeline.points.size());
    EXPECT_TRUE(std::binary_search(histories.points.begin(), histories.points.end(), report.timeline.base));
    expect_exact_at_every_point(report, histories);
  }
}

TEST(PageSeries, AThinnedChartKeepsTheHighestPointAndTheLast) {
  const recording::Run run =
      make_run({{"a", "f",
                 [](size_t i) { return i == 777 ? int64_t{1'000'000} : static_cast<int64_t>(i % 2) * 16; }}});
  const std::vector<size_t> points = chart_points(analyse(run), 100);
  EXPECT_LE(points.size(), 101U);
  EXPECT_TRUE(std::binary_search(points.begin(), points.end(), size_t{777}));
  EXPECT_EQ(points.back(), 999U);
}

TEST(PageData, IsJsonWithoutABracketThatCouldEndItsElement) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const std::string text = page_data(analyse(run));
    EXPECT_EQ(text.find('<'), std::string::npos);
    EXPECT_FALSE(json::parse(text, nullptr, false).is_discarded());
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

TEST(PageData, HoldsNoNameAsItWas) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const std::string text = page_data(analyse(run));
    for (const char* escape : {"\\n", "\\u001b", "\\u0000", "\\ufffd", "\\u202e", "\\u0085"}) {
      const size_t at = text.find(escape);
      const bool is_of_text = at != std::string::npos && at > 0 && text[at - 1] == '\\';
      EXPECT_TRUE(at == std::string::npos || is_of_text) << escape << " of seed " << seed;
    }
  }
}

TEST(PageData, AddsUpToTheHeapAtItsPeakAndItsEnd) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const json sites = json::parse(page_data(report))["sites"];
    int64_t at_peak = 0;
    int64_t end = 0;
    for (size_t row = 0; row < sites["id"].size(); ++row) {
      if (sites["kind"][row] != 0) continue;
      at_peak += sites["at_peak"][row].get<int64_t>();
      end += sites["end"][row].get<int64_t>();
    }
    EXPECT_EQ(at_peak, make_profile(report, moment_at_peak(report)).bytes);
    EXPECT_EQ(end, make_profile(report, moment_at_end(report)).bytes);
  }
}

TEST(PageData, StacksAreTreesWhoseLeavesAreTheAnsweringFrames) {
  const recording::Run run = make_run(
      {{"a", "f", [](size_t) { return int64_t{16}; }}, {"a", "g", [](size_t) { return int64_t{16}; }}});
  const json data = json::parse(page_data(analyse(run)));
  const auto name = [&](const json& node) {
    return data["frames"]["name"][data["stacks"]["frame"][node.get<size_t>()].get<size_t>()];
  };
  const auto parent = [&](const json& node) { return data["stacks"]["parent"][node.get<size_t>()]; };
  const json leaf = data["sites"]["stack"][1];
  EXPECT_EQ(data["sites"]["plumbing"][1], 1);
  EXPECT_EQ(name(leaf), "malloc");
  EXPECT_EQ(name(parent(leaf)), "g");
  EXPECT_EQ(name(parent(parent(leaf))), "main");
  EXPECT_EQ(parent(parent(parent(leaf))), -1);
  EXPECT_EQ(data["stacks"]["frame"].size(), 5U) << "main is shared";
}

TEST(PageData, SitesThatMatterLeastAreSummedUp) {
  std::vector<SyntheticSite> sites;
  for (size_t i = 0; i < 10'050; ++i)
    sites.push_back({i % 2 == 0 ? "even" : "odd", "f", [i](size_t) { return static_cast<int64_t>(16 + i); }});
  const recording::Run run = make_run(sites, {.iterations = 30, .warm_up = 5});
  const json data = json::parse(page_data(analyse(run)))["sites"];
  EXPECT_EQ(data["alone"], 10'000);
  ASSERT_EQ(data["id"].size(), 10'002U) << "the rest of each tag";
  EXPECT_EQ(data["members"], json::array({25, 25}));
  int64_t end = 0;
  for (const json& bytes : data["end"]) end += bytes.get<int64_t>();
  EXPECT_EQ(end, 10'050 * 16 + 10'049 * 10'050 / 2);
  EXPECT_EQ(live_of(data["runs"][10'000].get<std::vector<int64_t>>()).back(), data["end"][10'000]);
}

TEST(HtmlReport, IsThePageAroundTheData) {
  if (!why_no_html().empty()) GTEST_SKIP() << why_no_html();
  const recording::Run run = hostile_run(1);
  const Report report = analyse(run);
  const std::string text = written("html", report);
  EXPECT_TRUE(text.starts_with("<!DOCTYPE html>"));
  EXPECT_NE(text.find(page_data(report)), std::string::npos);
  EXPECT_EQ(text.find("@LEAKHUNT"), std::string::npos);
  EXPECT_EQ(text.find("src="), std::string::npos);
  EXPECT_EQ(text.find("<link"), std::string::npos);
}

TEST(Again, IsTheScenarioOrTheProgram) {
  recording::Run run;
  EXPECT_EQ(command_that_runs_it_again(run), "");
  run.process.command_line = {"/usr/bin/a b", "it's", "", "-x=1", "\x1b[31m\\'"};
  EXPECT_EQ(command_that_runs_it_again(run),
            R"(leakhunt run -- '/usr/bin/a b' 'it'\''s' '' -x=1 $'\x1b[31m\\\'')");
  run.budget.peak_rss_bytes = 5'000'000'000;
  run.marks = {recording::MarkedBy::kEntries, "sqlite3_step", true, ""};
  run.process.command_line = {"sqlite3"};
  EXPECT_EQ(command_that_runs_it_again(run),
            "leakhunt run --budget 5000000000 --iteration-symbol sqlite3_step -- sqlite3");
  run.scenario.emplace();
  run.scenario->name = "steps";
  run.scenario->source = "mine/other.toml";
  run.scenario->iterations = 20;
  EXPECT_EQ(command_that_runs_it_again(run), "leakhunt scenario mine/other.toml --set iterations=20");
  run.scenario->source = "scenarios/steps.toml";
  run.scenario->defect = "tape-retained";
  EXPECT_EQ(command_that_runs_it_again(run),
            "leakhunt scenario steps --defect tape-retained --set iterations=20");
}

}  // namespace
}  // namespace leakhunt::reports
