// words: how a verdict and a check begin, in every report that a person reads.
#pragma once

#include "reports/analysis/verdict.h"

namespace leakhunt::reports {

const char* headline(Verdict verdict);  // "PASS", "FAIL", "INCONCLUSIVE", "TARGET FAILED"
const char* mark_of(CheckState state);  // "  ✓ ", "  ✗ ", "  ? ", "  · "
const char* word_of(CheckState state);  // "passed", "failed", "inconclusive", "note"

}  // namespace leakhunt::reports
