// dominators: what would go with each block of a heap graph. A block is dominated by another if every way
// from a root leads through that one; what a block retains is itself and all that it dominates.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// O(edges x log(nodes)). Bytes by node; 0 for those that no root reaches. Means something for whole graphs
// only.
std::vector<uint64_t> retained_bytes(const recording::HeapGraph& graph);

}  // namespace leakhunt::reports
