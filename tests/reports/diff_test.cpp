// What is different between two runs adds up, and is called by its name.
#include "reports/diff.h"

#include <gtest/gtest.h>

#include "reports/formats/profile.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

DiffSide side_at(const Report& report, const char* moment = "end") {
  const auto parsed = parse_moment(report, moment);
  EXPECT_TRUE(parsed) << moment;
  DiffSide side;
  side.report = &report;
  side.snapshot = parsed->snapshot;
  side.at_end = parsed->snapshot == report.timeline.end_snapshot(*report.run);
  side.moment = parsed->words;
  return side;
}

Diff diff_of(const Report& before, const Report& after) {
  return make_diff(side_at(before), side_at(after));
}

auto constantly(int64_t bytes) {
  return [bytes](size_t) { return bytes; };
}

const SiteDiff& site_called(const Diff& diff, const std::string& function) {
  for (const SiteDiff& row : diff.sites) {
    const auto& frames = diff.identity(row).frames;
    if (!frames.empty() && frames.front().function == function) return row;
  }
  ADD_FAILURE() << "no site " << function;
  return diff.sites.front();
}

Figures sum_of_sites(const Diff& diff, recording::SiteKind kind, const std::string& tag = "") {
  Figures sum;
  for (const SiteDiff& row : diff.sites) {
    const SiteIdentity& site = diff.identity(row);
    if (site.kind == kind && (tag.empty() || site.tag == tag)) sum += row.difference();
  }
  return sum;
}

TEST(Diff, NamesWhatAppearedVanishedGrewAndShrank) {
  const recording::Run before = make_run({{"tag", "grows", constantly(160)},
                                          {"tag", "shrinks", constantly(160)},
                                          {"tag", "goes", constantly(64)},
                                          {"tag", "stays", constantly(48)},
                                          {"tag", "busier", constantly(48)}});
  SyntheticSite busier{"tag", "busier", constantly(48)};
  busier.temporary_blocks = 3;
  const recording::Run after = make_run({{"tag", "stays", constantly(48)},
                                         {"other", "comes", constantly(32)},
                                         {"tag", "shrinks", constantly(16)},
                                         {"tag", "grows", constantly(1600)},
                                         busier});
  const Report a = analyse(before);
  const Report b = analyse(after);
  const Diff diff = diff_of(a, b);
  EXPECT_EQ(site_called(diff, "grows").change, Change::kGrew);
  EXPECT_EQ(site_called(diff, "grows").difference().live_bytes, 1440);
  EXPECT_EQ(site_called(diff, "grows").difference().live_blocks, 90);
  EXPECT_EQ(site_called(diff, "shrinks").change, Change::kShrank);
  EXPECT_EQ(site_called(diff, "goes").change, Change::kVanished);
  EXPECT_EQ(site_called(diff, "goes").difference().live_bytes, -64);
  EXPECT_EQ(site_called(diff, "comes").change, Change::kAppeared);
  EXPECT_EQ(site_called(diff, "stays").change, Change::kNone);
  EXPECT_EQ(site_called(diff, "busier").change, Change::kElse);
  EXPECT_EQ(site_called(diff, "busier").difference().allocations, 3000);
  EXPECT_EQ(diff.identity(diff.sites.front()).frames.front().function, "grows") << "greatest effect first";
  EXPECT_EQ(diff.counts, (std::array<size_t, kChanges>{1, 1, 1, 1, 1, 1}));
  ASSERT_EQ(diff.tags.size(), 2u);
  EXPECT_EQ(diff.tags[0].tag, "tag");
  EXPECT_EQ(diff.tags[1].tag, "other");
  EXPECT_EQ(diff.tags[1].change, Change::kAppeared);
}

TEST(Diff, ComparesGrowthPerIteration) {
  const recording::Run before = make_run({{"tag", "f", constantly(160)}, {"tag", "g", constantly(16)}});
  const recording::Run after = make_run(
      {{"tag", "f", [](size_t i) { return int64_t(i + 1) * 48; }, {}, 48}, {"tag", "g", constantly(16)}});
  const Report a = analyse(before);
  const Report b = analyse(after);
  const Diff diff = diff_of(a, b);
  EXPECT_EQ(diff.growth_unit, "iteration");
  EXPECT_EQ(site_called(diff, "f").difference().growth, 48);
  EXPECT_EQ(site_called(diff, "g").difference().growth, 0);
  EXPECT_EQ(diff.kinds[0].difference().growth, 48);
  EXPECT_EQ(diff_of(b, a).kinds[0].difference().growth, -48);
  EXPECT_EQ(b.growth.process.bytes_per_step, 48);
}

TEST(Diff, DoesNotCompareGrowthThatWasNotJudged) {
  const recording::Run before = make_run({{"tag", "f", constantly(160)}}, {.iterations = 10, .warm_up = 2});
  const recording::Run after = make_run({{"tag", "f", [](size_t i) { return int64_t(i + 1) * 48; }, {}, 48}});
  const Report a = analyse(before);
  const Report b = analyse(after);
  const Diff diff = diff_of(a, b);
  EXPECT_EQ(diff.growth_unit, "");
  EXPECT_EQ(diff.kinds[0].is.growth, 0);
  ASSERT_EQ(diff.notes.size(), 2u);
  EXPECT_NE(diff.notes[0].find("10 iterations before, 1,000 iterations after"), std::string::npos);
  EXPECT_NE(diff.notes[1].find("growth per iteration is not compared"), std::string::npos);
}

TEST(Diff, OfTwoMomentsOfOneRunIsWhatWasGainedBetweenThem) {
  const recording::Run run =
      make_run({{"tag", "grow", [](size_t i) { return int64_t(i + 1) * 10; }, {}, 10},
                {"tag", "late", [](size_t i) { return i >= 50 ? int64_t{640} : 0; }, {}, 64},
                {"tag", "early", [](size_t i) { return i < 50 ? int64_t{640} : 0; }, {}, 64}},
               {.iterations = 100, .warm_up = 10});
  const Report report = analyse(run);
  const Diff diff = make_diff(side_at(report, "20"), side_at(report, "70"));
  EXPECT_TRUE(diff.one_run);
  EXPECT_EQ(diff.steps, 50u);
  EXPECT_EQ(site_called(diff, "grow").difference().live_bytes, 500);
  EXPECT_EQ(site_called(diff, "late").change, Change::kAppeared);
  EXPECT_EQ(site_called(diff, "early").change, Change::kShrank);
  EXPECT_EQ(site_called(diff, "early").is.live_bytes, 0);
  EXPECT_EQ(diff.kinds[0].difference().live_bytes, 500);
  EXPECT_EQ(diff.kinds[0].was.peak_bytes, 210 + 640) << "the highest up to that moment";
  const Diff back = make_diff(side_at(report, "70"), side_at(report, "20"));
  EXPECT_EQ(back.kinds[0].difference().live_bytes, -500);
  EXPECT_FALSE(back.steps);
}

TEST(Diff, OfARunAndItselfIsNothing) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const recording::Run run = hostile_run(seed);
    const recording::Run again = hostile_run(seed);
    const Report a = analyse(run);
    const Report b = analyse(again);
    for (const Diff& diff : {diff_of(a, a), diff_of(a, b)}) {
      for (const SiteDiff& row : diff.sites) EXPECT_EQ(row.change, Change::kNone) << seed;
      for (const TagDiff& kind : diff.kinds) EXPECT_EQ(kind.difference(), Figures{}) << seed;
    }
  }
}

TEST(Diff, AddsUpExactly) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const recording::Run before = hostile_run(seed);
    const recording::Run after = hostile_run(seed / 2 + 1000);
    const Report a = analyse(before);
    const Report b = analyse(after);
    const Diff diff = diff_of(a, b);
    Figures by_tag[3];
    for (const TagDiff& tag : diff.tags) {
      by_tag[static_cast<size_t>(tag.kind)] += tag.difference();
      Figures of_sites = sum_of_sites(diff, tag.kind, tag.tag);
      if (tag.tag.empty()) continue;
      of_sites.growth = tag.difference().growth;  // fractions may be summed in another order
      EXPECT_EQ(of_sites, tag.difference());
    }
    for (const TagDiff& kind : diff.kinds) {
      Figures of_sites = sum_of_sites(diff, kind.kind);
      EXPECT_NEAR(of_sites.growth, kind.difference().growth, 1e-6);
      of_sites.growth = by_tag[static_cast<size_t>(kind.kind)].growth = kind.difference().growth;
      EXPECT_EQ(of_sites, kind.difference());
      EXPECT_EQ(by_tag[static_cast<size_t>(kind.kind)], kind.difference());
    }
    // The runs' own totals, measured without call sites.
    const int64_t heap_before = a.growth.heap_bytes[diff.before.snapshot];
    const int64_t heap_after = b.growth.heap_bytes[diff.after.snapshot];
    EXPECT_EQ(diff.kinds[0].difference().live_bytes, heap_after - heap_before);
    const auto mapped = [](const Report& report, size_t at) { return report.growth.mapping_bytes[at]; };
    EXPECT_EQ(diff.kinds[1].difference().live_bytes,
              mapped(b, diff.after.snapshot) - mapped(a, diff.before.snapshot));
    const auto count = [](const Report& report) {
      return static_cast<int64_t>(make_profile(report, moment_at_end(report)).allocations);
    };
    EXPECT_EQ(diff.kinds[0].difference().allocations, count(b) - count(a));
    size_t counted = 0;
    for (const size_t each : diff.counts) counted += each;
    EXPECT_EQ(counted, diff.sites.size());
  }
}

TEST(Diff, TheOtherWayRoundIsTheOpposite) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const recording::Run before = hostile_run(seed);
    const recording::Run after = hostile_run(seed + 500);
    const Report a = analyse(before);
    const Report b = analyse(after);
    const Diff there = diff_of(a, b);
    const Diff back = diff_of(b, a);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_EQ(there.kinds[i].difference(), Figures{} - back.kinds[i].difference());
    const auto count = [](const Diff& diff, Change change) {
      return diff.counts[static_cast<size_t>(change)];
    };
    EXPECT_EQ(count(there, Change::kAppeared), count(back, Change::kVanished)) << seed;
    EXPECT_EQ(count(there, Change::kGrew), count(back, Change::kShrank)) << seed;
  }
}

}  // namespace
}  // namespace leakhunt::reports
