#include "scenarios/runner/config.h"

#include <array>

#include "scenarios/runner/scenario_values.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

constexpr std::array<KeyRule, 6> kRules = {{
    {"budget.peak_rss", ValueKind::kBytes, "\"5GB\""},
    {"budget.growth_per_iteration", ValueKind::kBytes, "\"0B\""},
    {"budget.iterations_per_second", ValueKind::kNumber, "100"},
    {"limit", ValueKind::kTables, "[{tag = \"tape.node\", peak = \"1MB\"}]"},
    {"suppress", ValueKind::kTables, "[{tag = \"heap\", expires = 2026-12-31, reason = \"...\"}]"},
    {"baseline", ValueKind::kText, "\"program.baseline\""},
}};

}  // namespace

std::optional<fs::path> find_config(const fs::path& directory) {
  std::error_code problem;
  for (fs::path at = fs::absolute(directory, problem).lexically_normal();; at = at.parent_path()) {
    if (const fs::path file = at / "leakhunt.toml"; fs::is_regular_file(file, problem)) return file;
    if (fs::exists(at / ".git", problem) || at == at.parent_path()) return std::nullopt;
  }
}

tl::expected<Config, std::string> read_config(const fs::path& file) {
  auto values = ScenarioValues::read(file, {}, kRules);
  if (!values) return tl::unexpected(values.error());
  Config config;
  config.file = file;
  config.budget.peak_rss_bytes = values->bytes("budget.peak_rss");
  if (const auto growth = values->bytes("budget.growth_per_iteration"))
    config.budget.growth_bytes_per_iteration = static_cast<double>(*growth);
  config.budget.min_iterations_per_second = values->number("budget.iterations_per_second");
  values->read_limits(config.budget);
  if (const auto baseline = values->text("baseline")) config.baseline = file.parent_path() / *baseline;
  if (values->complaint()) return tl::unexpected(*values->complaint());
  return config;
}

}  // namespace leakhunt::runner
