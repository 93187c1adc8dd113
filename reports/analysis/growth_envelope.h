// growth_envelope: the road of series that fall, too. What rises under all that comes and goes is the lower
// envelope.
#pragma once

#include <cstddef>
#include <optional>

#include "reports/analysis/growth_class.h"

namespace leakhunt::reports {

// Steady growth of the envelope; kFilling where it rises and dies away; otherwise nothing.
std::optional<Growth> judge_envelope(const GrowthSeries& series, size_t min_rises, double risk);

}  // namespace leakhunt::reports
