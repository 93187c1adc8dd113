#include "lib/stats/trend.h"

#include <algorithm>
#include <cmath>

namespace leakhunt::stats {

namespace {

// Variance of Kendall's S under the hypothesis of no trend, for groups of equal values (Gilbert,
// equation 16.3).
double variance_of_s(std::vector<double> values) {
  const auto term = [](double n) { return n * (n - 1) * (2 * n + 5); };
  std::sort(values.begin(), values.end());
  double sum = term(static_cast<double>(values.size()));
  for (size_t first = 0; first < values.size();) {
    size_t last = first;
    while (last < values.size() && values[last] == values[first]) ++last;
    sum -= term(static_cast<double>(last - first));
    first = last;
  }
  return sum / 18;
}

double upper_tail(double z) {
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

// As std::min_element, in two passes without a branch that the processor has to foresee: series are long.
size_t first_minimum(std::span<const int64_t> values) {
  int64_t lowest = values.front();
  for (const int64_t value : values) lowest = value < lowest ? value : lowest;
  return static_cast<size_t>(std::find(values.begin(), values.end(), lowest) - values.begin());
}

}  // namespace

std::vector<size_t> lower_envelope(std::span<const int64_t> series, size_t windows) {
  const size_t count = std::min(windows, series.size());
  std::vector<size_t> minima;
  minima.reserve(count);
  for (size_t window = 0; window < count; ++window) {
    const size_t begin = window * series.size() / count;
    const size_t end = (window + 1) * series.size() / count;
    minima.push_back(begin + first_minimum(series.subspan(begin, end - begin)));
  }
  return minima;
}

int64_t largest_fall(std::span<const int64_t> series) {
  int64_t fall = 0;
  int64_t highest = series.empty() ? 0 : series.front();
  for (const int64_t value : series) {
    highest = std::max(highest, value);
    fall = std::max(fall, highest - value);
  }
  return fall;
}

Slope theil_sen(std::span<const Point> points, double confidence) {
  std::vector<double> slopes;
  slopes.reserve(points.size() * (points.size() + 1) / 2);
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = i + 1; j < points.size(); ++j) {
      const double run = points[j].x - points[i].x;
      if (run != 0) slopes.push_back((points[j].y - points[i].y) / run);
    }
  }
  if (slopes.empty()) return {};
  std::sort(slopes.begin(), slopes.end());

  std::vector<double> values;
  values.reserve(points.size());
  for (const Point& point : points) values.push_back(point.y);
  const double count = static_cast<double>(slopes.size());
  const double half_width =
      normal_quantile(0.5 + confidence / 2) * std::sqrt(variance_of_s(std::move(values)));
  // Gilbert 16.5: the M1-th and the (M2 + 1)-th smallest slope, counted from 1; rounded outwards.
  const double below = std::floor((count - half_width) / 2);
  const double above = std::ceil((count + half_width) / 2);
  const auto clamped = [&](double rank) { return static_cast<size_t>(std::clamp(rank, 0.0, count - 1)); };
  return {median(slopes), {slopes[clamped(below - 1)], slopes[clamped(above)]}};
}

RankTrend mann_kendall(std::span<const double> values) {
  RankTrend trend;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i + 1; j < values.size(); ++j) {
      trend.s += static_cast<int>(values[j] > values[i]) - static_cast<int>(values[j] < values[i]);
    }
  }
  trend.variance = variance_of_s({values.begin(), values.end()});
  if (trend.variance <= 0) return trend;
  const double deviation = std::sqrt(trend.variance);
  const double s = static_cast<double>(trend.s);
  if (trend.s != 0) trend.z = (trend.s > 0 ? s - 1 : s + 1) / deviation;
  trend.p_rising = upper_tail((s - 1) / deviation);
  trend.p_falling = upper_tail(-(s + 1) / deviation);
  return trend;
}

double normal_quantile(double probability) {
  double low = -40;
  double high = 40;
  for (int step = 0; step < 100; ++step) {
    const double middle = (low + high) / 2;
    (upper_tail(middle) > 1 - probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

double median(std::span<double> values) {
  if (values.empty()) return 0;
  const size_t middle = values.size() / 2;
  const auto at = values.begin() + static_cast<ptrdiff_t>(middle);
  std::nth_element(values.begin(), at, values.end());
  if (values.size() % 2 == 1) return *at;
  const double lower = *std::max_element(values.begin(), at);
  return lower == *at ? lower : lower + (*at - lower) / 2;
}

}  // namespace leakhunt::stats
