// page_series: the histories that the HTML page draws, in as few numbers as they allow. A healthy program's
// are straight lines, whatever the number of its iterations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reports/report.h"

namespace leakhunt::reports {

// Indices into Timeline::points, ascending, at most about `most` of them: of equal parts of the clock the
// point with the highest live heap, and the last point of all.
std::vector<size_t> chart_points(const Report& report, size_t most);

// Differences from one value to the next, the first from 0, with equal ones counted: difference, times,
// difference, times ...
std::vector<int64_t> equal_steps(std::span<const int64_t> values);

// What call sites did between the points of a grid. A row is a list of runs, each of five numbers: how many
// intervals, and in each of them allocations, allocated bytes, frees, freed bytes. The first interval ends at
// the first point.
struct SiteHistories {
  std::vector<size_t> points;              // indices into Timeline::points
  std::vector<std::vector<int64_t>> rows;  // one a group
};

// `groups` are the call sites of each row, mostly one. The grid is as fine as the clock where all rows
// together have at most `most_runs` runs, otherwise every second point, every fourth ... O(sites x points).
SiteHistories site_histories(const Report& report, std::span<const std::vector<recording::SiteId>> groups,
                             size_t most_points, size_t most_runs);

}  // namespace leakhunt::reports
