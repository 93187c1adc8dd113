// growth_start: the iteration in which growth began: that of the first block of its kind.
#pragma once

#include <cstdint>
#include <span>

#include "reports/analysis/growth_class.h"

namespace leakhunt::reports {

// `series` are all points, those of the warm-up, too; from `since` on it is known to grow steadily. Goes back
// from there, rise by rise, as long as they come at that rate: not after a longer silence than there is
// between any two (or than chance allows), not out of a crowd of them, not over a fall. A series that falls
// behind `since` keeps it.
uint64_t start_of_growth(const GrowthSeries& series, uint64_t since);

}  // namespace leakhunt::reports
