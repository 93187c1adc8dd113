#include "reports/comparison.h"

#include <algorithm>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

// Peaks that differ by no more are called the same: what a kernel's paging and a loader make of it.
constexpr double kSamePercent = 5;

using Runs = std::vector<ComparedRun>;

std::string peak_of(const ComparedRun& run) {
  return human_bytes(static_cast<int64_t>(run.peak_rss_bytes));
}

std::string label_of(const ComparedRun& run) {
  return escape_line(run.variation.label);
}

// "5 values of iterations", "10 chunks".
std::string all_of_them(const Comparison& comparison) {
  const size_t count = comparison.runs.size();
  return comparison.sums_up ? fmt::format("{} {}s", count, comparison.axis)
                            : fmt::format("{} values of {}", count, escape_line(comparison.axis));
}

std::optional<double> as_number(const ComparedRun& run) {
  if (const auto* whole = std::get_if<int64_t>(&run.variation.value)) return static_cast<double>(*whole);
  if (const auto* number = std::get_if<double>(&run.variation.value)) return *number;
  return std::nullopt;
}

bool less_peak(const ComparedRun& a, const ComparedRun& b) {
  return a.peak_rss_bytes < b.peak_rss_bytes;
}

// Do the peaks rise from each value to the next higher one? Values that are no numbers have no order.
bool rises_with_axis(Runs runs) {
  if (!std::all_of(runs.begin(), runs.end(), [](const auto& run) { return as_number(run).has_value(); }))
    return false;
  std::sort(runs.begin(), runs.end(),
            [](const auto& a, const auto& b) { return *as_number(a) < *as_number(b); });
  return std::is_sorted(runs.begin(), runs.end(), less_peak);
}

std::string peaks_clause(const Comparison& comparison) {
  const Runs& runs = comparison.runs;
  const auto [least, most] = std::minmax_element(runs.begin(), runs.end(), less_peak);
  const double percent = 100.0 * static_cast<double>(most->peak_rss_bytes - least->peak_rss_bytes) /
                         static_cast<double>(std::max<uint64_t>(1, least->peak_rss_bytes));
  if (percent == 0) return fmt::format("Peak RSS is the same for all {}", all_of_them(comparison));
  if (percent <= kSamePercent) {
    return fmt::format("Peak RSS is the same for all {} within {:.1f} %", all_of_them(comparison),
                       std::max(0.1, percent));
  }
  return fmt::format("Peak RSS {} {}, from {} ({}) to {} ({})",
                     rises_with_axis(runs) ? "rises with" : "differs with", escape_line(comparison.axis),
                     peak_of(*least), label_of(*least), peak_of(*most), label_of(*most));
}

std::string growth_clause(const Comparison& comparison) {
  std::vector<const ComparedRun*> growing;
  size_t unjudged = 0;
  for (const ComparedRun& run : comparison.runs) {
    if (!run.growth) ++unjudged;
    if (run.growth.value_or(0) > 0) growing.push_back(&run);
  }
  const size_t judged = comparison.runs.size() - unjudged;
  if (judged == 0) return "all of them are too short to judge growth";
  std::string text;
  if (growing.empty()) {
    text = unjudged == 0 ? "live memory grows in none of them" : "live memory grows in none of the others";
  } else if (growing.size() == 1) {
    text = fmt::format("live memory grows with {} {} only, by {} per iteration", escape_line(comparison.axis),
                       label_of(*growing.front()), human_slope(*growing.front()->growth));
  } else {
    const auto [least, most] = std::minmax_element(
        growing.begin(), growing.end(), [](const auto* a, const auto* b) { return *a->growth < *b->growth; });
    text = fmt::format("live memory grows in {} of {} runs, by {} ", growing.size(), comparison.runs.size(),
                       human_slope(*(*least)->growth));
    text += *(*least)->growth == *(*most)->growth
                ? "per iteration"
                : fmt::format("to {} per iteration", human_slope(*(*most)->growth));
  }
  return unjudged == 0 ? text : fmt::format("{} of them cannot be judged for growth, and {}", unjudged, text);
}

}  // namespace

ComparedRun compared_run(const Report& report, Variation variation) {
  const bool marked = report.timeline.clock == Clock::kIterations;
  const Growth& growth = report.growth.process;
  ComparedRun row;
  row.variation = std::move(variation);
  row.verdict = report.verdict();
  row.reasons = report.judgement.checks;
  if (marked) {
    row.iterations = report.timeline.completed;
    row.per_second = report.timeline.per_second;
    if (growth.kind != GrowthClass::kUnjudged) row.growth = growth.bytes_per_step;
  }
  row.peak_rss_bytes = report.peak_rss_bytes;
  row.live_bytes_end = report.ledger.heap_bytes + report.ledger.mapping_bytes;
  row.rss_bytes_end = static_cast<uint64_t>(report.ledger.rss_bytes);
  if (report.run->outcome) row.wall_seconds = static_cast<double>(report.run->outcome->wall_ns) * 1e-9;
  return row;
}

Verdict verdict_of(const Comparison& comparison) {
  const auto any = [&](Verdict verdict) {
    return std::any_of(comparison.runs.begin(), comparison.runs.end(),
                       [&](const ComparedRun& run) { return run.verdict == verdict; });
  };
  const auto any_check = [&](CheckState state) {
    return std::any_of(comparison.checks.begin(), comparison.checks.end(),
                       [&](const Check& check) { return check.state == state; });
  };
  if (any(Verdict::kFail) || any_check(CheckState::kFailed)) return Verdict::kFail;
  if (any(Verdict::kTargetFailed)) return Verdict::kTargetFailed;
  if (any(Verdict::kInconclusive) || any_check(CheckState::kInconclusive)) return Verdict::kInconclusive;
  const bool is_whole = !comparison.runs.empty() && comparison.runs.size() == comparison.planned &&
                        comparison.stopped_for.empty();
  return is_whole ? Verdict::kPass : Verdict::kInconclusive;
}

ComparedRun total_of(const Comparison& comparison) {
  ComparedRun total;
  total.variation.label = "all";
  total.verdict = verdict_of(comparison);
  double grown = 0;
  bool is_judged = !comparison.runs.empty();
  for (const ComparedRun& run : comparison.runs) {
    total.iterations += run.iterations;
    total.wall_seconds += run.wall_seconds;
    total.peak_rss_bytes = std::max(total.peak_rss_bytes, run.peak_rss_bytes);
    total.live_bytes_end = run.live_bytes_end;
    total.rss_bytes_end = run.rss_bytes_end;
    grown += run.growth.value_or(0) * static_cast<double>(run.iterations);
    is_judged = is_judged && run.growth.has_value();
  }
  const auto iterations = static_cast<double>(total.iterations);
  if (total.iterations > 0 && total.wall_seconds > 0) total.per_second = iterations / total.wall_seconds;
  if (total.iterations > 0 && is_judged) total.growth = grown / iterations;
  return total;
}

std::string conclusion_of(const Comparison& comparison) {
  if (comparison.runs.size() < 2) return "With fewer than two runs there is nothing to compare.";
  return fmt::format("{}, and {}.", peaks_clause(comparison), growth_clause(comparison));
}

}  // namespace leakhunt::reports
