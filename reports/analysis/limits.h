// limits: the budgets of parts of a run, each a check.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/check.h"
#include "reports/analysis/growth.h"
#include "reports/analysis/timeline.h"

namespace leakhunt::reports {

// A figure of one part of a run, or why there is none.
struct Measured {
  std::optional<double> value;
  std::string why_not = {};  // the end of a sentence
  bool is_absent = false;    // nothing of the run is in this part
  double undecided = 0;      // what may have to be added: growth that is not certain
};

Measured measure(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth,
                 const recording::Scope& scope, recording::Cost cost);

// "6.00 MB", "+16 B", "120": an amount of this cost as a person reads it.
std::string cost_text(recording::Cost cost, double amount);

// "Arena::new_chunk (arena.cpp:63)" of a call site: the frame that answers.
std::string place_text(const GrowthMap& growth, recording::SiteId site);

// One value held against its limit. `where` follows the value; `cause` and the owner follow a broken limit. A
// part that is not in the run is inconclusive, unless the limit is optional: a misspelt name must not pass.
Check hold_against(const recording::Limit& limit, const Measured& measured, const std::string& where,
                   const std::string& cause);

// "; the largest part, 3.00 MB, in f (f.cpp:10)" of what a limit is about. Empty: nothing has any of it.
std::string largest_part(const recording::Run& run, const GrowthMap& growth, const recording::Limit& limit);

// Those of the process itself: limits that name processes are process_limits.h's. A limit whose part never
// appeared is inconclusive, unless it is optional: a misspelt name must not pass.
void check_limits(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth,
                  std::vector<Check>& checks);

}  // namespace leakhunt::reports
