// configured_budget: what leakhunt.toml and the baselines add to a budget, for every command that records.
#pragma once

#include <string>

#include <CLI/CLI.hpp>
#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

// --config FILE.
void declare_config(CLI::App& command, std::string& file);

enum class ConfigSearch {
  kNone,          // only what --config names
  kOfTheProject,  // otherwise the leakhunt.toml of the project that the current directory belongs to
};

// Of `file`, or of what is found without it; relative limits are compared with the baseline that it names.
// The errors are lines for the user.
tl::expected<recording::Budget, std::string> configured_budget(const std::string& file, ConfigSearch search);

// Adds what --config says to the budgets of a scenario, which win, and looks up their relative limits; each
// run that gates anything gets its positive control, if it is wanted.
tl::expected<void, std::string> complete_budgets(runner::Schedule& schedule, const std::string& config,
                                                 bool positive_control);

// Is there anything in it that a leak could break? Then the run is a gate.
bool gates(const recording::Budget& budget);

bool has_thread_limits(const recording::Budget& budget);

// Is anything limited that is lost at the end? Then a heap graph has to be taken there.
bool has_lost_limits(const recording::Budget& budget);

}  // namespace leakhunt::cli
