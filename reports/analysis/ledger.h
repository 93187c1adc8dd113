// ledger: what resident memory consists of, as far as the recording knows. What is left over is said.
#pragma once

#include <cstdint>

#include "lib/recording/run.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

// At one snapshot. heap + mappings + shared + tracker + unexplained = rss. `unexplained` is the allocator's
// slack, the stacks and modules' private pages; it is negative where mapped pages were never touched.
struct Ledger {
  size_t snapshot = 0;
  int64_t rss_bytes = 0;
  int64_t heap_bytes = 0;
  int64_t mapping_bytes = 0;  // address space, resident or not
  int64_t shared_bytes = 0;   // file-backed and shared pages
  int64_t tracker_bytes = 0;
  int64_t unexplained_bytes = 0;
};

// At the last snapshot in which the process was alive and well: the last of the clock, or simply the last.
Ledger make_ledger(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth);

}  // namespace leakhunt::reports
