#include "cli/trials.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include <fmt/format.h>

#include "cli/expectation.h"
#include "cli/messages.h"
#include "cli/planned_run.h"
#include "cli/race.h"
#include "cli/several_runs.h"
#include "cli/until_certain.h"
#include "reports/comparison.h"
#include "reports/formats/escape.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/units.h"
#include "scenarios/runner/conduct.h"

namespace leakhunt::cli {

namespace {

void take_first_finding(const reports::Report& report, TrialResult& row) {
  if (report.findings.empty()) return;
  const reports::Finding& first = report.findings.front();
  row.found_tag = first.tag ? report.run->tags[static_cast<size_t>(*first.tag)].name : "the process";
  if (first.sites.empty()) return;
  const auto* frame = report.growth.sites[static_cast<size_t>(first.sites.front())].attribution.frame();
  if (frame != nullptr && !frame->file.empty()) {
    row.found_place =
        fmt::format("{}:{}", std::filesystem::path(frame->file).filename().string(), frame->line);
  }
}

void take(const reports::ComparedRun& run, TrialResult& row) {
  row.growth = run.growth;
  row.peak_rss_bytes = run.peak_rss_bytes;
  row.per_second = run.per_second;
}

// The error is why there is no verdict.
tl::expected<void, std::string> run_single(const Trial& trial, const std::string& lead,
                                           const std::string& until_certain, const Surroundings& surroundings,
                                           runner::SignalWatch& signals, TrialResult& row,
                                           int& interrupted_by) {
  const auto out = runner::OutputDirectory::open(trial.schedule.out);
  if (!out) return tl::unexpected(out.error());
  const runner::Plan& plan = trial.schedule.runs.front();
  auto judge = live_judge(until_certain, trial.schedule, plan);
  if (!judge) return tl::unexpected(judge.error());
  runner::Order order = order_of(plan, lead + trial.name, surroundings);
  order.judge = std::move(*judge);
  auto watched = runner::conduct(order, *out, signals);
  if (!watched) return tl::unexpected(watched.error());
  auto raced = race_with_twin(trial.schedule, lead + trial.name, surroundings, signals, *out, *watched);
  if (!raced) return raced;
  interrupted_by = watched->interrupted_by;
  const auto judged = conclude(*watched, *out);
  if (!judged) return tl::unexpected(judged.error());
  row.verdict = judged->report.verdict();
  take_first_finding(judged->report, row);
  row.unmet = unmet_expectation(*row.verdict, trial.schedule, missed_finding(judged->report, trial.schedule));
  row.diagnosis = compare_diagnoses(judged->report, trial.schedule.diagnoses);
  take(reports::compared_run(judged->report, {}), row);
  return {};
}

tl::expected<void, std::string> run_several(const Trial& trial, const std::string& lead,
                                            const std::string& until_certain,
                                            const Surroundings& surroundings, runner::SignalWatch& signals,
                                            TrialResult& row, int& interrupted_by) {
  const auto out = runner::OutputDirectory::open(trial.schedule.out);
  if (!out) return tl::unexpected(out.error());
  const SeveralRuns outcome =
      conduct_several(trial.schedule, lead, surroundings, signals, {{}, until_certain});
  interrupted_by = outcome.interrupted_by;
  if (outcome.comparison.runs.empty()) return tl::unexpected(outcome.problem);
  if (auto written = write_comparison(outcome.comparison, *out); !written) return written;
  row.verdict = reports::verdict_of(outcome.comparison);
  row.unmet = unmet_expectation(*row.verdict, trial.schedule, outcome.missed);
  row.diagnosis = outcome.diagnosis;
  take(reports::total_of(outcome.comparison), row);
  if (trial.schedule.kind == runner::ScenarioKind::kSweep) {
    // Its runs are no parts of one: the steepest, instead of the mean.
    for (const reports::ComparedRun& run : outcome.comparison.runs)
      row.growth = std::max(row.growth, run.growth);
  }
  if (!outcome.problem.empty()) return tl::unexpected(outcome.problem);
  return {};
}

TrialResult run_one(const Trial& trial, const std::string& lead, const std::string& until_certain,
                    const Surroundings& surroundings, runner::SignalWatch& signals, int& interrupted_by) {
  TrialResult row;
  row.name = trial.row;
  row.expected = trial.schedule.expected_verdict;
  const auto begin = std::chrono::steady_clock::now();
  const auto run = trial.schedule.kind == runner::ScenarioKind::kSingle ? run_single : run_several;
  if (const auto done = run(trial, lead, until_certain, surroundings, signals, row, interrupted_by); !done) {
    row.unmet = done.error();
  }
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  say(fmt::format(
      "{}{}: {}{}, {:.0f} s", lead, trial.name, row.verdict ? reports::to_string(*row.verdict) : "no verdict",
      row.unmet.empty() ? (row.expected.empty() ? "" : ", as expected") : ", NOT as expected", row.seconds));
  return row;
}

TrialResult result_of(const std::vector<Trial>& trials, size_t i, const TrialResults& results,
                      const std::string& lead, const std::string& until_certain,
                      const Surroundings& surroundings, runner::SignalWatch& signals, int& interrupted_by) {
  const Trial& trial = trials[i];
  if (!trial.same_as) return run_one(trial, lead, until_certain, surroundings, signals, interrupted_by);
  TrialResult same = results.rows[*trial.same_as];
  same.name = trial.row;
  say(fmt::format("{}{}: the same run as {}", lead, trial.name, trials[*trial.same_as].name));
  return same;
}

std::vector<std::string> cells_of(const TrialResult& row) {
  return {reports::escape_line(row.name),
          row.verdict ? std::string(reports::to_string(*row.verdict)) : "-",
          row.growth ? reports::human_slope(*row.growth) : "-",
          reports::human_bytes(static_cast<int64_t>(row.peak_rss_bytes)),
          row.per_second ? reports::human_rate(*row.per_second) : "-",
          reports::escape_line(row.found_tag),
          reports::escape_line(row.found_place),
          row.expected.empty() ? "-" : (row.unmet.empty() ? "yes" : "NO")};
}

// Each part of what the scenarios expect to be said of their defects.
void print_diagnoses(const TrialResults& results) {
  bool any = false;
  for (const TrialResult& row : results.rows) {
    for (const DiagnosisRow& diagnosis : row.diagnosis) {
      std::string parts;
      for (const std::string& part : diagnosis.right) parts += (parts.empty() ? "" : ", ") + part;
      for (const std::string& part : diagnosis.wrong) parts += (parts.empty() ? "NOT " : ", NOT ") + part;
      reports::write_wrapped(std::cout, diagnosis.wrong.empty() ? "  ✓ " : "  ✗ ",
                             fmt::format("{}, tag {}: {}", reports::escape_line(row.name),
                                         reports::escape_line(diagnosis.tag), parts));
      any = true;
    }
  }
  if (any) std::cout << '\n';
}

}  // namespace

TrialResults run_trials(const std::vector<Trial>& trials, const Surroundings& surroundings,
                        const std::string& until_certain) {
  TrialResults results;
  results.planned = trials.size();
  runner::SignalWatch signals;  // a key between two runs counts as well
  for (size_t i = 0; i < trials.size() && results.interrupted_by == 0; ++i) {
    const std::string lead = fmt::format("[{}/{}] ", i + 1, trials.size());
    const std::string why = until_certain.empty() ? "" : why_to_the_end(trials[i].schedule);
    if (!why.empty()) say(fmt::format("{}to its end: {}", lead, why));
    results.rows.push_back(
        result_of(trials, i, results, lead, until_certain, surroundings, signals, results.interrupted_by));
    const auto caught = signals.wait(std::chrono::nanoseconds(0));
    if (caught && results.interrupted_by == 0) results.interrupted_by = caught->number;
  }
  return results;
}

void print_trials(const TrialResults& results) {
  using Fit = reports::Column::Fit;
  reports::TextTable table({{"scenario", false, Fit::kMiddle},
                            {"verdict"},
                            {"growth/it", true},
                            {"peak RSS", true},
                            {"it/s", true},
                            {"first finding", false, Fit::kMiddle},
                            {"at", false, Fit::kFront},
                            {"expected"}});
  for (const TrialResult& row : results.rows) table.add(cells_of(row));
  table.write(std::cout, 2);
  std::cout << '\n';
  print_diagnoses(results);
  const auto is_met = [](const TrialResult& row) { return row.unmet.empty(); };
  const auto met = std::count_if(results.rows.begin(), results.rows.end(), is_met);
  for (const TrialResult& row : results.rows) {
    if (!row.unmet.empty())
      reports::write_wrapped(std::cout, "  ✗ ",
                             fmt::format("{}: {}", row.name, reports::escape_line(row.unmet)));
  }
  if (results.rows.size() < results.planned)
    reports::write_wrapped(
        std::cout, "  ? ",
        fmt::format("interrupted: {} of {} were begun", results.rows.size(), results.planned));
  std::cout << fmt::format("  {} of {} came out as expected\n", met, results.planned) << std::flush;
}

int exit_status(const TrialResults& results) {
  if (results.interrupted_by != 0) return kSignalled + results.interrupted_by;
  const auto is_met = [](const TrialResult& row) { return row.unmet.empty(); };
  return std::all_of(results.rows.begin(), results.rows.end(), is_met) ? 0 : 1;
}

}  // namespace leakhunt::cli
