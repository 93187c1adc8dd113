// massif_tree: the heap of one snapshot as massif writes it: one node a line, children indented by one space.
//
//   n2: 3000 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
//    n1: 2000 0x0: tag arena.chunk (tags)                    first level: what the bytes are for
//     n0: 2000 0x4011B0: Arena::new_chunk() (arena.cpp:44)   then the stack, innermost first
//    n0: 1000 in 7 places, all below massif's threshold (1.00%)
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>

#include "reports/report.h"

namespace leakhunt::reports {

// Writes the tree of all kBlock sites. `live_bytes` is indexed by SiteId. Nodes below 1 % of the total are
// summed up.
void write_massif_tree(const Report& report, std::span<const int64_t> live_bytes, std::ostream& out);

// What the root of that tree will say: the sum of all sites that hold something.
int64_t massif_tree_total(const recording::Run& run, std::span<const int64_t> live_bytes);

}  // namespace leakhunt::reports
