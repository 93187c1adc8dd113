// [[limit]] and [[suppress]] of a scenario, and leakhunt.toml.
#include "scenarios/runner/limits.h"

#include <gtest/gtest.h>

#include "scenarios/runner/build_kind.h"
#include "scenarios/runner/config.h"
#include "tests/scenarios/runner/schedule_of.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

using recording::Cost;

constexpr std::string_view kLimits = R"(
[[limit]]
tag = "arena.chunk"
peak = ["6MB", "+10%"]
blocks = 5
owner = "trainers"
reason = "five chunks are enough"

[[limit]]
function = "Tape::*"
file = "lib/*"
thread = "worker*"
growth = "0B"
allocations = 12.5
optional = true

[[limit]]
iterations_per_second = "-20%"

[[limit]]
process = "worker*"
together = true
tag = "batch"
end = "1MB"

[[suppress]]
tag = "heap"
expires = 2026-12-31
owner = "libc"
reason = "locale"
)";

TEST(Limits, EveryKeyIsRead) {
  const auto schedule = schedule_of(with_program(kLimits));
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  const recording::Budget& budget = schedule->runs.front().budget;
  ASSERT_EQ(budget.limits.size(), 7u);
  const auto named = [&](const std::string& name) -> const recording::Limit& {
    for (const recording::Limit& limit : budget.limits) {
      if (limit.name == name) return limit;
    }
    ADD_FAILURE() << name;
    return budget.limits.front();
  };
  EXPECT_EQ(named("tag arena.chunk: peak").most, 6'000'000);
  EXPECT_EQ(named("tag arena.chunk: peak").owner, "trainers");
  EXPECT_EQ(named("tag arena.chunk: peak beside the baseline").percent, 10);
  EXPECT_EQ(named("tag arena.chunk: blocks").most, 5);
  EXPECT_EQ(named("function Tape::*, file lib/*, thread worker*: allocations").most, 12.5);
  EXPECT_TRUE(named("function Tape::*, file lib/*, thread worker*: growth").optional);
  EXPECT_EQ(named("the process: iterations_per_second beside the baseline").percent, -20);
  const recording::Scope& workers = named("all processes worker* together, tag batch: end").scope;
  EXPECT_EQ(workers.process, "worker*");
  EXPECT_TRUE(workers.together);
  ASSERT_EQ(budget.suppressions.size(), 1u);
  EXPECT_EQ(recording::date_text(budget.suppressions[0].expires), "2026-12-31");
  EXPECT_EQ(budget.suppressions[0].reason, "locale");
}

TEST(Limits, EveryMistakeIsALineWithItsPlaceAndItsMend) {
  const Mistake mistakes[] = {
      {with_program("[[limit]]\ntga = \"x\"\npeak = \"1MB\"\n"),
       "made.toml:3: [[limit]] has no key tga (did you mean tag?); the keys are tag"},
      {with_program("[[limit]]\ntag = \"x\"\n"), "made.toml:2: a limit that limits nothing; add one of peak"},
      {with_program("[[limit]]\ntag = \"x\"\npeak = 5\n"),
       "made.toml:4: peak has a value that is no amount of memory"},
      {with_program("[[limit]]\ntag = \"x\"\nblocks = -1\n"),
       "made.toml:4: blocks has a value that is no number"},
      {with_program("[[limit]]\ntag = \"x\"\npeak = \"-5%\"\n"),
       "made.toml:4: peak = \"-5%\" could never be kept"},
      {with_program("[[limit]]\ntag = \"x\"\npeak = []\n"), "made.toml:4: peak is an empty list"},
      {with_program("[[limit]]\ntag = \"\"\npeak = \"1B\"\n"), "made.toml:3: tag must be a text in quotes"},
      {with_program("[[limit]]\ntag = \"x\"\niterations_per_second = 5\n"),
       "made.toml:2: tag x makes no iterations"},
      {with_program("[[limit]]\noptional = 1\npeak = \"1B\"\n"),
       "made.toml:3: optional must be true or false"},
      {with_program("[[limit]]\nprocess = \"x\"\ntogether = \"yes\"\npeak = \"1B\"\n"),
       "made.toml:4: together must be true or false; write together = true"},
      {with_program("[[limit]]\ntogether = true\npeak = \"1B\"\n"),
       "made.toml:2: together adds up processes, and none is named; add process = \"*\""},
      {with_program("[[limit]]\nproces = \"x\"\npeak = \"1B\"\n"),
       "made.toml:3: [[limit]] has no key proces (did you mean process?)"},
      {with_program("[[limit]]\nprocess = \"bin/x\"\npeak = \"1B\"\n"),
       "made.toml:2: process \"bin/x\" could never match; give the last part"},
      {with_program("[[limit]]\nallocations_per_secnd = 5\n"),
       "made.toml:3: [[limit]] has no key allocations_per_secnd (did you mean allocations_per_second?)"},
      {with_program("[[limit]]\niterations_per_second = \"fast\"\n"),
       "made.toml:3: iterations_per_second has a value that is no number, 0 or more; write"},
      {with_program("limit = 5\n"), "made.toml:2: limit is no list"},
      {with_program("[[suppress]]\ntag = \"x\"\nreason = \"y\"\n"), "made.toml:2: a suppression for ever"},
      {with_program("[[suppress]]\ntag = \"x\"\nexpires = 2026-01-01\n"),
       "made.toml:2: a suppression without a reason"},
      {with_program("[[suppress]]\nreason = \"y\"\nexpires = 2026-01-01\n"),
       "made.toml:2: a suppression of everything"},
      {with_program("[[suppress]]\ntag = \"x\"\nreason = \"y\"\nexpires = \"soon\"\n"),
       "made.toml:5: expires must be a date"},
  };
  expect_mistakes(mistakes);
}

TEST(Limits, AnOverrideReplacesThoseOfTheFile) {
  const auto schedule = schedule_of(with_program(kLimits), {"limit=[{tag = \"x\", blocks = 1}]"});
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  ASSERT_EQ(schedule->runs.front().budget.limits.size(), 1u);
  EXPECT_EQ(schedule->runs.front().budget.limits[0].name, "tag x: blocks");
}

TEST(Config, IsFoundInTheProjectAndNotAboveIt) {
  const ScratchDirectory scratch;
  std::filesystem::create_directories(scratch.path() / "project/.git");
  std::filesystem::create_directories(scratch.path() / "project/src/deep");
  scratch.write("leakhunt.toml", "");
  EXPECT_FALSE(find_config(scratch.path() / "project/src/deep").has_value());
  scratch.write("project/leakhunt.toml", "");
  EXPECT_EQ(find_config(scratch.path() / "project/src/deep"), scratch.path() / "project/leakhunt.toml");
}

TEST(Config, HoldsBudgetsLimitsAndABaselineBesideIt) {
  const ScratchDirectory scratch;
  const auto config = read_config(scratch.write(
      "leakhunt.toml",
      "baseline = \"x.baseline\"\n[budget]\npeak_rss = \"1GB\"\n[[limit]]\ntag = \"x\"\nblocks = 1\n"));
  ASSERT_TRUE(config.has_value()) << config.error();
  EXPECT_EQ(config->budget.peak_rss_bytes, 1'000'000'000u);
  EXPECT_EQ(config->budget.limits.size(), 1u);
  EXPECT_EQ(config->baseline, scratch.path() / "x.baseline");
  const auto mistaken = read_config(scratch.write("leakhunt.toml", "\nprogram = \"x\"\n"));
  ASSERT_FALSE(mistaken.has_value());
  EXPECT_NE(mistaken.error().find("leakhunt.toml:2: a configuration has no key program"), std::string::npos)
      << mistaken.error();
}

TEST(BuildKind, OfAProgramWithDebugInformationIsItsMachineAndItsSwitches) {
  EXPECT_TRUE(build_of(LEAKHUNT_STEPS).starts_with("x86_64 -O")) << build_of(LEAKHUNT_STEPS);
  EXPECT_EQ(build_of("/etc/hostname"), "");
  EXPECT_EQ(build_of("/nowhere"), "");
}

}  // namespace
}  // namespace leakhunt::runner
