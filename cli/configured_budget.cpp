#include "cli/configured_budget.h"

#include <algorithm>

#include "cli/baseline_file.h"
#include "scenarios/runner/config.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

using Refusal = tl::unexpected<std::string>;
using recording::Budget;

tl::expected<runner::Config, std::string> read(const std::string& file, ConfigSearch search) {
  if (!file.empty()) return runner::read_config(file);
  if (search == ConfigSearch::kNone) return runner::Config{};
  std::error_code problem;
  const fs::path here = fs::current_path(problem);
  const auto found = problem ? std::nullopt : runner::find_config(here);
  return found ? runner::read_config(*found) : runner::Config{};
}

tl::expected<void, std::string> look_up_baseline(Budget& budget, const fs::path& file) {
  const auto is_relative = [](const recording::Limit& limit) { return limit.percent.has_value(); };
  if (file.empty() || std::none_of(budget.limits.begin(), budget.limits.end(), is_relative)) return {};
  // Before the first is accepted there is none: until then the limits are inconclusive, and say so.
  if (std::error_code problem; !fs::exists(file, problem) && !problem) return {};
  const auto baseline = read_baseline(file);
  if (!baseline) return Refusal(baseline.error());
  reports::look_up_limits(*baseline, budget.limits);
  return {};
}

}  // namespace

void declare_config(CLI::App& command, std::string& file) {
  command.add_option("--config", file, "Budgets, limits and suppressions from this leakhunt.toml")
      ->type_name("FILE");
}

tl::expected<Budget, std::string> configured_budget(const std::string& file, ConfigSearch search) {
  auto config = read(file, search);
  if (!config) return Refusal(config.error());
  const auto found = look_up_baseline(config->budget, config->baseline);
  if (!found) return Refusal(found.error());
  return std::move(config->budget);
}

namespace {

void add(const Budget& more, Budget& budget) {
  if (!budget.peak_rss_bytes) budget.peak_rss_bytes = more.peak_rss_bytes;
  if (!budget.growth_bytes_per_iteration) budget.growth_bytes_per_iteration = more.growth_bytes_per_iteration;
  if (!budget.min_iterations_per_second) budget.min_iterations_per_second = more.min_iterations_per_second;
  budget.limits.insert(budget.limits.end(), more.limits.begin(), more.limits.end());
  budget.suppressions.insert(budget.suppressions.end(), more.suppressions.begin(), more.suppressions.end());
  recording::name_limits(budget.limits);
}

}  // namespace

tl::expected<void, std::string> complete_budgets(runner::Schedule& schedule, const std::string& config,
                                                 bool positive_control) {
  const auto more = configured_budget(config, ConfigSearch::kNone);
  if (!more) return Refusal(more.error());
  for (runner::Plan& plan : schedule.runs) {
    if (auto found = look_up_baseline(plan.budget, plan.baseline); !found) return found;
    add(*more, plan.budget);
    plan.budget.positive_control = positive_control && gates(plan.budget);
  }
  return {};
}

bool gates(const Budget& budget) {
  const auto is_of_growth = [](const recording::Limit& limit) { return !recording::is_lost(limit.cost); };
  return budget.growth_bytes_per_iteration || !budget.suppressions.empty() ||
         std::any_of(budget.limits.begin(), budget.limits.end(), is_of_growth);
}

bool has_lost_limits(const Budget& budget) {
  return std::any_of(budget.limits.begin(), budget.limits.end(),
                     [](const recording::Limit& limit) { return recording::is_lost(limit.cost); });
}

bool has_thread_limits(const Budget& budget) {
  return std::any_of(budget.limits.begin(), budget.limits.end(),
                     [](const recording::Limit& limit) { return !limit.scope.thread.empty(); });
}

}  // namespace leakhunt::cli
