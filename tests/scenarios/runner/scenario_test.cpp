#include "scenarios/runner/scenario.h"

#include <gtest/gtest.h>

#include "tests/scenarios/runner/schedule_of.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

constexpr std::string_view kWhole = R"(name = "whole"
description = "everything that can be said"
program = "sh"
arguments = ["--small", "--iterations", "{iterations}"]
iterations = 200
warm_up = 20
defect = "tape-retained"
timeout = "1.5 min"

[budget]
peak_rss = "5GB"
growth_per_iteration = "0B"
iterations_per_second = 20

[expect]
verdict = "fail"
finding = { tag = "tape.node", function = "Tape::new_node" }
)";

// The only run of a scenario.
tl::expected<Plan, std::string> plan_of(std::string_view content, std::vector<std::string> overrides = {}) {
  const auto schedule = schedule_of(content, std::move(overrides));
  if (!schedule) return tl::unexpected(schedule.error());
  EXPECT_EQ(schedule->runs.size(), 1u);
  return schedule->runs.front();
}

TEST(Scenario, EveryKeyIsRead) {
  const auto schedule = schedule_of(kWhole);
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(schedule->kind, ScenarioKind::kSingle);
  EXPECT_EQ(schedule->expected_verdict, "fail");
  EXPECT_EQ(schedule->expected_finding.tag, "tape.node");
  EXPECT_EQ(schedule->expected_finding.function, "Tape::new_node");
  ASSERT_EQ(schedule->runs.size(), 1u);
  const Plan* plan = &schedule->runs.front();
  EXPECT_EQ(plan->scenario.name, "whole");
  EXPECT_EQ(plan->scenario.description, "everything that can be said");
  EXPECT_EQ(plan->scenario.command, (std::vector<std::string>{"sh", "--small", "--iterations", "200"}));
  EXPECT_EQ(plan->scenario.iterations, 200u);
  EXPECT_EQ(plan->scenario.warm_up, 20u);
  EXPECT_EQ(plan->scenario.defect, "tape-retained");
  EXPECT_EQ(plan->scenario.expected_verdict, "fail");
  EXPECT_EQ(plan->timeout, std::chrono::seconds(90));
  EXPECT_EQ(plan->budget.peak_rss_bytes, 5'000'000'000u);
  EXPECT_EQ(plan->budget.growth_bytes_per_iteration, 0.0);
  EXPECT_EQ(plan->budget.min_iterations_per_second, 20.0);
  EXPECT_TRUE(plan->program.is_absolute());
}

TEST(Scenario, OnlyTheProgramIsNeeded) {
  const auto plan = plan_of("program = \"sh\"\n");
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(plan->scenario.name, "made");  // of the file
  EXPECT_EQ(plan->scenario.iterations, 0u);
  EXPECT_FALSE(plan->budget.peak_rss_bytes.has_value());
  EXPECT_FALSE(plan->timeout.has_value());
}

TEST(Scenario, AProgramIsFoundBesideTheCommandOnPathAndBesideTheFile) {
  const ScratchDirectory ours;
  const ScratchDirectory theirs;
  const auto tool = ours.write("tool", "#!/bin/sh\n", 0755);
  const auto beside = theirs.write("beside", "#!/bin/sh\n", 0755);
  const auto program_of = [&](const std::string& name) {
    const auto schedule =
        make_schedule({theirs.write("made.toml", "program = \"" + name + "\"\n"), {}, ours.path()});
    return schedule ? schedule->runs.front().program.string() : schedule.error();
  };
  EXPECT_EQ(program_of("tool"), tool);
  EXPECT_EQ(program_of("beside"), beside);
  EXPECT_EQ(program_of("./beside"), beside);
  EXPECT_EQ(program_of(beside.string()), beside);
}

TEST(Scenario, EveryMistakeIsOneLineWithItsPlaceAndItsMend) {
  const Mistake mistakes[] = {
      {"program = \"sh\"\niteration = 3\n",
       "made.toml:2: a scenario has no key iteration (did you mean iterations?); the keys are name"},
      {with_program("\n[budget]\npeak = \"5GB\"\n"), "made.toml:4: a scenario has no key budget.peak"},
      {with_program("peak_rss = \"5GB\"\n"),
       "made.toml:2: a scenario has no key peak_rss (did you mean budget.peak_rss?)"},
      {with_program("[bugdet]\npeak_rss = \"5GB\"\n"), "made.toml:2: a scenario has no key bugdet"},
      {with_program("\"a\\nb\\u001b\" = 5\n"), "made.toml:2: a scenario has no key a?b?; the keys"},
      {with_program("budget = 5\n"), "made.toml:2: budget is a group of keys"},
      {with_program("\"budget.peak_rss\" = \"5GB\"\n"), "made.toml:2: a scenario has no key budget.peak_rss"},
      {with_program("[budget]\npeak_rss = \"5XB\"\n"), "made.toml:3: budget.peak_rss: \"5XB\" is no amount"},
      {with_program("[budget]\npeak_rss = 5\n"), "made.toml:3: budget.peak_rss must be an amount of memory"},
      {with_program("[budget]\npeak_rss = \"5\"\n"), "made.toml:3: no program runs in 5 bytes"},
      {with_program("[budget]\npeak_rss = \"-5GB\"\n"),
       "made.toml:3: budget.peak_rss: \"-5GB\" is no amount"},
      {with_program("[budget]\niterations_per_second = -1\n"),
       "made.toml:3: budget.iterations_per_second must be 0 or more"},
      {with_program("[budget]\niterations_per_second = nan\n"),
       "made.toml:3: budget.iterations_per_second must be a number"},
      {with_program("iterations = \"many\"\n"), "made.toml:2: iterations must be a whole number"},
      {with_program("iterations = 1.5\n"), "made.toml:2: iterations must be a whole number"},
      {with_program("iterations = -5\n"), "made.toml:2: iterations must be 0 or more"},
      {with_program("iterations = 0\n"), "made.toml:2: 0 iterations show nothing"},
      {with_program("iterations = 10\nwarm_up = 10\n"), "made.toml:3: a warm_up of 10 leaves nothing of 10"},
      {with_program("arguments = \"--small\"\n"), "made.toml:2: arguments must be a list of texts"},
      {with_program("arguments = [\"a\", 3]\n"), "made.toml:2: arguments must be a list of texts"},
      {with_program("arguments = [\"{iterations}\"]\n"), "made.toml:2: arguments speak of {iterations}"},
      {with_program("timeout = 90\n"), "made.toml:2: timeout must be a duration in quotes"},
      {with_program("timeout = \"90\"\n"), "made.toml:2: timeout: \"90\" is no duration"},
      {with_program("name = \"../x\"\n"), "made.toml:2: \"../x\" is no name for a scenario"},
      {with_program("name = \"\"\n"), "made.toml:2: \"\" is no name for a scenario"},
      {with_program("[expect]\nverdict = \"maybe\"\n"), "made.toml:3: \"maybe\" is no verdict to expect"},
      {with_program("[expect]\nfinding = {tag = \"x\"}\n"),
       "made.toml:3: a finding is expected, but no failure"},
      {with_program("[expect]\nfinding = \"x\"\n"), "made.toml:3: expect.finding is a group of keys"},
      {"iterations = 3\n", "made.toml:1: no program is given"},
      {"\nprogram = \"no_such_program\"\n",
       "made.toml:2: the program no_such_program was not found in /nowhere"},
      {"program = \"./no_such_program\"\n", "made.toml:1: the program ./no_such_program is not there"},
      {"program = 3\n", "made.toml:1: program must be a text in quotes"},
      {"program = \"sh\"\nprogram = \"sh\"\n", "made.toml:2: not TOML"},
      {"program = \"sh\n", "made.toml:1: not TOML"},
  };
  expect_mistakes(mistakes);
}

TEST(Scenario, AFileThatIsNotThereIsSaidSo) {
  const auto schedule = make_schedule({"/no/such/file.toml"});
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error(), "/no/such/file.toml: cannot be read; give the path of a scenario's TOML file");
  EXPECT_FALSE(make_schedule({"/tmp"}).has_value());
}

TEST(Scenario, AnOverrideReplacesAnyKey) {
  const auto schedule =
      schedule_of(kWhole, {"iterations=50", "warm_up=5", "budget.peak_rss=40 MB", "name=other", "timeout=10s",
                           "budget.iterations_per_second=7.5", "expect.verdict=fail",
                           "arguments=[\"{iterations}\", \"x\"]", "expect.finding.tag='heap'"});
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  const Plan* plan = &schedule->runs.front();
  EXPECT_EQ(plan->scenario.command, (std::vector<std::string>{"sh", "50", "x"}));
  EXPECT_EQ(plan->scenario.warm_up, 5u);
  EXPECT_EQ(plan->scenario.name, "other");
  EXPECT_EQ(plan->budget.peak_rss_bytes, 40'000'000u);
  EXPECT_EQ(plan->budget.min_iterations_per_second, 7.5);
  EXPECT_EQ(plan->timeout, std::chrono::seconds(10));
  EXPECT_EQ(schedule->expected_finding.tag, "heap");
}

TEST(Scenario, TheLastOverrideCounts) {
  const auto plan = plan_of(kWhole, {"iterations=50", "iterations=60"});
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(plan->scenario.iterations, 60u);
}

struct WrongOverride {
  std::string set;
  std::string line;
};

TEST(Scenario, AMistakeInAnOverrideNamesTheOption) {
  const WrongOverride mistakes[] = {
      {"iterations", "--set iterations: no value is given"},
      {"=5", "--set =5: no value is given"},
      {"iteration=5", "--set iteration=5: a scenario has no key iteration (did you mean iterations?)"},
      {"iterations=many",
       "--set iterations=many: many is no value for iterations; write --set iterations=10000"},
      {"iterations=-5", "--set iterations=-5: iterations must be 0 or more"},
      {"iterations=20", "--set iterations=20: a warm_up of 20 leaves nothing of 20 iterations"},
      {"iterations=", "--set iterations=:  is no value for iterations"},
      {"budget.peak_rss=5XB", "--set budget.peak_rss=5XB: budget.peak_rss: \"5XB\" is no amount"},
      {"arguments=--tiny", "--set arguments=--tiny: --tiny is no value for arguments"},
      {"arguments=[]", ""},
  };
  for (const WrongOverride& mistake : mistakes) {
    const auto plan = plan_of(kWhole, {mistake.set});
    if (mistake.line.empty()) {
      EXPECT_TRUE(plan.has_value()) << plan.error();
      continue;
    }
    ASSERT_FALSE(plan.has_value()) << mistake.set;
    EXPECT_EQ(plan.error().substr(0, mistake.line.size()), mistake.line);
    EXPECT_EQ(plan.error().find('\n'), std::string::npos);
  }
}

TEST(Scenario, OverriddenIterationsMustReachTheProgram) {
  const auto plan =
      plan_of("program = \"sh\"\niterations = 100\narguments = [\"-c\", \"\"]\n", {"iterations=5"});
  ASSERT_FALSE(plan.has_value());
  EXPECT_NE(plan.error().find("the program would not learn of it"), std::string::npos) << plan.error();
}

TEST(Scenario, AHealthyTwinIsReadFromItsOwnFile) {
  const ScratchDirectory scratch;
  scratch.write("healthy.toml", with_program("arguments = [\"{iterations}\"]\niterations = 500\n"));
  const auto schedule = make_schedule(
      {scratch.write("slow.toml",
                     with_program("arguments = [\"slow\", \"{iterations}\"]\niterations = 300\nwarm_up = "
                                  "50\n[budget]\ngrowth_per_iteration = \"0B\"\n"
                                  "[throughput]\ntwin = \"healthy\"\nleast = 0.6\nprocessors = "
                                  "2\nclues = [\"locks: \"]\n")),
       {"iterations=400"},
       "/nowhere"});
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  EXPECT_EQ(schedule->runs.front().scenario.iterations, 400u);
  ASSERT_TRUE(schedule->race.has_value());
  const Race& race = *schedule->race;
  EXPECT_EQ(race.least_ratio, 0.6);
  EXPECT_EQ(race.pairs, 9u);
  EXPECT_EQ(race.processors, 2u);
  EXPECT_EQ(race.clues, std::vector<std::string>{"locks: "});
  EXPECT_EQ(race.subject.scenario.command, (std::vector<std::string>{"sh", "slow", "12"}));
  EXPECT_EQ(race.twin.scenario.command, (std::vector<std::string>{"sh", "12"}));
  EXPECT_EQ(race.twin.scenario.name, "healthy");
  EXPECT_FALSE(race.subject.budget.growth_bytes_per_iteration) << "too short for that";
}

TEST(Scenario, ADiagnosisIsReadPartByPart) {
  const auto schedule =
      schedule_of(with_program("[[diagnosis]]\ntag = \"tape.node\"\nclass = \"linear\"\nfile = "
                               "\"tape.cpp\"\nbytes_per_iteration = 1.6\nheld = \"reachable\"\n"
                               "[[diagnosis]]\ntag = \"heap\"\nperiod = 10\n"));
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  ASSERT_EQ(schedule->diagnoses.size(), 2u);
  EXPECT_EQ(schedule->diagnoses[0].growth_class, "linear");
  EXPECT_EQ(schedule->diagnoses[0].bytes_per_iteration, 1.6);
  EXPECT_TRUE(schedule->diagnoses[0].of_finding());
  EXPECT_EQ(schedule->diagnoses[1].period, 10u);
  EXPECT_FALSE(schedule->diagnoses[1].of_finding());
}

TEST(Scenario, MistakesInATwinOrADiagnosisAreALineEach) {
  const std::vector<Mistake> mistakes = {
      {with_program("[throughput]\nleast = 0.75\n"), "made.toml:2: no healthy twin is named"},
      {with_program("[throughput]\ntwin = \"mead\"\nleast = 0.75\n"),
       "made.toml:3: there is no scenario mead"},
      {with_program("[throughput]\ntwin = \"made\"\nleast = 75\n"),
       "made.toml:4: the least share of the twin's speed is above 0 and at most 1"},
      {with_program("[throughput]\ntwin = \"made\"\nleast = 0.5\npairs = 0\n"), "made.toml:5: 0 pairs"},
      {with_program("[[diagnosis]]\nclass = \"linear\"\n"), "made.toml:2: a diagnosis of nothing"},
      {with_program("[[diagnosis]]\ntag = \"heap\"\n"), "made.toml:2: a diagnosis that expects nothing"},
      {with_program("[[diagnosis]]\ntag = \"heap\"\nslope = 4\n"),
       "made.toml:4: [[diagnosis]] has no key slope"},
      {with_program("[[diagnosis]]\ntag = \"heap\"\nperiod = \"4\"\n"),
       "made.toml:4: period must be a number"},
  };
  expect_mistakes(mistakes);
}

}  // namespace
}  // namespace leakhunt::runner
