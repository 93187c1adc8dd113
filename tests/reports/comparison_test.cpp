#include "reports/comparison.h"

#include <gtest/gtest.h>

#include <sstream>

#include <nlohmann/json.hpp>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

struct Row {
  std::variant<bool, int64_t, double, std::string> value;
  uint64_t peak = 10'000'000;
  std::optional<double> growth = 0;
  Verdict verdict = Verdict::kPass;
};

Comparison comparison_of(const std::vector<Row>& rows, const std::string& axis = "size") {
  Comparison comparison;
  comparison.name = "made";
  comparison.axis = axis;
  comparison.sums_up = axis == "chunk";
  comparison.planned = rows.size();
  for (const Row& row : rows) {
    ComparedRun run;
    std::ostringstream label;
    std::visit([&](const auto& value) { label << value; }, row.value);
    run.variation = {row.value, label.str(), label.str()};
    run.verdict = row.verdict;
    if (row.verdict == Verdict::kFail) run.reasons = {{CheckState::kFailed, "it is too much"}};
    run.iterations = 100;
    run.per_second = 50;
    run.peak_rss_bytes = row.peak;
    run.growth = row.growth;
    run.live_bytes_end = 5'000'000;
    run.wall_seconds = 2.5;
    comparison.runs.push_back(run);
  }
  return comparison;
}

std::string text_of(const Comparison& comparison) {
  std::ostringstream out;
  write_comparison_text(comparison, out);
  return out.str();
}

nlohmann::json json_of(const Comparison& comparison) {
  std::ostringstream out;
  write_comparison_json(comparison, out);
  return nlohmann::json::parse(out.str());
}

TEST(Comparison, TakesItsFiguresFromTheReport) {
  const auto run = make_run({{"parameter", "f", [](size_t i) { return int64_t(i + 1) * 64; }, {}, 64}},
                            {.iterations = 200, .warm_up = 50});
  const ComparedRun row = compared_run(analyse(run), {int64_t{7}, "7", "seven"});
  EXPECT_EQ(row.variation.directory, "seven");
  EXPECT_EQ(row.iterations, 200u);
  EXPECT_EQ(row.growth, 64.0);
  EXPECT_EQ(row.live_bytes_end, 200 * 64);
  EXPECT_EQ(row.rss_bytes_end, 4'000'000u + 200 * 64);
  EXPECT_EQ(row.verdict, Verdict::kFail);
  EXPECT_FALSE(row.reasons.empty());
  EXPECT_NEAR(*row.per_second, 100, 0.1);
}

TEST(Comparison, OfARunThatIsTooShortHasNoGrowth) {
  const auto run = make_run({{"parameter", "f", [](size_t) { return int64_t{64}; }, {}, 64}},
                            {.iterations = 10, .warm_up = 5});
  EXPECT_FALSE(compared_run(analyse(run), {}).growth.has_value());
}

TEST(Comparison, WithoutMarkedIterationsHasNone) {
  const auto run = make_run({{"parameter", "f", [](size_t i) { return int64_t(i + 1) * 64; }, {}, 64}},
                            {.iterations = 200, .warm_up = 50, .clock = recording::SnapshotKind::kTick});
  const ComparedRun row = compared_run(analyse(run), {});
  EXPECT_EQ(row.iterations, 0u);
  EXPECT_FALSE(row.per_second.has_value());
  EXPECT_FALSE(row.growth.has_value());
}

TEST(ComparisonVerdict, IsTheWorstOfAll) {
  const auto of = [](const std::vector<Verdict>& verdicts) {
    std::vector<Row> rows;
    for (const Verdict verdict : verdicts) rows.push_back({int64_t(rows.size()), 1, 0, verdict});
    return verdict_of(comparison_of(rows));
  };
  using enum Verdict;
  EXPECT_EQ(of({kPass, kPass}), kPass);
  EXPECT_EQ(of({kPass, kInconclusive}), kInconclusive);
  EXPECT_EQ(of({kInconclusive, kTargetFailed, kPass}), kTargetFailed);
  EXPECT_EQ(of({kTargetFailed, kFail, kPass}), kFail);
}

TEST(ComparisonVerdict, IsInconclusiveWhenRunsAreMissing) {
  Comparison comparison = comparison_of({{int64_t{1}}, {int64_t{2}}});
  comparison.planned = 3;
  EXPECT_EQ(verdict_of(comparison), Verdict::kInconclusive);
  comparison.runs[0].verdict = Verdict::kFail;
  EXPECT_EQ(verdict_of(comparison), Verdict::kFail);
}

TEST(Conclusion, FollowsFromTheFigures) {
  using Rows = std::vector<Row>;
  const int64_t one = 1;
  const int64_t two = 2;
  const int64_t three = 3;
  const struct {
    Rows rows;
    std::string sentence;
  } cases[] = {
      {{{one}}, "With fewer than two runs there is nothing to compare."},
      {{{one}, {two}},
       "Peak RSS is the same for all 2 values of size, and live memory grows in none of them."},
      {{{one, 10'000'000}, {two, 10'040'000}},
       "Peak RSS is the same for all 2 values of size within 0.4 %, and live memory grows in none of them."},
      {{{one, 10'000'000}, {two, 10'000'001}},
       "Peak RSS is the same for all 2 values of size within 0.1 %, and live memory grows in none of them."},
      {{{two, 30'000'000}, {one, 10'000'000}, {three, 40'000'000}},
       "Peak RSS rises with size, from 10.0 MB (1) to 40.0 MB (3), and live memory grows in none of them."},
      {{{0.5, 30'000'000}, {one, 10'000'000}},
       "Peak RSS differs with size, from 10.0 MB (1) to 30.0 MB (0.5), and live memory grows in none of "
       "them."},
      {{{"a", 10'000'000}, {"b", 30'000'000, 48}},
       "Peak RSS differs with size, from 10.0 MB (a) to 30.0 MB (b), and live memory grows with size b only, "
       "by "
       "+48 B per iteration."},
      {{{one, 1, 48}, {two, 1, 96}, {three, 1}},
       "Peak RSS is the same for all 3 values of size, and live memory grows in 2 of 3 runs, by +48 B to +96 "
       "B "
       "per iteration."},
      {{{one, 1, 48}, {two, 1, 48}},
       "Peak RSS is the same for all 2 values of size, and live memory grows in 2 of 2 runs, by +48 B per "
       "iteration."},
      {{{one, 1, {}}, {two, 1, {}}},
       "Peak RSS is the same for all 2 values of size, and all of them are too short to judge growth."},
      {{{one, 1, {}}, {two, 1, -5}},
       "Peak RSS is the same for all 2 values of size, and 1 of them cannot be judged for growth, and live "
       "memory "
       "grows in none of the others."},
  };
  for (const auto& [rows, sentence] : cases) EXPECT_EQ(conclusion_of(comparison_of(rows)), sentence);
  EXPECT_EQ(conclusion_of(comparison_of({{one}, {two}}, "chunk")),
            "Peak RSS is the same for all 2 chunks, and live memory grows in none of them.");
}

TEST(ComparisonText, IsWhatAPersonReads) {
  Comparison comparison = comparison_of({{int64_t{5}}, {int64_t{10}, 20'000'000, 48, Verdict::kFail}});
  comparison.planned = 3;
  comparison.stopped_for = "interrupted by SIGINT";
  EXPECT_EQ(text_of(comparison), R"(FAIL  made: 3 runs over size

  ✗ size 10: it is too much
  ? interrupted by SIGINT; 2 of 3 runs were begun
  ✓ 1 of 3 runs passed

Runs ───────────────────────────────────────────────────────────────────────────────────────────────
  size  iterations  it/s  peak RSS  growth/iteration  live at end  verdict
     5         100  50.0   10.0 MB                 0      5.00 MB  pass
    10         100  50.0   20.0 MB             +48 B      5.00 MB  fail

  Peak RSS rises with size, from 10.0 MB (5) to 20.0 MB (10), and live memory grows with size 10
  only, by +48 B per iteration.
)");
}

TEST(ComparisonText, OfChunksEndsWithTheWhole) {
  const std::string text = text_of(comparison_of({{int64_t{0}}, {int64_t{1}, 20'000'000, 48}}, "chunk"));
  EXPECT_NE(text.find("PASS  made: 2 runs in chunks\n\n  ✓ all 2 runs passed\n"), std::string::npos) << text;
  EXPECT_NE(text.find("    all         200  40.0   20.0 MB             +24 B      5.00 MB  pass\n"),
            std::string::npos)
      << text;
}

TEST(ComparisonText, OfASweepOverIterationsSaysHowManyWereCompleted) {
  const std::string text = text_of(comparison_of({{int64_t{100}}, {int64_t{500}}}, "iterations"));
  EXPECT_NE(text.find("\n  iterations  completed  it/s"), std::string::npos) << text;
}

TEST(ComparisonText, IsAtMostAHundredColumnsWideAndPlain) {
  const std::string hostile = "\x1b[2J\r\n" + std::string(300, 'x') + "\xff";
  Comparison comparison = comparison_of({{hostile}, {"b", 1, {}, Verdict::kFail}}, hostile);
  comparison.name = hostile;
  comparison.runs[0].per_second.reset();
  comparison.runs[0].iterations = 0;
  std::istringstream lines(text_of(comparison));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(columns(line), 100u) << line;
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20u);
  }
  EXPECT_FALSE(json_of(comparison)["runs"].empty());
}

TEST(ComparisonText, WithoutRunsIsShort) {
  Comparison comparison;
  comparison.name = "made";
  comparison.axis = "size";
  comparison.planned = 2;
  comparison.stopped_for = "interrupted by SIGINT";
  EXPECT_EQ(text_of(comparison),
            "INCONCLUSIVE  made: 2 runs over size\n\n  ? interrupted by SIGINT; 0 of 2 runs were begun\n");
}

TEST(ComparisonJson, HasARowForEachRun) {
  const auto json = json_of(comparison_of({{"a"}, {true, 20'000'000, {}, Verdict::kFail}}));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["verdict"], "fail");
  EXPECT_EQ(json["exit_status"], 1);
  EXPECT_EQ(json["reasons"], nlohmann::json::array({"size 1: it is too much"}));
  EXPECT_EQ(json["peak_rss_bytes"], 20'000'000);
  EXPECT_FALSE(json.contains("growth_bytes_per_iteration"));
  ASSERT_EQ(json["runs"].size(), 2u);
  EXPECT_EQ(json["runs"][0]["value"], "a");
  EXPECT_EQ(json["runs"][0]["growth_bytes_per_iteration"], 0);
  EXPECT_EQ(json["runs"][0]["live_bytes_end"], 5'000'000);
  EXPECT_EQ(json["runs"][1]["value"], true);
  EXPECT_TRUE(json["runs"][1]["growth_bytes_per_iteration"].is_null());
}

TEST(ComparisonJson, OfChunksHasTheFiguresOfTheWhole) {
  Comparison comparison = comparison_of({{int64_t{0}}, {int64_t{1}, 1, 48}}, "chunk");
  comparison.stopped_for = "interrupted by SIGINT";
  const auto json = json_of(comparison);
  EXPECT_EQ(json["iterations"], 200);
  EXPECT_EQ(json["wall_seconds"], 5);
  EXPECT_EQ(json["iterations_per_second"], 40);
  EXPECT_EQ(json["growth_bytes_per_iteration"], 24);
  EXPECT_EQ(json["verdict"], "inconclusive");
  EXPECT_EQ(json["reasons"], nlohmann::json::array({"interrupted by SIGINT"}));
}

}  // namespace
}  // namespace leakhunt::reports
