// Budgets of parts of a run, and findings that are forgiven for a while.
#include "reports/analysis/limits.h"

#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reports/analysis/scope.h"
#include "reports/formats/formats.h"
#include "reports/report.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::Cost;
using recording::Limit;
using recording::Scope;

constexpr uint64_t kDay = 86'400'000'000'000;

Scope scope(std::string tag, std::string function = "", std::string file = "", std::string thread = "") {
  return {std::move(tag), std::move(function), std::move(file), std::move(thread)};
}

SyntheticSite flat_site() {
  return {"parameter", "Tensor::Tensor", [](size_t) { return int64_t{8000}; }, {}, 1000};
}

SyntheticSite leaking_site(const std::string& tag, int64_t bytes) {
  return {tag, "Tape::push", [bytes](size_t i) { return static_cast<int64_t>(i + 1) * bytes; }, {}, bytes};
}

Limit limit(Scope scope, Cost cost, double most) {
  Limit result;
  result.scope = std::move(scope);
  result.cost = cost;
  result.most = most;
  return result;
}

recording::Run with_limit(std::vector<SyntheticSite> sites, const Limit& limit) {
  recording::Run run = make_run(sites);
  run.budget.limits = {limit};
  recording::name_limits(run.budget.limits);
  return run;
}

// The check of the only limit.
Check check_of(const recording::Run& run) {
  const Report report = analyse(run);
  for (const Check& check : report.judgement.checks) {
    if (check.subject == run.budget.limits.front().name) return check;
  }
  return {CheckState::kTargetFailed, "there is no check of it"};
}

TEST(Limits, AreNotKeptByWhatMayBeALeak) {
  const SyntheticSite rising{
      "cache",
      "keep",
      [](size_t i) {
        int64_t live = 0;
        for (const size_t at : {120, 130, 230, 390, 400, 410, 560, 650, 760, 770, 900, 950})
          live += i >= at ? 4000 : 0;
        return live;
      },
      {},
      4000};
  for (const Cost cost : {Cost::kGrowthBytes, Cost::kGrowthBlocks}) {
    for (const Scope& part : {scope("cache"), scope("")}) {
      const Report none = analyse(with_limit({flat_site(), rising}, limit(part, cost, 0)));
      EXPECT_EQ(none.verdict(), Verdict::kInconclusive);
      recording::Run wide = with_limit({flat_site(), rising}, limit(part, cost, 1000));
      wide.budget.growth_bytes_per_iteration = 1000.0;
      EXPECT_EQ(analyse(wide).verdict(), Verdict::kPass);
    }
  }
}

TEST(Scope, APatternMatchesTheWholeNameOrWhatFollowsASeparator) {
  EXPECT_TRUE(matches_name("Tape::record", "a::Tape::record", "::"));
  EXPECT_TRUE(matches_name("a::*", "a::Tape::record", "::"));
  EXPECT_TRUE(matches_name("re?ord", "a::Tape::record", "::"));
  EXPECT_TRUE(matches_name("*", "", "::"));
  EXPECT_TRUE(matches_name("a*b*c", "aXXbYbc", "::"));
  EXPECT_FALSE(matches_name("ape::record", "a::Tape::record", "::"));
  EXPECT_FALSE(matches_name("Tape", "a::Tape::record", "::"));
  EXPECT_FALSE(matches_name("a*b", "abc", "/"));
  EXPECT_TRUE(matches_name("arena.cpp", "lib/trainer/arena.cpp", "/"));
  EXPECT_FALSE(matches_name("rena.cpp", "lib/trainer/arena.cpp", "/"));
}

struct Row {
  std::string name;
  Scope scope;
  Cost cost;
  double kept;
  double broken;
};

TEST(Limits, EveryCostIsComparedExactly) {
  SyntheticSite busy = flat_site();
  busy.temporary_blocks = 3;
  const Row rows[] = {
      {"peak of a tag", scope("parameter"), Cost::kPeakBytes, 8000, 7999},
      {"end of a tag", scope("parameter"), Cost::kEndBytes, 8000, 7999},
      {"blocks of a tag", scope("parameter"), Cost::kEndBlocks, 8, 7},
      {"of a function", scope("", "Tensor::*"), Cost::kEndBlocks, 8, 7},
      {"of a file", scope("", "", "Tensor::Tensor.cpp"), Cost::kEndBytes, 8000, 7999},
      {"allocations", scope("parameter"), Cost::kAllocations, 3, 2.999},
      {"allocations a second", scope("parameter"), Cost::kAllocationsPerSecond, 300.01, 299},
      {"growth of a tag", scope("tape.node"), Cost::kGrowthBytes, 48, 47.9},
      {"growth of a tag in blocks", scope("tape.node"), Cost::kGrowthBlocks, 1, 0.99},
      {"growth of a function", scope("", "Tape::push"), Cost::kGrowthBytes, 48, 47.9},
      {"growth of the process", {}, Cost::kGrowthBytes, 48, 47.9},
      {"blocks of the process", {}, Cost::kEndBlocks, 1008, 1007},
      {"end of the process", {}, Cost::kEndBytes, 56000, 55999},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const std::vector<SyntheticSite> sites = {busy, leaking_site("tape.node", 48)};
    const Check kept = check_of(with_limit(sites, limit(row.scope, row.cost, row.kept)));
    EXPECT_EQ(kept.state, CheckState::kPassed) << kept.text;
    const Check broken = check_of(with_limit(sites, limit(row.scope, row.cost, row.broken)));
    EXPECT_EQ(broken.state, CheckState::kFailed) << broken.text;
  }
}

TEST(Limits, AFloorOfSpeedIsBrokenFromBelow) {
  EXPECT_EQ(check_of(with_limit({flat_site()}, limit({}, Cost::kIterationsPerSecond, 90))).state,
            CheckState::kPassed);
  EXPECT_EQ(check_of(with_limit({flat_site()}, limit({}, Cost::kIterationsPerSecond, 110))).state,
            CheckState::kFailed);
}

TEST(Limits, ABrokenOneNamesFigureLimitPlaceOwnerAndReason) {
  Limit broken = limit(scope("parameter"), Cost::kEndBlocks, 5);
  broken.owner = "trainers";
  broken.reason = "the model is small";
  const Report report = analyse(with_limit({flat_site()}, broken));
  EXPECT_EQ(report.verdict(), Verdict::kFail);
  EXPECT_EQ(report.judgement.checks.front().text,
            "tag parameter: blocks live at the end 8 is over the limit of 5; the largest part, 8, in "
            "Tensor::Tensor "
            "(Tensor::Tensor.cpp:10); owner: trainers; reason: the model is small");
}

TEST(Limits, APartThatNeverAppearedIsNoPass) {
  Limit misspelt = limit(scope("paramter"), Cost::kPeakBytes, 1e9);
  Check check = check_of(with_limit({flat_site()}, misspelt));
  EXPECT_EQ(check.state, CheckState::kInconclusive);
  EXPECT_NE(check.text.find("is it spelt as in the program?"), std::string::npos) << check.text;
  misspelt.optional = true;
  check = check_of(with_limit({flat_site()}, misspelt));
  EXPECT_EQ(check.state, CheckState::kNotChecked) << check.text;
}

TEST(Limits, WhatCannotBeMeasuredIsInconclusive) {
  EXPECT_EQ(
      check_of(with_limit({flat_site()}, limit(scope("", "", "", "worker*"), Cost::kPeakBytes, 1e9))).state,
      CheckState::kInconclusive)
      << "not split by thread";
  Limit relative = limit(scope("parameter"), Cost::kPeakBytes, 0);
  relative.percent = 10;
  EXPECT_EQ(check_of(with_limit({flat_site()}, relative)).state, CheckState::kInconclusive) << "no baseline";
  SyntheticOptions few;
  few.iterations = 15;
  few.warm_up = 5;
  recording::Run run = make_run({flat_site()}, few);
  run.budget.limits = {limit(scope("parameter"), Cost::kGrowthBytes, 0)};
  recording::name_limits(run.budget.limits);
  EXPECT_EQ(check_of(run).state, CheckState::kInconclusive) << "too few iterations";
}

TEST(Limits, ARelativeOneAllowsAPartMoreThanTheBaseline) {
  Limit relative = limit(scope("parameter"), Cost::kPeakBytes, 0);
  relative.percent = 10;
  relative.baseline = 7300;
  const Check kept = check_of(with_limit({flat_site()}, relative));
  EXPECT_EQ(kept.state, CheckState::kPassed) << kept.text;
  EXPECT_NE(kept.text.find("(the baseline's 7,300 B +10 %)"), std::string::npos) << kept.text;
  relative.baseline = 7200;
  EXPECT_EQ(check_of(with_limit({flat_site()}, relative)).state, CheckState::kFailed);
}

TEST(Limits, AThreadIsKnownByItsName) {
  recording::Run run = make_run({flat_site(), leaking_site("tape.node", 48)});
  run.threads[0].name = "trainer";
  run.threads[1].name = "worker 1";
  run.sites[0].thread = 0;
  run.sites[1].thread = 1;
  run.budget.limits = {limit(scope("", "", "", "worker*"), Cost::kEndBlocks, 999)};
  recording::name_limits(run.budget.limits);
  const Check check = check_of(run);
  EXPECT_EQ(check.state, CheckState::kFailed);
  EXPECT_NE(check.text.find("thread worker*: blocks live at the end 1,000"), std::string::npos) << check.text;
}

// --- suppressions --------------------------------------------------------------------------------

recording::Run leaking_with(const recording::Suppression& suppression, uint64_t day) {
  recording::Run run = make_run({flat_site(), leaking_site("tape.node", 48)});
  run.process.start_unix_ns = day * kDay + 5;
  run.budget.growth_bytes_per_iteration = 0;
  run.budget.suppressions = {suppression};
  return run;
}

const Check* check_about(const Report& report, const std::string& subject) {
  for (const Check& check : report.judgement.checks) {
    if (check.subject == subject) return &check;
  }
  return nullptr;
}

TEST(Suppressions, AKnownLeakIsForgivenUntilItsDay) {
  const recording::Suppression known{scope("tape.node"), 20000, "trainers", "is being mended"};
  const recording::Run last_day = leaking_with(known, 20000);
  const Report forgiven = analyse(last_day);
  EXPECT_EQ(forgiven.verdict(), Verdict::kPass);
  EXPECT_EQ(
      check_about(forgiven, "suppression")->text,
      "the suppression of tag tape.node (owner: trainers) forgives 1 finding of +48 B per iteration until "
      "2024-10-04: is being mended");
  const recording::Run day_after = leaking_with(known, 20001);
  const Report expired = analyse(day_after);
  EXPECT_EQ(expired.verdict(), Verdict::kFail);
  EXPECT_NE(check_about(expired, "suppression")->text.find("expired on 2024-10-04"), std::string::npos);
}

TEST(Suppressions, AStaleOneIsReported) {
  const recording::Run run = leaking_with({scope("dataset"), 20000, "", "was mended"}, 19000);
  const Report report = analyse(run);
  EXPECT_EQ(report.verdict(), Verdict::kFail);
  EXPECT_NE(check_about(report, "suppression")->text.find("is stale"), std::string::npos);
}

TEST(Suppressions, AnotherLeakBesideAForgivenOneStillFails) {
  recording::Run run =
      make_run({leaking_site("tape.node", 48),
                {"heap", "Op::scratch", [](size_t i) { return static_cast<int64_t>(i + 1) * 16; }, {}, 16}});
  run.process.start_unix_ns = kDay;
  run.budget.suppressions = {{scope("tape.node"), 20000, "", "known"}};
  const Report report = analyse(run);
  EXPECT_EQ(report.verdict(), Verdict::kFail);
  EXPECT_NE(check_about(report, "growth")->text.find("+48 B of it are suppressed"), std::string::npos);
}

TEST(Suppressions, WhatShrinksElsewhereDoesNotHideALeakBehindAForgivenOne) {
  recording::Run run =
      make_run({leaking_site("tape.node", 480),
                {"heap", "Op::scratch", [](size_t i) { return static_cast<int64_t>(i + 1) * 16; }, {}, 16},
                {"dataset", "unload", [](size_t i) { return static_cast<int64_t>(2000 - i) * 64; }, {}, 64}});
  run.process.start_unix_ns = kDay;
  run.budget.suppressions = {{scope("tape.node"), 20000, "", "known"}};
  EXPECT_EQ(analyse(run).verdict(), Verdict::kFail);
}

TEST(Suppressions, ARunWithoutADateForgivesNothing) {
  recording::Run run = leaking_with({scope("tape.node"), 20000, "", "known"}, 0);
  run.process.start_unix_ns = 0;
  EXPECT_EQ(analyse(run).verdict(), Verdict::kFail);
}

TEST(Suppressions, FormatsOfCiSayThatAFindingIsForgiven) {
  const recording::Run run = leaking_with({scope("tape.node"), 20000, "", "known \"leak\""}, 19000);
  const Report report = analyse(run);
  std::ostringstream sarif;
  write_sarif(report, sarif);
  EXPECT_NE(sarif.str().find("\"suppressions\""), std::string::npos);
  EXPECT_EQ(sarif.str().find("\"level\": \"error\""), std::string::npos);
  std::ostringstream junit;
  write_junit(report, junit);
  EXPECT_NE(junit.str().find("failures=\"0\" errors=\"0\""), std::string::npos) << junit.str();
}

TEST(Limits, EveryLimitIsATestCaseOfItsOwn) {
  recording::Run run = make_run({flat_site()});
  run.budget.limits = {limit(scope("parameter"), Cost::kPeakBytes, 1),
                       limit(scope("parameter"), Cost::kEndBlocks, 8)};
  recording::name_limits(run.budget.limits);
  const Report report = analyse(run);
  std::ostringstream junit;
  write_junit(report, junit);
  EXPECT_NE(junit.str().find("name=\"tag parameter: peak\""), std::string::npos) << junit.str();
  EXPECT_NE(junit.str().find("name=\"tag parameter: blocks\""), std::string::npos);
  EXPECT_NE(junit.str().find("failures=\"1\" errors=\"0\""), std::string::npos);
}

// Lost at the end, by a graph that says so of each site.
recording::HeapGraph graph_with(uint64_t definite, uint64_t indirect, uint64_t possible) {
  recording::HeapGraph graph;
  graph.reason = recording::GraphReason::kExit;
  recording::GraphSiteRow row;
  row.site = recording::SiteId{0};
  row.held[static_cast<size_t>(recording::Reach::kDefinite)] = {definite, definite * 10};
  row.held[static_cast<size_t>(recording::Reach::kIndirect)] = {indirect, indirect * 10};
  row.held[static_cast<size_t>(recording::Reach::kPossible)] = {possible, possible * 10};
  graph.sites.push_back(row);
  return graph;
}

TEST(Limits, OfWhatIsLostAreHeldAgainstTheGraphOfTheEnd) {
  for (const Cost cost : {Cost::kLostBytes, Cost::kLostBlocks}) {
    recording::Run run = with_limit({flat_site()}, limit({}, cost, cost == Cost::kLostBytes ? 70 : 7));
    EXPECT_EQ(check_of(run).state, CheckState::kInconclusive) << "there is no graph";
    run.graphs.push_back(graph_with(4, 3, 100));
    EXPECT_EQ(check_of(run).state, CheckState::kPassed) << "what is possibly lost is not counted";
    run.graphs.push_back(graph_with(5, 3, 0));
    const Check broken = check_of(run);
    EXPECT_EQ(broken.state, CheckState::kFailed);
    EXPECT_NE(broken.text.find("in Tensor::Tensor"), std::string::npos) << broken.text;
    run.graphs.back().obstacle = "no memory for it";
    EXPECT_EQ(check_of(run).state, CheckState::kInconclusive);
    EXPECT_NE(check_of(run).text.find("no memory for it"), std::string::npos);
  }
}

TEST(Limits, OfWhatIsLostAreOfTheirPart) {
  recording::Run run =
      with_limit({flat_site(), leaking_site("tape", 16)}, limit(scope("tape"), Cost::kLostBytes, 0));
  run.graphs.push_back(graph_with(5, 0, 0));  // of the first site
  EXPECT_EQ(check_of(run).state, CheckState::kPassed);
}

}  // namespace
}  // namespace leakhunt::reports
