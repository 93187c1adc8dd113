// recording_options: what `run` and `attach` have in common: how a program is recorded, and what it may cost.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <tl/expected.hpp>

#include "lib/recording/budget.h"

namespace leakhunt::cli {

struct RecordingOptions {
  std::string out;
  std::optional<std::string> budget;
  std::optional<std::string> max_growth;
  std::optional<std::string> max_lost;
  std::optional<std::string> interval;
  std::string stacks = "cfi";
  std::string graph = "auto";
  std::string config;
  bool no_positive_control = false;
};

// `default_out` and `about_budget` are words of the help. `options` must outlive the command.
void declare(CLI::App& command, RecordingOptions& options, const char* default_out, const char* about_budget);

// Both errors are lines that name the option, or the place in leakhunt.toml. The options win over the file.
tl::expected<recording::Budget, std::string> parse_budget(const RecordingOptions& options);
// "100ms", "1s"; a number alone is milliseconds. Absent if it was not given.
tl::expected<std::optional<std::chrono::milliseconds>, std::string> parse_interval(
    const RecordingOptions& options);

// When the tracker is to take heap graphs, in its words. The error says which values --graph may have.
tl::expected<std::string, std::string> graph_plan(const RecordingOptions& options,
                                                  const recording::Budget& budget);

}  // namespace leakhunt::cli
