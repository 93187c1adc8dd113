#include "reports/formats/page_series.h"

#include <algorithm>
#include <array>

namespace leakhunt::reports {

namespace {

using recording::Counters;
using recording::SiteId;

constexpr size_t kRunNumbers = 5;
constexpr size_t kFewestPoints = 64;

using Interval = std::array<int64_t, kRunNumbers - 1>;

Interval times(const Counters& each, uint64_t count) {
  return {static_cast<int64_t>(each.allocations * count), static_cast<int64_t>(each.allocated_bytes * count),
          static_cast<int64_t>(each.frees * count), static_cast<int64_t>(each.freed_bytes * count)};
}

void add(Interval& sum, const Interval& more) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
}

// Adds what the series did up to each of `snapshots` since the one before.
void add_intervals(const recording::Series& series, std::span<const size_t> snapshots,
                   std::vector<Interval>& intervals) {
  auto stretch = series.begin();
  size_t begin = 0;  // the first snapshot of the interval
  for (size_t i = 0; i < snapshots.size() && stretch != series.end(); ++i) {
    const size_t end = snapshots[i] + 1;
    while (stretch != series.end() && stretch->first < end) {
      const size_t stretch_end = static_cast<size_t>(stretch->first) + stretch->snapshots;
      const size_t from = std::max<size_t>(begin, stretch->first);
      const size_t to = std::min(end, stretch_end);
      if (from < to) add(intervals[i], times(stretch->each, to - from));
      if (stretch_end > end) break;
      ++stretch;
    }
    begin = end;
  }
}

std::vector<int64_t> runs_of(const std::vector<Interval>& intervals) {
  std::vector<int64_t> runs;
  for (size_t i = 0; i < intervals.size();) {
    size_t end = i + 1;
    while (end < intervals.size() && intervals[end] == intervals[i]) ++end;
    runs.push_back(static_cast<int64_t>(end - i));
    runs.insert(runs.end(), intervals[i].begin(), intervals[i].end());
    i = end;
  }
  return runs;
}

// Every `stride`th point, the last of warm-up, from which growth is counted, and the last.
std::vector<size_t> every(const Timeline& timeline, size_t stride) {
  std::vector<size_t> points;
  for (size_t i = 0; i < timeline.points.size(); ++i) {
    if (i % stride == 0 || i == timeline.base || i + 1 == timeline.points.size()) points.push_back(i);
  }
  return points;
}

// No rows if they would have more than `most_runs` runs.
std::vector<std::vector<int64_t>> rows_of(const Report& report, std::span<const std::vector<SiteId>> groups,
                                          const std::vector<size_t>& points, size_t most_runs) {
  std::vector<size_t> snapshots;
  snapshots.reserve(points.size());
  for (const size_t point : points) snapshots.push_back(report.timeline.points[point]);
  std::vector<std::vector<int64_t>> rows;
  std::vector<Interval> intervals;
  size_t runs = 0;
  for (const std::vector<SiteId>& group : groups) {
    intervals.assign(points.size(), Interval{});
    for (const SiteId site : group)
      add_intervals(report.run->sites[static_cast<size_t>(site)].series, snapshots, intervals);
    rows.push_back(runs_of(intervals));
    runs += rows.back().size() / kRunNumbers;
    if (runs > most_runs && points.size() > kFewestPoints) return {};
  }
  return rows;
}

}  // namespace

std::vector<size_t> chart_points(const Report& report, size_t most) {
  const std::vector<size_t>& points = report.timeline.points;
  const size_t stride = std::max<size_t>(1, (points.size() + most - 1) / std::max<size_t>(1, most));
  std::vector<size_t> chosen;
  for (size_t begin = 0; begin < points.size(); begin += stride) {
    const size_t end = std::min(begin + stride, points.size());
    size_t best = begin;
    for (size_t i = begin; i < end; ++i) {
      if (report.growth.heap_bytes[points[i]] > report.growth.heap_bytes[points[best]]) best = i;
    }
    chosen.push_back(best);
  }
  if (!points.empty() && chosen.back() + 1 != points.size()) chosen.push_back(points.size() - 1);
  return chosen;
}

std::vector<int64_t> equal_steps(std::span<const int64_t> values) {
  std::vector<int64_t> steps;
  int64_t before = 0;
  for (const int64_t value : values) {
    const int64_t difference = value - before;
    if (!steps.empty() && steps[steps.size() - 2] == difference) {
      ++steps.back();
    } else {
      steps.insert(steps.end(), {difference, 1});
    }
    before = value;
  }
  return steps;
}

SiteHistories site_histories(const Report& report, std::span<const std::vector<SiteId>> groups,
                             size_t most_points, size_t most_runs) {
  SiteHistories histories;
  if (report.timeline.points.empty()) {
    histories.rows.resize(groups.size());
    return histories;
  }
  size_t stride = 1;
  while (report.timeline.points.size() / stride > most_points) stride *= 2;
  for (;; stride *= 2) {
    histories.points = every(report.timeline, stride);
    histories.rows = rows_of(report, groups, histories.points, most_runs);
    if (histories.rows.size() == groups.size()) return histories;
  }
}

}  // namespace leakhunt::reports
