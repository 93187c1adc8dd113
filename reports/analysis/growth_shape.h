// growth_shape: what to call a series that is convicted of no growth. Descriptions only: nobody is accused by
// them. docs/verdicts.md has the definitions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reports/analysis/growth_class.h"

namespace leakhunt::reports {

struct Movement {
  std::vector<size_t> rises;  // indices at which the series is higher than just before
  size_t falls = 0;
  size_t last_change = 0;  // index
};

Movement movement_of(std::span<const int64_t> bytes);

Growth flat_growth();

// Do the rises multiply the level, each by about the same factor, at distances that grow as it does?
bool is_doubling(const GrowthSeries& series, std::span<const size_t> rises);

// Of a series that moves: never kFlat, kLinear, kSlow, kSuperLinear.
GrowthClass shape_of(const GrowthSeries& series, const Movement& movement);

// Steps from one tooth of a sawtooth to the next, as the median; 0 of fewer than two.
uint64_t swing_period(const GrowthSeries& series);

}  // namespace leakhunt::reports
