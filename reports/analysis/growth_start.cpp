#include "reports/analysis/growth_start.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace leakhunt::reports {

namespace {

constexpr double kLongestSilence = 7;    // mean distances: 1 in 1,000 if at random
constexpr double kLongerThanEver = 1.5;  // distances of a clockwork
constexpr double kCrowd = 4;             // standard deviations of a number of rises
constexpr double kFewMore = 2;           // rises that come as the program begins
constexpr size_t kFewest = 4;            // rises, without which nothing is known of a rate

double as_double(auto value) {
  return static_cast<double>(value);
}

// What the rises behind `first` are like. Amounts are blocks, or bytes where blocks do not become more.
struct Pace {
  double distance = 0;
  double longest = 0;
  double amount = 0;
  double variance = 0;  // of a number of rises that comes in a time, for each
};

struct Rising {
  const GrowthSeries& series;
  std::span<const int64_t> amounts;
  std::vector<size_t> at;

  double x(size_t i) const { return as_double(series.numbers[at[i]]); }
  double amount(size_t i) const {
    return as_double(amounts[at[i]]) - (at[i] == 0 ? 0.0 : as_double(amounts[at[i] - 1]));
  }
};

double relative_variance(const std::vector<double>& values, double mean) {
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return mean > 0 ? squares / as_double(values.size()) / (mean * mean) : 0;
}

Pace pace_from(const Rising& rises, size_t first) {
  std::vector<double> distances;
  std::vector<double> amounts;
  Pace pace;
  for (size_t i = first + 1; i < rises.at.size(); ++i) {
    distances.push_back(rises.x(i) - rises.x(i - 1));
    amounts.push_back(rises.amount(i));
    pace.longest = std::max(pace.longest, distances.back());
    pace.distance += distances.back();
    pace.amount += amounts.back();
  }
  pace.distance /= as_double(distances.size());
  pace.amount /= as_double(amounts.size());
  pace.variance = relative_variance(distances, pace.distance) + relative_variance(amounts, pace.amount);
  return pace;
}

}  // namespace

uint64_t start_of_growth(const GrowthSeries& series, uint64_t since) {
  const auto found = std::lower_bound(series.numbers.begin(), series.numbers.end(), since);
  const auto from = static_cast<size_t>(found - series.numbers.begin());
  const size_t last = series.numbers.size() - 1;
  if (from >= last) return since;
  const bool by_blocks = series.blocks[last] > series.blocks[from];
  Rising rises{series, by_blocks ? series.blocks : series.bytes, {}};
  size_t begin = last;  // of the part that does not fall
  while (begin > 0 && series.bytes[begin] >= series.bytes[begin - 1]) --begin;
  if (begin > from) return since;
  for (size_t i = begin; i <= last; ++i) {
    const int64_t before = i == 0 ? 0 : rises.amounts[i - 1];
    if ((i > begin || i == 0) && rises.amounts[i] > before) rises.at.push_back(i);
  }
  const auto first_known = std::lower_bound(rises.at.begin(), rises.at.end(), from);
  auto first = static_cast<size_t>(first_known - rises.at.begin());
  if (first + kFewest >= rises.at.size()) return since;

  const Pace pace = pace_from(rises, first);
  const double silence = std::min(kLongestSilence * pace.distance, kLongerThanEver * pace.longest);
  const double known_from = rises.x(first);
  double came = 0;  // of the usual amount, before what is known
  for (; first > 0; --first) {
    came += rises.amount(first - 1) / pace.amount;
    const double expected = (known_from - rises.x(first - 1)) / pace.distance;
    const double most = expected + kFewMore + kCrowd * std::sqrt(pace.variance * expected);
    if (rises.x(first) - rises.x(first - 1) > silence || came > most) break;
  }
  return series.numbers[rises.at[first]];
}

}  // namespace leakhunt::reports
