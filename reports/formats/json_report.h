// json_report: report.json as a tree of values, for a format that shows the call sites its own way.
#pragma once

#include "reports/formats/json_values.h"
#include "reports/report.h"

namespace leakhunt::reports {

// All of report.json but the call sites and the findings' stacks. Names are as recorded: bytes of them may be
// no UTF-8.
Json report_without_call_sites(const Report& report);

}  // namespace leakhunt::reports
