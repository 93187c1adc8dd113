// diagnosis: does a report say of a defect what its scenario's [[diagnosis]] expects: tag, place, class,
// slope, what holds the blocks? Each part is looked at; what is wrong is named with what is there instead.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/runner/diagnosis.h"

namespace leakhunt::cli {

struct DiagnosisRow {
  std::string tag;
  std::vector<std::string> right;  // "class linear", "+8.40 MB per iteration"
  std::vector<std::string> wrong;  // "class slow instead of linear"
};

// A row each.
std::vector<DiagnosisRow> compare_diagnoses(const reports::Report& report,
                                            const std::vector<runner::ExpectedDiagnosis>& expected);

// All that is wrong, in one line; empty: nothing is.
std::string wrong_diagnosis(const std::vector<DiagnosisRow>& rows);

}  // namespace leakhunt::cli
