// freed_twins: where the siblings of blocks that stay are freed. A call site that frees nearly all it takes
// has a way on which it does not; what it does with the others is where to look.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/attribution.h"

namespace leakhunt::reports {

// A place in the program that frees them.
struct FreedAt {
  StackFrame frame;
  uint64_t samples = 0;
};

struct FreedTwins {
  uint64_t freed = 0;  // blocks, up to the last snapshot; exact
  uint64_t kept = 0;
  uint64_t looked_at = 0;       // of the frees: a sample, which may be empty
  std::vector<FreedAt> places;  // most first
};

FreedTwins find_freed_twins(const recording::Run& run, const std::vector<recording::SiteId>& sites);

}  // namespace leakhunt::reports
