#include "reports/analysis/ledger.h"

namespace leakhunt::reports {

Ledger make_ledger(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth) {
  Ledger ledger;
  if (run.snapshots.empty()) return ledger;
  ledger.snapshot = timeline.points.empty() ? run.snapshots.size() - 1 : timeline.points.back();
  const recording::Snapshot& snapshot = run.snapshots[ledger.snapshot];
  ledger.rss_bytes = static_cast<int64_t>(snapshot.rss_bytes);
  ledger.heap_bytes = growth.heap_bytes[ledger.snapshot];
  ledger.mapping_bytes = growth.mapping_bytes[ledger.snapshot];
  ledger.shared_bytes = static_cast<int64_t>(snapshot.shared_bytes);
  ledger.tracker_bytes = static_cast<int64_t>(snapshot.tracker_bytes);
  ledger.unexplained_bytes = ledger.rss_bytes - ledger.heap_bytes - ledger.mapping_bytes -
                             ledger.shared_bytes - ledger.tracker_bytes;
  return ledger;
}

}  // namespace leakhunt::reports
