// confusion: a family judged, and what came of it: truth against verdict, the bars, the mistakes by name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "reports/synthetic/families.h"

namespace leakhunt::reports::synthetic {

inline constexpr double kClassBar = 0.98;  // of all series: class as the truth
inline constexpr double kLeastLeak =
    1.6;  // bytes per iteration that must be found, super-linear ones always,
inline constexpr size_t kWithinIterations = 10'000;  // in so many; shorter series may leave it open

struct Mistake {
  std::string recipe;
  uint64_t seed = 0;
  size_t length = 0;  // judged points
  bool must_be_found = false;
  GrowthClass truth = GrowthClass::kFlat;
  GrowthClass verdict = GrowthClass::kFlat;

  bool accuses() const { return !is_growth(truth) && is_growth(verdict); }
  bool overlooks() const { return is_growth(truth) && !is_growth(verdict); }
  bool misses() const { return overlooks() && must_be_found; }
};

struct Confusion {
  std::array<std::array<size_t, kGrowthClasses>, kGrowthClasses> table{};  // [truth][verdict]
  size_t series = 0;
  size_t leaks = 0;
  size_t right = 0;
  size_t accused = 0;             // innocents
  size_t due = 0;                 // leaks that must be found
  size_t missed = 0;              // of them
  size_t left_open = 0;           // of the other leaks
  size_t slopes = 0;              // steady leaks that were found
  size_t slopes_in_interval = 0;  // of them: the true slope lies in the interval, or is the exact answer
  std::vector<Mistake> mistakes;

  bool bars_are_met() const;
};

// `each` series of every recipe, from `seed` on. Deterministic.
Confusion judge_family(const std::vector<Recipe>& recipes, size_t each, uint64_t seed);

// The table, the figures and the bars, a line for each mistake; at most 100 columns.
void write_confusion(const Confusion& confusion, const std::string& name, std::ostream& out);

}  // namespace leakhunt::reports::synthetic
