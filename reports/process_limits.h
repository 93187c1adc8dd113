// process_limits: limits on other processes of a run than the one that was started: on each that runs a
// program, or on all of them together.
#pragma once

#include <vector>

#include "reports/process_tree.h"
#include "reports/report.h"

namespace leakhunt::reports {

// Of one process, `report` being about it: what the limits of `budget` that name its program are measured by.
std::vector<LimitFigure> measure_process_limits(const Report& report, const recording::Budget& budget);

// Adds a check for each limit that names processes, and draws the verdict of `report` anew. `rows` are the
// root and its children with their figures; of `not_read` processes nothing is known, so that no limit can
// pass.
void check_process_limits(Report& report, const std::vector<ProcessRow>& rows, size_t not_read);

}  // namespace leakhunt::reports
