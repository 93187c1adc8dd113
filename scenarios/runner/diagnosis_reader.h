// diagnosis_reader: [[diagnosis]] of a scenario's file. Called by scenario_values.cpp only.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "scenarios/runner/diagnosis.h"
#include "scenarios/runner/scenario_layers.h"

namespace leakhunt::runner {

// Appends one a table. The error is a whole line.
tl::expected<void, std::string> read_diagnoses(const toml::node& node, const Layer& layer,
                                               std::vector<ExpectedDiagnosis>& diagnoses);

}  // namespace leakhunt::runner
