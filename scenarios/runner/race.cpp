#include "scenarios/runner/race.h"

#include <fmt/format.h>

#include "scenarios/runner/catalogue.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kShortRun = 12;  // iterations
constexpr uint64_t kWarmUp = 2;
constexpr uint64_t kLeastIterations = 6;
constexpr uint64_t kMostPairs = 100;

void read_numbers(ScenarioValues& values, Race& race) {
  race.least_ratio = values.number("throughput.least").value_or(0);
  if (race.least_ratio <= 0 || race.least_ratio > 1) {
    values.complain("throughput.least", "the least share of the twin's speed is above 0 and at most 1",
                    "write least = 0.75");
  }
  race.pairs = values.count("throughput.pairs").value_or(race.pairs);
  if (race.pairs == 0 || race.pairs > kMostPairs) {
    values.complain("throughput.pairs",
                    fmt::format("{} pairs of short runs are none or too many", race.pairs),
                    "write pairs = 9");
  }
  race.processors = values.count("throughput.processors").value_or(1);
  race.clues = values.texts("throughput.clues").value_or(std::vector<std::string>());
}

// Shorter iterations for both, where the usual ones take long: arguments=["..."].
std::optional<std::string> argument_override(ScenarioValues& values) {
  const auto words = values.texts("throughput.arguments");
  if (!words) return std::nullopt;
  std::string list;
  for (const std::string& word : *words) {
    list += list.empty() ? "\"" : ", \"";
    for (const char c : word) {
      if (c == '"' || c == '\\') list += '\\';
      list += c;
    }
    list += '"';
  }
  return "arguments=[" + list + "]";
}

// The only run of the file, with as many iterations as a short run has. The complaint is about `key`.
std::optional<Plan> short_run(ScenarioValues& values, std::string_view key, ScheduleRequest request,
                              uint64_t iterations) {
  request.for_race = true;
  request.overrides.push_back(fmt::format("iterations={}", iterations));
  request.overrides.push_back(fmt::format("warm_up={}", kWarmUp));
  auto schedule = make_schedule(request);
  if (!schedule) {
    values.complain(key, fmt::format("its short run cannot be made ({})", schedule.error()),
                    "mend that first");
    return std::nullopt;
  }
  if (schedule->kind != ScenarioKind::kSingle) {
    values.complain(key, "a sweep, or chunks, cannot be raced", "race a scenario of one run");
    return std::nullopt;
  }
  Plan plan = std::move(schedule->runs.front());
  plan.scenario.expected_verdict.clear();
  plan.budget.growth_bytes_per_iteration.reset();  // too short for that; the whole run judges it
  plan.budget.limits.clear();
  plan.budget.suppressions.clear();
  return plan;
}

}  // namespace

void read_race(ScenarioValues& values, const ScheduleRequest& request, Schedule& schedule) {
  if (!values.has("throughput") || request.for_race) return;
  Race race;
  read_numbers(values, race);
  const std::string twin = values.text("throughput.twin").value_or("");
  const auto file = find_scenario(fs::absolute(request.file).parent_path(), twin);
  if (twin.empty() || !file) {
    return values.complain(twin.empty() ? "throughput" : "throughput.twin",
                           twin.empty() ? "no healthy twin is named" : file.error(),
                           "write twin = \"short_small\", a scenario beside this file");
  }
  const uint64_t iterations = values.count("throughput.iterations").value_or(kShortRun);
  if (iterations < kLeastIterations) {
    return values.complain("throughput.iterations", fmt::format("{} iterations tell no speed", iterations),
                           fmt::format("write at least {}", kLeastIterations));
  }
  const auto arguments = argument_override(values);
  ScheduleRequest of_subject = request;
  if (arguments) of_subject.overrides.push_back(*arguments);
  auto subject = short_run(values, "throughput", std::move(of_subject), iterations);
  ScheduleRequest of_twin;
  of_twin.file = *file;
  of_twin.program_directory = request.program_directory;
  if (arguments) of_twin.overrides.push_back(*arguments);
  auto other = short_run(values, "throughput.twin", std::move(of_twin), iterations);
  if (!subject || !other) return;
  race.subject = std::move(*subject);
  race.twin = std::move(*other);
  schedule.race = std::move(race);
}

}  // namespace leakhunt::runner
