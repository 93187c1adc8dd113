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

// A limit whose part never appeared is inconclusive, unless it is optional: a misspelt name must not pass.
void check_limits(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth,
                  std::vector<Check>& checks);

}  // namespace leakhunt::reports
