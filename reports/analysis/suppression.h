// suppression: findings that are known and forgiven until a day. The day is that of the run, so that a
// recording has the same verdict for ever.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/check.h"
#include "reports/analysis/finding.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

// Which one of the budget forgives these call sites, all of them; none, if there are none.
std::optional<size_t> suppression_of(const recording::Run& run, const GrowthMap& growth,
                                     std::span<const recording::SiteId> sites);

// Fills Finding::suppression.
void suppress(const recording::Run& run, const GrowthMap& growth, std::vector<Finding>& findings);

// Growth of the findings that are forgiven, and of the others.
double suppressed_bytes_per_step(const std::vector<Finding>& findings);
double unsuppressed_bytes_per_step(const std::vector<Finding>& findings);

// A sentence for each that has expired, forgives nothing any more, or forgave something.
void check_suppressions(const recording::Run& run, const std::vector<Finding>& findings,
                        std::vector<Check>& checks);

}  // namespace leakhunt::reports
