// ledger: the table of resident memory, for people. The section of report.txt; the format `ledger`, which
// shows any moment and more of each line, is in formats.h.
#pragma once

#include <iosfwd>
#include <string>

#include "reports/report.h"

namespace leakhunt::reports {

// One line for the figures: "23.9 MB at iteration 9,412: live blocks 18.9 MB, ...".
std::string ledger_figure(const Report& report);

// At the end, beside the peak where that was another. Nothing if no ledger was measured.
void write_ledger_section(const Report& report, std::ostream& out);

}  // namespace leakhunt::reports
