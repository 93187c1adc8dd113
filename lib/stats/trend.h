// trend: what a series does in the long run. Pure functions over numbers; the growth verdict is built on them
// in reports/analysis.
//
// Glossary, from large to small:
//   lower envelope  the lowest point of each of some equal windows: what remains when everything temporary is
//   gone slope           change of y for one step of x, as the median over all pairs (Theil-Sen) S concordant
//   minus discordant pairs: the rank statistic behind Kendall's tau and Mann-Kendall
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace leakhunt::stats {

struct Point {
  double x = 0;
  double y = 0;
};

struct Interval {
  double low = 0;
  double high = 0;
};

// Indices of the minima of `windows` windows of equal length (they differ by one when it does not divide); of
// equal minima in a window the first. Fewer windows than asked when the series is shorter. O(n).
std::vector<size_t> lower_envelope(std::span<const int64_t> series, size_t windows);

// The largest fall: the maximum over s < t of series[s] - series[t]. 0 for a series that never falls. O(n).
int64_t largest_fall(std::span<const int64_t> series);

struct Slope {
  double value = 0;
  Interval interval;
};

// The median of the slopes of all pairs with different x, and a confidence interval for it from the
// distribution of Kendall's S with the correction for ties. An exactly linear series of integers gives its
// exact slope and an interval of no width. Fewer than two points: 0. O(n^2 log n): thin the series to a few
// hundred points first.
//
// Sources: P. K. Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 63 (1968); R. O.
// Gilbert, "Statistical Methods for Environmental Pollution Monitoring" (1987), sections 16.5 and 16.4.2.
Slope theil_sen(std::span<const Point> points, double confidence);

struct RankTrend {
  int64_t s = 0;         // concordant minus discordant pairs
  double variance = 0;   // of s, when there is no trend; corrected for ties
  double z = 0;          // standardised, with continuity correction
  double p_rising = 1;   // probability of an s as large or larger without a trend (normal approximation)
  double p_falling = 1;  // of one as small or smaller
};

// The Mann-Kendall test for a monotonic trend. O(n^2). Source: Gilbert (1987), section 16.4.
RankTrend mann_kendall(std::span<const double> values);

// The z with `probability` of the standard normal distribution below it; 0 < probability < 1.
double normal_quantile(double probability);

// The median; of an even number of values the mean of the middle two. Reorders `values`. 0 for none.
double median(std::span<double> values);

}  // namespace leakhunt::stats
