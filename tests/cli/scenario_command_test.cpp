// leakhunt scenario, with a small program that marks iterations.
#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

// Is there a process of `steps` with these arguments?
bool is_running(std::string_view arguments) {
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    const std::string command = runner::content_of(process.path() / "cmdline");
    if (command.starts_with(LEAKHUNT_STEPS) && contains(command, std::string(arguments))) return true;
  }
  return false;
}

class ScenarioCommand : public testing::Test {
 protected:
  // A scenario of the program `steps`: bytes leaked an iteration, pause in ms, and the rest of the file.
  void write_steps(const std::string& leak, const std::string& pause, const std::string& rest) const {
    command_.scratch().write("steps.toml",
                             "program = \"" LEAKHUNT_STEPS "\"\narguments = [\"{iterations}\", \"" + leak +
                                 "\", \"" + pause + "\"]\niterations = 100\nwarm_up = 10\n" + rest);
  }
  CommandLine command_;
};

TEST_F(ScenarioCommand, AHealthyProgramPasses) {
  write_steps("0", "1",
              "[budget]\npeak_rss = \"1GB\"\ngrowth_per_iteration = \"0B\"\n[expect]\nverdict = \"pass\"\n");
  const Called called = command_.call("scenario steps.toml");
  EXPECT_EQ(called.status, 0) << called.out << called.err;
  EXPECT_TRUE(called.out.starts_with("PASS")) << called.out;
  EXPECT_TRUE(contains(called.out, "\nas expected: pass\n")) << called.out;
  EXPECT_TRUE(contains(called.out, "\nwrote out/steps/: recording.lhr report.txt report.json")) << called.out;
  for (const char* name :
       {"recording.lhr", "report.txt", "report.json", "massif.out", "junit.xml", "target.log"}) {
    EXPECT_TRUE(command_.has(std::string("out/steps/") + name)) << name;
  }
  EXPECT_EQ(command_.file("out/steps/target.log"), "100 steps\n");
  EXPECT_TRUE(called.out.starts_with(command_.file("out/steps/report.txt")));
}

TEST_F(ScenarioCommand, ALeakFailsAlsoWhereItIsExpected) {
  write_steps("1000", "0", "[expect]\nverdict = \"fail\"\nfinding = {tag = \"heap\", function = \"leak\"}\n");
  const Called called = command_.call("scenario steps.toml --out there");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  EXPECT_TRUE(contains(called.out, "\nas expected: fail, with the first finding in tag heap through leak\n"))
      << called.out;
  EXPECT_TRUE(contains(called.out, "\nwrote there/: "));
}

TEST_F(ScenarioCommand, AnotherFindingIsNotAsExpected) {
  write_steps("1000", "0", "[expect]\nverdict = \"fail\"\nfinding = {tag = \"tape.node\"}\n");
  const Called called = command_.call("scenario steps.toml");
  EXPECT_EQ(called.status, 1);
  EXPECT_TRUE(contains(called.out,
                       "\nnot as expected: the scenario expects a finding in tag tape.node; the first "
                       "finding is in tag heap\n"))
      << called.out;
}

TEST_F(ScenarioCommand, OverridesReachTheProgramAndTheVerdict) {
  write_steps("1000", "0", "");
  const Called called =
      command_.call("scenario steps.toml --set iterations=60 --set warm_up=5 --set name=mine");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  EXPECT_EQ(command_.file("out/mine/target.log"), "60 steps\n");
}

TEST_F(ScenarioCommand, AProgramThatFailsIsStatusThreeAndItsLastWords) {
  command_.scratch().write("bad.toml",
                           "program = \"sh\"\narguments = [\"-c\", \"echo all went wrong >&2; exit 9\"]\n");
  const Called called = command_.call("scenario bad.toml");
  EXPECT_EQ(called.status, 3) << called.out << called.err;
  EXPECT_TRUE(contains(called.err, "  | all went wrong\n")) << called.err;
}

TEST_F(ScenarioCommand, TheCeilingStopsTheProgramAndTheReportSaysWhatGrew) {
  write_steps("5000000", "10", "[budget]\npeak_rss = \"1GB\"\n");
  const Called called = command_.call("scenario steps.toml --budget 200MB", "ulimit -v 8000000; ");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  EXPECT_TRUE(contains(called.out, "passed the budget of 200 MB")) << called.out;
  EXPECT_TRUE(contains(called.out, "leak in tag heap")) << called.out;
  EXPECT_TRUE(contains(called.out, "leak (")) << called.out;
}

TEST_F(ScenarioCommand, ProgressInAPipeIsLines) {
  write_steps("0", "20", "");
  const Called called = command_.call("scenario steps.toml");
  EXPECT_TRUE(contains(called.err, "steps: ")) << called.err;
  EXPECT_TRUE(contains(called.err, "steps: 100/100, ")) << called.err;
  EXPECT_FALSE(contains(called.err, "\x1b")) << called.err;
  EXPECT_FALSE(contains(called.out, "steps: 100/100"));
}

TEST_F(ScenarioCommand, AnInterruptIsPassedOnAndReported) {
  write_steps("16", "10", "");
  const Called called = command_.shell(
      LEAKHUNT_BIN
      "/leakhunt scenario steps.toml --set iterations=100000 & sleep 1.5; kill -TERM $!; wait $!");
  EXPECT_EQ(called.status, 128 + 15) << called.out << called.err;
  EXPECT_TRUE(contains(called.out, "interrupted by SIGTERM")) << called.out;
  EXPECT_TRUE(command_.has("out/steps/report.json"));
}

TEST_F(ScenarioCommand, ARecordingWhoseRunnerWasKilledIsRead) {
  write_steps("16", "5", "");
  command_.shell(
      LEAKHUNT_BIN
      "/leakhunt scenario steps.toml --set iterations=100000 & sleep 1.5; kill -KILL $!; wait $!; sleep 0.3");
  EXPECT_FALSE(command_.has("out/steps/report.txt"));
  const Called report = command_.call("report out/steps");
  EXPECT_NE(report.status, 2) << report.err;
  EXPECT_TRUE(contains(report.out, "leak in tag heap")) << report.out;
  EXPECT_TRUE(contains(report.out, "steps.c:")) << report.out;  // names without the runner's symbols
  EXPECT_FALSE(
      is_running(std::string_view("100000\0"
                                  "16\0"
                                  "5\0",
                                  12)));  // its target ended, too
}

}  // namespace
}  // namespace leakhunt::cli
