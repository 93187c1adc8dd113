// report.json of several runs: schema 1, with the keys of a single run's where they mean the same.
#include <ostream>

#include "reports/formats/formats.h"
#include "reports/formats/json_values.h"

namespace leakhunt::reports {

namespace {

Json texts_of(const std::vector<Check>& checks) {
  Json texts = Json::array();
  for (const Check& check : checks) texts.push_back(check.text);
  return texts;
}

// The figures that a run and the whole have in common.
void put_figures(Json& object, const ComparedRun& run) {
  object["iterations"] = run.iterations;
  object["iterations_per_second"] = or_null(run.per_second);
  object["peak_rss_bytes"] = run.peak_rss_bytes;
  object["growth_bytes_per_iteration"] = or_null(run.growth);
  object["live_bytes_end"] = run.live_bytes_end;
  object["rss_bytes_end"] = run.rss_bytes_end;
  object["wall_seconds"] = run.wall_seconds;
}

Json run_json(const ComparedRun& run) {
  Json object;
  std::visit([&](const auto& value) { object["value"] = value; }, run.variation.value);
  object["verdict"] = std::string(to_string(run.verdict));
  put_figures(object, run);
  object["directory"] = run.variation.directory;
  object["target_failed"] = run.verdict == Verdict::kTargetFailed;
  object["exit_status"] = exit_status(run.verdict);
  object["reasons"] = texts_of(run.reasons);
  return object;
}

// What decided, for each run that did not pass.
Json reasons_json(const Comparison& comparison) {
  Json reasons = Json::array();
  for (const ComparedRun& run : comparison.runs) {
    if (run.verdict == Verdict::kPass || run.reasons.empty()) continue;
    reasons.push_back(comparison.axis + " " + run.variation.label + ": " + run.reasons.front().text);
  }
  for (const Check& check : comparison.checks) {
    if (check.state != CheckState::kPassed) reasons.push_back(check.text);
  }
  if (!comparison.stopped_for.empty()) reasons.push_back(comparison.stopped_for);
  return reasons;
}

}  // namespace

void write_comparison_json(const Comparison& comparison, std::ostream& out) {
  const Verdict verdict = verdict_of(comparison);
  Json json;
  json["schema"] = 1;
  json["verdict"] = std::string(to_string(verdict));
  json["reasons"] = reasons_json(comparison);
  json["conclusion"] = conclusion_of(comparison);
  const ComparedRun total = total_of(comparison);
  if (comparison.sums_up) {
    put_figures(json, total);
  } else {  // a mean over values would be nobody's figure
    json["iterations"] = total.iterations;
    json["peak_rss_bytes"] = total.peak_rss_bytes;
  }
  json["target_failed"] = verdict == Verdict::kTargetFailed;
  json["exit_status"] = exit_status(verdict);
  json["scenario"] = {{"name", comparison.name}, {"description", comparison.description}};
  json["axis"] = comparison.axis;
  json["runs_planned"] = comparison.planned;
  json["stopped_for"] = comparison.stopped_for;
  json["checks"] = texts_of(comparison.checks);
  json["runs"] = Json::array();
  for (const ComparedRun& run : comparison.runs) json["runs"].push_back(run_json(run));
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace leakhunt::reports
