#include "reports/history/history_text.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <ostream>

#include <fmt/format.h>

#include "lib/recording/budget.h"
#include "lib/stats/change_point.h"
#include "reports/formats/escape.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

constexpr double kRiseThatCounts = 0.01;  // of the level before
constexpr size_t kFewestForHinge = 6;
constexpr double kLeastF = 30;
constexpr size_t kWidestCurve = 80;
constexpr size_t kReasonShown = 60;

using Value = std::function<double(const HistoricRun&)>;

std::string date_of(const HistoricRun& run) {
  const uint64_t seconds = run.start_unix_ns / 1'000'000'000;
  return fmt::format("{} {:02}:{:02}", recording::date_text(seconds / 86'400), seconds / 3600 % 24,
                     seconds / 60 % 60);
}

std::vector<double> values_of(std::span<const HistoricRun> runs, const Value& value) {
  std::vector<double> values;
  for (const HistoricRun& run : runs) values.push_back(value(run));
  return values;
}

void find_growth_begin(std::span<const HistoricRun> runs, std::vector<Beginning>& found) {
  size_t first = runs.size();
  while (first > 0 && runs[first - 1].growth_bytes > 0) --first;
  if (first == 0 || first == runs.size()) return;
  found.push_back(
      {first, fmt::format("growth begins: 0 -> {} per iteration", human_slope(runs[first].growth_bytes))});
}

// The last run from which on every one is above every one before it.
std::optional<size_t> last_step(const std::vector<double>& values) {
  std::vector<double> least_after(values.size());
  for (size_t i = values.size(); i-- > 0;)
    least_after[i] = i + 1 == values.size() ? values[i] : std::min(values[i], least_after[i + 1]);
  std::optional<size_t> step;
  double most_before = values.empty() ? 0 : values.front();
  for (size_t i = 1; i < values.size(); ++i) {
    if (least_after[i] > most_before + kRiseThatCounts * std::max(1.0, most_before)) step = i;
    most_before = std::max(most_before, values[i]);
  }
  return step;
}

void find_rise(const std::vector<double>& values, const char* name,
               const std::function<std::string(double)>& text, std::vector<Beginning>& found) {
  const std::optional<size_t> step = last_step(values);
  if (!step) return;
  size_t begin = *step;
  std::string what = fmt::format("{} rises: {} -> {}", name, text(values[begin - 1]), text(values[begin]));
  // Several steps in a row are a slope: its beginning counts, not its last step.
  if (values.size() >= kFewestForHinge) {
    std::vector<stats::Point> points;
    for (size_t i = 0; i < values.size(); ++i) points.push_back({static_cast<double>(i), values[i]});
    const auto hinge = stats::hinge(points, kLeastF);
    const auto at = hinge ? static_cast<size_t>(std::max(0.0, hinge->x)) : begin;
    if (hinge && at + 1 < begin) {
      begin = at + 1;
      what = fmt::format("{} rises from run to run: {} -> {}", name, text(values[at]), text(values.back()));
    }
  }
  found.push_back({begin, what});
}

void write_curve(std::span<const HistoricRun> runs, const char* name, const Value& value,
                 const std::function<std::string(double)>& text, std::ostream& out) {
  const std::vector<double> values = values_of(runs.last(std::min(runs.size(), kWidestCurve)), value);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  out << fmt::format("  {:<24} {}  {} to {}\n", name, sparkline(values), text(*least), text(*most));
}

std::string bytes_text(double value) {
  return human_bytes(static_cast<int64_t>(value));
}

std::string slope_text(double value) {
  return value == 0 ? "0 B" : human_slope(value);
}

void write_table(std::span<const HistoricRun> runs, std::ostream& out) {
  TextTable table({{"run", true},
                   {"started (UTC)"},
                   {"label", false, Column::Fit::kMiddle},
                   {"verdict"},
                   {"iterations", true},
                   {"live at end", true},
                   {"blocks", true},
                   {"growth", true},
                   {"peak RSS", true},
                   {"live over the run"}});
  for (size_t i = 0; i < runs.size(); ++i) {
    const HistoricRun& run = runs[i];
    std::vector<double> curve;
    constexpr size_t kShown = 12;
    const size_t shown = std::min(kShown, run.curve.size());
    for (size_t k = 0; k < shown; ++k)
      curve.push_back(
          static_cast<double>(run.curve[k * (run.curve.size() - 1) / std::max<size_t>(1, shown - 1)]));
    table.add({std::to_string(i + 1), date_of(run), escape_line(shorten_middle(run.label, 20)), run.verdict,
               human_count(static_cast<int64_t>(run.iterations)), human_bytes(run.end_bytes),
               human_count(run.end_blocks), slope_text(run.growth_bytes),
               human_bytes(static_cast<int64_t>(run.peak_rss_bytes)), sparkline(curve)});
  }
  table.write(out, 2);
}

void write_runs_of_one_name(std::span<const HistoricRun> runs, std::ostream& out) {
  write_heading(out, escape_line(shorten_middle(runs.front().name, kReasonShown)));
  write_table(runs, out);
  if (runs.size() < 2) return;
  out << '\n';
  write_curve(
      runs, "live at the end", [](const HistoricRun& r) { return static_cast<double>(r.end_bytes); },
      bytes_text, out);
  write_curve(
      runs, "growth per iteration", [](const HistoricRun& r) { return r.growth_bytes; }, slope_text, out);
  write_curve(
      runs, "allocations/iteration", [](const HistoricRun& r) { return r.allocations; }, human_number, out);
  write_curve(
      runs, "peak RSS", [](const HistoricRun& r) { return static_cast<double>(r.peak_rss_bytes); },
      bytes_text, out);
  for (const Beginning& beginning : find_beginnings(runs)) {
    const std::string& label = runs[beginning.run].label;
    write_wrapped(out, "  → ",
                  fmt::format("{} in run {}{}", beginning.what, beginning.run + 1,
                              label.empty() ? "" : " (" + escape_line(label) + ")"));
  }
}

}  // namespace

std::string sparkline(std::span<const double> values) {
  constexpr std::string_view kLevels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values.empty()) return {};
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  std::string text;
  for (const double value : values) {
    const double share = *most > *least ? (value - *least) / (*most - *least) : 0;
    text += kLevels[std::min<size_t>(7, static_cast<size_t>(share * 8))];
  }
  return text;
}

std::vector<Beginning> find_beginnings(std::span<const HistoricRun> runs) {
  std::vector<Beginning> found;
  find_growth_begin(runs, found);
  find_rise(values_of(runs, [](const HistoricRun& r) { return static_cast<double>(r.end_bytes); }),
            "live memory at the end", bytes_text, found);
  find_rise(values_of(runs, [](const HistoricRun& r) { return r.allocations; }),
            "the number of allocations per iteration", human_number, found);
  return found;
}

void write_history(std::span<const HistoricRun> runs, std::ostream& out) {
  for (size_t begin = 0; begin < runs.size();) {
    size_t end = begin + 1;
    while (end < runs.size() && runs[end].name == runs[begin].name) ++end;
    write_runs_of_one_name(runs.subspan(begin, end - begin), out);
    begin = end;
  }
}

}  // namespace leakhunt::reports
