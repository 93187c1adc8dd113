// forecast: when the RSS budget breaks, at the rate that was measured.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/recording/run.h"
#include "reports/analysis/growth.h"
#include "reports/analysis/timeline.h"

namespace leakhunt::reports {

struct Forecast {
  uint64_t steps_left = 0;         // of the clock, from the last point on; 0: it is broken
  uint64_t earliest = 0;           // by the steep end of the interval
  std::optional<uint64_t> latest;  // by the flat end; none if that may never come
  uint64_t at = 0;                 // number of the iteration (or tick)
  std::optional<double> seconds_left;
};

// Of a process that grows and has a budget. The rate is that of resident memory where it grows steadily
// itself, since it is what the budget limits; otherwise that of live memory.
std::optional<Forecast> make_forecast(const recording::Run& run, const Timeline& timeline,
                                      const GrowthMap& growth);

}  // namespace leakhunt::reports
