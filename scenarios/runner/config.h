// config: leakhunt.toml, the budgets of a project for programs that have no scenario. Keys: [budget],
// [[limit]],
// [[suppress]] and baseline, as in a scenario; docs/gates.md is the prose.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "lib/recording/budget.h"

namespace leakhunt::runner {

struct Config {
  std::filesystem::path file;  // empty: there was none
  recording::Budget budget;
  std::filesystem::path baseline;  // empty: none
};

// The leakhunt.toml of the project that `directory` belongs to: there or above, as far as the folder that
// holds .git.
std::optional<std::filesystem::path> find_config(const std::filesystem::path& directory);

// The error is a whole line, `file:line: what; mend`.
tl::expected<Config, std::string> read_config(const std::filesystem::path& file);

}  // namespace leakhunt::runner
