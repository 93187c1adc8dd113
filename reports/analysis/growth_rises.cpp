#include "reports/analysis/growth_rises.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "lib/stats/rate.h"
#include "lib/stats/significance.h"
#include "reports/analysis/growth_shape.h"

namespace leakhunt::reports {

namespace {

constexpr double kDying = 1;  // decay over the judged span from which on growth may be a cache's filling
constexpr double kLongestSilence = 7;  // mean distances without a rise, at the end: 1 in 1,000 if at random
constexpr double kLongerThanEver =
    1.5;                              // so much longer than any distance before is a silence of a clockwork
constexpr double kEarlyBulge = 0.08;  // rises before their time: the mark of a plateau
constexpr double kBeyondFormerFall = 3;  // a late start must rise so often as high as what fell back before
constexpr double kSuperLinearDecay = -0.5;
constexpr double kLooksAtWhole = 2;   // half of the risk is for the whole series, by bytes or by blocks,
constexpr double kLooksAtParts = 12;  // half for six later starts

double as_double(auto value) {
  return static_cast<double>(value);
}

struct Rises {
  const GrowthSeries& series;
  std::vector<size_t> at;  // indices at which the series is higher than just before

  size_t count() const { return at.size(); }
  double x(size_t i) const { return as_double(series.numbers[at[i]]); }
  double span() const { return x(count() - 1) - x(0); }
  double amount(size_t i) const { return as_double(series.bytes[at[i]] - series.bytes[at[i] - 1]); }
  double mean_distance() const { return span() / as_double(count() - 1); }

  std::vector<stats::Point> events(std::span<const int64_t> values) const {
    std::vector<stats::Point> points;
    for (size_t i = 0; i < count(); ++i)
      points.push_back({x(i), as_double(values[at[i]] - values[at[i] - 1])});
    return points;
  }
};

// Nothing if it falls anywhere from `start` on.
std::optional<Rises> rises_from(const GrowthSeries& series, size_t start) {
  Rises rises{series, {}};
  for (size_t i = start + 1; i < series.bytes.size(); ++i) {
    if (series.bytes[i] < series.bytes[i - 1]) return std::nullopt;
    if (series.bytes[i] > series.bytes[i - 1]) rises.at.push_back(i);
  }
  return rises;
}

bool has_ended(const Rises& rises) {
  const double silence = as_double(rises.series.numbers.back()) - rises.x(rises.count() - 1);
  double longest = 0;
  for (size_t i = 1; i < rises.count(); ++i) longest = std::max(longest, rises.x(i) - rises.x(i - 1));
  return silence > kLongestSilence * rises.mean_distance() || silence > kLongerThanEver * longest;
}

// How far the upper edges of the staircase lie above the line from the first to the last, as a share of the
// whole rise.
double early_bulge(const Rises& rises) {
  const double y0 = as_double(rises.series.bytes[rises.at.front()]);
  const double height = as_double(rises.series.bytes[rises.at.back()]) - y0;
  double above = 0;
  for (size_t i = 1; i < rises.count(); ++i) {
    const double y = (as_double(rises.series.bytes[rises.at[i]]) - y0) / height;
    above = std::max(above, y - (rises.x(i) - rises.x(0)) / rises.span());
  }
  return above;
}

// The rises of each quarter of the span, as shares of the whole.
std::array<double, 4> quarters(const Rises& rises) {
  std::array<double, 4> share{};
  const double y0 = as_double(rises.series.bytes[rises.at.front()]);
  const double height = as_double(rises.series.bytes[rises.at.back()]) - y0;
  for (size_t i = 1; i < rises.count(); ++i) {
    const double place = (rises.x(i) - rises.x(0)) / rises.span();
    const auto quarter = static_cast<size_t>(std::min(3.0, std::ceil(place * 4) - 1));
    share[quarter] += rises.amount(i) / height;
  }
  return share;
}

// Faster and faster, in every quarter: not a straight line that starts late.
bool speeds_up(const Rises& rises, const stats::Rate& rate) {
  if (rate.decay + 3 * std::min(rate.deviation, 0.5) > kSuperLinearDecay) return false;
  const auto share = quarters(rises);
  const bool each = share[1] > 1.05 * share[0] && share[2] > 1.05 * share[1] && share[3] > 1.05 * share[2];
  return each && share[3] > 1.5 * share[0];
}

// Did the series rise faster before `start` than after? Then what follows may be the end of a warm-up.
bool slowed_down(const GrowthSeries& series, size_t start) {
  if (start == 0) return false;
  const auto rate = [&](size_t from, size_t to) {
    return as_double(series.bytes[to] - series.bytes[from]) /
           as_double(series.numbers[to] - series.numbers[from]);
  };
  return rate(0, start) > 1.1 * rate(start, series.bytes.size() - 1);
}

// The first rise of those that lie on the line of the accepted ones; a warm-up or a pause ends the search.
uint64_t first_on_line(const GrowthSeries& series, const Rises& accepted, double per_step) {
  const double end_x = accepted.x(accepted.count() - 1);
  const double end_y = as_double(series.bytes[accepted.at.back()]);
  double tolerance = 0;
  const auto distance = [&](size_t i) {
    return std::abs(as_double(series.bytes[i]) - end_y + per_step * (end_x - as_double(series.numbers[i])));
  };
  for (const size_t i : accepted.at) tolerance = std::max(tolerance, distance(i));
  tolerance = 1.5 * tolerance + 2 * per_step * accepted.mean_distance();
  size_t first = accepted.at.front();
  for (size_t i = first; i > 0 && series.bytes[i] >= series.bytes[i - 1]; --i) {
    if (distance(i) > tolerance) break;
    if (series.bytes[i] > series.bytes[i - 1]) first = i;
  }
  return series.numbers[first];
}

// How likely a rate that dies away by `limit` looks like this one.
double chance_of_dying(const stats::Rate& rate, double limit, double looks) {
  const double margin = limit - rate.decay;
  if (margin <= 0) return 1;
  return rate.deviation <= 0 ? 0 : std::min(1.0, looks * stats::normal_tail(margin / rate.deviation));
}

// Where every rise adds blocks, their number may show what sizes of all kinds blur.
double chance_by_blocks(const Rises& rises, const stats::Rate& bytes, const stats::Rate& blocks, double limit,
                        double looks) {
  for (const size_t i : rises.at) {
    if (rises.series.blocks[i] <= rises.series.blocks[i - 1]) return 1;
  }
  return bytes.decay < limit ? chance_of_dying(blocks, limit, looks) : 1;
}

std::optional<Growth> judge_rises_from(const GrowthSeries& series, size_t start, size_t min_rises,
                                       double risk) {
  const auto found = rises_from(series, start);
  if (!found || found->count() < (start == 0 ? min_rises : 2 * min_rises)) return std::nullopt;
  const Rises& rises = *found;
  const double judged_span = as_double(series.numbers.back() - series.numbers.front());
  if (rises.span() < 0.2 * judged_span || has_ended(rises)) return std::nullopt;
  const bool slowed = slowed_down(series, start);
  if (slowed && 2 * start > series.bytes.size()) return std::nullopt;

  const stats::Rate rate = stats::rate_of_events(rises.events(series.bytes), kConfidence);
  Growth growth;
  growth.repeats = rises.count();
  growth.bytes_per_step = rate.per_step;
  growth.bytes_interval = rate.interval;
  const stats::Rate blocks = stats::rate_of_events(rises.events(series.blocks), kConfidence);
  growth.blocks_per_step = blocks.per_step;
  growth.blocks_interval = blocks.interval;

  if (speeds_up(rises, rate)) {
    if (rises.count() < 4 * min_rises || is_doubling(series, rises.at)) return std::nullopt;
    growth.kind = GrowthClass::kSuperLinear;
    growth.since = series.numbers[rises.at.front()];
    return growth;
  }
  const double limit = slowed ? kDying * rises.span() / judged_span : kDying;
  const double looks = start == 0 ? kLooksAtWhole : kLooksAtParts;
  growth.chance =
      std::min(chance_of_dying(rate, limit, looks), chance_by_blocks(rises, rate, blocks, limit, looks));
  if (growth.chance > risk) return std::nullopt;
  const double wobble = 1.5 * rate.deviation / std::sqrt(12.0);  // of a random line: 1 in 90 goes further
  if (early_bulge(rises) > std::max(kEarlyBulge, wobble) + 1 / as_double(rises.count())) return std::nullopt;
  // Flat, then steep: a later start will fit.
  if (rate.decay < -kDying) return std::nullopt;
  growth.kind = class_of_steady_growth(growth.blocks_per_step);
  growth.since = first_on_line(series, rises, rate.per_step);
  return growth;
}

// The points lie on one line, but for two of the smallest rises: where marks came late, and many in one,
// their distances and amounts scatter together, and nothing else does.
std::optional<Growth> judge_straight_from(const GrowthSeries& series, size_t start) {
  constexpr double kOffTheLine = 2;
  constexpr double kLeastRise = 64;
  const auto found = rises_from(series, start);
  if (!found || found->count() < kMinJudged || has_ended(*found)) return std::nullopt;
  int64_t least = INT64_MAX;
  for (const size_t i : found->at) least = std::min(least, series.bytes[i] - series.bytes[i - 1]);
  const auto x = [&](size_t i) { return as_double(series.numbers[i] - series.numbers[start]); };
  const auto y = [&](size_t i) { return as_double(series.bytes[i] - series.bytes[start]); };
  const size_t last = series.bytes.size() - 1;
  if (y(last) < kLeastRise * as_double(least)) return std::nullopt;
  Growth growth;
  growth.bytes_per_step = y(last) / x(last);
  for (size_t i = start; i <= last; ++i) {
    if (std::abs(y(i) - growth.bytes_per_step * x(i)) > kOffTheLine * as_double(least)) return std::nullopt;
  }
  const double reach = kOffTheLine * as_double(least) / x(last);
  growth.bytes_interval = {growth.bytes_per_step - reach, growth.bytes_per_step + reach};
  growth.blocks_per_step = as_double(series.blocks[last] - series.blocks[start]) / x(last);
  const double blocks_reach = kOffTheLine / x(last);
  growth.blocks_interval = {growth.blocks_per_step - blocks_reach, growth.blocks_per_step + blocks_reach};
  growth.repeats = found->count();
  growth.since = series.numbers[start];
  growth.kind = class_of_steady_growth(growth.blocks_per_step);
  return growth;
}

}  // namespace

std::optional<Growth> judge_straight(const GrowthSeries& series) {
  const size_t count = series.bytes.size();
  for (size_t eighth = 0; eighth <= 4; ++eighth) {
    const size_t start = eighth * count / 8;
    if (slowed_down(series, start)) continue;
    const int64_t fell_before = stats::largest_fall(series.bytes.first(start + 1));
    const int64_t rise = series.bytes.back() - series.bytes[start];
    if (as_double(rise) < kBeyondFormerFall * as_double(fell_before)) continue;
    if (auto growth = judge_straight_from(series, start)) return growth;
  }
  return std::nullopt;
}

std::optional<Growth> judge_rises(const GrowthSeries& series, size_t min_rises, double risk) {
  const size_t count = series.bytes.size();
  for (size_t eighth = 0; eighth <= 6; ++eighth) {
    const size_t start = eighth * count / 8;
    const int64_t fell_before = stats::largest_fall(series.bytes.first(start + 1));
    const int64_t rise = series.bytes.back() - series.bytes[start];
    if (as_double(rise) < kBeyondFormerFall * as_double(fell_before)) continue;
    if (auto growth = judge_rises_from(series, start, min_rises, risk)) return growth;
  }
  return std::nullopt;
}

}  // namespace leakhunt::reports
