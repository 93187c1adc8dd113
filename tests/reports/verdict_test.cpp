// The table of verdicts: what a run must look like to pass, fail, or leave the question open.
#include "reports/analysis/verdict.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::Run;
using recording::SnapshotKind;

SyntheticSite flat_site() {
  return {"parameter", "Tensor::Tensor", [](size_t) { return int64_t{8000}; }, {}, 1000};
}

SyntheticSite leaking_site() {
  return {"tape.node", "Tape::push", [](size_t i) { return static_cast<int64_t>(i + 1) * 48; }, {}, 48};
}

recording::Run healthy() {
  recording::Run run = make_run({flat_site()});
  run.budget = {5'000'000'000, 0.0, 50.0};
  run.scenario->iterations = 1000;
  return run;
}

recording::Run leaking() {
  recording::Run run = make_run({flat_site(), leaking_site()});
  run.budget = {5'000'000'000, 0.0, 50.0};
  run.scenario->iterations = 1000;
  return run;
}

recording::Run ticking(size_t ticks, bool leaks, bool final_frees_all = false) {
  SyntheticOptions options;
  options.iterations = ticks;
  options.clock = SnapshotKind::kTick;
  options.final_frees_all = final_frees_all;
  return make_run(leaks ? std::vector{flat_site(), leaking_site()} : std::vector{flat_site()}, options);
}

recording::Run with(recording::Run run, const std::function<void(Run&)>& change) {
  change(run);
  return run;
}

void kill(Run& run) {
  run.end.reset();
  run.outcome->signal = 9;
}

void by_sample(Run& run) {
  run.sampling = {{0, 1024, false, 12, 5000, 240'000, 0}};
}

struct Row {
  std::string name;
  std::function<Run()> run;
  Verdict verdict;
  int exit_status;
  std::string reason;  // part of the first check
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {"healthy", healthy, Verdict::kPass, 0, "peak RSS 4.01 MB is within the budget of 5.00 GB"},
      {"leak", leaking, Verdict::kFail, 1, "live memory grows by +48 B per iteration"},
      {"leak_within_budget",
       [] { return with(leaking(), [](Run& r) { r.budget.growth_bytes_per_iteration = 48.0; }); },
       Verdict::kPass, 0, "peak RSS"},
      {"leak_without_growth_budget",
       [] { return with(leaking(), [](Run& r) { r.budget.growth_bytes_per_iteration.reset(); }); },
       Verdict::kFail, 1, "without one a leak is a fail"},
      {"peak_in_snapshots",
       [] { return with(healthy(), [](Run& r) { r.snapshots[500].rss_bytes = 6'000'000'000; }); },
       Verdict::kFail, 1, "peak RSS 6.00 GB is over the budget of 5.00 GB"},
      {"peak_of_the_kernel",
       [] { return with(healthy(), [](Run& r) { r.outcome->peak_rss_bytes = 5'000'000'001; }); },
       Verdict::kFail, 1, "is over the budget"},
      {"stopped_at_the_ceiling",
       [] {
         return with(leaking(), [](Run& r) {
           kill(r);
           r.budget.growth_bytes_per_iteration.reset();
           r.outcome->stopped_for = "RSS 5.1 GB passed the budget of 5 GB";
         });
       },
       Verdict::kFail, 1, "stopped the target"},
      {"interrupted",
       [] { return with(healthy(), [](Run& r) { kill(r), r.outcome->stopped_for = "interrupted"; }); },
       Verdict::kInconclusive, 4, "interrupted"},
      {"too_slow", [] { return with(healthy(), [](Run& r) { r.budget.min_iterations_per_second = 101.0; }); },
       Verdict::kFail, 1, "100 it/s (median after warm-up) is below the floor of 101"},
      {"too_few_iterations", [] { return make_run({flat_site()}, {.iterations = 110, .warm_up = 100}); },
       Verdict::kInconclusive, 4, "growth was not judged"},
      {"just_enough_iterations", [] { return make_run({flat_site()}, {.iterations = 121, .warm_up = 100}); },
       Verdict::kPass, 0, "live memory grows by 0 bytes"},
      {"fewer_iterations_than_expected",
       [] { return with(healthy(), [](Run& r) { r.scenario->iterations = 10'000; }); },
       Verdict::kInconclusive, 4, "only 1,000 of 10,000 iterations"},
      {"no_iterations_where_some_were_expected",
       [] { return with(ticking(1000, false), [](Run& r) { r.scenario->iterations = 100; }); },
       Verdict::kInconclusive, 4, "marked no iterations where 100 were expected"},
      {"target_failed", [] { return with(healthy(), [](Run& r) { r.outcome->exit_status = 7; }); },
       Verdict::kTargetFailed, 3, "exit status 7"},
      {"target_crashed", [] { return with(healthy(), [](Run& r) { kill(r), r.outcome->signal = 11; }); },
       Verdict::kTargetFailed, 3, "signal 11"},
      {"leaked_and_crashed", [] { return with(leaking(), [](Run& r) { kill(r); }); }, Verdict::kFail, 1,
       "live memory grows"},
      {"killed_with_its_runner",
       [] { return with(healthy(), [](Run& r) { r.end.reset(), r.outcome.reset(); }); }, Verdict::kPass, 0,
       ""},
      {"lost_snapshots", [] { return with(healthy(), [](Run& r) { r.damage.lost_snapshots = 3; }); },
       Verdict::kInconclusive, 4, "3 snapshots are lost"},
      {"lost_snapshots_of_a_leak",
       [] { return with(leaking(), [](Run& r) { r.damage.lost_snapshots = 3; }); }, Verdict::kFail, 1,
       "live memory grows"},
      {"damage_without_loss", [] { return with(healthy(), [](Run& r) { r.damage.damaged_bytes = 64; }); },
       Verdict::kPass, 0, ""},
      {"tracker_stepped_aside",
       [] { return with(healthy(), [](Run& r) {
              r.step_asides.push_back({400, 12, "no memory"});
            }); },
       Verdict::kInconclusive, 4, "stepped aside at iteration 400: no memory"},
      {"a_leak_in_a_sample", [] { return with(leaking(), by_sample); }, Verdict::kFail, 1,
       "live memory grows by +48 B per iteration ("},
      {"a_sample_that_shows_no_growth", [] { return with(healthy(), by_sample); }, Verdict::kInconclusive, 4,
       "only a sample of the blocks was tracked, by which a growth of"},
      {"a_sample_whose_error_is_within_the_budget",
       [] {
         return with(healthy(), [](Run& r) { by_sample(r), r.budget.growth_bytes_per_iteration = 1e6; });
       },
       Verdict::kPass, 0, "peak RSS"},
      {"a_sample_too_coarse_for_its_leak",
       [] { return with(leaking(), [](Run& r) { by_sample(r), r.sampling[0].interval_bytes = 1 << 20; }); },
       Verdict::kInconclusive, 4, "is not told from none"},
      {"no_stacks_of_new_sites",
       [] { return with(healthy(), [](Run& r) { by_sample(r), r.sampling[0].interval_bytes = 0; }); },
       Verdict::kPass, 0, "peak RSS"},
      {"expectation_changes_nothing",
       [] { return with(leaking(), [](Run& r) { r.scenario->expected_verdict = "pass"; }); }, Verdict::kFail,
       1, ""},
      {"empty_recording", [] { return recording::Run{}; }, Verdict::kInconclusive, 4, "nothing was recorded"},
      {"recording_without_snapshot", [] { return with(Run{}, [](Run& run) { run.images = 1; }); },
       Verdict::kInconclusive, 4, "no snapshot"},
      {"end_that_the_tracker_did_not_see", [] { return with(healthy(), [](Run& run) { run.end.reset(); }); },
       Verdict::kInconclusive, 4, "the recording ends before the program did"},
      {"exec_of_what_was_not_recorded",
       [] {
         return with(healthy(), [](Run& run) {
           run.end = recording::EndKind::kExec;
           run.next_program = "/opt/static";
           run.outcome->not_recorded = "/opt/static is statically linked";
         });
       },
       Verdict::kInconclusive, 4,
       "the program went on as /opt/static (exec), and the tracker did not start in it: /opt/static is "
       "statically "
       "linked"},
      {"short_program", [] { return ticking(3, false); }, Verdict::kPass, 0, "peak RSS"},
      {"steady_program", [] { return ticking(400, false); }, Verdict::kPass, 0, "does not grow steadily"},
      {"growing_program", [] { return ticking(400, true); }, Verdict::kInconclusive, 4,
       "by +48 B per clock tick, +4,800 B per second"},
      {"growing_program_that_cleans_up", [] { return ticking(400, true, true); }, Verdict::kInconclusive, 4,
       "grows steadily"},
      {"growing_program_over_its_budget",
       [] { return with(ticking(400, true), [](Run& r) { r.budget.peak_rss_bytes = 4'000'000; }); },
       Verdict::kFail, 1, "over the budget"},
      {"growth_budget_without_iterations",
       [] { return with(ticking(400, false), [](Run& r) { r.budget.growth_bytes_per_iteration = 0.0; }); },
       Verdict::kInconclusive, 4, "marked no iterations"},
  };
  return table;
}

std::string name_of(const testing::TestParamInfo<Row>& row) {
  return row.param.name;
}

class VerdictTable : public testing::TestWithParam<Row> {};
TEST_P(VerdictTable, Row) {
  const recording::Run run = GetParam().run();
  const Report report = analyse(run);
  EXPECT_EQ(report.verdict(), GetParam().verdict);
  EXPECT_EQ(exit_status(report), GetParam().exit_status);
  ASSERT_FALSE(report.judgement.checks.empty());
  EXPECT_NE(report.judgement.checks.front().text.find(GetParam().reason), std::string::npos)
      << report.judgement.checks.front().text;
}
INSTANTIATE_TEST_SUITE_P(Runs, VerdictTable, testing::ValuesIn(rows()), name_of);

std::string all_reasons(const Run& run) {
  const Report report = analyse(run);
  std::string text;
  for (const Check& check : report.judgement.checks) text += check.text + "\n";
  return text;
}

TEST(Verdict, SaysWhatWasCheckedAndWhatWasNot) {
  const std::string checked = all_reasons(healthy());
  EXPECT_NE(checked.find("live memory grows by 0 bytes per iteration over 900 iterations"), std::string::npos)
      << checked;
  EXPECT_NE(checked.find("100 it/s (median after warm-up) is above the floor of 50.0"), std::string::npos)
      << checked;
  const std::string unchecked = all_reasons(make_run({flat_site()}));
  EXPECT_NE(unchecked.find("no budget was set for it"), std::string::npos) << unchecked;
  EXPECT_NE(unchecked.find("no floor was set"), std::string::npos) << unchecked;
}

TEST(Verdict, NamesTheMarksThatNeverCameAndWhy) {
  struct Case {
    recording::Marks marks;
    const char* reason;
  };
  for (const Case& c : {Case{{recording::MarkedBy::kEntries, "f", true, ""},
                             "the iterations were to be entries of f, and it was entered at most once"},
                        Case{{recording::MarkedBy::kEntries, "f", false, ""},
                             "entries of f, and the module of that function was never loaded"},
                        Case{{recording::MarkedBy::kEntries, "f", false, "there is no free page near it"},
                             "entries of f, and there is no free page near it"},
                        Case{{recording::MarkedBy::kLines, "^epoch", true, ""},
                             "lines matching /^epoch/, and no line of its output did"}}) {
    const std::string reasons =
        all_reasons(with(ticking(3, false), [&](recording::Run& run) { run.marks = c.marks; }));
    EXPECT_NE(reasons.find(c.reason), std::string::npos) << reasons;
  }
}

// The last line is read when the program clears up already.
TEST(Verdict, OfLinesOfOutputDoesNotTakeTheProgramsEndForTheEndOfItsGrowth) {
  recording::Run run =
      make_run({{"heap", "keep", [](size_t i) { return i == 999 ? 0 : 20'000 * static_cast<int64_t>(i); }}});
  run.marks = {recording::MarkedBy::kLines, "^epoch", true, ""};
  const Report report = analyse(run);
  EXPECT_EQ(report.verdict(), Verdict::kFail);
  EXPECT_EQ(report.timeline.completed, 1000u);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].growth.bytes_per_step, 20'000);
  run =
      make_run({{"heap", "keep", [](size_t i) { return i >= 998 ? 0 : 20'000 * static_cast<int64_t>(i); }}});
  run.marks = {recording::MarkedBy::kLines, "^epoch", true, ""};
  EXPECT_EQ(analyse(run).verdict(), Verdict::kFail) << "the line before it was noticed as late";
  run.marks = {};  // the program's own mark means what it says
  EXPECT_EQ(analyse(run).verdict(), Verdict::kPass);
}

// Of `run` only these iterations: the others' lines came together with the next one's.
void keep_points(recording::Run& run, const std::function<bool(uint64_t)>& keeps) {
  run.marks = {recording::MarkedBy::kLines, "^epoch", true, ""};
  run.scenario.reset();
  for (auto& snapshot : run.snapshots) {
    if (snapshot.kind == SnapshotKind::kIteration && !keeps(snapshot.iteration))
      snapshot.kind = SnapshotKind::kPeak;
  }
}

TEST(Verdict, OfLinesThatCameInOnePieceJudgesWhatIsBehindThem) {
  recording::Run run = make_run({{"heap", "keep", [](size_t i) { return 1001 * static_cast<int64_t>(i); }}});
  keep_points(run, [](uint64_t number) { return number < 3 || number > 640; });
  const Report report = analyse(run);
  EXPECT_EQ(report.verdict(), Verdict::kFail) << all_reasons(run);
  EXPECT_EQ(report.timeline.completed, 1000u);
  EXPECT_EQ(report.timeline.warm_up, 642u);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].growth.bytes_per_step, 1001);
  // A short end convicts if what rose unseen lies on its line, and alone it is no pass.
  keep_points(run, [](uint64_t number) { return number < 3 || number > 840; });
  EXPECT_EQ(analyse(run).verdict(), Verdict::kFail) << all_reasons(run);
  run = make_run(
      {{"heap", "keep", [](size_t i) { return 1001 * static_cast<int64_t>(i) + (i < 500 ? 0 : 300'000); }}});
  keep_points(run, [](uint64_t number) { return number < 3 || number > 840; });
  EXPECT_EQ(analyse(run).verdict(), Verdict::kInconclusive) << all_reasons(run);
  // Few are seen behind the gap: it stays in what is judged, and a line that goes on through it is no pass.
  run = make_run({{"heap", "keep", [](size_t i) { return 1001 * static_cast<int64_t>(i); }}});
  keep_points(run, [](uint64_t number) { return number < 600 || number > 950; });
  EXPECT_NE(analyse(run).verdict(), Verdict::kPass) << all_reasons(run);
}

// What rose while nobody looked is no one-off: it may have risen once or a hundred times.
TEST(Verdict, OfWhatRoseInAGapIsNoPass) {
  SyntheticSite busy = flat_site();
  busy.temporary_blocks = 1;
  recording::Run run = make_run(
      {busy, {"heap", "keep", [](size_t i) { return 160 * static_cast<int64_t>(i / 10); }, {}, 160}});
  keep_points(run, [](uint64_t number) { return number < 110 || number > 960; });
  EXPECT_EQ(analyse(run).verdict(), Verdict::kInconclusive) << all_reasons(run);
  run = make_run({busy, {"heap", "table", [](size_t i) { return i < 500 ? 160 : 640; }, {}, 160}});
  keep_points(run, [](uint64_t number) { return number < 110 || number > 960; });
  EXPECT_EQ(analyse(run).verdict(), Verdict::kPass) << "three blocks are few: " << all_reasons(run);
}

TEST(Verdict, OfLinesThatCameTooFastSaysSo) {
  SyntheticSite busy = flat_site();
  busy.temporary_blocks = 1;
  recording::Run run = make_run({busy});
  keep_points(run, [](uint64_t number) { return number % 333 == 300; });
  EXPECT_EQ(analyse(run).verdict(), Verdict::kInconclusive);
  EXPECT_NE(all_reasons(run).find("growth was not judged: 967 iterations, but so fast, or so many in one "
                                  "write, that only 2 of their lines after a warm-up of 96 were seen apart"),
            std::string::npos)
      << all_reasons(run);
}

// Of a program that takes one block in 50 iterations and does nothing else, only these are looked at: just
// before, and again when the next one comes.
TEST(Verdict, OfLinesThatWereNotLookedAtSinceNothingHappenedIsThatOfAllOfThem) {
  const auto seen = [](uint64_t number) { return number % 50 == 0 || number % 50 == 49; };
  recording::Run run =
      make_run({{"heap", "keep", [](size_t i) { return 1000 + 800 * static_cast<int64_t>(i / 50); }}});
  keep_points(run, seen);
  const Report report = analyse(run);
  EXPECT_EQ(report.verdict(), Verdict::kFail) << all_reasons(run);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].growth.bytes_per_step, 16);
  EXPECT_EQ(report.findings[0].growth.period, 50u);
  EXPECT_EQ(report.timeline.judged(), report.timeline.judged_steps());
  EXPECT_NEAR(report.timeline.per_second.value_or(0), 100, 5);
  // Something happened in between: then nobody knows when.
  SyntheticSite busy = flat_site();
  busy.temporary_blocks = 1;
  run = make_run({busy});
  keep_points(run, seen);
  EXPECT_LT(analyse(run).timeline.judged(), 45u);
}

TEST(Verdict, SaysWhatIsNotSeenOfPythonsSmallObjects) {
  SyntheticSite arenas = {"mapping", "new_arena", [](size_t) { return 3 << 20; }};
  arenas.block_bytes = 1 << 20;
  arenas.kind = recording::SiteKind::kMapping;
  recording::Run run = make_run({arenas});
  EXPECT_EQ(all_reasons(run).find("PYTHONMALLOC"), std::string::npos);
  for (auto& [address, symbol] : run.symbols) {
    if (symbol.module == "/app/program") symbol.module = "/usr/bin/python3.11";
  }
  EXPECT_NE(all_reasons(run).find("PYTHONMALLOC=malloc"), std::string::npos) << all_reasons(run);
  EXPECT_EQ(analyse(run).verdict(), Verdict::kPass);
}

SyntheticSite rising_now_and_then() {  // at 12 of 900 judged iterations
  return {"heap", "cache", [](size_t i) {
            int64_t live = 0;
            for (const size_t at :
                 std::array<size_t, 12>{120, 130, 230, 390, 400, 410, 560, 650, 760, 770, 900, 950})
              live += i >= at ? 4000 : 0;
            return live;
          }};
}

// Everything that a collected heap takes answers at one place: what falls there hides nothing that rises.
TEST(Verdict, OfWhatMayBeALeakIsNoPassBesideWhatComesAndGoesAtTheSamePlace) {
  SyntheticSite garbage = {"heap", "cache",
                           [](size_t i) { return 50'000 + 300 * static_cast<int64_t>(i * i % 97); }};
  recording::Run run = make_run({rising_now_and_then(), garbage});
  EXPECT_EQ(analyse(run).verdict(), Verdict::kInconclusive) << all_reasons(run);
}

TEST(Verdict, OfWhatMayBeALeakIsNoPass) {
  recording::Run run = make_run({flat_site(), rising_now_and_then()});
  const Report report = analyse(run);
  EXPECT_EQ(report.verdict(), Verdict::kInconclusive) << all_reasons(run);
  EXPECT_NE(all_reasons(run).find("what cache (cache.cpp:10) takes rises by about +53.333 B per iteration"),
            std::string::npos)
      << all_reasons(run);
  EXPECT_TRUE(report.findings.empty());
  run.budget.growth_bytes_per_iteration = 60.0;  // even if it were one
  EXPECT_EQ(analyse(run).verdict(), Verdict::kPass) << all_reasons(run);
  run.budget.growth_bytes_per_iteration = 20.0;
  EXPECT_EQ(analyse(run).verdict(), Verdict::kInconclusive) << all_reasons(run);
}

TEST(Verdict, SaysThatAShortProgramWasNotJudged) {
  EXPECT_NE(all_reasons(ticking(3, false)).find("growth was not judged: the program marks no iterations"),
            std::string::npos);
}

TEST(Verdict, SaysHowFarAKilledRunWasJudged) {
  const std::string reasons = all_reasons(with(healthy(), kill));
  EXPECT_NE(reasons.find("judged up to its last completed iteration (999)"), std::string::npos) << reasons;
}

}  // namespace
}  // namespace leakhunt::reports
