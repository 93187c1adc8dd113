#include "cli/verdict_line.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace leakhunt::cli {

namespace {

// What was limited, kept and is no growth: "the process: memory lost at its end 0 B is within ..."; or empty.
std::string kept_limit(const std::vector<reports::Check>& checks) {
  const auto kept = std::find_if(checks.begin(), checks.end(), [](const reports::Check& check) {
    return check.state == reports::CheckState::kPassed && !check.subject.empty();
  });
  return kept == checks.end() ? "" : kept->text + "; ";
}

std::string reason(const reports::Report& report) {
  const auto& checks = report.judgement.checks;
  if (report.verdict() != reports::Verdict::kPass && !checks.empty()) return checks.front().text;
  if (report.growth.process.kind == reports::GrowthClass::kUnjudged)
    return kept_limit(checks) + "too short to judge growth";
  const bool marked = report.timeline.clock == reports::Clock::kIterations;
  return fmt::format("no growth over {} {}", report.timeline.judged_steps(),
                     marked ? "iterations" : "ticks of the clock");
}

}  // namespace

std::string verdict_line(const reports::Report& report) {
  const bool is_none = report.verdict() == reports::Verdict::kTargetFailed;
  return fmt::format("{}: {}", is_none ? "no verdict" : reports::to_string(report.verdict()), reason(report));
}

}  // namespace leakhunt::cli
