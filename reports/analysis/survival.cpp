#include "reports/analysis/survival.h"

#include <algorithm>

namespace leakhunt::reports {

std::optional<Survival> measure_survival(const recording::Run& run, const Timeline& timeline,
                                         std::span<const recording::SiteId> sites) {
  if (run.cohorts.empty() || timeline.judged() == 0) return std::nullopt;
  const recording::Cohorts& newest = run.cohorts.back();
  const uint64_t first = timeline.numbers[timeline.base] + 1;
  const uint64_t last = timeline.numbers.back();
  const uint64_t middle = first + (last - first) / 2;
  if (newest.iteration < first + (last - first) / 4 * 3) return std::nullopt;

  Survival survival;
  survival.oldest_judged = last;
  const auto before = [](const recording::Cohort& row, recording::SiteId site) { return row.site < site; };
  for (const recording::SiteId site : sites) {
    auto row = std::lower_bound(newest.rows.begin(), newest.rows.end(), site, before);
    for (; row != newest.rows.end() && row->site == site; ++row) {
      survival.live_blocks += row->blocks;
      if (row->birth < first) continue;
      survival.born_judged += row->blocks;
      survival.oldest_judged = std::min(survival.oldest_judged, row->birth);
      if (row->birth <= middle) survival.born_in_first_half += row->blocks;
    }
  }
  return survival;
}

}  // namespace leakhunt::reports
