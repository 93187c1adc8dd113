#include "reports/analysis/growth_class.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "lib/stats/periodicity.h"
#include "reports/analysis/growth_envelope.h"
#include "reports/analysis/growth_rises.h"
#include "reports/analysis/growth_shape.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kMinPeriods = 5;        // of a repeated pattern
constexpr size_t kManyPeriods = 50;      // that it takes of growth in the last sixteenth
constexpr double kSlowestLinear = 0.75;  // blocks per step: between one block in one and in two steps
constexpr double kBeyondFormerFall = 3;  // a late start must rise so often as high as what fell back before

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

// The first point behind `start` at which the series has risen.
size_t first_rise(std::span<const int64_t> bytes, size_t start) {
  size_t i = start + 1;
  while (i + 1 < bytes.size() && bytes[i] <= bytes[i - 1]) ++i;
  return i;
}

// Where growth that repeats itself to the byte began: before, the same blocks may have had other sizes, such
// as names with a number of fewer digits in them.
size_t first_of_its_kind(const GrowthSeries& series, const stats::PeriodicTail& tail) {
  const size_t last = series.bytes.size() - 1;
  const int64_t blocks = series.blocks[last] - series.blocks[last - tail.period];
  if (tail.net <= 0 || blocks <= 0) return tail.first;
  size_t first = tail.first;
  for (; first >= tail.period; first -= tail.period) {
    const size_t before = first - tail.period;
    const int64_t rise = series.bytes[first] - series.bytes[before];
    if (series.blocks[first] - series.blocks[before] != blocks || 2 * rise < tail.net || rise > 2 * tail.net)
      break;
  }
  return first;
}

// Of how many of the judged points the periodic tail has to be one part at least. Growth may have begun late;
// what rose faster before it may be a cache in the last of its filling.
size_t least_share(const GrowthSeries& series, const stats::PeriodicTail& tail) {
  if (tail.net <= 0) return 2;
  const int64_t before = series.bytes[tail.first] - series.bytes.front();
  const bool slowed = tail.first > 0 && as_double(before) / as_double(tail.first) >
                                            1.1 * as_double(tail.net) / as_double(tail.period);
  if (slowed) return 4;
  return tail.repeats >= kManyPeriods ? 16 : 8;
}

std::optional<Growth> judge_periodic(const GrowthSeries& series) {
  const size_t last = series.bytes.size() - 1;
  if (!evenly_numbered(series.numbers)) return std::nullopt;
  const auto tail = stats::periodic_tail(series.bytes, kMinPeriods);
  if (!tail || (tail->net == 0 && tail->period == 1)) return std::nullopt;
  if (last - tail->first < std::max(kMinJudged, last / least_share(series, *tail))) return std::nullopt;

  Growth growth;
  growth.exact = true;
  growth.since = series.numbers[tail->first];
  growth.repeats = tail->repeats;
  growth.period = tail->period * (series.numbers[1] - series.numbers[0]);
  if (tail->net == 0) {
    growth.kind = GrowthClass::kSawtooth;
    return growth;
  }
  const int64_t rise = tail->net * static_cast<int64_t>(tail->repeats);  // whatever the phase at both ends
  const int64_t fell_before = stats::largest_fall(series.bytes.first(tail->first + 1));
  if (tail->net > 0 && as_double(rise) < kBeyondFormerFall * as_double(fell_before)) return std::nullopt;

  if (tail->net > 0)
    growth.since = series.numbers[first_rise(series.bytes, first_of_its_kind(series, *tail))];
  growth.bytes_per_step = as_double(tail->net) / as_double(growth.period);
  growth.bytes_interval = {growth.bytes_per_step, growth.bytes_per_step};
  const int64_t blocks = series.blocks[last] - series.blocks[last - tail->period];
  growth.blocks_per_step = as_double(blocks) / as_double(growth.period);
  growth.blocks_interval = {growth.blocks_per_step, growth.blocks_per_step};
  growth.kind = tail->net > 0 ? class_of_steady_growth(growth.blocks_per_step) : GrowthClass::kShrinking;
  return growth;
}

// Smaller and smaller blocks that come at a steady rate, to the end, and all stay: their bytes alone look
// like a cache that fills, which takes fewer and fewer.
std::optional<Growth> judge_steady_blocks(const GrowthSeries& series, size_t min_rises, double risk) {
  int64_t least = INT64_MAX;
  int64_t most = 0;
  for (size_t i = 1; i < series.bytes.size(); ++i) {
    const int64_t blocks = series.blocks[i] - series.blocks[i - 1];
    const int64_t bytes = series.bytes[i] - series.bytes[i - 1];
    if ((bytes > 0) != (blocks > 0)) return std::nullopt;
    if (blocks == 0) continue;
    least = std::min(least, bytes / blocks);
    most = std::max(most, bytes / blocks);
  }
  if (least >= most) return std::nullopt;  // of one size: the bytes have said it all
  const GrowthSeries of_blocks{series.numbers, series.blocks, series.blocks};
  auto growth = judge_periodic(of_blocks);
  if (!growth || growth->kind == GrowthClass::kSawtooth) growth = judge_rises(of_blocks, min_rises, risk);
  if (!growth || !growth->grows() || growth->since > series.numbers[series.numbers.size() / 4])
    return std::nullopt;
  growth->exact = false;
  growth->period = 0;
  growth->bytes_per_step = as_double(series.bytes.back() - series.bytes.front()) /
                           as_double(series.numbers.back() - series.numbers.front());
  growth->bytes_interval = {as_double(least) * growth->blocks_per_step,
                            as_double(most) * growth->blocks_per_step};
  return growth;
}

// A series that shrinks is one that grows, upside down.
std::optional<Growth> judge_shrinking(const GrowthSeries& series, size_t min_rises, double risk) {
  if (series.bytes.back() >= series.bytes.front()) return std::nullopt;
  std::vector<int64_t> bytes(series.bytes.begin(), series.bytes.end());
  std::vector<int64_t> blocks(series.blocks.begin(), series.blocks.end());
  for (int64_t& value : bytes) value = -value;
  for (int64_t& value : blocks) value = -value;
  const GrowthSeries mirrored{series.numbers, bytes, blocks};
  auto growth = judge_rises(mirrored, min_rises, risk);
  if (!growth) growth = judge_envelope(mirrored, min_rises, risk);
  if (!growth || !growth->grows()) return std::nullopt;
  growth->kind = GrowthClass::kShrinking;
  growth->bytes_per_step = -growth->bytes_per_step;
  growth->bytes_interval = {-growth->bytes_interval.high, -growth->bytes_interval.low};
  growth->blocks_per_step = -growth->blocks_per_step;
  growth->blocks_interval = {-growth->blocks_interval.high, -growth->blocks_interval.low};
  return growth;
}

}  // namespace

std::string_view to_string(GrowthClass value) {
  switch (value) {
    case GrowthClass::kUnjudged:
      return "unjudged";
    case GrowthClass::kFlat:
      return "flat";
    case GrowthClass::kWarmUp:
      return "warm-up";
    case GrowthClass::kStep:
      return "step";
    case GrowthClass::kSawtooth:
      return "sawtooth";
    case GrowthClass::kDoubling:
      return "doubling";
    case GrowthClass::kFilling:
      return "filling";
    case GrowthClass::kVarying:
      return "varying";
    case GrowthClass::kShrinking:
      return "shrinking";
    case GrowthClass::kUndecided:
      return "undecided";
    case GrowthClass::kLinear:
      return "linear";
    case GrowthClass::kSlow:
      return "slow";
    case GrowthClass::kSuperLinear:
      return "super-linear";
  }
  return "unjudged";
}

bool is_growth(GrowthClass value) {
  return value == GrowthClass::kLinear || value == GrowthClass::kSlow || value == GrowthClass::kSuperLinear;
}

GrowthClass class_of_steady_growth(double blocks_per_step) {
  const bool slow = blocks_per_step > 0 && blocks_per_step < kSlowestLinear;
  return slow ? GrowthClass::kSlow : GrowthClass::kLinear;
}

Growth classify_growth(const GrowthSeries& series, size_t min_rises, double risk) {
  if (series.bytes.size() <= kMinJudged) return {};
  const Movement movement = movement_of(series.bytes);
  if (movement.rises.empty() && movement.falls == 0) return flat_growth();
  if (auto growth = judge_periodic(series)) return *growth;
  if (auto growth = judge_rises(series, min_rises, risk)) return *growth;
  if (!evenly_numbered(series.numbers)) {
    if (auto growth = judge_straight(series)) return *growth;
  }
  if (movement.falls > 0) {
    if (auto growth = judge_envelope(series, min_rises, risk)) return *growth;
    if (auto growth = judge_shrinking(series, min_rises, risk)) return *growth;
  } else if (auto growth = judge_steady_blocks(series, min_rises, risk)) {
    return *growth;
  }
  Growth described;
  described.kind = shape_of(series, movement);
  if (described.kind == GrowthClass::kSawtooth) described.period = swing_period(series);
  if (described.kind == GrowthClass::kUndecided) {
    const double steps = as_double(series.numbers.back() - series.numbers.front());
    described.undecided_bytes = as_double(series.bytes.back() - series.bytes.front()) / steps;
    described.undecided_blocks = as_double(series.blocks.back() - series.blocks.front()) / steps;
  }
  return described;
}

}  // namespace leakhunt::reports
