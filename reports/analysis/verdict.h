// verdict: a list of checks, each with its figure and its limit, and what they come to together. Nothing
// passes in silence: what could not be checked is a line of its own. docs/verdicts.md is the prose.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/check.h"
#include "reports/analysis/finding.h"
#include "reports/analysis/growth.h"
#include "reports/analysis/timeline.h"

namespace leakhunt::reports {

enum class Verdict { kPass, kFail, kInconclusive, kTargetFailed };

// "pass", "fail", "inconclusive"; a target that failed is "inconclusive" in JSON, whose values are fixed.
std::string_view to_string(Verdict verdict);

struct Judgement {
  Verdict verdict = Verdict::kInconclusive;
  std::vector<Check> checks;  // what decides first, then in the order of CheckState
};

// The larger of what the target saw (snapshots), what the runner saw, and the kernel's own maximum.
uint64_t peak_rss_bytes(const recording::Run& run);

// Sorts the checks, of which there is at least one, and draws the verdict from them.
void conclude(Judgement& judgement);

Judgement judge(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth,
                const std::vector<Finding>& findings);

}  // namespace leakhunt::reports
