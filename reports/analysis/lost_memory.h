// lost_memory: what a program had lost when it ended: blocks that nothing leads to any more, by the heap
// graph of its end. Definitely or indirectly lost, in memcheck's words; possibly lost is not counted.
#pragma once

#include <map>
#include <string>

#include "lib/recording/run.h"

namespace leakhunt::reports {

struct LostMemory {
  std::map<recording::SiteId, recording::ReachCount> by_site;  // those that lost any
  std::string why_unknown = {};                                // the end of a sentence; empty: it is known
};

LostMemory lost_at_end(const recording::Run& run);

}  // namespace leakhunt::reports
