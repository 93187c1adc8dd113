#include "reports/formats/words.h"

namespace leakhunt::reports {

const char* headline(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "PASS";
    case Verdict::kFail:
      return "FAIL";
    case Verdict::kInconclusive:
      return "INCONCLUSIVE";
    case Verdict::kTargetFailed:
      return "TARGET FAILED";
  }
  return "INCONCLUSIVE";
}

const char* mark_of(CheckState state) {
  switch (state) {
    case CheckState::kFailed:
    case CheckState::kTargetFailed:
      return "  ✗ ";
    case CheckState::kInconclusive:
      return "  ? ";
    case CheckState::kPassed:
      return "  ✓ ";
    case CheckState::kNotChecked:
      return "  · ";
  }
  return "  · ";
}

const char* word_of(CheckState state) {
  switch (state) {
    case CheckState::kFailed:
    case CheckState::kTargetFailed:
      return "failed";
    case CheckState::kInconclusive:
      return "inconclusive";
    case CheckState::kPassed:
      return "passed";
    case CheckState::kNotChecked:
      return "note";
  }
  return "note";
}

}  // namespace leakhunt::reports
