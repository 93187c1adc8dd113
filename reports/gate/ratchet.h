// ratchet: a baseline may become tighter by itself, and looser only on demand. Every change is a line.
#pragma once

#include <string>
#include <vector>

#include "reports/gate/baseline.h"

namespace leakhunt::reports {

struct BaselineChange {
  std::string text;  // "tag heap: blocks 402 -> 412"; escaped
  bool loosens = false;
};

// What is gated and would change, in the order of the text. Another configuration loosens: nothing of the old
// one is compared any more.
std::vector<BaselineChange> changes_of(const Baseline& from, const Baseline& to);

}  // namespace leakhunt::reports
