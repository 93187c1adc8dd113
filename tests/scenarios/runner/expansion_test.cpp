// Scenarios that consist of several runs, from the file to the list of plans.
#include "scenarios/runner/expansion.h"

#include <gtest/gtest.h>

#include "tests/scenarios/runner/schedule_of.h"

namespace leakhunt::runner {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// The words of each run behind the program.
std::vector<Words> words_of(const Schedule& schedule) {
  std::vector<Words> words;
  for (const Plan& plan : schedule.runs) {
    words.emplace_back(plan.scenario.command.begin() + 1, plan.scenario.command.end());
  }
  return words;
}

std::vector<std::string> directories_of(const Schedule& schedule) {
  std::vector<std::string> directories;
  for (const Plan& plan : schedule.runs) directories.push_back(plan.out.string());
  return directories;
}

constexpr std::string_view kSweep =
    "name = \"s\"\nprogram = \"sh\"\narguments = [\"{iterations}\"]\nwarm_up = 5\n[sweep]\niterations = [10, "
    "500]\n";

TEST(Sweep, IsOneRunForEachValue) {
  const auto schedule = schedule_of(kSweep);
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(schedule->kind, ScenarioKind::kSweep);
  EXPECT_EQ(schedule->axis, "iterations");
  EXPECT_EQ(schedule->out, "out/s");
  EXPECT_EQ(words_of(*schedule), (std::vector<Words>{{"10"}, {"500"}}));
  EXPECT_EQ(directories_of(*schedule), (Words{"out/s/10", "out/s/500"}));
  EXPECT_EQ(schedule->runs[1].scenario.iterations, 500u);
  EXPECT_EQ(schedule->runs[1].scenario.name, "s/500");
  EXPECT_EQ(schedule->runs[1].part.value, ScalarValue(int64_t{500}));
}

TEST(Sweep, TakesAnyKeyThatSaysSomethingAboutARun) {
  const struct {
    std::string sweep;
    std::string labels;
  } sweeps[] = {
      {"defect = [\"\", \"tape-retained\"]", "none|tape-retained"},
      {"budget.peak_rss = [\"1GB\", \"2GB\"]", "1GB|2GB"},
      {"\"budget.peak_rss\" = [\"1GB\"]", "1GB"},
      {"program = [\"sh\", \"cat\"]", "sh|cat"},
      {"arguments = [[\"-a\", \"b\"], [\"-c\"], []]", "-a b|-c|none"},
      {"environment.THREADS = [\"1\", \"8\"]", "1|8"},
      {"warm_up = [0]", "0"},
  };
  for (const auto& [sweep, labels] : sweeps) {
    const auto schedule = schedule_of(with_program("[sweep]\n" + sweep + "\n"));
    ASSERT_TRUE(schedule.has_value()) << schedule.error();
    std::string found;
    for (const Plan& plan : schedule->runs) found += (found.empty() ? "" : "|") + plan.part.label;
    EXPECT_EQ(found, labels);
  }
}

TEST(Sweep, ReachesTheRun) {
  const auto schedule = schedule_of(with_program("[sweep]\ndefect = [\"\", \"x\"]\n"));
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(schedule->runs[0].scenario.defect, "");
  EXPECT_EQ(schedule->runs[1].scenario.defect, "x");
  const auto threads = schedule_of(with_program("[sweep]\nenvironment.THREADS = [\"1\", \"8\"]\n"));
  ASSERT_TRUE(threads.has_value()) << threads.error();
  EXPECT_EQ(threads->runs[1].environment.at("THREADS"), "8");
}

TEST(Sweep, OverAVariableNeedsNoOtherMentionOfIt) {
  for (const char* key : {"cleanup", "variables.cleanup"}) {
    const auto schedule =
        schedule_of(with_program(std::string("arguments = [\"--every={cleanup}\"]\n[sweep]\n") + key +
                                 " = [1, 0.5, true, \"never ever\"]\n"));
    ASSERT_TRUE(schedule.has_value()) << schedule.error();
    EXPECT_EQ(schedule->axis, "cleanup");
    EXPECT_EQ(words_of(*schedule),
              (std::vector<Words>{{"--every=1"}, {"--every=0.5"}, {"--every=true"}, {"--every=never ever"}}));
    EXPECT_EQ(schedule->runs[3].out, "out/made/never_ever");
  }
}

TEST(Sweep, NoValueLeadsOutOfTheDirectory) {
  const auto schedule =
      schedule_of(with_program("arguments = [\"{x}\"]\n[sweep]\nx = [\"..\", \"a/../b\", \"\\u001b\"]\n"));
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(directories_of(*schedule), (Words{"out/made/_.", "out/made/a_.._b", "out/made/_"}));
}

TEST(Sweep, AnOverrideOfItsKeyLeavesOneRun) {
  const auto schedule = schedule_of(kSweep, {"iterations=70"});
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(schedule->kind, ScenarioKind::kSingle);
  EXPECT_EQ(words_of(*schedule), (std::vector<Words>{{"70"}}));
  EXPECT_EQ(directories_of(*schedule), (Words{"out/s"}));
  const auto other = schedule_of(kSweep, {"sweep={iterations = [7, 8, 9]}"});
  ASSERT_TRUE(other.has_value()) << other.error();
  EXPECT_EQ(other->runs.size(), 3u);
}

TEST(Sweep, WhatIsExpectedIsExpectedOfTheWhole) {
  const auto schedule = schedule_of(std::string(kSweep) + "[expect]\nverdict = \"fail\"\n");
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(schedule->expected_verdict, "fail");
  for (const Plan& plan : schedule->runs) EXPECT_EQ(plan.scenario.expected_verdict, "");
}

TEST(Sweep, EveryMistakeIsOneLineWithItsPlaceAndItsMend) {
  std::string many = "[";
  for (int i = 0; i < 1001; ++i) many += std::to_string(i) + ",";
  const Mistake mistakes[] = {
      {with_program("[sweep]\n"), "made.toml:2: [sweep] has one key, not none and not several"},
      {with_program("[sweep]\nwarm_up = [1]\ndefect = [\"\"]\n"), "made.toml:2: [sweep] has one key"},
      {with_program("sweep = 5\n"), "made.toml:2: [sweep] has one key"},
      {with_program("[sweep]\nwarm_up = []\n"), "made.toml:3: sweep.warm_up is an empty list"},
      {with_program("[sweep]\nwarm_up = 5\n"), "made.toml:3: sweep.warm_up must be a list of values"},
      {with_program("arguments = [\"{iterations}\"]\n[sweep]\niterations = [\n  100,\n  \"many\"]\n"),
       "made.toml:6: iterations must be a whole number"},
      {with_program("[sweep]\nwarm_up = [2, 1979-05-27]\n"),
       "made.toml:3: sweep.warm_up has a value of no use"},
      {with_program("[sweep]\narguments = [[\"a\"], [[\"b\"]]]\n"),
       "made.toml:3: sweep.arguments has a value of no use"},
      {with_program("[sweep]\nwarm_up = [1, 2, 1]\n"),
       "made.toml:2: two values of warm_up have the directory 1"},
      {with_program("[sweep]\nwarm_up = " + many + "]\n"), "made.toml:2: 1001 runs are more than"},
      {with_program("[sweep]\nname = [\"a\", \"b\"]\n"), "made.toml:2: name cannot be swept"},
      {with_program("[sweep]\nexpect.verdict = [\"pass\"]\n"), "made.toml:2: expect.verdict cannot be swept"},
      {with_program("[sweep]\niteration = [1, 2]\n"),
       "made.toml:3: nothing uses {iteration} (did you mean iterations?)"},
      {with_program("[sweep]\niterations = [100, 200]\n"), "made.toml:3: the program would not learn of it"},
      {with_program("[sweep]\nbudget.peak = [\"1GB\"]\n"),
       "made.toml:3: a scenario has no key budget.peak; the keys are"},
      {with_program("iterations = 10\n[sweep]\nwarm_up = [2]\n[chunks]\nruns = 2\n"),
       "made.toml:6: a scenario has [sweep] or [chunks], not both"},
  };
  expect_mistakes(mistakes);
}

TEST(Sweep, OverDefectsLeavesNoneToInject) {
  const auto schedule = schedule_of(with_program("[sweep]\ndefect = [\"\", \"x\"]\n"), {}, "y");
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(
      schedule.error(),
      "made.toml:2: the defects are swept, so y cannot be injected; write --set defect=y for that one alone");
}

TEST(InjectedDefect, TakesAwayWhatTheFileExpects) {
  const std::string file = with_program("[expect]\nverdict = \"fail\"\nfinding = {tag = \"heap\"}\n");
  const auto injected = schedule_of(file, {}, "x");
  ASSERT_TRUE(injected.has_value()) << injected.error();
  EXPECT_EQ(injected->out, "out/made+x");
  EXPECT_EQ(injected->runs.front().scenario.defect, "x");
  EXPECT_EQ(injected->expected_verdict, "");
  EXPECT_EQ(injected->expected_finding.tag, "");
  EXPECT_EQ(schedule_of(file, {"expect.verdict=fail"}, "x")->expected_finding.tag, "heap");
  EXPECT_EQ(schedule_of(file, {"defect=x"}, "x")->expected_verdict, "fail");  // its own
}

constexpr std::string_view kChunks =
    "program = \"sh\"\narguments = [\"{chunk}\", \"{chunk_iterations}\", \"{end_iteration}\", "
    "\"{iterations}\", "
    "\"{out}\"]\nresume_arguments = [\"--resume\", \"{out}/state\"]\niterations = 300\nwarm_up = "
    "5\n[chunks]\nruns "
    "= 3\n";

TEST(Chunks, DivideTheIterationsAndGoOnInTheSamePlace) {
  const auto schedule = schedule_of(kChunks);
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(schedule->kind, ScenarioKind::kChunks);
  EXPECT_EQ(schedule->axis, "chunk");
  const std::string out = fs::absolute("out/made").string();
  EXPECT_EQ(words_of(*schedule),
            (std::vector<Words>{{"0", "100", "100", "300", out},
                                {"1", "100", "200", "300", out, "--resume", out + "/state"},
                                {"2", "100", "300", "300", out, "--resume", out + "/state"}}));
  EXPECT_EQ(directories_of(*schedule), (Words{"out/made/chunk-0", "out/made/chunk-1", "out/made/chunk-2"}));
  EXPECT_EQ(schedule->runs[2].scenario.iterations, 100u);
  EXPECT_EQ(schedule->runs[2].scenario.name, "made/chunk-2");
}

TEST(Chunks, AreOverriddenLikeAnyKey) {
  const auto schedule = schedule_of(kChunks, {"chunks.runs=2", "iterations=40"});
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  ASSERT_EQ(schedule->runs.size(), 2u);
  EXPECT_EQ(schedule->runs[1].scenario.command[3], "40");
  const auto uneven = schedule_of(kChunks, {"iterations=100"});
  ASSERT_FALSE(uneven.has_value());
  EXPECT_EQ(uneven.error(),
            "--set iterations=100: 100 iterations cannot be divided into 3 equal chunks; take a "
            "multiple");
}

TEST(Chunks, AreComparedWithOneUninterruptedRunInAPlaceOfItsOwn) {
  const auto schedule = schedule_of(std::string(kChunks) + "same_file = \"state\"\n");
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(schedule->runs.size(), 3u);
  EXPECT_EQ(schedule->same_file, "state");
  ASSERT_TRUE(schedule->uninterrupted.has_value());
  const Plan& whole = *schedule->uninterrupted;
  EXPECT_EQ(whole.out, "out/made/uninterrupted");
  EXPECT_EQ(whole.scenario.iterations, 300u);
  const std::string out = fs::absolute("out/made/uninterrupted").string();
  EXPECT_EQ(Words(whole.scenario.command.begin() + 1, whole.scenario.command.end()),
            (Words{"0", "300", "300", "300", out}));
  EXPECT_FALSE(schedule_of(kChunks)->uninterrupted.has_value());
}

TEST(Chunks, EveryMistakeIsOneLineWithItsPlaceAndItsMend) {
  const Mistake mistakes[] = {
      {with_program("[chunks]\n"), "made.toml:2: [chunks] does not say how many"},
      {with_program("[chunks]\nrun = 3\n"),
       "made.toml:3: a scenario has no key chunks.run (did you mean chunks.runs?)"},
      {with_program("[chunks]\nruns = 3\n"), "made.toml:3: there are no iterations to be divided"},
      {with_program("iterations = 10\n[chunks]\nruns = 0\n"), "made.toml:4: 0 chunks are no run at all"},
      {with_program("iterations = 10\n[chunks]\nruns = \"3\"\n"),
       "made.toml:4: chunks.runs must be a whole number"},
      {with_program("iterations = 10\n[chunks]\nruns = 3\n"),
       "made.toml:4: 10 iterations cannot be divided into 3 equal chunks"},
      {with_program("iterations = 2002\n[chunks]\nruns = 1001\n"), "made.toml:4: 1001 runs are more than"},
      {with_program("iterations = 100\nwarm_up = 50\n[chunks]\nruns = 2\n"),
       "made.toml:3: a warm_up of 50 leaves nothing of 50 iterations a chunk"},
      {with_program("iterations = 10\n[chunks]\nruns = 2\nsame_file = \"../state\"\n"),
       "made.toml:5: \"../state\" is no file below {out}"},
      {with_program("iterations = 10\n[chunks]\nruns = 2\nsame_file = \"/state\"\n"),
       "made.toml:5: \"/state\" is no file below {out}"},
      {with_program("arguments = [\n\"a\",\n\"{chunk}\"]\n"), "made.toml:4: {chunk} is a part of [chunks]"},
      {with_program("resume_arguments = [\"a\"]\n"), "made.toml:2: nothing is resumed without [chunks]"},
      {with_program("resume_arguments = [\"{b}\"]\niterations = 4\n[chunks]\nruns = 2\n"),
       "made.toml:2: there is no variable {b}"},
  };
  expect_mistakes(mistakes);
}

TEST(Variables, StandInArgumentsAndInTheEnvironment) {
  const std::string file = with_program(
      "arguments = [\"--every\", \"{cleanup}\", \"{mode}{flag}\", \"{rate}\"]\n"
      "[variables]\ncleanup = 10\nmode = \"fast\"\nflag = true\nrate = 0.25\n"
      "[environment]\nTHREADS = \"{cleanup}\"\nHERE = \"{out}\"\n");
  const auto schedule = schedule_of(file);
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(words_of(*schedule), (std::vector<Words>{{"--every", "10", "fasttrue", "0.25"}}));
  EXPECT_EQ(
      schedule->runs[0].environment,
      (std::map<std::string, std::string>{{"THREADS", "10"}, {"HERE", fs::absolute("out/made").string()}}));
  const auto other =
      schedule_of(file, {"variables.cleanup=1", "variables.mode=very slow", "environment.HERE=x"});
  ASSERT_TRUE(other.has_value()) << other.error();
  EXPECT_EQ(words_of(*other), (std::vector<Words>{{"--every", "1", "very slowtrue", "0.25"}}));
  EXPECT_EQ(other->runs[0].environment.at("HERE"), "x");
}

TEST(Variables, EveryMistakeIsOneLineWithItsPlaceAndItsMend) {
  const Mistake mistakes[] = {
      {with_program("arguments = [\"{clean}\"]\n[variables]\ncleans = 1\n"),
       "made.toml:2: there is no variable {clean} (did you mean cleans?); add clean to [variables], or write "
       "{{clean}}"},
      {with_program("[variables]\nx = 1\n"), "made.toml:3: nothing uses {x}; put it into arguments"},
      {with_program("arguments = [\"{x}\"]\n[variables]\nx = [1]\n"),
       "made.toml:4: variables.x must be a text, a number, true or false; write variables.x = 10"},
      {with_program("[variables]\n\"a-b\" = 1\n"),
       "made.toml:3: \"a-b\" is no name for variables.*; use letters"},
      {with_program("arguments = [\"{out}\"]\n[variables]\nout = 1\n"),
       "made.toml:4: {out} has a meaning of its own"},
      {with_program("[environment]\nX = 5\n"), "made.toml:3: environment.X must be a text in quotes"},
      {with_program("[environment]\nX = \"{y}\"\n"), "made.toml:3: there is no variable {y}"},
      {with_program("[environment]\nLD_PRELOAD = \"x\"\n"),
       "made.toml:3: LD_PRELOAD is set by leakhunt itself"},
      {with_program("[environment]\nLEAKHUNT_DEFECT = \"x\"\n"),
       "made.toml:3: LEAKHUNT_DEFECT is set by leakhunt itself; write defect ="},
      {with_program("[environment]\n\"1X\" = \"x\"\n"), "made.toml:3: \"1X\" is no name for environment.*"},
      {with_program("variables = 5\n"), "made.toml:2: variables is a group of keys"},
  };
  expect_mistakes(mistakes);
  const auto schedule = schedule_of(with_program(""), {"variables.x=1"});
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error(),
            "--set variables.x=1: nothing uses {x}; put it into arguments or [environment], or leave it out");
}

}  // namespace
}  // namespace leakhunt::runner
