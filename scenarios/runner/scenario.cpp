#include "scenarios/runner/scenario.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "scenarios/runner/placeholders.h"
#include "scenarios/runner/program.h"
#include "scenarios/runner/race.h"
#include "scenarios/runner/scenario_values.h"
#include "scenarios/runner/spelling.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

constexpr std::array<KeyRule, 32> kRules = {{
    {"name", ValueKind::kText, "\"long_small\""},
    {"description", ValueKind::kText, "\"what it shows, in one line\""},
    {"program", ValueKind::kText, "\"train_full_instrumented\""},
    {"arguments", ValueKind::kTexts, "[\"--small\", \"--iterations\", \"{iterations}\"]"},
    {"resume_arguments", ValueKind::kTexts, "[\"--resume\", \"{out}/checkpoint\"]"},
    {"iterations", ValueKind::kCount, "10000"},
    {"warm_up", ValueKind::kCount, "50"},
    {"defect", ValueKind::kText, "\"tape-retained\""},
    {"timeout", ValueKind::kDuration, "\"10min\""},
    {"variables.*", ValueKind::kScalar, "10"},
    {"environment.*", ValueKind::kText, "\"text\""},
    {"sweep", ValueKind::kSweep, "{iterations = [100, 500]}"},
    {"chunks.runs", ValueKind::kCount, "10"},
    {"chunks.same_file", ValueKind::kText, "\"model/model.lhc\""},
    {"budget.peak_rss", ValueKind::kBytes, "\"5GB\""},
    {"budget.growth_per_iteration", ValueKind::kBytes, "\"0B\""},
    {"budget.iterations_per_second", ValueKind::kNumber, "100"},
    {"limit", ValueKind::kTables, "[{tag = \"tape.node\", peak = \"1MB\"}]"},
    {"suppress", ValueKind::kTables, "[{tag = \"heap\", expires = 2026-12-31, reason = \"...\"}]"},
    {"baseline", ValueKind::kText, "\"small.baseline\""},
    {"throughput.twin", ValueKind::kText, "\"short_small\""},
    {"throughput.least", ValueKind::kNumber, "0.75"},
    {"throughput.pairs", ValueKind::kCount, "9"},
    {"throughput.iterations", ValueKind::kCount, "12"},
    {"throughput.arguments", ValueKind::kTexts, "[\"--steps\", \"{iterations}\"]"},
    {"throughput.processors", ValueKind::kCount, "2"},
    {"throughput.clues", ValueKind::kTexts, "[\"locks: \"]"},
    {"expect.verdict", ValueKind::kText, "\"pass\""},
    {"expect.reason", ValueKind::kText, "\"tag batch: peak\""},
    {"diagnosis", ValueKind::kTables, "[{tag = \"tape.node\", class = \"linear\"}]"},
    {"expect.finding.tag", ValueKind::kText, "\"tape.node\""},
    {"expect.finding.function", ValueKind::kText, "\"Tape::record\""},
}};

// Names that stand for something in every scenario, or in every one with [chunks].
constexpr std::array<std::string_view, 5> kOwnNames = {"iterations", "out", "chunk", "chunk_iterations",
                                                       "end_iteration"};
// What tells a program how long to run.
constexpr std::array<std::string_view, 3> kLengths = {"iterations", "chunk_iterations", "end_iteration"};
// launch.cpp sets these.
constexpr std::array<std::string_view, 5> kOwnEnvironment = {
    "LD_PRELOAD", "LEAKHUNT_RECORDING", "LEAKHUNT_PID", "LEAKHUNT_INTERVAL_MS", "LEAKHUNT_DEFECT"};

constexpr uint64_t kLeastCeiling = 1'000'000;

using Values = ScenarioValues;

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// --- the whole ---------------------------------------------------------------------------------------------

void read_name(Values& values, const fs::path& file, Schedule& schedule) {
  schedule.name = values.text("name").value_or(file.stem().string());
  if (!is_scenario_name(schedule.name)) {
    values.complain("name", fmt::format("\"{}\" is no name for a scenario", schedule.name),
                    "use letters, digits, - and _");
  }
}

void read_expectation(Values& values, Schedule& schedule) {
  schedule.expected_verdict = values.text("expect.verdict").value_or("");
  schedule.expected_finding.tag = values.text("expect.finding.tag").value_or("");
  schedule.expected_finding.function = values.text("expect.finding.function").value_or("");
  schedule.expected_reason = values.text("expect.reason").value_or("");
  schedule.diagnoses = values.diagnoses();
  const std::string& verdict = schedule.expected_verdict;
  if (!verdict.empty() && verdict != "pass" && verdict != "fail") {
    values.complain("expect.verdict", fmt::format("\"{}\" is no verdict to expect", verdict),
                    "write \"pass\" or \"fail\"");
  }
  const char* finding = values.has("expect.reason")        ? "expect.reason"
                        : values.has("expect.finding.tag") ? "expect.finding.tag"
                                                           : "expect.finding.function";
  if (values.has(finding) && verdict != "fail") {
    values.complain(finding, "a finding is expected, but no failure", "add verdict = \"fail\"");
  }
}

void check_injected(Values& values, const ScheduleRequest& request, const Expansion& expansion,
                    Schedule& schedule) {
  if (request.defect.empty()) return;
  if (expansion.swept && expansion.swept->path == "defect") {
    values.complain("sweep", fmt::format("the defects are swept, so {} cannot be injected", request.defect),
                    fmt::format("write --set defect={} for that one alone", request.defect));
  }
  const bool is_own = values.text("defect").value_or("") == request.defect;
  const bool is_told = values.is_overridden("expect.verdict") || values.is_overridden("expect.finding.tag") ||
                       values.is_overridden("expect.finding.function");
  if (is_own || is_told) return;
  schedule.expected_verdict.clear();
  schedule.expected_finding = {};
  schedule.expected_reason.clear();
  schedule.diagnoses.clear();
}

// Relative, so that it lies below {out} in both.
void read_same_file(Values& values, Schedule& schedule) {
  schedule.same_file = values.text("chunks.same_file").value_or("");
  const bool is_below = schedule.same_file.is_relative() && !schedule.same_file.empty() &&
                        schedule.same_file.lexically_normal().string().substr(0, 2) != "..";
  if (values.has("chunks.same_file") && !is_below) {
    values.complain("chunks.same_file",
                    fmt::format("\"{}\" is no file below {{out}}", schedule.same_file.string()),
                    "write what the program leaves in {out}: same_file = \"model/model.lhc\"");
  }
}

std::string axis_of(const Expansion& expansion) {
  if (expansion.kind == ScenarioKind::kChunks) return "chunk";
  if (!expansion.swept) return "";
  constexpr std::string_view kVariables = "variables.";
  const std::string& path = expansion.swept->path;
  return path.starts_with(kVariables) ? path.substr(kVariables.size()) : path;
}

// --- one run -----------------------------------------------------------------------------------------------

// The whole number; what one run is expected to mark is recording::Scenario::iterations.
uint64_t read_iterations(Values& values, uint64_t chunks, recording::Scenario& scenario) {
  const uint64_t iterations = values.count("iterations").value_or(0);
  scenario.iterations = iterations / chunks;
  scenario.warm_up = values.count("warm_up").value_or(0);
  if (values.has("iterations") && iterations == 0) {
    values.complain("iterations", "0 iterations show nothing", "give at least 1, or leave the key out");
  }
  if (iterations % chunks != 0) {
    values.complain(values.is_overridden("iterations") ? "iterations" : "chunks.runs",
                    fmt::format("{} iterations cannot be divided into {} equal chunks", iterations, chunks),
                    "take a multiple");
  }
  if (values.has("chunks.runs") && !values.has("iterations")) {
    values.complain("chunks.runs", "there are no iterations to be divided", "add iterations = 1000");
  }
  if (scenario.iterations > 0 && scenario.warm_up >= scenario.iterations) {
    values.complain(values.is_overridden("iterations") ? "iterations" : "warm_up",
                    fmt::format("a warm_up of {} leaves nothing of {} iterations{}", scenario.warm_up,
                                scenario.iterations, chunks > 1 ? " a chunk" : ""),
                    "take more iterations or a shorter warm_up");
  }
  return iterations;
}

Placeholders define_placeholders(Values& values, const Plan& plan, const Schedule& schedule,
                                 uint64_t iterations) {
  Placeholders placeholders;
  for (const std::string& name : values.names_in("variables")) {
    if (is_one_of(name, kOwnNames)) {
      values.complain("variables." + name, fmt::format("{{{}}} has a meaning of its own", name),
                      "choose another name");
    }
    placeholders.define(name, values.scalar("variables." + name).value_or(""));
  }
  if (iterations > 0) placeholders.define("iterations", std::to_string(iterations));
  const bool is_chunk = schedule.kind == ScenarioKind::kChunks;
  // Chunks go on with what the one before has left there.
  const bool is_shared = is_chunk && !plan.part.uninterrupted;
  placeholders.define("out", fs::absolute(is_shared ? schedule.out : plan.out).lexically_normal().string());
  if (is_chunk) {
    placeholders.define("chunk", std::to_string(plan.part.chunk));
    placeholders.define("chunk_iterations", std::to_string(plan.scenario.iterations));
    placeholders.define("end_iteration", std::to_string((plan.part.chunk + 1) * plan.scenario.iterations));
  }
  return placeholders;
}

// What is wrong with a name that is not defined, and the mend.
std::pair<std::string, std::string> unknown_placeholder(const std::string& name,
                                                        const Placeholders& placeholders) {
  if (name == "iterations") {
    return {"arguments speak of {iterations}, and there is no such key", "add iterations = 100"};
  }
  if (is_one_of(name, kOwnNames)) {
    return {fmt::format("{{{}}} is a part of [chunks], and there are none", name),
            "add [chunks] with runs = 10"};
  }
  return {fmt::format("there is no variable {{{}}}{}", name, did_you_mean(name, placeholders.names())),
          fmt::format("add {} to [variables], or write {{{{{}}}}} for the word in its braces", name, name)};
}

std::vector<std::string> read_words(Values& values, std::string_view key, Placeholders& placeholders) {
  std::vector<std::string> words = values.texts(key).value_or(std::vector<std::string>());
  for (size_t i = 0; i < words.size(); ++i) {
    const auto filled = placeholders.fill(words[i]);
    if (filled) {
      words[i] = *filled;
    } else {
      const auto [what, mend] = unknown_placeholder(filled.error(), placeholders);
      values.complain_element(key, i, what, mend);
    }
  }
  return words;
}

// The words after the program. Those for resuming are read in the first chunk, too: a mistake in them should
// not depend on it.
void read_arguments(Values& values, ScenarioKind kind, Placeholders& placeholders, Plan& plan) {
  std::vector<std::string>& command = plan.scenario.command;
  command = read_words(values, "arguments", placeholders);
  const std::vector<std::string> more = read_words(values, "resume_arguments", placeholders);
  if (plan.part.chunk > 0) command.insert(command.end(), more.begin(), more.end());
  if (kind != ScenarioKind::kChunks && values.has("resume_arguments")) {
    values.complain("resume_arguments", "nothing is resumed without [chunks]", "add [chunks] with runs = 10");
  }
}

void read_environment(Values& values, Placeholders& placeholders, Plan& plan) {
  for (const std::string& name : values.names_in("environment")) {
    const std::string key = "environment." + name;
    if (is_one_of(name, kOwnEnvironment)) {
      values.complain(key, fmt::format("{} is set by leakhunt itself", name),
                      name == "LEAKHUNT_DEFECT" ? "write defect = \"...\"" : "leave it out");
    }
    const auto filled = placeholders.fill(values.text(key).value_or(""));
    if (filled) {
      plan.environment[name] = *filled;
    } else {
      const auto [what, mend] = unknown_placeholder(filled.error(), placeholders);
      values.complain(key, what, mend);
    }
  }
}

void read_program(Values& values, const ScheduleRequest& request, Plan& plan) {
  const std::optional<std::string> name = values.text("program");
  if (!name || name->empty()) {
    return values.complain("program", "no program is given", "add program = \"train_full_instrumented\"");
  }
  const fs::path beside_file = fs::absolute(request.file).parent_path();
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
  values.read_limits(budget);
}

// As seen from the scenario's file.
void read_baseline(Values& values, const ScheduleRequest& request, Plan& plan) {
  const std::optional<std::string> baseline = values.text("baseline");
  if (!baseline) return;
  plan.baseline = (request.file.parent_path() / *baseline).lexically_normal();
  if (baseline->empty()) values.complain("baseline", "an empty name", "give the path of a baseline");
}

// `used` collects the placeholders that it asks for.
Plan read_run(Values& values, const ScheduleRequest& request, const Schedule& schedule,
              const Expansion& expansion, const Part& part, std::set<std::string>& used) {
  Plan plan;
  plan.part = part;
  plan.out = schedule.out / part.directory;
  if (part.directory.empty()) plan.out = schedule.out;  // no / at its end
  recording::Scenario& scenario = plan.scenario;
  scenario.source = request.file.string();
  scenario.name = schedule.name + (part.directory.empty() ? "" : "/" + part.directory);
  scenario.description = values.text("description").value_or("");
  scenario.defect = request.defect.empty() ? values.text("defect").value_or("") : request.defect;
  // What is expected of several runs together is expected of none.
  if (schedule.kind == ScenarioKind::kSingle) scenario.expected_verdict = schedule.expected_verdict;
  const uint64_t iterations = read_iterations(values, part.uninterrupted ? 1 : expansion.chunks, scenario);
  Placeholders placeholders = define_placeholders(values, plan, schedule, iterations);
  read_arguments(values, schedule.kind, placeholders, plan);
  read_environment(values, placeholders, plan);
  read_budget(values, plan.budget);
  read_baseline(values, request, plan);
  plan.timeout = values.duration("timeout");
  read_program(values, request, plan);
  used.insert(placeholders.used().begin(), placeholders.used().end());
  return plan;
}

// --- what no run asked for ---------------------------------------------------------------------------------

void check_length_is_told(Values& values, const std::set<std::string>& used) {
  const bool is_told =
      std::any_of(used.begin(), used.end(), [](const auto& name) { return is_one_of(name, kLengths); });
  if (is_told || !values.is_overridden("iterations")) return;
  values.complain("iterations", "the program would not learn of it: its arguments have no {iterations}",
                  "add \"--iterations\", \"{iterations}\" to the scenario's arguments");
}

// A swept name that is in no argument was perhaps meant to be a key.
void check_variables_are_used(Values& values, const std::set<std::string>& used) {
  std::vector<std::string_view> keys;
  for (const KeyRule& rule : kRules) keys.push_back(rule.path);
  for (const std::string& name : values.names_in("variables")) {
    if (used.contains(name)) continue;
    const std::string path = "variables." + name;
    values.complain(path,
                    fmt::format("nothing uses {{{}}}{}", name,
                                values.is_swept(path) ? did_you_mean(name, keys) : std::string()),
                    "put it into arguments or [environment], or leave it out");
  }
}

}  // namespace

bool is_scenario_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_allowed);
}

tl::expected<Schedule, std::string> make_schedule(const ScheduleRequest& request) {
  auto values = ScenarioValues::read(request.file, request.overrides, kRules);
  if (!values) return tl::unexpected(values.error());
  Schedule schedule;
  read_name(*values, request.file, schedule);
  read_expectation(*values, schedule);
  read_same_file(*values, schedule);
  const Expansion expansion = expand(*values);
  schedule.kind = expansion.kind;
  schedule.axis = axis_of(expansion);
  check_injected(*values, request, expansion, schedule);
  schedule.out = request.out;
  if (request.out.empty())
    schedule.out = fs::path("out") / (schedule.name + (request.defect.empty() ? "" : "+" + request.defect));
  std::set<std::string> used;
  for (size_t i = 0; i < expansion.parts.size(); ++i) {
    if (expansion.swept) values->take_swept(*expansion.swept, i);
    schedule.runs.push_back(read_run(*values, request, schedule, expansion, expansion.parts[i], used));
  }
  if (expansion.uninterrupted) {
    schedule.uninterrupted = read_run(*values, request, schedule, expansion, *expansion.uninterrupted, used);
  }
  if (schedule.kind == ScenarioKind::kSingle) {
    read_race(*values, request, schedule);
  } else if (values->has("throughput")) {
    values->complain("throughput", "the speed of a sweep, or of chunks, is compared with no twin",
                     "leave out [throughput], or make a scenario of one run of it");
  }
  check_length_is_told(*values, used);
  check_variables_are_used(*values, used);
  if (values->complaint()) return tl::unexpected(*values->complaint());
  return schedule;
}

}  // namespace leakhunt::runner
