#include "lib/stats/order.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace leakhunt::stats {

namespace {

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

}  // namespace

MedianInterval median_interval(std::span<const double> values, double confidence) {
  if (values.empty()) return {};
  const std::vector<double> in_order = sorted(values);
  const size_t count = in_order.size();
  MedianInterval result;
  result.median = quantile(values, 0.5);
  // Fewer than k of the values lie below the median: the sum of the binomial's first k terms.
  double term = std::pow(0.5, static_cast<double>(count));
  double fewer = term;
  result.confidence = 1 - 2 * fewer;
  result.interval = {in_order.front(), in_order.back()};
  for (size_t k = 2; 2 * k <= count; ++k) {
    term *= static_cast<double>(count - k + 2) / static_cast<double>(k - 1);
    fewer += term;
    if (1 - 2 * fewer < confidence) break;
    result.confidence = 1 - 2 * fewer;
    result.interval = {in_order[k - 1], in_order[count - k]};
  }
  return result;
}

double quantile(std::span<const double> values, double share) {
  if (values.empty()) return 0;
  const std::vector<double> in_order = sorted(values);
  const double rank = share * static_cast<double>(in_order.size() - 1);
  const auto below = static_cast<size_t>(rank);
  const size_t above = std::min(below + 1, in_order.size() - 1);
  return in_order[below] + (rank - static_cast<double>(below)) * (in_order[above] - in_order[below]);
}

}  // namespace leakhunt::stats
