// growth_rises: the road of series that never fall. Rises at any distance and of any size count as steady
// growth when their rate is shown not to die away.
#pragma once

#include <cstddef>
#include <optional>

#include "reports/analysis/growth_class.h"

namespace leakhunt::reports {

// Linear, slow or super-linear growth, from the start or from a later point on; otherwise nothing.
std::optional<Growth> judge_rises(const GrowthSeries& series, size_t min_rises, double risk);

// The same of marks that came late, several in one: growth where the points lie on one line all the same.
std::optional<Growth> judge_straight(const GrowthSeries& series);

}  // namespace leakhunt::reports
