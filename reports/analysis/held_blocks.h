// held_blocks: what a heap graph says of all blocks, whether they grow or not: how many are held and lost,
// which places lost them, and what goes with each root (docs/heap-graph.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/growth.h"
#include "reports/analysis/retention.h"

namespace leakhunt::reports {

// By Reach.
using ReachCounts = std::array<recording::ReachCount, recording::kReaches>;

struct LostPlace {
  size_t place = 0;  // of GrowthMap::places
  ReachCounts held{};
};

// A variable, the thread-local data or the stack of a thread, ... with all pointers that lie in it.
struct RootHold {
  Holder holder;        // one of its slots
  uint64_t bytes = 0;   // that nothing else holds
  uint64_t blocks = 0;  // it points to
};

struct HeldBlocks {
  const recording::HeapGraph* graph = nullptr;  // null: there was none
  ReachCounts held{};
  std::vector<LostPlace> lost;  // definitely and indirectly lost bytes first, then possibly lost
  // Most bytes first; of a whole graph only. What lies on a stack or in a register counts only where
  // nothing else does: mostly it is passing by.
  std::vector<RootHold> roots;
};

HeldBlocks find_held_blocks(const recording::Run& run, const GrowthMap& growth);

}  // namespace leakhunt::reports
