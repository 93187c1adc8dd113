// leakhunt scenario with [throughput]: a program beside its healthy twin; and runs that end when they are
// certain.
#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

class RaceCommand : public testing::Test {
 protected:
  // A scenario of the program `steps`: pause in ms behind each iteration, and the rest of the file.
  void write_steps(const std::string& name, const std::string& pause, const std::string& rest) const {
    command_.scratch().write(
        name + ".toml", "program = \"" LEAKHUNT_STEPS "\"\narguments = [\"{iterations}\", \"0\", \"" + pause +
                            "\"]\niterations = 60\nwarm_up = 10\n[budget]\ngrowth_per_iteration = \"0B\"\n" +
                            rest);
  }
  CommandLine command_;
};

TEST_F(RaceCommand, AProgramThatSleepsTenTimesAsLongFailsBesideItsTwin) {
  write_steps("healthy", "2", "");
  write_steps(
      "slow", "20",
      "[throughput]\ntwin = \"healthy\"\nleast = 0.75\npairs = 6\nclues = [\"12 st\"]\n[expect]\nverdict = "
      "\"fail\"\nreason = \"of its healthy twin healthy\"\n");
  const Called called = command_.call("scenario slow.toml");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  const std::string report = unwrapped(called.out);
  EXPECT_TRUE(contains(report, "throughput is 0.")) << called.out;
  EXPECT_TRUE(contains(report, "in 6 pairs of short runs)")) << called.out;
  EXPECT_TRUE(contains(report, "below the least that is allowed, 0.75")) << called.out;
  EXPECT_TRUE(contains(called.out, "\nas expected: fail, for \"of its healthy twin healthy\"\n"))
      << called.out;
  const Called again = command_.call("report out/slow");
  EXPECT_EQ(again.status, 1) << "the recording knows it";
  EXPECT_TRUE(contains(unwrapped(again.out), "throughput is 0.")) << again.out;
}

TEST_F(RaceCommand, ATwinOfTheSameSpeedIsFastEnough) {
  write_steps("healthy", "10", "");
  write_steps("same", "10", "[throughput]\ntwin = \"healthy\"\nleast = 0.1\npairs = 6\n");
  const Called called = command_.call("scenario same.toml");
  EXPECT_EQ(called.status, 0) << called.out << called.err;
  EXPECT_TRUE(contains(unwrapped(called.out), "above the least that is allowed, 0.1")) << called.out;
}

TEST_F(RaceCommand, OnOneProcessorALockTellsNothing) {
  write_steps("healthy", "5", "");
  write_steps("locked", "5", "[throughput]\ntwin = \"healthy\"\nleast = 0.1\npairs = 6\nprocessors = 2\n");
  const Called called = command_.call("scenario locked.toml", "taskset -c 0 ");
  EXPECT_EQ(called.status, 4) << called.out << called.err;
  EXPECT_TRUE(contains(unwrapped(called.out), "on 1 processor this tells nothing")) << called.out;
}

TEST_F(RaceCommand, ATwinThatFailsLeavesItOpen) {
  command_.scratch().write("broken.toml", "program = \"sh\"\narguments = [\"-c\", \"exit {iterations}\"]\n");
  write_steps("mine", "1", "[throughput]\ntwin = \"broken\"\nleast = 0.5\npairs = 6\n");
  const Called called = command_.call("scenario mine.toml");
  EXPECT_EQ(called.status, 4) << called.out << called.err;
  EXPECT_TRUE(contains(unwrapped(called.out), "a short run (twin) failed")) << called.out;
}

// --- --until-certain ---------------------------------------------------------------------------------------

TEST_F(RaceCommand, ALeakIsStoppedWhenItIsCertain) {
  command_.scratch().write("leaking.toml",
                           "program = \"" LEAKHUNT_STEPS
                           "\"\narguments = [\"{iterations}\", \"1000\", \"5\"]\niterations = "
                           "600\nwarm_up = 10\n[budget]\ngrowth_per_iteration = \"0B\"\n");
  const Called called = command_.call("scenario leaking.toml --until-certain=0.9");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  const std::string report = unwrapped(called.out);
  EXPECT_TRUE(
      contains(report, " of 600: certain at 90 %: fail, since live memory grows by +1,000 B per iteration"))
      << called.out;
  EXPECT_FALSE(contains(report, "only ")) << "that it did not come to its end is no doubt: " << called.out;
}

TEST_F(RaceCommand, AnInnocentIsStoppedWhenItIsCertain) {
  command_.scratch().write("innocent.toml", "program = \"" LEAKHUNT_STEPS
                                            "\"\narguments = [\"{iterations}\", \"0\", \"5\"]\niterations = "
                                            "900\nwarm_up = 10\n[budget]\ngrowth_per_iteration = \"0B\"\n");
  const Called called = command_.call("scenario innocent.toml --until-certain=0.9");
  EXPECT_EQ(called.status, 0) << called.out << called.err;
  EXPECT_TRUE(
      contains(unwrapped(called.out), " of 900: certain at 90 %: pass, since a leak of one block in "))
      << called.out;
}

TEST_F(RaceCommand, AnyProgramCanBeStoppedWhenItIsCertain) {
  const Called called =
      command_.call("run --until-certain=0.9 --iterations 600 -- " LEAKHUNT_STEPS " 600 1000 5");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  EXPECT_TRUE(
      contains(unwrapped(command_.file("out/runner_steps/report.txt")), " of 600: certain at 90 %: fail"))
      << command_.file("out/runner_steps/report.txt");
}

TEST_F(RaceCommand, EachRunOfASweepIsStoppedWhenItIsCertain) {
  command_.scratch().write(
      "sweep.toml", "program = \"" LEAKHUNT_STEPS
                    "\"\narguments = [\"{iterations}\", \"{leak}\", \"5\"]\niterations = 600\nwarm_up = "
                    "10\n[sweep]\nleak = [1000, 0]\n[budget]\ngrowth_per_iteration = \"0B\"\n");
  const Called called = command_.call("scenario sweep.toml --until-certain=0.9");
  EXPECT_EQ(called.status, 1) << called.out << called.err;
  EXPECT_TRUE(
      contains(unwrapped(command_.file("out/sweep/1000/report.txt")), " of 600: certain at 90 %: fail"))
      << called.out;
  EXPECT_TRUE(contains(unwrapped(command_.file("out/sweep/0/report.txt")), " of 600: certain at 90 %: pass"))
      << called.out;
}

// What cannot end early runs to its end, and says why.
TEST_F(RaceCommand, OfAllScenariosThoseAreStoppedThatCanBe) {
  command_.scratch().write("endless.toml",
                           "program = \"" LEAKHUNT_STEPS
                           "\"\narguments = [\"60\", \"0\", \"0\"]\n[expect]\nverdict = \"pass\"\n");
  command_.scratch().write("leaking.toml",
                           "program = \"" LEAKHUNT_STEPS
                           "\"\narguments = [\"{iterations}\", \"1000\", \"5\"]\niterations = 400\nwarm_up = "
                           "10\n[expect]\nverdict = \"fail\"\n");
  const Called called = command_.call("scenario --all --until-certain=0.9", "LEAKHUNT_SCENARIOS=. ");
  EXPECT_EQ(called.status, 0) << called.out << called.err;
  EXPECT_TRUE(contains(called.err, "[1/2] to its end: endless: how many iterations")) << called.err;
  EXPECT_TRUE(contains(unwrapped(command_.file("out/leaking/report.txt")), " of 400: certain at 90 %: fail"))
      << called.out << called.err;
}

TEST_F(RaceCommand, WhatCertaintyCannotBeHadForIsRefused) {
  EXPECT_TRUE(contains(command_.call("run --until-certain -- true").err, "add --iterations N"));
  EXPECT_TRUE(contains(command_.call("scenario chunked_resume --until-certain").err,
                       "each chunk goes on where the one before it has ended"));
  command_.scratch().write("endless.toml",
                           "program = \"" LEAKHUNT_STEPS "\"\narguments = [\"60\", \"0\", \"0\"]\n");
  EXPECT_TRUE(contains(command_.call("scenario endless.toml --until-certain").err,
                       "how many iterations there will be is not known"));
  write_steps("mine", "1", "");
  const Called called = command_.call("scenario mine.toml --until-certain=1");
  EXPECT_EQ(called.status, 2);
  EXPECT_TRUE(contains(called.err, "at least 0.5 and below 1")) << called.err;
}

}  // namespace
}  // namespace leakhunt::cli
