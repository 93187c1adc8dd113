// scenario: a TOML file, with its overrides, as a plan that can be started. docs/scenarios.md is the prose.
//
// Called by the command `leakhunt scenario`. Every mistake is one line: `file:line: what; mend`.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "lib/recording/run.h"

namespace leakhunt::runner {

// What the first finding of a failing scenario has to name. Empty: anything.
struct ExpectedFinding {
  std::string tag;
  std::string function;  // a part of its name
};

// A scenario that is ready to be launched.
struct Plan {
  recording::Scenario scenario;  // its command begins with `program`'s name as written
  recording::Budget budget;
  std::filesystem::path program;  // where the program was found
  std::optional<std::chrono::nanoseconds> timeout;
  ExpectedFinding expected_finding;
};

struct PlanRequest {
  std::filesystem::path file;
  std::vector<std::string> overrides;       // "key=value" of --set
  std::filesystem::path program_directory;  // where programs are looked for first
};

// The error is the line for the user.
tl::expected<Plan, std::string> make_plan(const PlanRequest& request);

// Its name (and so its --out directory) of letters, digits, - and _.
bool is_scenario_name(std::string_view name);

}  // namespace leakhunt::runner
