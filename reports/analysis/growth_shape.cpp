#include "reports/analysis/growth_shape.h"

#include <algorithm>
#include <cmath>

#include "lib/stats/rate.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kFewRises = 8;           // fewer are one-offs
constexpr double kSilenceOfFull = 0.1;    // of the judged span: so long without a rise is full
constexpr double kFilling = 0.3;          // decay: rises die away
constexpr double kSmallestFactor = 1.05;  // of a container: it grows by an eighth at least
constexpr double kLargestFactor = 4.5;
constexpr double kWobbleOfFactor = 0.3;  // of its logarithm: sizes are rounded
constexpr double kRegularSwings = 0.35;  // standard deviation of their distances, in means
constexpr size_t kEnoughSwings = 5;
constexpr size_t kWindows = 16;

double as_double(auto value) {
  return static_cast<double>(value);
}

// Full: silent for a tenth of the span, and for longer than ever before.
bool is_full(const GrowthSeries& series, const Movement& movement) {
  const auto x = [&](size_t i) { return as_double(series.numbers[i]); };
  const double silence = as_double(series.numbers.back()) - x(movement.last_change);
  if (silence < kSilenceOfFull * as_double(series.numbers.back() - series.numbers.front())) return false;
  for (size_t i = 1; i < movement.rises.size(); ++i) {
    if (x(movement.rises[i]) - x(movement.rises[i - 1]) >= silence) return false;
  }
  return true;
}

// Where marks fell together nobody saw when the series rose between them: at once, or by and by.
bool has_gap(std::span<const uint64_t> numbers) {
  constexpr double kWideGap = 0.1;  // of the judged span
  uint64_t widest = 0;
  for (size_t i = 1; i < numbers.size(); ++i) widest = std::max(widest, numbers[i] - numbers[i - 1]);
  return as_double(widest) > kWideGap * as_double(numbers.back() - numbers.front());
}

GrowthClass shape_of_rising(const GrowthSeries& series, const Movement& movement) {
  if (is_doubling(series, movement.rises)) return GrowthClass::kDoubling;
  if (movement.rises.size() < kFewRises) {
    const int64_t blocks = series.blocks.back() - series.blocks.front();
    const bool unseen = has_gap(series.numbers) && blocks >= static_cast<int64_t>(kFewRises);
    return unseen ? GrowthClass::kUndecided : GrowthClass::kStep;
  }
  if (is_full(series, movement)) return GrowthClass::kWarmUp;
  std::vector<stats::Point> events;
  for (const size_t i : movement.rises)
    events.push_back({as_double(series.numbers[i]), as_double(series.bytes[i] - series.bytes[i - 1])});
  const stats::Rate rate = stats::rate_of_events(events, kConfidence);
  const bool fills = rate.decay > kFilling && !has_gap(series.numbers);
  return fills ? GrowthClass::kFilling : GrowthClass::kUndecided;
}

// --- swings --------------------------------------------------------------------------------------

// Where the series climbs from its lowest quarter into its highest one.
std::vector<size_t> swings_of(std::span<const int64_t> bytes) {
  const auto [low, high] = std::minmax_element(bytes.begin(), bytes.end());
  const double range = as_double(*high - *low);
  std::vector<size_t> ups;
  bool down = false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const double place = as_double(bytes[i] - *low);
    if (place <= 0.25 * range) down = true;
    if (place < 0.75 * range || !down) continue;
    ups.push_back(i);
    down = false;
  }
  return ups;
}

bool swings_regularly(const GrowthSeries& series) {
  const std::vector<size_t> ups = swings_of(series.bytes);
  if (ups.size() < kEnoughSwings) return false;
  const double count = as_double(ups.size() - 1);
  const double mean = as_double(series.numbers[ups.back()] - series.numbers[ups.front()]) / count;
  double squares = 0;
  for (size_t i = 1; i < ups.size(); ++i) {
    const double off = as_double(series.numbers[ups[i]] - series.numbers[ups[i - 1]]) - mean;
    squares += off * off;
  }
  // A few swings of noise are regular by chance more often than many.
  const double regular = std::min(kRegularSwings, 0.03 * as_double(ups.size()) + 0.05);
  return std::sqrt(squares / count) <= regular * mean;
}

// Teeth: up by little and little, down at once (or the other way round), each down to the floor.
bool has_teeth(std::span<const int64_t> bytes, const Movement& movement) {
  const auto [low, high] = std::minmax_element(bytes.begin(), bytes.end());
  const double range = as_double(*high - *low);
  const bool slow_up = 3 * movement.falls <= movement.rises.size();
  const bool slow_down = 3 * movement.rises.size() <= movement.falls;
  if (!slow_up && !slow_down) return false;
  bool reaches_floor = true;
  double jumps = 0;
  for (size_t i = 1; i < bytes.size(); ++i) {
    const int64_t step = bytes[i] - bytes[i - 1];
    if (slow_up ? step >= 0 : step <= 0) continue;
    jumps += std::abs(as_double(step)) / range;
    const int64_t foot = slow_up ? bytes[i] : bytes[i - 1];
    reaches_floor = reaches_floor && as_double(foot - *low) <= 0.25 * range;
  }
  return reaches_floor && jumps >= 0.5;
}

// --- levels --------------------------------------------------------------------------------------

enum class Drift { kNone, kUpThenLevel, kDown };

// From window minima: up early and then level, under all that comes and goes.
Drift drift_of(std::span<const int64_t> bytes) {
  if (bytes.size() < 4 * kWindows) return Drift::kNone;
  std::vector<double> levels;
  for (const size_t i : stats::lower_envelope(bytes, kWindows)) levels.push_back(as_double(bytes[i]));
  const auto half = levels.begin() + kWindows / 2;
  const auto [low, high] = std::minmax_element(half, levels.end());
  const double scatter = *high - *low;
  const double middle = stats::median({half, levels.end()});
  const double rise = middle - levels.front();
  if (rise > 3 * scatter && rise > 0) return Drift::kUpThenLevel;
  if (-rise > 3 * scatter && rise < 0) return Drift::kDown;
  return Drift::kNone;
}

GrowthClass shape_of_swinging(const GrowthSeries& series, const Movement& movement) {
  const bool silent = 2 * movement.last_change <= series.bytes.size();
  if (silent)
    return series.bytes.back() < series.bytes.front() ? GrowthClass::kShrinking : GrowthClass::kWarmUp;
  if (swings_regularly(series) || has_teeth(series.bytes, movement)) return GrowthClass::kSawtooth;
  switch (drift_of(series.bytes)) {
    case Drift::kUpThenLevel:
      return GrowthClass::kWarmUp;
    case Drift::kDown:
      return GrowthClass::kShrinking;
    case Drift::kNone:
      return GrowthClass::kVarying;
  }
  return GrowthClass::kVarying;
}

}  // namespace

Movement movement_of(std::span<const int64_t> bytes) {
  Movement movement;
  for (size_t i = 1; i < bytes.size(); ++i) {
    if (bytes[i] > bytes[i - 1]) movement.rises.push_back(i);
    if (bytes[i] < bytes[i - 1]) ++movement.falls;
    if (bytes[i] != bytes[i - 1]) movement.last_change = i;
  }
  return movement;
}

Growth flat_growth() {
  Growth growth;
  growth.kind = GrowthClass::kFlat;
  growth.exact = true;
  return growth;
}

bool is_doubling(const GrowthSeries& series, std::span<const size_t> rises) {
  if (rises.size() < 2) return false;
  std::vector<double> powers;  // logarithms of the factors
  for (const size_t i : rises) {
    if (series.bytes[i - 1] <= 0 || series.blocks[i] != series.blocks[i - 1]) return false;
    powers.push_back(std::log(as_double(series.bytes[i]) / as_double(series.bytes[i - 1])));
  }
  std::vector<double> sorted = powers;
  const double usual = stats::median(sorted);
  if (usual < std::log(kSmallestFactor) || usual > std::log(kLargestFactor)) return false;
  // What is small may grow twice in one iteration.
  for (const double power : powers) {
    const double times = power / usual;
    if (times < 0.5 || std::abs(times - std::round(times)) > kWobbleOfFactor) return false;
  }
  // A container that is filled steadily waits longer each time; a buffer that explodes does not.
  const auto distance = [&](size_t i) {
    return as_double(series.numbers[rises[i]] - series.numbers[rises[i - 1]]);
  };
  const size_t last = rises.size() - 1;
  return last < 2 || distance(last) > 1.02 * distance(1);
}

GrowthClass shape_of(const GrowthSeries& series, const Movement& movement) {
  if (movement.rises.empty()) return GrowthClass::kShrinking;
  return movement.falls == 0 ? shape_of_rising(series, movement) : shape_of_swinging(series, movement);
}

uint64_t swing_period(const GrowthSeries& series) {
  const std::vector<size_t> ups = swings_of(series.bytes);
  std::vector<double> distances;
  for (size_t i = 1; i < ups.size(); ++i)
    distances.push_back(as_double(series.numbers[ups[i]] - series.numbers[ups[i - 1]]));
  return static_cast<uint64_t>(std::llround(stats::median(distances)));
}

}  // namespace leakhunt::reports
