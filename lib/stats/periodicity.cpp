#include "lib/stats/periodicity.h"

#include <vector>

namespace leakhunt::stats {

std::optional<PeriodicTail> periodic_tail(std::span<const int64_t> series, size_t min_repeats) {
  if (series.size() < 2) return std::nullopt;
  const size_t count = series.size() - 1;
  // Increment i, counted backwards from the end.
  const auto increment = [&](size_t i) { return series[count - i] - series[count - i - 1]; };

  std::vector<size_t> border(count, 0);  // of the first i + 1 reversed increments: the longest proper one
  size_t longest = 0;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) {
      size_t matched = border[i - 1];
      while (matched > 0 && increment(i) != increment(matched)) matched = border[matched - 1];
      border[i] = increment(i) == increment(matched) ? matched + 1 : 0;
    }
    const size_t length = i + 1;
    if ((length - border[i]) * min_repeats <= length) longest = length;
  }
  if (longest == 0) return std::nullopt;

  PeriodicTail tail;
  tail.first = count - longest;
  tail.period = longest - border[longest - 1];
  tail.net = series[count] - series[count - tail.period];
  tail.repeats = longest / tail.period;
  return tail;
}

}  // namespace leakhunt::stats
