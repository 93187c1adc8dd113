// expectation: did a scenario come out as its file says it should? Changes no exit status: a defect that is
// found where it was expected is still a failed run.
#pragma once

#include <string>

#include "reports/report.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

// A line for the user, with its end: "as expected: ..." or "not as expected: ...". Empty when the scenario
// expects nothing.
std::string compare_with_expectation(const reports::Report& report, const runner::ExpectedFinding& finding);

}  // namespace leakhunt::cli
