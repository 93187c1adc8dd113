// comparison_with_baseline: the checks of a run beside its baseline.
#pragma once

#include "reports/gate/baseline.h"
#include "reports/report.h"

namespace leakhunt::reports {

// Why the run cannot be compared with the baseline at all: it is of another configuration. Empty: it can.
std::string why_not_comparable(const Report& report, const Baseline& baseline);

// Adds a check for each figure that is exceeded, with old, new, what is allowed and the places it comes from;
// one for all that are kept; and one that says what was not compared. Draws the verdict anew. Call it for
// runs that are comparable.
void compare_with_baseline(Report& report, const Baseline& baseline);

// What the resident memory of a run may be: the band of the accepted runs and once more its width, at least a
// hundredth. Nothing, where there is no band.
std::optional<double> allowed_rss(const Baseline& baseline);

}  // namespace leakhunt::reports
