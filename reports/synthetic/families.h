// families: two independent collections of recipes, half of each innocent by number of series.
#pragma once

#include <vector>

#include "reports/synthetic/model.h"

namespace leakhunt::reports::synthetic {

// Each shape that docs/verdicts.md defines, alone and mixed, in wide ranges.
const std::vector<Recipe>& textbook();

// Programs as they are met, object by object: caches, sessions, queues, pools, parsers. Held out: no limit of
// the analysis was set by looking at it.
const std::vector<Recipe>& field();

}  // namespace leakhunt::reports::synthetic
