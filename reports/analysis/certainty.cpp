#include "reports/analysis/certainty.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lib/stats/order.h"
#include "reports/analysis/growth.h"
#include "reports/analysis/retention.h"
#include "reports/analysis/timeline.h"
#include "reports/analysis/verdict.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::Run;

constexpr double kBetweenLooks = 1.25;
constexpr double kMostUnwatched = 0.5;    // whatever is allowed: less is no picture of a program
constexpr double kLeastRate = 0.01;       // blocks per iteration
constexpr double kBlocksOfWholeRun = 16;  // twice kMinRisesOfSite
constexpr double kMostlyLost = 0.95;      // of the bytes that grow

double as_double(auto value) {
  return static_cast<double>(value);
}

// Steps of the clock since the series rose last; of one that falls, too, nothing is known: 0.
uint64_t silence(const GrowthSeries& series) {
  size_t last_rise = 0;
  for (size_t i = 1; i < series.bytes.size(); ++i) {
    if (series.bytes[i] < series.bytes[i - 1]) return 0;
    if (series.bytes[i] > series.bytes[i - 1]) last_rise = i;
  }
  return series.numbers.back() - series.numbers[last_rise];
}

// By chance alone so long a silence of the slowest leak would come in fewer than error_each() of all runs.
bool excludes_slowest_leak(const GrowthSeries& series, const Growth& growth, const LookSchedule& looks) {
  if (growth.kind == GrowthClass::kSawtooth && growth.exact) return true;
  return std::exp(-looks.slowest_leak() * as_double(silence(series))) <= looks.error_each();
}

struct Look {
  const Run& run;
  Timeline timeline;
  GrowthMap growth;
  const LookSchedule& looks;
  uint64_t left;  // iterations
};

GrowthSeries process_series(const Look& look, std::vector<int64_t>& bytes, std::vector<int64_t>& blocks) {
  std::vector<int64_t> all = look.growth.heap_bytes;
  for (size_t i = 0; i < all.size(); ++i) all[i] += look.growth.mapping_bytes[i];
  bytes = judged_values(look.timeline, all);
  std::vector<int64_t> of_all(look.run.snapshots.size());
  for (const auto kind : {recording::SiteKind::kBlock, recording::SiteKind::kMapping}) {
    const auto sum = expand_sum(look.run, {{}, kind}, recording::Measure::kLiveBlocks);
    for (size_t i = 0; i < sum.size(); ++i) of_all[i] += sum[i];
  }
  blocks = judged_values(look.timeline, of_all);
  return {std::span(look.timeline.numbers).subspan(look.timeline.base), bytes, blocks};
}

std::vector<recording::SiteId> growing_sites(const Look& look) {
  std::vector<recording::SiteId> sites;
  for (size_t i = 0; i < look.growth.sites.size(); ++i) {
    if (look.growth.sites[i].growth.grows()) sites.push_back(recording::SiteId{static_cast<uint32_t>(i)});
  }
  return sites;
}

// By the last heap graph: nobody holds what grows.
bool is_lost(const Look& look) {
  const auto retention = find_retention(look.run, growing_sites(look));
  if (!retention) return false;
  uint64_t all = 0;
  for (const recording::ReachCount& count : retention->held) all += count.bytes;
  const double risen = look.growth.process.bytes_per_step * as_double(look.timeline.judged_steps()) / 2;
  return as_double(retention->lost_bytes()) >= kMostlyLost * as_double(all) &&
         as_double(retention->lost_bytes()) >= risen;
}

// Of the slope, at the confidence of a look: its interval is one of kConfidence.
double least_slope(const Growth& growth, const LookSchedule& looks) {
  const double wider =
      stats::normal_quantile(1 - looks.error_each() / 2) / stats::normal_quantile(0.5 + kConfidence / 2);
  return growth.bytes_per_step - std::max(1.0, wider) * (growth.bytes_per_step - growth.bytes_interval.low);
}

bool convicts(const Look& look, const Growth& growth) {
  return growth.grows() && growth.chance <= look.looks.error_each() * look.growth.risk_each / kRisk;
}

// Resident memory will break its budget, so soon that no change is to be feared until then.
std::optional<std::string> breaks_ceiling(const Look& look) {
  const auto budget = look.run.budget.peak_rss_bytes;
  if (!budget || !convicts(look, look.growth.process) || !look.growth.rss.grows()) return std::nullopt;
  const double slope =
      std::min(least_slope(look.growth.rss, look.looks), least_slope(look.growth.process, look.looks));
  const double now = as_double(look.run.snapshots[look.timeline.points.back()].rss_bytes);
  if (slope <= 0 || now + slope * as_double(look.left) <= as_double(*budget)) return std::nullopt;
  const double steps = std::max(0.0, as_double(*budget) - now) / slope;
  if (steps > look.looks.unwatched_allowed() * as_double(look.looks.planned())) return std::nullopt;
  return fmt::format(
      "at {} per iteration or more its resident memory breaks the budget of {} in {:.0f} iterations",
      human_slope(slope), human_bytes(static_cast<int64_t>(*budget)), std::ceil(steps));
}

std::optional<std::string> breaks_growth_budget(const Look& look, const GrowthSeries& series) {
  const Growth& process = look.growth.process;
  if (!convicts(look, process)) return std::nullopt;
  const double budget = look.run.budget.growth_bytes_per_iteration.value_or(0);
  if (least_slope(process, look.looks) <= budget) return std::nullopt;
  const bool lost = is_lost(look);
  if (outlook(series, process, look.looks, lost) != Outlook::kGrows) return std::nullopt;
  return fmt::format("live memory grows by {} per iteration{}", human_slope(process.bytes_per_step),
                     lost ? ", in blocks that nobody can reach any more" : "");
}

bool keeps_floor(const Look& look) {
  const auto floor = look.run.budget.min_iterations_per_second;
  if (!floor) return true;
  std::vector<double> rates;
  for (size_t i = look.timeline.base + 1; i < look.timeline.points.size(); ++i) {
    const uint64_t then = look.run.snapshots[look.timeline.points[i - 1]].time_ns;
    const uint64_t now = look.run.snapshots[look.timeline.points[i]].time_ns;
    const uint64_t steps = look.timeline.numbers[i] - look.timeline.numbers[i - 1];
    if (now > then) rates.push_back(as_double(steps) * 1e9 / as_double(now - then));
  }
  return stats::median_interval(rates, 1 - look.looks.error_each()).interval.low >= *floor;
}

// Whatever else the verdict depends on has to be simple, or known.
std::optional<std::string> passes(const Look& look, const GrowthSeries& series) {
  const recording::Budget& budget = look.run.budget;
  if (!budget.limits.empty() || !keeps_floor(look)) return std::nullopt;
  if (outlook(series, look.growth.process, look.looks, false) != Outlook::kDoesNotGrow) return std::nullopt;
  for (const SiteGrowth& site : look.growth.sites) {
    if (site.growth.grows() || site.growth.kind == GrowthClass::kUndecided) return std::nullopt;
  }
  const double rss = std::max(0.0, look.growth.rss.grows() ? look.growth.rss.bytes_interval.high : 0.0);
  const double peak = as_double(peak_rss_bytes(look.run)) + rss * as_double(look.left);
  if (budget.peak_rss_bytes && peak > as_double(*budget.peak_rss_bytes)) return std::nullopt;
  return fmt::format(
      "a leak of one block in {:.0f} iterations or faster would have shown in the {} judged so far",
      std::floor(1 / look.looks.slowest_leak()),
      human_count(static_cast<int64_t>(look.timeline.judged_steps())));
}

}  // namespace

LookSchedule::LookSchedule(size_t planned, double confidence) : planned_(planned), confidence_(confidence) {
  const double error = 1 - confidence;
  unwatched_allowed_ = std::min(kMostUnwatched, error / 2 * kChanging);
  if (planned <= kMinJudged) return;
  const double watched = std::max(as_double(kMinJudged), (1 - unwatched_allowed_) * as_double(planned));
  // The last may be between what has to be watched and the end; one has to be just there.
  for (double points = watched; points >= as_double(kMinJudged); points /= kBetweenLooks)
    at_.push_back(static_cast<size_t>(std::ceil(points)));
  std::reverse(at_.begin(), at_.end());
  for (double points = watched * kBetweenLooks; points < as_double(planned); points *= kBetweenLooks)
    at_.push_back(static_cast<size_t>(std::ceil(points)));
  const auto between = static_cast<size_t>((as_double(at_.back()) + as_double(planned)) / 2);
  if (between > at_.back()) at_.push_back(between);
  error_each_ = (error - unwatched_allowed_ / kChanging) / as_double(at_.size());
}

double LookSchedule::slowest_leak() const {
  return std::max(kLeastRate, kBlocksOfWholeRun / as_double(std::max<size_t>(1, planned_)));
}

Outlook outlook(const GrowthSeries& judged, const Growth& growth, const LookSchedule& looks, bool lost) {
  if (growth.kind == GrowthClass::kUnjudged || growth.kind == GrowthClass::kUndecided) return Outlook::kOpen;
  const double watched = as_double(judged.bytes.size() - 1);
  const bool watched_enough = watched >= (1 - looks.unwatched_allowed()) * as_double(looks.planned());
  if (growth.grows()) {
    const bool convicted = growth.chance <= looks.error_each();
    return convicted && (lost || watched_enough) ? Outlook::kGrows : Outlook::kOpen;
  }
  if (!watched_enough || !excludes_slowest_leak(judged, growth, looks)) return Outlook::kOpen;
  return Outlook::kDoesNotGrow;
}

EarlyJudge::EarlyJudge(uint64_t iterations, uint64_t warm_up, double confidence)
    : iterations_(iterations),
      warm_up_(warm_up),
      looks_(iterations - std::min(iterations, warm_up), confidence) {}

std::optional<recording::Certainty> EarlyJudge::look(const Run& run) {
  if (next_ >= looks_.at().size() || run.snapshots.empty() || !run.step_asides.empty() ||
      !run.sampling.empty() || !run.budget.suppressions.empty())
    return std::nullopt;
  const uint64_t reached = run.snapshots.back().iteration + 1;
  if (reached < warm_up_ + looks_.at()[next_] || reached >= iterations_) return std::nullopt;
  while (next_ < looks_.at().size() && reached >= warm_up_ + looks_.at()[next_]) ++next_;

  Timeline timeline = make_timeline(run);
  if (timeline.clock != Clock::kIterations || !timeline.judges()) return std::nullopt;
  GrowthMap growth = measure_growth(run, timeline);
  const Look look{run, std::move(timeline), std::move(growth), looks_,
                  iterations_ - std::min(iterations_, reached)};
  std::vector<int64_t> bytes;
  std::vector<int64_t> blocks;
  const GrowthSeries series = process_series(look, bytes, blocks);
  recording::Certainty certainty{looks_.confidence(), look.timeline.completed, iterations_, next_, true, {}};
  std::optional<std::string> because = breaks_growth_budget(look, series);
  if (!because) because = breaks_ceiling(look);
  if (!because) {
    certainty.fails = false;
    because = passes(look, series);
  }
  if (!because) return std::nullopt;
  certainty.because = *because;
  return certainty;
}

}  // namespace leakhunt::reports
