#include "scenarios/runner/scenario.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "scenarios/runner/program.h"
#include "scenarios/runner/scenario_values.h"

namespace leakhunt::runner {

namespace {

constexpr std::array<KeyRule, 14> kRules = {{
    {"name", ValueKind::kText, "\"long_small\""},
    {"description", ValueKind::kText, "\"what it shows, in one line\""},
    {"program", ValueKind::kText, "\"train_full_instrumented\""},
    {"arguments", ValueKind::kTexts, "[\"--small\", \"--iterations\", \"{iterations}\"]"},
    {"iterations", ValueKind::kCount, "10000"},
    {"warm_up", ValueKind::kCount, "50"},
    {"defect", ValueKind::kText, "\"tape-retained\""},
    {"timeout", ValueKind::kDuration, "\"10min\""},
    {"budget.peak_rss", ValueKind::kBytes, "\"5GB\""},
    {"budget.growth_per_iteration", ValueKind::kBytes, "\"0B\""},
    {"budget.iterations_per_second", ValueKind::kNumber, "100"},
    {"expect.verdict", ValueKind::kText, "\"pass\""},
    {"expect.finding.tag", ValueKind::kText, "\"tape.node\""},
    {"expect.finding.function", ValueKind::kText, "\"Tape::record\""},
}};

constexpr std::string_view kPlaceholder = "{iterations}";
constexpr uint64_t kLeastCeiling = 1'000'000;

using Values = ScenarioValues;

void read_name(Values& values, const std::filesystem::path& file, recording::Scenario& scenario) {
  scenario.source = file.string();
  scenario.name = values.text("name").value_or(file.stem().string());
  if (!is_scenario_name(scenario.name)) {
    values.complain("name", fmt::format("\"{}\" is no name for a scenario", scenario.name),
                    "use letters, digits, - and _");
  }
  scenario.description = values.text("description").value_or("");
  scenario.defect = values.text("defect").value_or("");
}

void read_iterations(Values& values, recording::Scenario& scenario) {
  scenario.iterations = values.count("iterations").value_or(0);
  scenario.warm_up = values.count("warm_up").value_or(0);
  if (values.has("iterations") && scenario.iterations == 0) {
    values.complain("iterations", "0 iterations show nothing", "give at least 1, or leave the key out");
  }
  if (scenario.iterations > 0 && scenario.warm_up >= scenario.iterations) {
    values.complain(
        values.is_overridden("iterations") ? "iterations" : "warm_up",
        fmt::format("a warm_up of {} leaves nothing of {} iterations", scenario.warm_up, scenario.iterations),
        "take more iterations or a shorter warm_up");
  }
}

// The words after the program, with the number of iterations filled in.
std::vector<std::string> read_arguments(Values& values, const recording::Scenario& scenario) {
  std::vector<std::string> arguments = values.texts("arguments").value_or(std::vector<std::string>());
  bool is_told = false;
  for (std::string& argument : arguments) {
    for (size_t at = argument.find(kPlaceholder); at != std::string::npos; at = argument.find(kPlaceholder)) {
      argument.replace(at, kPlaceholder.size(), std::to_string(scenario.iterations));
      is_told = true;
    }
  }
  if (is_told && scenario.iterations == 0) {
    values.complain("arguments", "arguments speak of {iterations}, and there is no such key",
                    "add iterations = 100");
  }
  if (!is_told && values.is_overridden("iterations")) {
    values.complain("iterations", "the program would not learn of it: its arguments have no {iterations}",
                    "add \"--iterations\", \"{iterations}\" to the scenario's arguments");
  }
  return arguments;
}

void read_program(Values& values, const PlanRequest& request, Plan& plan) {
  const std::optional<std::string> name = values.text("program");
  if (!name || name->empty()) {
    return values.complain("program", "no program is given", "add program = \"train_full_instrumented\"");
  }
  const std::filesystem::path beside_file = std::filesystem::absolute(request.file).parent_path();
  const auto found = find_program(*name, {request.program_directory, beside_file});
  if (!found) {
    const bool is_path = name->find('/') != std::string::npos;
    return values.complain(
        "program", found.error(),
        is_path ? "give a path as seen from the scenario's file" : "build it, or give its path");
  }
  plan.program = *found;
  plan.scenario.command.insert(plan.scenario.command.begin(), *name);
}

void read_budget(Values& values, recording::Budget& budget) {
  budget.peak_rss_bytes = values.bytes("budget.peak_rss");
  if (budget.peak_rss_bytes && *budget.peak_rss_bytes < kLeastCeiling) {
    values.complain("budget.peak_rss", fmt::format("no program runs in {} bytes", *budget.peak_rss_bytes),
                    "give at least 1MB, with its unit");
  }
  if (const auto growth = values.bytes("budget.growth_per_iteration")) {
    budget.growth_bytes_per_iteration = static_cast<double>(*growth);
  }
  budget.min_iterations_per_second = values.number("budget.iterations_per_second");
}

void read_expectation(Values& values, Plan& plan) {
  plan.scenario.expected_verdict = values.text("expect.verdict").value_or("");
  plan.expected_finding.tag = values.text("expect.finding.tag").value_or("");
  plan.expected_finding.function = values.text("expect.finding.function").value_or("");
  const std::string& verdict = plan.scenario.expected_verdict;
  if (!verdict.empty() && verdict != "pass" && verdict != "fail") {
    values.complain("expect.verdict", fmt::format("\"{}\" is no verdict to expect", verdict),
                    "write \"pass\" or \"fail\"");
  }
  const char* finding = values.has("expect.finding.tag") ? "expect.finding.tag" : "expect.finding.function";
  if (values.has(finding) && verdict != "fail") {
    values.complain(finding, "a finding is expected, but no failure", "add verdict = \"fail\"");
  }
}

}  // namespace

bool is_scenario_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_allowed);
}

tl::expected<Plan, std::string> make_plan(const PlanRequest& request) {
  auto values = ScenarioValues::read(request.file, request.overrides, kRules);
  if (!values) return tl::unexpected(values.error());
  Plan plan;
  read_name(*values, request.file, plan.scenario);
  read_iterations(*values, plan.scenario);
  plan.scenario.command = read_arguments(*values, plan.scenario);
  read_budget(*values, plan.budget);
  read_expectation(*values, plan);
  plan.timeout = values->duration("timeout");
  read_program(*values, request, plan);
  if (values->complaint()) return tl::unexpected(*values->complaint());
  return plan;
}

}  // namespace leakhunt::runner
