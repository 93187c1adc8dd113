// scope: which call sites a limit or a suppression speaks of.
#pragma once

#include <string_view>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

// Does the pattern (* anything, ? any letter) match the whole text, or what follows one of its separators?
// "Tape::record" matches "a::Tape::record", separated by "::".
bool matches_name(std::string_view pattern, std::string_view text, std::string_view separator);

// Everything given has to match; `function` and `file` in the same frame.
bool is_in_scope(const recording::Run& run, const GrowthMap& growth, recording::SiteId site,
                 const recording::Scope& scope);

// In the order of their ids. Of a tag that is nested in memory counted elsewhere its nested sites, otherwise
// blocks and mappings; of the process its blocks alone.
std::vector<recording::SiteId> sites_in_scope(const recording::Run& run, const GrowthMap& growth,
                                              const recording::Scope& scope);

}  // namespace leakhunt::reports
