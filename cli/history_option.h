// history_option: --db and --label of every command that judges a run.
#pragma once

#include <string>

#include <CLI/CLI.hpp>
#include <tl/expected.hpp>

#include "reports/report.h"

namespace leakhunt::cli {

struct HistoryOption {
  std::string file;
  std::string label;
};

void declare(CLI::App& command, HistoryOption& option);

// Adds the run, if --db was given. Without --label it is called after the commit that CI is at
// (GITHUB_SHA, CI_COMMIT_SHA). The error is a line for the user.
tl::expected<void, std::string> keep_in_history(const reports::Report& report, const HistoryOption& option);

}  // namespace leakhunt::cli
