#include "lib/stats/rate.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lib/stats/significance.h"

namespace leakhunt::stats {

namespace {

constexpr double kLeastVariance = 0.25;

// Mean and variance of a position whose density is proportional to exp(-decay * x) on 0..1.
struct Positions {
  double mean;
  double variance;
};

Positions positions_of(double decay) {
  if (std::abs(decay) < 1e-3) return {0.5 - decay / 12, 1.0 / 12};
  const double grown = std::expm1(decay);
  return {1 / decay - 1 / grown, 1 / (decay * decay) - std::exp(decay) / (grown * grown)};
}

double decay_with_mean(double mean) {
  double low = -60;
  double high = 60;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (positions_of(middle).mean > mean ? low : high) = middle;
  }
  return (low + high) / 2;
}

struct Moments {
  double mean = 0;
  double relative_variance = 0;  // variance over squared mean
};

Moments moments(std::span<const double> values) {
  const double count = static_cast<double>(values.size());
  Moments result;
  for (const double value : values) result.mean += value / count;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  if (result.mean != 0) result.relative_variance = squares / (count - 1) / (result.mean * result.mean);
  return result;
}

// Variance of what an event adds, over its squared mean. Where some marks came late or fell out, a longer
// distance has the larger amount; then it is the variance of the amounts less what their distances earn at
// the usual rate. A few marks only: what waits longer and longer is a container that grows, and no clock.
double scatter_of_renewals(std::span<const Point> events) {
  constexpr double kMostMarksInOne = 4;
  std::vector<double> distances;
  std::vector<double> amounts;
  for (size_t i = 1; i < events.size(); ++i) {
    distances.push_back(events[i].x - events[i - 1].x);
    amounts.push_back(events[i].y);
  }
  const Moments distance = moments(distances);
  const Moments amount = moments(amounts);
  const double independent = distance.relative_variance + amount.relative_variance;
  const double longest = *std::max_element(distances.begin(), distances.end());
  std::vector<double> sorted = distances;
  if (amount.mean == 0 || longest > kMostMarksInOne * median(sorted)) return independent;
  double squares = 0;
  for (size_t i = 0; i < distances.size(); ++i) {
    const double off = amounts[i] / amount.mean - distances[i] / distance.mean;
    squares += off * off;
  }
  return std::min(independent, squares / static_cast<double>(distances.size() - 1));
}

}  // namespace

Rate rate_of_events(std::span<const Point> events, double confidence) {
  if (events.size() < 3) return {};
  const double width = events.back().x - events.front().x;
  std::vector<double> amounts;
  double sum = 0;
  double weighted = 0;
  for (size_t i = 1; i < events.size(); ++i) {
    amounts.push_back((events[i].y + events[i - 1].y) / 2);
    const double middle = (events[i].x + events[i - 1].x) / 2 - events.front().x;
    sum += amounts.back();
    weighted += amounts.back() * middle / width;
  }
  Rate rate;
  rate.per_step = sum / width;
  rate.decay = decay_with_mean(weighted / sum);

  const double scatter = scatter_of_renewals(events);
  // Of few distances the scatter is badly known: a handful of random events may look like a clockwork.
  const double count = static_cast<double>(events.size() - 1);
  const double inflated = scatter * (1 + 12 / count);
  rate.deviation = std::sqrt(inflated / (count * positions_of(1).variance));
  double reach = normal_quantile(0.5 + confidence / 2) * rate.per_step * std::sqrt(inflated / count);
  // Late marks: an amount may belong beyond the first or the last event. Of a clockwork all are the same.
  const auto [least, most] = std::minmax_element(events.begin() + 1, events.end(),
                                                 [](const Point& a, const Point& b) { return a.y < b.y; });
  reach = std::max(reach, (most->y - least->y) / width);
  rate.interval = {rate.per_step - reach, rate.per_step + reach};
  return rate;
}

Rate rate_of_levels(std::span<const Point> levels, double confidence) {
  const size_t count = levels.size();
  if (count < 4) return {};
  const double n = static_cast<double>(count);
  const double x0 = levels.front().x;
  const double width = levels.back().x - x0;
  // Polynomials that are orthogonal on the points: 1, p - mean, and the square made orthogonal to both.
  double mean = 0;
  for (const Point& level : levels) mean += (level.x - x0) / width / n;
  double second = 0;
  double third = 0;
  for (const Point& level : levels) {
    const double p = (level.x - x0) / width - mean;
    second += p * p;
    third += p * p * p;
  }
  std::array<double, 3> coefficient{};
  std::array<double, 3> norm{n, second, 0};
  const auto basis = [&](const Point& level) {
    const double p = (level.x - x0) / width - mean;
    return std::array<double, 3>{1, p, p * p - third / second * p - second / n};
  };
  for (const Point& level : levels) norm[2] += basis(level)[2] * basis(level)[2];
  for (const Point& level : levels) {
    for (size_t k = 0; k < 3; ++k) coefficient[k] += basis(level)[k] * level.y / norm[k];
  }
  double squares = 0;
  double squares_of_line = 0;
  for (const Point& level : levels) {
    const auto b = basis(level);
    const double off_line = level.y - coefficient[0] * b[0] - coefficient[1] * b[1];
    squares_of_line += off_line * off_line;
    squares += (off_line - coefficient[2] * b[2]) * (off_line - coefficient[2] * b[2]);
  }
  Rate rate;
  rate.per_step = coefficient[1] / width;
  const double of_line = std::sqrt(squares_of_line / (n - 2) / second) / width;
  const double reach = normal_quantile(0.5 + confidence / 2) * of_line;
  rate.interval = {rate.per_step - reach, rate.per_step + reach};
  if (coefficient[1] == 0) return rate;
  // The rate is c1 + 2 c2 p: its logarithm falls by 2 c2 / c1 over the width.
  rate.decay = -2 * coefficient[2] / coefficient[1];
  rate.deviation = 2 * std::sqrt(squares / (n - 3) / norm[2]) / std::abs(coefficient[1]);
  return rate;
}

double wandering(std::span<const Point> levels, double confidence) {
  const size_t far = levels.size() / 4;
  if (far < 2) return 0;
  const double width = levels.back().x - levels.front().x;
  const double slope = (levels.back().y - levels.front().y) / width;
  const auto variance_over = [&](size_t lag) {
    double squares = 0;
    for (size_t i = lag; i < levels.size(); ++i) {
      const double off = levels[i].y - levels[i - lag].y - slope * (levels[i].x - levels[i - lag].x);
      squares += off * off;
    }
    return squares / static_cast<double>(levels.size() - lag);
  };
  const double per_point = (variance_over(far) - variance_over(1)) / static_cast<double>(far - 1);
  if (per_point <= 0) return 0;
  // A quarter of the points: four independent differences, and Student's factor for so few of them.
  const double few = 1.8;
  return few * normal_quantile(0.5 + confidence / 2) *
         std::sqrt(per_point * static_cast<double>(levels.size() - 1)) / width;
}

double chance_of_climb(std::span<const double> levels) {
  if (levels.size() < 6) return 1;
  std::vector<double> differences;
  for (size_t i = 1; i < levels.size(); ++i) differences.push_back(levels[i] - levels[i - 1]);
  const double count = static_cast<double>(differences.size());
  const double mean = (levels.back() - levels.front()) / count;
  if (mean <= 0) return 1;
  const auto covariance = [&](size_t lag) {
    double sum = 0;
    for (size_t i = lag; i < differences.size(); ++i)
      sum += (differences[i] - mean) * (differences[i - lag] - mean);
    return sum / (count - 1);
  };
  const double alone = covariance(0);
  if (alone <= 0) return 0;
  // Bartlett's weights of the first two lags. Noise around a line takes back in one difference what it gave
  // in the one before; how much so is badly known from few differences, therefore the floor.
  const double together = alone + 2 * (2.0 / 3 * covariance(1) + 1.0 / 3 * covariance(2));
  return student_tail(mean * std::sqrt(count / std::max(together, kLeastVariance * alone)), count - 1);
}

}  // namespace leakhunt::stats
