// json_report: report.json as a tree of values, for a format that shows the call sites its own way.
#pragma once

#include <span>

#include "lib/recording/run.h"
#include "reports/formats/json_values.h"
#include "reports/report.h"

namespace leakhunt::reports {

// All of report.json but the call sites and the findings' stacks. Names are as recorded: bytes of them may be
// no UTF-8.
Json report_without_call_sites(const Report& report);

// "heap_graph": all blocks of the last heap graph, held and lost; null if none was taken.
Json held_blocks_json(const Report& report);
// A count for each Reach, by its word.
Json reach_json(std::span<const recording::ReachCount> held);

}  // namespace leakhunt::reports
