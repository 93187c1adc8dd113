// survival: what became of the blocks, by the iteration of their birth. Growth whose survivors come from
// every iteration is a leak; growth whose survivors are all young is turnover: old ones die when new ones
// come.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/timeline.h"

namespace leakhunt::reports {

struct Survival {
  uint64_t live_blocks = 0;         // at the newest table of births
  uint64_t born_judged = 0;         // of them: born after warm-up
  uint64_t born_in_first_half = 0;  // of those: in the first half of the judged iterations
  uint64_t oldest_judged = 0;       // birth of the oldest of them

  // Enough survivors, and hardly one from the first half.
  bool is_turnover() const { return born_judged >= 16 && born_in_first_half * 10 < born_judged; }
};

// Of the sites together. Nothing when no table of births was recorded near the end of the judged iterations.
std::optional<Survival> measure_survival(const recording::Run& run, const Timeline& timeline,
                                         std::span<const recording::SiteId> sites);

}  // namespace leakhunt::reports
