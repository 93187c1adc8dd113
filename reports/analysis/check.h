// check: one sentence of a verdict, with what it weighs.
#pragma once

#include <string>

namespace leakhunt::reports {

enum class CheckState {
  kFailed,
  kTargetFailed,
  kInconclusive,
  kPassed,
  kNotChecked,  // no limit was set, or a note: changes no verdict
};

struct Check {
  CheckState state = CheckState::kNotChecked;
  std::string text;          // a sentence; escaped
  std::string subject = {};  // what was checked: "peak RSS"; the same in every run
};

inline constexpr char kFindingSubject[] = "finding";

}  // namespace leakhunt::reports
