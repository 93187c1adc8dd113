// leakhunt scenario with several runs: what is printed, what is written, and how it ends.
#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

class SeveralRuns : public testing::Test {
 protected:
  // A scenario of the program `steps`.
  void write_steps(const std::string& arguments, const std::string& rest) const {
    command_.scratch().write("steps.toml", "program = \"" LEAKHUNT_STEPS "\"\narguments = [" + arguments +
                                               "]\niterations = 60\nwarm_up = 10\n" + rest);
  }
  // A scenario of a shell's script.
  void write_script(const std::string& script, const std::string& rest) const {
    command_.scratch().write("script.toml",
                             "program = \"sh\"\narguments = [\"-c\", \"" + script + "\"]\n" + rest);
  }
  CommandLine command_;
};

constexpr char kLeak[] = "\"{iterations}\", \"{leak}\", \"0\"";

TEST_F(SeveralRuns, EndInOneTable) {
  write_steps(kLeak, "[sweep]\nleak = [0, 1000]\n");
  const Called called = command_.call("scenario steps.toml");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  EXPECT_TRUE(called.out.starts_with("FAIL  steps: 2 runs over leak\n")) << called.out;
  EXPECT_TRUE(contains(called.out, "\n  ✗ leak 1000: ")) << called.out;
  EXPECT_TRUE(contains(called.out, "\n  ✓ 1 of 2 runs passed\n")) << called.out;
  EXPECT_TRUE(contains(called.out, "only, by +1,000 B per iteration.\n")) << called.out;
  EXPECT_TRUE(called.out.ends_with("\nwrote out/steps/: report.txt report.json 0/ 1000/\n")) << called.out;
  EXPECT_TRUE(called.out.starts_with(command_.file("out/steps/report.txt")));
  for (const char* directory : {"out/steps/0/", "out/steps/1000/"}) {
    for (const char* name :
         {"recording.lhr", "report.txt", "report.json", "massif.out", "junit.xml", "target.log"}) {
      EXPECT_TRUE(command_.has(std::string(directory) + name)) << directory << name;
    }
  }
  EXPECT_TRUE(command_.file("out/steps/1000/report.txt").starts_with("FAIL  steps/1000\n"));
}

TEST_F(SeveralRuns, SayOneByOneHowTheyWent) {
  write_steps(kLeak, "[sweep]\nleak = [0, 1000]\n");
  const Called called = command_.call("scenario steps.toml");
  EXPECT_TRUE(contains(called.err, "[1/2] steps/0: 60/60, ")) << called.err;
  EXPECT_TRUE(contains(called.err, "leakhunt: [1/2] steps/0: pass, ")) << called.err;
  EXPECT_TRUE(contains(called.err, "leakhunt: [2/2] steps/1000: fail, ")) << called.err;
}

TEST_F(SeveralRuns, AreComparedWithWhatIsExpected) {
  const std::string expect = "[expect]\nverdict = \"fail\"\nfinding = {tag = ";
  write_steps(kLeak, "[sweep]\nleak = [0, 1000]\n" + expect + "\"heap\"}\n");
  EXPECT_TRUE(contains(command_.call("scenario steps.toml").out,
                       "\nas expected: fail, with the first finding in tag heap\n"));
  write_steps(kLeak, "[sweep]\nleak = [0, 1000]\n" + expect + "\"tape.node\"}\n");
  EXPECT_TRUE(
      contains(command_.call("scenario steps.toml").out,
               "\nnot as expected: the scenario expects a finding in tag tape.node; with leak 1000, the "
               "first finding is in tag heap\n"));
}

TEST_F(SeveralRuns, AProgramThatFailsStopsNothingButCounts) {
  write_script("echo word {code} >&2; exit {code}", "[sweep]\ncode = [9, 0]\n");
  const Called called = command_.call("scenario script.toml");
  EXPECT_EQ(called.status, 3) << called.out << called.err;
  EXPECT_TRUE(called.out.starts_with("TARGET FAILED  script: 2 runs over code\n")) << called.out;
  EXPECT_TRUE(contains(called.err, "  | word 9\n")) << called.err;
  EXPECT_TRUE(contains(called.err, "leakhunt: [1/2] script/9: the program failed")) << called.err;
  EXPECT_EQ(command_.file("out/script/0/target.log"), "word 0\n");
}

TEST_F(SeveralRuns, AreInconclusiveWhenOneIs) {
  write_steps(kLeak, "[sweep]\nleak = [0]\n");
  EXPECT_EQ(command_.call("scenario steps.toml").status, 0);
  write_steps("\"{marked}\", \"0\", \"0\"", "[sweep]\nmarked = [60, 40]\n");
  const Called called = command_.call("scenario steps.toml");
  EXPECT_EQ(called.status, 4) << called.out << called.err;
  EXPECT_TRUE(called.out.starts_with("INCONCLUSIVE  steps: 2 runs over marked\n")) << called.out;
}

TEST_F(SeveralRuns, AnInterruptEndsThemAllWithWhatThereIs) {
  write_steps("\"{iterations}\", \"0\", \"{pause}\"", "[sweep]\npause = [0, 1000, 1]\n");
  const Called called =
      command_.shell(LEAKHUNT_BIN "/leakhunt scenario steps.toml & sleep 2.5; kill -TERM $!; wait $!");
  EXPECT_EQ(called.status, 128 + 15) << called.out << called.err;
  EXPECT_TRUE(contains(called.out, "\n  ? interrupted by SIGTERM; 2 of 3 runs were begun\n")) << called.out;
  EXPECT_FALSE(contains(called.out, "expected")) << called.out;
  EXPECT_TRUE(command_.has("out/steps/report.json"));
  EXPECT_TRUE(command_.has("out/steps/1000/report.json"));
  EXPECT_FALSE(command_.has("out/steps/1"));
}

TEST_F(SeveralRuns, WhatIsMissingEndsThemWithWhatThereIs) {
  write_script("exit 0", "[sweep]\nprogram = [\"sh\", \"" LEAKHUNT_STATIC_PROGRAM "\"]\n");
  const Called called = command_.call("scenario script.toml");
  EXPECT_EQ(called.status, 2) << called.out << called.err;
  EXPECT_TRUE(contains(unwrapped(called.out), "1 of 2 runs were begun")) << called.out;
  EXPECT_TRUE(contains(called.err, "is statically linked")) << called.err;
  write_script("exit 0", "[sweep]\nprogram = [\"" LEAKHUNT_STATIC_PROGRAM "\", \"sh\"]\n");
  const Called none = command_.call("scenario script.toml --out none");
  EXPECT_EQ(none.status, 2);
  EXPECT_EQ(none.out, "");
  EXPECT_FALSE(command_.has("none/report.txt"));
}

TEST_F(SeveralRuns, InChunksHaveARowForTheWhole) {
  write_steps("\"{chunk_iterations}\", \"0\", \"0\"", "[chunks]\nruns = 2\n");
  const Called called = command_.call("scenario steps.toml --set chunks.runs=10 --set iterations=300");
  EXPECT_EQ(called.status, 0) << called.out << called.err;
  EXPECT_TRUE(called.out.starts_with("PASS  steps: 10 runs in chunks\n")) << called.out;
  EXPECT_TRUE(contains(called.out, "\n    all         300")) << called.out;
  EXPECT_TRUE(called.out.ends_with("report.json chunk-0/ chunk-1/ chunk-2/ chunk-3/ ... chunk-9/\n"))
      << called.out;
}

// A checkpoint without its moments has the right size: only its emptiness tells.
TEST_F(SeveralRuns, SayWhereTheResultThatDiffersHoldsNothing) {
  const std::string rest =
      "iterations = 20\n[chunks]\nruns = 2\nsame_file = \"f\"\n[expect]\nverdict = \"fail\"\nreason = \"";
  const std::string script = "head -c 100000 /dev/zero > {out}/f; echo {chunk} >> {out}/f";
  write_script(script, rest + "in it are 100,000 zeros from byte 0 on\"\n");
  const Called called = command_.call("scenario script.toml");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  EXPECT_TRUE(contains(unwrapped(called.out),
                       "first at byte 100,000: a chunk does not go on with all that the "
                       "one before it had; in it are 100,000 zeros from byte 0 on"))
      << called.out;
  EXPECT_TRUE(contains(called.out, "\nas expected: fail, for \"in it are")) << called.out;
  write_script(script, rest + "no such reason\"\n");
  EXPECT_TRUE(contains(command_.call("scenario script.toml").out,
                       "\nnot as expected: the scenario expects the "
                       "reason \"no such reason\""));
}

TEST_F(SeveralRuns, AreCountedInTheList) {
  write_steps(kLeak, "[sweep]\nleak = [0, 1000]\n");
  write_script("{iterations}", "[sweep]\niterations = [100, 5000]\n");
  const Called called = command_.call("scenario --list", "LEAKHUNT_SCENARIOS=. ");
  EXPECT_TRUE(contains(called.out, "script     2   100..5000  -")) << called.out;
  EXPECT_TRUE(contains(called.out, "steps      2          60  -")) << called.out;
}

TEST_F(SeveralRuns, HaveTheBudgetOfTheCommandLine) {
  write_steps("\"{iterations}\", \"{leak}\", \"10\"", "[sweep]\nleak = [5000000]\n");
  const Called called = command_.call("scenario steps.toml --budget 100MB", "ulimit -v 8000000; ");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  EXPECT_TRUE(contains(called.out, " the budget of 100 MB")) << called.out;
  EXPECT_TRUE(contains(called.out, "With fewer than two runs there is nothing to compare.")) << called.out;
}

}  // namespace
}  // namespace leakhunt::cli
