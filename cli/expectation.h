// expectation: did a scenario come out as its file says it should? Changes no exit status: a defect that is
// found where it was expected is still a failed run.
#pragma once

#include <string>
#include <vector>

#include "cli/diagnosis.h"
#include "reports/report.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

// Which finding, reason or diagnosis is expected, and what there is instead, as a sentence; empty: it is
// there. `where` is said of one of several runs: "with leak 1000, ".
std::string missed_finding(const reports::Report& report, const runner::Schedule& schedule,
                           const std::string& where = "");

// So of the reason alone, which may be that of several runs together.
std::string missed_reason(const std::vector<reports::Check>& checks, const runner::Schedule& schedule,
                          const std::string& where = "");

// So of diagnoses: compare_diagnoses() says what is wrong.
std::string missed_diagnosis(const std::vector<DiagnosisRow>& rows);

// What is not as the scenario's file expects, for a person; empty: all is, or nothing is expected. `missed`
// is said by missed_finding() of the run, or of the first that misses it.
std::string unmet_expectation(reports::Verdict verdict, const runner::Schedule& schedule,
                              const std::string& missed);

// A line for the user, with its end: "as expected: ..." or "not as expected: ...". Empty when the scenario
// expects nothing.
std::string compare_with_expectation(reports::Verdict verdict, const runner::Schedule& schedule,
                                     const std::string& missed);

}  // namespace leakhunt::cli
