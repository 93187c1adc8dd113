// undecided: places that rise to the end, too few or too uneven times to tell a leak from a cache that is not
// full yet. They are accused of nothing, and no growth budget is kept while they could break it.
#pragma once

#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

// From so many bytes per iteration on an undecided place matters: 16 bytes in 10 iterations, the smallest
// leak that verdicts promise to find (docs/verdicts.md). Below it lie the one-offs of any larger program.
inline constexpr double kLeastUndecided = 1.6;

// Undecided, at least so steep, and not forgiven: steepest first. Nested bytes are in no total.
std::vector<const Place*> undecided_places(const recording::Run& run, const GrowthMap& growth);

// What they rise together, on average of the judged time: per iteration.
double undecided_bytes_per_step(const std::vector<const Place*>& places);
double undecided_blocks_per_step(const std::vector<const Place*>& places);

}  // namespace leakhunt::reports
