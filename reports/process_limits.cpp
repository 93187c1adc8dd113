#include "reports/process_limits.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "reports/analysis/scope.h"
#include "reports/formats/escape.h"

namespace leakhunt::reports {

namespace {

using recording::Cost;
using recording::Limit;

constexpr size_t kCommandShown = 60;
constexpr size_t kProgramsShown = 5;

std::string name_of(const ProcessRow& row) {
  return fmt::format("process {} ({})", row.pid, shorten_middle(escape_line(row.command), kCommandShown));
}

const LimitFigure* figure_of(const ProcessRow& row, size_t limit) {
  const auto is_its = [&](const LimitFigure& figure) { return figure.limit == limit; };
  const auto found = std::find_if(row.figures.begin(), row.figures.end(), is_its);
  return found == row.figures.end() ? nullptr : &*found;
}

// One limit over all processes that it names.
struct Gathered {
  size_t processes = 0;  // that run a program of that name
  size_t unjudged = 0;   // of them: without a figure, for want of iterations or of more
  double sum = 0;
  double undecided = 0;               // the sum of what may be growth besides
  const ProcessRow* worst = nullptr;  // of those that were measured
  const LimitFigure* figure = nullptr;
  const ProcessRow* doubted = nullptr;  // the worst, if what is undecided is growth
  double doubted_value = 0;
  const LimitFigure* unmeasured = nullptr;  // the first, one that is more than absent before others
};

Gathered gather(const std::vector<ProcessRow>& rows, const Limit& limit, size_t number) {
  Gathered all;
  for (const ProcessRow& row : rows) {
    const LimitFigure* figure = figure_of(row, number);
    if (figure == nullptr) continue;
    ++all.processes;
    if (!figure->measured.value) {
      if (!figure->measured.is_absent) ++all.unjudged;
      if (all.unmeasured == nullptr || all.unmeasured->measured.is_absent) all.unmeasured = figure;
      continue;
    }
    all.sum += *figure->measured.value;
    all.undecided += figure->measured.undecided;
    const double doubted = *figure->measured.value + figure->measured.undecided;
    if (figure->measured.undecided > 0 && doubted > all.doubted_value) {
      all.doubted = &row;
      all.doubted_value = doubted;
    }
    const bool is_floor = limit.cost == Cost::kIterationsPerSecond;
    const bool worse =
        all.figure == nullptr || (is_floor ? *figure->measured.value < *all.figure->measured.value
                                           : *figure->measured.value > *all.figure->measured.value);
    if (!worse) continue;
    all.worst = &row;
    all.figure = figure;
  }
  return all;
}

std::string programs_of(const std::vector<ProcessRow>& rows) {
  std::set<std::string> programs;
  for (const ProcessRow& row : rows) programs.insert(row.program);
  std::string text;
  size_t shown = 0;
  for (const std::string& program : programs) {
    if (shown++ == kProgramsShown) return text + ", ...";
    text += (text.empty() ? "" : ", ") + escape_line(program);
  }
  return text;
}

// What a pass leaves open: processes without a figure are no part of it.
std::string left_open(const Gathered& all) {
  if (all.unjudged == 0) return {};
  return fmt::format("; {} more {} not checked: {}", all.unjudged, all.unjudged == 1 ? "is" : "are",
                     all.unmeasured->measured.why_not);
}

Check check_of(const std::vector<ProcessRow>& rows, const Limit& limit, size_t number) {
  const Gathered all = gather(rows, limit, number);
  if (all.processes == 0) {
    Measured absent;
    absent.is_absent = true;
    absent.why_not = "no process of the run runs a program of that name; there are " + programs_of(rows);
    return hold_against(limit, absent, "", "");
  }
  if (all.figure == nullptr) return hold_against(limit, all.unmeasured->measured, "", "");
  const size_t judged = all.processes - all.unjudged;
  const std::string count = fmt::format("{} process{}", judged, judged == 1 ? "" : "es");
  if (limit.scope.together) {
    Measured sum{all.sum};
    sum.undecided = all.undecided;
    Check check = hold_against(limit, sum, " of " + count,
                               fmt::format("; the most in {}{}", name_of(*all.worst), all.figure->cause));
    check.text += left_open(all);
    return check;
  }
  const auto held = [&](const ProcessRow& row) {
    const LimitFigure& figure = *figure_of(row, number);
    return hold_against(limit, figure.measured, fmt::format(" in {}, the worst of {},", name_of(row), count),
                        figure.cause);
  };
  Check check = held(*all.worst);
  check.text += left_open(all);
  if (check.state != CheckState::kPassed || all.doubted == nullptr) return check;
  Check doubted = held(*all.doubted);
  return doubted.state == CheckState::kPassed ? check : doubted;
}

}  // namespace

std::vector<LimitFigure> measure_process_limits(const Report& report, const recording::Budget& budget) {
  std::vector<LimitFigure> figures;
  const recording::Run& run = *report.run;
  const std::string& path = run.process.executable;
  for (size_t i = 0; i < budget.limits.size(); ++i) {
    const Limit& limit = budget.limits[i];
    if (limit.scope.process.empty() ||
        !matches_name(limit.scope.process, path.substr(path.rfind('/') + 1), "/"))
      continue;
    figures.push_back({i, measure(run, report.timeline, report.growth, limit.scope, limit.cost),
                       largest_part(run, report.growth, limit)});
  }
  return figures;
}

void check_process_limits(Report& report, const std::vector<ProcessRow>& rows, size_t not_read) {
  const std::vector<Limit>& limits = report.run->budget.limits;
  for (size_t i = 0; i < limits.size(); ++i) {
    if (limits[i].scope.process.empty()) continue;
    Check check = check_of(rows, limits[i], i);
    if (not_read > 0 && check.state == CheckState::kPassed) {
      check.state = CheckState::kInconclusive;
      check.text += fmt::format("; but {} more processes were not looked at", not_read);
    }
    report.judgement.checks.push_back(std::move(check));
    const Gathered all = gather(rows, limits[i], i);
    if (all.figure != nullptr)
      report.process_figures[limits[i].name] =
          limits[i].scope.together ? all.sum : *all.figure->measured.value;
  }
  conclude(report.judgement);
}

}  // namespace leakhunt::reports
