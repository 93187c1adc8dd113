// order: what the order of some measurements says, whatever their distribution.
#pragma once

#include <cstddef>
#include <span>

#include "lib/stats/trend.h"

namespace leakhunt::stats {

// An interval for the median from the order of the values: from the k-th smallest to the k-th largest, with
// the largest k that keeps the asked-for confidence (k outliers on each side move it by nothing).
struct MedianInterval {
  double median = 0;
  Interval interval;
  double confidence =
      0;  // exact, of k: at least what was asked for, or what the extremes give if they do not
};

// `confidence` in (0, 1). No values: all 0. O(n log n).
//
// Source: H. A. David and H. N. Nagaraja, "Order Statistics" (3rd ed., 2003), section 7.1: the number of
// values below the median is binomial with 1/2.
MedianInterval median_interval(std::span<const double> values, double confidence);

// The value below which `share` of them lie (0 the least, 1 the greatest, between two ranks interpolated). 0
// for none.
double quantile(std::span<const double> values, double share);

}  // namespace leakhunt::stats
