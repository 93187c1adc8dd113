// Tracker, continued: what the program itself may ask, in the middle of a run: what its heap has done so far.
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

// The peak since the last snapshot is taken out of the gauge, so that a new one begins, and kept for both who
// ask for it: the next snapshot, and the next call. What the calling thread holds back is poured first; of
// other threads' the bound of peaks.h holds.
void Tracker::sum_up_heap(ThreadState* thread, HeapUse* use, bool restart_peak) {
  *use = {};
  const uint32_t sites = sites_.count();
  for (const ThreadState* each = all_thread_states(); each != nullptr; each = each->next) {
    for (uint32_t site = 0; site < sites; ++site) {
      if (site_infos_[site].kind == SiteKind::kBlock) each->rows.add_to(SiteId{site}, &use->counters);
    }
  }
  thread->heap_peak.pour(heap_gauge_);
  take_heap_peak();
  use->peak_bytes = asked_peak_ > 0 ? static_cast<uint64_t>(asked_peak_) : 0;
  if (restart_peak) asked_peak_ = load_relaxed(heap_gauge_.live);
}

// Out of the gauge, to those who wait for it.
void Tracker::take_heap_peak() {
  const int64_t peak = heap_gauge_.take_peak();
  if (peak > snapshot_peak_) snapshot_peak_ = peak;
  if (peak > asked_peak_) asked_peak_ = peak;
}

}  // namespace leakhunt::tracker
