// `leakhunt scenario`: the healthy pass, every defect fails with its tag, the trainer's line and the true
// slope.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "lib/recording/reader.h"
#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using nlohmann::json;

constexpr char kLeakhunt[] = LEAKHUNT_BIN "/leakhunt ";

struct ScenarioRun {
  Finished finished;
  json report;
};

ScenarioRun run_scenario(const std::string& arguments, const TemporaryFolder& out) {
  ScenarioRun result;
  result.finished = run_command(kLeakhunt + ("scenario " + arguments) + " --out " + out.file("run"));
  result.report = json::parse(read_file(out.file("run/report.json")), nullptr, false);
  EXPECT_FALSE(result.report.is_discarded()) << result.finished.out << result.finished.err;
  return result;
}

// The line of the trainer's source that holds `code`: what a finding has to name.
unsigned line_of(const std::string& file, const std::string& code) {
  const std::string source = read_file(LEAKHUNT_SOURCE_DIR "/" + file);
  const size_t at = source.find(code);
  EXPECT_NE(at, std::string::npos) << code << " is no longer in " << file;
  return static_cast<unsigned>(1 +
                               std::count(source.begin(), source.begin() + static_cast<ptrdiff_t>(at), '\n'));
}

TEST(HealthyScenario, PassesWithExactlyNoGrowth) {
  for (const char* name : {"quick_tiny", "short_small", "checkpoints"}) {
    const TemporaryFolder out;
    const ScenarioRun run = run_scenario(name, out);
    EXPECT_EQ(run.finished.exit_status, 0) << name << "\n" << run.finished.out << run.finished.err;
    EXPECT_EQ(run.report["verdict"], "pass") << name;
    EXPECT_EQ(run.report["iterations"], 100) << name;
    EXPECT_EQ(run.report["growth_bytes_per_iteration"], 0) << name;
    EXPECT_TRUE(run.report["findings"].empty()) << name;
    for (const json& tag : run.report["tags"]) EXPECT_EQ(tag["growth_bytes_per_iteration"], 0) << tag;
  }
}

TEST(HealthyScenario, OccupiesWhatThePlanSaysToTheByte) {
  const Finished plan = run_command(LEAKHUNT_BIN "/train_full --tiny --plan");
  EXPECT_EQ(plan.exit_status, 0) << plan.err;
  const TemporaryFolder out;
  const ScenarioRun run = run_scenario("quick_tiny", out);
  for (const std::string tag :
       {"parameter", "gradient", "optimizer.m", "optimizer.v", "arena.chunk", "tape.node"}) {
    const size_t at = plan.out.find("\n  " + tag + " ");
    ASSERT_NE(at, std::string::npos) << tag << "\n" << plan.out;
    const uint64_t planned = std::stoull(plan.out.substr(plan.out.find_first_of("0123456789", at)));
    const json& tags = run.report["tags"];
    const auto measured =
        std::find_if(tags.begin(), tags.end(), [&](const json& t) { return t["name"] == tag; });
    ASSERT_NE(measured, tags.end()) << tag;
    EXPECT_EQ((*measured)["live_bytes_end"], planned) << tag;
  }
}

TEST(HealthyScenario, TakesNothingFromTheHeapAfterTheFirstIterations) {
  const TemporaryFolder out;
  run_scenario("quick_tiny --set iterations=400", out);
  const auto run = recording::read_recording(out.file("run/recording.lhr"));
  ASSERT_TRUE(run) << run.error().message;
  const auto clock = recording::clock_snapshots(*run);
  ASSERT_EQ(clock.size(), 400u);
  const auto allocations =
      expand_sum(*run, {std::nullopt, recording::SiteKind::kBlock}, recording::Measure::kAllocations);
  EXPECT_EQ(allocations[clock.back()] - allocations[clock[50]], 0);
  const auto mappings =
      expand_sum(*run, {std::nullopt, recording::SiteKind::kMapping}, recording::Measure::kAllocations);
  EXPECT_EQ(mappings[clock.back()] - mappings[clock[50]], 0);
}

TEST(HealthyScenario, HasEveryTagOfTheTrainer) {
  const TemporaryFolder out;
  const ScenarioRun run = run_scenario("quick_tiny", out);
  for (const char* name : {"arena.chunk", "arena.tensor", "tape.node", "parameter", "gradient", "optimizer.m",
                           "optimizer.v", "dataset", "batch", "sample", "heap"}) {
    const auto& tags = run.report["tags"];
    const auto found =
        std::find_if(tags.begin(), tags.end(), [&](const json& tag) { return tag["name"] == name; });
    ASSERT_NE(found, tags.end()) << name;
    EXPECT_GT((*found)["peak_live_bytes"], 0) << name;
  }
}

struct DefectCase {
  const char* scenario;
  const char* tag;
  const char* file;
  const char* code;    // in the line that is to be named
  double first_slope;  // bytes per iteration of the first finding
  double whole_slope;  // of the process

  friend std::ostream& operator<<(std::ostream& out, const DefectCase& defect) {
    return out << defect.scenario;
  }
};

// The slopes in closed form, for the configuration `small`: 5 chunks of 1,048,448 bytes an iteration, of
// which one is kept; 4 + 7 x 2 tape nodes of 168 bytes; 422,179 doubles in m as in v; the scratch of two
// attentions (2 x 64 x 64 doubles), and of all operations 8 x [2 (5 x 128 + 512) + 2 x 35 + 5 x 128 + 2 x 64
// x 64].
constexpr DefectCase kDefects[] = {
    {"arena_orphaned_chunks", "arena.chunk", "lib/trainer/arena.cpp", "chunks_.allocate(", 4 * 1'048'448.0,
     4 * 1'048'448.0},
    {"arena_unbounded", "arena.chunk", "lib/trainer/arena.cpp", "chunks_.allocate(", 4 * 1'048'448.0,
     4 * 1'048'448.0},
    {"tape_retained", "tape.node", "lib/trainer/tape.cpp", ".allocate(", 18 * 168.0, 18 * 168.0},
    {"optimizer_reallocates", "optimizer.m", "lib/trainer/adam.cpp", "m_memory_.allocate(", 8 * 422'179.0,
     16 * 422'179.0},
    {"checkpoint_leaks", "checkpoint", "lib/trainer/checkpoint.cpp", "memory_.allocate(checkpoint_buffer",
     65'536.0 / 2, 65'536.0 / 2},
    {"stray_heap", "heap", "lib/trainer/ops.cpp", "", 8 * 2 * 64 * 64.0,
     8.0 * (2 * (5 * 128 + 512) + 2 * 35 + 5 * 128 + 2 * 64 * 64)},
};

class DefectScenario : public testing::TestWithParam<DefectCase> {};

TEST_P(DefectScenario, FailsWithTheTagTheLineAndTheSlope) {
  const DefectCase& expected = GetParam();
  const TemporaryFolder out;
  const ScenarioRun run = run_scenario(expected.scenario, out);
  EXPECT_EQ(run.finished.exit_status, 1) << run.finished.out << run.finished.err;
  EXPECT_EQ(run.report["verdict"], "fail");
  ASSERT_FALSE(run.report["findings"].empty());
  const json& first = run.report["findings"][0];
  EXPECT_EQ(first["kind"], "leak");
  EXPECT_EQ(first["tag"], expected.tag);
  EXPECT_TRUE(std::string(first["file"]).ends_with(expected.file)) << first["file"];
  if (*expected.code != '\0') {
    EXPECT_EQ(first["line"], line_of(expected.file, expected.code)) << first;
  }
  EXPECT_NEAR(first["growth_bytes_per_iteration"], expected.first_slope, 0.01 * expected.first_slope);
  EXPECT_NEAR(run.report["growth_bytes_per_iteration"], expected.whole_slope, 0.01 * expected.whole_slope);
  EXPECT_NE(run.finished.out.find(expected.tag), std::string::npos);
}

// Its slope is a matter of how samples fall into chunks: a sample of 160 symbols every second iteration.
TEST(ArenaEarlyReset, FailsWithTheChunksThatPileUp) {
  const TemporaryFolder out;
  const ScenarioRun run = run_scenario("arena_early_reset", out);
  EXPECT_EQ(run.finished.exit_status, 1) << run.finished.out << run.finished.err;
  ASSERT_FALSE(run.report["findings"].empty());
  const json& first = run.report["findings"][0];
  EXPECT_EQ(first["tag"], "arena.chunk");
  EXPECT_EQ(first["line"], line_of("lib/trainer/arena.cpp", "chunks_.allocate(")) << first;
  EXPECT_GT(first["growth_bytes_per_iteration"], 500'000);
}

// Sum over the findings of one tag.
double slope_of(const json& report, const std::string& tag) {
  double sum = 0;
  for (const json& finding : report["findings"]) {
    if (finding["tag"] == tag) sum += finding["growth_bytes_per_iteration"].get<double>();
  }
  return sum;
}

// Without the scratch, which no longer comes from it, the arena needs one chunk less in an iteration.
TEST(ThreeDefectsAtOnce, AreToldApartEachWithItsSlope) {
  const TemporaryFolder out;
  const ScenarioRun run = run_scenario("three_defects", out);
  EXPECT_EQ(run.finished.exit_status, 1) << run.finished.out << run.finished.err;
  const double scratch = 8.0 * (2 * (5 * 128 + 512) + 2 * 35 + 5 * 128 + 2 * 64 * 64);
  EXPECT_EQ(slope_of(run.report, "arena.chunk"), 3 * 1'048'448.0);
  EXPECT_EQ(slope_of(run.report, "tape.node"), 18 * 168.0);
  EXPECT_EQ(slope_of(run.report, "heap"), scratch);
  EXPECT_EQ(run.report["growth_bytes_per_iteration"], 3 * 1'048'448.0 + 18 * 168.0 + scratch);
}

TEST(ThreeDefectsAtOnce, AreNotPutIntoTheSamePartOfTheTrainer) {
  const Finished finished = run_command("LEAKHUNT_DEFECT=arena-unbounded+arena-orphaned-chunks " LEAKHUNT_BIN
                                        "/train_full_instrumented --tiny --iterations 1");
  EXPECT_EQ(finished.exit_status, 2);
  EXPECT_NE(finished.err.find("'arena-orphaned-chunks' replaces the same part"), std::string::npos)
      << finished.err;
}

TEST(SelfTest, ShowsADefectBesideItsHealthyTwin) {
  const TemporaryFolder out;
  const Finished finished =
      run_command(kLeakhunt + ("selftest tape-capacity checkpoint_leaks --out " + out.path()));
  EXPECT_EQ(finished.exit_status, 0) << finished.out << finished.err;
  EXPECT_NE(finished.out.find("4 of 4 came out as expected"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find(" checkpoint.cpp:"), std::string::npos) << finished.out;
  const json twin = json::parse(read_file(out.file("checkpoint_leaks-healthy/report.json")), nullptr, false);
  EXPECT_EQ(twin["verdict"], "pass");
  EXPECT_EQ(twin["growth_bytes_per_iteration"], 0);
}

TEST(SelfTest, RunsTheTwinOfTwoDefectsOnce) {
  const TemporaryFolder folder;
  for (const char* defect : {"arena-zeroing", "tape-capacity"})
    std::ofstream(folder.file(defect) + ".toml")
        << "program = \"" LEAKHUNT_BIN
           "/train_full_instrumented\"\n"
           "arguments = [\"--tiny\", \"--iterations\", \"{iterations}\"]\n"
           "iterations = 60\nwarm_up = 10\ndefect = \""
        << defect << "\"\n[expect]\nverdict = \"pass\"\n";
  const Finished finished = run_command("LEAKHUNT_SCENARIOS=" + folder.path() + " " + kLeakhunt +
                                        "selftest --out " + folder.file("out"));
  EXPECT_EQ(finished.exit_status, 0) << finished.out << finished.err;
  EXPECT_NE(finished.out.find("4 of 4 came out as expected"), std::string::npos) << finished.out;
  EXPECT_NE(finished.err.find("[4/4] tape-capacity-healthy: the same run as arena-zeroing-healthy"),
            std::string::npos)
      << finished.err;
}

TEST(SelfTest, FailsWhenADefectIsNotFound) {
  const TemporaryFolder folder;
  const std::string mine = folder.file("tame.toml");  // expects a leak where none is
  std::ofstream(mine) << "program = \"" LEAKHUNT_BIN
                         "/train_full_instrumented\"\n"
                         "arguments = [\"--tiny\", \"--iterations\", \"{iterations}\"]\n"
                         "iterations = 60\nwarm_up = 10\ndefect = \"arena-zeroing\"\n"
                         "[budget]\ngrowth_per_iteration = \"0B\"\n[expect]\nverdict = \"fail\"\n";
  const std::string environment = "LEAKHUNT_SCENARIOS=" + folder.path() + " ";
  for (const char* command : {"selftest", "scenario --all"}) {
    const Finished finished = run_command(environment + kLeakhunt + command + " --out " + folder.file("out"));
    EXPECT_EQ(finished.exit_status, 1) << finished.out << finished.err;
    EXPECT_NE(finished.out.find("tame: the scenario expects fail, the verdict is pass"), std::string::npos)
        << finished.out;
  }
}

// A longer run of another subject.
TEST(HealthyScenario, V2PassesToo) {
  const TemporaryFolder out;
  const ScenarioRun run = run_scenario("v2_2000 --set iterations=200", out);
  EXPECT_EQ(run.finished.exit_status, 0) << run.finished.out << run.finished.err;
  EXPECT_EQ(run.report["iterations"], 200);
  EXPECT_EQ(run.report["growth_bytes_per_iteration"], 0);
}

INSTANTIATE_TEST_SUITE_P(OfTheTrainer, DefectScenario, testing::ValuesIn(kDefects),
                         [](const auto& test) { return std::string(test.param.scenario); });

TEST(Report, IsTheSameFromTheRecordingAloneAnywhere) {
  const TemporaryFolder out;
  run_scenario("quick_tiny", out);
  const TemporaryFolder elsewhere;
  run_command("cp " + out.file("run/recording.lhr") + " " + elsewhere.file("copy.lhr"));
  const struct {
    const char* format;
    const char* file;
  } formats[] = {
      {"text", "report.txt"}, {"json", "report.json"}, {"massif", "massif.out"}, {"junit", "junit.xml"}};
  for (const auto& [format, file] : formats) {
    const Finished again = run_command("cd " + elsewhere.path() + " && env -i " + kLeakhunt +
                                       "report copy.lhr --format " + format + " -o again");
    EXPECT_EQ(again.exit_status, 0) << again.err;
    EXPECT_EQ(read_file(elsewhere.file("again")), read_file(out.file("run/") + file)) << format;
  }
}

TEST(Report, IsPrintedByMsPrint) {
  const TemporaryFolder out;
  run_scenario("stray_heap", out);
  const Finished printed = run_command("ms_print " + out.file("run/massif.out"));
  EXPECT_EQ(printed.exit_status, 0) << printed.err;
  EXPECT_NE(printed.out.find("Number of snapshots:"), std::string::npos);
  EXPECT_NE(printed.out.find("arena.chunk"), std::string::npos);
  EXPECT_NE(printed.out.find("attention_backward"), std::string::npos);
}

TEST(Run, LeavesOutputAndInputToTheProgram) {
  const TemporaryFolder out;
  const Finished finished =
      run_command("printf 'b\\na\\n' | " + (kLeakhunt + ("run --out " + out.file("run"))) + " -- sort");
  EXPECT_EQ(finished.exit_status, 0) << finished.err;
  EXPECT_EQ(finished.out, "a\nb\n");
  EXPECT_FALSE(read_file(out.file("run/report.txt")).empty());
}

TEST(Run, SaysWhenTheTargetItselfFailed) {
  const TemporaryFolder out;
  const Finished finished = run_command(kLeakhunt + ("run --out " + out.file("run")) + " -- sh -c 'exit 9'");
  EXPECT_EQ(finished.exit_status, 3);
}

TEST(Run, StopsTheTargetAtTheCeilingAndSaysWhatWasGrowing) {
  const TemporaryFolder out;
  const Finished finished = run_command(kLeakhunt + ("run --budget 100MB --out " + out.file("run")) + " -- " +
                                        target("grows_forever"));
  EXPECT_EQ(finished.exit_status, 1) << finished.err;
  const json report = json::parse(read_file(out.file("run/report.json")), nullptr, false);
  ASSERT_FALSE(report.is_discarded());
  EXPECT_EQ(report["verdict"], "fail");
  EXPECT_LT(report["iterations"], 1900);
  ASSERT_FALSE(report["findings"].empty());
  EXPECT_TRUE(std::string(report["findings"][0]["function"]).find("grow") != std::string::npos)
      << report["findings"][0];
  EXPECT_NEAR(report["findings"][0]["growth_bytes_per_iteration"], 1 << 20, 1 << 13);
}

TEST(Run, SaysWhereTheSiblingsOfALeakAreFreed) {
  const TemporaryFolder out;
  const Finished finished =
      run_command(kLeakhunt + ("run --out " + out.file("run")) + " -- " + target("forgets_some"));
  EXPECT_EQ(finished.exit_status, 1) << finished.err;
  const json report = json::parse(read_file(out.file("run/report.json")), nullptr, false);
  ASSERT_FALSE(report.is_discarded());
  ASSERT_EQ(report["findings"].size(), 1u);
  const json& twins = report["findings"][0]["freed_twins"];
  EXPECT_NE(std::string(report["findings"][0]["function"]).find("write_message"), std::string::npos);
  EXPECT_EQ(report["findings"][0]["growth_blocks_per_iteration"], 10);
  EXPECT_EQ(twins["freed_blocks"], 990 * 200);
  EXPECT_EQ(twins["kept_blocks"], 10 * 200);
  EXPECT_GT(twins["frees_looked_at"], 990 * 200 / 64 - 20);
  ASSERT_EQ(twins["freed_at"].size(), 1u) << twins;
  EXPECT_NE(std::string(twins["freed_at"][0]["function"]).find("read_message"), std::string::npos) << twins;
  EXPECT_NE(read_file(out.file("run/report.txt")).find("198,000 of its 200,000 blocks were freed"),
            std::string::npos);
}

TEST(Run, OfAKilledTargetIsReportedUpToItsLastIteration) {
  const TemporaryFolder out;
  const Finished finished =
      run_command(kLeakhunt + ("run --out " + out.file("run")) +
                  " -- sh -c '(sleep 0.5; kill -9 $$) & exec " + target("steady_leak") + " 1000000000'");
  EXPECT_NE(finished.exit_status, 0);
  const json report = json::parse(read_file(out.file("run/report.json")), nullptr, false);
  ASSERT_FALSE(report.is_discarded()) << finished.err;
  EXPECT_EQ(report["tracker"]["complete"], false);
  EXPECT_GT(report["iterations"], 50);
  EXPECT_EQ(report["outcome"]["signal"], 9);
  EXPECT_EQ(report["findings"][0]["growth_bytes_per_iteration"], 48);
}

}  // namespace
}  // namespace leakhunt::end_to_end
