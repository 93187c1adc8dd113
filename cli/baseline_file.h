// baseline_file: a baseline read from its file, and a judged run compared with it; errors are lines for the
// user.
#pragma once

#include <filesystem>
#include <string>

#include <tl/expected.hpp>

#include "cli/judged.h"
#include "reports/gate/baseline.h"

namespace leakhunt::cli {

// The error is a line: `file:line: what; mend`.
tl::expected<reports::Baseline, std::string> read_baseline(const std::filesystem::path& file);

// Adds what the comparison says to the report, and the positive control if it is wanted. The error: the file
// is unreadable, or of another configuration.
tl::expected<void, std::string> compare_with(const std::filesystem::path& file, bool positive_control,
                                             Judged& judged);

}  // namespace leakhunt::cli
