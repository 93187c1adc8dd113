// finding: what the report accuses, and with what evidence.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/freed_twins.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

enum class FindingKind {
  kLeak,    // concluded: a place in the program keeps more with every iteration
  kGrowth,  // measured: without iterations, without one place that explains it, or of blocks that do die
};

std::string_view to_string(FindingKind kind);

struct Finding {
  FindingKind kind = FindingKind::kLeak;
  std::optional<recording::TagId> tag;  // none: the process as a whole
  std::vector<recording::SiteId>
      sites;  // heaviest first; the first one's stack is shown. Empty: no one place
  Growth growth;
  std::optional<Survival> survival;
  Keeping keeping = Keeping::kUnknown;
  FreedTwins twins;
  double allocations_per_step = 0;  // of all its sites together
  double frees_per_step = 0;
  double share = 1;  // of the growth of all findings
};

// Sorted by slope, steepest first.
std::vector<Finding> find_growth(const Timeline& timeline, const GrowthMap& growth);

}  // namespace leakhunt::reports
