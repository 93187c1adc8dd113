#include "reports/history/history_text.h"

#include <algorithm>
#include <cmath>
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
constexpr size_t kWidestCurve = 48;
constexpr size_t kNameShown = 60;
constexpr size_t kLabelShown = 40;

using Value = std::function<double(const HistoricRun&)>;

std::vector<double> values_of(std::span<const HistoricRun> runs, const Value& value) {
  std::vector<double> values;
  for (const HistoricRun& run : runs) values.push_back(value(run));
  return values;
}

// Of those that are known; nan where none is.
std::pair<double, double> range_of(std::span<const double> values) {
  std::pair<double, double> range(std::nan(""), std::nan(""));
  for (const double value : values) range = {std::fmin(range.first, value), std::fmax(range.second, value)};
  return range;
}

void find_growth_begin(std::span<const HistoricRun> runs, std::vector<Beginning>& found) {
  size_t first = runs.size();
  while (first > 0 && runs[first - 1].growth_bytes > 0) --first;
  if (first == 0 || first == runs.size()) return;
  found.push_back({first,
                   fmt::format("growth begins: 0 -> {} per iteration", human_slope(runs[first].growth_bytes)),
                   Beginning::Of::kGrowth});
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

void find_rise(const std::vector<double>& values, Beginning::Of of, const char* name,
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
  found.push_back({begin, what, of});
}

std::string bytes_text(double value) {
  return human_bytes(static_cast<int64_t>(value));
}

std::string slope_text(double value) {
  return value == 0 ? "0 B" : human_slope(value);
}

// Eight columns of what was live during the run.
std::string small_curve(const HistoricRun& run) {
  constexpr size_t kShown = 8;
  std::vector<double> curve;
  const size_t shown = std::min(kShown, run.curve.size());
  for (size_t k = 0; k < shown; ++k) {
    curve.push_back(
        static_cast<double>(run.curve[k * (run.curve.size() - 1) / std::max<size_t>(1, shown - 1)]));
  }
  return sparkline(curve);
}

void write_table(std::span<const HistoricRun> runs, std::ostream& out) {
  TextTable table({{"run", true},
                   {"started (UTC)"},
                   {"label", false, Column::Fit::kMiddle},
                   {"verdict"},
                   {"live at end", true},
                   {"growth/it", true},
                   {"peak RSS", true},
                   {"it/s", true},
                   {"live"}});
  for (size_t i = 0; i < runs.size(); ++i) {
    const HistoricRun& run = runs[i];
    table.add({std::to_string(i + 1), date_of(run), escape_line(shorten_middle(run.label, 20)), run.verdict,
               human_bytes(run.end_bytes), slope_text(run.growth_bytes),
               human_bytes(static_cast<int64_t>(run.peak_rss_bytes)),
               run.iterations_per_second ? human_rate(*run.iterations_per_second) : "-", small_curve(run)});
  }
  table.write(out, 2);
}

// --- one letter a run --------------------------------------------------------------------------------

constexpr size_t kNameWidth = 22;

struct Curve {
  const char* name;
  Value value;
  std::function<std::string(double)> text;
  std::optional<Beginning::Of> of;
};

// As long as the letters, with a mark below the run where it began: "      ▲ run 7 (c7): growth begins: ...".
void write_beginning(std::span<const HistoricRun> runs, size_t first, const Beginning& beginning,
                     std::ostream& out) {
  const std::string words = fmt::format("{}: {}", run_label(runs, beginning.run), beginning.what);
  if (beginning.run < first) return write_wrapped(out, std::string(kNameWidth + 4, ' ') + "← ", words);
  const size_t column = kNameWidth + 4 + beginning.run - first;
  // To the left of the mark where there is more room.
  if (column + 2 + columns(words) > kTextWidth && columns(words) + 5 < column) {
    out << std::string(column - 1 - columns(words), ' ') << words << " ▲\n";
  } else {
    write_wrapped(out, std::string(column, ' ') + "▲ ", words);
  }
}

void write_curve(std::span<const HistoricRun> runs, size_t first, const Curve& curve,
                 std::span<const Beginning> beginnings, std::ostream& out) {
  const std::vector<double> values = values_of(runs.subspan(first), curve.value);
  const auto [least, most] = range_of(values);
  if (std::isnan(most)) return;
  const std::string range = least == most ? "always " + curve.text(most)
                                          : fmt::format("{} to {}", curve.text(least), curve.text(most));
  out << fmt::format("  {:<{}}  {}  {}\n", curve.name, kNameWidth, sparkline(values), range);
  for (const Beginning& beginning : beginnings) {
    if (beginning.of == curve.of) write_beginning(runs, first, beginning, out);
  }
}

void write_verdicts(std::span<const HistoricRun> runs, std::ostream& out) {
  std::string marks;
  for (const HistoricRun& run : runs)
    marks += run.verdict == "pass" ? "✓" : run.verdict == "inconclusive" ? "?" : "✗";
  out << fmt::format("  {:<{}}  {}  ✓ pass, ✗ fail, ? open\n", "verdict", kNameWidth, marks);
}

void write_runs_of_one_name(std::span<const HistoricRun> runs, std::ostream& out) {
  const std::vector<Beginning> beginnings = find_beginnings(runs);
  write_heading(out, escape_line(shorten_middle(runs.front().name, kNameShown)));
  write_wrapped(out, "  ", conclusion(runs, beginnings));
  out << '\n';
  write_table(runs, out);
  if (runs.size() < 2) return;
  const size_t first = runs.size() - std::min(runs.size(), kWidestCurve);
  out << (first == 0 ? "\n  from the first run to the last\n"
                     : fmt::format("\n  the last {} runs, oldest first\n", kWidestCurve));
  write_verdicts(runs.subspan(first), out);
  const Curve curves[] = {
      {"live at the end", [](const HistoricRun& r) { return static_cast<double>(r.end_bytes); }, bytes_text,
       Beginning::Of::kLive},
      {"growth per iteration", [](const HistoricRun& r) { return r.growth_bytes; }, slope_text,
       Beginning::Of::kGrowth},
      {"allocations/iteration", [](const HistoricRun& r) { return r.allocations; }, human_number,
       Beginning::Of::kAllocations},
      {"peak RSS",
       [](const HistoricRun& r) { return static_cast<double>(r.peak_rss_bytes); },
       bytes_text,
       {}},
      {"iterations per second",
       [](const HistoricRun& r) { return r.iterations_per_second.value_or(std::nan("")); },
       human_rate,
       {}},
  };
  for (const Curve& curve : curves) write_curve(runs, first, curve, beginnings, out);
}

}  // namespace

std::string date_of(const HistoricRun& run) {
  const uint64_t seconds = run.start_unix_ns / 1'000'000'000;
  return fmt::format("{} {:02}:{:02}", recording::date_text(seconds / 86'400), seconds / 3600 % 24,
                     seconds / 60 % 60);
}

std::string run_label(std::span<const HistoricRun> runs, size_t run) {
  const std::string label = escape_line(shorten_middle(runs[run].label, kLabelShown));
  return fmt::format("run {}{}", run + 1, label.empty() ? "" : " (" + label + ")");
}

std::string conclusion(std::span<const HistoricRun> runs, std::span<const Beginning> beginnings) {
  size_t since = runs.size() - 1;
  while (since > 0 && runs[since - 1].verdict == runs.back().verdict) --since;
  const std::string verdict = escape_line(runs.back().verdict);
  std::string text;
  if (runs.size() == 1) {
    text = "one run: " + verdict;
  } else if (since == 0) {
    text = fmt::format("{} runs, all of them {}", runs.size(), verdict);
  } else {
    text = fmt::format("{} runs, {} since {}", runs.size(), verdict, run_label(runs, since));
  }
  for (const Beginning& beginning : beginnings)
    text += fmt::format("; {} in {}", beginning.what, run_label(runs, beginning.run));
  return text;
}

std::string sparkline(std::span<const double> values) {
  constexpr std::string_view kLevels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto [least, most] = range_of(values);
  const bool differs = most - least > kRiseThatCounts * std::abs(most);
  std::string text;
  for (const double value : values) {
    const double share = differs ? (value - least) / (most - least) : 0;
    text += std::isnan(value) ? " " : kLevels[std::min<size_t>(7, static_cast<size_t>(share * 8))];
  }
  return text;
}

std::vector<Beginning> find_beginnings(std::span<const HistoricRun> runs) {
  std::vector<Beginning> found;
  find_growth_begin(runs, found);
  find_rise(values_of(runs, [](const HistoricRun& r) { return static_cast<double>(r.end_bytes); }),
            Beginning::Of::kLive, "live memory at the end", bytes_text, found);
  find_rise(values_of(runs, [](const HistoricRun& r) { return r.allocations; }), Beginning::Of::kAllocations,
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
