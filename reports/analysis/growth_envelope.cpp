#include "reports/analysis/growth_envelope.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "lib/stats/change_point.h"
#include "lib/stats/rate.h"
#include "lib/stats/significance.h"

namespace leakhunt::reports {

namespace {

constexpr double kDying = 1;              // decay over the judged span: see growth_rises.cpp
constexpr double kFallOfEnvelope = 0.25;  // of the rise
constexpr double kEarlyBulge = 0.08;
constexpr double kLateBulge = 0.15;
constexpr double kStillRising = 0.4;     // of its pace, in the last eighth
constexpr double kBeyondFormerFall = 3;  // see growth_rises.cpp
constexpr double kSuperLinearDecay = -0.5;
constexpr double kClearlyBetter = 16;  // squares saved per square that remains and degree of freedom
constexpr size_t kLooks = 12;          // window sizes times starts: each may err

// Long windows reach below long sawteeth; many windows make chance impossible.
constexpr std::array<size_t, 3> kWindows = {32, 16, 8};

double as_double(auto value) {
  return static_cast<double>(value);
}

struct Envelope {
  std::vector<size_t> at;
  std::vector<int64_t> levels;

  size_t count() const { return at.size(); }
  int64_t rise() const { return levels.back() - levels.front(); }
  bool climbs() const {
    return rise() > 0 && as_double(stats::largest_fall(levels)) <= kFallOfEnvelope * as_double(rise());
  }
  size_t pairs_that_do_not_rise() const {
    size_t pairs = 0;
    for (size_t i = 0; i < count(); ++i) {
      for (size_t j = i + 1; j < count(); ++j) pairs += levels[j] <= levels[i] ? 1 : 0;
    }
    return pairs;
  }
  std::vector<double> values() const { return {levels.begin(), levels.end()}; }
};

Envelope envelope_of(std::span<const int64_t> values, size_t windows) {
  Envelope envelope;
  envelope.at = stats::lower_envelope(values, windows);
  for (const size_t i : envelope.at) envelope.levels.push_back(values[i]);
  return envelope;
}

std::vector<stats::Point> points_of(const Envelope& envelope, std::span<const uint64_t> numbers) {
  std::vector<stats::Point> points;
  for (size_t i = 0; i < envelope.count(); ++i)
    points.push_back({as_double(numbers[envelope.at[i]]), as_double(envelope.levels[i])});
  return points;
}

// The median over the windows of how far the series moves inside one.
double restlessness(std::span<const int64_t> values, size_t windows) {
  std::vector<double> ranges;
  for (size_t window = 0; window < windows; ++window) {
    const size_t begin = window * values.size() / windows;
    const size_t end = (window + 1) * values.size() / windows;
    const auto [low, high] = std::minmax_element(values.begin() + static_cast<ptrdiff_t>(begin),
                                                 values.begin() + static_cast<ptrdiff_t>(end));
    ranges.push_back(as_double(*high - *low));
  }
  return stats::median(ranges);
}

// How far the envelope lies above and below the line from its first to its last point, in shares of the rise.
struct Bulge {
  double above = 0;
  double below = 0;
};

Bulge bulge(const std::vector<stats::Point>& points) {
  const double width = points.back().x - points.front().x;
  const double height = points.back().y - points.front().y;
  Bulge result;
  for (const stats::Point& point : points) {
    const double over = (point.y - points.front().y) / height - (point.x - points.front().x) / width;
    result.above = std::max(result.above, over);
    result.below = std::max(result.below, -over);
  }
  return result;
}

bool still_rising(const std::vector<stats::Point>& points, double slope) {
  const stats::Point& last = points.back();
  const stats::Point& before = points[points.size() - 1 - points.size() / 8];
  return last.y - before.y >= kStillRising * slope * (last.x - before.x);
}

// Does a line that goes flat somewhere fit clearly better than one that goes on?
bool has_levelled_off(const std::vector<stats::Point>& points) {
  std::vector<stats::Point> backwards;
  for (auto point = points.rbegin(); point != points.rend(); ++point)
    backwards.push_back({-point->x, -point->y});
  const auto hinge = stats::hinge(backwards, kClearlyBetter);
  return hinge && backwards.front().x < hinge->x;
}

bool speeds_up(const std::vector<stats::Point>& points, const stats::Rate& rate) {
  if (rate.decay + 3 * rate.deviation > kSuperLinearDecay) return false;
  const size_t last = points.size() - 1;
  std::array<double, 4> pace{};
  for (size_t quarter = 0; quarter < 4; ++quarter) {
    const stats::Point& from = points[quarter * last / 4];
    const stats::Point& to = points[(quarter + 1) * last / 4];
    pace[quarter] = (to.y - from.y) / (to.x - from.x);
  }
  return pace[1] > 1.05 * pace[0] && pace[2] > 1.05 * pace[1] && pace[3] > 1.05 * pace[2] &&
         pace[3] > 1.5 * pace[0];
}

// From where on it grows: the break of the best flat-then-rising line, where that is clearly better.
uint64_t start_of_growth(const GrowthSeries& series, size_t windows) {
  const auto points = points_of(envelope_of(series.bytes, windows), series.numbers);
  const auto hinge = stats::hinge(points, kClearlyBetter);
  return hinge ? static_cast<uint64_t>(std::llround(hinge->x)) : series.numbers.front();
}

// The slope through the points from `since` on. What is lost at random adds up to a walk around the line,
// which Theil and Sen's interval does not know: its part comes on top.
stats::Slope slope_since(std::vector<stats::Point> points, uint64_t since) {
  const auto is_before = [&](const stats::Point& point) { return point.x < as_double(since); };
  if (std::count_if(points.begin(), points.end(), is_before) + 4 <= std::ssize(points))
    std::erase_if(points, is_before);
  stats::Slope slope = stats::theil_sen(points, kConfidence);
  const double reach = stats::wandering(points, kConfidence);
  slope.interval = {slope.interval.low - reach, slope.interval.high + reach};
  return slope;
}

GrowthSeries later_part(const GrowthSeries& series, size_t start) {
  return {series.numbers.subspan(start), series.bytes.subspan(start), series.blocks.subspan(start)};
}

// How one look at the series ended.
struct Look {
  bool climbs = false;  // beyond chance, straight or not
  std::optional<Growth> growth;
};

Look look_at(const GrowthSeries& series, size_t windows, double limit, double risk) {
  const Envelope bytes = envelope_of(series.bytes, windows);
  const Envelope blocks = envelope_of(series.blocks, windows);
  if (!bytes.climbs() || !blocks.climbs()) return {};
  // Eight windows can climb by chance; then the climb must be visible above the noise, too.
  const bool above_noise =
      windows > 8 || as_double(bytes.rise()) >= 0.5 * restlessness(series.bytes, windows);
  const double chance = kLooks * std::max(stats::kendall_tail(windows, bytes.pairs_that_do_not_rise()),
                                          stats::chance_of_climb(bytes.values()));
  Look look;
  look.climbs = chance <= risk && above_noise;
  if (!look.climbs) return look;

  const auto points = points_of(bytes, series.numbers);
  const stats::Rate rate = stats::rate_of_levels(points, kConfidence);
  const double margin = limit - rate.decay;
  const double chance_of_filling =
      margin <= 0           ? 1
      : rate.deviation <= 0 ? 0
                            : kLooks * stats::student_tail(margin / rate.deviation, as_double(windows - 3));
  Growth growth;
  growth.noisy = true;
  growth.chance = std::min(1.0, std::max(chance, chance_of_filling));
  const Bulge shape = bulge(points);
  const double step = 1.0 / as_double(windows);
  const bool faster = speeds_up(points, rate);
  const bool straight = shape.above <= kEarlyBulge + step && shape.below <= kLateBulge + 2 * step;
  if (growth.chance > risk || !still_rising(points, rate.per_step) || !(straight || faster)) return look;
  if (has_levelled_off(points)) return look;

  growth.repeats = windows;
  growth.kind = faster ? GrowthClass::kSuperLinear : GrowthClass::kLinear;
  look.growth = growth;
  return look;
}

// Start and slopes of growth that is accepted.
void measure(const GrowthSeries& series, size_t windows, Growth& growth) {
  growth.since = start_of_growth(series, windows);
  const uint64_t from = growth.kind == GrowthClass::kSuperLinear ? series.numbers.front() : growth.since;
  const auto points = [&](std::span<const int64_t> values) {
    return points_of(envelope_of(values, windows), series.numbers);
  };
  const stats::Slope bytes = slope_since(points(series.bytes), from);
  const stats::Slope blocks = slope_since(points(series.blocks), from);
  growth.bytes_per_step = bytes.value;
  growth.bytes_interval = bytes.interval;
  growth.blocks_per_step = blocks.value;
  growth.blocks_interval = blocks.interval;
  if (growth.kind == GrowthClass::kLinear) growth.kind = class_of_steady_growth(blocks.value);
}

}  // namespace

std::optional<Growth> judge_envelope(const GrowthSeries& series, size_t min_rises, double risk) {
  const size_t count = series.bytes.size();
  bool climbs = false;
  for (size_t quarter = 0; quarter < 3; ++quarter) {
    const size_t start = quarter * count / 4;
    const GrowthSeries part = later_part(series, start);
    const int64_t rise = series.bytes.back() - series.bytes[start];
    const int64_t fell_before = stats::largest_fall(series.bytes.first(start + 1));
    if (start > 0 && as_double(rise) < kBeyondFormerFall * as_double(fell_before)) continue;
    for (const size_t windows : kWindows) {
      if (min_rises > windows || part.bytes.size() < 4 * windows) continue;
      Look look =
          look_at(part, windows, start == 0 ? kDying : kDying * (1 - 0.25 * as_double(quarter)), risk);
      climbs = climbs || (start == 0 && look.climbs);
      if (!look.growth) continue;
      measure(series, std::max(windows, std::min<size_t>(32, count / 4)), *look.growth);
      return look.growth;
    }
  }
  if (!climbs) return std::nullopt;
  Growth filling;
  filling.kind = GrowthClass::kFilling;
  return filling;
}

}  // namespace leakhunt::reports
