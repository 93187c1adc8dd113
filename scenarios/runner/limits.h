// limits: the [[limit]] and [[suppress]] tables of a scenario or a leakhunt.toml. Called by
// scenario_values.cpp only; docs/gates.md describes the keys.
#pragma once

#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "scenarios/runner/scenario_layers.h"

namespace leakhunt::runner {

// Appends what the array of tables `node` says. The error is a whole line, `file:line: what; mend`.
tl::expected<void, std::string> read_limits(const toml::node& node, const Layer& layer,
                                            recording::Budget& budget);
tl::expected<void, std::string> read_suppressions(const toml::node& node, const Layer& layer,
                                                  recording::Budget& budget);

}  // namespace leakhunt::runner
