// scenario: a TOML file, with its overrides, as runs that can be started. docs/scenarios.md is the prose.
//
// Called by the command `leakhunt scenario`. Every mistake is one line: `file:line: what; mend`.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "lib/recording/run.h"
#include "scenarios/runner/diagnosis.h"
#include "scenarios/runner/expansion.h"

namespace leakhunt::runner {

// What the first finding of a failing scenario has to name. Empty: anything.
struct ExpectedFinding {
  std::string tag;
  std::string function;  // a part of its name
};

// One run that is ready to be launched.
struct Plan {
  Part part;                     // which of the scenario's runs
  recording::Scenario scenario;  // its command begins with `program`'s name as written
  recording::Budget budget;
  std::filesystem::path baseline;  // with which relative limits are compared; empty: none
  std::filesystem::path program;   // where the program was found
  std::map<std::string, std::string> environment;
  std::optional<std::chrono::nanoseconds> timeout;
  std::filesystem::path out;  // where its files go
};

// Short runs of the scenario's program and of its healthy twin, in turns: how much slower may it be?
struct Race {
  Plan subject;
  Plan twin;
  double least_ratio = 0;  // of the subject's speed to the twin's
  uint64_t pairs = 9;
  uint64_t processors = 1;         // fewer tell nothing
  std::vector<std::string> clues;  // how lines of output begin that explain the speed
};

// A scenario's runs, to be made one after the other.
struct Schedule {
  std::string name;
  ScenarioKind kind = ScenarioKind::kSingle;
  std::string axis;              // what its runs differ in: "iterations", "chunk"; empty: there is only one
  std::filesystem::path out;     // of the whole; that of a single run
  std::string expected_verdict;  // "pass", "fail", or empty; of the whole
  ExpectedFinding expected_finding;          // of every run that fails
  std::string expected_reason;               // a part of a reason of every run that fails
  std::vector<ExpectedDiagnosis> diagnoses;  // of the only run, or the last of several
  std::vector<Plan> runs;                    // never empty
  std::optional<Race> race;                  // only where there is one run
  // Of chunks: a file below `out` that has to be the same to the last byte as the one that `uninterrupted`,
  // which is run after them, leaves in its own directory. Both or neither.
  std::filesystem::path same_file;
  std::optional<Plan> uninterrupted;
};

struct ScheduleRequest {
  std::filesystem::path file;
  std::vector<std::string> overrides = {};       // "key=value" of --set
  std::filesystem::path program_directory = {};  // where programs are looked for first
  std::string defect = {};         // injected from outside: what the file expects then says nothing any more
  std::filesystem::path out = {};  // empty: out/NAME, with an injected defect out/NAME+DEFECT
  bool for_race = false;           // as one of a race's two: what else the file says of races does not count
};

// The error is the line for the user.
tl::expected<Schedule, std::string> make_schedule(const ScheduleRequest& request);

// Its name (and so its --out directory) of letters, digits, - and _.
bool is_scenario_name(std::string_view name);

}  // namespace leakhunt::runner
