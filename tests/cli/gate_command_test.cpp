// leakhunt baseline, gate and history: what a run costs beside what it cost.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

// ITERATIONS, bytes leaked in each.
std::string steps(const std::string& words) {
  return " -- " LEAKHUNT_STEPS " " + words + " 0";
}

TEST(GateCommand, AcceptsARunAndPassesTheNextOne) {
  const CommandLine command;
  ASSERT_EQ(command.call("run --out out/a" + steps("300 0")).status, 0);
  const Called accepted = command.call("baseline accept out/a");
  EXPECT_EQ(accepted.status, 0) << accepted.err;
  EXPECT_TRUE(contains(accepted.out, "wrote a.baseline")) << accepted.out;
  EXPECT_TRUE(command.file("a.baseline").starts_with("leakhunt baseline 1\n"));
  EXPECT_FALSE(contains(command.file("a.baseline"), command.path().string())) << "a path of this machine";
  ASSERT_EQ(command.call("run --out out/b" + steps("300 0")).status, 0);
  const Called gated = command.call("gate out/b --baseline a.baseline");
  EXPECT_EQ(gated.status, 0) << gated.out << gated.err;
  EXPECT_TRUE(contains(unwrapped(gated.out),
                       "positive control of the baseline: an injected leak of one block of "
                       "16 B in 100 iterations is caught"))
      << gated.out;
  EXPECT_TRUE(contains(unwrapped(gated.out), "not compared with the baseline: resident memory"));
  EXPECT_FALSE(contains(command.call("gate out/b --baseline a.baseline --no-positive-control").out,
                        "positive control"));
}

// The program has the same command line, and leaks because its environment says so.
TEST(GateCommand, NamesWhatCostsMoreAndWhereAndDoesNotLoosenByItself) {
  const CommandLine command;
  const std::string program = " -- " LEAKHUNT_REGRESSES " 300";
  ASSERT_EQ(command.call("run --out out/a" + program).status, 0);
  ASSERT_EQ(command.call("baseline accept out/a --baseline x.baseline").status, 0);
  const std::string before = command.file("x.baseline");
  ASSERT_EQ(command.call("run --max-growth 1kB --out out/b" + program, "LEAK_EVERY=100 ").status, 0);
  const Called gated = command.call("gate out/b --baseline x.baseline");
  EXPECT_EQ(gated.status, 1) << gated.out << gated.err;
  const std::string out = unwrapped(gated.out);
  EXPECT_TRUE(contains(out, "blocks live at the end")) << out;
  EXPECT_TRUE(contains(out, ": 3 more than allowed (0.011 per iteration); by lose_one (regresses.c:")) << out;
  const Called junit = command.call("gate out/b --baseline x.baseline --format junit");
  EXPECT_TRUE(contains(junit.out, "name=\"baseline: tag heap: blocks\"")) << junit.out;

  const Called refused = command.call("baseline accept out/b --baseline x.baseline");
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(contains(refused.err, "add --loosen")) << refused.err;
  EXPECT_TRUE(contains(refused.out, "looser  the process: blocks ")) << refused.out;
  EXPECT_EQ(command.file("x.baseline"), before);
  EXPECT_EQ(command.call("baseline accept out/b --baseline x.baseline --loosen").status, 0);
  EXPECT_EQ(command.call("gate out/b --baseline x.baseline").status, 0);
  EXPECT_EQ(command.call("baseline accept out/a --baseline x.baseline").status, 0)
      << "tighter needs no leave";
  EXPECT_EQ(command.file("x.baseline"), before);

  const Called at_once =
      command.call("run --max-growth 1kB --baseline x.baseline --out out/c" + program, "LEAK_EVERY=100 ");
  EXPECT_EQ(at_once.status, 1) << at_once.err;
  EXPECT_TRUE(contains(command.file("out/c/junit.xml"), "baseline: tag heap: blocks"));
}

TEST(GateCommand, RefusesAnotherConfigurationAndABaselineThatIsNone) {
  const CommandLine command;
  ASSERT_EQ(command.call("run --out out/a" + steps("100 0")).status, 0);
  ASSERT_EQ(command.call("baseline accept out/a --baseline x.baseline").status, 0);
  ASSERT_EQ(command.call("run --out out/b" + steps("200 0")).status, 0);
  const Called other = command.call("gate out/b --baseline x.baseline");
  EXPECT_EQ(other.status, 2);
  EXPECT_TRUE(contains(other.err, "x.baseline: the baseline is of another configuration: the command is"))
      << other.err;
  command.scratch().write("garbled.baseline", "leakhunt baseline 1\ncommand \"x\niterations 5\n");
  const Called garbled = command.call("gate out/a --baseline garbled.baseline");
  EXPECT_EQ(garbled.status, 2);
  EXPECT_TRUE(garbled.err.starts_with("leakhunt: garbled.baseline:2: ")) << garbled.err;
  EXPECT_EQ(std::count(garbled.err.begin(), garbled.err.end(), '\n'), 1);
  EXPECT_TRUE(
      contains(command.call("gate out/a --baseline missing").err, "missing: the baseline cannot be read"));
  command.shell(
      "sed 's/^iterations 100/iterations 999/' x.baseline > edited.baseline; "
      "sed 's/$/\\r/' x.baseline > converted.baseline");
  const Called edited = command.call("gate out/a --baseline edited.baseline");
  EXPECT_EQ(edited.status, 2) << edited.out;
  EXPECT_TRUE(edited.err.starts_with("leakhunt: edited.baseline:")) << edited.err;
  EXPECT_TRUE(contains(edited.err, ": the checksum is of another text: ")) << edited.err;
  const Called converted = command.call("gate out/a --baseline converted.baseline");
  EXPECT_EQ(converted.status, 2) << converted.out;
  EXPECT_TRUE(contains(converted.err, "converted.baseline:1: the line ends in CR LF")) << converted.err;
}

TEST(GateCommand, BudgetsOfTheProjectApplyToItsRuns) {
  const CommandLine command;
  command.scratch().write(
      "leakhunt.toml",
      "[[limit]]\nblocks = 1\nowner = \"steppers\"\n[[limit]]\ntag = \"no.such.tag\"\npeak = \"1kB\"\n");
  const Called called = command.call("run -- " LEAKHUNT_REGRESSES " 300", "LEAK_EVERY=100 ");
  EXPECT_EQ(called.status, 1) << called.err;
  const std::string report = unwrapped(command.file("out/regresses/report.txt"));
  EXPECT_TRUE(contains(report, "the process: blocks live at the end")) << report;
  EXPECT_TRUE(contains(report, "owner: steppers"));
  EXPECT_TRUE(
      contains(report, "tag no.such.tag: peak live memory: not checked: nothing in the run has that name"));
  EXPECT_EQ(command.call("report out/regresses").status, 1) << "the recording holds its limits";
  command.scratch().write("leakhunt.toml", "[[limit]]\nblocks = 1000\n");
  EXPECT_EQ(command.call("run" + steps("100 0")).status, 0);
  EXPECT_TRUE(
      contains(unwrapped(command.file("out/runner_steps/report.txt")), "positive control: an injected leak"));
  command.scratch().write("leakhunt.toml", "[[limit]]\nblock = 1000\n");
  const Called mistaken = command.call("run" + steps("100 0"));
  EXPECT_EQ(mistaken.status, 2);
  EXPECT_TRUE(contains(mistaken.err, "leakhunt.toml:2: [[limit]] has no key block (did you mean blocks?)"))
      << mistaken.err;
}

TEST(GateCommand, ASuppressionForgivesUntilItsDay) {
  const CommandLine command;
  command.scratch().write("leakhunt.toml",
                          "[budget]\ngrowth_per_iteration = \"0B\"\n[[suppress]]\nfunction = \"leak\"\n"
                          "reason = \"known\"\nexpires = 9999-01-01\n");
  const Called forgiven = command.call("run" + steps("100 1000"));
  // Nothing else leaks; and another leak would be caught.
  EXPECT_EQ(forgiven.status, 0) << forgiven.err << command.file("out/runner_steps/report.txt");
  command.scratch().write("leakhunt.toml",
                          "[budget]\ngrowth_per_iteration = \"0B\"\n[[suppress]]\nfunction = \"leak\"\n"
                          "reason = \"known\"\nexpires = 2020-01-01\n");
  EXPECT_EQ(command.call("run" + steps("100 1000")).status, 1);
  EXPECT_TRUE(contains(unwrapped(command.file("out/runner_steps/report.txt")), "expired on 2020-01-01"));
}

// A shell and two processes of the same program, of which the second may leak.
std::string family(const std::string& second) {
  return " -- sh -c '" LEAKHUNT_REGRESSES " 300; " + second + " " LEAKHUNT_REGRESSES " 300; true'";
}

TEST(GateCommand, EveryProcessOfAProgramIsHeldToItsLimits) {
  const CommandLine command;
  command.scratch().write("leakhunt.toml",
                          "[[limit]]\nprocess = \"regress*\"\nblocks = 1\nowner = \"workers\"\n"
                          "[[limit]]\nprocess = \"*\"\ntogether = true\nallocations = 1000\n");
  const Called healthy = command.call("run --out out/a" + family(""));
  EXPECT_EQ(healthy.status, 0) << healthy.err << command.file("out/a/report.txt");
  std::string report = unwrapped(command.file("out/a/report.txt"));
  EXPECT_TRUE(contains(report, "each process regress*: blocks live at the end 0 in process ")) << report;
  EXPECT_TRUE(contains(report, "the worst of 2 processes, is within the limit of 1")) << report;
  EXPECT_TRUE(
      contains(report, "all processes * together: allocations per iteration 0 of 2 processes is within"))
      << report;
  EXPECT_TRUE(contains(report, "; 1 more is not checked: ")) << "the shell marks no iterations: " << report;
  const Called leaking = command.call("run --out out/b" + family("LEAK_EVERY=100"));
  EXPECT_EQ(leaking.status, 1) << leaking.err;
  report = unwrapped(command.file("out/b/report.txt"));
  EXPECT_TRUE(contains(report, "each process regress*: blocks live at the end 3 in process ")) << report;
  EXPECT_TRUE(contains(report, "over the limit of 1; the largest part, 3, in lose_one (regresses.c:"))
      << report;
  EXPECT_TRUE(contains(report, "owner: workers")) << report;
  EXPECT_EQ(command.call("report out/b").status, 1) << "the recording holds its limits";
  EXPECT_TRUE(
      contains(command.call("report out/b --format junit").out, "name=\"each process regress*: blocks\""));
}

TEST(GateCommand, AProgramThatNobodyRanIsNoPass) {
  const CommandLine command;
  command.scratch().write("leakhunt.toml", "[[limit]]\nprocess = \"regreses\"\nblocks = 1\n");
  EXPECT_EQ(command.call("run --out out/a" + family("")).status, 4);
  EXPECT_TRUE(contains(unwrapped(command.file("out/a/report.txt")),
                       "no process of the run runs a program of that name; there are "))
      << command.file("out/a/report.txt");
  command.scratch().write("leakhunt.toml",
                          "[[limit]]\nprocess = \"regreses\"\nblocks = 1\noptional = true\n");
  EXPECT_EQ(command.call("run --out out/a" + family("")).status, 0);
}

TEST(GateCommand, ALeakThatIsInjectedIntoAChildHasToBeCaught) {
  const CommandLine command;
  const Called run = command.call("run --max-growth 0B --out out/a" + family(""));
  EXPECT_EQ(run.status, 0) << run.err;
  const std::string report = unwrapped(command.file("out/a/report.txt"));
  EXPECT_TRUE(contains(report, "positive control in a child: an injected leak of one block of 16 B in "))
      << report;
  EXPECT_TRUE(contains(report, " is caught")) << report;
  const Called off = command.call("run --max-growth 0B --no-positive-control --out out/b" + family(""));
  EXPECT_EQ(off.status, 0) << off.err;
  EXPECT_FALSE(contains(command.file("out/b/report.txt"), "positive control"));
}

// What no exact name of a tag is: a pattern, a function, processes. The baseline keeps what they were.
TEST(GateCommand, RelativeLimitsHoldForPatternsFunctionsAndProcesses) {
  const CommandLine command;
  command.scratch().write("leakhunt.toml",
                          "baseline = \"x.baseline\"\n[budget]\ngrowth_per_iteration = \"1kB\"\n"
                          "[[limit]]\ntag = \"he*\"\nend = \"+50%\"\n"
                          "[[limit]]\nfunction = \"lose_*\"\nblocks = \"+50%\"\n"
                          "[[limit]]\nprocess = \"regress*\"\ntogether = true\nblocks = \"+50%\"\n");
  const std::string program = " -- " LEAKHUNT_REGRESSES " 300";
  EXPECT_EQ(command.call("run --out out/a" + program, "LEAK_EVERY=50 ").status, 4) << "no baseline yet";
  const std::string first = unwrapped(command.file("out/a/report.txt"));
  EXPECT_TRUE(contains(first, "what it was in the baseline is not known: leakhunt baseline accept")) << first;
  ASSERT_EQ(command.call("baseline accept out/a --baseline x.baseline").status, 0);
  const std::string baseline = command.file("x.baseline");
  EXPECT_TRUE(contains(baseline, "\nlimit \"function lose_*: blocks\" 6\n")) << baseline;
  EXPECT_TRUE(contains(baseline, "\nlimit \"tag he*: end\" 96\n")) << baseline;
  EXPECT_TRUE(contains(baseline, "\nlimit \"all processes regress* together: blocks\" 6\n")) << baseline;
  EXPECT_EQ(command.call("run --out out/b" + program, "LEAK_EVERY=40 ").status, 0)
      << command.file("out/b/report.txt");
  EXPECT_EQ(command.call("run --out out/c" + program, "LEAK_EVERY=20 ").status, 1);
  const std::string report = unwrapped(command.file("out/c/report.txt"));
  EXPECT_TRUE(contains(report,
                       "function lose_*: blocks live at the end 15 is over the limit of 9 (the baseline's "
                       "6 +50 %); the largest part, 15, in lose_one (regresses.c:"))
      << report;
  EXPECT_TRUE(contains(report, "tag he*: memory live at the end 240 B is over the limit of 144 B")) << report;
  EXPECT_TRUE(contains(report, "all processes regress* together: blocks live at the end 15")) << report;
}

TEST(HistoryCommand, TellsInWhichRunGrowthBegan) {
  const CommandLine command;
  const std::string program = " -- " LEAKHUNT_REGRESSES " 100";
  for (const char* label : {"c1", "c2"})
    ASSERT_EQ(command.call(std::string("run --db runs.db --label ") + label + program).status, 0);
  for (const char* label : {"c3", "c4"})
    ASSERT_EQ(
        command.call(std::string("run --db runs.db --label ") + label + program, "LEAK_EVERY=1 ").status, 1);
  const Called shown = command.call("history --db runs.db");
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_TRUE(contains(shown.out, "growth begins: 0 -> +16 B per iteration in run 3 (c3)")) << shown.out;
  EXPECT_EQ(command.call("report out/regresses --db runs.db --label again").status, 1);
  EXPECT_TRUE(contains(command.call("history --db runs.db").out, "again")) << "the same run is replaced";
  EXPECT_FALSE(contains(command.call("history --db runs.db").out, "  5  "));
  if (command.call("history --db runs.db -o runs.html").status == 0) {  // 2: built without the page
    EXPECT_TRUE(command.file("runs.html").starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(contains(command.file("runs.html"), "fail since run 3 (c3)"));
  }
  EXPECT_TRUE(contains(command.call("history --db runs.db --format htlm").err, "did you mean html"));
  EXPECT_EQ(command.call("history --db runs.db --name nobody").status, 2);
  EXPECT_EQ(command.call("history --db missing.db").status, 2);
  EXPECT_FALSE(command.has("missing.db"));
  command.scratch().write("other.db", "this is no database");
  const Called other = command.call("history --db other.db");
  EXPECT_EQ(other.status, 2);
  EXPECT_TRUE(contains(other.err, "other.db: ")) << other.err;
}

// --- bisect --------------------------------------------------------------------------------------

// Ten commits; from the seventh on `script` fails; the fourth cannot be built.
void make_repository(const CommandLine& command) {
  const Called made = command.shell(
      "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null\n"
      "git init -q -b main . && git config user.email nobody@invalid && git config user.name nobody\n"
      "for i in 1 2 3 4 5 6 7 8 9 10; do\n"
      "  status=0; test $i -ge 7 && status=1; test $i = 4 && status=3\n"
      "  echo \"exit $status # $i\" > script; git add script; git commit -q -m \"change $i\"; git tag c$i\n"
      "done");
  ASSERT_EQ(made.status, 0) << made.err;
}

TEST(BisectCommand, FindsTheCommitAndLeavesTheRepositoryAsItWas) {
  if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "git is not installed";
  const CommandLine command;
  make_repository(command);
  const Called found = command.call("bisect c1 main -- sh script");
  EXPECT_EQ(found.status, 0) << found.out << found.err;
  EXPECT_TRUE(contains(found.out, "the first commit that fails: ")) << found.out;
  EXPECT_TRUE(contains(found.out, " change 7\n")) << found.out;
  EXPECT_EQ(command.shell("git symbolic-ref --short HEAD; git status --porcelain -uno; git bisect log").out,
            "main\n");
  const Called shell = command.call("bisect c5 c8 -- 'test -f script || exit 125; sh script'");
  EXPECT_TRUE(contains(shell.out, " change 7\n")) << shell.out << shell.err;
}

TEST(BisectCommand, SaysWhatIsInItsWay) {
  if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "git is not installed";
  const CommandLine command;
  EXPECT_TRUE(
      contains(command.call("bisect a b -- true", "GIT_CEILING_DIRECTORIES=/ ").err, "no git repository"));
  make_repository(command);
  EXPECT_TRUE(
      contains(command.call("bisect c1 nowhere -- sh script").err, "nowhere: there is no such commit"));
  EXPECT_TRUE(contains(command.call("bisect main c1 -- sh script").err, "is no ancestor of"));
  EXPECT_EQ(command.call("bisect c1 main").status, 2);
  command.scratch().write("script", "exit 0\n");
  EXPECT_TRUE(contains(command.call("bisect c1 main -- sh script").err, "not committed"));
  EXPECT_EQ(command.file("script"), "exit 0\n");
}

TEST(BisectCommand, WhatCannotBeToldIsInconclusive) {
  if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "git is not installed";
  const CommandLine command;
  make_repository(command);
  EXPECT_EQ(command.call("bisect c3 c8 -- sh -c 'exit 4'").status, 4);
  EXPECT_EQ(command.shell("git symbolic-ref --short HEAD").out, "main\n");
}

TEST(BisectCommand, AnInterruptEndsTheSearchAndTidiesUp) {
  if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "git is not installed";
  const CommandLine command;
  make_repository(command);
  const Called called = command.shell(LEAKHUNT_BIN
                                      "/leakhunt bisect c1 main -- 'touch begun; sleep 60' & bisect=$!\n"
                                      "while ! test -e begun; do sleep 0.05; done\n"
                                      "kill -TERM $bisect; wait $bisect");
  EXPECT_EQ(called.status, 128 + 15) << called.err;
  EXPECT_EQ(command.shell("git symbolic-ref --short HEAD; git bisect log").out, "main\n");
}

}  // namespace
}  // namespace leakhunt::cli
