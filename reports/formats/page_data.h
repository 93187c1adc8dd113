// page_data: what the HTML page knows. The page itself holds no fact about a run; it only draws.
#pragma once

#include <string>

#include "reports/report.h"

namespace leakhunt::reports {

// JSON in ASCII on one line, fit to stand inside of a <script> element: there is no '<' in it. All names are
// one line of printable text (escape_line). Its parts are described in reports/formats/html/src/data.ts.
std::string page_data(const Report& report);

}  // namespace leakhunt::reports
