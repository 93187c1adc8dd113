#include "cli/several_runs.h"

#include <algorithm>
#include <cstring>
#include <iostream>
#include <optional>

#include <fmt/format.h>

#include "cli/expectation.h"
#include "cli/messages.h"
#include "cli/planned_run.h"
#include "cli/same_file.h"
#include "cli/until_certain.h"
#include "reports/formats/formats.h"
#include "reports/formats/units.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

constexpr size_t kDirectoriesShown = 8;

reports::Comparison comparison_for(const runner::Schedule& schedule) {
  reports::Comparison comparison;
  comparison.name = schedule.name;
  comparison.description = schedule.runs.front().scenario.description;
  comparison.axis = schedule.axis;
  comparison.sums_up = schedule.kind == runner::ScenarioKind::kChunks;
  comparison.planned = schedule.runs.size();
  return comparison;
}

// "[2/5] sweep_iterations/500"
std::string shown_name(const runner::Schedule& schedule, size_t number) {
  return fmt::format("[{}/{}] {}", number + 1, schedule.runs.size(), schedule.runs[number].scenario.name);
}

// One line that stays, where the bar has gone.
void say_how_it_went(const std::string& shown, const reports::ComparedRun& run) {
  std::string text = fmt::format("{}: {}", shown, reports::to_string(run.verdict));
  if (run.verdict == reports::Verdict::kTargetFailed) text = fmt::format("{}: the program failed", shown);
  if (run.per_second) text += fmt::format(", {} it/s", reports::human_rate(*run.per_second));
  say(fmt::format("{}, peak RSS {}", text, reports::human_bytes(static_cast<int64_t>(run.peak_rss_bytes))));
}

void take_report(const reports::Report& report, const runner::Schedule& schedule, size_t number,
                 const std::string& lead, SeveralRuns& outcome) {
  const runner::Part& part = schedule.runs[number].part;
  outcome.comparison.runs.push_back(reports::compared_run(report, {part.value, part.label, part.directory}));
  say_how_it_went(lead + shown_name(schedule, number), outcome.comparison.runs.back());
  if (number + 1 == schedule.runs.size()) {
    outcome.diagnosis = compare_diagnoses(report, schedule.diagnoses);
    outcome.missed = missed_diagnosis(outcome.diagnosis);
  }
  if (report.verdict() == reports::Verdict::kFail && outcome.missed.empty())
    outcome.missed = missed_finding(report, schedule, fmt::format("with {} {}, ", schedule.axis, part.label));
}

// The error is why nothing more can be run.
tl::expected<void, std::string> run_one(const runner::Schedule& schedule, size_t number,
                                        const std::string& lead, const Surroundings& surroundings,
                                        runner::SignalWatch& signals, const RunOptions& options,
                                        SeveralRuns& outcome) {
  const runner::Plan& plan = schedule.runs[number];
  const auto out = runner::OutputDirectory::open(plan.out);
  if (!out) return tl::unexpected(out.error());
  auto judge = live_judge(options.until_certain, schedule, plan);
  if (!judge) return tl::unexpected(judge.error());
  runner::Order order = order_of(plan, lead + shown_name(schedule, number), surroundings);
  order.judge = std::move(*judge);
  const auto watched = runner::conduct(order, *out, signals);
  if (!watched) return tl::unexpected(watched.error());
  outcome.interrupted_by = watched->interrupted_by;
  const auto judged = conclude(*watched, *out);
  if (judged) {
    take_report(judged->report, schedule, number, lead, outcome);
    return keep_in_history(judged->report, options.history);
  } else if (outcome.interrupted_by == 0) {
    return tl::unexpected(judged.error());
  }
  return {};
}

void print_written(const reports::Comparison& comparison, const runner::Schedule& schedule,
                   const runner::OutputDirectory& out) {
  std::cout << "wrote " << fs::proximate(out.path()).string() << "/: report.txt report.json";
  const size_t count = comparison.runs.size();
  for (size_t i = 0; i < count; ++i) {
    const bool is_left_out = count > kDirectoriesShown && i >= kDirectoriesShown / 2 && i + 1 < count;
    if (!is_left_out) std::cout << ' ' << comparison.runs[i].variation.directory << '/';
    if (is_left_out && i == kDirectoriesShown / 2) std::cout << " ...";
  }
  if (schedule.uninterrupted && !comparison.checks.empty())
    std::cout << ' ' << schedule.uninterrupted->part.directory << '/';
  std::cout << '\n' << std::flush;
}

// The same in one go, and what both have left. A program that fails here leaves a file that is not the same.
tl::expected<void, std::string> compare_with_whole(const runner::Schedule& schedule, const std::string& lead,
                                                   const Surroundings& surroundings,
                                                   runner::SignalWatch& signals, SeveralRuns& outcome) {
  const runner::Plan& plan = *schedule.uninterrupted;
  const auto out = runner::OutputDirectory::open(plan.out);
  if (!out) return tl::unexpected(out.error());
  const auto watched =
      runner::conduct(order_of(plan, lead + plan.scenario.name, surroundings), *out, signals);
  if (!watched) return tl::unexpected(watched.error());
  outcome.interrupted_by = watched->interrupted_by;
  if (const auto judged = conclude(*watched, *out); !judged) return tl::unexpected(judged.error());
  outcome.comparison.checks.push_back(compare_with_uninterrupted(
      schedule.same_file, schedule.out / schedule.same_file, plan.out / schedule.same_file));
  const auto failed = [](const reports::ComparedRun& run) { return run.verdict == reports::Verdict::kFail; };
  const auto& runs = outcome.comparison.runs;
  if (outcome.missed.empty() && std::none_of(runs.begin(), runs.end(), failed))
    outcome.missed = missed_reason(outcome.comparison.checks, schedule);
  return {};
}

}  // namespace

SeveralRuns conduct_several(const runner::Schedule& schedule, const std::string& lead,
                            const Surroundings& surroundings, runner::SignalWatch& signals,
                            const RunOptions& options) {
  SeveralRuns outcome;
  outcome.comparison = comparison_for(schedule);
  for (size_t i = 0; i < schedule.runs.size(); ++i) {
    if (const auto done = run_one(schedule, i, lead, surroundings, signals, options, outcome); !done) {
      outcome.problem = done.error();
      break;
    }
    const bool is_last = i + 1 == schedule.runs.size();
    const auto caught = is_last ? std::nullopt : signals.wait(std::chrono::nanoseconds(0));
    if (caught && outcome.interrupted_by == 0) outcome.interrupted_by = caught->number;
    if (outcome.interrupted_by != 0) break;
  }
  const bool is_whole = outcome.problem.empty() && outcome.interrupted_by == 0;
  if (is_whole && schedule.uninterrupted) {
    const auto done = compare_with_whole(schedule, lead, surroundings, signals, outcome);
    if (!done) outcome.problem = done.error();
  }
  outcome.comparison.stopped_for = outcome.problem;
  if (outcome.interrupted_by != 0)
    outcome.comparison.stopped_for =
        fmt::format("interrupted by SIG{}", sigabbrev_np(outcome.interrupted_by));
  return outcome;
}

tl::expected<void, std::string> write_comparison(const reports::Comparison& comparison,
                                                 const runner::OutputDirectory& out) {
  out.clear();  // a single run's, perhaps
  auto written = write_file(out.path() / "report.txt", [&](std::ostream& stream) {
    reports::write_comparison_text(comparison, stream);
  });
  if (!written) return written;
  return write_file(out.path() / "report.json",
                    [&](std::ostream& stream) { reports::write_comparison_json(comparison, stream); });
}

int run_several(const runner::Schedule& schedule, const Surroundings& surroundings,
                const RunOptions& options) {
  const auto out = runner::OutputDirectory::open(schedule.out);
  if (!out) return refuse(out.error());
  runner::SignalWatch signals;  // a key between two runs counts as well
  const SeveralRuns outcome = conduct_several(schedule, "", surroundings, signals, options);
  const reports::Comparison& comparison = outcome.comparison;
  if (!comparison.runs.empty()) {
    const auto written = write_comparison(comparison, *out);
    if (!written) return refuse(written.error());
    reports::write_comparison_text(comparison, std::cout);
    std::cout << '\n';
    if (comparison.stopped_for.empty())
      std::cout << compare_with_expectation(reports::verdict_of(comparison), schedule, outcome.missed);
    print_written(comparison, schedule, *out);
  }
  if (outcome.interrupted_by != 0) return kSignalled + outcome.interrupted_by;
  if (!outcome.problem.empty()) return refuse(outcome.problem);
  return reports::exit_status(reports::verdict_of(comparison));
}

}  // namespace leakhunt::cli
