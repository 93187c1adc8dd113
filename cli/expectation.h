// expectation: did a scenario come out as its file says it should? Changes no exit status: a defect that is
// found where it was expected is still a failed run.
#pragma once

#include <string>

#include "reports/report.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

// What there is instead of the finding that is expected; empty: it is there.
std::string missed_finding(const reports::Report& report, const runner::ExpectedFinding& expected);

// What is not as the scenario's file expects, for a person; empty: all is, or nothing is expected. `missed`
// is said by missed_finding() of the run, or of the first that misses it.
std::string unmet_expectation(reports::Verdict verdict, const runner::Schedule& schedule,
                              const std::string& missed);

// A line for the user, with its end: "as expected: ..." or "not as expected: ...". Empty when the scenario
// expects nothing.
std::string compare_with_expectation(reports::Verdict verdict, const runner::Schedule& schedule,
                                     const std::string& missed);

}  // namespace leakhunt::cli
