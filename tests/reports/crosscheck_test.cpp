// What tools agree and disagree on, and what that comes to.
#include "reports/crosscheck.h"

#include <gtest/gtest.h>

#include <sstream>

#include "reports/formats/escape.h"
#include "reports/importers/importer.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

Opinion made(const std::string& tool, int64_t bytes) {
  Opinion opinion;
  opinion.tool = tool;
  opinion.seconds = 1.5;
  opinion.allocations = 100;
  opinion.peak_bytes = bytes;
  opinion.peak_places = Places{{"f", bytes}};
  return opinion;
}

Opinion missing(const std::string& tool) {
  Opinion opinion;
  opinion.tool = tool;
  opinion.why_not = "valgrind is not installed";
  return opinion;
}

std::string text_of(const Crosscheck& check) {
  std::ostringstream out;
  write_crosscheck_text(check, out);
  return out.str();
}

TEST(Crosscheck, ToleratesASmallShareOrAFixedAmount) {
  EXPECT_TRUE(agree(1'000'000, 1'010'000, kByteTolerance));
  EXPECT_FALSE(agree(1'000'000, 1'020'000, kByteTolerance));
  EXPECT_TRUE(agree(0, 8192, kByteTolerance));
  EXPECT_FALSE(agree(0, 8193, kByteTolerance));
  EXPECT_TRUE(agree(100, 110, kCallTolerance));
  EXPECT_FALSE(agree(100, 111, kCallTolerance));
}

TEST(Crosscheck, AgreesDisagreesOrHasTooFewToCompare) {
  const auto status = [](std::vector<Opinion> opinions) {
    return exit_status(make_crosscheck("made", std::move(opinions), {}));
  };
  EXPECT_EQ(status({made("leakhunt", 50'000), made("massif", 50'100)}), 0);
  EXPECT_EQ(status({made("leakhunt", 50'000), made("massif", 90'000)}), 1);
  EXPECT_EQ(status({made("leakhunt", 50'000), missing("massif")}), 4);
  EXPECT_EQ(status({missing("leakhunt"), made("massif", 1), made("heaptrack", 1)}), 4);
  EXPECT_EQ(status({made("leakhunt", 50'000), missing("massif"), made("heaptrack", 50'000)}), 0);
}

TEST(CrosscheckText, IsOneTableWithWhatWasNotRun) {
  const std::string text = text_of(make_crosscheck(
      "made", {made("leakhunt", 50'000), made("heaptrack", 90'000), missing("massif")}, {"a note"}));
  EXPECT_EQ(text, R"(CROSSCHECK  made: leakhunt, heaptrack disagree on 2 figures

  ? massif was not run: valgrind is not installed
  · a note
  · figures agree within 0.5 % or 10 calls, 1 % or 8,192 B; functions within 1 % or 4,096 B
  · not counted: the 72,704 B that libstdc++ sets aside for exceptions; functions without a name

Totals ─────────────────────────────────────────────────────────────────────────────────────────────
               leakhunt  heaptrack   massif
  allocations       100        100        -  ✓
  peak          50.0 kB    90.0 kB        -  ✗ differ
  time           1.50 s     1.50 s  not run

Live at the peak: 0 of 1 functions agree ───────────────────────────────────────────────────────────
  function  leakhunt  heaptrack  massif
  f          50.0 kB    90.0 kB       -  ✗ differ
)");
}

TEST(Opinion, LeavesOutTheEmergencyPoolAndNamesTheOuterFunction) {
  recording::Run run = make_run({{"heap", "grow", [](size_t) { return int64_t{32'000}; }},
                                 {"heap", "pool", [](size_t) { return int64_t{72'704}; }, {}, 72'704}},
                                {.iterations = 5, .warm_up = 0});
  recording::Symbol& pool = run.symbols[run.sites[1].frames[1]];
  pool.module = "/usr/lib/libstdc++.so.6";
  pool.source_frames.clear();
  std::vector<recording::SourceFrame>& grow = run.symbols[run.sites[0].frames[1]].source_frames;
  grow[0].inlined = true;
  grow.push_back({"ns::Outer<int>::__GI_outer(int)", "a.cpp", 3, false});
  const Report report = analyse(run);
  const Opinion opinion = opinion_of("leakhunt", report, 1);
  EXPECT_EQ(opinion.peak_bytes, 32'000);
  EXPECT_EQ(opinion.exit_bytes, 32'000);
  EXPECT_EQ(opinion.allocations, 2000);
  EXPECT_EQ(opinion.peak_places, (Places{{"outer", 32'000}}));
  EXPECT_FALSE(opinion.lost_bytes);
}

TEST(Opinion, OfEachToolHasWhatThatToolKnows) {
  const recording::Run run =
      make_run({{std::string(kDefinitelyLost), "f", [](size_t) { return int64_t{160}; }}},
               {.iterations = 5, .warm_up = 0});
  const Report report = analyse(run);
  const Opinion massif = opinion_of("massif", report, 1);
  EXPECT_FALSE(massif.allocations || massif.exit_bytes || massif.exit_places);
  EXPECT_EQ(massif.peak_bytes, 160);
  const Opinion memcheck = opinion_of("memcheck", report, 1);
  EXPECT_FALSE(memcheck.peak_bytes || memcheck.peak_places);
  EXPECT_EQ(memcheck.lost_bytes, 160);
  EXPECT_EQ(memcheck.exit_bytes, 160);
}

TEST(Opinion, OfAPeakBetweenSnapshotsHasNoPlaces) {
  recording::Run run =
      make_run({{"heap", "f", [](size_t) { return int64_t{160}; }}}, {.iterations = 5, .warm_up = 0});
  run.snapshots[2].heap_peak_bytes = 50'000;
  const Report report = analyse(run);
  const Opinion opinion = opinion_of("leakhunt", report, 1);
  EXPECT_EQ(opinion.peak_bytes, 50'000);
  EXPECT_FALSE(opinion.peak_places);
}

TEST(CrosscheckText, IsPlainWhateverTheNamesAre) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const recording::Run run = hostile_run(seed);
    const recording::Run other = hostile_run(seed + 1);
    const Report a = analyse(run);
    const Report b = analyse(other);
    const Crosscheck check = make_crosscheck(
        hostile_names()[seed % hostile_names().size()],
        {opinion_of("leakhunt", a, 1), opinion_of("heaptrack", b, 1), opinion_of("memcheck", b, 1)}, {});
    std::istringstream lines(text_of(check));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(columns(line), 100u) << line;
      EXPECT_EQ(escape_line(line), line);
    }
  }
}

}  // namespace
}  // namespace leakhunt::reports
