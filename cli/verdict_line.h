// verdict_line: a verdict and what decided it, for a terminal.
#pragma once

#include <string>

#include "reports/report.h"

namespace leakhunt::cli {

// "fail: live memory grows by ..."; a pass says how far it goes.
std::string verdict_line(const reports::Report& report);

}  // namespace leakhunt::cli
