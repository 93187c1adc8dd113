// growth_class: what one series of live bytes does after warm-up. Knows numbers only, no run.
//
// Three roads, from certain to careful; docs/verdicts.md gives the definitions, the reasons and the limits:
//   periodic  the increments repeat to the byte: slope, period and start are exact
//   rises     the series never falls, but rises at no fixed distance: rises enough to tell a steady rate from
//             one that dies away, up to the end
//   envelope  the series falls, too: its lower envelope rises steadily in windows of three sizes, and so do
//             the blocks'
// What none of them convicts is described and has a slope of exactly 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lib/stats/trend.h"

namespace leakhunt::reports {

enum class GrowthClass {
  kUnjudged,     // too few points
  kFlat,         // no change at all
  kWarmUp,       // rises, and then no more
  kStep,         // few rises: a one-off
  kSawtooth,     // between a floor and a top, again and again
  kDoubling,     // a container: it grows by a factor, at distances that grow by the same factor
  kFilling,      // rises less and less: a cache that is not full yet
  kVarying,      // up and down around a level
  kShrinking,    // what it rises, if at all, is less than what it falls
  kUndecided,    // rises, but not often enough to tell
  kLinear,       // grows steadily to the end
  kSlow,         // so, by one block in several iterations
  kSuperLinear,  // grows faster and faster
};
inline constexpr size_t kGrowthClasses = 13;

// "flat", "warm-up", ...: one word for tables and JSON.
std::string_view to_string(GrowthClass value);

// Linear, slow or super-linear.
bool is_growth(GrowthClass value);

struct Growth {
  GrowthClass kind = GrowthClass::kUnjudged;
  double bytes_per_step = 0;  // of the clock; 0 unless it grows or shrinks
  stats::Interval bytes_interval;
  double blocks_per_step = 0;
  stats::Interval blocks_interval;
  double undecided_bytes = 0;   // per step, on average: of an undecided one, which may be growth
  double undecided_blocks = 0;  // so
  uint64_t since = 0;           // number of the first point that is seen to grow
  uint64_t period = 0;          // steps after which it repeats, where it does
  uint64_t repeats = 0;         // rises (or periods) seen: how often the evidence repeats itself
  double chance = 0;            // that an innocent series looks like this growth: 0 on the road of certainty
  bool exact = false;           // by the periodic road
  bool noisy = false;           // by the envelope: survival may still overrule it

  bool grows() const { return is_growth(kind); }
};

// The base and the judged points. All three have the same length; numbers increase strictly.
struct GrowthSeries {
  std::span<const uint64_t> numbers;
  std::span<const int64_t> bytes;
  std::span<const int64_t> blocks;
};

inline constexpr size_t kMinJudged = 20;      // points after warm-up without which nothing is judged
inline constexpr double kConfidence = 0.99;   // of every interval
inline constexpr double kRisk = 0.001;        // of accusing even one innocent of all that are judged together
inline constexpr size_t kMinRisesOfSite = 8;  // of one call site
inline constexpr size_t kMinRisesOfSum = 32;  // of a tag or the process, where innocent one-offs add up

// `min_rises`: how often growth must have repeated where it is not periodic. `risk`: the largest `chance`
// that convicts; who judges many series together grants each its part of kRisk (Bonferroni).
Growth classify_growth(const GrowthSeries& series, size_t min_rises, double risk = kRisk);

// Linear or slow.
GrowthClass class_of_steady_growth(double blocks_per_step);

}  // namespace leakhunt::reports
