// families: two independent collections of recipes, half of each innocent by number of series.
#pragma once

#include <vector>

#include "reports/synthetic/model.h"

namespace leakhunt::reports::synthetic {

// Each shape that docs/verdicts.md defines, alone and mixed, in wide ranges.
const std::vector<Recipe>& textbook();

// Programs as they are met, object by object: caches, sessions, queues, pools. Held out: no limit that
// accuses was set by looking at it (docs/verdicts.md says what was).
const std::vector<Recipe>& field();

}  // namespace leakhunt::reports::synthetic
