// growth: who grows after warm-up. Judged bottom up: call sites, then places in the source (one tag and one
// named frame, however many stacks lead there), then tags, then heap and mappings, then the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/attribution.h"
#include "reports/analysis/cut.h"
#include "reports/analysis/growth_class.h"
#include "reports/analysis/survival.h"
#include "reports/analysis/timeline.h"

namespace leakhunt::reports {

// One call site. Indexed by SiteId.
struct SiteGrowth {
  Attribution attribution;
  Growth growth;
  int64_t peak_live_bytes = 0;
  Live end;                         // at Timeline::end_snapshot()
  Live exit;                        // at the last snapshot of all
  double allocations_per_step = 0;  // while judged
  double frees_per_step = 0;
};

// All call sites of one tag and kind that the same source line answers for.
struct Place {
  recording::TagId tag{};
  recording::SiteKind kind{};
  std::vector<recording::SiteId> sites;  // heaviest first: by growth, then by live bytes at the end
  Growth growth;
  std::optional<Survival> survival;  // of places that grow
};

// Indexed by TagId. Nested bytes are a tag's own only when it has nothing else.
struct TagGrowth {
  Growth growth;
  bool nested = false;
  int64_t peak_live_bytes = 0;
  Live end;
  Live exit;
};

struct GrowthMap {
  double risk_each = kRisk;  // of kRisk, for each series that is judged: Bonferroni's part
  std::vector<SiteGrowth> sites;
  std::vector<Place> places;
  std::vector<TagGrowth> tags;
  Growth heap;                         // all kBlock
  Growth mappings;                     // all kMapping
  Growth process;                      // both; what the growth budget is compared with
  Growth rss;                          // resident, without the tracker's own; blocks are pages
  double slack_per_step = 0;           // what resident memory grows beyond live memory: the allocator's slack
  std::vector<int64_t> heap_bytes;     // live, by snapshot
  std::vector<int64_t> mapping_bytes;  // mapped, by snapshot
};

// What these call sites together do: judged as a place is.
Growth growth_of_sites(const recording::Run& run, const Timeline& timeline, const GrowthMap& map,
                       std::span<const recording::SiteId> sites);

GrowthMap measure_growth(const recording::Run& run, const Timeline& timeline);

}  // namespace leakhunt::reports
