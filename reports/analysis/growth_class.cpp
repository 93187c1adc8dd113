#include "reports/analysis/growth_class.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "lib/stats/periodicity.h"

namespace leakhunt::reports {

namespace {

// Limits of the three roads. Each is a distance that docs/verdicts.md explains.
constexpr size_t kMinPeriods = 5;         // of a repeated pattern
constexpr double kEarlyBulge = 0.08;      // rises before their time: the mark of a cache that fills
constexpr double kLateBulge = 0.15;       // rises after their time
constexpr double kAccelerating = 0.40;    // a cubic has 0.385
constexpr double kLongestSilence = 5;     // mean distances without a rise, at the end
constexpr double kFallOfEnvelope = 0.25;  // of the rise
constexpr double kBeyondFormerFall =
    3;  // a late start must rise so often as high as anything that fell back before
constexpr size_t kMinIrregularRises = 150;  // at uneven distances, where chance could be at work
constexpr double kRegular = 0.3;            // standard deviation of the distances, in means
constexpr double kStraight = 0.045;         // early bulge of what comes after a faster rise
constexpr size_t kSlopePoints = 160;        // enough for Theil-Sen: 12,720 pairs

double as_double(auto value) {
  return static_cast<double>(value);
}

bool evenly_numbered(std::span<const uint64_t> numbers) {
  const uint64_t step = numbers[1] - numbers[0];
  for (size_t i = 2; i < numbers.size(); ++i) {
    if (numbers[i] - numbers[i - 1] != step) return false;
  }
  return true;
}

// Slopes of bytes and blocks through some points of the series.
void fit(const GrowthSeries& series, std::span<const size_t> at, Growth& growth) {
  std::vector<stats::Point> bytes;
  std::vector<stats::Point> blocks;
  const size_t stride = (at.size() + kSlopePoints - 1) / kSlopePoints;
  for (size_t i = 0; i < at.size(); i += stride) {
    const double x = as_double(series.numbers[at[i]]);
    bytes.push_back({x, as_double(series.bytes[at[i]])});
    blocks.push_back({x, as_double(series.blocks[at[i]])});
  }
  const stats::Slope of_bytes = stats::theil_sen(bytes, kConfidence);
  const stats::Slope of_blocks = stats::theil_sen(blocks, kConfidence);
  growth.bytes_per_step = of_bytes.value;
  growth.bytes_interval = of_bytes.interval;
  growth.blocks_per_step = of_blocks.value;
  growth.blocks_interval = of_blocks.interval;
}

// How far points lie above and below the line from the first to the last, as shares of the whole rise. Of a
// staircase the points are its upper edges; the lower ones count for `below`.
struct Bulge {
  double above = 0;
  double below = 0;
};

Bulge bulge(const GrowthSeries& series, std::span<const size_t> at) {
  const double x0 = as_double(series.numbers[at.front()]);
  const double y0 = as_double(series.bytes[at.front()]);
  const double width = as_double(series.numbers[at.back()]) - x0;
  const double height = as_double(series.bytes[at.back()]) - y0;
  Bulge result;
  for (size_t i = 1; i < at.size(); ++i) {
    const double x = (as_double(series.numbers[at[i]]) - x0) / width;
    const double y = (as_double(series.bytes[at[i]]) - y0) / height;
    const double y_before = (as_double(series.bytes[at[i - 1]]) - y0) / height;
    result.above = std::max(result.above, y - x);
    result.below = std::max(result.below, x - y_before);
  }
  return result;
}

// --- periodic ------------------------------------------------------------------------------------

// The first point behind `start` at which the series has risen.
size_t first_rise(std::span<const int64_t> bytes, size_t start) {
  size_t i = start + 1;
  while (i + 1 < bytes.size() && bytes[i] <= bytes[i - 1]) ++i;
  return i;
}

std::optional<Growth> judge_periodic(const GrowthSeries& series) {
  const size_t last = series.bytes.size() - 1;
  if (!evenly_numbered(series.numbers)) return std::nullopt;
  const auto tail = stats::periodic_tail(series.bytes, kMinPeriods);
  if (!tail || (tail->net == 0 && tail->period == 1)) return std::nullopt;
  const size_t length = last - tail->first;
  const bool enough = length >= std::max(kMinJudged, last / (tail->net > 0 ? 8 : 2));
  if (!enough) return std::nullopt;

  Growth growth;
  growth.exact = true;
  growth.since = series.numbers[tail->first];
  growth.repeats = tail->repeats;
  growth.period = tail->period * (series.numbers[1] - series.numbers[0]);
  if (tail->net == 0) {
    growth.kind = GrowthClass::kSawtooth;
    return growth;
  }
  const int64_t rise = series.bytes[last] - series.bytes[tail->first];
  const int64_t fell_before = stats::largest_fall(series.bytes.first(tail->first + 1));
  if (tail->net > 0 && as_double(rise) < kBeyondFormerFall * as_double(fell_before)) return std::nullopt;

  growth.kind = tail->net > 0 ? GrowthClass::kLinear : GrowthClass::kShrinking;
  if (tail->net > 0) growth.since = series.numbers[first_rise(series.bytes, tail->first)];
  growth.bytes_per_step = as_double(tail->net) / as_double(growth.period);
  growth.bytes_interval = {growth.bytes_per_step, growth.bytes_per_step};
  const int64_t blocks = series.blocks[last] - series.blocks[last - tail->period];
  growth.blocks_per_step = as_double(blocks) / as_double(growth.period);
  growth.blocks_interval = {growth.blocks_per_step, growth.blocks_per_step};
  return growth;
}

// --- rises ---------------------------------------------------------------------------------------

// Indices, from `start` on, at which the series is higher than just before. Nothing if it falls anywhere.
std::optional<std::vector<size_t>> rises_from(std::span<const int64_t> bytes, size_t start) {
  std::vector<size_t> rises;
  for (size_t i = start + 1; i < bytes.size(); ++i) {
    if (bytes[i] < bytes[i - 1]) return std::nullopt;
    if (bytes[i] > bytes[i - 1]) rises.push_back(i);
  }
  return rises;
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

bool at_regular_distances(const GrowthSeries& series, std::span<const size_t> rises) {
  const double count = as_double(rises.size() - 1);
  const double mean = as_double(series.numbers[rises.back()] - series.numbers[rises.front()]) / count;
  double squares = 0;
  for (size_t i = 1; i < rises.size(); ++i) {
    const double deviation = as_double(series.numbers[rises[i]] - series.numbers[rises[i - 1]]) - mean;
    squares += deviation * deviation;
  }
  return std::sqrt(squares / count) <= kRegular * mean;
}

// How many rises it takes. Few will do where a clockwork makes them; a cache that fills has many, too, but
// irregular ones; and after a faster rise it takes many to tell a leak from the end of a warm-up.
bool enough_rises(const GrowthSeries& series, std::span<const size_t> rises, size_t start, size_t min_rises) {
  if (rises.size() < (start == 0 ? min_rises : 2 * min_rises)) return false;
  if (slowed_down(series, start))
    return rises.size() >= kMinIrregularRises && 2 * start <= series.bytes.size();
  return rises.size() >= kMinIrregularRises || at_regular_distances(series, rises);
}

std::optional<Growth> judge_rises_from(const GrowthSeries& series, size_t start, size_t min_rises) {
  const auto rises = rises_from(series.bytes, start);
  if (!rises || !enough_rises(series, *rises, start, min_rises)) return std::nullopt;
  const double count = as_double(rises->size());
  const double span = as_double(series.numbers[rises->back()] - series.numbers[rises->front()]);
  const double silence = as_double(series.numbers.back() - series.numbers[rises->back()]);
  if (silence > kLongestSilence * span / (count - 1) + 1) return std::nullopt;
  if (span < 0.2 * as_double(series.numbers.back() - series.numbers.front())) return std::nullopt;

  const Bulge shape = bulge(series, *rises);
  const double early = slowed_down(series, start) ? kStraight : kEarlyBulge + 1 / count;
  if (shape.above > early) return std::nullopt;
  const bool accelerating = shape.below > kLateBulge + 1 / count;
  if (accelerating && (shape.below > kAccelerating || rises->size() < 4 * min_rises)) return std::nullopt;

  Growth growth;
  growth.kind = accelerating ? GrowthClass::kAccelerating : GrowthClass::kLinear;
  growth.repeats = rises->size();
  growth.since = series.numbers[rises->front()];
  fit(series, *rises, growth);
  return growth;
}

std::optional<Growth> judge_rises(const GrowthSeries& series, size_t min_rises) {
  const size_t count = series.bytes.size();
  for (size_t eighth = 0; eighth <= 6; ++eighth) {
    const size_t start = eighth * count / 8;
    const int64_t fell_before = stats::largest_fall(series.bytes.first(start + 1));
    const int64_t rise = series.bytes.back() - series.bytes[start];
    if (as_double(rise) < kBeyondFormerFall * as_double(fell_before)) continue;
    if (auto growth = judge_rises_from(series, start, min_rises)) return growth;
  }
  return std::nullopt;
}

// --- envelope ------------------------------------------------------------------------------------

struct Windows {
  size_t count;
  size_t min_rises;
};
// Long windows reach below long sawteeth; many windows make chance impossible.
constexpr std::array<Windows, 3> kWindows = {{{32, 20}, {16, 12}, {8, 7}}};

struct Envelope {
  std::vector<size_t> at;
  size_t rises = 0;
  int64_t rise = 0;
  int64_t fall = 0;

  bool climbs(size_t min_rises) const {
    return rises >= min_rises && rise > 0 && as_double(fall) <= kFallOfEnvelope * as_double(rise);
  }
};

Envelope envelope_of(std::span<const int64_t> values, size_t windows) {
  Envelope envelope;
  envelope.at = stats::lower_envelope(values, windows);
  std::vector<int64_t> levels;
  for (const size_t i : envelope.at) levels.push_back(values[i]);
  for (size_t i = 1; i < levels.size(); ++i) envelope.rises += levels[i] > levels[i - 1] ? 1 : 0;
  envelope.rise = levels.back() - levels.front();
  envelope.fall = stats::largest_fall(levels);
  return envelope;
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

std::optional<Growth> judge_envelope_of(const GrowthSeries& series, const Windows& windows) {
  const size_t count = series.bytes.size();
  if (count < 4 * windows.count) return std::nullopt;
  const Envelope bytes = envelope_of(series.bytes, windows.count);
  const Envelope blocks = envelope_of(series.blocks, windows.count);
  if (!bytes.climbs(windows.min_rises) || !blocks.climbs(windows.min_rises / 2)) return std::nullopt;
  // Eight windows can climb by chance; then the climb must be visible above the noise, too.
  if (windows.count == 8 && as_double(bytes.rise) < 0.5 * restlessness(series.bytes, windows.count)) {
    return std::nullopt;
  }
  const Bulge shape = bulge(series, bytes.at);
  const double step = 1.0 / as_double(windows.count);
  if (shape.above > kEarlyBulge + step || shape.below > kLateBulge + 2 * step) return std::nullopt;

  Growth growth;
  growth.kind = GrowthClass::kLinear;
  growth.noisy = true;
  growth.repeats = bytes.rises;
  growth.since = series.numbers.front();
  fit(series, bytes.at, growth);
  return growth;
}

std::optional<Growth> judge_envelope(const GrowthSeries& series, size_t min_rises) {
  for (const Windows& windows : kWindows) {
    if (min_rises > windows.count) continue;
    if (auto growth = judge_envelope_of(series, windows)) return growth;
  }
  return std::nullopt;
}

// --- what convicts nobody ------------------------------------------------------------------------

Growth describe(std::span<const int64_t> bytes) {
  Growth growth;
  size_t rises = 0;
  size_t falls = 0;
  for (size_t i = 1; i < bytes.size(); ++i) {
    rises += bytes[i] > bytes[i - 1] ? 1 : 0;
    falls += bytes[i] < bytes[i - 1] ? 1 : 0;
  }
  if (rises == 0 && falls == 0) {
    growth.kind = GrowthClass::kFlat;
    growth.exact = true;
  } else if (rises == 0) {
    growth.kind = GrowthClass::kShrinking;
  } else if (falls == 0) {
    const bool seldom = rises < std::max(kMinRisesOfSite, bytes.size() / 50);
    growth.kind = seldom ? GrowthClass::kSteps : GrowthClass::kSlowing;
  } else {
    growth.kind = GrowthClass::kVarying;
  }
  return growth;
}

}  // namespace

std::string_view to_string(GrowthClass value) {
  switch (value) {
    case GrowthClass::kUnjudged:
      return "unjudged";
    case GrowthClass::kFlat:
      return "flat";
    case GrowthClass::kSteps:
      return "steps";
    case GrowthClass::kSlowing:
      return "slowing";
    case GrowthClass::kSawtooth:
      return "sawtooth";
    case GrowthClass::kVarying:
      return "varying";
    case GrowthClass::kShrinking:
      return "shrinking";
    case GrowthClass::kLinear:
      return "linear";
    case GrowthClass::kAccelerating:
      return "accelerating";
  }
  return "unjudged";
}

Growth classify_growth(const GrowthSeries& series, size_t min_rises) {
  if (series.bytes.size() <= kMinJudged) return {};
  const Growth described = describe(series.bytes);
  if (described.kind == GrowthClass::kFlat) return described;
  if (auto growth = judge_periodic(series)) return *growth;
  if (described.kind == GrowthClass::kShrinking) return described;
  if (auto growth = judge_rises(series, min_rises)) return *growth;
  if (described.kind == GrowthClass::kVarying) {
    if (auto growth = judge_envelope(series, min_rises)) return *growth;
  }
  return described;
}

}  // namespace leakhunt::reports
