// held_blocks: all blocks of the last heap graph as a section of report.txt: held and lost, where the lost
// ones come from, what goes with each root.
#pragma once

#include <iosfwd>

#include "reports/report.h"

namespace leakhunt::reports {

// Nothing if no graph was taken.
void write_held_blocks(const Report& report, std::ostream& out);

}  // namespace leakhunt::reports
